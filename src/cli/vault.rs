//! `trueup vault`: the Vault bootstrap by itself.

use std::{fmt::Write, sync::Arc};

use clap::{Args as ClapArgs, Subcommand};
use serde::Serialize;
use trueup_manifest::{Diagnostic, Diagnostics, TreePath};

use super::{
    console::{Console, Style, count},
    exit::{Exit, Failure},
    global::Global,
    output::{self, Format, FormatArg},
    repository::Repository,
    signals,
    vault_keys::{Export, Rekey, RotateRoot},
};
use crate::{
    apply::stopping,
    config::Content,
    pipeline::Clusters,
    vault::{Depth, Kind, Phase, VaultReport, file},
};

/// Take a Vault from an empty server to a configured one
///
/// Works on the `vault` phase of an environment, or on a file of the kind `VaultBootstrap`. Nothing
/// secret is ever printed.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say whether each server is initialised and sealed
    ///
    /// Ends with 0 where every server is open, and 1 otherwise.
    Status(What),
    /// Say what a bootstrap would do
    ///
    /// Reads the Vault and writes nothing to it. Ends with 0 where nothing is to be done, 1 where
    /// something is, and 2 where it cannot be told.
    Diff(What),
    /// Initialise, unseal and configure, as far as each is needed
    Bootstrap(Run),
    /// Unseal every server that is sealed
    Unseal(Run),
    /// Show that what was configured works: log in as roles and read what they should
    ///
    /// Does what `verify` in the file says. What is read is not shown.
    Verify(Verify),
    /// Give the Vault other shares, and keep them
    ///
    /// The server shows the new shares before they are good; they go into the key store, are read back
    /// from there and are shown to the server once more. At every moment the kept ones open it: a process
    /// that dies leaves it to the next one to find out which.
    Rekey(Rekey),
    /// Replace root credentials of AWS mounts by ones that only the Vault knows
    ///
    /// The file's own are never written back; other ones in the file are.
    RotateRoot(RotateRoot),
    /// Give the kept keys to somebody, sealed to age recipients
    ExportRecovery(Export),
}

#[derive(Debug, ClapArgs)]
pub(super) struct What {
    /// An environment with a `vault` phase, or the path of a file
    #[arg(value_name = "ENV|FILE")]
    what: String,
    #[command(flatten)]
    output: FormatArg,
}

#[derive(Debug, ClapArgs)]
struct Verify {
    #[command(flatten)]
    what: What,
    /// Only say what would be tried; nobody logs in
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, ClapArgs)]
struct Run {
    #[command(flatten)]
    what: What,
    /// Only say what would be done; ends with 2 where something would
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    pub(super) fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        match &self.command {
            Command::Status(what) => status(what, global, console),
            Command::Diff(what) => {
                let report = carry_out((what, Depth::Everything, true), global, console)?;
                tell(&report, what, true, console)?;
                Ok(match (report.errors.has_errors(), report.changes()) {
                    (true, _) => Exit::Trouble,
                    (false, true) => Exit::Differs,
                    (false, false) => Exit::Done,
                })
            }
            Command::Bootstrap(run) => run.run(Depth::Everything, global, console),
            Command::Unseal(run) => run.run(Depth::Unseal, global, console),
            Command::Verify(run) => verify(run, global, console),
            Command::Rekey(run) => {
                let split = (run.shares, run.threshold);
                let report = super::runtime()?.block_on(stoppable(
                    (&run.what.what, global, console),
                    async |phase| phase.rekey(split, run.dry_run).await,
                ))?;
                end(&report, &run.what, run.dry_run, console)
            }
            Command::RotateRoot(run) => {
                let report = super::runtime()?.block_on(stoppable(
                    (&run.what.what, global, console),
                    async |phase| phase.rotate_root(&run.mounts, run.dry_run).await,
                ))?;
                end(&report, &run.what, run.dry_run, console)
            }
            Command::ExportRecovery(run) => super::runtime()?.block_on(async {
                let phase = open(&run.what, global).await?;
                run.run(&phase, console).await
            }),
        }
    }

    /// How a failure of this command is told to a script.
    pub(super) fn failure(&self) -> Exit {
        match self.command {
            Command::Diff(_) => Exit::Trouble,
            _ => Exit::Failed,
        }
    }
}

impl Run {
    fn run(&self, depth: Depth, global: &Global, console: &Console) -> Result<Exit, Failure> {
        let report = carry_out((&self.what, depth, self.dry_run), global, console)?;
        end(&report, &self.what, self.dry_run, console)
    }
}

/// Tells what was done, and ends so.
fn end(
    report: &VaultReport,
    what: &What,
    dry_run: bool,
    console: &Console,
) -> Result<Exit, Failure> {
    tell(report, what, dry_run, console)?;
    Ok(if report.errors.has_errors() {
        Exit::Failed
    } else if dry_run && report.changes() {
        Exit::Pending
    } else {
        Exit::Done
    })
}

/// The Vault that is meant: the one phase of an environment, or a file.
async fn open(what: &str, global: &Global) -> Result<Phase, Failure> {
    let repository = Repository::open(global)?;
    let known = repository.config.knows(what);
    let environment = if known {
        Some(repository.config.environment(what)?)
    } else {
        None
    };
    let path = if let Some(environment) = environment {
        let mut paths = environment
            .phases
            .iter()
            .filter_map(|phase| match &phase.content {
                Content::Vault { path } => Some(path.value.clone()),
                _ => None,
            });
        paths.next().ok_or_else(|| {
            let message = format!("environment `{what}` has no `vault` phase");
            Failure::from(Diagnostic::error("vault/no-phase", message))
        })?
    } else {
        TreePath::new(what).map_err(|error| {
            Failure::new(
                "vault/no-file",
                format!("`{what}` is no path in the repository: {error}"),
            )
        })?
    };
    let bootstrap = file::load(&repository.tree, &path)?;
    let cluster = if bootstrap.needs_cluster() {
        let clusters = Clusters::new(global.cluster_override());
        Some(match environment {
            Some(environment) => Arc::clone(&clusters.of(environment).await?.cluster),
            None => clusters.nearest().await?,
        })
    } else {
        None
    };
    Ok(Phase::open(bootstrap, cluster).await?)
}

fn carry_out(
    (what, depth, dry_run): (&What, Depth, bool),
    global: &Global,
    console: &Console,
) -> Result<VaultReport, Failure> {
    super::runtime()?.block_on(stoppable((&what.what, global, console), async |phase| {
        phase.run(depth, dry_run).await
    }))
}

/// Works on a Vault until it is done or a signal comes: then the requests in hand are finished, and no token and no
/// lease is left behind.
async fn stoppable(
    (what, global, console): (&str, &Global, &Console),
    work: impl AsyncFnOnce(Phase) -> VaultReport,
) -> Result<VaultReport, Failure> {
    let (stopper, stopped) = stopping();
    let phase = open(what, global).await?.until(stopped);
    tokio::select! {
        report = work(phase) => Ok(report),
        stopped = signals::stop_on_signal(stopper, console) => {
            stopped?;
            Err(Failure::new("cli/interrupted", "the run was cut off"))
        }
    }
}

fn verify(run: &Verify, global: &Global, console: &Console) -> Result<Exit, Failure> {
    let what = &run.what;
    let report = super::runtime()?.block_on(async {
        let phase = open(&what.what, global).await?;
        Ok::<_, Failure>(if run.dry_run {
            phase.to_verify()
        } else {
            phase.verify().await
        })
    })?;
    if what.output.format == Format::Text {
        let tried = report.to_verify.iter().map(|what| format!("· {what}\n"));
        let shown = report.verified.iter().map(|what| format!("✓ {what}\n"));
        console.data(&tried.chain(shown).collect::<String>())?;
    } else {
        output::structured(console, what.output.format, &report)?;
    }
    if report.errors.has_errors() {
        console.report(&report.errors);
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

/// What is said of a server.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    server: String,
    initialised: Option<bool>,
    sealed: Option<bool>,
    version: Option<String>,
    storage: Option<String>,
}

impl Said {
    fn line(&self) -> String {
        let seal = match (self.initialised, self.sealed) {
            (None, _) | (_, None) => return format!("{}  does not answer\n", self.server),
            (Some(false), _) => "not initialised",
            (Some(true), Some(true)) => "sealed",
            (Some(true), Some(false)) => "open",
        };
        format!(
            "{}  {seal}, version {}, storage {}\n",
            self.server,
            self.version.as_deref().unwrap_or_default(),
            self.storage.as_deref().unwrap_or_default()
        )
    }
}

fn status(what: &What, global: &Global, console: &Console) -> Result<Exit, Failure> {
    let all = super::runtime()?.block_on(async {
        let phase = open(&what.what, global).await?;
        phase
            .status()
            .await
            .map_err(|error| Failure::from(Diagnostic::from(error)))
    })?;
    let mut errors = Diagnostics::new();
    let mut said = Vec::new();
    for (server, status) in all {
        let status = status.map_err(|error| errors.push(Diagnostic::from(error)));
        let status = status.ok();
        said.push(Said {
            server,
            initialised: status.as_ref().map(|status| status.initialised),
            sealed: status.as_ref().map(|status| status.sealed),
            version: status.as_ref().map(|status| status.version.clone()),
            storage: status.map(|status| status.storage),
        });
    }
    let is_open = |said: &Said| (said.initialised, said.sealed) == (Some(true), Some(false));
    let open = said.iter().all(is_open);
    if what.output.format == Format::Text {
        console.data(&said.iter().map(Said::line).collect::<String>())?;
    } else {
        output::structured(console, what.output.format, &said)?;
    }
    errors
        .into_result(if open { Exit::Done } else { Exit::Failed })
        .map_err(Failure::from)
}

fn tell(
    report: &VaultReport,
    what: &What,
    dry_run: bool,
    console: &Console,
) -> Result<(), Failure> {
    if what.output.format == Format::Text {
        console.data(&text(report, console.color_data()))?;
        console.message(&summary(report, dry_run));
    } else {
        output::structured(console, what.output.format, report)?;
    }
    console.findings(&report.warnings);
    if report.errors.has_errors() {
        console.report(&report.errors);
    }
    Ok(())
}

fn text(report: &VaultReport, color: bool) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    for step in &report.steps {
        let _ = writeln!(out, "{}", Style::Added.paint(&step.line(), color));
    }
    for action in report.actions.iter().filter(|one| one.kind != Kind::None) {
        let style = match action.kind {
            Kind::Create => Style::Added,
            Kind::Configure | Kind::None => Style::Changed,
            Kind::Recreate | Kind::Prune => Style::Removed,
        };
        let mut style = Some(style);
        for line in action.lines() {
            // What is done is in colour, the fields that it changes are not.
            let style = style.take().unwrap_or(Style::Plain);
            let _ = writeln!(out, "{}", style.paint(&line, color));
        }
    }
    for what in &report.verified {
        let _ = writeln!(out, "✓ {what}");
    }
    out
}

fn summary(report: &VaultReport, dry_run: bool) -> String {
    let changed = report
        .actions
        .iter()
        .filter(|one| one.kind != Kind::None)
        .count();
    let same = report.actions.len() - changed;
    let verb = if dry_run { "to do" } else { "done" };
    let guess = if report.tentative {
        "; the Vault cannot be read yet, so this is as far as can be told"
    } else {
        ""
    };
    format!(
        "vault `{}`: {} and {} {verb}, {same} as they should be{guess}",
        report.name,
        count(report.steps.len(), "step"),
        count(changed, "change"),
    )
}
