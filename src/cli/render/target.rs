//! Whether a person means an environment or a folder.

use std::path::Path;

use trueup_manifest::Diagnostic;

use crate::cli::{exit::Failure, global::Global, repository::Repository};

/// What is to be rendered.
pub(in crate::cli) enum What {
    Environment(Box<Repository>),
    Folder,
}

/// A path (with a slash, or `.` or `..`) is a folder; a bare word is an environment or a folder,
/// whichever there is, and never guessed where there are both.
pub(in crate::cli) fn decide(what: &str, global: &Global) -> Result<What, Failure> {
    if what.contains('/') || what == "." || what == ".." {
        return Ok(What::Folder);
    }
    let is_folder = Path::new(what).is_dir();
    let repository = match Repository::open(global) {
        Ok(repository) => repository,
        Err(_) if is_folder => return Ok(What::Folder),
        Err(failure) => return Err(failure),
    };
    let is_environment = repository.config.knows(what);
    match (is_environment, is_folder) {
        (true, true) => Err(Diagnostic::error(
            "cli/ambiguous",
            format!("`{what}` is an environment and a folder"),
        )
        .help(format!(
            "write `./{what}` for the folder; for the environment, go to another folder or use `-C`"
        ))
        .into()),
        (false, true) => Ok(What::Folder),
        // Where it is neither, the error is about the environment, with the names there are.
        (_, false) => Ok(What::Environment(Box::new(repository))),
    }
}
