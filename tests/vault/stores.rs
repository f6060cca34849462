//! Stores and identities that are of no use are found out before there are keys, or before they are relied on.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
};

use age::secrecy::ExposeSecret;

use crate::{
    door::Door,
    moto::{self, Moto},
    world::{Server, World, on_a_vault, server_program},
};

const TRANSIT: &str = "  secretsEngines: [{type: transit}]\n";

#[test]
fn a_store_that_cannot_be_written_and_a_wrong_identity_are_found_before_the_vault_is_initialised() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    let door = Door::open(&server, |_, _| None);
    world.write(&door.url, TRANSIT);
    let good = fs::read_to_string(world.path("repo/vault.yaml")).unwrap();
    let keys = world.path("keys.age").display().to_string();

    // Where a folder would have to be there is a file.
    fs::write(world.path("file"), "").unwrap();
    let nowhere = world.path("file/keys.age").display().to_string();
    let other = age::x25519::Identity::generate();
    fs::write(world.path("other.key"), other.to_string().expose_secret()).unwrap();
    let other = world.path("other.key").display().to_string();
    for (spec, says) in [
        (good.replace(&keys, &nowhere), "cannot"),
        (
            good.replace(&world.path("age.key").display().to_string(), &other),
            "the identity in `keys.identityFrom` must be that of one of the recipients",
        ),
    ] {
        fs::write(world.path("repo/vault.yaml"), spec).unwrap();
        let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{said}");
        assert_eq!(door.requests("/v1/sys/init"), Vec::<String>::new());
    }
    fs::write(world.path("repo/vault.yaml"), good).unwrap();
    world.vault("bootstrap", 0);
}

#[test]
fn a_store_that_gives_back_other_keys_stops_the_bootstrap_before_anything_is_unsealed() {
    let (Some(program), Some(aws)) = (server_program(), moto::program()) else {
        return;
    };
    let aws = Moto::start(&aws);
    aws.call("s3", ("PUT", "/bucket"), "", "");
    let target =
        "content-type: application/x-amz-json-1.1\r\nx-amz-target: TrentService.CreateKey\r\n";
    let answer = aws.call("kms", ("POST", "/"), target, "{}");
    let (_, rest) = answer.split_once("\"KeyId\":").unwrap();
    let key = rest
        .trim_start()
        .trim_start_matches('"')
        .split('"')
        .next()
        .unwrap();
    // Once the keys are there they come back as something else.
    let written = AtomicBool::new(false);
    let store = Door::before(&aws.url, move |line, _| {
        if !line.contains(" /bucket/vault/keys ") && !line.contains(" /bucket/vault/keys?") {
            return None;
        }
        if line.starts_with("PUT") {
            written.store(true, Ordering::SeqCst);
        }
        (line.starts_with("GET") && written.load(Ordering::SeqCst)).then(|| {
            "HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 9\r\n\r\n{\"a\": 1}\n".to_owned()
        })
    });
    let world = World::new().with_env(&[
        ("AWS_ENDPOINT_URL", store.url),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
        (
            "AWS_SECRET_ACCESS_KEY",
            "a-key-of-aws-that-is-secret".to_owned(),
        ),
    ]);
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    let door = Door::open(&server, |_, _| None);
    let spec = |url: &str| {
        world.write_spec(&format!(
            "  server: {{addresses: [\"{url}\"]}}\n  init: {{shares: 3, threshold: 2}}\n\
             \x20 keys: {{awsKms: {{keyId: {key}, region: us-east-1, s3: {{bucket: bucket, key: vault/keys}}}}}}\n{TRANSIT}"
        ));
    };
    spec(&door.url);
    let output = world.run(&["vault", "bootstrap", "vault.yaml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(door.requests("PUT /v1/sys/init").len(), 1, "{said}");
    assert_eq!(
        door.requests("PUT /v1/sys/unseal"),
        Vec::<String>::new(),
        "{said}"
    );
    // Nothing is lost: with a store that keeps what it is given it goes on from the journal.
    let world = World {
        env: vec![
            ("AWS_ENDPOINT_URL", aws.url.clone()),
            world.env[1].clone(),
            world.env[2].clone(),
        ],
        ..world
    };
    let report = world.vault("bootstrap", 0);
    assert_eq!(
        report["steps"].as_array().unwrap().last().unwrap()["what"],
        "unseal"
    );
}
