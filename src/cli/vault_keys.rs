//! The commands of `trueup vault` that are about keys and credentials.

use std::{
    fs::OpenOptions,
    io::{IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use clap::Args as ClapArgs;

use super::{
    console::Console,
    exit::{Exit, Failure},
    vault::What,
};
use crate::vault::Phase;

/// `trueup vault rekey`.
#[derive(Debug, ClapArgs)]
pub(super) struct Rekey {
    #[command(flatten)]
    pub(super) what: What,
    /// How many shares the key is split into; by default as the file says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=255))]
    pub(super) shares: Option<u64>,
    /// How many of them open it; by default as the file says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=255))]
    pub(super) threshold: Option<u64>,
    /// Only say what would be done; ends with 2 where something would
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// `trueup vault rotate-root`.
#[derive(Debug, ClapArgs)]
pub(super) struct RotateRoot {
    #[command(flatten)]
    pub(super) what: What,
    /// The mount; by default every AWS mount of the file that has root credentials. May be given again
    #[arg(long = "mount", value_name = "PATH")]
    pub(super) mounts: Vec<String>,
    /// Only say what would be done; ends with 2 where something would
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// `trueup vault export-recovery`.
#[derive(Debug, ClapArgs)]
#[command(group = clap::ArgGroup::new("how").required(true))]
pub(super) struct Export {
    /// An environment with a `vault` phase, or the path of a file
    #[arg(value_name = "ENV|FILE")]
    pub(super) what: String,
    /// An age recipient to seal them to. May be given again
    #[arg(long, value_name = "RECIPIENT", group = "how")]
    to: Vec<String>,
    /// Print them in clear, which only goes to a terminal
    #[arg(long, group = "how")]
    clear: bool,
    /// Write them to this file, which must not be there yet
    #[arg(long, value_name = "PATH", requires = "to")]
    file: Option<PathBuf>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

impl Export {
    /// Gives the keys to somebody.
    pub(super) async fn run(&self, phase: &Phase, console: &Console) -> Result<Exit, Failure> {
        if self.clear && !std::io::stdout().is_terminal() {
            return Err(Failure::new(
                "vault/not-a-terminal",
                "keys are printed in clear on a terminal only, and this is none",
            ));
        }
        let exported = phase
            .exported()
            .await
            .map_err(trueup_manifest::Diagnostic::from)?;
        let (shares, threshold) = exported.split();
        let about = format!("{shares} shares, {threshold} open it");
        if self.dry_run {
            console.message(&format!("would be given: {about}"));
            return Ok(Exit::Pending);
        }
        if self.clear {
            console.data(&exported.in_clear())?;
            return Ok(Exit::Done);
        }
        let sealed = exported
            .sealed_to(&self.to)
            .await
            .map_err(trueup_manifest::Diagnostic::from)?;
        match &self.file {
            Some(path) => {
                let write = || {
                    let mut file = OpenOptions::new()
                        .write(true)
                        .create_new(true)
                        .mode(0o600)
                        .open(path)?;
                    file.write_all(&sealed)?;
                    file.sync_all()
                };
                write()
                    .map_err(|error| Failure::write(&format!("`{}`", path.display()), &error))?;
                console.message(&format!("{about}, sealed in `{}`", path.display()));
            }
            None => console.data(&String::from_utf8_lossy(&sealed))?,
        }
        Ok(Exit::Done)
    }
}
