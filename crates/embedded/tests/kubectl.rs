//! Plain `kubectl` against the server, as a person would use it. Says so loudly when `kubectl` is
//! not on the `PATH`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "support of tests, which fail by panicking"
)]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use trueup_embedded::Server;

/// A server and the folder kubectl keeps its things in.
struct Cluster {
    /// Ends with the test.
    _server: Server,
    folder: TempDir,
}

impl Cluster {
    /// `None` where there is no kubectl.
    async fn start() -> Option<Self> {
        let found = Command::new("kubectl")
            .args(["version", "--client"])
            .output();
        if !found.is_ok_and(|output| output.status.success()) {
            eprintln!("!!! kubectl is not on the PATH: nothing is proved about it here");
            return None;
        }
        let builder = Server::builder().simulate_controllers(Duration::from_millis(50));
        let server = builder.start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), server.kubeconfig()).unwrap();
        Some(Self {
            _server: server,
            folder,
        })
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new("kubectl")
            .args(arguments)
            .env("KUBECONFIG", self.folder.path().join("kubeconfig"))
            .env("HOME", self.folder.path())
            .env("KUBECACHEDIR", self.folder.path().join("cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs kubectl and returns what it prints; it must succeed.
    fn ok(&self, arguments: &str) -> String {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let output = self.run(&words, "");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "kubectl {arguments}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs kubectl, which must fail, and returns its code and what it says.
    fn fails(&self, arguments: &str) -> (i32, String) {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let output = self.run(&words, "");
        assert!(!output.status.success(), "kubectl {arguments} succeeded");
        let both = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8_lossy(&both).into_owned(),
        )
    }
}

const WEB: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: 'nginx:1'}]}
";

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_finds_its_way_by_discovery_and_explains_kinds() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    assert!(cluster.ok("version").contains("v1.36"));
    let resources = cluster.ok("api-resources");
    assert!(
        resources
            .lines()
            .any(|line| line.starts_with("deployments") && line.contains("deploy"))
    );
    assert!(cluster.ok("api-versions").contains("apps/v1"));
    let explained = cluster.ok("explain deployment.spec.strategy");
    assert!(explained.contains("rollingUpdate") && explained.contains("<RollingUpdateDeployment>"));
    assert!(
        cluster
            .ok("get all,nodes -A -o wide")
            .contains("node/embedded")
    );
    assert_eq!(cluster.ok("auth can-i create pods").trim(), "yes");
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_applies_diffs_and_deletes() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let path = cluster.file("web.yaml", WEB);
    let path = path.to_str().unwrap();
    let server_side = format!("apply --server-side -f {path}");
    assert_eq!(
        cluster.ok(&server_side).trim(),
        "deployment.apps/web serverside-applied"
    );
    assert_eq!(cluster.ok(&format!("diff --server-side -f {path}")), "");
    let changed = cluster.file("changed.yaml", &WEB.replace("nginx:1", "nginx:2"));
    let changed = changed.to_str().unwrap();
    let (code, difference) = cluster.fails(&format!("diff --server-side -f {changed}"));
    assert_eq!(code, 1);
    assert!(
        difference.contains("+      - image: nginx:2"),
        "{difference}"
    );
    cluster.ok(&format!("delete -f {path}"));
    cluster.fails("get deployment web");
    // The client-side way: create, leave alone, patch strategically.
    let client_side = format!("apply -f {path}");
    assert_eq!(
        cluster.ok(&client_side).trim(),
        "deployment.apps/web created"
    );
    assert_eq!(
        cluster.ok(&client_side).trim(),
        "deployment.apps/web unchanged"
    );
    let configured = cluster.ok(&format!("apply -f {changed}"));
    assert_eq!(configured.trim(), "deployment.apps/web configured");
    let image = "get deploy web -o jsonpath={.spec.template.spec.containers[*].image}";
    assert_eq!(cluster.ok(image), "nginx:2");
    let bad = cluster.file("bad.yaml", &WEB.replace("image:", "imagee:"));
    let (_, refused) = cluster.fails(&format!("apply -f {}", bad.to_str().unwrap()));
    assert!(
        refused.contains("unknown field \"spec.template.spec.containers[0].imagee\""),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_creates_typed_objects_through_protobuf() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    cluster.ok("create namespace shop");
    cluster.ok("create deployment api --image=nginx:1 --replicas=2 -n shop");
    cluster.ok("create configmap settings --from-literal=a=b -n shop");
    cluster.ok("create secret generic key --from-literal=a=b -n shop");
    cluster.ok("create job once --image=busybox -n shop -- true");
    cluster.ok("create cronjob nightly --image=busybox --schedule=@daily -n shop");
    cluster.ok("create ingress front --rule=example.com/*=api:80 -n shop");
    cluster.ok("create role reader --verb=get --resource=pods -n shop");
    cluster.ok("create rolebinding readers --role=reader --user=u -n shop");
    cluster.ok("create serviceaccount robot -n shop");
    cluster.ok("create poddisruptionbudget keep --selector=app=api --min-available=1 -n shop");
    cluster.ok("expose deployment api --port=80 -n shop");
    let secret = cluster.ok("get secret key -n shop -o jsonpath={.data.a}");
    assert_eq!(secret, "Yg==");
    let table = cluster.ok("get services -n shop");
    assert!(table.contains("80/TCP"), "{table}");
    cluster.ok("wait --for=condition=complete job/once -n shop --timeout=30s");
    cluster.ok("delete namespace shop");
    cluster.fails("get namespace shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_patches_labels_scales_rolls_out_and_waits() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let path = cluster.file("web.yaml", WEB);
    cluster.ok(&format!(
        "apply --server-side -f {}",
        path.to_str().unwrap()
    ));
    cluster.ok("rollout status deploy/web --timeout=30s");
    cluster.ok("wait --for=condition=Available deploy/web --timeout=30s");
    let patches = [
        (
            "json",
            r#"[{"op":"add","path":"/metadata/labels","value":{"j":"1"}}]"#,
        ),
        ("merge", r#"{"metadata":{"labels":{"m":"1"}}}"#),
        (
            "strategic",
            r#"{"spec":{"template":{"spec":{"containers":[{"name":"d","image":"y:1"}]}}}}"#,
        ),
    ];
    for (kind, patch) in patches {
        cluster.ok(&format!("patch deploy web --type={kind} -p {patch}"));
    }
    let images = cluster.ok("get deploy web -o jsonpath={.spec.template.spec.containers[*].image}");
    assert_eq!(images, "y:1 nginx:1");
    cluster.ok("label deploy web tier=front");
    cluster.ok("annotate deploy web note=x");
    assert!(
        cluster
            .ok("get deploy -l tier=front,j=1,m -o name")
            .contains("web")
    );
    cluster.ok("scale deploy web --replicas=3");
    cluster.ok("rollout status deploy/web --timeout=30s");
    let ready = cluster.ok("get deploy web -o jsonpath={.status.readyReplicas}");
    assert_eq!(ready, "3");
    cluster.ok("set image deploy/web c=nginx:3");
    cluster.ok("rollout status deploy/web --timeout=30s");
    cluster.ok("rollout undo deploy/web");
    cluster.ok("rollout status deploy/web --timeout=30s");
    assert!(
        cluster
            .ok("rollout history deploy/web")
            .contains("REVISION")
    );
    assert!(cluster.ok("describe deploy web").contains("NewReplicaSet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_watches() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let mut watch = Command::new("kubectl")
        .args(["get", "configmaps", "-w", "-o", "name"])
        .env("KUBECONFIG", cluster.folder.path().join("kubeconfig"))
        .env("HOME", cluster.folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = watch.stdout.take().unwrap();
    let lines = std::thread::spawn(move || {
        use std::io::{BufRead as _, BufReader};
        let lines = BufReader::new(output).lines();
        lines.map(Result::unwrap).find(|line| line.contains("seen"))
    });
    // The watch may begin before or after: its list shows what is there already.
    cluster.ok("create configmap seen");
    assert_eq!(lines.join().unwrap().as_deref(), Some("configmap/seen"));
    watch.kill().unwrap();
    watch.wait().unwrap();
}
