//! A network that is slow, silent, or breaks in the middle of an answer.

use std::{fmt::Write as _, time::Duration};

use trueup::{apply::Options, cluster::RetryPolicy};
use trueup_testbed::{ApiServer, Conduct, Proxy};

use crate::harness::{World, on_a_cluster_with_nodes, on_embedded, with_the_real_server};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";

/// So many objects that no answer about all of them fits into a packet.
fn maps(count: usize, value: &str) -> String {
    let mut text = String::new();
    for at in 0..count {
        let long = "x".repeat(2000);
        writeln!(
            text,
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{at}, namespace: TAG}}\ndata: {{a: {value}, long: {long}}}"
        )
        .unwrap();
    }
    text
}

/// Patient with nothing: what hangs is given up soon.
fn brisk() -> RetryPolicy {
    RetryPolicy {
        attempts: 8,
        first_delay: Duration::from_millis(20),
        longest_delay: Duration::from_millis(500),
        timeout: Duration::from_secs(5),
    }
}

/// Applies, changes, and looks, each over connections that are treated so; then a look over honest ones
/// finds all as it should be.
async fn survive(world: &mut World, proxy: &Proxy, connections: usize, conduct: Conduct) {
    let mut mistreated = 0;
    for value in ["one", "two"] {
        proxy.treat(connections, conduct);
        world.reconnect(brisk()).await;
        let maps = maps(30, value);
        let phases = [("pre", NAMESPACE), ("app", maps.as_str())];
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.failed, 0, "{conduct:?}: {report}");
        mistreated += proxy.mistreated();
        proxy.treat(0, Conduct::Honest);
        world.reconnect(brisk()).await;
        world.writes();
        let report = world.converge(&phases).await;
        assert_eq!(report.counts.unchanged, 31, "{conduct:?}: {report}");
        assert_eq!(world.writes(), [""; 0], "{conduct:?}");
    }
    assert!(mistreated > 0, "{conduct:?}");
    let options = Options {
        confirmed: true,
        ..Options::default()
    };
    let report = world.reconcile_with(&[("pre", NAMESPACE)], &options).await;
    assert_eq!(report.counts.pruned, 30, "{report}");
}

/// In the handshake, in the first answer, between answers, in a long list.
const CUTS: [usize; 6] = [1, 900, 3_000, 9_000, 30_000, 100_000];

async fn survive_all(world: &mut World, proxy: &Proxy) {
    for bytes in CUTS {
        survive(world, proxy, 3, Conduct::CutAfter(bytes)).await;
    }
    let slow = Conduct::Slow(Duration::from_millis(40));
    survive(world, proxy, usize::MAX, slow).await;
    survive(world, proxy, 1, Conduct::Silent).await;
}

#[test]
fn connections_that_break_hang_or_crawl_lose_nothing_on_a_real_server() {
    with_the_real_server(async |server: &ApiServer| {
        let proxy = Proxy::before(server.port()).await;
        let token = format!("token: {}", trueup_testbed::TOKEN);
        let kubeconfig = server.write_kubeconfig("proxied", proxy.port(), &token);
        let mut world = World::reached_by(&kubeconfig).await;
        survive_all(&mut world, &proxy).await;
    });
}

#[test]
fn connections_that_break_hang_or_crawl_lose_nothing() {
    on_embedded(async |_, server| {
        let proxy = Proxy::before(server.address().port()).await;
        let mut world = World::at(&format!("http://127.0.0.1:{}", proxy.port())).await;
        survive_all(&mut world, &proxy).await;
    });
}

const DEPLOYMENT: &str = "---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: TAG}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers: [{name: api, image: 'example.com/api:1'}]
";

#[test]
fn a_wait_goes_on_although_its_connections_are_cut() {
    on_a_cluster_with_nodes(async |world| {
        let proxy = Proxy::before(world.port()).await;
        let mut own = world.through(proxy.port()).await;
        own.wait = true;
        let mut mistreated = 0;
        for (round, bytes) in [4_000, 8_000, 16_000].into_iter().enumerate() {
            proxy.treat(6, Conduct::CutAfter(bytes));
            own.reconnect(brisk()).await;
            let image = format!("example.com/api:{round}");
            let deployment = DEPLOYMENT.replace("example.com/api:1", &image);
            let phases = [("pre", NAMESPACE), ("app", deployment.as_str())];
            let report = own.converge(&phases).await;
            assert_eq!(report.counts.failed, 0, "{bytes}: {report}");
            let live = own.live("apps/v1 Deployment TAG/api").await.unwrap();
            assert_eq!(live.value()["status"]["updatedReplicas"], 3, "{bytes}");
            mistreated += proxy.mistreated();
            proxy.treat(0, Conduct::Honest);
        }
        assert!(mistreated >= 3, "{mistreated}");
    });
}
