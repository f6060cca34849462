//! What charts and kustomizations take from the Vault of their environment.

use std::fs;

use base64::Engine;
use serde_json::{Value, json};
use trueup_embedded::{GroupResource, Key};

use crate::{
    estate::forms,
    world::{Server, World, server_program},
};

const SECRET: &str = "swordfish-of-the-hub-0123456789";
const OTHER: &str = "swordfish-of-the-app-0123456789";

/// An environment of a Vault, a chart and a kustomization that take values from it, and an object that has nothing to
/// do with it, on an embedded cluster.
async fn environment(world: &World) -> trueup_embedded::Server {
    let cluster = trueup_embedded::Server::builder().start().await.unwrap();
    fs::write(world.path("kubeconfig"), cluster.kubeconfig()).unwrap();
    let write = |name: &str, text: &str| {
        let path = world.path("repo").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "environments/dev.yaml",
        &format!(
            "apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {{name: dev}}\nspec:\n\
             \x20 cluster: {{kubeconfig: {{path: {}}}}}\n{PHASES}",
            world.path("kubeconfig").display()
        ),
    );
    write(
        "chart/Chart.yaml",
        "apiVersion: v2\nname: hub\nversion: 1.0.0\n",
    );
    write("chart/values.yaml", "password: none\ndeep: {one: none}\n");
    write("chart/templates/all.yaml", CHART);
    write("overlay/kustomization.yaml", OVERLAY);
    write(
        "alone.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: alone, namespace: default}\n",
    );
    cluster
}

const PHASES: &str = "  phases:
    - {name: vault, timeout: 5s, vault: {path: vault.yaml}}
    - name: hub
      helm:
        chart: chart
        release: hub
        valuesFrom:
          - {vault: secret/hub, key: password, targetPath: password}
          - {vault: plain/all}
    - name: app
      kustomize:
        path: overlay
        valuesFrom:
          - {vault: secret/app, key: token, file: overlay/token}
          - {vault: secret/app, file: overlay/all.env}
    - {name: alone, dependsOn: [], manifests: {path: alone.yaml}}
";

const CHART: &str = r#"apiVersion: v1
kind: Secret
metadata: {name: hub, namespace: default}
stringData: {password: {{ .Values.password | quote }}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: hub, namespace: default}
data:
  line: {{ printf "password=%s" .Values.password | quote }}
  deep: {{ .Values.deep.one | quote }}
"#;

const OVERLAY: &str = "namespace: default
secretGenerator:
  - {name: app, files: [token]}
  - {name: env, envs: [all.env]}
generatorOptions: {disableNameSuffixHash: true}
";

/// The Vault's file, which puts what is taken there.
fn vault(world: &World, server: &Server) {
    fs::write(world.path("password"), SECRET).unwrap();
    fs::write(world.path("token-text"), OTHER).unwrap();
    let at = |name: &str| world.path(name).display().to_string();
    world.write(
        &server.url,
        &format!(
            "  auth: {{approle: {{}}}}\n\
             \x20 secretsEngines: [{{type: kv, path: secret, options: {{version: 2}}}}, {{type: kv, path: plain}}]\n\
             \x20 initialValues:\n\
             \x20   - {{path: hub, data: {{password: {{file: {}}}}}}}\n\
             \x20   - {{path: app, data: {{token: {{file: {}}}}}}}\n",
            at("password"),
            at("token-text")
        ),
    );
}

fn held(cluster: &trueup_embedded::Server, kind: &str, name: &str) -> Option<Value> {
    let resource = GroupResource::new("", kind);
    let found = cluster.store().get(&resource, &Key::new("default", name))?;
    Some(found.value.clone())
}

fn decoded(secret: &Value, key: &str) -> String {
    let text = secret["data"][key].as_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn charts_and_generators_take_values_of_a_vault_in_the_run_that_brings_it_up() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let cluster = environment(&world).await;
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    vault(&world, &server);
    let mut said = String::new();
    let mut run = |args: &[&str], code: i32| {
        let output = world.run(args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        said.push_str(&text);
        text
    };
    // Nothing can be told of what takes from a Vault that is empty; the rest can.
    let text = run(&["diff", "dev"], 2);
    assert!(text.contains("is not initialised yet"), "{text}");
    assert!(text.contains("alone"), "{text}");
    let text = run(&["plan", "dev", "-o", "plan.json"], 1);
    assert!(text.contains("vault/values"), "{text}");

    // What is not there yet is an error of the phase that wants it, and of no other.
    let text = run(&["reconcile", "dev", "--once"], 1);
    assert!(
        held(&cluster, "secrets", "app").is_none(),
        "it waits for `hub`"
    );
    assert!(held(&cluster, "configmaps", "alone").is_some());
    assert!(
        text.contains("`plain/all` of the Vault of phase `vault` is not there"),
        "{text}"
    );
    world.with_root(&server, |vault| {
        vault.write(
            "plain/all",
            &json!({"deep": {"one": "deep-swordfish-0123"}}),
        );
    });
    run(&["reconcile", "dev", "--once"], 0);
    let secret = held(&cluster, "secrets", "hub").unwrap();
    assert_eq!(decoded(&secret, "password"), SECRET);
    let map = held(&cluster, "configmaps", "hub").unwrap();
    assert_eq!(map["data"]["deep"], "deep-swordfish-0123");
    let app = held(&cluster, "secrets", "app").unwrap();
    assert_eq!(decoded(&app, "token"), OTHER);
    let env = held(&cluster, "secrets", "env").unwrap();
    assert_eq!(decoded(&env, "token"), OTHER);
    run(&["diff", "dev"], 0);

    // Somebody changes it in the Vault: a change like any other, and a plan of before does not hold.
    run(&["plan", "dev", "-o", "plan.json"], 0);
    let changed = "another-swordfish-0123456789";
    world.with_root(&server, |vault| {
        vault.write("secret/data/hub", &json!({"data": {"password": changed}}));
    });
    for format in ["text", "json", "yaml", "markdown"] {
        run(&["diff", "dev", "-o", format], 1);
    }
    let text = run(&["apply", "plan.json"], 1);
    assert!(
        text.contains("is not what it was when the plan was made"),
        "{text}"
    );
    run(&["reconcile", "dev", "--once"], 0);
    let secret = held(&cluster, "secrets", "hub").unwrap();
    assert_eq!(decoded(&secret, "password"), changed);

    // Offline something stands for it, and that is said.
    let text = run(&["render", "dev"], 0);
    assert!(text.contains("REDACTED"), "{text}");
    assert!(text.contains("is not read, as no Vault is asked"), "{text}");

    said.push_str(&fs::read_to_string(world.path("repo/plan.json")).unwrap());
    for secret in [SECRET, OTHER, changed, "deep-swordfish-0123"] {
        for form in forms(secret) {
            let at = said.find(&form);
            let before = at.and_then(|at| said.get(at.saturating_sub(300)..at));
            assert_eq!(before, None, "a secret was said after this");
        }
    }
    assert!(!said.contains("hvs."), "a token was said");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_is_away_fails_what_takes_from_it_and_neither_prunes_nor_holds_up_the_rest() {
    let Some(program) = server_program() else {
        return;
    };
    let world = World::new();
    let cluster = environment(&world).await;
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    vault(&world, &server);
    assert_eq!(
        world.run(&["reconcile", "dev", "--once"]).status.code(),
        Some(1)
    );
    world.with_root(&server, |vault| {
        vault.write(
            "plain/all",
            &json!({"deep": {"one": "deep-swordfish-0123"}}),
        );
    });
    assert_eq!(
        world.run(&["reconcile", "dev", "--once"]).status.code(),
        Some(0)
    );
    drop(server);
    // What goes and what comes beside it: the one is not pruned now, the other is made.
    fs::write(
        world.path("repo/alone.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: default}\n",
    )
    .unwrap();
    let output = world.run(&["reconcile", "dev", "--once"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("nothing is pruned"), "{said}");
    assert!(said.contains("vault/unreachable"), "{said}");
    for (kind, name) in [
        ("secrets", "hub"),
        ("configmaps", "hub"),
        ("secrets", "app"),
        ("configmaps", "alone"),
        ("configmaps", "other"),
    ] {
        assert!(
            held(&cluster, kind, name).is_some(),
            "{kind} {name}: {said}"
        );
    }
    // When it is back it is opened, and all is as it should be.
    let address = fs::read_to_string(world.path("repo/vault.yaml")).unwrap();
    let address = address
        .split("http://")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let _server = Server::start(&program, &world.path("storage"), &address);
    let output = world.run(&["reconcile", "dev", "--once"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(held(&cluster, "configmaps", "alone").is_none());
}

#[test]
fn where_values_of_a_vault_come_from_must_be_one_vault_of_the_environment() {
    let environment = |phases: &str| {
        let world = World::new();
        fs::write(
            world.path("repo/environments/dev.yaml"),
            format!(
                "apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {{name: dev}}\nspec:\n\
                 \x20 cluster: {{kubeconfig: {{path: k}}}}\n  phases:\n{phases}"
            ),
        )
        .unwrap();
        let output = world.run(&["render", "dev"]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let app = |more: &str| {
        format!(
            "    - {{name: app, kustomize: {{path: o, valuesFrom: [{{vault: secret/a, file: o/a{more}}}]}}}}\n"
        )
    };
    let vault = |name: &str| format!("    - {{name: {name}, vault: {{path: {name}.yaml}}}}\n");
    for (phases, says) in [
        (app(""), "no phase of this environment is a Vault"),
        (vault("a") + &vault("b") + &app(""), "there are several Vaults"),
        (vault("a") + &app(", phase: b"), "no `vault` phase is called `b`"),
        (
            "    - {name: hub, helm: {chart: c, release: r, valuesFrom: [{vault: secret/a, targetPath: x}]}}\n".to_owned()
                + &vault("a"),
            "name the `key`",
        ),
        (
            "    - {name: hub, helm: {chart: c, release: r, valuesFrom: [{vault: secret/a, namespace: n}]}}\n".to_owned()
                + &vault("a"),
            "`namespace` is of objects of the cluster",
        ),
    ] {
        let said = environment(&phases);
        assert!(said.contains(says), "{says}: {said}");
    }
}
