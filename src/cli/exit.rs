//! How a command ends.

use std::{io, process::ExitCode};

use trueup_manifest::{Diagnostic, Diagnostics, TreeError};

use crate::source::SourceError;

/// The exit codes, the same for every command but where its help says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; nothing to do; no difference.
    Done,
    /// It failed.
    Failed,
    /// There is a difference, and differences were asked for.
    Differs,
    /// Changes are pending, and were only to be told.
    Pending,
    /// It failed, where 1 has a meaning of its own.
    Trouble,
    /// The arguments make no sense. Not 2, which has a meaning of its own for some commands.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed | Exit::Differs => 1,
            Exit::Pending | Exit::Trouble => 2,
            Exit::Usage => 64,
        })
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something is wrong with what it was given.
    Findings(Diagnostics),
    /// Whoever read our output has had enough.
    ReaderGone,
}

impl Failure {
    /// A failure that has no place in a file.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Diagnostic::error(code, message).into()
    }

    /// A failed write to standard output or a file.
    pub(crate) fn write(what: &str, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        Self::new("cli/write", format!("cannot write {what}: {error}"))
    }
}

impl From<Diagnostics> for Failure {
    fn from(findings: Diagnostics) -> Self {
        Self::Findings(findings)
    }
}

impl From<Diagnostic> for Failure {
    fn from(finding: Diagnostic) -> Self {
        Self::Findings(finding.into())
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let finding = Diagnostic::error(error.code(), error.to_string());
        match error.help() {
            Some(help) => finding.help(help).into(),
            None => finding.into(),
        }
    }
}

impl From<TreeError> for Failure {
    fn from(error: TreeError) -> Self {
        Diagnostic::from(error).into()
    }
}
