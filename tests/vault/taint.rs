//! Every way that a secret takes through the program, at trace level with everything that is said and
//! kept put together: none of them is in it.

use std::fs;

use serde_json::Value;

use crate::{
    estate::forms,
    objects::seal,
    phase::environment,
    world::{Server, World, server_program},
};

const SPEC: &str = "  secretsEngines:
    - {type: kv, path: secret, options: {version: 2}}
    - {type: kv, path: plain}
    - type: database
      config: {db: {plugin_name: postgresql-database-plugin, connection_url: 'postgresql://{{username}}:{{password}}@h/d', username: v, password: {file: FOLDER/database}, verify_connection: false}}
    - type: ssh
    - {type: aws, config: {root: {access_key: AKIAEXAMPLE, secret_key: {file: FOLDER/aws}, iam_endpoint: 'http://127.0.0.1:1'}}}
  authMethods:
    - {type: userpass, roles: {jay: {password: {file: FOLDER/userpass}}}}
    - {type: kubernetes, config: {kubernetes_host: 'https://h', disable_local_ca_jwt: true, token_reviewer_jwt: {file: FOLDER/jwt}}}
  initialValues:
    - {path: sealed, dataFrom: {age: sealed.age}}
    - {mount: plain, path: given, data: {key: {file: FOLDER/given}}}
";

/// A phase that takes a value of the Vault, and does all sorts of things with it.
fn chart(world: &World) {
    let environment = world.path("repo/environments/dev.yaml");
    let text = fs::read_to_string(&environment).unwrap();
    let phase = "    - {name: hub, helm: {chart: chart, release: hub, valuesFrom: [{vault: secret/sealed, key: one, targetPath: one}]}}\n";
    fs::write(environment, text + phase).unwrap();
    fs::create_dir_all(world.path("repo/chart/templates")).unwrap();
    let file =
        |name: &str, text: &str| fs::write(world.path("repo/chart").join(name), text).unwrap();
    file("Chart.yaml", "apiVersion: v2\nname: hub\nversion: 1.0.0\n");
    file("values.yaml", "one: none\n");
    file(
        "templates/all.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hub, namespace: default}\ndata:\n\
         \x20 plain: {{ .Values.one | quote }}\n  part: {{ printf \"password=%s;\" .Values.one | quote }}\n\
         \x20 encoded: {{ .Values.one | b64enc | quote }}\n",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_on_any_way_through_the_program_is_in_anything_that_it_says_or_keeps() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let _cluster = environment(&world).await;
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    let folder = world.home.path().display().to_string();
    let mut secrets = Vec::new();
    let write = |round: &str, secrets: &mut Vec<String>| {
        for name in ["database", "aws", "userpass", "jwt", "given"] {
            let secret = format!("swordfish-{name}-{round}-0123456789");
            fs::write(world.path(name), &secret).unwrap();
            secrets.push(secret);
        }
        let sealed = format!("swordfish-sealed-{round}-0123456789");
        seal(&world, "sealed.age", format!("one: {sealed}\n"));
        secrets.push(sealed);
    };
    let shares = |secrets: &mut Vec<String>| {
        let kept = world.kept();
        let shares = kept["keys"].as_array().unwrap().iter();
        secrets.extend(shares.map(|share| share.as_str().unwrap().to_owned()));
    };
    let mut said = String::new();
    let mut run = |args: &[&str], code: i32| {
        let output = world.run(args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        said.push_str(&text);
    };
    world.write(&server.url, &SPEC.replace("FOLDER", &folder));
    write("first", &mut secrets);
    run(&["vault", "diff", "vault.yaml", "-o", "json"], 1);
    run(&["plan", "dev", "-o", "plan.json"], 0);
    run(&["apply", "plan.json"], 0);
    shares(&mut secrets);
    chart(&world);
    write("second", &mut secrets);
    for format in ["text", "json", "yaml", "markdown"] {
        run(&["diff", "dev", "-o", format], 1);
    }
    run(&["plan", "dev", "-o", "plan.json"], 0);
    run(&["reconcile", "dev", "--once"], 0);
    run(
        &[
            "vault",
            "rekey",
            "vault.yaml",
            "--shares",
            "3",
            "--threshold",
            "2",
        ],
        0,
    );
    shares(&mut secrets);
    // One that goes wrong: nobody answers as AWS.
    run(&["vault", "rotate-root", "vault.yaml", "--mount", "aws"], 1);
    let identity = age::x25519::Identity::generate();
    let to = identity.to_public().to_string();
    run(&["vault", "export-recovery", "vault.yaml", "--to", &to], 0);
    run(&["vault", "export-recovery", "vault.yaml", "--clear"], 1);
    // What is sealed and cannot be used is told without what is in it.
    seal(&world, "sealed.age", "- swordfish-broken-0123456789\n");
    secrets.push("swordfish-broken-0123456789".to_owned());
    run(&["vault", "bootstrap", "vault.yaml"], 1);

    for name in [
        "keys.age",
        "keys.age.journal",
        "keys.age.ledger",
        "repo/plan.json",
    ] {
        said.push_str(&fs::read_to_string(world.path(name)).unwrap());
    }
    assert_eq!(secrets.len(), 6 + 5 + 6 + 3 + 1);
    for secret in &secrets {
        for form in forms(secret) {
            assert!(!said.contains(&form), "a secret was said or kept in clear");
        }
    }
    let token = said.split("hvs.").skip(1).any(|tail| {
        let letters = tail.chars().take_while(char::is_ascii_alphanumeric);
        letters.count() >= 20
    });
    assert!(!token, "a token was said or kept in clear");
    // It did what it was to do: the secrets are in the Vault.
    let read: Value = world.with_root(&server, |vault| vault.read("secret/data/sealed"));
    assert_eq!(
        read["data"]["data"]["one"],
        "swordfish-sealed-first-0123456789"
    );
}
