//! Other shares for a real Vault, and the program killed at every request on the way there.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::json;

use crate::{
    kill::{Gate, When},
    world::{Server, World, changes, server_program},
};

const SPEC: &str = "  secretsEngines: [{type: transit}]\n";
const REKEY: [&str; 7] = [
    "vault",
    "rekey",
    "vault.yaml",
    "--shares",
    "4",
    "--threshold",
    "3",
];

fn bootstrapped(program: &std::path::Path) -> (World, Server) {
    let world = World::new();
    let server = Server::start(program, &world.path("storage"), "127.0.0.1:0");
    world.write(&server.url, SPEC);
    world.vault("bootstrap", 0);
    (world, server)
}

fn restarted(program: &std::path::Path, world: &World, server: Server) -> Server {
    let address = server.address();
    drop(server);
    Server::start(program, &world.path("storage"), &address)
}

#[test]
fn other_shares_are_kept_and_the_old_ones_are_of_no_use() {
    let Some(program) = server_program() else {
        return;
    };
    let (world, server) = bootstrapped(&program);
    let old = world.kept();
    let dry = world.run(&[&REKEY[..], &["--dry-run"]].concat());
    assert_eq!(dry.status.code(), Some(2), "{dry:?}");
    assert_eq!(world.kept(), old, "a dry run changes nothing");
    let output = world.run(&REKEY);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let new = world.kept();
    assert_eq!(new["keys"].as_array().unwrap().len(), 4);
    assert_eq!(new["threshold"], 3);
    for share in old["keys"].as_array().unwrap() {
        assert!(!new["keys"].as_array().unwrap().contains(share));
    }
    assert!(!world.path("keys.age.next").exists());
    let server = restarted(&program, &world, server);
    world.vault("unseal", 0);
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
    drop(server);
}

#[test]
fn a_rekey_killed_at_every_request_leaves_keys_that_open_the_vault() {
    let Some(program) = server_program() else {
        return;
    };
    let rekeyed = |when: When| {
        let (world, server) = bootstrapped(&program);
        let gate = Gate::new(when);
        let door = gate.door("127.0.0.1:0", server.address());
        world.write(&format!("http://{door}"), SPEC);
        let code = gate.run(&world, &REKEY);
        let requests = gate.requests.lock().unwrap().clone();
        world.write(&server.url, SPEC);
        (world, server, code, requests)
    };
    let (_world, _server, code, requests) = rekeyed(When::Never);
    assert_eq!(code, Some(0), "{requests:#?}");
    // What comes before only reads.
    let first = requests
        .iter()
        .position(|line| line.contains("/v1/sys/rekey"));
    let boundaries: Vec<(When, bool)> = (first.unwrap() + 1..=requests.len())
        .flat_map(|number| [When::Before(number), When::After(number)])
        .flat_map(|when| [(when, true), (when, false)])
        .collect();
    let (next, with_new) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some((when, restarts)) =
                    boundaries.get(next.fetch_add(1, Ordering::SeqCst))
                {
                    let at = format!("{when:?}, restarts: {restarts}");
                    let (world, mut server, code, _) = rekeyed(*when);
                    assert_eq!(code, None, "it was killed: {at}");
                    if *restarts {
                        server = restarted(&program, &world, server);
                    }
                    let new = opens(&world, &at);
                    with_new.fetch_add(usize::from(new), Ordering::SeqCst);
                    // And whoever begins again comes to the end.
                    let output = world.run(&REKEY);
                    assert_eq!(output.status.code(), Some(0), "{at}: {output:?}");
                    assert_eq!(world.kept()["keys"].as_array().unwrap().len(), 4, "{at}");
                    let server = restarted(&program, &world, server);
                    world.vault("unseal", 0);
                    drop(server);
                }
            });
        }
    });
    let (all, with_new) = (boundaries.len(), with_new.into_inner());
    eprintln!(
        "killed at {all} boundaries; the new shares were the good ones after {with_new} of them"
    );
    assert!(with_new > 0 && with_new < all);
}

/// What is kept opens the Vault and makes a token; gives whether that are the new shares.
fn opens(world: &World, at: &str) -> bool {
    world.vault("unseal", 0);
    let report = world.vault("bootstrap", 0);
    assert_eq!(changes(&report), Vec::<String>::new(), "{at}");
    assert!(!world.path("keys.age.next").exists(), "{at}");
    world.kept()["keys"].as_array().unwrap().len() == 4
}

#[test]
fn kept_keys_are_given_only_sealed_to_somebody_or_in_clear_on_a_terminal() {
    let Some(program) = server_program() else {
        return;
    };
    let (world, _server) = bootstrapped(&program);
    let identity = age::x25519::Identity::generate();
    let to = identity.to_public().to_string();
    let output = world.run(&["vault", "export-recovery", "vault.yaml", "--to", &to]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let sealed = String::from_utf8(output.stdout).unwrap();
    assert!(
        sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"),
        "{sealed}"
    );
    let opened = World::opened(&identity, sealed.as_bytes());
    assert_eq!(opened["keys"], world.kept()["keys"]);

    let path = world.path("exported.age");
    let shown = path.display().to_string();
    let args = [
        "vault",
        "export-recovery",
        "vault.yaml",
        "--to",
        &to,
        "--file",
        &shown,
    ];
    assert_eq!(world.run(&args).status.code(), Some(0));
    assert_eq!(
        World::opened(&identity, &fs::read(&path).unwrap())["keys"],
        opened["keys"]
    );
    // What is there is not written over.
    assert_eq!(world.run(&args).status.code(), Some(1));

    // Not in clear where somebody may be reading along, and not to nobody.
    for args in [
        &["vault", "export-recovery", "vault.yaml", "--clear"][..],
        &["vault", "export-recovery", "vault.yaml"],
        &[
            "vault",
            "export-recovery",
            "vault.yaml",
            "--to",
            "age1nobody",
        ],
    ] {
        let output = world.run(args);
        assert_ne!(output.status.code(), Some(0), "{args:?}");
        let said = format!("{output:?}");
        for share in opened["keys"].as_array().unwrap() {
            assert!(!said.contains(share.as_str().unwrap()));
        }
    }
    assert_eq!(opened["rootToken"], json!(null));
}
