//! Which shares are sent to whom, and how often.

use std::{fs, io::Write, time::Duration};

use serde_json::Value;

use crate::{
    daemon::Daemon,
    door::Door,
    world::{Server, World, on_a_vault, server_program},
};

const TRANSIT: &str = "  secretsEngines: [{type: transit}]\n";

/// Seals other keys in place of the kept ones.
fn keep(world: &World, kept: &Value) {
    let recipient: age::x25519::Recipient = world.recipient.parse().unwrap();
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).unwrap();
    let file = fs::File::create(world.path("keys.age")).unwrap();
    let mut writer = encryptor.wrap_output(file).unwrap();
    writer.write_all(kept.to_string().as_bytes()).unwrap();
    writer.finish().unwrap();
}

/// The same Vault after its process was replaced: sealed.
fn restarted(world: &World, server: Server) -> Server {
    let program = server_program().unwrap();
    let address = server.address();
    drop(server);
    Server::start(&program, &world.path("storage"), &address)
}

#[test]
fn as_many_shares_are_sent_as_are_needed_and_the_others_never() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let door = Door::open(&server, |_, _| None);
    world.write(&door.url, TRANSIT);
    world.vault("bootstrap", 0);
    assert_eq!(door.requests("PUT /v1/sys/unseal").len(), 3);
    let server = restarted(&world, server);
    let door = Door::open(&server, |_, _| None);
    world.write(&door.url, TRANSIT);
    world.vault("unseal", 0);
    world.vault("bootstrap", 0);
    let sent = door.texts("PUT /v1/sys/unseal").concat();
    assert_eq!(door.requests("PUT /v1/sys/unseal").len(), 3);
    let kept = world.kept();
    let shares: Vec<&str> = kept["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|share| share.as_str().unwrap())
        .collect();
    let was_sent: Vec<bool> = shares.iter().map(|share| sent.contains(share)).collect();
    assert_eq!(was_sent, [true, true, true, false, false]);
}

#[test]
fn a_share_that_is_kept_twice_is_sent_once_and_too_few_different_ones_are_told() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    world.write(&server.url, TRANSIT);
    world.vault("bootstrap", 0);
    let kept = world.kept();
    let mut twice = kept.clone();
    twice["keys"][1] = kept["keys"][0].clone();
    keep(&world, &twice);
    let server = restarted(&world, server);
    let door = Door::open(&server, |_, _| None);
    world.write(&door.url, TRANSIT);
    let report = world.vault("unseal", 0);
    assert_eq!(report["steps"][0]["what"], "unseal");
    let sent = door.texts("PUT /v1/sys/unseal").concat();
    let share = kept["keys"][0].as_str().unwrap();
    assert_eq!(sent.matches(share).count(), 1);

    for share in 1..4 {
        twice["keys"][share] = kept["keys"][0].clone();
    }
    keep(&world, &twice);
    let server = restarted(&world, server);
    let door = Door::open(&server, |_, _| None);
    world.write(&door.url, TRANSIT);
    let report = world.vault("unseal", 1);
    let errors = report["errors"].to_string();
    assert!(
        errors.contains("wants 3 different shares, and 2 are kept"),
        "{errors}"
    );
    assert_eq!(door.requests("PUT /v1/sys/unseal"), Vec::<String>::new());
}

#[test]
fn refused_shares_are_not_sent_again_and_again() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    world.write(&server.url, TRANSIT);
    world.vault("bootstrap", 0);
    // As when its storage was replaced by that of another Vault: no share fits.
    let mut kept = world.kept();
    for share in 0..5 {
        let damaged = kept["keys"][share]
            .as_str()
            .unwrap()
            .replace(['0', '1', '2', '3'], "4");
        kept["keys"][share] = damaged.into();
    }
    keep(&world, &kept);
    let server = restarted(&world, server);
    let door = Door::open(&server, |_, _| None);
    world.write(&door.url, TRANSIT);
    let report = world.vault("unseal", 1);
    let errors = report["errors"].to_string();
    assert!(
        errors.contains("does not open with the shares that are kept"),
        "{errors}"
    );
    let attempt = door.requests("PUT /v1/sys/unseal").len();
    assert!(
        attempt <= 7,
        "two combinations, and one reset between: {attempt}"
    );

    // The daemon passes and looks after the servers meanwhile, and still knocks no more than once a minute.
    fs::write(
        world.path("repo/environments/dev.yaml"),
        format!(
            "apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {{name: dev}}\nspec:\n\
             \x20 cluster: {{kubeconfig: {{path: {}}}}}\n  reconcile: {{interval: 2s}}\n\
             \x20 phases: [{{name: vault, vault: {{path: vault.yaml}}}}]\n",
            world.path("kubeconfig").display()
        ),
    )
    .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cluster = runtime
        .block_on(trueup_embedded::Server::builder().start())
        .unwrap();
    fs::write(world.path("kubeconfig"), cluster.kubeconfig()).unwrap();
    let daemon = Daemon::start(&world);
    let asked = || door.requests("GET /v1/sys/seal-status").len();
    let before = asked();
    // Looked at many times, by passes and by what keeps servers open.
    for _ in 0..600 {
        if asked() > before + 8 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(asked() > before + 8, "the daemon looks after it");
    drop(daemon);
    let sent = door.requests("PUT /v1/sys/unseal").len() - attempt;
    assert!(
        sent <= attempt,
        "{sent} requests with shares that were refused"
    );
}
