//! Following against the embedded server, through what happens to watches in a long life.

use serde_json::{Value, json};
use tokio::time::timeout;
use trueup_embedded::{Fault, Rule, Server};
use trueup_manifest::Gvk;

use super::*;
use crate::cluster::{Access, ApplyOptions, DeleteOptions, Freshness, RetryPolicy, connect};

/// Long enough for a busy machine; nothing waits for it when all is well.
const PATIENCE: Duration = Duration::from_secs(30);

const QUICK: Backoff = Backoff {
    first: Duration::from_millis(1),
    longest: Duration::from_millis(20),
};

/// A client that does not try again by itself, and the resource that is followed.
async fn reach(server: &Server) -> (Arc<dyn Cluster>, Arc<Resource>) {
    let access = Access::Url {
        url: server.url(),
        token: None,
    };
    let once = RetryPolicy {
        attempts: 1,
        ..RetryPolicy::default()
    };
    let cluster: Arc<dyn Cluster> = Arc::new(connect(&access, once).await.unwrap());
    let kinds = cluster.kinds(Freshness::Latest).await.unwrap();
    let resource = Arc::clone(kinds.get(&Gvk::new("v1", "ConfigMap")).unwrap());
    (cluster, resource)
}

fn start(cluster: &Arc<dyn Cluster>, resource: &Arc<Resource>) -> mpsc::Receiver<Sighting> {
    let (sender, sightings) = mpsc::channel(64);
    let own = Subject::All(Selection::labelled("own=yes"));
    tokio::spawn(follow(
        Arc::clone(cluster),
        Arc::clone(resource),
        own,
        QUICK,
        sender,
    ));
    sightings
}

/// A server, a client, and a follower of the ConfigMap objects that carry the label `own`.
struct Stage {
    _server: Server,
    cluster: Arc<dyn Cluster>,
    resource: Arc<Resource>,
    sightings: mpsc::Receiver<Sighting>,
}

impl Stage {
    /// Watches meet the fault this many times.
    async fn new(fault: Option<(Fault, u64)>) -> Self {
        let server = Server::builder().start().await.unwrap();
        if let Some((fault, times)) = fault {
            server
                .faults()
                .inject(Rule::new(fault).verb("watch").times(times));
        }
        let (cluster, resource) = reach(&server).await;
        let sightings = start(&cluster, &resource);
        Self {
            _server: server,
            cluster,
            resource,
            sightings,
        }
    }

    fn target(&self, name: &str) -> Target {
        Target {
            resource: Arc::clone(&self.resource),
            namespace: "default".to_owned(),
            name: name.to_owned(),
        }
    }

    async fn apply(&self, name: &str, own: &str, value: &str) {
        let body: Value = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"value": value},
            "metadata": {"name": name, "namespace": "default", "labels": {"own": own}},
        });
        let options = ApplyOptions {
            field_manager: "trueup".into(),
            force: true,
            dry_run: false,
            subresource: None,
        };
        let body = body.to_string().into();
        self.cluster
            .apply(&self.target(name), body, &options)
            .await
            .unwrap();
    }

    async fn delete(&self, name: &str) {
        self.cluster
            .delete(&self.target(name), &DeleteOptions::default())
            .await
            .unwrap();
    }

    /// What is seen next, in a few words.
    async fn seen(&mut self) -> String {
        let sighting = timeout(PATIENCE, self.sightings.recv())
            .await
            .unwrap()
            .unwrap();
        match sighting {
            Sighting::Present(live) => {
                format!("{} is {}", live.id().name, live.text(&["data", "value"]))
            }
            Sighting::Gone(id) => format!("{} is gone", id.name),
            Sighting::All { ids, .. } => {
                let names: Vec<&str> = ids.iter().map(|id| id.name.as_str()).collect();
                format!("all: {}", names.join(" "))
            }
            Sighting::Back => "back".to_owned(),
        }
    }
}

#[tokio::test]
async fn every_change_of_what_is_selected_is_told() {
    let mut stage = Stage::new(None).await;
    assert_eq!(stage.seen().await, "all: ");
    stage.apply("a", "yes", "1").await;
    assert_eq!(stage.seen().await, "a is 1");
    stage.apply("other", "no", "1").await;
    stage.apply("a", "yes", "2").await;
    assert_eq!(stage.seen().await, "a is 2");
    stage.apply("a", "no", "2").await;
    assert_eq!(
        stage.seen().await,
        "a is gone",
        "it no longer carries the label"
    );
    stage.apply("b", "yes", "1").await;
    assert_eq!(stage.seen().await, "b is 1");
    stage.delete("b").await;
    assert_eq!(stage.seen().await, "b is gone");
}

#[tokio::test]
async fn a_watch_that_is_too_old_is_replaced_by_a_new_list() {
    let mut stage = Stage::new(Some((Fault::ExpireWatch { after_events: 1 }, 1))).await;
    assert_eq!(stage.seen().await, "all: ");
    stage.apply("a", "yes", "1").await;
    assert_eq!(stage.seen().await, "a is 1");
    stage.apply("a", "yes", "2").await;
    // The list may come before the second write or after it; what it shows is told either way.
    let mut told = Vec::new();
    while told.last().is_none_or(|last| last != "a is 2") {
        told.push(stage.seen().await);
    }
    if !told.contains(&"all: a".to_owned()) {
        assert_eq!(stage.seen().await, "all: a", "all was listed anew");
    }
    stage.apply("a", "yes", "3").await;
    while stage.seen().await != "a is 3" {}
}

#[tokio::test]
async fn a_cut_watch_goes_on_where_it_was() {
    let mut stage = Stage::new(Some((Fault::TruncateWatch { after_events: 1 }, 3))).await;
    assert_eq!(stage.seen().await, "all: ");
    for value in ["1", "2", "3", "4", "5"] {
        stage.apply("a", "yes", value).await;
        assert_eq!(stage.seen().await, format!("a is {value}"));
    }
}

#[tokio::test]
async fn a_server_that_was_away_is_said_to_be_back() {
    let server = Server::builder().start().await.unwrap();
    let (cluster, resource) = reach(&server).await;
    let address = server.address();
    server.stop().await.unwrap();
    let sightings = start(&cluster, &resource);
    tokio::time::sleep(QUICK.longest).await;
    let server = Server::builder().address(address).start().await.unwrap();
    let mut stage = Stage {
        _server: server,
        cluster,
        resource,
        sightings,
    };
    assert_eq!(stage.seen().await, "back");
    assert_eq!(stage.seen().await, "all: ");
}
