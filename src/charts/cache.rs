//! Archives that were fetched, on this machine.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use sha2::{Digest, Sha256};

use super::{Packed, Wanted};

pub(super) struct Cache {
    root: PathBuf,
}

impl Cache {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder of a chart of a repository. Names are hashed, as they may hold anything.
    fn folder(&self, wanted: &Wanted) -> PathBuf {
        let key = format!("{}\n{}", wanted.repository, wanted.name);
        self.root.join(format!("{:x}", Sha256::digest(key)))
    }

    /// All versions that are kept.
    pub(super) fn versions(&self, wanted: &Wanted) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder(wanted)) else {
            return Vec::new();
        };
        let name = |entry: io::Result<fs::DirEntry>| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            Some(name.strip_suffix(".tgz")?.to_owned())
        };
        entries.filter_map(name).collect()
    }

    /// An archive that is whole: its digest stands beside it.
    pub(super) fn get(&self, wanted: &Wanted, version: &str) -> Option<Packed> {
        let folder = self.folder(wanted);
        let archive = fs::read(folder.join(format!("{version}.tgz"))).ok()?;
        let digest = fs::read_to_string(folder.join(format!("{version}.sha256"))).ok()?;
        let is_whole = format!("{:x}", Sha256::digest(&archive)) == digest;
        is_whole.then(|| Packed {
            version: version.to_owned(),
            archive: archive.into(),
        })
    }

    /// Keeps an archive. One that cannot be kept is missed only by a later run without a network.
    pub(super) fn keep(&self, wanted: &Wanted, packed: &Packed) {
        // A version that is no name of a file comes from a repository that means no good.
        if packed.version.contains(['/', '\\']) || packed.version.starts_with('.') {
            return;
        }
        let folder = self.folder(wanted);
        let write = |name: &str, data: &[u8]| -> io::Result<()> {
            fs::create_dir_all(&folder)?;
            let mut temporary = tempfile::NamedTempFile::new_in(&folder)?;
            temporary.write_all(data)?;
            temporary.persist(folder.join(name))?;
            Ok(())
        };
        let digest = format!("{:x}", Sha256::digest(&packed.archive));
        let version = &packed.version;
        let kept = write(&format!("{version}.tgz"), &packed.archive)
            .and_then(|()| write(&format!("{version}.sha256"), digest.as_bytes()));
        if let Err(error) = kept {
            tracing::debug!(folder = %folder.display(), %error, "cannot keep a chart");
        }
    }
}
