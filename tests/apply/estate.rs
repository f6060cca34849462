//! The configuration of a real platform: everything in order, then nothing, then just what changed.

use std::{fs, path::PathBuf};

use trueup::{plan::ActionKind, report::Report};

use crate::harness::{World, on_every_server, outline};

/// The folder of the conformance corpora; none where it is not there.
pub(crate) fn corpus() -> Option<PathBuf> {
    let beside = |folder: &std::path::Path| folder.join("shared/conformance");
    let root = std::env::var_os("TRUEUP_CONFORMANCE")
        .map(PathBuf::from)
        .or_else(|| {
            let mut folders = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
            while folders.pop() {
                if beside(&folders).is_dir() {
                    return Some(beside(&folders));
                }
            }
            None
        });
    if root.is_none() {
        eprintln!("NOT RUN: the conformance corpora are not there; set TRUEUP_CONFORMANCE");
    }
    root
}

/// What kustomize prints for a part of the estate; none where the corpus is not there.
pub(crate) fn expected(name: &str) -> Option<String> {
    let file = corpus().map(|root| root.join("estate/expected").join(name));
    let text = file.and_then(|file| fs::read_to_string(file).ok());
    if text.is_none() {
        eprintln!(
            "NOT RUN: `{name}` of the conformance estate is not there; set TRUEUP_CONFORMANCE"
        );
    }
    text
}

async fn second_run_is_empty(world: &mut World, phases: &[(&str, &str)]) {
    world.restart();
    world.cluster.take();
    let report = world.converge(phases).await;
    assert_eq!(report.counts.changed(), 0, "on {}:\n{report}", world.server);
    let calls = world.cluster.take();
    let others: Vec<String> = calls
        .iter()
        .filter(|call| !matches!(call.verb, "list" | "discover"))
        .map(ToString::to_string)
        .collect();
    assert!(
        others.is_empty(),
        "on {}: only lists are read: {others:?}",
        world.server
    );
}

fn created(report: &Report) -> usize {
    report
        .actions
        .iter()
        .filter(|action| action.action == ActionKind::Create)
        .count()
}

/// A stream without the documents whose kind ends in a word.
pub(crate) fn without(stream: &str, kind: &str) -> String {
    let is_kind = |document: &&str| {
        document
            .lines()
            .any(|line| line.starts_with("kind: ") && line.ends_with(kind))
    };
    let kept: Vec<&str> = stream
        .split("\n---\n")
        .filter(|document| !is_kind(document))
        .collect();
    kept.join("\n---\n")
}

#[test]
fn the_estate_is_created_in_order_then_left_alone_then_changed_where_git_changed() {
    let (Some(pre), Some(hub)) = (expected("_pre.yaml"), expected("local_tilt_dev.yaml")) else {
        return;
    };
    on_every_server(async |mut world| {
        // No pods run on either server: the webhooks that the real one would call cannot answer.
        let pre = without(&pre, "WebhookConfiguration");
        let phases = [("pre", pre.as_str()), ("hub", hub.as_str())];
        let report = world.converge(&phases).await;
        assert_eq!(
            created(&report),
            report.actions.len(),
            "on {}:\n{report}",
            world.server
        );
        second_run_is_empty(&mut world, &phases).await;

        let image = hub
            .lines()
            .find_map(|line| line.trim().strip_prefix("image: "))
            .unwrap();
        let changed = hub.replacen(&format!("image: {image}"), "image: example.com/other:2", 1);
        let phases = [("pre", pre.as_str()), ("hub", changed.as_str())];
        let plan = world.plan(&phases).await.unwrap();
        assert_eq!(plan.count(ActionKind::Configure), 1, "{}", outline(&plan));
        assert_eq!(
            plan.actions
                .iter()
                .flat_map(|action| &action.changes)
                .count(),
            1
        );
        world.converge(&phases).await;
        second_run_is_empty(&mut world, &phases).await;

        let less = without(&changed, "Ingress");
        let phases = [("pre", pre.as_str()), ("hub", less.as_str())];
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.pruned, 1, "on {}:\n{report}", world.server);
        second_run_is_empty(&mut world, &phases).await;
    });
}
