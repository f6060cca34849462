//! An environment whose files lie in a repository of their own.

use serde_json::Value;

use crate::{
    program::Program,
    world::{Git, World, config_map, request, until},
};

/// The Environment file of `world`, with its files in another repository.
fn with_source(world: &World, files: &Git) -> String {
    let kubeconfig = world.home.path().join("kubeconfig");
    format!(
        "{}  source: {{git: {{url: \"file://{}\", ref: {{branch: main}}}}}}\n",
        crate::world::environment(&kubeconfig),
        files.folder.display()
    )
}

fn files(world: &World, value: &str) -> Git {
    let git = Git::make(&world.home.path().join("files"));
    git.write("app/kustomization.yaml", "resources: [a.yaml]\n")
        .write("app/a.yaml", &config_map("a", value));
    git.commit("begin");
    git
}

fn status(program: &Program) -> Value {
    let (code, body) = request(&program.address, "GET", "/api/v1/status");
    assert_eq!(code, 200, "{body}");
    let all: Value = serde_json::from_str(&body).unwrap();
    all["environments"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_with_a_source_of_its_own_follows_both_repositories() {
    let world = World::new().await;
    let files = files(&world, "elsewhere");
    world
        .git
        .write("environments/dev.yaml", &with_source(&world, &files));
    let home = world.git.commit("a source of its own");
    let program = Program::start(&world);
    let value = || world.value("a");
    let is = |wanted: &'static str| move |value: &Option<String>| value.as_deref() == Some(wanted);
    until("the files of its own source", value, is("elsewhere")).await;
    assert_eq!(world.live("b"), None, "not those beside the file");

    files.write("app/a.yaml", &config_map("a", "newer"));
    let newer = files.commit("newer");
    program.signal("HUP");
    until("a commit there", value, is("newer")).await;
    let both = format!("{newer}+{home}");
    until(
        "converged to both",
        || status(&program),
        |seen| seen["appliedRevision"] == both.as_str(),
    )
    .await;

    // Its own source goes away: the last good files stay in force, and the trouble is said.
    std::fs::rename(&files.folder, world.home.path().join("gone")).unwrap();
    program.signal("HUP");
    until(
        "the trouble",
        || status(&program),
        |seen| !seen["sourceError"].is_null(),
    )
    .await;
    world.delete("a");
    until("drift is still repaired", value, is("newer")).await;

    // The file loses its source: the repository that holds it counts again.
    let kubeconfig = world.home.path().join("kubeconfig");
    world.git.write(
        "environments/dev.yaml",
        &crate::world::environment(&kubeconfig),
    );
    world.git.commit("no source of its own");
    program.signal("HUP");
    until("the files beside it", value, is("one")).await;
    until("all of them", || world.live("b"), Option::is_some).await;
    program.signal("TERM");
    let (code, log) = program.end().await;
    assert_eq!(code, Some(0), "{log}");
}
