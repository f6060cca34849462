//! The one way from a snapshot to a report, for every use: config → render → plan → apply → report.
//!
//! Flows in: a file tree at a revision, the name of an environment and, from the plan on, a
//! cluster. Flows out: what is desired, the plan or the report, by how far the caller goes.
//! It must never do what a room does: it only hands the result of each to the next, so that the
//! command line, the daemon and the tests cannot differ.

mod clusters;
mod facts;
mod files;
mod remote;
mod vaults;

use std::sync::Arc;

use futures::{FutureExt, future::BoxFuture};
use trueup_manifest::{Diagnostic, Diagnostics, Tree};

pub use self::{
    clusters::{Clusters, Connection},
    facts::{Undrawn, forget_draws, settle},
    files::{Fetch, own_files},
    remote::Remote,
    vaults::{
        Kept, compare as compare_vaults, keep_open as keep_vaults_open, look as look_at_vaults,
        may_go_on,
    },
};
use crate::{
    apply::{Options, Planned, Session},
    config::{Config, Environment, Literal},
    plan::Consent,
    render::{Desired, RenderOptions, render},
    report::Report,
    vault::file::Bootstrap,
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
    /// What its `vault` phases say, by their names.
    pub vaults: Vec<(String, Arc<Bootstrap>)>,
    /// What its charts drew and the cluster does not keep yet; none where no cluster was asked.
    pub undrawn: Option<Undrawn>,
}

/// The pure part: config and render. The files are those of `tree`, in which the Environment file
/// lies; an environment with a source of its own is refused, and [`select`] and [`render_from`] are
/// for it.
pub fn prepare(
    tree: &dyn Tree,
    config: &Config,
    request: &Request<'_>,
    remote: &Remote,
) -> Result<Prepared, Diagnostics> {
    let environment = select_here(config, request)?;
    render_from(tree, environment, request.revision, remote)
}

/// [`select`] for an environment whose files are those of the tree that its own file lies in; another one is refused.
pub fn select_here(config: &Config, request: &Request<'_>) -> Result<Environment, Diagnostics> {
    let environment = select(config, request)?;
    if let Some(source) = &environment.source {
        return Err(Diagnostic::error(
            "source/elsewhere",
            "the files of this environment lie in a source of its own, not in this tree",
        )
        .at(source.location.clone())
        .help("fetch them first, or remove `source` to take those beside the Environment file")
        .into());
    }
    Ok(environment)
}

/// The environment that is asked for, with its variables.
pub fn select(config: &Config, request: &Request<'_>) -> Result<Environment, Diagnostics> {
    let mut environment = config.environment(request.environment)?.clone();
    for (name, value) in request.variables {
        environment.variables.set(name, value.clone())?;
    }
    Ok(environment)
}

/// Renders an environment from the files of a tree, without a cluster. What kustomizations name elsewhere is fetched.
pub fn render_from(
    tree: &dyn Tree,
    environment: Environment,
    revision: Option<&str>,
    remote: &Remote,
) -> Result<Prepared, Diagnostics> {
    let options = RenderOptions {
        revision,
        remote: Some(remote),
        cache: None,
        asked: Some(remote.asked()),
        charts: Some(remote.charts()),
        keys: Some(remote.keys()),
    };
    render_with(tree, environment, &options)
}

/// [`render_from`] with all that rendering can be given.
pub fn render_with(
    tree: &dyn Tree,
    environment: Environment,
    options: &RenderOptions<'_>,
) -> Result<Prepared, Diagnostics> {
    let mut findings = Diagnostics::new();
    let vaults = findings.keep(vaults::read(tree, &environment));
    let desired = findings.keep(render(tree, &environment, options));
    let (Some(vaults), Some(desired)) = (vaults, desired) else {
        return Err(findings);
    };
    findings.into_result(Prepared {
        environment,
        desired,
        vaults,
        undrawn: None,
    })
}

/// What would be done, and nothing done.
pub async fn plan(
    prepared: &Prepared,
    session: &Session,
    consent: Consent,
) -> Result<Planned, Diagnostics> {
    let Prepared {
        environment,
        desired,
        ..
    } = prepared;
    session.plan(desired, &environment.reconcile, consent).await
}

/// The rest: plan, apply and wait.
pub fn reconcile<'a>(
    prepared: &'a Prepared,
    session: &'a Session,
    options: &'a Options,
) -> BoxFuture<'a, Report> {
    async move {
        if let Some(undrawn) = prepared.undrawn.as_ref().filter(|_| !options.dry_run)
            && let Err(errors) = undrawn.keep().await
        {
            let Desired {
                environment,
                revision,
                ..
            } = &prepared.desired;
            return Report::of_failure(environment, revision.clone(), errors);
        }
        if prepared.vaults.is_empty() {
            return session
                .reconcile(&prepared.desired, &prepared.environment.reconcile, options)
                .await;
        }
        vaults::reconcile(prepared, session, options).await
    }
    .boxed()
}
