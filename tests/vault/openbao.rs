//! What `OpenBao` does otherwise than Vault.

use std::fs;

use serde_json::json;

use crate::{
    asked::Vault,
    bao::{self, Bao, free_port},
    door::Door,
    world::{World, changes},
};

const SPEC: &str = "  auth: {approle: {}}
  audit: [{path: file, type: file, options: {file_path: /nowhere/audit.log}}]
  secretsEngines: [{type: transit}, {type: kv, path: secret, options: {version: \"2\"}}]
  policies: {reader: 'path \"transit/*\" { capabilities = [\"read\"] }'}
";

#[test]
fn what_openbao_refuses_by_its_api_is_told_and_the_rest_is_done() {
    let Some(program) = bao::program() else {
        return;
    };
    let world = World::new();
    let server = Bao::start(&program, &world.path("bao"), "127.0.0.1", free_port(), "");
    world.write(&server.url, SPEC);
    let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("leaves its audit devices to its own configuration"),
        "{said}"
    );
    // Its own login works where root tokens cannot be made of the shares.
    let again = world.vault("bootstrap", 0);
    assert_eq!(changes(&again), Vec::<String>::new());
    // What cannot be managed here is no change to be made, and is told once each time.
    let report = world.vault("diff", 0);
    assert_eq!(changes(&report), Vec::<String>::new());
    let told = report["warnings"].to_string();
    assert_eq!(told.matches("vault/audit-unmanaged").count(), 1, "{told}");
    assert!(
        told.contains("declare the device in the configuration of the server"),
        "{told}"
    );

    // Without a login of its own there is no way in, and what to do is said.
    fs::remove_file(world.path("keys.age.login")).unwrap();
    let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("disable_unauthed_generate_root_endpoints"),
        "{said}"
    );
}

#[test]
fn a_namespace_of_the_server_is_named_in_each_request_that_is_about_it() {
    let Some(program) = bao::program() else {
        return;
    };
    let world = World::new();
    let listener = "listener: disable_unauthed_generate_root_endpoints = false";
    let server = Bao::start(
        &program,
        &world.path("bao"),
        "127.0.0.1",
        free_port(),
        listener,
    );
    world.write(&server.url, "  rootToken: store\n");
    world.vault("bootstrap", 0);
    let kept = world.kept();
    let token = kept["rootToken"].as_str().unwrap();
    let by_hand = Vault::at(&server.url, token);
    by_hand.write("sys/namespaces/team", &json!({}));
    fs::write(world.path("token"), token).unwrap();

    let door = Door::before(&server.url, |_, _| None);
    world.write_spec(&format!(
        "  server: {{addresses: [\"{}\"], namespace: team}}\n\
         \x20 keys:\n\
         \x20   age: {{path: {}, recipients: [{}]}}\n\
         \x20   identityFrom: {{file: {}}}\n\
         \x20 tokenFrom: {{file: {}}}\n\
         \x20 secretsEngines: [{{type: transit, roles: {{k: {{}}}}}}]\n\
         \x20 policies: {{p: 'path \"a\" {{ capabilities = [\"read\"] }}'}}\n",
        door.url,
        world.path("team.age").display(),
        world.recipient,
        world.path("age.key").display(),
        world.path("token").display(),
    ));
    assert_eq!(
        changes(&world.vault("bootstrap", 0)),
        [
            "create transit",
            "create sys/policies/acl/p",
            "create transit/keys/k"
        ]
    );
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
    let named = |text: &String| text.to_lowercase().contains("x-vault-namespace: team");
    for (part, expected) in [
        ("/v1/sys/mounts", true),
        ("/v1/sys/policies", true),
        ("/v1/transit", true),
        ("/v1/sys/health", false),
        ("/v1/sys/seal-status", false),
    ] {
        let texts = door.texts(part);
        assert!(!texts.is_empty(), "{part}");
        assert!(texts.iter().all(|text| named(text) == expected), "{part}");
    }
    let there = |path: &str| by_hand.read(path)["data"].get("transit/").is_some();
    assert!(there("team/sys/mounts"), "it is in the namespace");
    assert!(!there("sys/mounts"), "and nowhere else");
}

#[test]
fn a_seal_that_opens_by_itself_gives_shares_that_only_recover() {
    let Some(program) = bao::program() else {
        return;
    };
    let world = World::new();
    fs::write(world.path("seal.key"), [7_u8; 32]).unwrap();
    let seal = format!(
        "seal \"static\" {{\n current_key_id = \"k1\"\n current_key = \"file://{}\"\n}}\n",
        world.path("seal.key").display()
    );
    let mut server = Bao::start(
        &program,
        &world.path("bao"),
        "127.0.0.1",
        free_port(),
        &seal,
    );
    world.write(&server.url, SPEC);
    let report = world.vault("bootstrap", 0);
    let steps: Vec<&str> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["what"].as_str().unwrap())
        .collect();
    assert_eq!(steps, ["init"]);
    let kept = crate::estate::opened(&world, "keys.age");
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["keys"].as_array().unwrap().len(), 0);
    assert_eq!(kept["recoveryKeys"].as_array().unwrap().len(), 5);
    server.restart();
    let again = world.vault("bootstrap", 0);
    assert_eq!(again["steps"].as_array().unwrap().len(), 0, "{again}");
    assert_eq!(changes(&again), Vec::<String>::new());
}

#[test]
fn a_server_that_initialises_itself_is_configured_by_a_login_that_it_was_given() {
    let Some(program) = bao::program() else {
        return;
    };
    let world = World::new();
    fs::write(world.path("seal.key"), [7_u8; 32]).unwrap();
    let config = format!(
        "seal \"static\" {{\n current_key_id = \"k1\"\n current_key = \"file://{}\"\n}}\n{SELF_INIT}",
        world.path("seal.key").display()
    );
    let server = Bao::start(
        &program,
        &world.path("bao"),
        "127.0.0.1",
        free_port(),
        &config,
    );
    let token = token_of(&server.url);
    fs::write(world.path("token"), token).unwrap();
    let given = format!("  tokenFrom: {{file: {}}}\n", world.path("token").display());
    world.write(
        &server.url,
        &format!("{given}  secretsEngines: [{{type: transit}}]\n"),
    );
    // Its keys are nobody's, so nothing is said of keys that are missing.
    let path = world.path("repo/vault.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replace("  init: {shares: 5, threshold: 3}\n", ""),
    )
    .unwrap();
    let report = world.vault("bootstrap", 0);
    assert_eq!(changes(&report), ["create transit"]);
    assert_eq!(report["steps"].as_array().unwrap().len(), 0);
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
    assert!(!world.path("keys.age").exists(), "there never were keys");
}

/// No root token and no share ever leaves such a server: it makes a login for whoever configures it.
const SELF_INIT: &str = r#"
initialize "first" {
  request "enable-userpass" {
    operation = "update"
    path = "sys/auth/userpass"
    data = { type = "userpass" }
  }
  request "policy" {
    operation = "update"
    path = "sys/policies/acl/all"
    data = { policy = "path \"*\" { capabilities = [\"create\", \"read\", \"update\", \"delete\", \"list\", \"sudo\"] }" }
  }
  request "user" {
    operation = "update"
    path = "auth/userpass/users/configurer"
    data = { password = "for-the-test", token_policies = ["all"] }
  }
}
"#;

fn token_of(url: &str) -> String {
    for _ in 0..100 {
        let path = "auth/userpass/login/configurer";
        let answer = crate::world::ask(url, "PUT", path, "{\"password\":\"for-the-test\"}");
        if let Some((_, rest)) = answer.split_once("\"client_token\":\"") {
            return rest.split('"').next().unwrap().to_owned();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    unreachable!("nobody can log in to the server that initialised itself");
}
