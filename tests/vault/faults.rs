//! A real Vault behind a door that answers in its place now and then: as a sealed server, one that
//! stands by, one with too many requests.

use serde_json::Value;

use crate::{
    door::{Door, answer},
    world::{changes, on_a_vault},
};

const BEFORE: &str = "  policies: {old: 'path \"a\" { capabilities = [\"read\"] }'}\n  secretsEngines: [{type: transit}]\n";
const AFTER: &str = "  policies: {new: 'path \"a\" { capabilities = [\"read\"] }'}\n  secretsEngines: [{type: transit, roles: {a: {}, b: {}, c: {}}}]\n";

#[test]
fn a_vault_that_is_sealed_while_it_is_configured_stops_the_run_and_nothing_is_pruned() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    world.write(&server.url, BEFORE);
    world.vault("bootstrap", 0);
    let door = Door::open(&server, |line, _| {
        let sealed = line.contains("/v1/transit/keys/") && line.starts_with("POST");
        sealed.then(|| {
            answer(
                "503 Service Unavailable",
                "",
                "{\"errors\":[\"Vault is sealed\"]}",
            )
        })?
    });
    world.write(&door.url, AFTER);
    let report = world.vault("bootstrap", 1);
    assert!(
        report["errors"].to_string().contains("vault/sealed"),
        "{report:#}"
    );
    assert_eq!(
        door.requests("DELETE /v1/sys/policies"),
        Vec::<String>::new()
    );
    // It is not knocked at again and again either.
    assert!(door.requests("POST /v1/transit/keys/").len() <= 3);
    // Whoever runs again goes on where it stopped.
    world.write(&server.url, AFTER);
    let report = world.vault("bootstrap", 0);
    assert_eq!(
        changes(&report),
        [
            "create transit/keys/a",
            "create transit/keys/b",
            "create transit/keys/c",
            "prune sys/policies/acl/old",
        ]
    );
}

#[test]
fn a_server_that_wants_fewer_requests_or_changes_its_leader_is_asked_again() {
    for (status, body) in [
        (
            "429 Too Many Requests",
            "{\"errors\":[\"request path \\\"transit\\\": rate limit quota exceeded\"]}",
        ),
        (
            "412 Precondition Failed",
            "{\"errors\":[\"required index state not present\"]}",
        ),
        ("473 Performance Standby", "{\"errors\":[\"standby\"]}"),
        (
            "500 Internal Server Error",
            "{\"errors\":[\"local node not active but active cluster node not found\"]}",
        ),
        (
            "400 Bad Request",
            "{\"errors\":[\"InvalidClientTokenId: not known yet\"]}",
        ),
    ] {
        let Some((world, server)) = on_a_vault() else {
            return;
        };
        let door = Door::open(&server, move |line, before| {
            let hit = (line.contains("/v1/sys/mounts") || line.contains("/v1/transit/keys/"))
                && before < 2;
            hit.then(|| answer(status, "", body))?
        });
        world.write(&door.url, AFTER);
        let report = world.vault("bootstrap", 0);
        assert_eq!(changes(&report).len(), 5, "{status}");
        world.write(&server.url, AFTER);
        assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
        // Bounded: twice refused, then well.
        assert_eq!(
            door.requests("POST /v1/transit/keys/a").len(),
            3,
            "{status}"
        );
    }
}

#[test]
fn a_server_that_never_recovers_is_given_up_with_what_it_said() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let door = Door::open(&server, |line, _| {
        let hit = line.contains("/v1/sys/mounts/transit");
        hit.then(|| {
            answer(
                "429 Too Many Requests",
                "",
                "{\"errors\":[\"rate limit quota exceeded\"]}",
            )
        })?
    });
    world.write(&door.url, AFTER);
    let report = world.vault("bootstrap", 1);
    let errors = report["errors"].to_string();
    assert!(errors.contains("vault/throttled"), "{errors}");
    assert!(errors.contains("rate limit quota exceeded"), "{errors}");
    assert!(door.requests("/v1/sys/mounts/transit").len() <= 6);
}

#[test]
fn a_redirect_is_followed_to_a_server_of_the_file_and_to_nobody_else() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let leader = Door::open(&server, |_, _| None);
    let to = leader.url.clone();
    let standby = Door::open(&server, move |line, _| {
        let path = line.split(' ').nth(1)?;
        let hit = path.starts_with("/v1/sys/mounts") || path.starts_with("/v1/transit");
        let headers = format!("location: {to}{path}\r\n");
        hit.then(|| answer("307 Temporary Redirect", &headers, ""))?
    });
    let both = |a: &str, b: &str| format!("{a}\", \"{b}");
    world.write(&both(&standby.url, &leader.url), AFTER);
    let report = world.vault("bootstrap", 0);
    assert_eq!(changes(&report).len(), 5);
    assert_eq!(leader.requests("POST /v1/transit/keys/").len(), 3);

    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let stranger = Door::open(&server, |_, _| None);
    let to = stranger.url.clone();
    let standby = Door::open(&server, move |line, _| {
        let path = line.split(' ').nth(1)?;
        let headers = format!("location: {to}{path}\r\n");
        let hit = path.starts_with("/v1/sys/mounts");
        hit.then(|| answer("307 Temporary Redirect", &headers, ""))?
    });
    world.write(&standby.url, AFTER);
    let report = world.vault("bootstrap", 1);
    let errors = report["errors"].to_string();
    assert!(errors.contains("is none of the servers"), "{errors}");
    assert_eq!(stranger.requests(""), Vec::<String>::new());
}

#[test]
fn what_the_server_warns_of_is_said() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    // A role without an audience is one that it warns of.
    world.write(
        &server.url,
        "  authMethods: [{type: kubernetes, roles: {r: {bound_service_account_names: a, bound_service_account_namespaces: b}}}]\n",
    );
    let report = world.vault("bootstrap", 0);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("auth/kubernetes/role/r"), "{warnings}");
    assert!(warnings.contains("audience"), "{warnings}");
}

#[test]
fn a_mount_that_goes_away_under_a_role_is_told_and_made_again_on_the_next_run() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    world.write(&server.url, AFTER);
    world.vault("bootstrap", 0);
    world.with_root(&server, |vault| {
        assert_eq!(vault.ask("DELETE", "sys/mounts/transit", None).0, 204);
        // What is not there and what cannot be there are both 404, and told apart by their text.
        let (status, said) = vault.ask("GET", "transit/keys?list=true", None);
        assert_eq!(status, 404);
        assert!(
            said["errors"].to_string().contains("no handler for route"),
            "{said}"
        );
    });
    let report = world.vault("bootstrap", 0);
    assert_eq!(
        changes(&report),
        [
            "create transit",
            "create transit/keys/a",
            "create transit/keys/b",
            "create transit/keys/c",
        ]
    );
    assert_eq!(
        Value::Null,
        report["errors"].get(0).cloned().unwrap_or_default()
    );
}
