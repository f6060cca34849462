//! How trueup logs in after the bootstrap, and who else holds the shares.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::world::{Server, World, ask, changes, server_program};

/// The paths of all requests that the server has logged, in order.
fn requests(world: &World) -> Vec<String> {
    let log = fs::read_to_string(world.path("audit.log")).unwrap_or_default();
    log.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|entry| entry["type"] == "request")
        .map(|entry| entry["request"]["path"].as_str().unwrap().to_owned())
        .collect()
}

fn spec(world: &World, more: &str) -> String {
    format!(
        "  auth: {{approle: {{}}}}\n  audit: [{{path: file, type: file, options: {{file_path: {}}}}}]\n\
         \x20 secretsEngines: [{{type: transit}}]\n{more}",
        world.path("audit.log").display()
    )
}

#[test]
fn later_runs_log_in_as_trueup_itself_with_one_token_that_is_revoked() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    world.write(&server.url, &spec(&world, ""));
    let made = changes(&world.vault("bootstrap", 0));
    for path in [
        "create sys/policies/acl/trueup",
        "create auth/trueup",
        "create auth/trueup/role/trueup",
    ] {
        assert!(made.iter().any(|one| one == path), "{made:?}");
    }
    let before = requests(&world).len();
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
    let later = requests(&world).split_off(before);
    let count = |path: &str| later.iter().filter(|one| *one == path).count();
    assert_eq!(count("auth/trueup/login"), 1, "{later:?}");
    assert_eq!(count("auth/token/revoke-self"), 1, "{later:?}");
    assert!(
        !later.iter().any(|path| path.contains("generate-root")),
        "{later:?}"
    );

    // It is as good as the shares for a change, and the shares bring it back where it is lost.
    world.write(
        &server.url,
        &spec(
            &world,
            "  policies: {a: 'path \"transit/*\" {capabilities = [\"read\"]}'}\n",
        ),
    );
    let change = changes(&world.vault("bootstrap", 0));
    assert_eq!(change, ["create sys/policies/acl/a"]);
    fs::remove_file(world.path("keys.age.login")).unwrap();
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
    let before = requests(&world).len();
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
    let later = requests(&world).split_off(before);
    assert!(
        later.iter().any(|path| path == "auth/trueup/login"),
        "{later:?}"
    );
}

/// `gpg` in a home of its own; none, said loudly, where there is none.
fn gpg(world: &World, args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    use std::io::Write;
    let home = world.path("gpg");
    fs::create_dir_all(&home).unwrap();
    let mut child = Command::new("gpg")
        .args([
            "--batch",
            "--yes",
            "--quiet",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ])
        .args(args)
        .env("GNUPGHOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .inspect_err(|_| eprintln!("!! absent: gpg: NOT RUN with shares that people hold"))
        .ok()?;
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "gpg {args:?}");
    Some(output.stdout)
}

#[test]
fn shares_that_people_hold_open_for_them_alone_and_trueup_says_so() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let mut holders = Vec::new();
    for name in ["ann", "ben", "cat"] {
        let mail = format!("{name}@example.com");
        let made = gpg(
            &world,
            &["--quick-gen-key", &mail, "rsa2048", "cert,encr", "never"],
            b"",
        );
        if made.is_none() {
            return;
        }
        let key = gpg(&world, &["--armor", "--export", &mail], b"").unwrap();
        fs::write(world.path(&format!("repo/{name}.asc")), key).unwrap();
        holders.push(format!("{name}.asc"));
    }
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    let text = |more: &str| {
        world.write(&server.url, &spec(&world, more));
        let path = world.path("repo/vault.yaml");
        let text = fs::read_to_string(&path).unwrap();
        let init = format!(
            "init: {{shares: 3, threshold: 2, holders: [{}]}}",
            holders.join(", ")
        );
        fs::write(path, text.replace("init: {shares: 5, threshold: 3}", &init)).unwrap();
    };
    text("");
    // It is initialised, and then it is for people to open it.
    let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("its shares are held by people"), "{said}");

    let kept: Value = serde_json::from_str(&crate::estate::opened(&world, "keys.age")).unwrap();
    for share in kept["keys"].as_array().unwrap().iter().take(2) {
        let bytes: Vec<u8> = (0..share.as_str().unwrap().len() / 2)
            .map(|at| u8::from_str_radix(&share.as_str().unwrap()[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let clear = gpg(&world, &["--decrypt"], &bytes).unwrap();
        let body = format!("{{\"key\":\"{}\"}}", String::from_utf8(clear).unwrap());
        let answer = ask(&server.url, "PUT", "sys/unseal", &body);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let made = changes(&world.vault("bootstrap", 0));
    assert!(made.iter().any(|one| one == "create transit"), "{made:?}");
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
}
