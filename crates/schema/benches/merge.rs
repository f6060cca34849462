//! What a plan does with every object: apply what is there already, find its fields, print it as Go would.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark of values it makes itself"
)]

use serde_json::{Value, json};
use trueup_schema::apply::{Endpoint, KindVersions, Writer, apply, update};
use trueup_schema::{FieldSet, builtin, managed};

fn main() {
    divan::main();
}

const NOW: &str = "2026-01-01T00:00:00Z";

fn config() -> Value {
    let container = |name: &str| {
        json!({
            "name": name, "image": "registry/app:1", "args": ["--a", "--b=c"],
            "env": (0..8).map(|i| json!({"name": format!("KEY_{i}"), "value": "value"})).collect::<Vec<_>>(),
            "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 9090, "name": "metrics"}],
            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": 80}, "periodSeconds": 10},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}, {"name": "data", "mountPath": "/data"}],
        })
    };
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web", "tier": "front"}, "annotations": {"a/b": "c"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}},
            "template": {
                "metadata": {"labels": {"app": "web", "tier": "front"}},
                "spec": {
                    "serviceAccountName": "web",
                    "containers": [container("app"), container("sidecar")],
                    "volumes": [{"name": "config", "configMap": {"name": "web"}}, {"name": "data", "emptyDir": {}}],
                },
            },
        },
    })
}

struct Fixture {
    versions: KindVersions,
    config: Value,
    live: Value,
}

impl Fixture {
    fn new() -> Self {
        let ty = builtin::kind("apps", "v1", "Deployment").unwrap();
        let versions = KindVersions::new().with("apps/v1", ty, FieldSet::of(&[&["status"]]));
        let config = config();
        let writer = Writer {
            manager: "trueup",
            now: NOW,
        };
        let live = apply(&endpoint(&versions), None, &config, &writer, false).unwrap();
        Self {
            versions,
            config,
            live,
        }
    }
}

fn endpoint(versions: &KindVersions) -> Endpoint<'_> {
    Endpoint {
        api_version: "apps/v1",
        kind: "Deployment",
        subresource: "",
        versions,
    }
}

#[divan::bench]
fn apply_what_is_there_already(bencher: divan::Bencher) {
    let fixture = Fixture::new();
    let writer = Writer {
        manager: "trueup",
        now: NOW,
    };
    bencher.bench(|| {
        apply(
            &endpoint(&fixture.versions),
            Some(&fixture.live),
            &fixture.config,
            &writer,
            false,
        )
    });
}

#[divan::bench]
fn apply_a_new_image(bencher: divan::Bencher) {
    let mut fixture = Fixture::new();
    fixture.config["spec"]["template"]["spec"]["containers"][0]["image"] = "registry/app:2".into();
    let writer = Writer {
        manager: "trueup",
        now: NOW,
    };
    bencher.bench(|| {
        apply(
            &endpoint(&fixture.versions),
            Some(&fixture.live),
            &fixture.config,
            &writer,
            false,
        )
    });
}

#[divan::bench]
fn track_an_update(bencher: divan::Bencher) {
    let fixture = Fixture::new();
    let mut new = fixture.live.clone();
    new["spec"]["replicas"] = 5.into();
    let writer = Writer {
        manager: "scaler",
        now: NOW,
    };
    bencher.with_inputs(|| new.clone()).bench_values(|new| {
        update(
            &endpoint(&fixture.versions),
            Some(&fixture.live),
            new,
            &writer,
        )
    });
}

#[divan::bench]
fn find_the_fields(bencher: divan::Bencher) {
    let fixture = Fixture::new();
    let ty = builtin::kind("apps", "v1", "Deployment").unwrap();
    bencher.bench(|| ty.extract(&fixture.config));
}

#[divan::bench]
fn read_managed_fields(bencher: divan::Bencher) {
    let fixture = Fixture::new();
    bencher.bench(|| managed::decode(&fixture.live));
}

#[divan::bench]
fn print_as_go_would(bencher: divan::Bencher) {
    let config = config();
    let ty = builtin::kind("apps", "v1", "Deployment").unwrap();
    bencher
        .with_inputs(|| config.clone())
        .bench_refs(|object| ty.normalize(object));
}

#[divan::bench]
fn clone_the_object_for_scale(bencher: divan::Bencher) {
    let fixture = Fixture::new();
    bencher.bench(|| fixture.live.clone());
}
