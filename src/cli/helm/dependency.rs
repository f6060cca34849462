//! `trueup helm dependency`: what a chart depends on, brought beside it.

use std::{fmt::Write as _, path::Path};

use clap::{Args as ClapArgs, Subcommand};
use trueup_helm::repository::fits;
use trueup_manifest::Diagnostic;

use super::source::{self, Trust};
use crate::{
    charts::{Charts, ChartsConfig, Versions, vendor},
    cli::{
        console::Console,
        exit::{Exit, Failure},
        global::Global,
        runtime,
    },
};

/// Look after what a chart depends on
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring what a chart depends on into its `charts/`, in the versions of its lock
    ///
    /// Repositories over HTTP, registries (`oci://`), folders (`file://`) and the names of Helm's file of
    /// repositories (`@name`) are read; the logins are those of Helm and Docker. Archives are checked
    /// against the digests of their index or manifest. Without a lock it does what `update` does.
    #[command(alias = "b")]
    Build(Fetch),
    /// Choose versions of what a chart depends on, bring them into its `charts/`, and write its lock
    #[command(alias = "up")]
    Update(Fetch),
    /// List what a chart depends on, and whether it is there
    #[command(alias = "ls")]
    List(Chart),
}

#[derive(Debug, ClapArgs)]
struct Chart {
    /// The folder of the chart
    #[arg(default_value = ".")]
    chart: String,
}

#[derive(Debug, ClapArgs)]
struct Fetch {
    #[command(flatten)]
    chart: Chart,
    /// Ask registries over plain HTTP; those of this machine always are
    #[arg(long)]
    plain_http: bool,
    #[command(flatten)]
    trust: Trust,
    /// Taken and not used: indexes are read when they are needed
    #[arg(long)]
    skip_refresh: bool,
    /// Refused: signatures are not checked yet, digests are
    #[arg(long)]
    verify: bool,
}

impl Args {
    pub(super) fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        match &self.command {
            Command::Build(fetch) => fetch.run(Versions::Locked, global, console),
            Command::Update(fetch) => fetch.run(Versions::Chosen, global, console),
            Command::List(chart) => chart.list(console),
        }
    }
}

impl Fetch {
    fn run(&self, versions: Versions, global: &Global, console: &Console) -> Result<Exit, Failure> {
        if self.verify {
            let message = "`--verify` is not supported: signatures of charts are not checked yet";
            return Err(Diagnostic::error("cli/helm-flag", message)
                .help("drop it; digests of indexes and registries are always checked")
                .into());
        }
        let charts = Charts::new(ChartsConfig {
            offline: global.is_offline(),
            plain_http: self.plain_http,
            tls: self.trust.tls(),
            ..ChartsConfig::default()
        });
        let folder = Path::new(&self.chart.chart);
        let brought = runtime()?.block_on(vendor(folder, &charts, versions))?;
        if brought.is_empty() {
            console.message("the chart depends on nothing");
        }
        for one in &brought {
            let from = if one.repository.is_empty() {
                "charts/"
            } else {
                &one.repository
            };
            console.message(&format!("{} {} of {from}", one.name, one.version));
        }
        Ok(Exit::Done)
    }
}

impl Chart {
    fn list(&self, console: &Console) -> Result<Exit, Failure> {
        let chart = source::load(&self.chart).map_err(trueup_helm::Error::into_findings)?;
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
            let status = match found.map(|found| found.metadata.version.as_str()) {
                Some(version) if fits(&wanted.version, version) => format!("ok ({version})"),
                Some(version) => {
                    missing.push(format!("`{}` {}", wanted.name, wanted.version));
                    format!("wrong version ({version})")
                }
                None => {
                    missing.push(format!("`{}`", wanted.name));
                    "missing".to_owned()
                }
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
        .help("`trueup helm dependency build` brings them; commit `charts/`, as rendering fetches nothing that a chart depends on")
        .into())
    }
}
