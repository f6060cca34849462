//! `trueup daemon`: keeps clusters true for as long as it runs.

use std::{net::SocketAddr, sync::Arc};

use clap::Args as ClapArgs;
use trueup_manifest::Diagnostic;

use super::{
    exit::{Exit, Failure},
    global::Global,
    source_flags::SourceFlags,
};
use crate::{
    daemon::{self, Daemon, DaemonError, Options},
    pipeline::Clusters,
    source::{DirectorySource, GitSource, Source, SourceConfig},
};

/// Keep clusters true for as long as it runs
///
/// Looks at the repository again and again, reconciles each new revision, and brings back what
/// somebody changed or deleted in a cluster. A revision that cannot be rendered touches nothing:
/// the last good one stays in force. SIGHUP makes it look at once; SIGTERM and Ctrl-C end it after
/// the requests in hand.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The environments; all of the repository where none is named
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    /// Where to answer `/healthz`, `/readyz`, `/metrics` and `/api/v1/status`; they hold no secrets,
    /// and have no login
    #[arg(long, value_name = "ADDRESS", default_value_t = daemon::DEFAULT_LISTEN)]
    listen: SocketAddr,
    #[command(flatten)]
    source: SourceFlags,
}

impl Args {
    pub(super) fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let runtime = super::runtime()?;
        match self.source.source(global)? {
            SourceConfig::Directory(config) => {
                let source = DirectorySource::open(config)?;
                runtime.block_on(self.keep(global, source))
            }
            SourceConfig::Git(config) => {
                let source = GitSource::open(*config)?;
                runtime.block_on(self.keep(global, source))
            }
        }
    }

    async fn keep<S: Source>(&self, global: &Global, source: S) -> Result<Exit, Failure> {
        let options = Options {
            environments: self.environments.clone(),
            listen: self.listen,
            ..Options::default()
        };
        let clusters = Arc::new(Clusters::new(global.cluster_override()));
        let daemon = Daemon::start(options, source, self.source.poll(), clusters);
        let daemon = daemon.await.map_err(|error| failure(&error))?;
        daemon::run_until_signalled(daemon)
            .await
            .map_err(|error| failure(&error))?;
        Ok(Exit::Done)
    }
}

fn failure(error: &DaemonError) -> Failure {
    let diagnostic = Diagnostic::error("daemon/failed", error.to_string());
    match error.help() {
        Some(help) => diagnostic.help(help).into(),
        None => diagnostic.into(),
    }
}
