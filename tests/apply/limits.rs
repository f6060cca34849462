//! What is large, missing, full or cut off at the worst moment: nothing is lost, and nothing grows.

use std::fmt::Write as _;

use crate::harness::{World, on_embedded, on_every_server};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";

fn maps(range: std::ops::Range<usize>) -> String {
    let mut text = String::new();
    for at in range {
        writeln!(
            text,
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{at}, namespace: TAG}}\ndata: {{a: b}}"
        )
        .unwrap();
    }
    text
}

/// How much memory this process has had at most, in MiB, as far as the system says.
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    kibibytes.unwrap_or_default() / 1024
}

/// How many objects; `TRUEUP_MANY_OBJECTS` asks for another number.
const MANY: usize = 3_000;

#[test]
fn thousands_of_objects_are_owned_left_alone_and_pruned_without_a_list_of_them() {
    on_embedded(async |world, _| {
        let many = std::env::var("TRUEUP_MANY_OBJECTS").map_or(MANY, |many| many.parse().unwrap());
        let all = maps(0..many);
        let report = world.converge(&[("pre", NAMESPACE), ("app", &all)]).await;
        assert_eq!(report.counts.created, many + 1);
        let parent = world
            .live("trueup.dev/v1 Environment env-TAG")
            .await
            .unwrap();
        let size = parent.value().to_string().len();
        assert!(size < 8_192, "the parent has {size} bytes");
        world.cluster.take();
        let report = world.converge(&[("pre", NAMESPACE), ("app", &all)]).await;
        assert_eq!(report.counts.unchanged, many + 1);
        let asked = world.cluster.take();
        assert!(
            !asked.iter().any(crate::harness::Call::is_write) && asked.len() < 20,
            "{asked:?}"
        );
        let half = maps(0..many.div_ceil(2));
        let report = world.converge(&[("pre", NAMESPACE), ("app", &half)]).await;
        assert_eq!(report.counts.pruned, many / 2);
        let left = world.owned(&["v1 ConfigMap"]).await;
        assert_eq!(left.len(), many.div_ceil(2));
        eprintln!(
            "{many} objects, with the server and its store in the process: {} MiB at most, {size} bytes of parent",
            most_memory()
        );
    });
}

#[test]
fn a_kill_between_the_parent_and_the_first_object_leaves_nothing_behind_that_is_not_owned() {
    on_every_server(async |mut world| {
        let all = maps(0..3);
        let phases = [("pre", NAMESPACE), ("app", all.as_str())];
        world
            .cluster
            .before_first("apply Namespace", |cluster| cluster.die_at(0));
        let died = tokio::select! {
            _ = world.reconcile(&phases) => false,
            () = world.cluster.death() => true,
        };
        assert!(died, "on {}", world.server);
        world.cluster.die_at(u64::MAX);
        let parent = world.live("trueup.dev/v1 Environment env-TAG").await;
        assert!(parent.is_some(), "on {}", world.server);
        assert!(world.live("v1 Namespace TAG").await.is_none());
        world.restart();
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.created, 4, "on {}: {report}", world.server);
        let owned = world.owned(&["v1 Namespace", "v1 ConfigMap"]).await;
        assert_eq!(owned.len(), 4, "on {}: {owned:?}", world.server);
        world.writes();
        world.converge(&phases).await;
        assert_eq!(world.writes(), [""; 0], "on {}", world.server);
    });
}

const PHASES: &str = "  - {name: all, kustomize: {path: all}}\n";
const KUSTOMIZATION: &str = "resources: [map.yaml]\n";
const MAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: TAG, namespace: default}\ndata: {a: b}\n";

/// A folder whose environment is in the cluster already.
async fn brought(world: &World) -> crate::harness::program::Repository {
    let repository = world.repository(PHASES, "");
    repository.write("all/kustomization.yaml", KUSTOMIZATION);
    repository.write("all/map.yaml", MAP);
    let environment = repository.environment();
    let ran = repository.run(&["reconcile", &environment, "--once"]).await;
    assert_eq!(ran.code, Some(0), "on {}: {ran:?}", world.server);
    repository
}

#[test]
fn a_wrong_path_is_an_error_that_names_it_and_prunes_nothing() {
    on_every_server(async |world| {
        let repository = brought(&world).await;
        let environment = repository.environment();
        let right = repository.read("environments/env.yaml");
        let before = world.live("v1 ConfigMap default/TAG").await.unwrap();
        for (path, said) in [("path: al}", "al"), ("path: empty}", "empty")] {
            repository.write("empty/readme.txt", "no kustomization here");
            let wrong = right.replace("path: all}", path);
            assert_ne!(wrong, right);
            repository.write("environments/env.yaml", &wrong);
            for (arguments, code) in [
                (&["reconcile", &*environment, "--once"][..], 1),
                (&["reconcile", &*environment, "--once", "--confirm"], 1),
                (&["diff", &*environment], 2),
            ] {
                let ran = repository.run(arguments).await;
                assert_eq!(ran.code, Some(code), "on {}: {ran:?}", world.server);
                let text = format!("{}{}", ran.stdout, ran.stderr);
                assert!(text.contains("error["), "on {}: {text}", world.server);
                assert!(text.contains(said), "on {}: {text}", world.server);
            }
            let after = world.live("v1 ConfigMap default/TAG").await.unwrap();
            assert_eq!(after, before, "on {}", world.server);
        }
    });
}

#[test]
fn a_full_disk_stops_no_run_and_leaves_files_as_they_were() {
    on_every_server(async |world| {
        let repository = brought(&world).await;
        let environment = repository.environment();
        let plan = ["plan", &*environment, "-o", "plan.json"];
        let ran = repository.run(&plan).await;
        assert_eq!(ran.code, Some(0), "on {}: {ran:?}", world.server);
        let (before, count) = (repository.read("plan.json"), repository.entries());
        let ran = repository.run_within("ulimit -f 0", &plan).await;
        assert_eq!(ran.code, Some(1), "on {}: {ran:?}", world.server);
        assert!(ran.stderr.contains("plan.json"), "{}", ran.stderr);
        assert_eq!(repository.read("plan.json"), before);
        assert_eq!(repository.entries(), count, "nothing is left beside it");
        // The cluster does not need the disk.
        repository.write("all/map.yaml", &MAP.replace("a: b", "a: c"));
        let arguments = ["reconcile", &*environment, "--once"];
        let ran = repository.run_within("ulimit -f 0", &arguments).await;
        assert_eq!(ran.code, Some(0), "on {}: {ran:?}", world.server);
        let live = world.live("v1 ConfigMap default/TAG").await.unwrap();
        assert_eq!(live.text(&["data", "a"]), "c", "on {}", world.server);
    });
}

#[test]
fn a_run_that_memory_ends_is_followed_by_one_that_converges() {
    on_every_server(async |world| {
        let repository = brought(&world).await;
        let environment = repository.environment();
        let changed = maps(0..40).replace("namespace: TAG", "namespace: default");
        repository.write(
            "all/map.yaml",
            &(MAP.to_owned() + &changed.replace("name: m", "name: TAG-m")),
        );
        let arguments = ["reconcile", &*environment, "--once"];
        let mut ended_early = 0;
        // From too little to start with, up to enough.
        for mebibytes in (16..2_048).step_by(24) {
            let limit = format!("ulimit -v {}", mebibytes * 1024);
            let ran = repository.run_within(&limit, &arguments).await;
            if ran.code == Some(0) {
                break;
            }
            ended_early += 1;
        }
        assert!(ended_early > 0, "no limit was low enough to end a run");
        let ran = repository.run(&arguments).await;
        assert_eq!(ran.code, Some(0), "on {}: {ran:?}", world.server);
        let owned = world.owned(&["v1 ConfigMap"]).await;
        assert_eq!(owned.len(), 41, "on {}: {owned:?}", world.server);
        let ran = repository
            .run(&[&arguments[..], &["-o", "json"]].concat())
            .await;
        let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(
            report["counts"]["unchanged"], 41,
            "on {}: {ran:?}",
            world.server
        );
    });
}
