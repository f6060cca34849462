//! `trueup helm`: Helm's commands, so that scripts move over.

mod dependency;
mod source;
mod template;
mod unused;

use clap::{Args as ClapArgs, Subcommand};

use super::{
    console::Console,
    exit::{Exit, Failure},
    global::Global,
};

/// Render charts, with Helm's commands and flags
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Template(Box<template::Args>),
    #[command(alias = "dep", alias = "dependencies")]
    Dependency(dependency::Args),
}

impl Args {
    pub(super) fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        match &self.command {
            Command::Template(args) => args.run(global, console),
            Command::Dependency(args) => args.run(global, console),
        }
    }
}

/// Tells an error in Helm's words, and for a person also where it is and what to do.
fn tell(error: &trueup_helm::Error, explain: bool, console: &Console) -> Exit {
    console.message(&format!("Error: {}", error.text().trim_end_matches('\n')));
    if error.is_in_render() {
        console.message("\nUse --debug flag to render out invalid YAML");
    }
    if explain {
        console.message("");
        console.findings(error.findings());
    }
    Exit::Failed
}
