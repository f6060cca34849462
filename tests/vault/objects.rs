//! What a file can declare, against the real server: made once, the same on the second run, changed
//! where it drifted, and gone when it is no longer named.

use std::{fs, io::Write};

use serde_json::json;

use crate::world::{World, on_a_vault, twice};

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

/// A file sealed to the recipient of the world.
pub(crate) fn seal(world: &World, name: &str, clear: impl AsRef<[u8]>) {
    let identity: age::x25519::Identity = world.identity.parse().unwrap();
    let recipient = identity.to_public();
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).unwrap();
    let mut sealed = Vec::new();
    let format = age::armor::Format::AsciiArmor;
    let armour = age::armor::ArmoredWriter::wrap_output(&mut sealed, format).unwrap();
    let mut writer = encryptor.wrap_output(armour).unwrap();
    writer.write_all(clear.as_ref()).unwrap();
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

#[test]
fn initial_values_come_out_of_a_file_that_sops_sealed_and_nobody_changed_since() {
    // A file of SOPS itself, whose key is sealed to the recipient of this world instead.
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/sops/golden/comments.enc.yaml"
    );
    let golden = fs::read_to_string(golden).unwrap();
    let key = "61bec946f5783fd4cea3d1b1ce407fce2b6e81fc301cc539c422015e27f6d1be";
    let key: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&key[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let sealed_to = |world: &World| {
        seal(world, "key.age", &key);
        let armour = fs::read_to_string(world.path("repo/key.age")).unwrap();
        golden.replace(
            "    age: []",
            &format!("    age: [{{recipient: r, enc: {}}}]", json!(armour)),
        )
    };
    let spec = "  secretsEngines: [{type: kv, path: secret, options: {version: 2}}]\n  initialValues: [{path: hub, dataFrom: {sops: hub.enc.yaml}}]\n";
    let good = sealed_to(&world);
    let others = sealed_to(&World::new());
    for (text, says) in [
        (others, "is that of none of its recipients"),
        (golden.clone(), "it is sealed to no age recipient"),
        (
            good.replace("lorem: ENC", "lorem_unencrypted: ENC"),
            "its MAC does not fit",
        ),
        (
            good.replace("lorem: ENC", "ipsum: ENC"),
            "the value at `ipsum` cannot be opened",
        ),
    ] {
        fs::write(world.path("repo/hub.enc.yaml"), text).unwrap();
        world.write(&server.url, spec);
        let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{says}: {said}");
    }
    fs::write(world.path("repo/hub.enc.yaml"), good).unwrap();
    assert_eq!(
        twice(&world, &server, spec),
        ["create secret", "create secret/hub"]
    );
    let read = world.with_root(&server, |vault| vault.read("secret/data/hub"));
    assert_eq!(
        read["data"]["data"],
        json!({"lorem": "ipsum", "dolor": "sit"})
    );
}
