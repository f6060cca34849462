//! The charts of a real platform, each a release, in one run: everything is there afterwards, and a
//! second run writes nothing.

use std::{fs, path::Path};

use trueup::{
    apply::Options,
    config::Config,
    pipeline::{Fetch, Prepared, Remote, Request, prepare},
    report::{Outcome, Report},
};
use trueup_manifest::DiskTree;

use crate::{
    estate::{corpus, expected},
    harness::{World, on_a_real_server_of_its_own, on_embedded},
};

/// The chart of JupyterHub is left out: it draws secrets anew with each rendering.
const ENVIRONMENT: &str = "\
apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: charts}
spec:
  cluster: {embedded: {}}
  phases:
    - {name: kinds, manifests: {path: kinds.yaml}}
    - name: vault-server
      wait: false
      helm: {chart: charts/vault, release: vault, namespace: vault, createNamespace: true}
    - name: autoscaler
      wait: false
      helm:
        chart: charts/cluster-autoscaler
        release: cluster-autoscaler
        namespace: kube-system
        # The chart asks for `policy/v1beta1`, which no cluster of today serves.
        inline: {podDisruptionBudget: null}
    - name: ray-a
      wait: false
      helm: {chart: charts/ray-static-cluster, release: a, namespace: ray, createNamespace: true, inline: {clusterName: a}}
    - name: ray-b
      wait: false
      helm: {chart: charts/ray-static-cluster, release: b, namespace: ray, inline: {clusterName: b}}
    - name: traefik
      wait: false
      helm: {chart: charts/traefik, release: traefik, namespace: traefik, createNamespace: true}
";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::write(to, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// A repository with the charts of the estate, rendered; none where the corpus is not there.
fn prepared() -> Option<Prepared> {
    let (root, pre) = (corpus()?, expected("_pre.yaml")?);
    let folder = tempfile::tempdir().unwrap();
    for (chart, from) in [
        ("vault", "helm/charts/vault"),
        ("traefik", "helm/charts/traefik"),
        ("cluster-autoscaler", "estate/charts/cluster-autoscaler"),
        ("ray-static-cluster", "estate/charts/ray-static-cluster"),
    ] {
        copy(&root.join(from), &folder.path().join("charts").join(chart));
    }
    fs::create_dir(folder.path().join("environments")).unwrap();
    fs::write(folder.path().join("environments/charts.yaml"), ENVIRONMENT).unwrap();
    let is_ray_kind = |document: &&str| {
        document.contains("\nkind: CustomResourceDefinition\n")
            && document.contains("group: ray.io")
    };
    let kinds: Vec<&str> = pre.split("\n---\n").filter(is_ray_kind).collect();
    fs::write(folder.path().join("kinds.yaml"), kinds.join("\n---\n")).unwrap();
    let tree = DiskTree::new(folder.path()).unwrap();
    let request = Request {
        environment: "charts",
        revision: Some("r1"),
        variables: &[],
    };
    let config = Config::load(&tree).unwrap();
    Some(prepare(&tree, &config, &request, &Remote::new(Fetch::Kept)).unwrap())
}

async fn run(world: &World, prepared: &Prepared) -> Report {
    let policy = &prepared.environment.reconcile;
    let report = world
        .session
        .reconcile(&prepared.desired, policy, &Options::default())
        .await;
    assert_eq!(
        report.outcome,
        Outcome::Converged,
        "on {}:\n{report}",
        world.server
    );
    report
}

async fn first_and_second(mut world: World) {
    let Some(prepared) = prepared() else { return };
    let report = run(&world, &prepared).await;
    assert_eq!(
        report.counts.created,
        report.actions.len(),
        "on {}:\n{report}",
        world.server
    );
    world.restart();
    world.cluster.take();
    let report = run(&world, &prepared).await;
    assert_eq!(report.counts.changed(), 0, "on {}:\n{report}", world.server);
    assert_eq!(world.writes(), Vec::<String>::new(), "on {}", world.server);
}

#[test]
fn the_estates_charts_are_released_in_one_run_and_a_second_run_writes_nothing() {
    on_embedded(async |world, _| first_and_second(world).await);
    on_a_real_server_of_its_own(first_and_second);
}
