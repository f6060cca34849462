//! What the file does not name: what trueup made, and, where the file says that it is the only one, what others made.

use serde_json::json;

use crate::{
    asked::Vault,
    world::{changes, on_a_vault, twice},
};

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

/// What people made by hand.
fn by_hand(vault: &Vault) {
    vault.write("sys/auth/userpass", &json!({"type": "userpass"}));
    vault.write("sys/mounts/notes", &json!({"type": "kv"}));
    for policy in ["left", "right", "default-ceiling"] {
        let body = json!({"policy": "path \"a\" { capabilities = [\"read\"] }"});
        vault.ask("PUT", &format!("sys/policies/acl/{policy}"), Some(&body));
    }
    vault.write("auth/approle/role/stranger", &json!({"token_ttl": "1h"}));
    vault.write("transit/keys/treasure", &json!({}));
    vault.write("identity/group", &json!({"name": "gang"}));
    vault.write("identity/entity", &json!({"name": "somebody"}));
    vault.write("sys/quotas/rate-limit/slow", &json!({"rate": 1000}));
}

const NAMED: &str = "  authMethods: [{type: approle, roles: {r: {}}}]\n  secretsEngines: [{type: transit}]\n  policies: {p: 'path \"a\" {}'}\n";

const GOING: [&str; 5] = [
    "prune auth/approle/role/stranger",
    "prune identity/group/name/gang",
    "prune sys/policies/acl/left",
    "prune sys/policies/acl/right",
    "prune sys/quotas/rate-limit/slow",
];

#[test]
fn an_exclusive_prune_refuses_over_its_limit_and_takes_what_others_made_within_it() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    twice(&world, &server, NAMED);
    world.with_root(&server, by_hand);
    assert_eq!(
        twice(&world, &server, NAMED),
        Vec::<String>::new(),
        "it is nobody else's"
    );

    let exclusive =
        |more: &str| format!("{NAMED}  prune: {{mode: exclusive, allowExclusive: true{more}}}\n");
    world.write(&server.url, &exclusive(""));
    let report = world.vault("diff", 2);
    let mut going = changes(&report);
    going.sort();
    assert_eq!(going, GOING, "all of it is shown");
    let errors = report["errors"].to_string();
    assert!(errors.contains("vault/deletes-too-much"), "{errors}");
    assert!(errors.contains("`maxDeletes` allows 1"), "{errors}");
    // The rest is done all the same.
    world.write(
        &server.url,
        &exclusive("").replace("{r: {}}", "{r: {}, s: {}}"),
    );
    let report = world.vault("bootstrap", 1);
    assert_eq!(changes(&report), ["create auth/approle/role/s"]);
    let live = |path: &str| world.with_root(&server, |vault| vault.ask("GET", path, None).0);
    assert_eq!(live("sys/policies/acl/left"), 200);

    let most = ", maxDeletes: {percent: 100}";
    let kept = exclusive(&format!(
        "{most}, protect: [policies, authMethods, secretsEngines]"
    ));
    let mut gone = twice(&world, &server, &kept);
    gone.sort();
    assert_eq!(
        gone,
        ["prune auth/approle/role/s", GOING[0], GOING[1], GOING[4]],
        "what is protected stays"
    );
    assert_eq!(twice(&world, &server, &exclusive(most)), GOING[2..4]);
    // Mounts go only where the file says so, what holds secrets inside of named ones never.
    assert_eq!(
        twice(&world, &server, &exclusive(&format!("{most}, protect: []"))),
        ["prune auth/userpass", "prune notes"]
    );
    for (path, status) in [
        ("transit/keys/treasure", 200),
        ("identity/entity/name/somebody", 200),
        ("sys/policies/acl/default", 200),
        ("sys/policies/acl/default-ceiling", 200),
        ("sys/policies/acl/left", 404),
        ("sys/mounts/notes", 400),
        ("cubbyhole/x", 404),
    ] {
        assert_eq!(live(path), status, "{path}");
    }
    let mounts = world.with_root(&server, |vault| vault.read("sys/mounts"));
    for built_in in ["sys/", "identity/", "cubbyhole/", "transit/"] {
        assert!(mounts["data"].get(built_in).is_some(), "{mounts}");
    }
}

#[test]
fn an_exclusive_prune_needs_leave_and_never_takes_the_login_that_it_works_with() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    world.write(&server.url, "  prune: {mode: exclusive}\n");
    let output = world.run(&["vault", "diff", "vault.yaml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("add `allowExclusive: true`"), "{said}");

    // Somebody's token of a login that the file does not name.
    world.write(&server.url, "  policies: {}\n");
    world.vault("bootstrap", 0);
    let token = world.with_root(&server, |vault| {
        vault.write("sys/auth/people", &json!({"type": "userpass"}));
        let policy = json!({"policy": "path \"*\" { capabilities = [\"create\", \"read\", \"update\", \"delete\", \"list\", \"sudo\"] }"});
        vault.ask("PUT", "sys/policies/acl/all", Some(&policy));
        vault.write("auth/people/users/ann", &json!({"password": "for-the-test", "policies": "all"}));
        vault.write("sys/auth/other", &json!({"type": "approle"}));
        let login = json!({"password": "for-the-test"});
        let (_, answer) = vault.ask("POST", "auth/people/login/ann", Some(&login));
        answer["auth"]["client_token"].as_str().unwrap().to_owned()
    });
    std::fs::write(world.path("token"), token).unwrap();
    let spec = format!(
        "  tokenFrom: {{file: {}}}\n  prune: {{mode: exclusive, allowExclusive: true, maxDeletes: {{percent: 100}}, protect: []}}\n",
        world.path("token").display()
    );
    assert_eq!(twice(&world, &server, &spec), ["prune auth/other"]);
}
