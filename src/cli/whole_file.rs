//! Files that are there as they should be, or as they were: never half written, whatever ends the program or
//! fills the disk.

use std::{fs, io::Write, path::Path};

use super::exit::Failure;

/// Writes a file in place of the one that is there, which stays as it is where that fails.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| Failure::write(&format!("`{}`", path.display()), error);
    // Through a link to what it names; a pipe or a device cannot be replaced.
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let existing = fs::metadata(&place).ok();
    if existing.as_ref().is_some_and(|file| !file.is_file()) {
        return fs::write(&place, text).map_err(|error| failed(&error));
    }
    let folder = place
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let written = beside(
        folder.unwrap_or_else(|| Path::new(".")),
        text,
        existing.as_ref(),
    );
    let file = written.map_err(|error| failed(&error))?;
    file.persist(&place).map_err(|error| failed(&error.error))?;
    Ok(())
}

/// A file with the rights of the one it is to replace, its content safe on the disk.
fn beside(
    folder: &Path,
    text: &str,
    existing: Option<&fs::Metadata>,
) -> std::io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    // What the process's own mask leaves of these is what any new file gets.
    builder
        .prefix(".trueup-")
        .permissions(fs::Permissions::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Some(existing) = existing {
        file.as_file().set_permissions(existing.permissions())?;
    }
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_keeps_its_rights_and_a_link_its_target() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            2,
            "nothing is left beside"
        );
    }

    #[test]
    fn what_cannot_be_replaced_is_written_to() {
        write(Path::new("/dev/null"), "text").unwrap();
        assert!(write(Path::new("/dev/full"), "text").is_err());
        assert!(write(Path::new("/nowhere/at/all"), "text").is_err());
    }
}
