//! What cannot be changed in place: guarded replacements, moves, and audit devices, which are never gone.

use std::fs;

use serde_json::json;

use crate::{
    door::Door,
    world::{action, changes, on_a_vault, twice},
};

#[test]
fn an_audit_device_that_changes_is_stood_in_for_by_another_one_meanwhile() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let device = |file: &str, more: &str| {
        let file = world.path(file);
        format!(
            "  audit: [{{path: file, type: file, options: {{file_path: {}}}}}]\n{more}",
            file.display()
        )
    };
    twice(&world, &server, &device("first.log", ""));
    let door = Door::open(&server, |_, _| None);
    world.write(&door.url, &device("second.log", ""));
    let report = world.vault("bootstrap", 0);
    assert_eq!(changes(&report), ["recreate sys/audit/file"]);
    let audits: Vec<String> = door
        .requests("/v1/sys/audit/")
        .iter()
        .map(|line| {
            line.trim_end_matches(" HTTP/1.1")
                .replace("/v1/sys/audit/", "")
        })
        .collect();
    assert_eq!(
        audits,
        [
            "PUT file-trueup-stand-in",
            "DELETE file",
            "PUT file",
            "DELETE file-trueup-stand-in",
        ]
    );
    // By the logs themselves: the one that stood in has what took the old one away.
    let second = fs::read_to_string(world.path("second.log-trueup-stand-in")).unwrap();
    let deletes = second.lines().filter(|line| {
        line.contains("\"operation\":\"delete\"") && line.contains("\"path\":\"sys/audit/file\"")
    });
    assert!(deletes.count() >= 1, "{second}");
    assert_eq!(
        twice(&world, &server, &device("second.log", "")),
        Vec::<String>::new()
    );
}

#[test]
fn a_run_that_dies_while_an_audit_device_is_replaced_leaves_one_and_the_next_run_ends_it() {
    for dies_at in [
        "DELETE /v1/sys/audit/file ",
        "PUT /v1/sys/audit/file ",
        "DELETE /v1/sys/audit/file-trueup",
    ] {
        let Some((world, server)) = on_a_vault() else {
            return;
        };
        let device = |file: &str| {
            let file = world.path(file);
            format!(
                "  audit: [{{path: file, type: file, options: {{file_path: {}}}}}]\n",
                file.display()
            )
        };
        twice(&world, &server, &device("first.log"));
        let door = Door::open(&server, move |line, _| {
            line.starts_with(dies_at)
                .then(|| "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_owned())
        });
        world.write(&door.url, &device("second.log"));
        world.vault("bootstrap", 1);
        world.with_root(&server, |vault| {
            let devices = vault.read("sys/audit");
            assert!(
                !devices["data"].as_object().unwrap().is_empty(),
                "{dies_at}: {devices}"
            );
        });
        twice(&world, &server, &device("second.log"));
        world.with_root(&server, |vault| {
            let devices = vault.read("sys/audit");
            let names: Vec<&String> = devices["data"].as_object().unwrap().keys().collect();
            assert_eq!(names, ["file/"], "{dies_at}");
            let log = devices["data"]["file/"]["options"]["file_path"]
                .as_str()
                .unwrap();
            assert!(log.ends_with("second.log"), "{dies_at}: {log}");
        });
    }
}

/// An AWS role of these fields, whose principals nobody has to ask IAM for.
fn role(fields: &str) -> String {
    format!("  authMethods: [{{type: aws, roles: {{r: {{{fields}}}}}}}]\n")
}

#[test]
fn a_bound_field_that_leaves_the_file_is_emptied_and_one_of_others_is_left_alone() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let bound = "auth_type: ec2, bound_ami_id: ami-1";
    let with = role(&format!(
        "{bound}, bound_account_id: ['111122223333'], token_ttl: 1h"
    ));
    twice(&world, &server, &with);
    // Somebody adds a field that the file never named.
    world.with_root(&server, |vault| {
        vault.write(
            "auth/aws/role/r",
            &json!({"token_bound_cidrs": ["10.0.0.0/8"]}),
        );
    });
    assert_eq!(twice(&world, &server, &with), Vec::<String>::new());

    let door = Door::open(&server, |_, _| None);
    world.write(&door.url, &role(bound));
    let report = world.vault("bootstrap", 0);
    assert_eq!(changes(&report), ["configure auth/aws/role/r"]);
    let sent = door.texts("POST /v1/auth/aws/role/r").concat();
    assert!(sent.contains("\"bound_account_id\":[]"), "{sent}");
    assert!(sent.contains("\"token_ttl\":0"), "{sent}");
    let live = world.with_root(&server, |vault| vault.read("auth/aws/role/r"));
    assert_eq!(live["data"]["bound_account_id"], json!([]), "{live}");
    assert_eq!(live["data"]["token_ttl"], 0, "{live}");
    assert_eq!(
        live["data"]["token_bound_cidrs"],
        json!(["10.0.0.0/8"]),
        "{live}"
    );
    assert_eq!(twice(&world, &server, &role(bound)), Vec::<String>::new());

    // From then on it is nobody's: what somebody writes there stays.
    world.with_root(&server, |vault| {
        vault.write(
            "auth/aws/role/r",
            &json!({"bound_account_id": ["444455556666"]}),
        );
    });
    assert_eq!(twice(&world, &server, &role(bound)), Vec::<String>::new());
}

#[test]
fn an_aws_role_that_no_longer_resolves_ids_or_has_another_type_is_replaced_only_with_leave() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    // Ids are not resolved of a pattern, so that no AWS is asked.
    let fields = |resolves: bool, more: &str| {
        role(&format!(
            "auth_type: iam, bound_iam_principal_arn: 'arn:aws:iam::111122223333:role/*', resolve_aws_unique_ids: {resolves}{more}"
        ))
    };
    let refused = |spec: &str, field: &str| {
        world.write(&server.url, spec);
        for command in ["diff", "bootstrap"] {
            let report = world.vault(command, if command == "diff" { 2 } else { 1 });
            let errors = report["errors"].to_string();
            assert!(
                errors.contains("vault/replaces") && errors.contains(field),
                "{report:#}"
            );
            assert_eq!(action(&report, "auth/aws/role/r")["kind"], "recreate");
        }
    };
    let live = || world.with_root(&server, |vault| vault.read("auth/aws/role/r"));
    twice(&world, &server, &fields(true, ""));
    let before = live()["data"]["role_id"].clone();
    // The server itself refuses it.
    let status = world.with_root(&server, |vault| {
        vault.status("auth/aws/role/r", &json!({"resolve_aws_unique_ids": false}))
    });
    assert_eq!(status, 400);
    refused(&fields(false, ""), "resolve_aws_unique_ids");
    assert_eq!(live()["data"]["role_id"], before, "nothing was done");
    assert_eq!(
        twice(&world, &server, &fields(false, ", allowReplace: true")),
        ["recreate auth/aws/role/r"]
    );
    assert_ne!(live()["data"]["role_id"], before, "it was made anew");
    // The other way round it is a change like any other.
    assert_eq!(
        twice(&world, &server, &fields(true, "")),
        ["configure auth/aws/role/r"]
    );

    let status = world.with_root(&server, |vault| {
        vault.status("auth/aws/role/r", &json!({"auth_type": "ec2"}))
    });
    assert_eq!(status, 400);
    let ec2 = |more: &str| role(&format!("auth_type: ec2, bound_ami_id: ami-1{more}"));
    refused(&ec2(""), "auth_type");
    assert_eq!(
        twice(&world, &server, &ec2(", allowReplace: true")),
        ["recreate auth/aws/role/r"]
    );
    assert_eq!(live()["data"]["auth_type"], "ec2");
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
