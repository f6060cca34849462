//! `trueup reference`: prints the pages of `docs/reference/`, which are made from the code.

use std::fmt::Write;

use clap::{Args as ClapArgs, ValueEnum};

use super::{
    console::Console,
    exit::{Exit, Failure},
};
use crate::config;

/// Print a page of `docs/reference/`
#[derive(Debug, ClapArgs)]
#[command(hide = true)]
pub(super) struct Args {
    /// The page
    page: Page,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Page {
    Cli,
    Environment,
    Context,
    Vault,
}

impl Args {
    pub(super) fn run(&self, console: &Console) -> Result<Exit, Failure> {
        console.data(&match self.page {
            Page::Cli => cli_page(),
            Page::Environment => config::environment_page(),
            Page::Context => config::context_page(),
            Page::Vault => config::vault_page(),
        })?;
        Ok(Exit::Done)
    }
}

const INTRO: &str =
    "<!-- Made from the code: `TRUEUP_BLESS=1 cargo test --test cli` writes it anew. -->

# Command line

Data goes to standard output, messages go to standard error. Colour is used on a terminal only, and
not where `NO_COLOR` is set; `--color` overrides both.

| exit code | |
| --- | --- |
| 0 | done; nothing to do; no difference |
| 1 | failed, or waits for `--confirm`; for `diff`: there are differences |
| 2 | for `reconcile --dry-run`: changes are pending; for `diff`: failed |
| 64 | the arguments make no sense |
";

/// `docs/reference/cli.md`.
fn cli_page() -> String {
    let mut root = super::command();
    root.build();
    let mut out = INTRO.to_owned();
    let _ = writeln!(out, "\n## Global options\n\nEvery command takes these.\n");
    options(
        &mut out,
        root.get_arguments().filter(|arg| arg.is_global_set()),
    );
    for command in shown(&root) {
        section(&mut out, command, "trueup", 2);
    }
    out
}

/// The commands below one, but for those that are hidden.
fn shown(command: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    let is_own = |command: &&clap::Command| !command.is_hide_set() && command.get_name() != "help";
    command.get_subcommands().filter(is_own)
}

/// A command with those below it.
fn section(out: &mut String, command: &clap::Command, above: &str, depth: usize) {
    let name = format!("{above} {}", command.get_name());
    let _ = writeln!(out, "\n{} {name}\n", "#".repeat(depth));
    let about = command.get_long_about().or_else(|| command.get_about());
    if let Some(about) = about {
        let _ = writeln!(out, "{about}\n");
    }
    let usage = command.clone().render_usage().to_string();
    let _ = writeln!(
        out,
        "```text\n{}\n```\n",
        usage.trim_start_matches("Usage: ")
    );
    options(
        out,
        command.get_arguments().filter(|arg| !arg.is_global_set()),
    );
    for below in shown(command) {
        section(out, below, &name, depth + 1);
    }
}

fn options<'a>(out: &mut String, arguments: impl Iterator<Item = &'a clap::Arg>) {
    let shown: Vec<&clap::Arg> = arguments
        .filter(|arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version"))
        .collect();
    if shown.is_empty() {
        return;
    }
    let _ = writeln!(out, "| | |\n| --- | --- |");
    for arg in shown {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let mut notes = Vec::new();
        let default: Vec<String> = arg
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy().into_owned())
            .collect();
        if !default.is_empty() && arg.get_action().takes_values() {
            notes.push(format!("default `{}`", default.join(" ")));
        }
        let values: Vec<String> = arg
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set() && arg.get_action().takes_values())
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        if !values.is_empty() {
            notes.push(format!("one of {}", values.join(", ")));
        }
        let notes = if notes.is_empty() {
            String::new()
        } else {
            format!(" ({})", notes.join("; "))
        };
        let _ = writeln!(
            out,
            "| `{}` | {help}{notes} |",
            name(arg).replace('|', "\\|")
        );
    }
}

/// `-o, --output FORMAT`.
fn name(arg: &clap::Arg) -> String {
    let mut names = Vec::new();
    names.extend(arg.get_short().map(|short| format!("-{short}")));
    names.extend(arg.get_long().map(|long| format!("--{long}")));
    let mut text = names.join(", ");
    if arg.get_action().takes_values() {
        let values = arg.get_value_names().unwrap_or_default();
        let value = values
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ");
        let value = if value.is_empty() {
            arg.get_id().as_str().to_uppercase()
        } else {
            value
        };
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&value);
    }
    text
}
