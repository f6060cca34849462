//! `trueup demo`: shows what trueup does, with nothing to install.

use std::{io, path::PathBuf};

use clap::Args as ClapArgs;
use trueup_manifest::Diagnostic;

use super::{
    exit::{Exit, Failure},
    global::Global,
};
use crate::demo::{self, DemoError, Options, Voice};

/// Watch a Git repository become a cluster, with nothing to install
///
/// Starts a Kubernetes API server inside this process, makes a Git repository of the reference
/// estate, and keeps the first true to the second: a commit, a deletion by hand, a removed file.
/// Then it stays up for kubectl, until Ctrl-C.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// End after the last act, with 0 if everything was seen to happen
    #[arg(long)]
    once: bool,
    /// The port of the API server; a free one by default
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 0,
        hide_default_value = true
    )]
    port: u16,
    /// Put the repository and the kubeconfig into this folder, and leave them there
    #[arg(long, value_name = "FOLDER", value_hint = clap::ValueHint::DirPath)]
    keep: Option<PathBuf>,
}

impl Args {
    pub(super) fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let options = Options {
            once: self.once,
            port: self.port,
            keep: self.keep.clone(),
        };
        let mut out = io::stdout();
        let color = global.color(&out);
        let mut voice = Voice::new(&mut out, color);
        let shown = super::runtime()?.block_on(demo::run(&options, &mut voice));
        shown.map(|()| Exit::Done).map_err(|error| failure(&error))
    }
}

fn failure(error: &DemoError) -> Failure {
    if let DemoError::Print(error) = error {
        return Failure::write("to standard output", error);
    }
    let diagnostic = Diagnostic::error("demo/failed", error.to_string());
    match error.help() {
        Some(help) => diagnostic.help(help).into(),
        None => diagnostic.into(),
    }
}
