//! The charts of a real platform, each a release, in one run: everything is there afterwards, and a
//! second run writes nothing. And a chart that draws whatever can be drawn.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::FutureExt;
use tempfile::TempDir;
use trueup::{
    apply::Options,
    cluster::Cluster,
    config::Config,
    pipeline::{self, Fetch, Prepared, Remote, Request},
    render::{RenderOptions, asked::Questions},
    report::{Outcome, Report},
};
use trueup_manifest::{Diagnostics, DiskTree};

use crate::{
    estate::{corpus, expected},
    harness::{World, on_a_real_server_of_its_own, on_embedded, on_every_server},
};

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
    # No node pulls images here: the hooks that do so would be waited for in vain.
    - name: hub
      wait: false
      helm:
        chart: charts/hub
        release: hub
        namespace: hub
        createNamespace: true
        inline: {prePuller: {hook: {enabled: false}}}
    - name: jupyterhub
      wait: false
      helm:
        chart: charts/jupyterhub
        release: jupyterhub
        namespace: jupyterhub
        createNamespace: true
        inline:
          jupyterhub:
            prePuller: {hook: {enabled: false}}
            hub: {config: {Auth0OAuthenticator: {client_secret: not-a-real-secret}}}
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

/// A repository with one environment.
pub(crate) fn repository(environment: &str, files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let environment = ("environments/charts.yaml", environment);
    for (path, text) in files.iter().chain([&environment]) {
        let path: PathBuf = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// A repository with the charts of the estate; none where the corpus is not there.
fn estate() -> Option<TempDir> {
    let (root, pre) = (corpus()?, expected("_pre.yaml")?);
    let is_ray_kind = |document: &&str| {
        document.contains("\nkind: CustomResourceDefinition\n")
            && document.contains("group: ray.io")
    };
    let kinds: Vec<&str> = pre.split("\n---\n").filter(is_ray_kind).collect();
    let folder = repository(ENVIRONMENT, &[("kinds.yaml", &kinds.join("\n---\n"))]);
    for (chart, from) in [
        ("vault", "helm/charts/vault"),
        ("traefik", "helm/charts/traefik"),
        ("cluster-autoscaler", "estate/charts/cluster-autoscaler"),
        ("ray-static-cluster", "estate/charts/ray-static-cluster"),
        ("hub", "helm/charts/jupyterhub"),
        ("jupyterhub", "estate/charts/jupyterhub"),
    ] {
        copy(&root.join(from), &folder.path().join("charts").join(chart));
    }
    // The values that the estate has fail the schema of the chart that it wraps.
    fs::copy(
        root.join("estate/jupyterhub-values-accepted.yaml"),
        folder.path().join("charts/jupyterhub/values.yaml"),
    )
    .unwrap();
    Some(folder)
}

/// The environment of a repository, rendered with what its charts want to know of the cluster.
pub(crate) async fn settled(world: &World, folder: &Path) -> Result<Prepared, Diagnostics> {
    let tree = DiskTree::new(folder).unwrap();
    let config = Config::load(&tree).unwrap();
    let request = Request {
        environment: "charts",
        revision: Some("r1"),
        variables: &[],
    };
    let mut environment = pipeline::select(&config, &request)?;
    // Servers are shared by tests, and environments must not be.
    environment.name.value = format!("charts_{}", world.tag);
    let remote = Remote::new(Fetch::Kept);
    let cluster = Arc::clone(&world.cluster) as Arc<dyn Cluster>;
    let name = environment.name.value.clone();
    let render = |asked| {
        let (environment, tree, remote) = (environment.clone(), &tree, &remote);
        async move {
            let options = RenderOptions {
                revision: Some("r1"),
                remote: Some(remote),
                cache: None,
                asked: Some(&asked),
                charts: Some(remote.charts()),
                keys: Some(remote.keys()),
            };
            pipeline::render_with(tree, environment, &options)
        }
        .boxed()
    };
    let settled = pipeline::settle(&cluster, &name, &Questions::default(), render).await?;
    Ok(settled.0)
}

/// Reconciles the environment of a repository, which must converge.
pub(crate) async fn run(world: &World, folder: &Path) -> (Prepared, Report) {
    let prepared = settled(world, folder).await.unwrap();
    let report = pipeline::reconcile(&prepared, &world.session, &Options::default()).await;
    assert_eq!(
        report.outcome,
        Outcome::Converged,
        "on {}:\n{report}",
        world.server
    );
    (prepared, report)
}

/// Reconciles it again, as a new process: nothing may be written.
pub(crate) async fn again_without_a_write(world: &mut World, folder: &Path) -> Prepared {
    world.restart();
    world.cluster.take();
    let (prepared, report) = run(world, folder).await;
    assert_eq!(report.counts.changed(), 0, "on {}:\n{report}", world.server);
    assert_eq!(world.writes(), Vec::<String>::new(), "on {}", world.server);
    assert!(prepared.undrawn.is_none(), "on {}", world.server);
    prepared
}

async fn first_and_second(mut world: World) {
    let Some(folder) = estate() else { return };
    let (_, report) = run(&world, folder.path()).await;
    assert_eq!(
        report.counts.created,
        report.actions.len(),
        "on {}:\n{report}",
        world.server
    );
    again_without_a_write(&mut world, folder.path()).await;
}

#[test]
fn the_estates_charts_are_released_in_one_run_and_a_second_run_writes_nothing() {
    on_embedded(async |world, _| first_and_second(world).await);
    on_a_real_server_of_its_own(first_and_second);
}

/// All functions that draw, a checksum of what they draw, a look-up, and what the server serves.
const DRAWING: [(&str, &str); 4] = [
    (
        "chart/Chart.yaml",
        "{apiVersion: v2, name: drawing, version: 1.0.0}",
    ),
    (
        "chart/templates/secret.yaml",
        r#"{{- $ca := genCA "ca" 365 }}
{{- $cert := genSignedCert "web" (list "10.0.0.1") (list "web.test") 90 $ca }}
apiVersion: v1
kind: Secret
metadata: {name: drawn, namespace: {{ .Release.Namespace }}}
stringData:
  first: {{ randAlphaNum 24 | quote }}
  second: {{ randAlphaNum 24 | quote }}
  loop: {{ range until 3 }}{{ randAlpha 4 }}-{{ end }}end
  rest: {{ list (randNumeric 6) (randAscii 8 | b64enc) (randBytes 9) (randInt 0 1000000) (uuidv4) (shuffle "abcdefghijkl") | toJson | quote }}
  hash: {{ htpasswd "admin" "swordfish" | quote }}
  bcrypt: {{ bcrypt "swordfish" | quote }}
  aes: {{ encryptAES "key" "text" | quote }}
  key: {{ genPrivateKey "ecdsa" | quote }}
  ca: {{ $ca.Cert | quote }}
  cert: {{ $cert.Cert | quote }}
  time: {{ now | date "2006-01-02 15:04:05" | quote }}
"#,
    ),
    (
        "chart/templates/config.yaml",
        r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: drawing
  namespace: {{ .Release.Namespace }}
  annotations:
    checksum/secret: {{ include (print $.Template.BasePath "/secret.yaml") . | sha256sum }}
data:
  server: {{ .Capabilities.KubeVersion.Version | quote }}
  served: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}
  brought: {{ .Capabilities.APIVersions.Has "TAG.test.dev/v1/Thing" | quote }}
  seen: {{ dig "data" "word" "nothing" (lookup "v1" "ConfigMap" .Release.Namespace "seen") | quote }}
  all: {{ len (lookup "v1" "Namespace" "" "").items | lt 1 | quote }}
  none: {{ lookup "nobody.serves/v1" "This" "" "" | len | quote }}
"#,
    ),
    (
        "kinds.yaml",
        "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.TAG.test.dev}
spec:
  group: TAG.test.dev
  scope: Namespaced
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
",
    ),
];

fn drawing(world: &World) -> TempDir {
    let files = DRAWING.map(|(path, text)| (path, text.replace("TAG", &world.tag)));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, &**text)).collect();
    let environment = "\
apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: charts}
spec:
  cluster: {embedded: {}}
  phases:
    - {name: kinds, manifests: {path: kinds.yaml}}
    - {name: web, helm: {chart: chart, release: web, namespace: TAG, createNamespace: true}}
";
    repository(&environment.replace("TAG", &world.tag), &files)
}

#[test]
fn what_a_chart_draws_stays_and_what_it_looks_up_is_what_the_cluster_holds() {
    on_every_server(async |mut world| {
        let folder = drawing(&world);
        let (prepared, _) = run(&world, folder.path()).await;
        assert!(prepared.undrawn.is_some());
        let secret = world.live("v1 Secret TAG/drawn").await.unwrap();
        let data = secret.at(&["data"]).unwrap().clone();
        assert_ne!(data["first"], data["second"], "two draws are two values");
        let config = world.live("v1 ConfigMap TAG/drawing").await.unwrap();
        let checksum = config.annotation("checksum/secret").unwrap().to_owned();
        for (key, value) in [
            ("served", "true"),
            ("brought", "true"),
            ("seen", "nothing"),
            ("all", "true"),
            ("none", "0"),
        ] {
            assert_eq!(
                config.text(&["data", key]),
                value,
                "{key} on {}",
                world.server
            );
        }
        assert!(config.text(&["data", "server"]).starts_with("v1."));
        again_without_a_write(&mut world, folder.path()).await;

        // What is looked up is an input: it changes what is rendered, and nothing that was drawn.
        let seen = "{apiVersion: v1, kind: ConfigMap, metadata: {name: seen, namespace: TAG}, data: {word: hello}}";
        world.apply_as("somebody", seen).await;
        // A Secret that somebody deletes comes back as it was.
        world.delete("v1 Secret TAG/drawn").await;
        world.restart();
        let (prepared, report) = run(&world, folder.path()).await;
        assert_eq!(
            (report.counts.created, report.counts.configured),
            (1, 1),
            "{report}"
        );
        assert!(
            prepared
                .desired
                .looked_up
                .iter()
                .any(|one| one.name == "seen" && one.found.is_some())
        );
        let secret = world.live("v1 Secret TAG/drawn").await.unwrap();
        assert_eq!(secret.at(&["data"]).unwrap(), &data, "on {}", world.server);
        let config = world.live("v1 ConfigMap TAG/drawing").await.unwrap();
        assert_eq!(config.text(&["data", "seen"]), "hello");
        assert_eq!(config.annotation("checksum/secret"), Some(&*checksum));
        again_without_a_write(&mut world, folder.path()).await;
    });
}

#[test]
fn two_processes_that_draw_at_once_do_not_overwrite_each_other() {
    on_every_server(async |world| {
        let folder = drawing(&world);
        let one = settled(&world, folder.path()).await.unwrap();
        let other = settled(&world, folder.path()).await.unwrap();
        let first = pipeline::reconcile(&one, &world.session, &Options::default()).await;
        assert_eq!(first.outcome, Outcome::Converged, "{first}");
        let second = pipeline::reconcile(&other, &world.session, &Options::default()).await;
        assert_eq!(second.outcome, Outcome::Failed);
        let errors: Vec<&str> = second.errors.iter().map(|error| error.code).collect();
        assert_eq!(errors, ["helm/record"], "on {}: {second}", world.server);
        run(&world, folder.path()).await;
    });
}

#[test]
fn a_dry_run_keeps_nothing_of_what_was_drawn() {
    on_every_server(async |world| {
        let folder = drawing(&world);
        let prepared = settled(&world, folder.path()).await.unwrap();
        world.cluster.take();
        let options = Options {
            dry_run: true,
            ..Options::default()
        };
        let report = pipeline::reconcile(&prepared, &world.session, &options).await;
        assert_eq!(report.outcome, Outcome::Pending, "{report}");
        assert_eq!(world.writes(), Vec::<String>::new());
    });
}
