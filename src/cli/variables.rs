//! `trueup variables`: says which values an environment's variables have, and who gave them.

use std::fmt::Write;

use clap::Args as ClapArgs;
use serde::Serialize;
use trueup_manifest::{Diagnostic, nearest};

use super::{
    console::Console,
    exit::{Exit, Failure},
    global::Global,
    output::{self, Format, FormatArg},
    repository::Repository,
};
use crate::config::{Given, Variables};

/// Say which values an environment's variables have, and who gave them
///
/// Shows every value that was given to a variable, the one in force first, with the place where it is
/// written.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The environment
    #[arg(value_name = "ENV")]
    environment: String,
    /// Only this variable
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    output: FormatArg,
}

#[derive(Serialize)]
struct Variable<'a> {
    name: &'a str,
    given: Vec<Offer<'a>>,
}

#[derive(Serialize)]
struct Offer<'a> {
    value: &'a str,
    text: bool,
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
}

impl Args {
    pub(super) fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        let repository = Repository::open(global)?;
        let variables = &repository.config.environment(&self.environment)?.variables;
        let names: Vec<&str> = match &self.name {
            Some(name) if variables.get(name).is_none() => {
                return Err(self.unknown(name, variables));
            }
            Some(name) => vec![name],
            None => variables.names().collect(),
        };
        let found: Vec<Variable<'_>> = names
            .into_iter()
            .map(|name| Variable {
                name,
                given: variables.explain(name).iter().map(offer).collect(),
            })
            .collect();
        if self.output.format == Format::Text {
            console.data(&text(&found))?;
        } else {
            output::structured(console, self.output.format, &found)?;
        }
        Ok(Exit::Done)
    }

    fn unknown(&self, name: &str, variables: &Variables) -> Failure {
        let message = format!("`{}` has no variable `{name}`", self.environment);
        let error = Diagnostic::error("config/unknown-variable", message);
        match nearest(name, variables.names()) {
            Some(meant) => error.help(format!("did you mean `{meant}`?")).into(),
            None => error.into(),
        }
    }
}

fn offer(given: &Given) -> Offer<'_> {
    let literal = &given.value.value;
    Offer {
        value: &literal.text,
        text: literal.is_text,
        by: given.by.to_string(),
        place: given.value.location.as_ref().map(ToString::to_string),
    }
}

fn text(variables: &[Variable<'_>]) -> String {
    let mut out = String::new();
    for variable in variables {
        for (index, value) in variable.given.iter().enumerate() {
            // Text is quoted, so that it is told apart from a number.
            let shown = if value.text {
                format!("{:?}", value.value)
            } else {
                value.value.to_owned()
            };
            let head = if index == 0 {
                format!("{} = ", variable.name)
            } else {
                "  over ".to_owned()
            };
            let place = value
                .place
                .as_ref()
                .map(|place| format!(", {place}"))
                .unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{head}{shown}  ({}{place})", value.by);
        }
    }
    out
}
