//! The command line: flags in, exit code out; each command is a thin file over the rooms.
//!
//! Flows in: arguments and the environment of the process. Flows out: data on standard output,
//! messages on standard error, and an exit code that a script can trust. `main` here is the one
//! place where everything is wired.
//! It must never hold logic of its own: what a command does, a room does. It never shows a
//! backtrace or a secret.

mod apply;
mod blame;
mod check;
mod completions;
mod console;
mod daemon;
mod delete;
mod demo;
mod diff;
mod exit;
mod global;
mod helm;
mod output;
mod plan;
mod progress;
mod reconcile;
mod reference;
mod render;
mod repository;
mod signals;
mod source_flags;
mod status;
mod variable;
mod variables;
mod vault;
mod vault_keys;
mod version;
mod whole_file;
mod works;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};
use trueup_manifest::{Diagnostic, Diagnostics};

use self::{
    console::Console,
    exit::{Exit, Failure},
    global::Global,
};

/// Keeps Kubernetes clusters true to a Git repository.
#[derive(Debug, Parser)]
#[command(
    name = "trueup",
    version,
    propagate_version = false,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Render(render::Args),
    Helm(helm::Args),
    Check(check::Args),
    Diff(diff::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Reconcile(reconcile::Args),
    Delete(delete::Args),
    Status(status::Args),
    Blame(blame::Args),
    Variables(variables::Args),
    Vault(vault::Args),
    Daemon(Box<daemon::Args>),
    Demo(demo::Args),
    Completions(completions::Args),
    Version(version::Args),
    Reference(reference::Args),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let console = Console::new(&cli.global);
    let result = cli
        .global
        .start_logging(cli.command.usual_log())
        .and_then(|()| cli.command.run(&cli.global, &console));
    match result {
        Ok(exit) => exit.into(),
        Err(Failure::ReaderGone) => Exit::Done.into(),
        Err(Failure::Findings(findings)) => {
            console.report(&findings);
            cli.command.failure().into()
        }
    }
}

impl Command {
    fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        match self {
            Self::Render(args) => args.run(global, console),
            Self::Helm(args) => args.run(global, console),
            Self::Check(args) => args.run(global, console),
            Self::Diff(args) => args.run(global, console),
            Self::Plan(args) => args.run(global, console),
            Self::Apply(args) => args.run(global, console),
            Self::Reconcile(args) => args.run(global, console),
            Self::Delete(args) => args.run(global, console),
            Self::Status(args) => args.run(global, console),
            Self::Blame(args) => args.run(global, console),
            Self::Variables(args) => args.run(global, console),
            Self::Vault(args) => args.run(global, console),
            Self::Daemon(args) => args.run(global),
            Self::Demo(args) => args.run(global),
            Self::Completions(args) => args.run(console),
            Self::Version(args) => args.run(console),
            Self::Reference(args) => args.run(console),
        }
    }
}

impl Command {
    /// What is logged where the flags ask for no more. A daemon has no other way to tell.
    fn usual_log(&self) -> &'static str {
        match self {
            Self::Daemon(_) => "warn,kube_client=off,trueup=info",
            // What is wrong is part of the story.
            Self::Demo(_) => "off",
            _ => "warn,kube_client=off",
        }
    }

    /// How a failure of this command is told to a script.
    fn failure(&self) -> Exit {
        match self {
            // 1 means that there is a difference, as for `diff` and `kubectl diff`.
            Self::Diff(_) => Exit::Trouble,
            Self::Vault(args) => args.failure(),
            _ => Exit::Failed,
        }
    }
}

/// The whole command line as clap knows it.
fn command() -> clap::Command {
    Cli::command()
}

/// What runs the commands that talk to something.
fn runtime() -> Result<tokio::runtime::Runtime, Diagnostics> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.map_err(|error| {
        let message = format!("the process cannot start its threads: {error}");
        Diagnostic::error("cli/runtime", message).into()
    })
}

/// Help and version go to standard output; anything else is a mistake in the arguments.
fn usage(error: &clap::Error) -> ExitCode {
    // Where nobody reads what we say, there is nobody to tell.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done.into(),
        _ => Exit::Usage.into(),
    }
}
