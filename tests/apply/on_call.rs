//! What somebody on call reads of the program when things go wrong: one message, and what to do.

use std::fmt::Write as _;

use crate::harness::on_every_server;

const PHASES: &str = "  - {name: all, manifests: {path: all}}\n";

#[test]
fn three_hundred_objects_with_one_mistake_are_one_error_with_a_way_out() {
    on_every_server(async |world| {
        let repository = world.repository(PHASES, "");
        let mut maps = String::new();
        for at in 0..300 {
            let map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: TAG-";
            let _ = writeln!(maps, "{map}{at}, namespace: default}}\ndata: {{port: 80}}");
        }
        repository.write("all/maps.yaml", &maps);
        let environment = repository.environment();
        let ran = repository.run(&["reconcile", &environment, "--once"]).await;
        assert_eq!(ran.code, Some(1), "on {}: {ran:?}", world.server);
        let (out, err) = (&ran.stdout, &ran.stderr);
        assert_eq!(
            out.matches("error[").count(),
            1,
            "on {}: {out}",
            world.server
        );
        assert!(
            out.contains(".data.port: expected string, got `80`"),
            "on {}: {out}",
            world.server
        );
        assert!(
            out.contains("help: write the value in quotes"),
            "on {}: {out}",
            world.server
        );
        assert!(
            out.contains("the same for 299 more objects"),
            "on {}: {out}",
            world.server
        );
        assert!(out.lines().count() < 40, "on {}: {out}", world.server);
        assert!(
            err.contains("… and 280 more that failed"),
            "on {}: {err}",
            world.server
        );
        assert!(err.lines().count() < 40, "on {}: {err}", world.server);
    });
}

#[test]
fn a_number_in_a_secret_is_refused_and_not_repeated() {
    on_every_server(async |world| {
        let repository = world.repository(PHASES, "");
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: TAG, namespace: default}\ndata: {pin: 735162}\n";
        repository.write("all/secret.yaml", secret);
        let environment = repository.environment();
        for arguments in [
            &["reconcile", &environment, "--once"][..],
            &["diff", &environment],
            &["reconcile", &environment, "--once", "-o", "json"],
        ] {
            let ran = repository.run(arguments).await;
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!said.contains("735162"), "on {}: {said}", world.server);
        }
        assert!(world.live("v1 Secret default/TAG").await.is_none());
    });
}

#[test]
fn a_server_that_is_not_there_is_one_error_that_names_it() {
    on_every_server(async |world| {
        let repository = world.repository(PHASES, "");
        repository.write(
            "all/map.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: TAG}\n",
        );
        let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: t\nclusters: [{name: t, cluster: {server: 'http://127.0.0.1:1'}}]\n\
                          users: [{name: t, user: {}}]\ncontexts: [{name: t, context: {cluster: t, user: t}}]\n";
        repository.write("kubeconfig", kubeconfig);
        let environment = repository.environment();
        let ran = repository.run(&["reconcile", &environment, "--once"]).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(said.matches("error[").count(), 1, "{said}");
        assert!(
            said.contains("no connection to `http://127.0.0.1:1`"),
            "{said}"
        );
    });
}
