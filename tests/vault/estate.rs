//! Estate A's Vault: what its people typed by hand, from one file.

use std::fs;

use serde_json::Value;

use crate::world::{Server, World, changes, on_a_vault, server_program};

const ESTATE: &str = r#"  audit:
    - {path: file, type: file, options: {file_path: AUDIT}}
  authMethods:
    - type: aws
      tune: {defaultLeaseTtl: 1h, maxLeaseTtl: 24h}
      config: {iam_server_id_header_value: vault.example.com}
      roles:
        daft-service-role:
          auth_type: iam
          policies: [read-all-user-roles]
          bound_iam_principal_arn: arn:aws:iam::941892620273:role/jay_sandbox_eks_clusterDaftServiceRole
          resolve_aws_unique_ids: false
          token_ttl: TTL
  secretsEngines:
    - type: aws
      config: {root: {region: us-west-2}, lease: {lease: 1h, lease_max: 24h}}
  policies:
    read-all-user-roles: |
      path "aws/sts/userrole-*" { capabilities = ["read", "update"] }
  userRoles:
    users:
USERS"#;

const JAY: &str = "      - {email: jay@eventualcomputing.com, roleArn: \"arn:aws:iam::111122223333:role/eventual\"}\n";
const SAM: &str =
    "      - {email: sam@eventualcomputing.com, roleArn: \"arn:aws:iam::111122223333:role/sam\"}\n";

fn estate(world: &World, ttl: &str, users: &str) -> String {
    let audit = world.path("audit.log");
    ESTATE
        .replace("AUDIT", &audit.display().to_string())
        .replace("TTL", ttl)
        .replace("USERS", users)
}

/// The writes that the server has logged since it began: operation and path.
fn writes(world: &World) -> Vec<String> {
    let log = fs::read_to_string(world.path("audit.log")).unwrap_or_default();
    log.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|entry| entry["type"] == "request")
        .map(|entry| {
            let text = |name: &str| {
                entry["request"][name]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            format!("{} {}", text("operation"), text("path"))
        })
        .filter(|write| !write.starts_with("read ") && !write.starts_with("list "))
        // The token that a run makes for itself, and revokes.
        .filter(|write| !write.contains("revoke-self") && !write.contains("generate-root"))
        .collect()
}

#[test]
fn estate_a_goes_from_an_empty_vault_to_its_roles_and_a_second_run_writes_nothing() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    world.write(&server.url, &estate(&world, "1h", JAY));

    let foreseen = world.vault("diff", 1);
    assert_eq!(foreseen["tentative"], true);
    let first = world.vault("bootstrap", 0);
    let steps: Vec<&str> = first["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["what"].as_str().unwrap())
        .collect();
    assert_eq!(steps, ["init", "unseal"]);
    assert_eq!(changes(&first), changes(&foreseen), "it did what it said");
    assert_eq!(
        changes(&first),
        [
            "create sys/audit/file",
            "create auth/aws",
            "create aws",
            "create sys/policies/acl/read-all-user-roles",
            "create auth/aws/config/client",
            "create aws/config/lease",
            "create aws/config/root",
            "create auth/aws/role/daft-service-role",
            "create aws/roles/userrole-jay@eventualcomputing.com",
        ]
    );

    let before = writes(&world);
    assert_eq!(changes(&world.vault("diff", 0)), Vec::<String>::new());
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
    assert_eq!(writes(&world), before, "by the server's own log");

    // The same durations, written otherwise, are no change; another one is.
    world.write(&server.url, &estate(&world, "3600", JAY));
    assert_eq!(changes(&world.vault("diff", 0)), Vec::<String>::new());
    world.write(&server.url, &estate(&world, "2h", &format!("{JAY}{SAM}")));
    assert_eq!(
        changes(&world.vault("bootstrap", 0)),
        [
            "configure auth/aws/role/daft-service-role",
            "create aws/roles/userrole-sam@eventualcomputing.com",
        ]
    );
    // One who leaves loses their role.
    world.write(&server.url, &estate(&world, "2h", SAM));
    assert_eq!(
        changes(&world.vault("bootstrap", 0)),
        ["prune aws/roles/userrole-jay@eventualcomputing.com"]
    );
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
}

#[test]
fn a_vault_that_was_restarted_is_unsealed_again_from_the_kept_shares() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    world.write(&server.url, "  secretsEngines: [{type: transit}]\n");
    world.vault("bootstrap", 0);
    let address = server.address();
    drop(server);
    let _server = Server::start(&program, &world.path("storage"), &address);
    let status = world.run(&["vault", "status", "vault.yaml"]);
    assert!(
        String::from_utf8_lossy(&status.stdout).contains("sealed"),
        "{status:?}"
    );
    let status = world.run(&["vault", "status", "vault.yaml", "--output", "json"]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status[0]["sealed"], true, "{status}");
    let report = world.vault("unseal", 0);
    assert_eq!(report["steps"][0]["what"], "unseal");
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
}

#[test]
fn a_thousand_user_roles_with_one_change_are_one_write() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let users = |arn: &str| {
        let line = |n: usize| {
            let arn = if n == 500 {
                arn
            } else {
                "arn:aws:iam::111122223333:role/all"
            };
            format!("      - {{email: user{n}@example.com, roleArn: \"{arn}\"}}")
        };
        (0..1000).map(line).collect::<Vec<_>>().join("\n")
    };
    let spec = |arn: &str| estate(&world, "1h", &users(arn));
    world.write(&server.url, &spec("arn:aws:iam::111122223333:role/all"));
    assert_eq!(changes(&world.vault("bootstrap", 0)).len(), 1008);
    let before = writes(&world).len();
    world.write(&server.url, &spec("arn:aws:iam::111122223333:role/other"));
    assert_eq!(
        changes(&world.vault("bootstrap", 0)),
        ["configure aws/roles/userrole-user500@example.com"]
    );
    assert_eq!(writes(&world).len(), before + 1, "by the server's own log");
}

#[test]
fn no_share_and_no_token_is_in_anything_that_the_program_says_or_keeps_in_clear() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    fs::write(world.path("secret"), "swordfish-swordfish\n").unwrap();
    let secret = world.path("secret");
    let spec = |password: &str| {
        format!(
            "  rootToken: store\n  auth: {{approle: {{}}}}\n  authMethods:\n    - type: userpass\n      roles:\n        alice: \
             {{password: {password}, policies: [default]}}\n"
        )
    };
    world.write(
        &server.url,
        &spec(&format!("{{file: {}}}", secret.display())),
    );
    let mut said = String::new();
    for args in [
        &["vault", "diff", "vault.yaml"][..],
        &["vault", "bootstrap", "vault.yaml"],
        &["vault", "bootstrap", "vault.yaml", "--output", "json"],
        &["vault", "status", "vault.yaml"],
    ] {
        let output = world.run(args);
        said.push_str(&String::from_utf8_lossy(&output.stdout));
        said.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    // A secret in the file itself is refused, and not shown either.
    world.write(&server.url, &spec("swordfish-swordfish"));
    let output = world.run(&["vault", "diff", "vault.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    assert!(
        said.contains("a secret must not stand in this file"),
        "{said}"
    );

    for name in [
        "keys.age",
        "keys.age.journal",
        "keys.age.ledger",
        "keys.age.login",
    ] {
        said.push_str(&fs::read_to_string(world.path(name)).unwrap());
    }
    let mut secrets = kept_secrets(&world);
    assert_eq!(secrets.len(), 6, "five shares and a token");
    let login: Value = serde_json::from_str(&opened(&world, "keys.age.login")).unwrap();
    secrets.push(login["secretId"].as_str().unwrap().to_owned());
    secrets.push("swordfish-swordfish".to_owned());
    secrets.push(world.identity);
    for secret in &secrets {
        for form in forms(secret) {
            assert!(!said.contains(&form), "a secret was said or kept in clear");
        }
    }
}

/// The shares and the token, opened from the store.
fn kept_secrets(world: &World) -> Vec<String> {
    let kept: Value = serde_json::from_str(&opened(world, "keys.age")).unwrap();
    let shares = kept["keys"].as_array().unwrap().iter();
    let texts = shares.chain(std::iter::once(&kept["rootToken"]));
    texts
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// What a file of the store holds, in clear.
pub(crate) fn opened(world: &World, name: &str) -> String {
    use std::io::Read;
    let identity: age::x25519::Identity = world.identity.parse().unwrap();
    let sealed = fs::read(world.path(name)).unwrap();
    let decryptor = age::Decryptor::new(age::armor::ArmoredReader::new(&*sealed)).unwrap();
    let mut clear = String::new();
    let identities = std::iter::once(&identity as &dyn age::Identity);
    decryptor
        .decrypt(identities)
        .unwrap()
        .read_to_string(&mut clear)
        .unwrap();
    clear
}

#[test]
fn a_damaged_share_is_forgotten_and_another_combination_opens() {
    use std::io::Write;
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    world.write(&server.url, "  secretsEngines: [{type: transit}]\n");
    world.vault("bootstrap", 0);
    let mut kept: Value = serde_json::from_str(&opened(&world, "keys.age")).unwrap();
    kept["keys"][0] = kept["keys"][4]
        .as_str()
        .unwrap()
        .replace(['0', '1'], "2")
        .into();
    let recipient: age::x25519::Recipient = world.recipient.parse().unwrap();
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).unwrap();
    let file = fs::File::create(world.path("keys.age")).unwrap();
    let mut writer = encryptor.wrap_output(file).unwrap();
    writer.write_all(kept.to_string().as_bytes()).unwrap();
    writer.finish().unwrap();
    let address = server.address();
    drop(server);
    let _server = Server::start(&program, &world.path("storage"), &address);
    let report = world.vault("unseal", 0);
    assert_eq!(report["steps"][0]["what"], "unseal");
}

/// A secret as it is, in base64, and in hexadecimal.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    use base64::Engine;
    let bytes = secret.as_bytes();
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![
        secret.to_owned(),
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes),
        digits.concat(),
    ]
}
