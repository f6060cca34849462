//! The program itself: signals, exit codes, its log.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use trueup_embedded::{Fault, GroupResource, Key, Rule};

use crate::world::{PATIENCE, World, config_map, request, until};

/// The program itself, with its log as JSON.
pub(crate) struct Program {
    child: std::process::Child,
    pub(crate) address: String,
    log: std::thread::JoinHandle<Vec<String>>,
}

impl Program {
    pub(crate) fn start(world: &World) -> Self {
        use std::io::{BufRead, BufReader};
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_trueup"))
            .args([
                "daemon",
                "dev",
                "--listen",
                "127.0.0.1:0",
                "--log-format",
                "json",
                "--git",
            ])
            .arg(format!("file://{}", world.git.folder.display()))
            .env("XDG_CACHE_HOME", world.home.path())
            .env_remove("RUST_LOG")
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let (found, address) = std::sync::mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = std::thread::spawn(move || {
            let mut lines = Vec::new();
            for line in stderr.lines().map_while(Result::ok) {
                let event: Value = serde_json::from_str(&line).unwrap_or_default();
                if event["message"] == "listening" {
                    let _ = found.send(event["address"].as_str().unwrap().to_owned());
                }
                lines.push(line);
            }
            lines
        });
        let address = address
            .recv_timeout(PATIENCE)
            .expect("it says where it listens");
        Self {
            child,
            address,
            log,
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        assert!(
            std::process::Command::new("sh")
                .args(["-c", &command])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Its exit code and its log.
    pub(crate) async fn end(mut self) -> (Option<i32>, String) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        (status.code(), self.log.join().unwrap().join("\n"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_looks_again_on_sighup_and_ends_with_0_on_sigterm() {
    let world = World::new().await;
    let program = Program::start(&world);
    let ready = || request(&program.address, "GET", "/readyz").0;
    until("ready", ready, |code| *code == 200).await;
    world.git.write("app/a.yaml", &config_map("a", "two"));
    world.git.commit("two");
    program.signal("HUP");
    until(
        "the commit",
        || world.value("a"),
        |value| value.as_deref() == Some("two"),
    )
    .await;
    program.signal("TERM");
    let (code, log) = program.end().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(
        log.lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sigterm_in_the_middle_of_a_pass_finishes_the_request_in_hand_and_claims_nothing() {
    let world = World::new().await;
    // Answered late enough to be in hand when the signal comes, on any machine.
    let slow = Rule::new(Fault::Latency(Duration::from_secs(2)))
        .verb("patch")
        .resource("configmaps");
    world.server.faults().inject(slow);
    let program = Program::start(&world);
    let applying = || {
        let requests = world.server.log().entries();
        requests
            .iter()
            .any(|one| one.info.verb == "patch" && one.info.resource == "configmaps")
    };
    until("a request in hand", applying, |in_hand| *in_hand).await;
    program.signal("TERM");
    let (code, log) = program.end().await;
    assert_eq!(code, Some(0), "{log}");
    let environments = GroupResource::new("trueup.dev", "environments");
    let parent = world
        .server
        .store()
        .get(&environments, &Key::new("", "dev"))
        .unwrap();
    assert_eq!(
        parent.value["status"]["conditions"],
        Value::Null,
        "nothing is claimed"
    );

    world.server.faults().clear();
    let daemon = world.start().await;
    until("converged", || daemon.status(), |status| status.ready).await;
    assert_eq!(world.value("a").as_deref(), Some("one"));
    assert_eq!(world.value("b").as_deref(), Some("still"));
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_said_so_at_once() {
    let world = World::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_trueup"))
        .args([
            "daemon",
            "--listen",
            &taken.local_addr().unwrap().to_string(),
            "--git",
        ])
        .arg(format!("file://{}", world.git.folder.display()))
        .env("XDG_CACHE_HOME", world.home.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot listen on"), "{stderr}");
    assert!(
        stderr.contains("choose another with `--listen`"),
        "{stderr}"
    );
}
