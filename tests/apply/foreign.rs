//! Patches on objects that belong to somebody else.

use serde_json::{Value, json};
use trueup::{
    apply::Options,
    config::{ForeignPatch, JsonOp, JsonOperation, PatchChange, PatchTarget, Spanned},
    report::{Outcome, Report},
};
use trueup_yaml::{Document, Source};

use crate::harness::{World, on_every_server};

/// A DaemonSet as an installer other than trueup left it.
const WEAVE: &str = "
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: weave-net, namespace: TAG}
spec:
  minReadySeconds: 5
  selector: {matchLabels: {name: weave-net}}
  template:
    metadata: {labels: {name: weave-net}}
    spec:
      containers:
        - name: weave
          image: example.com/weave:1
          args: [a]
          env: [{name: HOSTNAME, value: x}]
";
const PLACE: &str = "apps/v1 DaemonSet TAG/weave-net";

fn spanned<T>(value: T) -> Spanned<T> {
    Spanned {
        value,
        location: None,
    }
}

fn doc(text: &str) -> Spanned<Document> {
    spanned(
        Document::parse(&Source::new("patch.yaml", text))
            .unwrap()
            .remove(0),
    )
}

fn patch(world: &World, change: PatchChange) -> ForeignPatch {
    ForeignPatch {
        target: PatchTarget {
            group: None,
            kind: spanned("DaemonSet".to_owned()),
            name: spanned("weave-net".to_owned()),
            namespace: Some(spanned(world.tag.clone())),
        },
        change,
        location: None,
    }
}

fn json_patch(world: &World, op: JsonOp, path: &str, value: &str) -> ForeignPatch {
    let operation = JsonOperation {
        op,
        path: spanned(path.to_owned()),
        from: None,
        value: (!value.is_empty()).then(|| doc(value)),
    };
    patch(world, PatchChange::Json(vec![operation]))
}

/// A run whose environment has these patches and one object of its own.
async fn run(world: &World, patches: Vec<ForeignPatch>) -> Report {
    let own = "{apiVersion: v1, kind: ConfigMap, metadata: {name: own, namespace: TAG}}";
    let mut desired = world.desired(&[("app", own)]);
    desired.patches = patches;
    world
        .session
        .reconcile(&desired, &world.policy, &Options::default())
        .await
}

async fn converge(world: &World, patches: Vec<ForeignPatch>) -> Report {
    let report = run(world, patches).await;
    assert_eq!(
        report.outcome,
        Outcome::Converged,
        "on {}:\n{report}",
        world.server
    );
    report
}

async fn weave(world: &World) -> Value {
    world.live(PLACE).await.unwrap().value()["spec"].clone()
}

async fn install(world: &World) -> Value {
    world
        .apply_as(
            "installer",
            "{apiVersion: v1, kind: Namespace, metadata: {name: TAG}}",
        )
        .await;
    world.apply_as("installer", WEAVE).await;
    weave(world).await
}

const ENV: &str = "/spec/template/spec/containers/0/env/0";

#[test]
fn a_patch_applied_twice_gives_one_entry_and_is_undone_when_it_is_no_longer_declared() {
    on_every_server(async |world| {
        let before = install(&world).await;
        let patches = || {
            vec![json_patch(
                &world,
                JsonOp::Add,
                ENV,
                "{name: CHECKPOINT_DISABLE, value: \"1\"}",
            )]
        };
        let report = converge(&world, patches()).await;
        assert_eq!(report.counts.patched, 1, "on {}:\n{report}", world.server);
        let once = weave(&world).await;
        let env = once["template"]["spec"]["containers"][0]["env"]
            .as_array()
            .unwrap();
        assert_eq!(env.len(), 2, "{env:?}");
        world.writes();
        let report = converge(&world, patches()).await;
        assert_eq!(report.counts.changed(), 0, "on {}:\n{report}", world.server);
        assert_eq!(world.writes(), Vec::<String>::new());
        assert_eq!(weave(&world).await, once);
        // Its owner goes on as before.
        world
            .apply_as("installer", &WEAVE.replace("weave:1", "weave:2"))
            .await;
        assert_eq!(converge(&world, patches()).await.counts.changed(), 0);
        world.apply_as("installer", WEAVE).await;
        // And without the declaration it is what it was.
        let report = converge(&world, Vec::new()).await;
        assert_eq!(report.counts.patched, 1, "on {}:\n{report}", world.server);
        assert_eq!(weave(&world).await, before, "on {}", world.server);
        world.writes();
        assert_eq!(converge(&world, Vec::new()).await.counts.changed(), 0);
        let writes = world.writes();
        assert!(
            writes.iter().all(|write| write.ends_with("/status")),
            "{writes:?}"
        );
    });
}

#[test]
fn values_that_a_patch_overwrites_are_put_back_and_what_somebody_undoes_is_done_again() {
    on_every_server(async |world| {
        let before = install(&world).await;
        let strategic = "spec: {minReadySeconds: 9, template: {spec: {containers: [{name: weave, args: [a, b], env: [{name: HOSTNAME, value: new}]}]}}}";
        let patches = || vec![patch(&world, PatchChange::Apply(Box::new(doc(strategic))))];
        converge(&world, patches()).await;
        let after = weave(&world).await;
        assert_eq!(after["minReadySeconds"], 9);
        let container = &after["template"]["spec"]["containers"][0];
        assert_eq!(container["args"], json!(["a", "b"]));
        assert_eq!(
            container["env"],
            json!([{"name": "HOSTNAME", "value": "new"}])
        );
        assert_eq!(container["image"], "example.com/weave:1");
        assert_eq!(converge(&world, patches()).await.counts.changed(), 0);
        // Somebody undoes a part of it.
        world
            .patch(PLACE, json!({"spec": {"minReadySeconds": 5}}))
            .await;
        let report = converge(&world, patches()).await;
        assert_eq!(report.counts.patched, 1, "on {}:\n{report}", world.server);
        assert_eq!(weave(&world).await, after);
        // Less is declared: the rest is put back, and no more than that.
        let less = || {
            vec![patch(
                &world,
                PatchChange::Merge(Box::new(doc("spec: {minReadySeconds: 9}"))),
            )]
        };
        converge(&world, less()).await;
        let mut expected = before.clone();
        expected["minReadySeconds"] = json!(9);
        assert_eq!(weave(&world).await, expected, "on {}", world.server);
        converge(&world, Vec::new()).await;
        assert_eq!(weave(&world).await, before, "on {}", world.server);
        let live = world.live(PLACE).await.unwrap();
        let annotations = live
            .at(&["metadata", "annotations"])
            .cloned()
            .unwrap_or_default();
        assert!(
            !annotations.to_string().contains("trueup.dev"),
            "{annotations}"
        );
    });
}

#[test]
fn a_patch_that_does_not_fit_is_an_error_with_its_reason_and_stops_nothing_else() {
    on_every_server(async |world| {
        let before = install(&world).await;
        for (op, path, value, why) in [
            (
                JsonOp::Replace,
                "/spec/nowhere/field",
                "1",
                "does not fit the object",
            ),
            (
                JsonOp::Test,
                "/spec/minReadySeconds",
                "7",
                "does not fit the object",
            ),
            (
                JsonOp::Remove,
                "/spec/minReadySeconds",
                "",
                "takes `spec.minReadySeconds` away",
            ),
        ] {
            let report = run(&world, vec![json_patch(&world, op, path, value)]).await;
            assert_eq!(report.outcome, Outcome::Failed);
            assert!(report.to_string().contains(why), "{report}");
            assert!(world.live("v1 ConfigMap TAG/own").await.is_some());
        }
        assert_eq!(weave(&world).await, before);
    });
}

#[test]
fn an_object_that_is_not_there_yet_is_patched_by_the_run_that_finds_it() {
    on_every_server(async |world| {
        world
            .apply_as(
                "installer",
                "{apiVersion: v1, kind: Namespace, metadata: {name: TAG}}",
            )
            .await;
        let patches = || {
            vec![json_patch(
                &world,
                JsonOp::Add,
                "/spec/minReadySeconds",
                "9",
            )]
        };
        let report = converge(&world, patches()).await;
        assert!(
            report
                .to_string()
                .contains("is to be patched, and is not there"),
            "{report}"
        );
        assert!(world.live(PLACE).await.is_none());
        install(&world).await;
        converge(&world, patches()).await;
        assert_eq!(weave(&world).await["minReadySeconds"], 9);
    });
}
