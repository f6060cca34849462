//! A run that is killed at any request leaves a cluster from which the next one converges.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use trueup::{
    apply::Options,
    cluster::{Cluster, Freshness, RetryPolicy},
    config::reconcile::KindPattern,
    plan::PART_OF,
};
use trueup_embedded::{GroupResource, Server, Verdict};

use crate::{
    estate::{expected, without},
    harness::{World, on_a_real_server_of_its_own, on_embedded},
};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n";
const CRD: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
";
const WIDGET: &str = "---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w, namespace: web}\nspec: {a: b}\n";
const CONFIG: &str =
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: web}\ndata: {a: b}\n";
const OLD: &str =
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: old, namespace: web}\ndata: {a: b}\n";
const SECRET: &str =
    "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: web}\nstringData: {a: b}\n";

type Phases = Vec<(&'static str, String)>;

/// The revisions of a repository: the first apply, a change, and a removal.
fn revisions() -> [Phases; 3] {
    let pre = NAMESPACE.to_owned() + "---" + CRD;
    let app = WIDGET.to_owned() + CONFIG + SECRET + OLD;
    let changed = app.replace("spec: {a: b}", "spec: {a: c}");
    let removed = changed
        .replace(OLD, "")
        .replace(WIDGET.replace("a: b", "a: c").as_str(), "");
    [
        vec![("pre", pre.clone()), ("app", app)],
        vec![("pre", pre.clone()), ("app", changed)],
        vec![("pre", pre), ("app", removed)],
    ]
}

/// The same for a real platform; none where it is not there.
fn estate() -> Option<[Phases; 3]> {
    // No pods run: webhooks could not answer. Kinds of its own are walked by the other revisions: those of
    // the estate are so large that the walk would take an hour.
    let pre = without(&expected("_pre.yaml")?, "WebhookConfiguration");
    let pre = without(&pre, "CustomResourceDefinition");
    let hub = without(
        &without(&expected("local_tilt_dev.yaml")?, "Issuer"),
        "Certificate",
    );
    // A create that is cut off keeps its fixed port from others for minutes on a real server.
    let lines = hub.lines().filter(|line| !line.contains("nodePort:"));
    let hub = lines.collect::<Vec<_>>().join("\n");
    let image = hub
        .lines()
        .find(|line| line.trim().starts_with("image: "))?;
    let changed = hub.replacen(image.trim(), "image: example.com/other:2", 1);
    let less = without(&without(&changed, "Ingress"), "HorizontalPodAutoscaler");
    Some([hub, changed, less].map(|hub| vec![("pre", pre.clone()), ("hub", hub)]))
}

fn borrowed<'a>(phases: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    phases
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect()
}

/// Cuts every connection of a process from a boundary on, until it is told that a new one runs.
#[derive(Default)]
struct Killer {
    boundary: AtomicU64,
    at: AtomicU64,
    dead: AtomicBool,
}

impl Killer {
    fn watch(self: &Arc<Self>, server: &Server) {
        let killer = Arc::clone(self);
        server.faults().set_hook(Arc::new(move |_| {
            let boundary = killer.boundary.fetch_add(1, Ordering::SeqCst) + 1;
            if boundary == killer.at.load(Ordering::SeqCst) {
                killer.dead.store(true, Ordering::SeqCst);
            }
            if killer.dead.load(Ordering::SeqCst) {
                Verdict::Cut
            } else {
                Verdict::Continue
            }
        }));
    }

    /// Kills the process at its `at`-th boundary; never for 0.
    fn arm(&self, at: u64) {
        self.boundary.store(0, Ordering::SeqCst);
        self.at.store(at, Ordering::SeqCst);
        self.dead.store(false, Ordering::SeqCst);
    }

    fn boundaries(&self) -> u64 {
        self.boundary.load(Ordering::SeqCst)
    }
}

/// Everything with our label: what it is, and all of it that a user sees.
async fn contents(world: &World, server: &Server) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let kinds = world.cluster.kinds(Freshness::Latest).await.unwrap();
    for kind in kinds.iter() {
        let collection = GroupResource::new(&kind.group, &kind.plural);
        for object in server.store().list(&collection, "").1 {
            let mut value = object.value.clone();
            if value["metadata"]["labels"].get(PART_OF).is_none() {
                continue;
            }
            let text = |key: &str| value["metadata"][key].as_str().unwrap_or_default();
            let name = format!(
                "{}/{}/{}",
                kind.group_kind(),
                text("namespace"),
                text("name")
            );
            value["metadata"] = value["metadata"]["labels"].take();
            value["status"] = Value::Null;
            found.insert(name, value);
        }
    }
    found
}

/// Long enough for the slowest machine: how leases run out is tested elsewhere.
const HELD: Duration = Duration::from_hours(1);

/// A client that gives up at once, as a process that is gone does.
async fn process(server: &Server, tag: &str) -> World {
    let retry = RetryPolicy {
        attempts: 1,
        first_delay: Duration::from_millis(1),
        longest_delay: Duration::from_millis(1),
        timeout: Duration::from_secs(5),
    };
    let mut world = World::impatient(server, retry).await;
    tag.clone_into(&mut world.tag);
    // A process that is gone leaves its lease behind. One of another name would wait until it runs out.
    world.restart_as("the same", HELD);
    world.timeout = Duration::from_secs(1);
    world
}

/// Kills the run of a revision at a boundary and lets the next process go on. Whether there was such a
/// boundary.
fn kill_at(at: u64, revision: usize, revisions: &[Phases; 3]) -> bool {
    let died = AtomicBool::new(false);
    on_embedded(async |world, server| {
        let killer = Arc::new(Killer::default());
        killer.watch(server);
        for before in &revisions[..revision] {
            world.converge(&borrowed(before)).await;
        }
        let phases = borrowed(&revisions[revision]);
        killer.arm(at);
        process(server, &world.tag).await.reconcile(&phases).await;
        died.store(killer.boundaries() >= at, Ordering::SeqCst);
        killer.arm(0);
        let next = world.second("the same").await;
        let report = next.converge(&phases).await;
        let there = contents(&next, server).await;
        assert_eq!(
            there.len(),
            report.actions.len(),
            "at {at} of revision {revision}"
        );
        let again = next.converge(&phases).await;
        assert_eq!(
            again.counts.changed(),
            0,
            "at {at} of revision {revision}: {again}"
        );
    });
    died.load(Ordering::SeqCst)
}

/// Walks the boundaries of every revision, every one or each `step`-th; gives how many were walked.
fn walk(revisions: &[Phases; 3], step: u64) -> [u64; 3] {
    [0, 1, 2].map(|revision| {
        let (next, over) = (AtomicU64::new(1), AtomicBool::new(false));
        let walked = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::SeqCst) {
                        if kill_at(next.fetch_add(step, Ordering::SeqCst), revision, revisions) {
                            walked.fetch_add(1, Ordering::SeqCst);
                        } else {
                            over.store(true, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        walked.into_inner()
    })
}

fn tell(what: &str, [first, second, prune]: [u64; 3]) {
    eprintln!(
        "{what}: killed at {first} boundaries of the first apply, {second} of the second, {prune} of one that prunes"
    );
}

#[test]
fn a_kill_at_any_request_is_followed_by_a_run_that_converges() {
    let walked = walk(&revisions(), 1);
    tell("a CRD and its object on the embedded server", walked);
    assert!(walked.iter().all(|count| *count > 10), "{walked:?}");
}

/// Every boundary of the estate is walked, unless `TRUEUP_KILL_STEP` asks for every so many only.
const STEP: u64 = 1;

#[test]
fn a_kill_at_any_request_of_the_estate_is_followed_by_a_run_that_converges() {
    let Some(revisions) = estate() else { return };
    let step = std::env::var("TRUEUP_KILL_STEP").map_or(STEP, |step| step.parse().unwrap());
    let walked = walk(&revisions, step);
    tell("the estate on the embedded server", walked);
    assert!(walked.iter().all(|count| *count > 2), "{walked:?}");
}

/// Every so many boundaries of the estate are walked on the real server.
const SAMPLE: usize = 23;

#[test]
fn a_kill_at_some_requests_on_a_real_server_is_followed_by_a_run_that_converges() {
    let Some(revisions) = estate() else { return };
    on_a_real_server_of_its_own(async |mut world| {
        world.policy.prune_kinds = vec![KindPattern::new("CustomResourceDefinition")];
        let nothing = Options {
            confirmed: true,
            ..Options::default()
        };
        let mut walked = [0; 3];
        for (revision, walked) in walked.iter_mut().enumerate() {
            for at in (1..).step_by(SAMPLE) {
                if revision == 0 {
                    // From nothing but the namespaces: without their controller they would never go.
                    world
                        .reconcile_with(&[("pre", ""), ("hub", "")], &nothing)
                        .await;
                } else {
                    world.converge(&borrowed(&revisions[revision - 1])).await;
                }
                let phases = borrowed(&revisions[revision]);
                world.restart_as("the same", HELD);
                world.cluster.die_at(at);
                let died = tokio::select! {
                    _ = world.reconcile(&phases) => false,
                    () = world.cluster.death() => true,
                };
                world.cluster.die_at(u64::MAX);
                world.restart_as("the same", HELD);
                let report = world.converge(&phases).await;
                assert_eq!(
                    report.counts.failed, 0,
                    "at {at} of revision {revision}: {report}"
                );
                world.restart_as("the same", HELD);
                let again = world.converge(&phases).await;
                assert_eq!(
                    again.counts.changed(),
                    0,
                    "at {at} of revision {revision}: {again}"
                );
                if !died {
                    break;
                }
                *walked += 1;
            }
        }
        tell("the estate on the real server", walked);
        assert!(walked.iter().all(|count| *count > 0), "{walked:?}");
    });
}
