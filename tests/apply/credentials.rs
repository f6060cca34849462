//! Credentials that run out while a process runs.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use trueup::cluster::{Access, RetryPolicy, connect};
use trueup_embedded::{Fault, Rule};
use trueup_testbed::{ApiServer, TOKEN};

use crate::harness::{World, on_embedded, with_the_real_server};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const EXPIRED: &str = "expired";

/// A credential plugin that counts its runs and gives the token that lies beside it: at first one that has
/// expired.
fn plugin(folder: &Path, name: &str) -> PathBuf {
    let script = folder.join(name);
    let text = format!(
        "#!/bin/sh\n\
         echo run >> '{script}.count'\n\
         token=$(cat '{script}.token')\n\
         echo \"{{\\\"apiVersion\\\":\\\"client.authentication.k8s.io/v1\\\",\\\"kind\\\":\\\"ExecCredential\\\",\\\"status\\\":{{\\\"token\\\":\\\"$token\\\"}}}}\"\n",
        script = script.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    give(&script, EXPIRED);
    script
}

fn give(script: &Path, token: &str) {
    fs::write(script.with_extension("token"), token).unwrap();
}

/// How often a plugin has run.
fn runs(script: &Path) -> usize {
    let count = script.with_extension("count");
    fs::read_to_string(count).unwrap().lines().count()
}

fn user_of(script: &Path) -> String {
    format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: '{}', interactiveMode: Never}}",
        script.display()
    )
}

#[test]
fn a_token_file_is_read_again_when_its_token_is_refused() {
    with_the_real_server(async |server: &ApiServer| {
        let token = server.folder().join("rotating-token");
        fs::write(&token, EXPIRED).unwrap();
        let user = format!("tokenFile: '{}'", token.display());
        let kubeconfig = server.write_kubeconfig("rotating", server.port(), &user);
        let world = World::reached_by(&kubeconfig).await;
        fs::write(&token, TOKEN).unwrap();
        world.converge(&[("pre", NAMESPACE)]).await;
    });
}

#[test]
fn a_credential_plugin_is_asked_again_when_its_token_is_refused() {
    with_the_real_server(async |server: &ApiServer| {
        let script = plugin(server.folder(), "plugin");
        let kubeconfig = server.write_kubeconfig("by-plugin", server.port(), &user_of(&script));
        let world = World::reached_by(&kubeconfig).await;
        assert_eq!(runs(&script), 1);
        give(&script, TOKEN);
        world.converge(&[("pre", NAMESPACE)]).await;
        assert_eq!(runs(&script), 2);
    });
}

#[test]
fn a_plugin_that_has_nothing_better_is_not_asked_for_each_request() {
    with_the_real_server(async |server: &ApiServer| {
        let script = plugin(server.folder(), "useless");
        let kubeconfig = server.write_kubeconfig("by-useless", server.port(), &user_of(&script));
        let world = World::reached_by(&kubeconfig).await;
        assert_eq!(runs(&script), 1);
        let report = world.reconcile(&[("pre", NAMESPACE)]).await;
        let text = report.to_string();
        assert!(text.contains("Unauthorized"), "{text}");
        assert_eq!(runs(&script), 2);
    });
}

#[test]
fn a_token_that_runs_out_in_the_middle_of_a_run_stops_nothing() {
    on_embedded(async |world, server| {
        let folder = tempfile::tempdir().unwrap();
        let script = plugin(folder.path(), "plugin");
        let kubeconfig = folder.path().join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{name: c, cluster: {{server: '{}'}}}}]\n\
             users: [{{name: u, user: {{{}}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n",
            server.url(),
            user_of(&script)
        );
        fs::write(&kubeconfig, text).unwrap();
        let mut own = World::reached_by(&kubeconfig).await;
        own.tag.clone_from(&world.tag);
        assert_eq!(runs(&script), 1);
        give(&script, "newer");
        let mut maps = String::new();
        for at in 0..20 {
            let map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:";
            writeln!(maps, "{map} {{name: m{at}, namespace: TAG}}").unwrap();
        }
        let refused = Rule::new(Fault::Status(401))
            .verb("patch")
            .resource("configmaps")
            .times(1);
        server.faults().inject(refused);
        let report = own.converge(&[("pre", NAMESPACE), ("app", &maps)]).await;
        assert_eq!(report.counts.created, 21, "{report}");
        assert_eq!(runs(&script), 2);
    });
}

#[test]
fn a_plugin_that_fails_is_told_with_what_it_says_and_never_with_what_it_prints() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("broken");
    let fails = "#!/bin/sh\necho 'log in first' >&2; echo hunter2; exit 3\n";
    let prints = "#!/bin/sh\necho hunter2\n";
    let told = |text: Option<&str>| {
        if let Some(text) = text {
            fs::write(&script, text).unwrap();
            fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let kubeconfig = folder.path().join("kubeconfig");
        let config = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:1'}}}}]\n\
             users: [{{name: u, user: {{{}}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n",
            user_of(&script)
        );
        fs::write(&kubeconfig, config).unwrap();
        let access = Access::Kubeconfig {
            path: Some(kubeconfig.display().to_string()),
            context: None,
        };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let answer = runtime.block_on(connect(&access, RetryPolicy::default()));
        answer.err().unwrap().to_string()
    };
    let absent = told(None);
    assert!(
        absent.contains("it cannot be run: No such file"),
        "{absent}"
    );
    let failed = told(Some(fails));
    assert!(failed.contains("exit status: 3: log in first"), "{failed}");
    let printed = told(Some(prints));
    assert!(printed.contains("it printed no credential"), "{printed}");
    assert!(!(failed + &printed).contains("hunter2"));
}
