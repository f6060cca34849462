//! A run that is told to stop leaves no token, no lease and nothing half written behind.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::json;

use crate::{
    bao::free_port,
    door::Door,
    pods::{Pods, embedded, in_pods},
    world::{Server, World, changes, server_program},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_told_to_stop_revokes_its_token_and_gives_its_lease_back() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let (_api, access) = embedded(&world).await;
    let port = free_port();
    let server = Server::start(
        &program,
        &world.path("storage"),
        &format!("127.0.0.2:{port}"),
    );
    let pods = Pods::new(&access, 1).await;
    pods.run(0, "127.0.0.2", "").await;
    let audit = format!(
        "  auth: {{approle: {{}}}}\n  audit: [{{path: file, type: file, options: {{file_path: {}}}}}]\n",
        world.path("audit.log").display()
    );
    world.write_spec(&in_pods(&world, port, &audit));
    world.vault("bootstrap", 0);

    // The mount takes long, and in that time somebody ends the process.
    let door = Door::open(&server, |line, _| {
        if line.starts_with("POST /v1/sys/mounts/transit") {
            std::thread::sleep(Duration::from_secs(3));
        }
        None
    });
    let spec = in_pods(
        &world,
        port,
        &format!("{audit}  secretsEngines: [{{type: transit, roles: {{a: {{}}, b: {{}}}}}}]\n"),
    );
    // The pod answers at the door.
    let through = door.url.rsplit(':').next().unwrap();
    world.write_spec(&spec.replace(&format!("port: {port}"), &format!("port: {through}")));
    pods.say(0, "127.0.0.1", 1).await;
    let run = world
        .command(&["vault", "bootstrap", "vault.yaml", "--output", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while door.requests("POST /v1/sys/mounts/transit").is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(pods.lease_is_held("trueup-vault-vault-vault").await);
    let ended = Command::new("kill")
        .args(["-TERM", &run.id().to_string()])
        .status();
    assert!(ended.unwrap().success());
    let output = run.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("the run was stopped before all of it was done"),
        "{said}"
    );
    assert_eq!(door.requests("/v1/auth/trueup/login").len(), 1);
    assert_eq!(door.requests("/v1/auth/token/revoke-self").len(), 1);
    assert_eq!(door.requests("POST /v1/transit/keys"), Vec::<String>::new());
    assert!(!pods.lease_is_held("trueup-vault-vault-vault").await);
    // The request in hand was finished, and the next run goes on from there.
    let report = world.vault("bootstrap", 0);
    assert_eq!(
        changes(&report),
        ["create transit/keys/a", "create transit/keys/b"]
    );
    assert_eq!(report["warnings"], json!([]));
}
