//! The program killed at every request of a first bootstrap, before it goes out and after its answer
//! has come to the door.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::world::{Server, World, changes, server_program};

const SPEC: &str = "  secretsEngines: [{type: transit, roles: {key: {type: aes256-gcm96}}}]
  policies: {reader: 'path \"transit/*\" { capabilities = [\"read\"] }'}
";

/// When to kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Before(usize),
    After(usize),
    Never,
}

/// Passes requests on to a server and kills the program that sends them when its time has come.
struct Door {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    victim: Arc<Mutex<Option<Child>>>,
}

impl Door {
    fn open(upstream: String, when: When) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let victim = Arc::new(Mutex::new(None));
        let door = Self {
            url,
            requests: Arc::clone(&requests),
            victim: Arc::clone(&victim),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (upstream, requests, victim) =
                    (upstream.clone(), Arc::clone(&requests), Arc::clone(&victim));
                let stream = stream.unwrap();
                std::thread::spawn(move || pass_on(stream, &upstream, when, &requests, &victim));
            }
        });
        door
    }

    /// Runs the program with its requests through this door; gives its exit code, none where it was
    /// killed.
    fn run(&self, world: &World) -> Option<i32> {
        let mut command = world.command(&["vault", "bootstrap", "vault.yaml"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        *self.victim.lock().unwrap() = Some(child.unwrap());
        loop {
            if let Some(status) = self
                .victim
                .lock()
                .unwrap()
                .as_mut()
                .unwrap()
                .try_wait()
                .unwrap()
            {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn kill(victim: &Mutex<Option<Child>>) {
    loop {
        // It may not have been put there yet.
        if let Some(child) = victim.lock().unwrap().as_mut() {
            child.kill().unwrap();
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn pass_on(
    mut stream: TcpStream,
    upstream: &str,
    when: When,
    requests: &Mutex<Vec<String>>,
    victim: &Mutex<Option<Child>>,
) {
    while let Some(request) = read_message(&mut stream) {
        let line = String::from_utf8_lossy(&request);
        let number = {
            let mut requests = requests.lock().unwrap();
            requests.push(line.lines().next().unwrap_or_default().to_owned());
            requests.len()
        };
        if when == When::Before(number) {
            return kill(victim);
        }
        let mut server = TcpStream::connect(upstream).unwrap();
        server.write_all(&request).unwrap();
        let Some(answer) = read_message(&mut server) else {
            return;
        };
        if when == When::After(number) {
            return kill(victim);
        }
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}

/// One request or answer: its head, and as many bytes after it as it says.
fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
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

#[test]
fn a_first_bootstrap_killed_at_every_request_ends_the_same_when_it_is_run_again() {
    let Some(program) = server_program() else {
        return;
    };
    let bootstrap = |when: When| {
        let world = World::new();
        let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
        let door = Door::open(server.address(), when);
        world.write(&door.url, SPEC);
        let code = door.run(&world);
        let requests = door.requests.lock().unwrap().clone();
        (world, server, code, requests)
    };
    let (_world, _server, code, requests) = bootstrap(When::Never);
    assert_eq!(code, Some(0), "{requests:#?}");
    let all = requests.len();
    let mut lost = Vec::new();
    for when in (1..=all).flat_map(|number| [When::Before(number), When::After(number)]) {
        let (world, server, code, _) = bootstrap(when);
        assert_eq!(code, None, "it was killed: {when:?}");
        world.write(&server.url, SPEC);
        let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
        if output.status.code() != Some(0) {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains("are lost"), "{when:?}: {said}");
            lost.push(when);
            continue;
        }
        assert_eq!(
            changes(&world.vault("bootstrap", 0)),
            Vec::<String>::new(),
            "{when:?}"
        );
        // The kept shares are good: they open the server after a restart.
        let address = server.address();
        drop(server);
        let _server = Server::start(&program, &world.path("storage"), &address);
        let report = world.vault("unseal", 0);
        assert_eq!(report["steps"][0]["what"], "unseal", "{when:?}");
    }
    eprintln!("killed at {} boundaries of {all} requests", 2 * all);
    // The one answer that is the only copy of the keys, held back at the door.
    let init = requests
        .iter()
        .position(|line| line.starts_with("PUT /v1/sys/init"));
    assert_eq!(lost, [When::After(init.unwrap() + 1)]);
}
