//! `trueup version`: prints which trueup this is.

use clap::Args as ClapArgs;
use serde::Serialize;

use super::{
    console::Console,
    exit::{Exit, Failure},
    output::{self, Format, FormatArg},
};

/// Print the version
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    output: FormatArg,
}

#[derive(Serialize)]
struct Build {
    version: &'static str,
    os: &'static str,
    arch: &'static str,
}

impl Args {
    pub(super) fn run(&self, console: &Console) -> Result<Exit, Failure> {
        let build = Build {
            version: env!("CARGO_PKG_VERSION"),
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
        };
        if self.output.format == Format::Text {
            console.data(&format!(
                "trueup {} ({}/{})\n",
                build.version, build.os, build.arch
            ))?;
        } else {
            output::structured(console, self.output.format, &build)?;
        }
        Ok(Exit::Done)
    }
}
