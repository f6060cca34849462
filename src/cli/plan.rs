//! `trueup plan`: says what a reconcile would do.

mod markdown;
mod text;

use clap::Args as ClapArgs;
use trueup_manifest::{Diagnostic, Diagnostics};

pub(super) use self::text::Detail;
use super::{
    console::Console,
    exit::{Exit, Failure},
    global::Global,
    output::{self, Format, Target},
    repository::Repository,
    whole_file,
    works::{self, Whole},
};
use crate::{
    pipeline::{self, Clusters, Prepared},
    plan::{Consent, Plan},
    report::WorkReport,
};

/// Say what a reconcile would do
///
/// Reads the cluster and writes nothing to it. The plan has every action with its reason, the fields
/// that change, the order and why; values of Secrets are masked. Ends with 0 whether or not there is
/// something to do; `trueup diff` and `trueup reconcile --dry-run` tell it by their exit code.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The environment
    #[arg(value_name = "ENV")]
    environment: String,
    /// `text`, `json`, `yaml`, or the file to write it to as JSON
    #[arg(short, long, value_name = "FORMAT|PATH", default_value = "text", value_parser = output::target)]
    output: Target,
}

impl Args {
    pub(super) fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        let repository = Repository::open(global)?;
        let clusters = Clusters::new(global.cluster_override());
        super::runtime()?.block_on(async {
            let (prepared, connection) = repository
                .prepare_to_apply(&self.environment, &[], &clusters)
                .await?;
            let planned =
                pipeline::plan(&prepared, &connection.session, Consent::default()).await?;
            let works = pipeline::look_at_vaults(&prepared, &connection.cluster).await;
            match &self.output {
                Target::Format(format) => {
                    let plan = (&*planned.plan, works.as_slice());
                    tell(console, *format, Detail::Fields, &prepared, plan)?;
                    refuse_untold(&prepared)?;
                    works::differ(&works)?;
                }
                Target::Path(path) => {
                    works::savable(&works)?;
                    refuse_untold(&prepared)?;
                    refuse_undrawn(&prepared)?;
                    let text = output::json(&Whole::new(&*planned.plan, &works))?;
                    whole_file::write(path, &text)?;
                    console.message(&text::summary(&planned.plan));
                    works::summary(console, &works);
                }
            }
            Ok(Exit::Done)
        })
    }
}

/// A saved plan says what is done. Values that are drawn when it is done are in no plan.
fn refuse_undrawn(prepared: &Prepared) -> Result<(), Failure> {
    let Some(undrawn) = &prepared.undrawn else {
        return Ok(());
    };
    let message = format!(
        "a saved plan cannot hold what charts have yet to draw: {}",
        undrawn.drew().join(", ")
    );
    let help = "let `trueup reconcile` draw it once, after which it is kept in the cluster; or set these values yourself";
    Err(Diagnostic::error("plan/undrawn", message).help(help).into())
}

/// A plan of an environment with phases whose objects cannot be told is told as far as it goes, and is an error.
pub(super) fn refuse_untold(prepared: &Prepared) -> Result<(), Failure> {
    let mut findings = Diagnostics::new();
    findings.extend(prepared.desired.untold.iter().map(|(_, why)| why.clone()));
    findings.into_result(()).map_err(Failure::from)
}

/// Says that some values shown are not those that will be.
fn tell_undrawn(console: &Console, prepared: &Prepared) {
    if let Some(undrawn) = &prepared.undrawn {
        console.message(&format!(
            "charts draw random values, which will be others when this is done, and stay from then on: {}",
            undrawn.drew().join(", ")
        ));
    }
}

/// Tells a plan as Markdown, all of it as data.
pub(super) fn tell_markdown(
    console: &Console,
    prepared: &Prepared,
    plan: &Plan,
    works: &[WorkReport],
) -> Result<(), Failure> {
    console.findings(&prepared.desired.warnings);
    console.findings(&plan.warnings);
    tell_undrawn(console, prepared);
    console.data(&(markdown::plan(plan) + &works::markdown(works)))
}

/// Tells a plan: what is to be done as data, what is wrong or doubtful as messages.
pub(super) fn tell(
    console: &Console,
    format: Format,
    detail: Detail,
    prepared: &Prepared,
    (plan, works): (&Plan, &[WorkReport]),
) -> Result<(), Failure> {
    console.findings(&prepared.desired.warnings);
    console.findings(&plan.warnings);
    tell_undrawn(console, prepared);
    if format != Format::Text {
        return output::structured(console, format, &Whole::new(plan, works));
    }
    console.data(&text::plan(plan, detail, console.color_data()))?;
    console.findings(
        plan.actions
            .iter()
            .filter_map(|action| action.blocked.as_ref()),
    );
    if let Some(hold) = &plan.hold {
        console.message(&format!("held: {}\nhelp: {}", hold.why, hold.help));
    }
    console.message(&text::summary(plan));
    works::text(console, works)
}
