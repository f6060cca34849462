//! `trueup reconcile`: makes a cluster hold what the repository says, once.

use std::sync::Arc;

use clap::Args as ClapArgs;

use super::{
    console::Console,
    exit::{Exit, Failure},
    global::Global,
    output::{self, Format, FormatArg},
    plan, progress,
    repository::Repository,
    signals, works,
};
use crate::{
    apply::{Events, Options, stopping},
    pipeline::{self, Clusters, Connection, Prepared},
    plan::{Consent, Plan},
    report::{AfterProgress, Outcome, Report, WorkReport},
};

/// Make a cluster hold what the repository says
///
/// Renders the environment from the checkout, plans, applies, prunes and waits, then tells what it
/// did. Ends with 0 where the cluster holds what it should and 1 where something failed. With
/// `--dry-run` it only tells what it would do, and ends with 2 where changes are pending. A run may
/// be stopped at any point, and the next one goes on from there.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The environment
    #[arg(value_name = "ENV")]
    environment: String,
    /// Run once and end, which is what it does anyway; `trueup daemon` goes on
    #[arg(long)]
    once: bool,
    /// Tell what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Go ahead where the plan would wait for somebody to confirm: a breached deletion budget, an
    /// empty set
    #[arg(long)]
    confirm: bool,
    /// Make an environment of this cluster this repository's, where another one has made it
    #[arg(long)]
    take_over: bool,
    #[command(flatten)]
    output: FormatArg,
}

impl Args {
    pub(super) fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        let repository = Repository::open(global)?;
        let clusters = Arc::new(Clusters::new(global.cluster_override()));
        let runtime = super::runtime()?;
        // The server answers while the files are rendered.
        let ahead = repository.look_ahead(&runtime, &clusters, &self.environment);
        runtime.block_on(async {
            let prepared = repository.prepare_to_apply(&self.environment, &[], &clusters);
            let (prepared, connection) = prepared.await?;
            if let Some(ahead) = ahead {
                // It holds nothing that could be lost: the plan reads what is missing.
                let _ = ahead.await;
            }
            if self.dry_run {
                return self.plan(&prepared, &connection, console).await;
            }
            let report = self.reconcile(&prepared, &connection, console).await?;
            if !pipeline::may_go_on(&prepared, &report) {
                return tell(console, self.output.format, &report);
            }
            // What phases take from a Vault can be had now that this run has brought it up.
            console.message("the Vault is up: once more, with what phases take from it");
            let prepared = repository.prepare_to_apply(&self.environment, &[], &clusters);
            let (prepared, connection) = prepared.await?;
            let mut last = self.reconcile(&prepared, &connection, console).await?;
            last.works.splice(0..0, done(report));
            tell(console, self.output.format, &last)
        })
    }

    async fn plan(
        &self,
        prepared: &Prepared,
        connection: &Connection,
        console: &Console,
    ) -> Result<Exit, Failure> {
        let consent = Consent {
            deletions: self.confirm,
            take_over: self.take_over,
        };
        let planned = pipeline::plan(prepared, &connection.session, consent).await?;
        let works = pipeline::look_at_vaults(prepared, &connection.cluster).await;
        let plan = (&*planned.plan, works.as_slice());
        let detail = plan::Detail::Fields;
        plan::tell(console, self.output.format, detail, prepared, plan)?;
        plan::refuse_untold(prepared)?;
        Ok(match (pending(&planned.plan), works::differ(&works)?) {
            (Exit::Done, true) => Exit::Pending,
            (exit, _) => exit,
        })
    }

    async fn reconcile(
        &self,
        prepared: &Prepared,
        connection: &Connection,
        console: &Console,
    ) -> Result<Report, Failure> {
        let options = Options {
            confirmed: self.confirm,
            take_over: self.take_over,
            ..Options::default()
        };
        let session = &connection.session;
        let work = async |options| pipeline::reconcile(prepared, session, &options).await;
        follow(console, options, work).await
    }
}

/// What a run did that another one goes on from.
fn done(report: Report) -> impl Iterator<Item = WorkReport> {
    let works = report.works.into_iter();
    works.filter(|work| work.changed > 0 && !work.errors.has_errors())
}

/// Runs something while its progress is shown, until it ends or a signal does.
pub(super) async fn follow(
    console: &Console,
    options: Options,
    work: impl AsyncFnOnce(Options) -> Report,
) -> Result<Report, Failure> {
    let (events, receiver) = Events::channel();
    let (stopper, stopped) = stopping();
    let options = Options {
        events,
        stopped,
        ..options
    };
    // The options go with the work: the other end of the channel learns that nothing more comes.
    let work = async {
        tokio::join!(
            work(options),
            progress::show(receiver, console.is_one_stream())
        )
        .0
    };
    tokio::select! {
        report = work => Ok(report),
        stopped = signals::stop_on_signal(stopper, console) => {
            stopped?;
            Err(Failure::new("cli/interrupted", "the run was cut off"))
        }
    }
}

/// Tells what became of a run.
pub(super) fn tell(console: &Console, format: Format, report: &Report) -> Result<Exit, Failure> {
    if format == Format::Text {
        // What was done has been said as it was done: once is enough where both go to one place.
        let text = if console.is_one_stream() {
            AfterProgress(report).to_string()
        } else {
            report.to_string()
        };
        console.data(&text)?;
    } else {
        output::structured(console, format, report)?;
    }
    Ok(match report.outcome {
        Outcome::Converged => Exit::Done,
        Outcome::Pending => Exit::Pending,
        Outcome::Failed | Outcome::Held | Outcome::Superseded | Outcome::Stopped => Exit::Failed,
    })
}

/// How a plan that is not carried out is told to a script.
fn pending(plan: &Plan) -> Exit {
    if plan.actions.iter().any(|action| action.blocked.is_some()) {
        Exit::Failed
    } else if plan.is_empty() {
        Exit::Done
    } else {
        Exit::Pending
    }
}
