//! The folder that the demo lives in.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{DemoError, repository::about};

/// A folder for the demo's files: a temporary one, or one to be kept.
#[derive(Debug)]
pub(super) enum Home {
    /// Removed with this value.
    Temporary(TempDir),
    /// Stays.
    Kept(PathBuf),
}

impl Home {
    /// Makes the folder; one that is to be kept must be empty or not there yet.
    pub(super) fn make(keep: Option<&Path>) -> Result<Self, DemoError> {
        let Some(folder) = keep else {
            let made = tempfile::Builder::new().prefix("trueup-demo-").tempdir();
            return made
                .map(Self::Temporary)
                .map_err(|error| about(&std::env::temp_dir(), error));
        };
        fs::create_dir_all(folder).map_err(|error| about(folder, error))?;
        let real = folder
            .canonicalize()
            .map_err(|error| about(folder, error))?;
        let mut entries = fs::read_dir(&real).map_err(|error| about(folder, error))?;
        match entries.next() {
            None => Ok(Self::Kept(real)),
            Some(Ok(_)) => Err(DemoError::NotEmpty {
                path: folder.to_owned(),
            }),
            Some(Err(error)) => Err(about(folder, error)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_to_keep_is_never_one_with_something_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let new = dir.path().join("new");
        assert!(Home::make(Some(&new)).unwrap().path().is_dir());
        assert!(Home::make(Some(&new)).is_ok(), "still empty");
        fs::write(new.join("x"), "").unwrap();
        let error = Home::make(Some(&new)).unwrap_err();
        assert!(matches!(error, DemoError::NotEmpty { .. }), "{error}");
    }

    #[test]
    fn a_temporary_folder_goes_with_the_demo() {
        let home = Home::make(None).unwrap();
        let path = home.path().to_owned();
        assert!(path.is_dir());
        drop(home);
        assert!(!path.exists());
    }
}
