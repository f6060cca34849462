//! Where data goes and how it is written.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use trueup_manifest::Diagnostics;
use trueup_yaml::{Document, Source, emit};

use super::{console::Console, exit::Failure};

/// How data is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For a person
    #[default]
    Text,
    /// JSON
    Json,
    /// YAML
    Yaml,
}

/// `--output`, where it says the format only.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct FormatArg {
    /// How the result is written on standard output
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub(super) format: Format,
}

/// `--output`, where it may also name a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Format(Format),
    Path(PathBuf),
}

/// Reads `text`, `json` or `yaml` as a format and anything else as a path.
pub(super) fn target(text: &str) -> Result<Target, String> {
    Ok(match text {
        "text" => Target::Format(Format::Text),
        "json" => Target::Format(Format::Json),
        "yaml" => Target::Format(Format::Yaml),
        "" => return Err("a path or one of `text`, `json` and `yaml`".to_owned()),
        path => Target::Path(path.into()),
    })
}

/// A value as JSON for a person and a program to read, with a line end.
pub(super) fn json(value: &impl Serialize) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(failed)?;
    text.push('\n');
    Ok(text)
}

/// Writes a value as data in a format other than text.
pub(super) fn structured(
    console: &Console,
    format: Format,
    value: &impl Serialize,
) -> Result<(), Failure> {
    let mut text = json(value)?;
    if format == Format::Yaml {
        // JSON is YAML: read, and printed as kubectl would.
        let source = Source::new("the result", text);
        let documents = Document::parse(&source).map_err(Diagnostics::from)?;
        text = String::new();
        for doc in &documents {
            emit::sigs(doc, doc.root(), &mut text).map_err(failed)?;
        }
    }
    console.data(&text)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new("cli/write", format!("cannot write the result: {error}"))
}
