//! The `vault` phases of an environment: read with its files, carried out between its other phases.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use trueup_manifest::{Diagnostic, Diagnostics, Tree};

use super::Prepared;
use crate::{
    apply::{Options, PhaseWork, Session},
    cluster::Cluster,
    config::{Content, Environment},
    plan::SavedWork,
    report::{Outcome, Report, WorkReport},
    vault::{self, Depth, Phase, file, file::Bootstrap},
};

/// How long to wait before a Vault that does not answer yet is asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// The files of an environment's `vault` phases.
pub(super) fn read(
    tree: &dyn Tree,
    environment: &Environment,
) -> Result<Vec<(String, Arc<Bootstrap>)>, Diagnostics> {
    let mut findings = Diagnostics::new();
    let mut all = Vec::new();
    for phase in &environment.phases {
        let Content::Vault { path } = &phase.content else {
            continue;
        };
        let through = format!("{}/{}", environment.name.value, phase.name.value);
        let loaded = file::load(tree, &path.value).map_err(|errors| {
            let placed = errors.into_iter().map(|error| match error.location() {
                Some(_) => error,
                None => error.at(path.location.clone()),
            });
            placed
                .collect::<Diagnostics>()
                .through(&through.as_str().into())
        });
        if let Some(bootstrap) = findings.keep(loaded) {
            all.push((phase.name.value.clone(), Arc::new(bootstrap)));
        }
    }
    findings.extend(claimed_twice(&all));
    findings.into_result(all)
}

/// The tasks that keep the servers of Vaults open; they end with it.
pub struct Kept {
    vaults: String,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Keeps the servers of an environment's Vaults open from now on: one that restarts is unsealed as soon as that
/// is seen, whatever becomes of passes meanwhile. What was kept before goes on where nothing changed.
pub fn keep_open(kept: &mut Option<Kept>, prepared: &Prepared, cluster: &Arc<dyn Cluster>) {
    // A file holds no secret, only where they are.
    let vaults = format!("{:?}", prepared.vaults);
    if kept.as_ref().is_some_and(|kept| kept.vaults == vaults) {
        return;
    }
    let tasks = prepared.vaults.iter().map(|(_, bootstrap)| {
        let (bootstrap, cluster) = (Arc::clone(bootstrap), Arc::clone(cluster));
        tokio::spawn(vault::keep_open(bootstrap, cluster))
    });
    *kept = Some(Kept {
        vaults,
        tasks: tasks.collect(),
    });
}

/// Two files that say something of one thing, or keep their ledger in one place, would undo one another
/// for ever.
fn claimed_twice(all: &[(String, Arc<Bootstrap>)]) -> Diagnostics {
    let mut findings = Diagnostics::new();
    for (index, (first_phase, first)) in all.iter().enumerate() {
        for (phase, second) in all.iter().skip(index + 1) {
            findings.extend(second.clashes(first, phase, first_phase));
        }
    }
    findings
}

/// The work of one phase.
struct Work {
    phase: String,
    bootstrap: Arc<Bootstrap>,
    cluster: Arc<dyn Cluster>,
    /// What a saved plan says of it.
    expected: Option<SavedWork>,
}

impl PhaseWork for Work {
    fn carry_out(&self, patience: Duration) -> BoxFuture<'_, WorkReport> {
        async move {
            let until = Instant::now() + patience;
            loop {
                let expected = self.expected.clone();
                let report = run(
                    &self.phase,
                    &self.bootstrap,
                    &self.cluster,
                    (expected, false),
                )
                .await;
                // Pods take their time; what else is wrong does not mend itself.
                let waits = report.errors.has_errors()
                    && report
                        .errors
                        .iter()
                        .all(|error| error.code == "vault/unreachable");
                if !waits || Instant::now() + AGAIN > until {
                    return report;
                }
                sleep(AGAIN).await;
            }
        }
        .boxed()
    }
}

async fn run(
    phase: &str,
    bootstrap: &Bootstrap,
    cluster: &Arc<dyn Cluster>,
    (expected, dry_run): (Option<SavedWork>, bool),
) -> WorkReport {
    let opened = Phase::open(bootstrap.clone(), Some(Arc::clone(cluster))).await;
    let mut report = match opened {
        Ok(vault) => {
            let vault = vault.expecting(expected);
            vault.run(Depth::Everything, dry_run).await.to_work()
        }
        Err(errors) => WorkReport {
            about: format!("vault `{}`", bootstrap.name),
            errors,
            ..WorkReport::default()
        },
    };
    phase.clone_into(&mut report.phase);
    report
}

/// What the `vault` phases of an environment would do. Nothing is written.
pub async fn look(prepared: &Prepared, cluster: &Arc<dyn Cluster>) -> Vec<WorkReport> {
    let mut all = Vec::new();
    for (phase, bootstrap) in &prepared.vaults {
        all.push(run(phase, bootstrap, cluster, (None, true)).await);
    }
    all
}

/// What the `vault` phases of one revision would change in Vaults that are as another one says. No Vault
/// is asked.
pub fn compare(
    before: &[(String, Arc<Bootstrap>)],
    after: &[(String, Arc<Bootstrap>)],
) -> Vec<WorkReport> {
    let of = |all: &[(String, Arc<Bootstrap>)], phase: &str| {
        let found = all.iter().find(|(name, _)| name == phase);
        found.map(|(_, file)| Arc::clone(file))
    };
    let gone = before.iter().filter(|(name, _)| of(after, name).is_none());
    let phases = after.iter().chain(gone).map(|(name, _)| name);
    phases
        .map(|phase| {
            let (was, wanted) = (of(before, phase), of(after, phase));
            let mut work = vault::compare(was.as_deref(), wanted.as_deref());
            phase.clone_into(&mut work.phase);
            work
        })
        .collect()
}

/// What the saved plan of a run says of a phase.
fn expected(options: &Options, phase: &str) -> Option<SavedWork> {
    options.expected.as_ref()?.work(phase).cloned()
}

/// The end of a run whose saved plan does not hold any more: it is told before anything is done. A
/// plan that says nothing of a Vault was made before there was one.
async fn stale(
    prepared: &Prepared,
    cluster: &Arc<dyn Cluster>,
    options: &Options,
) -> Option<Report> {
    options.expected.as_ref()?;
    let mut errors = Diagnostics::new();
    for now in look(prepared, cluster).await {
        let Some(then) = expected(options, &now.phase) else {
            let message = format!("phase `{}` is not in the plan", now.phase);
            errors.push(Diagnostic::error("plan/stale", message).help("plan again"));
            continue;
        };
        errors.extend(now.errors);
        if let Err(stale) = then.check(&now.steps, &now.actions) {
            errors.extend(stale);
        }
    }
    errors.has_errors().then(|| {
        let (name, revision) = (
            &prepared.environment.name,
            prepared.desired.revision.clone(),
        );
        let mut report = Report::new(name, revision, Outcome::Failed);
        report.errors = errors;
        report
    })
}

/// Reconciles an environment with its `vault` phases in their places.
pub(super) async fn reconcile(prepared: &Prepared, session: &Session, options: &Options) -> Report {
    if let Some(stale) = stale(prepared, session.cluster(), options).await {
        return stale;
    }
    let mut options = options.clone();
    for (phase, bootstrap) in &prepared.vaults {
        let work = Work {
            phase: phase.clone(),
            bootstrap: Arc::clone(bootstrap),
            cluster: Arc::clone(session.cluster()),
            expected: expected(&options, phase),
        };
        options.works.insert(phase, Arc::new(work));
    }
    let policy = &prepared.environment.reconcile;
    let mut report = session
        .reconcile(&prepared.desired, policy, &options)
        .boxed()
        .await;
    if options.dry_run && matches!(report.outcome, Outcome::Converged | Outcome::Pending) {
        report.works = look(prepared, session.cluster()).await;
        if report.works.iter().any(|work| work.errors.has_errors()) {
            report.outcome = Outcome::Failed;
        } else if report.works.iter().any(|work| work.changed > 0) {
            report.outcome = Outcome::Pending;
        }
    }
    report
}
