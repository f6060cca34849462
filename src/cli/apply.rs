//! `trueup apply`: carries out a plan that somebody has looked at.

use std::{fs, path::PathBuf, sync::Arc};

use clap::Args as ClapArgs;

use super::{
    console::Console,
    exit::{Exit, Failure},
    global::Global,
    output::FormatArg,
    reconcile,
    repository::Repository,
};
use crate::{
    apply::Options,
    pipeline::{self, Clusters},
    plan::Saved,
};

/// Carry out a plan that `trueup plan ENV -o FILE` wrote
///
/// Renders the plan's revision again and compares it with the cluster. Where the plan no longer holds,
/// nothing is done, and what has changed since is named: a field it would change, an object that came
/// or went. Other changes in the cluster are no matter, and what has been done since is not done again.
/// Ends with 0 where the cluster holds what it should and 1 where the plan is stale or something failed.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The plan
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    plan: PathBuf,
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
        let path = self.plan.display();
        let text = fs::read_to_string(&self.plan).map_err(|error| {
            Failure::new("cli/read", format!("`{path}` cannot be read: {error}"))
        })?;
        let saved = Saved::read(&text)?;
        let repository = Repository::open(global)?;
        let clusters = Clusters::new(global.cluster_override());
        super::runtime()?.block_on(async {
            let (prepared, connection) = repository.prepare_as_planned(&saved, &clusters).await?;
            let options = Options {
                confirmed: self.confirm,
                take_over: self.take_over,
                expected: Some(Arc::new(saved)),
                ..Options::default()
            };
            let session = &connection.session;
            let work = async |options| pipeline::reconcile(&prepared, session, &options).await;
            let report = reconcile::follow(console, options, work).await?;
            reconcile::tell(console, self.output.format, &report)
        })
    }
}
