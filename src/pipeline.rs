//! The one way from a snapshot to a report, for every use: config → render → plan → apply → report.
//!
//! Flows in: a file tree at a revision, the name of an environment and, from the plan on, a
//! cluster. Flows out: what is desired, the plan or the report, by how far the caller goes.
//! It must never do what a room does: it only hands the result of each to the next, so that the
//! command line, the daemon and the tests cannot differ.

mod clusters;

use futures::{FutureExt, future::BoxFuture};
use trueup_manifest::{Diagnostics, Tree};

pub use self::clusters::{Clusters, Connection};
use crate::{
    apply::{Options, Session},
    config::{Config, Environment, Literal},
    render::{Desired, RenderOptions, render},
    report::Report,
};

/// Which environment to take through the pipeline, and with what.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its name.
    pub environment: &'a str,
    /// The revision of the tree; none for a plain directory.
    pub revision: Option<&'a str>,
    /// Variables that win over all others.
    pub variables: &'a [(String, Literal)],
}

/// An environment and what it should hold.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The environment, with its variables.
    pub environment: Environment,
    /// What it should hold.
    pub desired: Desired,
}

/// The pure part: config and render.
pub fn prepare(
    tree: &dyn Tree,
    config: &Config,
    request: &Request<'_>,
) -> Result<Prepared, Diagnostics> {
    let mut environment = config.environment(request.environment)?.clone();
    for (name, value) in request.variables {
        environment.variables.set(name, value.clone())?;
    }
    let options = RenderOptions {
        revision: request.revision.map(str::to_owned),
    };
    let desired = render(tree, &environment, &options)?;
    Ok(Prepared {
        environment,
        desired,
    })
}

/// The rest: plan, apply and wait.
pub fn reconcile<'a>(
    prepared: &'a Prepared,
    session: &'a Session,
    options: &'a Options,
) -> BoxFuture<'a, Report> {
    session
        .reconcile(&prepared.desired, &prepared.environment.reconcile, options)
        .boxed()
}
