//! The program killed at every request of a first bootstrap, before it goes out and after its answer
//! has come to the door.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{
    bao::free_port,
    pods::{Pods, embedded, in_pods},
    world::{Server, World, changes, server_program},
};

const SPEC: &str = "  secretsEngines: [{type: transit, roles: {key: {type: aes256-gcm96}}}]
  policies: {reader: 'path \"transit/*\" { capabilities = [\"read\"] }'}
";

/// How many worlds of their own addresses there were.
static COUNT: AtomicUsize = AtomicUsize::new(0);

const BOOTSTRAP: [&str; 3] = ["vault", "bootstrap", "vault.yaml"];

/// When to kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before(usize),
    After(usize),
    Never,
}

/// Counts the requests through its doors, and kills the program that sends them when its time has come.
#[derive(Clone)]
pub(crate) struct Gate {
    when: When,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    victim: Arc<Mutex<Option<Child>>>,
}

impl Gate {
    pub(crate) fn new(when: When) -> Self {
        Self {
            when,
            requests: Arc::default(),
            victim: Arc::default(),
        }
    }

    /// Passes requests that come to an address on to a server; gives the address.
    pub(crate) fn door(&self, listen: &str, upstream: String) -> String {
        let listener = TcpListener::bind(listen).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let gate = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (upstream, gate) = (upstream.clone(), gate.clone());
                let stream = stream.unwrap();
                std::thread::spawn(move || gate.pass_on(stream, &upstream));
            }
        });
        address
    }

    /// Runs the program with its requests through the doors; gives its exit code, none where it was killed.
    pub(crate) fn run(&self, world: &World, args: &[&str]) -> Option<i32> {
        let mut command = world.command(args);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        *self.victim.lock().unwrap() = Some(child.unwrap());
        loop {
            let ended = {
                let mut victim = self.victim.lock().unwrap();
                victim.as_mut().unwrap().try_wait().unwrap()
            };
            if let Some(status) = ended {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn kill(&self) {
        loop {
            // It may not have been put there yet.
            if let Some(child) = self.victim.lock().unwrap().as_mut() {
                child.kill().unwrap();
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn pass_on(&self, mut stream: TcpStream, upstream: &str) {
        while let Some(request) = read_message(&mut stream) {
            let line = String::from_utf8_lossy(&request);
            let number = {
                let mut requests = self.requests.lock().unwrap();
                requests.push(line.lines().next().unwrap_or_default().to_owned());
                requests.len()
            };
            if self.when == When::Before(number) {
                return self.kill();
            }
            let mut server = TcpStream::connect(upstream).unwrap();
            server.write_all(&request).unwrap();
            let Some(answer) = read_message(&mut server) else {
                return;
            };
            if self.when == When::After(number) {
                return self.kill();
            }
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    }
}

/// One request or answer: its head, and as many bytes after it as it says.
pub(crate) fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let mut buffer = [0_u8; 8192];
    loop {
        if let Some(end) = message.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&message[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|length| length.trim().parse::<usize>().ok());
            let complete = match length {
                Some(length) => message.len() >= end + 4 + length,
                None if head.contains("transfer-encoding: chunked") => {
                    message.ends_with(b"0\r\n\r\n")
                }
                None => true,
            };
            if complete {
                return Some(message);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => message.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Kills at every boundary, a few at a time. `bootstrap` is a first run through a gate, and gives its exit
/// code, its requests, and what then has to hold; that gives whether keys were lost.
/// `is_remote` where the journal is not on this machine.
fn walk<F, C>(is_remote: bool, bootstrap: F)
where
    F: Fn(When) -> (Option<i32>, Vec<String>, C) + Sync,
    C: FnOnce() -> bool,
{
    let (code, requests, _) = bootstrap(When::Never);
    assert_eq!(code, Some(0), "{requests:#?}");
    let all = requests.len();
    let boundaries: Vec<When> = (1..=all)
        .flat_map(|number| [When::Before(number), When::After(number)])
        .collect();
    let (next, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(when) = boundaries.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let (code, requests, check) = bootstrap(*when);
                    // Not every run sends as many requests: a lease is renewed by the clock.
                    assert!(code.is_none() || code == Some(0), "it was killed: {when:?}");
                    // The one answer that is the only copy of the keys, held back at the door.
                    let is_init = |at: usize| {
                        requests
                            .get(at)
                            .is_some_and(|line| line.starts_with("PUT /v1/sys/init"))
                    };
                    let is_the_one = match when {
                        When::After(number) => is_init(number - 1),
                        // A journal elsewhere is a request away.
                        When::Before(number) => is_remote && *number > 1 && is_init(number - 2),
                        When::Never => false,
                    };
                    assert_eq!(check(), is_the_one, "{when:?} {:?}", requests.last());
                    lost.fetch_add(usize::from(is_the_one), Ordering::SeqCst);
                }
            });
        }
    });
    eprintln!("killed at {} boundaries of {all} requests", 2 * all);
    assert!(lost.into_inner() <= 1 + usize::from(is_remote));
}

/// Runs the bootstrap again; gives whether the keys are lost. Where they are not, nothing is left to do, and
/// the kept shares open the server after a restart.
fn ends_well(world: &World, restart: impl FnOnce() -> Server) -> bool {
    let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
    if output.status.code() != Some(0) {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("are lost"), "{said}");
        return true;
    }
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
    let _server = restart();
    let report = world.vault("unseal", 0);
    assert_eq!(report["steps"][0]["what"], "unseal");
    false
}

#[test]
fn a_first_bootstrap_killed_at_every_request_ends_the_same_when_it_is_run_again() {
    let Some(program) = server_program() else {
        return;
    };
    walk(false, |when| {
        let world = World::new();
        let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
        let gate = Gate::new(when);
        let door = gate.door("127.0.0.1:0", server.address());
        world.write(&format!("http://{door}"), SPEC);
        let code = gate.run(&world, &BOOTSTRAP);
        let requests = gate.requests.lock().unwrap().clone();
        let program = &program;
        let check = move || {
            world.write(&server.url, SPEC);
            let storage = world.path("storage");
            ends_well(&world, move || {
                let address = server.address();
                drop(server);
                Server::start(program, &storage, &address)
            })
        };
        (code, requests, check)
    });
}

#[test]
fn with_the_keys_in_secrets_it_may_be_killed_at_every_request_to_the_api_server_too() {
    let Some(program) = server_program() else {
        return;
    };
    walk(true, |when| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let world = World::new();
        // Addresses of its own: several attempts run side by side.
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let net = format!("127.{}.{}", 1 + count / 250, count % 250);
        let port = free_port();
        let (api, pods) = runtime.block_on(async {
            let (api, access) = embedded(&world).await;
            let pods = Pods::new(&access, 1).await;
            pods.run(0, &format!("{net}.3"), "").await;
            (api, pods)
        });
        let address = format!("{net}.2:{port}");
        let server = Server::start(&program, &world.path("storage"), &address);
        let gate = Gate::new(when);
        gate.door(&format!("{net}.3:{port}"), address.clone());
        let direct = api.url().replace("http://", "");
        let door = gate.door("127.0.0.1:0", direct.clone());
        let kubeconfig = api.kubeconfig();
        fs::write(world.path("kubeconfig"), kubeconfig.replace(&direct, &door)).unwrap();
        world.write_spec(&in_pods(&world, port, SPEC));
        let code = gate.run(&world, &BOOTSTRAP);
        let requests = gate.requests.lock().unwrap().clone();
        let program = &program;
        let check = move || {
            fs::write(world.path("kubeconfig"), kubeconfig).unwrap();
            runtime.block_on(async {
                pods.say(0, &format!("{net}.2"), 0).await;
                // As if the time of the one that was killed had run out.
                pods.forget_leases().await;
            });
            let storage = world.path("storage");
            let lost = ends_well(&world, move || {
                drop(server);
                Server::start(program, &storage, &address)
            });
            drop(api);
            lost
        };
        (code, requests, check)
    });
}
