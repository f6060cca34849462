//! What is wrong with a file is told when it is read, before anything is sent.

use std::fs;

use serde_json::json;

use crate::{
    door::Door,
    world::{World, on_a_vault, twice},
};

/// A file with these lines is refused at load, and so says each of these parts; the Vault that it names hears
/// nothing of it.
fn refused_before_a_vault(spec: &str, parts: &[&str]) {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let door = Door::open(&server, |_, _| None);
    world.write(&door.url, spec);
    for (command, code) in [("diff", 2), ("bootstrap", 1)] {
        let output = world.run(&["vault", command, "vault.yaml"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        for part in parts {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    assert_eq!(door.requests(""), Vec::<String>::new());
}

#[test]
fn a_policy_with_capitals_in_its_name_is_refused_as_the_server_would_keep_another_one() {
    let spec = "  policies: {Read-All: 'path \"a\" { capabilities = [\"read\"] }'}\n";
    refused_before_a_vault(
        spec,
        &[
            "`Read-All` never comes back",
            "write `read-all`",
            "vault.yaml:10:",
        ],
    );
    // It would: by hand it is there under another name.
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    world.write(&server.url, "  policies: {}\n");
    world.vault("bootstrap", 0);
    let body = json!({"policy": "path \"a\" { capabilities = [\"read\"] }"});
    let listed = world.with_root(&server, |vault| {
        vault.ask("PUT", "sys/policies/acl/Read-All", Some(&body));
        vault.read("sys/policies/acl?list=true")
    });
    let names = listed["data"]["keys"].as_array().unwrap();
    assert!(names.contains(&json!("read-all")), "{listed}");
}

#[test]
fn older_and_newer_names_of_a_field_are_no_difference_and_two_values_are_an_error() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let role =
        |fields: &str| format!("  authMethods: [{{type: approle, roles: {{r: {{{fields}}}}}}}]\n");
    twice(&world, &server, &role("policies: [b, a], ttl: 1h"));
    for same in [
        "token_policies: [a, b], token_ttl: 3600",
        "policies: 'a,b', token_policies: [b, a], ttl: 60m",
    ] {
        assert_eq!(twice(&world, &server, &role(same)), Vec::<String>::new());
    }
    refused_before_a_vault(
        &role("policies: [a], token_policies: [b]"),
        &["`token_policies` has two values"],
    );
}

#[test]
fn what_the_server_would_forget_without_a_word_is_an_error_before_anything_is_sent() {
    refused_before_a_vault(
        "  authMethods: [{type: approle, roles: {r: {token_tll: 1h}}}]\n",
        &[
            "`token_tll` is no parameter of this path",
            "did you mean `token_ttl`?",
        ],
    );
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    world.write(&server.url, "  authMethods: [{type: approle}]\n");
    world.vault("bootstrap", 0);
    let status = world.with_root(&server, |vault| {
        vault.status("auth/approle/role/r", &json!({"token_tll": "1h"}))
    });
    assert_eq!(status, 204, "the server takes it as if it were good");
}

#[test]
fn a_wrong_field_and_a_wrong_parameter_are_found_before_anything_is_sent() {
    refused_before_a_vault(
        "  authMethods:\n    - type: aws\n      roles:\n        r: {bound_iam_principle_arn: x, ttl: soon}\n  \
         policys: {}\n  userRoles: {users: [{email: \"a b\", roleArn: x}]}\n",
        &[
            "`bound_iam_principle_arn` is no parameter of this path",
            "did you mean `bound_iam_principal_arn`?",
            "`ttl` must be a duration such as `1h`",
            "policys",
            "the name of this role is no name that Vault takes",
            "vault.yaml:",
        ],
    );
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
