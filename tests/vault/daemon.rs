//! The daemon keeps the servers of a Vault open.

use std::{
    fs,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::{
    bao::free_port,
    pods::{Pods, embedded, in_pods},
    world::{Server, World, ask, server_program},
};

pub(crate) struct Daemon(Child);

impl Daemon {
    /// Starts it in a world; what it says goes to `daemon.log`.
    pub(crate) fn start(world: &World) -> Self {
        let log = fs::File::create(world.path("daemon.log")).unwrap();
        let mut command = world.command(&["daemon", "--listen", "127.0.0.1:0"]);
        command
            .env("RUST_LOG", "info")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until_open(url: &str, what: &str) -> Duration {
    let began = Instant::now();
    while !ask(url, "GET", "sys/seal-status", "").contains("\"sealed\":false") {
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "{what}: it stays sealed"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_restarts_is_opened_by_the_daemon_at_its_event_between_passes() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let (_api, access) = embedded(&world).await;
    let port = free_port();
    let at = format!("127.0.0.2:{port}");
    let server = Server::start(&program, &world.path("storage"), &at);
    let pods = Pods::new(&access, 1).await;
    pods.run(0, "127.0.0.2", "").await;
    world.write_spec(&in_pods(
        &world,
        port,
        "  secretsEngines: [{type: transit}]\n",
    ));
    fs::write(
        world.path("repo/environments/dev.yaml"),
        format!(
            "apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {{name: dev}}\nspec:\n\
             \x20 cluster: {{kubeconfig: {{path: {}}}}}\n  reconcile: {{interval: 1h}}\n\
             \x20 phases: [{{name: vault, vault: {{path: vault.yaml}}}}]\n",
            world.path("kubeconfig").display()
        ),
    )
    .unwrap();
    let _daemon = Daemon::start(&world);
    let url = server.url.clone();
    until_open(&url, "the first pass");

    // Long before the next pass, its container is replaced.
    let mut server = Some(server);
    for restarts in 1..=2 {
        drop(server.take());
        server = Some(Server::start(&program, &world.path("storage"), &at));
        assert!(ask(&url, "GET", "sys/seal-status", "").contains("\"sealed\":true"));
        pods.say(0, "127.0.0.2", restarts).await;
        let took = until_open(&url, "after a restart");
        eprintln!("opened {took:?} after the event of its restart");
    }
    let log = fs::read_to_string(world.path("daemon.log")).unwrap();
    assert!(log.contains("sealed: opened"), "{log}");
}
