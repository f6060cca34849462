//! What a file can declare, against the real server: made once, the same on the second run, changed
//! where it drifted, and gone when it is no longer named.

use std::{fs, io::Write};

use serde_json::{Value, json};

use crate::world::{Server, World, changes, server_program};

/// A bootstrap that makes everything, and a second that has nothing to do.
fn twice(world: &World, server: &Server, spec: &str) -> Vec<String> {
    world.write(&server.url, spec);
    let first = world.vault("bootstrap", 0);
    let again = world.vault("bootstrap", 0);
    assert_eq!(
        changes(&again),
        Vec::<String>::new(),
        "a second run writes nothing: {again:#}"
    );
    changes(&first)
}

fn on_a_vault() -> Option<(World, Server)> {
    let program = server_program()?;
    let world = World::new();
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    Some((world, server))
}

const AUTH: &str = r#"  authMethods:
    - type: jwt
      tune: {tokenType: default-service, auditNonHmacRequestKeys: [role, name]}
      config: {jwks_url: "", jwt_validation_pubkeys: [PUBLIC], default_role: Dev, bound_issuer: https://example.com}
      roles:
        Dev:
          role_type: jwt
          user_claim: sub
          bound_audiences: [b, a]
          bound_claims: {team: [data]}
          claim_mappings: {email: email}
          clock_skew_leeway: 1m
          policies: [read]
          ttl: 1h
    - type: oidc
      roles:
        web: {allowed_redirect_uris: "http://localhost/x", user_claim: email, oidc_scopes: "openid,email", max_age: 1h}
    - type: cert
      config: {disable_binding: true}
      roles:
        machine: {certificate: CERTIFICATE, allowed_common_names: "b.example.com, a.example.com", token_ttl: 10m}
    - type: userpass
      roles:
        jay: {password: {file: PASSWORD}, policies: read, token_bound_cidrs: [10.0.0.0/8]}
    - type: approle
      roles:
        ci: {secret_id_ttl: 1d, secret_id_num_uses: "3", token_ttl: 20m, bind_secret_id: true}
    - type: kubernetes
      config: {kubernetes_host: "https://10.0.0.1:443", kubernetes_ca_cert: CERTIFICATE, token_reviewer_jwt: {file: PASSWORD}, disable_local_ca_jwt: true}
      roles:
        app: {bound_service_account_names: [b, a], bound_service_account_namespaces: "default", audience: vault, ttl: 1h}
"#;

const SECRETS: &str = r#"  secretsEngines:
    - {type: kv, path: plain, options: {version: 1}}
    - {type: kv, path: secret, description: of the team, options: {version: 2}, config: {max_versions: 5, delete_version_after: 1h, cas_required: "true"}}
    - type: transit
      roles:
        key: {type: aes256-gcm96, min_decryption_version: 1, deletion_allowed: true, auto_rotate_period: 30d}
    - type: pki
      tune: {maxLeaseTtl: 87600h}
      config:
        root: {common_name: example.com, ttl: 87600h}
        urls: {issuing_certificates: "https://example.com/ca", crl_distribution_points: []}
        crl: {expiry: 3d, auto_rebuild: false}
        cluster: {path: "https://example.com/v1/pki"}
      roles:
        web: {allowed_domains: [b.example.com, a.example.com], allow_subdomains: true, max_ttl: 72h, key_type: ec, key_bits: 256}
    - type: ssh
      config: {ca: {generate_signing_key: true}}
      roles:
        admin: {key_type: ca, allow_user_certificates: true, allowed_users: "*", default_extensions: {permit-pty: ""}, ttl: 30m, algorithm_signer: rsa-sha2-256}
        once: {key_type: otp, default_user: ubuntu, cidr_list: 10.0.0.0/8}
    - type: database
      config:
        orders:
          plugin_name: postgresql-database-plugin
          connection_url: "postgresql://{{username}}:{{password}}@db.example.com/orders"
          username: vault
          password: {file: PASSWORD}
          allowed_roles: [reader]
          verify_connection: false
          password_policy: long
      roles:
        reader:
          db_name: orders
          creation_statements: ["CREATE ROLE \"{{name}}\"; GRANT SELECT, INSERT ON a, b TO \"{{name}}\";"]
          default_ttl: 1h
          max_ttl: 1d
    - type: aws
      config: {root: {region: us-west-2, access_key: AKIAEXAMPLE, secret_key: {file: PASSWORD}}, lease: {lease: 1h, lease_max: 24h}}
  passwordPolicies:
    long: |
      length = 20
      rule "charset" { charset = "abcdefghij" }
"#;

fn filled(world: &World, spec: &str) -> String {
    let certificate = rcgen::generate_simple_self_signed(vec!["example.com".into()]).unwrap();
    let public = certificate.signing_key.public_key_pem();
    fs::write(world.path("password"), "swordfish-swordfish\n").unwrap();
    let password = world.path("password").display().to_string();
    let quoted = |text: &str| serde_json::to_string(text.trim()).unwrap();
    spec.replace("PUBLIC", &quoted(&public))
        .replace("CERTIFICATE", &quoted(&certificate.cert.pem()))
        .replace("PASSWORD", &password)
}

#[test]
fn every_auth_method_with_a_table_is_made_once_and_is_the_same_on_the_second_run() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let spec = filled(&world, AUTH);
    let made = twice(&world, &server, &spec);
    assert_eq!(made.len(), 15, "{made:#?}");
    // A change of one field of a configuration that is replaced as a whole keeps the others.
    let spec = spec.replace("https://10.0.0.1:443", "https://10.0.0.2:443");
    assert_eq!(
        twice(&world, &server, &spec),
        ["configure auth/kubernetes/config"]
    );
    let spec = spec.replace("max_age: 1h", "max_age: 2h");
    assert_eq!(
        twice(&world, &server, &spec),
        ["configure auth/oidc/role/web"]
    );
}

#[test]
fn every_secrets_engine_with_a_table_is_made_once_and_is_the_same_on_the_second_run() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let spec = filled(&world, SECRETS);
    let made = twice(&world, &server, &spec);
    assert_eq!(made.len(), 23, "{made:#?}");
    // A role that is replaced as a whole keeps what the change is not about.
    let spec = spec.replace("max_ttl: 72h", "max_ttl: 71h");
    assert_eq!(twice(&world, &server, &spec), ["configure pki/roles/web"]);
    let role = world.with_root(&server, |vault| vault.read("pki/roles/web"));
    assert_eq!(
        role["data"]["allowed_domains"],
        json!(["a.example.com", "b.example.com"])
    );
    // Another secret is written once, by its digest.
    fs::write(world.path("password"), "another-swordfish\n").unwrap();
    assert_eq!(
        twice(&world, &server, &spec),
        [
            "configure aws/config/root",
            "configure database/config/orders"
        ]
    );
    // A connection and a role that are no longer named go, roles first.
    let (before, after) = spec.split_once("    - type: database").unwrap();
    let (_, after) = after.split_once("    - type: aws").unwrap();
    let without = format!("{before}    - {{type: database}}\n    - type: aws{after}");
    assert_eq!(
        twice(&world, &server, &without),
        [
            "prune database/roles/reader",
            "prune database/config/orders"
        ]
    );
}

const IDENTITY: &str = r"  authMethods: [{type: userpass}, {type: jwt}]
  policies:
    own: |
      path 'ACC' { capabilities = ['read'] }
  identity:
    entities:
      - {name: jay@example.com, policies: [own], metadata: {team: data}}
      - {name: sam}
    entityAliases:
      - {entity: jay@example.com, mount: userpass, name: jay}
      - {entity: jay@example.com, mount: auth/jwt, name: 'google/1', metadata: {from: work}}
    groups:
      - {name: all, groups: [data]}
      - {name: data, entities: [sam, jay@example.com], policies: [own]}
      - {name: outside, type: external, metadata: {a: b}}
    groupAliases:
      - {group: outside, mount: jwt, name: team}
  quotas:
    - {name: logins, type: rate-limit, path: auth/userpass, rate: 50.5, interval: 1m, blockInterval: 90}
  objects:
    - {path: auth/userpass/users/kim, data: {password: swordfish, token_ttl: 1h, token_policies: [b, a]}, compare: {durations: [token_ttl], sets: [token_policies], ignore: [password]}}
";

#[test]
fn identities_quotas_and_objects_follow_the_file_and_refer_to_mounts_by_their_paths() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let accessor = "secret/data/{{identity.entity.aliases.${accessor(auth/userpass)}.name}}";
    let spec = IDENTITY.replace("ACC", accessor).replace('\'', "\"");
    let spec = spec.replace("\"google/1\"", "google/1");
    let made = twice(&world, &server, &spec);
    assert_eq!(made.len(), 13, "{made:#?}");
    let policy = world.with_root(&server, |vault| vault.read("sys/policies/acl/own"));
    let text = policy["data"]["policy"].as_str().unwrap();
    assert!(text.contains("aliases.auth_userpass_"), "{text}");

    // Somebody takes one out of a group, and it comes back.
    world.with_root(&server, |vault| {
        vault.write(
            "identity/group/name/data",
            &json!({"member_entity_ids": []}),
        );
    });
    assert_eq!(
        twice(&world, &server, &spec),
        ["configure identity/group/name/data"]
    );
    let spec = spec
        .replace("      - {name: sam}\n", "")
        .replace("[sam, jay@example.com]", "[jay@example.com]")
        .replace(
            "      - {entity: jay@example.com, mount: userpass, name: jay}\n",
            "",
        )
        .replace("      - {group: outside, mount: jwt, name: team}\n", "");
    assert_eq!(
        twice(&world, &server, &spec),
        [
            "configure identity/group/name/data",
            "prune identity/group/name/outside/alias/auth/jwt/team",
            "prune identity/entity/name/jay@example.com/alias/auth/userpass/jay",
            "prune identity/entity/name/sam",
        ]
    );
}

#[test]
fn a_policy_that_is_only_laid_out_otherwise_is_no_drift_and_another_meaning_is() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let policy = |text: &str| format!("  policies:\n    p: {}\n", json!(text));
    let first = "path \"a/*\" { capabilities = [\"read\", \"list\"] }";
    assert_eq!(
        twice(&world, &server, &policy(first)),
        ["create sys/policies/acl/p"]
    );
    for same in [
        "# why\npath \"a/*\" {\n  capabilities = [\"list\", \"read\"]\n}\n",
        "path \"/a/*\" { policy = \"read\" }",
    ] {
        assert_eq!(twice(&world, &server, &policy(same)), Vec::<String>::new());
    }
    assert_eq!(
        twice(
            &world,
            &server,
            &policy("path \"a/*\" { capabilities = [\"read\"] }")
        ),
        ["configure sys/policies/acl/p"]
    );
}

#[test]
fn what_is_taken_for_a_policy_here_is_what_the_server_takes() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    world.write(&server.url, "  policies: {}\n");
    world.vault("bootstrap", 0);
    for (text, good) in [
        ("path \"a\" { capabilities = [\"read\"] }", true),
        (
            "path \"a\" { capabilities = [\"read\"], min_wrapping_ttl = \"1m\" }",
            true,
        ),
        (
            "path \"a\" { allowed_parameters { \"x\" = [\"1\"] \"*\" = [] } policy = \"write\" }",
            true,
        ),
        (
            "path \"a/{{identity.entity.id}}\" { capabilities = [\"deny\", \"sudo\",] comment = \"x\" }",
            true,
        ),
        ("{\"path\": {\"a\": {\"capabilities\": [\"read\"]}}}", true),
        (
            "name = \"x\"\npath \"+/a\" { capabilities = [\"patch\", \"subscribe\", \"recover\"] }",
            true,
        ),
        ("path \"a\" { capabilities = [\"raed\"] }", false),
        ("path \"a\" { capabilitys = [\"read\"] }", false),
        ("path \"a\" { capabilities = [\"read\" }", false),
        ("path \"a+*\" { capabilities = [\"read\"] }", false),
        ("path \"a\" { policy = \"wirte\" }", false),
        (
            "path \"a\" { capabilities = [\"read\"] capabilities = [\"list\"] }",
            false,
        ),
        ("pathes \"a\" { capabilities = [\"read\"] }", false),
        ("path \"a\" { capabilities = [read] }", false),
        (
            "path \"a/{{identity.entity.id\" { capabilities = [\"read\"] }",
            false,
        ),
        ("path \"a\" = { capabilities = [\"read\"] }", false),
    ] {
        let status = world.with_root(&server, |vault| {
            vault.status("sys/policies/acl/p", &json!({"policy": text}))
        });
        assert_eq!(status == 204, good, "the server says {status}: {text}");
        world.write(
            &server.url,
            &format!("  policies: {{p: {}}}\n", json!(text)),
        );
        let output = world.run(&["vault", "diff", "vault.yaml"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code() == Some(2), !good, "{text}: {said}");
    }
}

#[test]
fn a_fault_in_a_policy_is_told_with_its_line_and_column() {
    let world = World::new();
    world.write(
        "http://127.0.0.1:1",
        "  policies:\n    p: |\n      path \"a\" {\n        capabilities = [\"raed\"]\n      }\n    q: {file: q.hcl}\n",
    );
    fs::write(
        world.path("repo/q.hcl"),
        "path \"a\" {\n  capabilities = [\"read\"\n}\n",
    )
    .unwrap();
    let output = world.run(&["vault", "diff", "vault.yaml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let file = fs::read_to_string(world.path("repo/vault.yaml")).unwrap();
    let line = file.lines().position(|line| line.contains("raed")).unwrap() + 1;
    for part in [
        "`raed` means nothing in `capabilities`",
        "did you mean `read`?",
        &format!("vault.yaml:{line}:25"),
        "`,` or `]` is expected here",
        "q.hcl:3:1",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// A file sealed to the recipient of the world.
pub(crate) fn seal(world: &World, name: &str, clear: &str) {
    let identity: age::x25519::Identity = world.identity.parse().unwrap();
    let recipient = identity.to_public();
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).unwrap();
    let mut sealed = Vec::new();
    let format = age::armor::Format::AsciiArmor;
    let armour = age::armor::ArmoredWriter::wrap_output(&mut sealed, format).unwrap();
    let mut writer = encryptor.wrap_output(armour).unwrap();
    writer.write_all(clear.as_bytes()).unwrap();
    writer.finish().unwrap().finish().unwrap();
    fs::write(world.path("repo").join(name), sealed).unwrap();
}

#[test]
fn initial_values_are_put_there_once_and_never_again_whatever_becomes_of_them() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let spec = |pass: &str| {
        fs::write(world.path("pass"), pass).unwrap();
        format!(
            "  secretsEngines: [{{type: kv, path: secret, options: {{version: 2}}}}, {{type: kv, path: plain}}]\n\
             \x20 initialValues:\n\
             \x20   - {{path: hub/auth0, dataFrom: {{age: auth0.age}}}}\n\
             \x20   - {{mount: plain, path: one, data: {{key: {{file: {}}}}}}}\n",
            world.path("pass").display()
        )
    };
    seal(
        &world,
        "auth0.age",
        "client_id: abc\nclient_secret: swordfish-one\n",
    );
    let made = twice(&world, &server, &spec("swordfish-two"));
    assert_eq!(
        made,
        [
            "create plain",
            "create secret",
            "create plain/one",
            "create secret/hub/auth0",
        ]
    );
    let read = |path: &str| world.with_root(&server, |vault| vault.read(path));
    assert_eq!(
        read("secret/data/hub/auth0")["data"]["data"],
        json!({"client_id": "abc", "client_secret": "swordfish-one"})
    );
    assert_eq!(read("plain/one")["data"]["key"], "swordfish-two");

    // Another value in the file, another value in the Vault: both stay as they are.
    seal(
        &world,
        "auth0.age",
        "client_id: abc\nclient_secret: swordfish-three\n",
    );
    world.with_root(&server, |vault| {
        let body = json!({"data": {"client_secret": "by-hand"}});
        vault.write("secret/data/hub/auth0", &body);
    });
    assert_eq!(
        twice(&world, &server, &spec("swordfish-four")),
        Vec::<String>::new()
    );
    assert_eq!(
        read("secret/data/hub/auth0")["data"]["data"]["client_secret"],
        "by-hand"
    );
    // Nor are they deleted when the file no longer names them.
    let none = "  secretsEngines: [{type: kv, path: secret, options: {version: 2}}, {type: kv, path: plain}]\n";
    assert_eq!(twice(&world, &server, none), Vec::<String>::new());
    assert_eq!(read("plain/one")["data"]["key"], "swordfish-two");
}

#[test]
fn a_wrong_parameter_is_refused_with_the_nearest_known_name() {
    for (spec, wrong, near) in [
        (
            "authMethods: [{type: jwt, roles: {r: {bound_audience: x}}}]",
            "bound_audience",
            "bound_audiences",
        ),
        (
            "authMethods: [{type: cert, roles: {r: {alowed_names: x}}}]",
            "alowed_names",
            "allowed_names",
        ),
        (
            "secretsEngines: [{type: pki, roles: {r: {allow_subdomain: true}}}]",
            "allow_subdomain",
            "allow_subdomains",
        ),
        (
            "secretsEngines: [{type: database, config: {c: {pluginname: x}}}]",
            "pluginname",
            "plugin_name",
        ),
        (
            "secretsEngines: [{type: ssh, roles: {r: {keytype: ca}}}]",
            "keytype",
            "key_type",
        ),
        (
            "secretsEngines: [{type: transit, roles: {k: {exportible: true}}}]",
            "exportible",
            "exportable",
        ),
        (
            "secretsEngines: [{type: pki, config: {url: {}}}]",
            "url",
            "urls",
        ),
    ] {
        let world = World::new();
        world.write("http://127.0.0.1:1", &format!("  {spec}\n"));
        let output = world.run(&["vault", "diff", "vault.yaml"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("`{wrong}`")), "{wrong}: {said}");
        assert!(said.contains(near), "{near}: {said}");
    }
}

/// The value of a report that is about a path.
pub(crate) fn action<'a>(report: &'a Value, path: &str) -> &'a Value {
    let actions = report["actions"].as_array().unwrap();
    actions
        .iter()
        .find(|action| action["path"] == path)
        .unwrap()
}

#[test]
fn types_and_versions_change_only_with_leave() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let engine = |rest: &str| format!("  secretsEngines: [{{path: it, {rest}}}]\n");
    let refused = |rest: &str, code: &str| {
        world.write(&server.url, &engine(rest));
        let report = world.vault("bootstrap", 1);
        assert!(report["errors"].to_string().contains(code), "{report:#}");
    };
    twice(&world, &server, &engine("type: kv, options: {version: 1}"));
    world.with_root(&server, |vault| vault.write("it/a", &json!({"k": "v"})));

    refused("type: kv, options: {version: 2}", "vault/upgrades-mount");
    let upgrade = engine("type: kv, options: {version: 2}, allowUpgrade: true");
    assert_eq!(twice(&world, &server, &upgrade), ["configure it"]);
    let read = world.with_root(&server, |vault| vault.read("it/data/a"));
    assert_eq!(
        read["data"]["data"]["k"], "v",
        "an upgrade keeps what is there"
    );

    refused("type: kv, options: {version: 1}", "vault/replaces-mount");
    refused("type: transit", "vault/replaces-mount");
    let roles = "type: transit, allowReplace: true, roles: {k: {type: aes256-gcm96}}";
    world.write(&server.url, &engine(roles));
    let planned = world.vault("diff", 1);
    assert_eq!(action(&planned, "it")["kind"], "recreate");
    assert_eq!(
        twice(&world, &server, &engine(roles)),
        ["recreate it", "create it/keys/k"]
    );
    // A field that cannot be changed, inside of a mount.
    let other = roles.replace("aes256-gcm96", "chacha20-poly1305");
    refused(&other, "vault/replaces");
}

#[test]
fn a_mount_moves_with_what_it_holds_and_with_its_ledger() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    twice(
        &world,
        &server,
        "  secretsEngines: [{type: transit, path: old, roles: {a: {}, b: {}}}]\n  authMethods: [{type: approle, roles: {r: {token_ttl: 1h}}}]\n",
    );
    let moved = "  secretsEngines: [{type: transit, path: new/one, movedFrom: old, tune: {maxLeaseTtl: 2h}, roles: {a: {}}}]\n  authMethods: [{type: approle, path: ci, movedFrom: approle, roles: {r: {token_ttl: 1h}}}]\n";
    world.write(&server.url, moved);
    let first = world.vault("bootstrap", 0);
    assert_eq!(changes(&first), ["configure auth/ci", "configure new/one"]);
    assert_eq!(action(&first, "new/one")["changes"][0]["from"], "old");
    // What the file no longer names goes in the run after, from where it is now.
    let again = world.vault("diff", 1);
    assert_eq!(changes(&again), ["prune new/one/keys/b"]);
}

#[test]
fn what_comes_with_a_server_is_never_declared_and_never_pruned() {
    for spec in [
        "secretsEngines: [{type: kv, path: sys}]",
        "secretsEngines: [{type: kv, path: agent-registry}]",
        "secretsEngines: [{type: kv, path: identity/}]",
        "authMethods: [{type: token}]",
        "policies: {default-ceiling: 'path \"a\" {}'}",
    ] {
        let world = World::new();
        world.write("http://127.0.0.1:1", &format!("  {spec}\n"));
        let output = world.run(&["vault", "diff", "vault.yaml"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("the server's own"), "{said}");
    }
}

#[test]
fn kinds_of_things_that_are_protected_stay_and_others_go() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let all =
        "  authMethods: [{type: approle, roles: {r: {}}}]\n  policies: {p: 'path \"a\" {}'}\n";
    twice(&world, &server, all);
    let kept = "  authMethods: [{type: approle}]\n  prune: {protect: [policies]}\n";
    assert_eq!(twice(&world, &server, kept), ["prune auth/approle/role/r"]);
    let none = "  prune: none\n";
    assert_eq!(twice(&world, &server, none), Vec::<String>::new());
    // Mounts stay in any case, unless the file said otherwise while it named them.
    assert_eq!(
        twice(&world, &server, "  prune: owned\n"),
        ["prune sys/policies/acl/p"]
    );
    let may_go = "  authMethods: [{type: approle, deletionPolicy: delete}]\n";
    twice(&world, &server, may_go);
    assert_eq!(
        twice(&world, &server, "  prune: owned\n"),
        ["prune auth/approle"]
    );
}

#[test]
fn people_can_be_declared_in_a_file_each() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    fs::create_dir(world.path("repo/people")).unwrap();
    let person = |name: &str| {
        let text =
            format!("email: {name}@example.com\nroleArn: arn:aws:iam::111122223333:role/{name}\n");
        fs::write(world.path(&format!("repo/people/{name}.yaml")), text).unwrap();
    };
    person("jay");
    person("sam");
    let spec = "  secretsEngines: [{type: aws}]\n  userRoles: {usersFrom: people}\n";
    assert_eq!(
        twice(&world, &server, spec),
        [
            "create aws",
            "create aws/roles/userrole-jay@example.com",
            "create aws/roles/userrole-sam@example.com",
        ]
    );
    fs::remove_file(world.path("repo/people/jay.yaml")).unwrap();
    assert_eq!(
        twice(&world, &server, spec),
        ["prune aws/roles/userrole-jay@example.com"]
    );
}
