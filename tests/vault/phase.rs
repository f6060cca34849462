//! The `vault` phase in its place between the phases of an environment.

use std::fs;

use trueup_embedded::{GroupResource, Key};

use crate::world::{Server, World, server_program};

/// An environment `dev` with a Vault before an object, on an embedded cluster.
pub(crate) async fn environment(world: &World) -> trueup_embedded::Server {
    let cluster = trueup_embedded::Server::builder().start().await.unwrap();
    let kubeconfig = world.path("kubeconfig");
    fs::write(&kubeconfig, cluster.kubeconfig()).unwrap();
    let environment = format!(
        "apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {{name: dev}}\nspec:\n\
         \x20 cluster: {{kubeconfig: {{path: {}}}}}\n\
         \x20 phases:\n\
         \x20   - {{name: vault, vault: {{path: vault.yaml}}}}\n\
         \x20   - {{name: app, manifests: {{path: app.yaml}}}}\n",
        kubeconfig.display()
    );
    fs::write(world.path("repo/environments/dev.yaml"), environment).unwrap();
    fs::write(
        world.path("repo/app.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\n",
    )
    .unwrap();
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_phase_comes_before_the_phases_that_wait_for_it_and_is_in_the_diff() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let cluster = environment(&world).await;
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    let has_app = || {
        let maps = GroupResource::new("", "configmaps");
        cluster
            .store()
            .get(&maps, &Key::new("default", "a"))
            .is_some()
    };

    // A Vault that refuses stops what waits for it, and nothing else is lost.
    world.write(&server.url, "  secretsEngines: [{type: nothing-like-it}]\n");
    let output = world.run(&["reconcile", "dev", "--once"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("nothing-like-it"), "{said}");
    assert!(!has_app(), "{said}");

    world.write(&server.url, "  secretsEngines: [{type: transit}]\n");
    let output = world.run(&["diff", "dev"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("+ secrets engine transit"), "{said}");
    let output = world.run(&["reconcile", "dev", "--once"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("+ secrets engine transit"), "{said}");
    assert!(has_app());
    let output = world.run(&["diff", "dev"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
