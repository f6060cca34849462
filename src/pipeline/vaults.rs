//! The `vault` phases of an environment: read with its files, carried out between its other phases.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use trueup_manifest::{Diagnostic, Diagnostics, Tree};

use super::Prepared;
use crate::{
    apply::{Options, PhaseWork, Session, Stopped},
    cluster::Cluster,
    config::{Content, Environment},
    plan::SavedWork,
    render::{
        Desired,
        asked::{VaultAnswer, VaultPath},
    },
    report::{Outcome, Report, WorkReport},
    vault::{self, Depth, Held, Phase, file, file::Bootstrap},
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
    /// How it learns that it is to stop.
    stopped: Stopped,
}

impl PhaseWork for Work {
    fn carry_out(&self, patience: Duration) -> BoxFuture<'_, WorkReport> {
        async move {
            let until = Instant::now() + patience;
            loop {
                let report = run(
                    &self.phase,
                    &self.bootstrap,
                    &self.cluster,
                    Some((self.expected.clone(), self.stopped.clone())),
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
                let mut stopped = self.stopped.clone();
                tokio::select! {
                    () = sleep(AGAIN) => {}
                    _ = stopped.stopped() => return report,
                }
            }
        }
        .boxed()
    }
}

/// Carries it out, as a saved plan says and until it is told to stop; only looks where none of that is given.
async fn run(
    phase: &str,
    bootstrap: &Bootstrap,
    cluster: &Arc<dyn Cluster>,
    terms: Option<(Option<SavedWork>, Stopped)>,
) -> WorkReport {
    let opened = Phase::open(bootstrap.clone(), Some(Arc::clone(cluster))).await;
    let mut report = match opened {
        Ok(vault) => match terms {
            Some((expected, stopped)) => {
                let vault = vault.expecting(expected).until(stopped);
                vault.run(Depth::Everything, false).await.to_work()
            }
            None => vault.run(Depth::Everything, true).await.to_work(),
        },
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
        all.push(run(phase, bootstrap, cluster, None).await);
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

/// What Vaults hold at these paths, each with a login of its own file. One that cannot be asked is told by each answer:
/// whoever wanted it goes without, and nobody else.
pub(super) async fn values(
    vaults: &[(String, Arc<Bootstrap>)],
    cluster: &Arc<dyn Cluster>,
    wanted: &BTreeSet<VaultPath>,
) -> Vec<(VaultPath, VaultAnswer)> {
    let mut answers = Vec::new();
    for (phase, bootstrap) in vaults {
        let of_this = wanted.iter().filter(|one| one.phase == *phase);
        let paths: BTreeSet<String> = of_this.map(|one| one.path.clone()).collect();
        if paths.is_empty() {
            continue;
        }
        let opened = Phase::open((**bootstrap).clone(), Some(Arc::clone(cluster))).await;
        let found = match opened {
            Ok(vault) => vault.values(&paths).await.map_err(Diagnostic::from),
            Err(errors) => Err(errors.into_iter().next().unwrap_or_else(|| {
                Diagnostic::error("vault/values", "the Vault's file cannot be used")
            })),
        };
        let mut found = found.map_err(|error| unavailable(phase, None, error));
        for path in paths {
            let answer = match &mut found {
                Ok(found) => match found.remove(&path) {
                    Some(Ok(Some(Held { values, version }))) => {
                        VaultAnswer::Held { values, version }
                    }
                    Some(Ok(None)) | None => VaultAnswer::Absent,
                    Some(Err(error)) => {
                        VaultAnswer::Unavailable(unavailable(phase, Some(&path), error.into()))
                    }
                },
                Err(error) => VaultAnswer::Unavailable(error.clone()),
            };
            let phase = phase.clone();
            answers.push((VaultPath { phase, path }, answer));
        }
    }
    answers
}

/// Why values cannot be had.
fn unavailable(phase: &str, path: Option<&str>, why: Diagnostic) -> Diagnostic {
    let what = path.map_or_else(|| "values".to_owned(), |path| format!("`{path}`"));
    let message = format!(
        "{what} of the Vault of phase `{phase}` cannot be had: {}",
        why.message
    );
    let finding = Diagnostic::error("vault/values", message);
    match why.help {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// A phase whose objects cannot be told for now.
struct Untold {
    phase: String,
    why: Diagnostics,
}

impl PhaseWork for Untold {
    fn carry_out(&self, _: Duration) -> BoxFuture<'_, WorkReport> {
        let report = WorkReport {
            phase: self.phase.clone(),
            about: "its objects".to_owned(),
            errors: self.why.clone(),
            ..WorkReport::default()
        };
        async move { report }.boxed()
    }
}

/// Lets phases whose objects cannot be told fail with the reason, and with them what waits for them.
fn refuse_untold(desired: &Desired, options: &mut Options) {
    let mut all: BTreeMap<&str, Diagnostics> = BTreeMap::new();
    for (phase, why) in &desired.untold {
        all.entry(phase).or_default().push(why.clone());
    }
    for (phase, why) in all {
        let work = Untold {
            phase: phase.to_owned(),
            why,
        };
        options.works.insert(phase, Arc::new(work));
    }
}

/// Whether another run may find what this one could not tell: its Vaults are up by now, and nothing else went wrong.
pub fn may_go_on(prepared: &Prepared, report: &Report) -> bool {
    let untold = &prepared.desired.untold;
    let brought_up = |name: &str| {
        let mut works = report.works.iter();
        works.any(|work| work.phase == name && !work.errors.has_errors() && work.changed > 0)
    };
    !untold.is_empty()
        && prepared.vaults.iter().any(|(name, _)| brought_up(name))
        && report.outcome == Outcome::Failed
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
            stopped: options.stopped.clone(),
        };
        options.works.insert(phase, Arc::new(work));
    }
    refuse_untold(&prepared.desired, &mut options);
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
