//! What somebody on call reads of the program when things go wrong: one message, and what to do.

use std::{fmt::Write as _, time::Duration};

use trueup::{cluster::RetryPolicy, plan::ActionKind, report::Report};

use crate::harness::{World, on_a_real_server_of_its_own, on_every_server};

const PHASES: &str = "  - {name: all, manifests: {path: all}}\n";

#[test]
fn three_hundred_objects_with_one_mistake_are_one_error_with_a_way_out() {
    on_every_server(async |world| {
        let repository = world.repository(PHASES, "");
        let mut maps = String::new();
        for at in 0..300 {
            let map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: TAG-";
            let _ = writeln!(maps, "{map}{at}, namespace: default}}\ndata: {{port: 80}}");
        }
        repository.write("all/maps.yaml", &maps);
        let environment = repository.environment();
        let ran = repository.run(&["reconcile", &environment, "--once"]).await;
        assert_eq!(ran.code, Some(1), "on {}: {ran:?}", world.server);
        let (out, err) = (&ran.stdout, &ran.stderr);
        assert_eq!(
            out.matches("error[").count(),
            1,
            "on {}: {out}",
            world.server
        );
        assert!(
            out.contains(".data.port: expected string, got `80`"),
            "on {}: {out}",
            world.server
        );
        assert!(
            out.contains("help: write the value in quotes"),
            "on {}: {out}",
            world.server
        );
        assert!(
            out.contains("the same for 299 more objects"),
            "on {}: {out}",
            world.server
        );
        assert!(out.lines().count() < 40, "on {}: {out}", world.server);
        assert!(
            err.contains("… and 280 more that failed"),
            "on {}: {err}",
            world.server
        );
        assert!(err.lines().count() < 40, "on {}: {err}", world.server);
    });
}

#[test]
fn a_number_in_a_secret_is_refused_and_not_repeated() {
    on_every_server(async |world| {
        let repository = world.repository(PHASES, "");
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: TAG, namespace: default}\ndata: {pin: 735162}\n";
        repository.write("all/secret.yaml", secret);
        let environment = repository.environment();
        for arguments in [
            &["reconcile", &environment, "--once"][..],
            &["diff", &environment],
            &["reconcile", &environment, "--once", "-o", "json"],
        ] {
            let ran = repository.run(arguments).await;
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!said.contains("735162"), "on {}: {said}", world.server);
        }
        assert!(world.live("v1 Secret default/TAG").await.is_none());
    });
}

#[test]
fn a_server_that_is_not_there_is_one_error_that_names_it() {
    on_every_server(async |world| {
        let repository = world.repository(PHASES, "");
        repository.write(
            "all/map.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: TAG}\n",
        );
        let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: t\nclusters: [{name: t, cluster: {server: 'http://127.0.0.1:1'}}]\n\
                          users: [{name: t, user: {}}]\ncontexts: [{name: t, context: {cluster: t, user: t}}]\n";
        repository.write("kubeconfig", kubeconfig);
        let environment = repository.environment();
        let ran = repository.run(&["reconcile", &environment, "--once"]).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(said.matches("error[").count(), 1, "{said}");
        assert!(
            said.contains("no connection to `http://127.0.0.1:1`"),
            "{said}"
        );
    });
}

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";

/// Deployments whose pods all ask for one image.
fn deployments(count: usize) -> String {
    let mut text = String::new();
    for at in 0..count {
        writeln!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d{at}, namespace: TAG}}\n\
             spec:\n  selector: {{matchLabels: {{app: d{at}}}}}\n  template:\n    metadata: {{labels: {{app: d{at}}}}}\n    \
             spec: {{containers: [{{name: main, image: 'example.com/api:2'}}]}}"
        )
        .unwrap();
    }
    text
}

/// A pod of each of them, as a controller makes it, and what its kubelet says of it.
async fn pods(world: &World, count: usize, status: impl Fn(usize) -> String) {
    for at in 0..count {
        world
            .until_there(&format!("apps/v1 Deployment TAG/d{at}"))
            .await;
        let pod =
            format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: d{at}-x{at}, namespace: TAG");
        let spec = "spec: {nodeName: TAG, automountServiceAccountToken: false, containers: [{name: main, image: 'example.com/api:2'}]}";
        let account =
            "{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: TAG}}";
        world.apply_as("controller", account).await;
        let labelled = format!("{pod}, labels: {{app: d{at}}}}}\n{spec}\n");
        world.apply_as("controller", &labelled).await;
        let told = format!("{pod}}}\nstatus: {}\n", status(at));
        world.set_status(&told).await;
    }
}

/// What a run says of Deployments that never become healthy.
async fn unhealthy(world: &mut World, count: usize, status: impl Fn(usize) -> String) -> Report {
    world.wait = true;
    world.timeout = Duration::from_secs(8);
    let all = deployments(count);
    let phases = [("pre", NAMESPACE), ("app", all.as_str())];
    let (report, ()) = tokio::join!(world.reconcile(&phases), pods(world, count, status));
    assert_eq!(report.counts.failed, count, "on {}: {report}", world.server);
    report
}

/// Asserts that one error tells of all, and JSON names all of them.
fn one_error(report: &Report, count: usize, cause: &str, server: &str) {
    let text = report.to_string();
    assert_eq!(text.matches("error[").count(), 1, "on {server}: {text}");
    let heading =
        format!("error[apply/unhealthy]: {count} objects are not healthy for one reason: {cause}");
    assert!(text.contains(&heading), "on {server}: {text}");
    assert!(
        text.contains("help: look further with `kubectl"),
        "on {server}: {text}"
    );
    let more = format!("… and {} more", count - 5);
    assert!(text.contains(&more), "on {server}: {text}");
    let json = serde_json::to_value(report).unwrap();
    let causes = json["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 1, "on {server}: {json}");
    assert!(
        causes[0]["cause"].as_str().unwrap().starts_with(cause),
        "on {server}: {json}"
    );
    assert_eq!(causes[0]["objects"].as_array().unwrap().len(), count);
}

#[test]
fn an_image_that_nobody_can_pull_is_one_error_for_all_who_ask_for_it() {
    on_every_server(async |mut world| {
        let report = unhealthy(&mut world, 12, |at| {
            // Each kubelet is at another point of trying again.
            let reason = ["ErrImagePull", "ImagePullBackOff"][at % 2];
            format!("{{phase: Pending, containerStatuses: [{{name: main, image: '', imageID: '', ready: false, restartCount: 0, state: {{waiting: {{reason: {reason}, message: 'try {at}'}}}}}}]}}")
        })
        .await;
        let cause = "the image `example.com/api:2` cannot be pulled";
        one_error(&report, 12, cause, world.server);
        let parent = world
            .live("trueup.dev/v1 Environment env-TAG")
            .await
            .unwrap();
        let said = parent.value()["status"]["conditions"][0]["message"].to_string();
        assert!(said.contains(cause), "on {}: {said}", world.server);
    });
}

#[test]
fn a_node_that_is_gone_is_one_error_for_all_that_ran_on_it() {
    on_every_server(async |mut world| {
        world
            .apply_as(
                "test",
                "{apiVersion: v1, kind: Node, metadata: {name: TAG}}",
            )
            .await;
        let gone = "{apiVersion: v1, kind: Node, metadata: {name: TAG}, status: {conditions: [{type: Ready, status: Unknown, reason: NodeStatusUnknown, message: Kubelet stopped posting node status.}]}}";
        world.set_status(gone).await;
        let report = unhealthy(&mut world, 12, |_| {
            "{phase: Running, conditions: [{type: Ready, status: 'False'}]}".to_owned()
        })
        .await;
        let cause = format!("node `{}` is not ready: NodeStatusUnknown", world.tag);
        one_error(&report, 12, &cause, world.server);
    });
}

const CONVERTED: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: converteds.conversion.dev}
spec:
  group: conversion.dev
  scope: Namespaced
  names: {kind: Converted, plural: converteds, singular: converted, listKind: ConvertedList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  - {name: v2, served: true, storage: false, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  conversion:
    strategy: Webhook
    webhook: {conversionReviewVersions: [v1], clientConfig: {service: {name: nobody, namespace: default}}}
";

#[test]
fn an_object_that_cannot_be_read_is_not_said_to_be_created() {
    on_a_real_server_of_its_own(async |mut world| {
        let once = RetryPolicy {
            attempts: 1,
            timeout: Duration::from_secs(5),
            ..RetryPolicy::default()
        };
        world.reconnect(once).await;
        let object = |version: &str, value: &str| {
            format!(
                "---\napiVersion: conversion.dev/{version}\nkind: Converted\nmetadata: {{name: c, namespace: TAG}}\nspec: {{a: b}}\n\
                 ---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m, namespace: TAG}}\ndata: {{a: {value}}}\n"
            )
        };
        let pre = NAMESPACE.to_owned() + "---" + CONVERTED;
        let stored = object("v1", "one");
        world.converge(&[("pre", &pre), ("app", &stored)]).await;
        // To be read as v2 it has to be converted, and whoever does that is not there.
        let wanted = object("v2", "two");
        let phases = [("pre", pre.as_str()), ("app", wanted.as_str())];
        let plan = world.plan(&phases).await.unwrap();
        let action = plan.actions.iter().find(|one| one.id().kind == "Converted");
        let action = action.unwrap();
        assert_eq!(action.kind, ActionKind::None, "{action:?}");
        let blocked = action.blocked.as_ref().unwrap();
        assert!(
            blocked.message.contains("cannot read `Converted"),
            "{blocked}"
        );
        assert!(blocked.message.contains("conversion webhook"), "{blocked}");
        let report = world.reconcile(&phases).await;
        let text = report.to_string();
        assert_eq!(report.counts.failed, 1, "{text}");
        assert_eq!(report.counts.configured, 1, "{text}");
        assert_eq!(text.matches("error[").count(), 1, "{text}");
    });
}
