//! What a person or a script sees: data on standard output, messages on standard error.

use std::{
    fs::File,
    io::{self, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::MetadataExt,
    },
};

use trueup_manifest::{Alike, Diagnostic, Diagnostics};

use super::{exit::Failure, global::Global};

/// The two streams, and whether each takes colour.
#[derive(Debug)]
pub(super) struct Console {
    out: io::Stdout,
    err: io::Stderr,
    color_data: bool,
    color_messages: bool,
    is_one_stream: bool,
}

impl Console {
    pub(super) fn new(global: &Global) -> Self {
        Self {
            out: io::stdout(),
            err: io::stderr(),
            color_data: global.color(&io::stdout()),
            color_messages: global.color(&io::stderr()),
            is_one_stream: is_one_stream().unwrap_or(false),
        }
    }

    /// Writes data.
    pub(super) fn data(&self, text: &str) -> Result<(), Failure> {
        self.pieces(&[text])
    }

    /// Writes data that comes in pieces.
    pub(super) fn pieces(&self, pieces: &[impl AsRef<str>]) -> Result<(), Failure> {
        // Standard output writes each line on its own otherwise.
        let mut out = io::BufWriter::with_capacity(64 << 10, self.out.lock());
        pieces
            .iter()
            .try_for_each(|piece| out.write_all(piece.as_ref().as_bytes()))
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
        for finding in Alike::group(warnings.into_iter().chain(errors)) {
            self.message(&finding.render(self.color_messages));
            self.message("");
        }
    }

    /// Tells findings and how many there are.
    pub(super) fn report(&self, findings: &Diagnostics) {
        self.findings(findings);
        self.message(&summary(findings));
    }

    /// Whether data and messages go to the same terminal, pipe or file.
    pub(super) fn is_one_stream(&self) -> bool {
        self.is_one_stream
    }

    /// Whether data may hold colour.
    pub(super) fn color_data(&self) -> bool {
        self.color_data
    }
}

fn is_one_stream() -> io::Result<bool> {
    let place = |stream: BorrowedFd<'_>| {
        let about = File::from(stream.try_clone_to_owned()?).metadata()?;
        Ok::<_, io::Error>((about.dev(), about.ino(), about.rdev()))
    };
    Ok(place(io::stdout().as_fd())? == place(io::stderr().as_fd())?)
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

/// What a piece of text is about; colour only repeats what its sign says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Nothing in particular.
    Plain,
    /// What is new.
    Added,
    /// What is otherwise.
    Changed,
    /// What is gone.
    Removed,
    /// A place.
    Place,
}

impl Style {
    /// The text in the colour of the style, where colour is wanted.
    pub(super) fn paint(self, text: &str, color: bool) -> String {
        let code = match self {
            Self::Added => "32",
            Self::Changed => "33",
            Self::Removed => "31",
            Self::Place => "36",
            Self::Plain => return text.to_owned(),
        };
        if color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
