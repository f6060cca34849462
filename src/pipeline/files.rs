//! The files of an environment that has a source of its own.

use trueup_manifest::{Diagnostic, Diagnostics};

use crate::{
    config::Environment,
    source::{GitSource, Snapshot, Source, SourceError},
};

/// How fresh the files of an environment's own source have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// The newest revision: the source is asked.
    Newest,
    /// Those that an earlier run left on this machine: nothing is asked.
    Kept,
}

/// The files of the source that an environment names; none where it names none, so that its files
/// are those of the repository of its own file.
pub async fn own_files(
    environment: &Environment,
    fetch: Fetch,
) -> Result<Option<Snapshot>, Diagnostics> {
    let Some(source) = &environment.source else {
        return Ok(None);
    };
    let finding = |error: &SourceError| {
        let finding =
            Diagnostic::error(error.code(), error.to_string()).at(source.location.clone());
        Diagnostics::from(match error.help() {
            Some(help) => finding.help(help),
            None => finding,
        })
    };
    let git = GitSource::open((*source.git).clone()).map_err(|error| finding(&error))?;
    match fetch {
        Fetch::Newest => {
            let polled = git.poll().await.map_err(|error| finding(&error))?;
            Ok(Some(polled.snapshot))
        }
        Fetch::Kept => match git.recall().await {
            Some(snapshot) => Ok(Some(snapshot)),
            None => Err(Diagnostic::error(
                "source/not-kept",
                format!("`{}` was never fetched on this machine", git.describe()),
            )
            .at(source.location.clone())
            .help(format!("`trueup render {}` fetches it", environment.name))
            .into()),
        },
    }
}
