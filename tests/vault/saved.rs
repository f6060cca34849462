//! A plan that somebody has looked at, for an environment with a Vault.

use std::fs;

use serde_json::{Value, json};

use crate::{
    phase::environment,
    world::{Server, World, server_program},
};

const SPEC: &str = "  authMethods:
    - {type: approle, roles: {r: {token_ttl: TTL}}}
    - {type: userpass, roles: {jay: {password: {file: PASSWORD}}}}
  policies: {p: 'path \"a\" { capabilities = [\"read\"] }'}
";

fn spec(world: &World, ttl: &str, password: &str) -> String {
    fs::write(world.path("password"), password).unwrap();
    let path = world.path("password").display().to_string();
    SPEC.replace("TTL", ttl).replace("PASSWORD", &path)
}

/// Runs a command that has to end with `code`; gives all that it said.
fn said(world: &World, args: &[&str], code: i32) -> String {
    let output = world.run(args);
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_holds_what_a_vault_is_told_and_is_refused_when_that_is_stale() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let _cluster = environment(&world).await;
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    let plan = || {
        said(&world, &["plan", "dev", "-o", "plan.json"], 0);
        let text = fs::read_to_string(world.path("repo/plan.json")).unwrap();
        assert!(!text.contains("swordfish"), "no secret is in a plan");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let apply = |code| said(&world, &["apply", "plan.json"], code);

    // From an empty Vault: all of it, and how it comes to be.
    world.write(&server.url, &spec(&world, "1h", "swordfish-one"));
    let planned = plan();
    assert_eq!(planned["works"][0]["steps"][0]["what"], "init");
    assert_eq!(planned["works"][0]["actions"].as_array().unwrap().len(), 5);
    apply(0);
    apply(0);

    // One field and one secret. What has nothing to do with it may change meanwhile.
    world.write(&server.url, &spec(&world, "2h", "swordfish-two"));
    let planned = plan();
    let actions = planned["works"][0]["actions"].as_array().unwrap();
    let paths: Vec<&str> = actions
        .iter()
        .map(|one| one["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["auth/approle/role/r", "auth/userpass/users/jay"]);
    let change = json!({"field": "token_ttl", "from": "3600s", "to": "7200s"});
    assert_eq!(actions[0]["changes"], json!([change]));
    let ttl = |seconds: u32| {
        world.with_root(&server, |vault| {
            vault.write("auth/approle/role/r", &json!({"token_ttl": seconds}));
        });
    };
    let live = || world.with_root(&server, |vault| vault.read("auth/approle/role/r"));
    ttl(10_800);
    let stale = apply(1);
    assert!(
        stale.contains("plan/stale") && stale.contains("`token_ttl` is 10800s now"),
        "{stale}"
    );
    assert_eq!(live()["data"]["token_ttl"], 10_800, "nothing was done");
    ttl(3600);
    // Another secret than the one that was planned for shows nowhere, and is noticed.
    fs::write(world.path("password"), "swordfish-three").unwrap();
    let stale = apply(1);
    assert!(stale.contains("is not what the plan relied on"), "{stale}");
    fs::write(world.path("password"), "swordfish-two").unwrap();
    world.with_root(&server, |vault| {
        vault.write("auth/approle/role/other", &json!({"token_ttl": 1}));
    });
    apply(0);
    assert_eq!(live()["data"]["token_ttl"], 7200);
    // What is done is not done again.
    apply(0);

    // A Vault that was sealed since needs what the plan does not say.
    world.write(&server.url, &spec(&world, "3h", "swordfish-two"));
    plan();
    let address = server.address();
    drop(server);
    let server = Server::start(&program, &world.path("storage"), &address);
    let stale = apply(1);
    assert!(stale.contains("needs `unseal` now"), "{stale}");
    // And one that is sealed has no plan that could be saved.
    let refused = said(&world, &["plan", "dev", "-o", "other.json"], 1);
    assert!(
        refused.contains("is sealed") && !world.path("repo/other.json").exists(),
        "{refused}"
    );
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_of_a_diff_has_what_a_vault_is_told() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let _cluster = environment(&world).await;
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    world.write(&server.url, &spec(&world, "1h", "swordfish-one"));
    let output = world.run(&["diff", "dev", "-o", "json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let diff: Value = serde_json::from_slice(&output.stdout).unwrap();
    let work = &diff["works"][0];
    assert_eq!(
        (&work["phase"], &work["tentative"]),
        (&json!("vault"), &json!(true))
    );
    assert_eq!(work["actions"][0]["kind"], "create");
    let markdown = world.run(&["diff", "dev", "-o", "markdown"]);
    let markdown = String::from_utf8(markdown.stdout).unwrap();
    for part in [
        "phase <code>vault</code>",
        "+ role auth/approle/role/r",
        "    password: (write-only)",
    ] {
        assert!(markdown.contains(part), "{part}: {markdown}");
    }
    let yaml = world.run(&["plan", "dev", "-o", "yaml"]);
    assert!(
        String::from_utf8(yaml.stdout)
            .unwrap()
            .contains("path: auth/approle/role/r")
    );
    // Without a Vault nothing is said of one.
    let environment = world.path("repo/environments/dev.yaml");
    let text = fs::read_to_string(&environment).unwrap();
    let without: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("name: vault"))
        .collect();
    fs::write(&environment, without.join("\n")).unwrap();
    let output = world.run(&["diff", "dev", "-o", "json"]);
    let diff: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(diff.get("works"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_that_claim_one_path_of_a_vault_are_told_before_anything_is_sent() {
    let world = World::new();
    let _cluster = environment(&world).await;
    world.write("http://127.0.0.1:1", &spec(&world, "1h", "x"));
    let text = fs::read_to_string(world.path("repo/vault.yaml")).unwrap();
    fs::write(
        world.path("repo/other.yaml"),
        text.replace("keys.age", "other.age"),
    )
    .unwrap();
    fs::write(world.path("repo/third.yaml"), text).unwrap();
    let environment = world.path("repo/environments/dev.yaml");
    let text = fs::read_to_string(&environment).unwrap();
    let more = text.replace(
        "    - {name: app,",
        "    - {name: other, vault: {path: other.yaml}}\n    - {name: third, vault: {path: third.yaml}}\n    - {name: app,",
    );
    fs::write(&environment, more).unwrap();
    let said = said(&world, &["diff", "dev"], 2);
    for part in [
        "`auth/approle/role/r` is declared twice for one Vault, first in phase `vault` at",
        "the phases `vault` and `third` keep their keys in one place",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
