//! What a real cluster does by itself: CRDs get established, namespaces empty, owners take their
//! dependants with them, and, when asked to, workloads get ready.
//!
//! In: changes of the store. Out: writes to it, through the same rules as requests. One task does
//! all of it, woken by writes and by the times its jobs are due. It must never hold a lock while
//! it waits.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::meta;
use crate::registry::GroupResource;
use crate::server::core::Core;
use crate::simulation::{self, Next};
use crate::store::{Change, ChangeKind, Key};

mod definitions;
mod garbage;
mod namespaces;
mod protection;

pub(crate) use definitions::{CRDS, marked_for_deletion};

/// Something to do for an object, now or later. Doing it twice does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Job {
    /// Check the names of a CRD and establish it.
    Define(String),
    /// Say that a CRD is established.
    Establish(String),
    /// Remove the objects of a CRD that is being deleted.
    Undefine(String),
    /// Empty a namespace that is being deleted.
    Empty(String),
    /// Look after an object's owners and dependants.
    Collect(GroupResource, Key),
    /// Delete what is left of a gone owner's dependants.
    Abandon(String),
    /// Let go of a claim or volume nothing uses any more.
    Unprotect(GroupResource, Key),
    /// Look after a simulated object.
    Simulate(GroupResource, Key),
    /// Count again what the disruption budgets of a namespace protect.
    Budgets(String),
    /// Make what every cluster and namespace has.
    Furnish,
}

/// Jobs by the time they are due; each is planned once, for the earliest time asked.
#[derive(Debug, Default)]
struct Agenda {
    due: BinaryHeap<Reverse<(Instant, Job)>>,
    planned: HashMap<Job, Instant>,
}

impl Agenda {
    fn add(&mut self, delay: Duration, job: Job) {
        let due = Instant::now() + delay;
        if self.planned.get(&job).is_none_or(|planned| due < *planned) {
            self.planned.insert(job.clone(), due);
            self.due.push(Reverse((due, job)));
        }
    }

    fn now(&mut self, job: Job) {
        self.add(Duration::ZERO, job);
    }

    fn next(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((due, _))| *due)
    }

    fn take(&mut self) -> Option<Job> {
        while self.next()? <= Instant::now() {
            let Reverse((due, job)) = self.due.pop()?;
            // A job that was brought forward has been done already.
            if self.planned.get(&job) == Some(&due) {
                self.planned.remove(&job);
                return Some(job);
            }
        }
        None
    }
}

/// Brings an empty or loaded store to what a fresh cluster has, and serves the CRDs it holds.
pub(crate) fn prepare(core: &Core) {
    let namespaces = GroupResource::new("", "namespaces");
    for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        let object = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "uid": core.ids.uid(),
                "creationTimestamp": core.now(),
                "labels": {"kubernetes.io/metadata.name": name},
            },
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        });
        // Loaded from a snapshot already, mostly.
        let _ = core.store.insert(&namespaces, Key::new("", name), object);
    }
    let (_, crds) = core.store.list(&GroupResource::new(CRDS.0, CRDS.1), "");
    for crd in crds {
        definitions::serve(core, meta::name(&crd.value));
    }
}

/// Runs until the server stops.
pub(crate) async fn run(core: Arc<Core>) {
    let mut stop = core.stopping();
    let mut writes = core.store.subscribe();
    let mut agenda = Agenda::default();
    let mut dependants = garbage::Dependants::default();
    let mut seen = 0;
    if core.options.simulate.is_some() {
        agenda.now(Job::Furnish);
    }
    loop {
        writes.mark_unchanged();
        seen = notice(&core, seen, &mut agenda, &mut dependants);
        let mut worked = false;
        while let Some(job) = agenda.take() {
            carry_out(&core, job, &mut agenda, &dependants);
            worked = true;
        }
        if worked {
            // What was done made changes of its own; let requests in between.
            tokio::task::yield_now().await;
            continue;
        }
        let due = agenda.next();
        tokio::select! {
            changed = writes.changed() => if changed.is_err() { return },
            () = core.simulation.changed() => {
                for collection in simulation::collections() {
                    for object in core.store.list(&collection, "").1 {
                        let key = Key::new(meta::namespace(&object.value), meta::name(&object.value));
                        agenda.now(Job::Simulate(collection.clone(), key));
                    }
                }
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            _ = stop.changed() => return,
        }
    }
}

/// Turns the changes since `seen` into jobs; returns the revision reached.
fn notice(
    core: &Core,
    seen: u64,
    agenda: &mut Agenda,
    dependants: &mut garbage::Dependants,
) -> u64 {
    let (reached, collections) = core.store.changed_collections(seen);
    for collection in collections {
        let changes = match core.store.changes_since(&collection, seen) {
            Ok((_, changes)) => changes,
            // Fell behind: look at everything that is there.
            Err(_) => core
                .store
                .list(&collection, "")
                .1
                .into_iter()
                .map(Change::standing)
                .collect(),
        };
        for change in changes.iter().filter(|change| change.revision <= reached) {
            plan(core, &collection, change, agenda, dependants);
        }
    }
    reached
}

fn plan(
    core: &Core,
    collection: &GroupResource,
    change: &Change,
    agenda: &mut Agenda,
    dependants: &mut garbage::Dependants,
) {
    garbage::plan(collection, change, agenda, dependants);
    namespaces::plan(collection, change, agenda);
    definitions::plan(core, collection, change, agenda);
    protection::plan(core, collection, change, agenda);
    if core.options.simulate.is_some() {
        simulate(collection, change, agenda);
    }
}

/// Looks at what changed, and at what a change of it concerns.
fn simulate(collection: &GroupResource, change: &Change, agenda: &mut Agenda) {
    if simulation::looks_after(collection) {
        agenda.now(Job::Simulate(collection.clone(), change.key.clone()));
    }
    for (collection, key) in simulation::touched(collection, &change.object.value) {
        agenda.now(Job::Simulate(collection, key));
    }
    let namespaces = collection.group.is_empty() && collection.resource == "namespaces";
    if namespaces && change.kind == ChangeKind::Added {
        agenda.now(Job::Furnish);
    }
    let pods = collection.group.is_empty() && collection.resource == "pods";
    if pods {
        agenda.now(Job::Budgets(change.key.namespace.clone()));
    }
}

fn carry_out(core: &Arc<Core>, job: Job, agenda: &mut Agenda, dependants: &garbage::Dependants) {
    match job {
        Job::Define(name) => definitions::accept_names(core, &name, agenda),
        Job::Establish(name) => definitions::establish(core, &name),
        Job::Undefine(name) => definitions::clean_up(core, &name, agenda),
        Job::Empty(name) => namespaces::empty(core, &name, agenda),
        Job::Collect(collection, key) => garbage::collect(core, &collection, &key, dependants),
        Job::Abandon(uid) => garbage::abandon(core, &uid, dependants),
        Job::Unprotect(collection, key) => protection::release(core, &collection, &key),
        Job::Furnish => simulation::furnish(core),
        Job::Budgets(namespace) => {
            let budgets = GroupResource::new("policy", "poddisruptionbudgets");
            for budget in core.store.list(&budgets, &namespace).1 {
                let key = Key::new(&namespace, meta::name(&budget.value));
                agenda.now(Job::Simulate(budgets.clone(), key));
            }
        }
        Job::Simulate(collection, key) => {
            let delay = core.options.simulate.unwrap_or_default();
            if let Next::Again(time) = simulation::look(core, &collection, &key, delay) {
                agenda.add(time, Job::Simulate(collection, key));
            }
        }
    }
}
