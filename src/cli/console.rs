//! What a person or a script sees: data on standard output, messages on standard error.

use std::io::{self, Write};

use trueup_manifest::{Diagnostic, Diagnostics};

use super::{
    exit::{Exit, Failure},
    global::Global,
};

/// The two streams, and whether messages take colour.
#[derive(Debug)]
pub(super) struct Console {
    out: io::Stdout,
    err: io::Stderr,
    color_messages: bool,
}

impl Console {
    pub(super) fn new(global: &Global) -> Self {
        Self {
            out: io::stdout(),
            err: io::stderr(),
            color_messages: global.color(&io::stderr()),
        }
    }

    /// Writes data.
    pub(super) fn data(&self, text: &str) -> Result<(), Failure> {
        let mut out = self.out.lock();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(|error| Failure::write("to standard output", &error))
    }

    /// Writes a line for the person. A failure to do so cannot be told to anybody.
    pub(super) fn message(&self, text: &str) {
        let _ = writeln!(self.err.lock(), "{text}");
    }

    /// Tells findings, the warnings first so that the errors are the last thing to be seen.
    pub(super) fn findings<'a>(&self, findings: impl IntoIterator<Item = &'a Diagnostic>) {
        let (errors, warnings): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| finding.is_error());
        for finding in warnings.into_iter().chain(errors) {
            self.message(&finding.render(self.color_messages));
            self.message("");
        }
    }

    /// Tells why a command failed, and gives the exit code for it.
    pub(super) fn failure(&self, failure: &Failure) -> Exit {
        match failure {
            Failure::ReaderGone => Exit::Done,
            Failure::Findings(findings) => {
                self.findings(findings);
                self.message(&summary(findings));
                Exit::Failed
            }
        }
    }
}

/// `2 errors, 1 warning`.
pub(super) fn summary(findings: &Diagnostics) -> String {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = findings.len() - errors;
    match (errors, warnings) {
        (errors, 0) => count(errors, "error"),
        (0, warnings) => count(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
    }
}

/// `1 error`, `2 errors`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
