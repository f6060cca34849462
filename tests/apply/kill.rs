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
use trueup::{cluster::RetryPolicy, plan::PART_OF};
use trueup_embedded::{GroupResource, Server, Verdict};

use crate::harness::{World, on_embedded};

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

/// The revisions of a repository: the first apply, a change, and a removal.
fn revisions() -> [Vec<(&'static str, String)>; 3] {
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
fn contents(server: &Server) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (group, resource) in [
        ("", "namespaces"),
        ("", "configmaps"),
        ("", "secrets"),
        ("apiextensions.k8s.io", "customresourcedefinitions"),
        ("example.com", "widgets"),
    ] {
        let (_, stored) = server
            .store()
            .list(&GroupResource::new(group, resource), "");
        for object in stored {
            let mut value = object.value.clone();
            if value["metadata"]["labels"].get(PART_OF).is_none() {
                continue;
            }
            let name = value["metadata"]["name"].as_str().unwrap().to_owned();
            value["metadata"] = value["metadata"]["labels"].take();
            value["status"] = Value::Null;
            found.insert(format!("{resource}/{name}"), value);
        }
    }
    found
}

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
    world.timeout = Duration::from_secs(1);
    world
}

#[test]
fn a_kill_at_any_request_is_followed_by_a_run_that_converges() {
    let mut walked = 0;
    for revision in 0..3 {
        let mut at = 1;
        loop {
            let done = AtomicBool::new(false);
            on_embedded(async |world, server| {
                let killer = Arc::new(Killer::default());
                killer.watch(server);
                let revisions = revisions();
                for before in &revisions[..revision] {
                    world.converge(&borrowed(before)).await;
                }
                let phases = borrowed(&revisions[revision]);
                killer.arm(at);
                process(server, &world.tag).await.reconcile(&phases).await;
                done.store(killer.boundaries() < at, Ordering::SeqCst);
                killer.arm(0);
                let next = process(server, &world.tag).await;
                let report = next.converge(&phases).await;
                assert_eq!(
                    contents(server).len(),
                    report.actions.len(),
                    "at {at} of revision {revision}"
                );
                let again = next.converge(&phases).await;
                assert_eq!(
                    again.counts.changed(),
                    0,
                    "at {at} of revision {revision}: {again}"
                );
                for (name, object) in contents(server) {
                    assert!(object["metadata"].get(PART_OF).is_some(), "{name}");
                }
            });
            if done.load(Ordering::SeqCst) {
                break;
            }
            walked += 1;
            at += 1;
        }
    }
    eprintln!("killed at {walked} boundaries");
    assert!(walked > 60, "the walk met just {walked} boundaries");
}
