//! A release of a chart that fails, and then does not.

use trueup::{daemon::State, report::ActionResult};

use crate::world::{World, config_map, until};

/// No Service has such a port.
const BAD: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: bad, namespace: default}\nspec: {ports: [{port: 99999}]}\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pass_has_made_of_a_release_that_fails_is_deleted_by_that_pass_and_made_again_once_it_can_be()
 {
    let world = World::new().await;
    let environment = crate::world::environment(&world.home.path().join("kubeconfig"));
    let phase = "kustomize: {path: app}";
    assert!(environment.contains(phase));
    let release = "helm: {chart: chart, release: web, namespace: default, cleanupOnFail: true}";
    world
        .git
        .write(
            "environments/dev.yaml",
            &environment.replace(phase, release),
        )
        .write(
            "chart/Chart.yaml",
            "{apiVersion: v2, name: web, version: 1.0.0}",
        )
        .write("chart/templates/a.yaml", &config_map("a", "one"));
    let first = world.git.commit("a chart");
    let daemon = world.start().await;
    daemon.converged(&first).await;

    world
        .git
        .write("chart/templates/a.yaml", &config_map("a", "two"))
        .write("chart/templates/new.yaml", &config_map("new", "one"))
        .write("chart/templates/bad.yaml", BAD);
    let second = world.git.commit("one object that cannot be");
    daemon.wake.all();
    let failed = until(
        "a pass that fails",
        || daemon.status(),
        |status| {
            let of = |report: &trueup::report::Report| !report.cleaned_up.is_empty();
            status.state == State::Failing && status.report.as_deref().is_some_and(of)
        },
    )
    .await;
    assert_eq!(failed.applied_revision.as_deref(), Some(&*first));
    assert_eq!(failed.revision.as_deref(), Some(&*second));
    let report = failed.report.unwrap();
    let cleaned: Vec<_> = report
        .cleaned_up
        .iter()
        .map(|one| (one.object.name.as_str(), one.result))
        .collect();
    assert_eq!(cleaned, [("new", ActionResult::Done)], "{report}");
    assert_eq!(report.counts.cleaned_up, 1, "{report}");
    assert_eq!(
        world.value("a").as_deref(),
        Some("two"),
        "what was there stays"
    );

    world
        .git
        .write("chart/templates/bad.yaml", &BAD.replace("99999", "80"));
    let third = world.git.commit("it can be now");
    daemon.wake.all();
    daemon.converged(&third).await;
    assert_eq!(world.value("new").as_deref(), Some("one"));
    daemon.end().await;
}
