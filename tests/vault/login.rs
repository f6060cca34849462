//! How trueup logs in after the bootstrap, and who else holds the shares.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    door::Door,
    moto::{self, ACCOUNT, Moto},
    world::{Server, World, ask, changes, on_a_vault, server_program},
};

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
    let Some((world, server)) = on_a_vault() else {
        return;
    };
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

#[test]
fn a_run_that_takes_longer_than_its_token_lives_renews_it_and_revokes_it_at_the_end() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    // Its own login, with tokens of three seconds.
    let role = "  authMethods: [{type: approle, path: trueup, roles: {trueup: {token_policies: [trueup], token_ttl: 3s, token_max_ttl: 1h}}}]\n";
    let spec = |more: &str| spec(&world, &format!("{role}{more}"));
    world.write(&server.url, &spec(""));
    world.vault("bootstrap", 0);
    let door = Door::open(&server, |line, _| {
        let slow = line.starts_with("PUT /v1/sys/policies") || line.starts_with("POST /v1/transit");
        if slow {
            std::thread::sleep(std::time::Duration::from_secs(3));
        }
        None
    });
    let policy = "  policies: {a: 'path \"a\" {capabilities = [\"read\"]}'}\n";
    let text = spec(policy).replace("{type: transit}", "{type: transit, roles: {k: {}}}");
    world.write(&door.url, &text);
    let made = changes(&world.vault("bootstrap", 0));
    assert_eq!(made, ["create sys/policies/acl/a", "create transit/keys/k"]);
    assert_eq!(door.requests("auth/trueup/login").len(), 1);
    assert!(door.requests("auth/token/renew-self").len() >= 2);
    assert_eq!(door.requests("auth/token/revoke-self").len(), 1);
    assert_eq!(door.requests("generate-root"), Vec::<String>::new());
}

/// A run that has nothing to do: what it asked the server, by the log of that, and what it said.
fn idle_run(world: &World) -> (Vec<String>, String) {
    let before = requests(world).len();
    let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    (requests(world).split_off(before), said)
}

/// How often a path was asked for.
fn count(all: &[String], path: &str) -> usize {
    all.iter().filter(|one| one.contains(path)).count()
}

/// It logged in as itself, once, made no root token of the shares, and left no token behind.
fn assert_own_login(asked: &[String]) {
    assert_eq!(count(asked, "auth/trueup/login"), 1, "{asked:?}");
    assert_eq!(count(asked, "auth/token/revoke-self"), 1, "{asked:?}");
    assert_eq!(count(asked, "generate-root"), 0, "{asked:?}");
}

/// It was refused, and the shares helped.
fn assert_refused(asked: &[String]) {
    assert!(count(asked, "auth/trueup/login") >= 1, "{asked:?}");
    assert!(count(asked, "auth/token/revoke-self") >= 1, "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_logs_in_as_its_service_account_which_the_api_server_vouches_for() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let Some(api) = trueup_testbed::ApiServer::shared() else {
        return;
    };
    let raw = api.raw();
    let post = async |path: &str, body: Value| {
        let json = [("content-type", "application/json")];
        let answer = raw
            .send("POST", path, &json, body.to_string())
            .await
            .unwrap();
        assert!(answer.status < 300, "{path}: {}", answer.text());
        serde_json::from_slice::<Value>(&answer.body).unwrap()
    };
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "trueup-logins"}});
    post("/api/v1/namespaces", namespace).await;
    let accounts = "/api/v1/namespaces/trueup-logins/serviceaccounts";
    for name in ["trueup", "other", "reviewer"] {
        let account =
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
        post(accounts, account).await;
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600},
        });
        let token = post(&format!("{accounts}/{name}/token"), request).await;
        let token = token["status"]["token"].as_str().unwrap();
        fs::write(world.path(name), token).unwrap();
    }
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "trueup-logins-reviewer"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"},
        "subjects": [{"kind": "ServiceAccount", "name": "reviewer", "namespace": "trueup-logins"}],
    });
    post(
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        binding,
    )
    .await;
    let certificate = fs::read_to_string(api.folder().join("certificates/apiserver.crt")).unwrap();
    let spec = |account: &str| {
        format!(
            "  auth: {{kubernetes: {{serviceAccount: {{namespace: trueup-logins, name: trueup}}, tokenFile: {}}}}}\n\
             \x20 audit: [{{path: file, type: file, options: {{file_path: {}}}}}]\n\
             \x20 authMethods:\n\
             \x20   - type: kubernetes\n\
             \x20     path: trueup\n\
             \x20     config:\n\
             \x20       kubernetes_host: {}\n\
             \x20       kubernetes_ca_cert: {}\n\
             \x20       token_reviewer_jwt: {{file: {}}}\n\
             \x20       disable_local_ca_jwt: true\n\
             \x20 secretsEngines: [{{type: transit}}]\n",
            world.path(account).display(),
            world.path("audit.log").display(),
            api.url(),
            json!(certificate.trim()),
            world.path("reviewer").display(),
        )
    };
    world.write(&server.url, &spec("trueup"));
    let made = changes(&world.vault("bootstrap", 0));
    assert!(
        made.iter()
            .any(|one| one == "create auth/trueup/role/trueup"),
        "{made:?}"
    );
    let (asked, said) = idle_run(&world);
    assert_own_login(&asked);
    // Whoever has the token of another service account is nobody.
    world.write(&server.url, &spec("other"));
    let (asked, also) = idle_run(&world);
    assert_refused(&asked);
    for account in ["trueup", "other", "reviewer"] {
        let token = fs::read_to_string(world.path(account)).unwrap();
        assert!(
            !said.contains(&token) && !also.contains(&token),
            "a token was said"
        );
    }
}

#[test]
fn it_logs_in_as_its_role_of_aws_by_a_signed_request() {
    let (Some(program), Some(aws)) = (server_program(), moto::program()) else {
        return;
    };
    let aws = Moto::start(&aws);
    for role in ["trueup", "stranger"] {
        aws.query(
            "iam",
            &format!("Action=CreateRole&Version=2010-05-08&RoleName={role}&AssumeRolePolicyDocument=%7B%7D"),
        );
    }
    let world = World::new().with_env(&aws.assume("trueup"));
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    fs::write(world.path("aws-key"), "a-key-of-aws-that-is-secret").unwrap();
    world.write(
        &server.url,
        &format!(
            "  auth: {{aws: {{principal: \"arn:aws:iam::{ACCOUNT}:role/trueup\", serverId: vault.example.com, region: us-east-1}}}}\n\
             \x20 audit: [{{path: file, type: file, options: {{file_path: {}}}}}]\n\
             \x20 authMethods:\n\
             \x20   - type: aws\n\
             \x20     path: trueup\n\
             \x20     config:\n\
             \x20       access_key: AKIAEXAMPLE\n\
             \x20       secret_key: {{file: {}}}\n\
             \x20       iam_endpoint: {url}\n\
             \x20       sts_endpoint: {url}\n\
             \x20       sts_region: us-east-1\n\
             \x20       iam_server_id_header_value: vault.example.com\n\
             \x20 secretsEngines: [{{type: transit}}]\n",
            world.path("audit.log").display(),
            world.path("aws-key").display(),
            url = aws.url,
        ),
    );
    world.vault("bootstrap", 0);
    let (asked, said) = idle_run(&world);
    assert_own_login(&asked);
    let secret = world
        .env
        .iter()
        .find(|(name, _)| *name == "AWS_SECRET_ACCESS_KEY");
    assert!(!said.contains(&secret.unwrap().1), "a key of AWS was said");
    // Another role of the same account is refused.
    let world = world.with_env(&aws.assume("stranger"));
    let (asked, _) = idle_run(&world);
    assert_refused(&asked);
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
