//! Objects that another tool made become ours: its fields move, and what Git does not say goes.

use std::time::Duration;

use serde_json::{Value, json};
use trueup::{
    cluster::{Cluster, Freshness, Live},
    config::reconcile::Conflicts,
    plan::PART_OF,
    report::Outcome,
};
use trueup_manifest::Gvk;

use crate::harness::{World, on_every_server, outline};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";

/// What Git says.
const DESIRED: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: TAG, labels: {app: api}}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - {name: api, image: 'example.com/api:1', env: [{name: A, value: a}]}
";

/// What the tool before us made: with MARKS, a number of replicas, a variable and a label more.
const LEGACY: &str = "
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: TAG
  labels: {app: api, old: 'true'LABELS}
  annotations: {note: gone soonANNOTATIONS}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - {name: api, image: 'example.com/api:1', env: [{name: A, value: a}, {name: OLD, value: b}]}
";

/// How a tool writes: its name, whether it applies on the server's side, its labels and annotations.
struct Tool {
    manager: &'static str,
    applies: bool,
    labels: &'static str,
    annotations: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        manager: "kubectl-client-side-apply",
        applies: false,
        labels: "",
        annotations: ", kubectl.kubernetes.io/last-applied-configuration: '{}'",
    },
    Tool {
        manager: "kubectl",
        applies: true,
        labels: "",
        annotations: "",
    },
    Tool {
        manager: "helm",
        applies: false,
        labels: ", app.kubernetes.io/managed-by: Helm",
        annotations: ", meta.helm.sh/release-name: web, meta.helm.sh/release-namespace: TAG",
    },
    Tool {
        manager: "kustomize-controller",
        applies: true,
        labels: ", kustomize.toolkit.fluxcd.io/name: none, kustomize.toolkit.fluxcd.io/namespace: TAG",
        annotations: "",
    },
    Tool {
        manager: "argocd-controller",
        applies: true,
        labels: "",
        annotations: ", argocd.argoproj.io/tracking-id: 'none-TAG:apps/Deployment:TAG/api'",
    },
];

async fn make(world: &World, tool: &Tool) -> Live {
    let text = LEGACY
        .replace("LABELS", tool.labels)
        .replace("ANNOTATIONS", tool.annotations);
    let made = if tool.applies {
        world.apply_as(tool.manager, &text).await
    } else {
        world.create_as(tool.manager, &text).await
    };
    assert!(made.annotation("note").is_some());
    made
}

fn managers(live: &Live) -> Vec<&str> {
    let entries = live.value()["metadata"]["managedFields"]
        .as_array()
        .unwrap();
    let main = entries
        .iter()
        .filter(|entry| entry.get("subresource").is_none());
    main.map(|entry| entry["manager"].as_str().unwrap())
        .collect()
}

#[test]
fn what_another_tool_made_becomes_ours_and_what_git_does_not_say_goes() {
    for tool in TOOLS {
        on_every_server(async |mut world| {
            world.tag = format!("{}-{}", world.tag, tool.manager);
            let phases = [("pre", NAMESPACE), ("app", DESIRED)];
            world.converge(&phases[..1]).await;
            let before = make(&world, tool).await;
            let by_hand = json!({"metadata": {"labels": {"hand": "made"}}});
            world.patch("apps/v1 Deployment TAG/api", by_hand).await;

            let plan = world.plan(&phases).await.unwrap();
            let told = serde_json::to_value(&*plan).unwrap();
            let from = &told["actions"][1]["migration"][0];
            assert_eq!(from["manager"], tool.manager, "on {}", world.server);
            assert!(from["fields"].as_u64().unwrap() > 8, "{from}");
            let shown = outline(&plan);
            for line in [
                "\"note\":\"gone soon\"} → -",
                "metadata.labels.old: \"true\" → -",
                "spec.replicas: 3 → 1",
                "env[name=OLD]: ",
            ] {
                assert!(shown.contains(line), "on {}: {line}\n{shown}", world.server);
            }
            // Defaults that the tool came to own are no change, and what was made by hand stays.
            for word in ["imagePullPolicy", "revisionHistoryLimit", "hand"] {
                assert!(
                    !shown.contains(word),
                    "on {}: {word}\n{shown}",
                    world.server
                );
            }

            world.writes();
            let report = world.converge(&phases).await;
            assert_eq!(report.counts.adopted, 1, "{report}");
            let place = format!("Deployment.apps {}/api", world.tag);
            let writes: Vec<String> = world.writes();
            let about: Vec<&String> = writes.iter().filter(|call| call.contains("/api")).collect();
            assert_eq!(about.len(), 2, "{place}: {writes:?}");
            let after = world.live("apps/v1 Deployment TAG/api").await.unwrap();
            assert_eq!(after.uid(), before.uid());
            assert_eq!(
                managers(&after)
                    .iter()
                    .filter(|name| **name != "trueup")
                    .count(),
                0
            );
            let labels = after.value()["metadata"]["labels"].as_object().unwrap();
            let mut names: Vec<&str> = labels.keys().map(String::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, ["app", PART_OF, "hand"], "on {}", world.server);
            assert_eq!(after.value()["metadata"].get("annotations"), None);
            let containers =
                |live: &Live| live.value()["spec"]["template"]["spec"]["containers"].clone();
            let mut expected = containers(&before);
            expected[0]["env"] = json!([{"name": "A", "value": "a"}]);
            assert_eq!(containers(&after), expected, "on {}", world.server);

            world.restart();
            world.writes();
            let report = world.converge(&phases).await;
            assert_eq!(report.counts.unchanged, 2, "on {}:\n{report}", world.server);
            assert_eq!(world.writes(), [""; 0]);
        });
    }
}

#[test]
fn what_stays_as_it_is_does_not_restart_a_pod() {
    on_every_server(async |world| {
        let phases = [("pre", NAMESPACE), ("app", DESIRED)];
        world.converge(&phases[..1]).await;
        let marked = DESIRED.replace(
            "labels: {app: api}}\nspec:",
            "annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}'}, labels: {app: api}}\nspec:",
        );
        let before = world.create_as("kubectl-client-side-apply", &marked).await;
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.adopted, 1, "{report}");
        let after = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        assert_eq!(
            after.value()["spec"],
            before.value()["spec"],
            "on {}",
            world.server
        );
        assert_eq!(
            after.annotation("kubectl.kubernetes.io/last-applied-configuration"),
            None
        );
    });
}

#[test]
fn the_tool_before_us_contests_nothing_under_any_policy() {
    on_every_server(async |mut world| {
        for policy in [Conflicts::Leave, Conflicts::Fail] {
            world.policy.conflicts = policy;
            let tag = world.tag.clone();
            world.tag = format!("{tag}-{policy:?}").to_lowercase();
            world.converge(&[("pre", NAMESPACE)]).await;
            world
                .create_as(
                    "kubectl-client-side-apply",
                    &LEGACY.replace("LABELS", "").replace("ANNOTATIONS", ""),
                )
                .await;
            let newer = DESIRED.replace("api:1", "api:2");
            let phases = [("pre", NAMESPACE), ("app", newer.as_str())];
            let report = world.converge(&phases).await;
            assert_eq!(report.counts.adopted, 1, "{report}");
            let after = world.live("apps/v1 Deployment TAG/api").await.unwrap();
            let container = &after.value()["spec"]["template"]["spec"]["containers"][0];
            assert_eq!(
                container["image"], "example.com/api:2",
                "on {}",
                world.server
            );
            world.tag = tag;
        }
    });
}

#[test]
fn a_kill_at_any_request_of_a_migration_is_followed_by_a_run_that_converges() {
    const OURS: &str =
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: TAG}, data: {a: b}}";
    const THEIRS: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: TAG, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}'}}, data: {a: b, old: c}}";
    on_every_server(async |mut world| {
        let phases = [("pre", NAMESPACE), ("app", OURS)];
        world.converge(&phases[..1]).await;
        let held = Duration::from_hours(1);
        let mut walked = 0;
        for at in 1.. {
            let before = world.create_as("kubectl-client-side-apply", THEIRS).await;
            world.restart_as("the same", held);
            world.cluster.die_at(at);
            let died = tokio::select! {
                _ = world.reconcile(&phases) => false,
                () = world.cluster.death() => true,
            };
            world.cluster.die_at(u64::MAX);
            world.restart_as("the same", held);
            world.converge(&phases).await;
            let after = world.live("v1 ConfigMap TAG/a").await.unwrap();
            assert_eq!(after.uid(), before.uid(), "at {at} on {}", world.server);
            assert_eq!(
                after.value()["data"],
                json!({"a": "b"}),
                "at {at} on {}",
                world.server
            );
            assert_eq!(after.value()["metadata"].get("annotations"), None::<&Value>);
            assert_eq!(managers(&after), ["trueup"], "at {at} on {}", world.server);
            world.delete("v1 ConfigMap TAG/a").await;
            if !died {
                break;
            }
            walked += 1;
        }
        eprintln!(
            "a migration on {}: killed at {walked} boundaries",
            world.server
        );
        assert!(walked > 10, "{walked}");
    });
}

fn definition(group: &str, kind: &str, plural: &str) -> String {
    format!(
        "{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: {plural}.{group}}}, \
         spec: {{group: {group}, scope: Namespaced, names: {{kind: {kind}, plural: {plural}, singular: {singular}, listKind: {kind}List}}, \
         versions: [{{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}]}}}}",
        singular = kind.to_lowercase()
    )
}

async fn define(world: &World, group: &str, kind: &str, plural: &str) {
    world
        .apply_as("test", &definition(group, kind, plural))
        .await;
    let gvk = Gvk::new(&format!("{group}/v1"), kind);
    while world
        .cluster
        .kinds(Freshness::Latest)
        .await
        .unwrap()
        .get(&gvk)
        .is_none()
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Discovery is a moment ahead of the paths.
    tokio::time::sleep(Duration::from_millis(500)).await;
}

#[test]
fn what_another_tool_is_at_work_on_is_not_taken_over_until_it_rests() {
    on_every_server(async |world| {
        let map = |name: &str| {
            format!(
                "---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: TAG}}, data: {{a: b}}}}\n"
            )
        };
        let with = |name: &str, marks: &str| {
            map(name).replace("namespace: TAG", &format!("namespace: TAG, {marks}"))
        };
        world.converge(&[("pre", NAMESPACE)]).await;
        define(
            &world,
            "kustomize.toolkit.fluxcd.io",
            "Kustomization",
            "kustomizations",
        )
        .await;
        define(&world, "argoproj.io", "Application", "applications").await;
        let flux = "labels: {kustomize.toolkit.fluxcd.io/name: apps-TAG, kustomize.toolkit.fluxcd.io/namespace: TAG}";
        let argo = "annotations: {argocd.argoproj.io/tracking-id: 'shop-TAG:/ConfigMap:TAG/b'}";
        let helm =
            "annotations: {meta.helm.sh/release-name: web, meta.helm.sh/release-namespace: TAG}";
        world
            .apply_as("kustomize-controller", &with("a", flux))
            .await;
        world.apply_as("argocd-controller", &with("b", argo)).await;
        world.create_as("helm", &with("c", helm)).await;
        let kustomization = "{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: apps-TAG, namespace: TAG}, spec: {suspend: false}}";
        let application = "{apiVersion: argoproj.io/v1, kind: Application, metadata: {name: shop-TAG, namespace: TAG}, spec: {syncPolicy: {automated: {}}}}";
        let release = "{apiVersion: v1, kind: Secret, metadata: {name: sh.helm.release.v1.web.v1, namespace: TAG, labels: {owner: helm, name: web}}}";
        for text in [kustomization, application, release] {
            world.apply_as("test", text).await;
        }
        let all = map("a") + &map("b") + &map("c");
        let phases = [("pre", NAMESPACE), ("app", all.as_str())];
        let report = world.reconcile(&phases).await;
        let text = report.to_string();
        assert_eq!(
            report.outcome,
            Outcome::Failed,
            "on {}: {text}",
            world.server
        );
        let tag = world.tag.clone();
        for words in [
            format!("kept by the Flux Kustomization `{tag}/apps-{tag}`, which is at work"),
            format!("flux suspend kustomization apps-{tag} -n {tag}"),
            format!("kept by the Argo CD Application `shop-{tag}`, which is at work"),
            "remove `syncPolicy.automated` from the Application".to_owned(),
            format!("1 object becomes ours that the Helm release `{tag}/web` still knows"),
            format!("kubectl delete secret -n {tag} -l owner=helm,name=web"),
        ] {
            assert!(
                text.contains(&words),
                "on {}: {words}\n{text}",
                world.server
            );
        }
        let kept = world.live("v1 ConfigMap TAG/a").await.unwrap();
        assert!(kept.label(PART_OF).is_none() && kept.applied_by("trueup").is_none());
        assert_eq!(report.counts.adopted, 1, "{text}");

        world
            .apply_as("test", &kustomization.replace("false", "true"))
            .await;
        world
            .apply_as(
                "test",
                &application.replace("syncPolicy: {automated: {}}", ""),
            )
            .await;
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.adopted, 2, "{report}");
        let text = report.to_string();
        assert!(
            text.contains("becomes ours that the Flux Kustomization"),
            "{text}"
        );
        assert!(text.contains("--cascade=false"), "{text}");
        let ours = world.live("v1 ConfigMap TAG/a").await.unwrap();
        assert_eq!(managers(&ours), ["trueup"]);
        assert_eq!(
            ours.value()["metadata"]["labels"]
                .as_object()
                .unwrap()
                .len(),
            1
        );

        // A tool that is woken again writes its marks anew: that is told on each run.
        world.apply_as("test", kustomization).await;
        world
            .apply_as("kustomize-controller", &with("a", flux))
            .await;
        let report = world.reconcile(&phases).await;
        let text = report.to_string();
        assert!(
            text.contains("which is at work"),
            "on {}: {text}",
            world.server
        );
        assert_eq!(report.outcome, Outcome::Converged, "{text}");
    });
}
