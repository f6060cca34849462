//! `trueup completions`: prints a completion script.

use clap::Args as ClapArgs;
use clap_complete::Shell;

use super::{
    console::Console,
    exit::{Exit, Failure},
};

/// Print a completion script for a shell
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    pub(super) fn run(&self, console: &Console) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "trueup", &mut script);
        console.data(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}
