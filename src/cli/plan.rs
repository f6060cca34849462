//! `trueup plan`: says what a reconcile would do.

mod markdown;
mod text;

use clap::Args as ClapArgs;
use trueup_manifest::Diagnostic;

pub(super) use self::text::Detail;
use super::{
    console::Console,
    diff::tell_works,
    exit::{Exit, Failure},
    global::Global,
    output::{self, Format, Target},
    repository::Repository,
    whole_file,
};
use crate::{
    pipeline::{self, Clusters, Prepared},
    plan::{Consent, Plan},
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
        let prepared = repository.prepare_to_apply(&self.environment, &[])?;
        let clusters = Clusters::new(global.cluster_override());
        super::runtime()?.block_on(async {
            let connection = clusters.of(&prepared.environment).await?;
            let planned =
                pipeline::plan(&prepared, &connection.session, Consent::default()).await?;
            match &self.output {
                Target::Format(format) => {
                    tell(console, *format, Detail::Fields, &prepared, &planned.plan)?;
                    let works = pipeline::look_at_vaults(&prepared, &connection.cluster).await;
                    tell_works(console, Some(*format), &works)?;
                }
                Target::Path(path) => {
                    refuse_vaults(&prepared)?;
                    let text = output::json(&*planned.plan)?;
                    whole_file::write(path, &text)?;
                    console.message(&text::summary(&planned.plan));
                }
            }
            Ok(Exit::Done)
        })
    }
}

/// A saved plan says what is done to a cluster, all of it. What a Vault is told is not in it yet, so
/// that nobody could have looked at it.
pub(super) fn refuse_vaults(prepared: &Prepared) -> Result<(), Failure> {
    let Some((phase, _)) = prepared.vaults.first() else {
        return Ok(());
    };
    let message = format!("a saved plan cannot hold the `vault` phase `{phase}` yet");
    let help = "use `trueup diff` and `trueup reconcile` for this environment";
    Err(Diagnostic::error("not-built", message).help(help).into())
}

/// Tells a plan as Markdown, all of it as data.
pub(super) fn tell_markdown(
    console: &Console,
    prepared: &Prepared,
    plan: &Plan,
) -> Result<(), Failure> {
    console.findings(&prepared.desired.warnings);
    console.findings(&plan.warnings);
    console.data(&markdown::plan(plan))
}

/// Tells a plan: what is to be done as data, what is wrong or doubtful as messages.
pub(super) fn tell(
    console: &Console,
    format: Format,
    detail: Detail,
    prepared: &Prepared,
    plan: &Plan,
) -> Result<(), Failure> {
    console.findings(&prepared.desired.warnings);
    console.findings(&plan.warnings);
    if format != Format::Text {
        return output::structured(console, format, plan);
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
    Ok(())
}
