//! The reference estate, as it was when the program was built.

use std::{fs, io, path::Path};

use include_dir::{Dir, DirEntry, include_dir};

static BASES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/bases");
static OVERLAYS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/overlays");
static ENVIRONMENTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/environments");

/// Writes the estate below a folder; gives how many files there are.
pub(super) fn write_to(folder: &Path) -> io::Result<usize> {
    let mut files = 0;
    for (name, dir) in [
        ("bases", &BASES),
        ("overlays", &OVERLAYS),
        ("environments", &ENVIRONMENTS),
    ] {
        files += write_dir(dir, &folder.join(name))?;
    }
    Ok(files)
}

fn write_dir(dir: &Dir<'_>, to: &Path) -> io::Result<usize> {
    fs::create_dir_all(to)?;
    let mut files = 0;
    for entry in dir.entries() {
        let Some(name) = entry.path().file_name() else {
            continue;
        };
        match entry {
            DirEntry::Dir(inner) => files += write_dir(inner, &to.join(name))?,
            DirEntry::File(file) => {
                fs::write(to.join(name), file.contents())?;
                files += 1;
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::PathBuf};

    use super::*;

    fn files(folder: &Path, root: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, root, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }

    #[test]
    fn the_demo_ships_the_estate_of_this_repository_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let count = write_to(dir.path()).unwrap();
        let (mut shipped, mut here) = (BTreeMap::new(), BTreeMap::new());
        files(dir.path(), dir.path(), &mut shipped);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["bases", "overlays", "environments"] {
            files(&root.join(folder), root, &mut here);
        }
        assert_eq!(
            shipped.keys().collect::<Vec<_>>(),
            here.keys().collect::<Vec<_>>()
        );
        assert!(
            shipped == here,
            "a file differs from the one in the repository"
        );
        assert_eq!(count, here.len());
    }
}
