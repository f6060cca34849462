//! `trueup helm dependency`: what a chart depends on, brought beside it.

use std::fmt::Write as _;

use clap::{Args as ClapArgs, Subcommand};
use trueup_manifest::Diagnostic;

use super::template;
use crate::cli::{
    console::Console,
    exit::{Exit, Failure},
};

/// Look after what a chart depends on
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what a chart depends on, and whether it is there
    List(Chart),
}

#[derive(Debug, ClapArgs)]
struct Chart {
    /// The folder of the chart
    #[arg(default_value = ".")]
    chart: String,
}

impl Args {
    pub(super) fn run(&self, console: &Console) -> Result<Exit, Failure> {
        let Command::List(chart) = &self.command;
        let chart = template::load(&chart.chart).map_err(trueup_helm::Error::into_findings)?;
        let Some(wanted) = &chart.metadata.dependencies else {
            console.message("the chart depends on nothing");
            return Ok(Exit::Done);
        };
        let mut missing = Vec::new();
        let mut text = String::from("NAME\tVERSION\tREPOSITORY\tSTATUS\n");
        for wanted in wanted {
            let found = chart
                .dependencies
                .iter()
                .find(|have| have.name() == wanted.name);
            let status = if let Some(found) = found {
                format!("{} is there", found.metadata.version)
            } else {
                missing.push(format!("`{}`", wanted.name));
                "missing".to_owned()
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{}\t{}\t{}\t{status}",
                wanted.name, wanted.version, wanted.repository
            );
        }
        console.data(&text)?;
        if missing.is_empty() {
            return Ok(Exit::Done);
        }
        Err(Diagnostic::error(
            "helm/missing-dependency",
            format!("`charts/` lacks {}", missing.join(", ")),
        )
        .help("vendor them with `helm dependency build` and commit `charts/`")
        .into())
    }
}
