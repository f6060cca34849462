//! The daemon over a real Git repository and an API server: what it does when things happen to
//! either of them.

#[cfg(test)]
#[path = "daemon/chart.rs"]
mod chart;
#[cfg(test)]
#[path = "daemon/drift.rs"]
mod drift;
#[cfg(test)]
#[path = "daemon/own_source.rs"]
mod own_source;
#[cfg(test)]
#[path = "daemon/program.rs"]
mod program;
#[cfg(test)]
#[path = "daemon/world.rs"]
mod world;

use std::{fs, sync::Arc};

use trueup::{
    daemon::{Daemon, EnvironmentStatus, Options, State},
    pipeline::Clusters,
};
use trueup_embedded::Server;

use self::world::{SELDOM, World, ask, config_map, environment, patch, request, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_commit_is_applied_and_what_it_removes_is_pruned() {
    let world = World::new().await;
    let daemon = world.start().await;
    until(
        "the first revision",
        || world.value("a"),
        |value| value.as_deref() == Some("one"),
    )
    .await;
    world.git.write("app/a.yaml", &config_map("a", "two"));
    world
        .git
        .write("app/kustomization.yaml", "resources: [a.yaml]\n")
        .remove("app/b.yaml");
    let revision = world.git.commit("two");
    let (status, body) = ask(&daemon.address, "POST", "/api/v1/reconcile").await;
    assert_eq!((status, body.contains("dev")), (202, true), "{body}");
    daemon.converged(&revision).await;
    assert_eq!(world.value("a").as_deref(), Some("two"));
    assert_eq!(world.live("b"), None);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_with_nothing_to_do_writes_nothing() {
    let world = World::new().await;
    let daemon = world.start().await;
    let first = until("converged", || daemon.status(), |status| status.ready).await;
    let before = world.server.log().next_index();
    let applied_at = first.applied_at;
    daemon.wake.all();
    until(
        "a second pass",
        || daemon.status().applied_at,
        |at| *at != applied_at,
    )
    .await;
    let requests = world.server.log().since(before);
    let writes: Vec<_> = requests
        .iter()
        .filter(|request| request.is_write())
        .collect();
    assert!(writes.is_empty(), "{writes:#?}");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_commit_keeps_the_last_good_revision_in_force_and_a_fixed_one_recovers() {
    let world = World::new().await;
    let daemon = world.start().await;
    let good = until("converged", || daemon.status(), |status| status.ready).await;

    world.git.write("app/a.yaml", "apiVersion: v1\nkind: [\n");
    let broken = world.git.commit("broken");
    daemon.wake.all();
    let status = until(
        "the error",
        || daemon.status(),
        |status| status.error.is_some(),
    )
    .await;
    let error = status.error.unwrap().messages.join("\n");
    assert!(error.contains("app/a.yaml:"), "it names the place: {error}");
    assert_eq!(status.revision.as_deref(), Some(broken.as_str()));
    assert_eq!(status.applied_revision, good.applied_revision);
    let told = until(
        "the cluster is told",
        || world.condition("Stalled"),
        |told| told.starts_with("True"),
    )
    .await;
    assert!(
        told.contains("app/a.yaml:") && told.contains(&broken[..12]),
        "{told}"
    );
    let (code, body) = ask(&daemon.address, "GET", "/readyz").await;
    assert_eq!(code, 200, "{body}");
    assert!(body.contains("app/a.yaml:"), "{body}");

    world.delete("b");
    until(
        "the last good revision is kept",
        || world.live("b"),
        Option::is_some,
    )
    .await;
    assert_eq!(world.value("a").as_deref(), Some("one"));

    world.git.write("app/a.yaml", &config_map("a", "three"));
    let fixed = world.git.commit("fixed");
    daemon.wake.all();
    let status = daemon.converged(&fixed).await;
    assert!(status.error.is_none());
    assert!(world.condition("Stalled").starts_with("False"));
    assert_eq!(world.value("a").as_deref(), Some("three"));
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_push_is_followed() {
    let world = World::new().await;
    let daemon = world.start().await;
    until("converged", || daemon.status(), |status| status.ready).await;
    world.git.write("app/a.yaml", &config_map("a", "rewritten"));
    let revision = world.git.force("another history");
    daemon.wake.all();
    daemon.converged(&revision).await;
    assert_eq!(world.value("a").as_deref(), Some("rewritten"));
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_and_a_change_by_hand_are_undone() {
    let world = World::new().await;
    let daemon = world.start().await;
    until("converged", || daemon.status(), |status| status.ready).await;
    world.delete("a");
    until(
        "it is back",
        || world.value("a"),
        |value| value.as_deref() == Some("one"),
    )
    .await;

    let path = "/api/v1/namespaces/default/configmaps/a";
    let body = r#"{"data":{"value":"by hand","other":"kept"}}"#;
    let address = world.server.address().to_string();
    let code = tokio::task::spawn_blocking(move || patch(&address, path, body))
        .await
        .unwrap();
    assert_eq!(code, 200);
    until(
        "our field is ours again",
        || world.value("a"),
        |value| value.as_deref() == Some("one"),
    )
    .await;
    assert_eq!(
        world.live("a").unwrap()["data"]["other"],
        "kept",
        "fields of others stay"
    );
    let line = "trueup_drift_repaired_total{environment=\"dev\"} 2";
    let metrics = || request(&daemon.address, "GET", "/metrics").1;
    until("both are counted", metrics, |text| {
        text.lines().any(|found| found == line)
    })
    .await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_is_away_at_the_start_is_waited_for() {
    let world = World::new().await;
    let address = world.server.address();
    let World { git, server, home } = world;
    server.stop().await.unwrap();
    // The rest of the world goes on without it.
    let away = Server::builder().start().await.unwrap();
    let world = World {
        git,
        server: away,
        home,
    };
    let daemon = world.start().await;
    let status = until(
        "the error",
        || daemon.status(),
        |status| status.error.is_some(),
    )
    .await;
    let error = status.error.unwrap().messages.join("\n");
    assert!(
        error.contains("kubeconfig"),
        "it says how the server is reached: {error}"
    );
    assert!(!status.ready);
    assert_eq!(ask(&daemon.address, "GET", "/readyz").await.0, 503);
    assert_eq!(ask(&daemon.address, "GET", "/healthz").await.0, 200);
    let _back = Server::builder().address(address).start().await.unwrap();
    let status = until("ready", || daemon.status(), |status| status.ready).await;
    assert!(status.error.is_none());
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_goes_away_is_missed_and_found_again() {
    let world = World::new().await;
    let daemon = world.start().await;
    until("converged", || daemon.status(), |status| status.ready).await;
    let address = world.server.address();
    let World { git, server, home } = world;
    server.stop().await.unwrap();
    daemon.wake.all();
    until(
        "the error",
        || daemon.status(),
        |status| status.error.is_some(),
    )
    .await;
    // It comes back empty: everything has to be made anew.
    let server = Server::builder().address(address).start().await.unwrap();
    let world = World { git, server, home };
    until(
        "it is all back",
        || world.value("a"),
        |value| value.as_deref() == Some("one"),
    )
    .await;
    until(
        "converged",
        || daemon.status(),
        |status| status.state == State::Converged,
    )
    .await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_away_touches_nothing_and_is_followed_again() {
    let world = World::new().await;
    let daemon = world.start().await;
    until("converged", || daemon.status(), |status| status.ready).await;
    let (here, there) = (
        world.git.folder.clone(),
        world.home.path().join("elsewhere"),
    );
    fs::rename(&here, &there).unwrap();
    daemon.wake.all();
    let missing = |status: &EnvironmentStatus| status.source_error.is_some();
    until("the error", || daemon.status(), missing).await;
    assert_eq!(world.value("a").as_deref(), Some("one"));
    assert_eq!(world.value("b").as_deref(), Some("still"));
    fs::rename(&there, &here).unwrap();
    world.git.write("app/a.yaml", &config_map("a", "two"));
    let revision = world.git.commit("two");
    daemon.wake.all();
    let status = daemon.converged(&revision).await;
    assert!(status.source_error.is_none());
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_revision_ends_the_wait_for_one_that_never_gets_healthy() {
    let world = World::new().await;
    // Nobody makes Deployments ready here, and the phase would wait for half a minute.
    let deployment = "apiVersion: apps/v1\nkind: Deployment\n\
        metadata: {name: stuck, namespace: default}\n\
        spec:\n  selector: {matchLabels: {app: x}}\n  template:\n    metadata: {labels: {app: x}}\n\
        \x20   spec: {containers: [{name: x, image: x}]}\n";
    world.git.write("app/a.yaml", deployment);
    world.git.commit("a deployment");
    let daemon = world.start().await;
    let waits = |status: &EnvironmentStatus| !status.waiting.is_empty();
    let status = until("the wait", || daemon.status(), waits).await;
    let (object, _) = status.waiting.first_key_value().unwrap();
    assert_eq!(object, "Deployment.apps default/stuck");
    world.git.write("app/a.yaml", &config_map("a", "one"));
    let revision = world.git.commit("none again");
    daemon.wake.all();
    daemon.converged(&revision).await;
    let (_, metrics) = ask(&daemon.address, "GET", "/metrics").await;
    let line = "trueup_reconcile_total{environment=\"dev\",result=\"superseded\"} 1";
    assert!(metrics.lines().any(|found| found == line), "{metrics}");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_environments_of_the_repository_are_kept_when_none_is_named() {
    let world = World::new().await;
    let kubeconfig = world.home.path().join("kubeconfig");
    let second = environment(&kubeconfig)
        .replace("{name: dev}", "{name: second}")
        .replace("path: app", "path: more");
    let options = Options {
        listen: ([127, 0, 0, 1], 0).into(),
        ..Options::default()
    };
    let clusters = Arc::new(Clusters::default());
    let daemon = Daemon::start(options, world.source(), SELDOM, clusters)
        .await
        .unwrap();
    let (board, wake, stop) = (
        daemon.board().clone(),
        daemon.wake().clone(),
        daemon.stop().clone(),
    );
    let task = tokio::spawn(daemon.run());
    let names = || {
        board
            .all()
            .into_iter()
            .map(|one| one.name)
            .collect::<Vec<_>>()
    };
    until("the first", names, |names| *names == ["dev"]).await;

    world.git.write("environments/second.yaml", &second);
    world
        .git
        .write("more/kustomization.yaml", "resources: [c.yaml]\n");
    world.git.write("more/c.yaml", &config_map("c", "three"));
    world.git.commit("a second environment");
    wake.all();
    until(
        "both",
        || world.value("c"),
        |value| value.as_deref() == Some("three"),
    )
    .await;
    assert_eq!(names(), ["dev", "second"]);

    world.git.remove("environments/second.yaml");
    world.git.commit("gone again");
    wake.all();
    until("one again", names, |names| *names == ["dev"]).await;
    assert!(world.live("c").is_some(), "what it owned stays");
    stop.cancel();
    task.await.unwrap().unwrap();
}
