//! What the real `kubectl` makes of what we own, and we of what it writes.

use serde_json::json;
use trueup::{config::reconcile::Conflicts, report::Outcome};

use crate::harness::{World, on_every_server};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const DEPLOYMENT: &str = "
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: TAG}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template: {metadata: {labels: {app: api}}, spec: {containers: [{name: api, image: example.com/api:1}]}}
";

fn config_map(name: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: TAG}}\ndata: {{a: b}}\n"
    )
}

/// What kubectl says that must do; none where there is no kubectl.
fn does(world: &World, arguments: &[&str], input: &str) -> Option<String> {
    let Some(output) = world.kubectl(arguments, input) else {
        eprintln!("NOT RUN: KUBEBUILDER_ASSETS holds no kubectl");
        return None;
    };
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "on {}: kubectl {arguments:?}: {out}{err}",
        world.server
    );
    Some(format!("{out}{err}"))
}

#[test]
fn kubectl_sees_what_is_ours_by_its_label_and_its_parent() {
    on_every_server(async |world| {
        let all = NAMESPACE.to_owned() + &config_map("a") + &config_map("b");
        world.converge(&[("app", &all)]).await;
        let parent = world
            .live("trueup.dev/v1 Environment env-TAG")
            .await
            .unwrap();
        let set = format!(
            "applyset.kubernetes.io/part-of={}",
            parent.label("applyset.kubernetes.io/id").unwrap()
        );
        let arguments = [
            "get",
            "configmaps",
            "-n",
            &world.tag,
            "-l",
            &set,
            "-o",
            "name",
        ];
        let Some(listed) = does(&world, &arguments, "") else {
            return;
        };
        assert_eq!(listed, "configmap/a\nconfigmap/b\n", "on {}", world.server);
    });
}

#[test]
fn kubectl_neither_prunes_what_is_ours_nor_writes_to_our_set() {
    on_every_server(async |world| {
        let all = NAMESPACE.to_owned() + &config_map("a") + &config_map("b");
        world.converge(&[("app", &all)]).await;
        // It knows the set for one of another tool, and leaves it alone.
        let set = format!("--applyset=environments.trueup.dev/env-{}", world.tag);
        let arguments = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--prune",
            "-n",
            &world.tag,
            &set,
            "-f",
            "-",
        ];
        let Some(output) = world.kubectl(&arguments, &config_map("a")) else {
            return;
        };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "on {}: {said}", world.server);
        assert!(
            said.contains("trueup"),
            "on {}: it names whose set it is: {said}",
            world.server
        );
        assert!(world.live("v1 ConfigMap TAG/b").await.is_some());
        // Its own set beside ours prunes its own alone.
        let own = format!("--applyset=secrets/own-{}", world.tag);
        let arguments = [
            "apply",
            "--server-side",
            "--prune",
            "-n",
            &world.tag,
            &own,
            "-f",
            "-",
        ];
        does(
            &world,
            &arguments,
            &(config_map("one") + &config_map("two")),
        );
        does(&world, &arguments, &config_map("one"));
        assert!(
            world.live("v1 ConfigMap TAG/two").await.is_none(),
            "on {}",
            world.server
        );
        assert!(world.live("v1 ConfigMap TAG/a").await.is_some());
        let report = world.converge(&[("app", &all)]).await;
        assert_eq!(
            (report.counts.unchanged, report.counts.pruned),
            (3, 0),
            "on {}:\n{report}",
            world.server
        );
    });
}

#[test]
fn replicas_that_somebody_scales_are_left_where_git_says_so() {
    on_every_server(async |mut world| {
        let all = NAMESPACE.to_owned() + DEPLOYMENT;
        world.converge(&[("app", &all)]).await;
        // As an autoscaler does: through the subresource `scale`.
        let arguments = ["scale", "deployment/api", "--replicas=7", "-n", &world.tag];
        if does(&world, &arguments, "").is_none() {
            return;
        }
        world.policy.conflicts = Conflicts::Leave;
        let newer = all.replace("api:1", "api:2");
        let report = world.converge(&[("app", &newer)]).await;
        assert_eq!(
            report.counts.configured, 1,
            "on {}:\n{report}",
            world.server
        );
        let live = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        assert_eq!(
            live.at(&["spec", "replicas"]),
            Some(&json!(7)),
            "on {}",
            world.server
        );
        world.writes();
        world.converge(&[("app", &newer)]).await;
        assert_eq!(world.writes(), [""; 0], "on {}", world.server);
        // Git wins where nothing else is said.
        world.policy.conflicts = Conflicts::Take;
        world.converge(&[("app", &newer)]).await;
        let live = world.live("apps/v1 Deployment TAG/api").await.unwrap();
        assert_eq!(
            live.at(&["spec", "replicas"]),
            Some(&json!(2)),
            "on {}",
            world.server
        );
    });
}

#[test]
fn a_field_that_is_left_keeps_the_value_of_kubectl_edit_and_an_owner() {
    on_every_server(async |mut world| {
        let all = NAMESPACE.to_owned() + &config_map("a");
        world.policy.conflicts = Conflicts::Leave;
        world.converge(&[("app", &all)]).await;
        let patch = r#"{"data": {"a": "edited"}}"#;
        let arguments = [
            "patch",
            "configmap/a",
            "-n",
            &world.tag,
            "--type=merge",
            "--field-manager=kubectl-edit",
            "-p",
            patch,
        ];
        if does(&world, &arguments, "").is_none() {
            return;
        }
        // Other changes of Git come, this field stays as it is.
        let newer = all.replace("a: b", "a: b, new: c");
        for _ in 0..2 {
            let report = world.converge(&[("app", &newer)]).await;
            assert_eq!(report.outcome, Outcome::Converged);
        }
        let live = world.live("v1 ConfigMap TAG/a").await.unwrap();
        assert_eq!(
            live.at(&["data"]),
            Some(&json!({"a": "edited", "new": "c"})),
            "on {}",
            world.server
        );
        let owners = |live: &trueup::cluster::Live| {
            let entries = live
                .at(&["metadata", "managedFields"])
                .and_then(|all| all.as_array().cloned())
                .unwrap();
            let owns = entries
                .iter()
                .filter(|entry| entry["fieldsV1"]["f:data"].get("f:a").is_some());
            owns.map(|entry| entry["manager"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(owners(&live), ["kubectl-edit"], "on {}", world.server);
        // Once both say the same, it is ours, too, and stays when the other lets go.
        let same = all.replace("a: b", "a: edited");
        world.converge(&[("app", &same)]).await;
        let live = world.live("v1 ConfigMap TAG/a").await.unwrap();
        assert!(
            owners(&live).contains(&"trueup".to_owned()),
            "on {}: {:?}",
            world.server,
            owners(&live)
        );
    });
}
