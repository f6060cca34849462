//! `trueup delete`: takes an environment out of its cluster.

use clap::Args as ClapArgs;
use trueup_manifest::Diagnostic;

use super::{
    console::Console,
    exit::{Exit, Failure},
    global::Global,
    output::FormatArg,
    reconcile,
    repository::Repository,
};
use crate::{
    apply::{Deletion, Options},
    pipeline::{self, Clusters},
    render::Desired,
    report::Outcome,
    source,
};

/// Take an environment out of its cluster
///
/// Deletes what the environment owns, in the reverse of the order in which it was made, undoes its
/// patches on objects of others, and deletes the `Environment` object. What `reconcile.protect` names,
/// and namespaces, CRDs and volumes that `reconcile.pruneKinds` does not name, stay, and the
/// environment with them. Nothing is done without `--confirm`. Ends with 0 where all of it went as it
/// should, and 1 otherwise.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The environment
    #[arg(value_name = "ENV")]
    environment: String,
    /// Do it; without, it is told what would be done
    #[arg(long)]
    confirm: bool,
    /// Leave its objects where they are, belonging to no environment
    #[arg(long)]
    orphan: bool,
    #[command(flatten)]
    output: FormatArg,
}

impl Args {
    pub(super) fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        let repository = Repository::open(global)?;
        let environment = repository.config.environment(&self.environment)?;
        let desired = Desired {
            environment: environment.name.value.clone(),
            source: Some(source::identity(repository.tree.root())),
            ..Desired::default()
        };
        let deletion = if self.orphan {
            Deletion::Orphan
        } else {
            Deletion::Delete
        };
        let clusters = Clusters::new(global.cluster_override());
        let options = Options {
            confirmed: self.confirm,
            ..Options::default()
        };
        super::runtime()?.block_on(async {
            let connection = clusters.of(environment).await?;
            let session = &connection.session;
            let policy = &environment.reconcile;
            let work = async |options| session.delete(&desired, policy, deletion, &options).await;
            let report = reconcile::follow(console, options, work).await?;
            let stays = |warning: &Diagnostic| warning.code == "apply/still-there";
            if report.outcome == Outcome::Converged && !report.warnings.iter().any(stays) {
                pipeline::forget_draws(connection.cluster.as_ref(), &desired.environment).await?;
            }
            reconcile::tell(console, self.output.format, &report)
        })
    }
}
