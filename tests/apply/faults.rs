//! Servers that are slow, overloaded, restarted or stingy with rights.

use std::{fmt::Write as _, time::Duration};

use trueup::{
    cluster::{Cluster, DeleteOptions},
    report::{ActionResult, Outcome},
};
use trueup_embedded::{Deny, Fault, Rule};

use crate::harness::{
    World, on_a_real_server_of_its_own, on_embedded, with_a_real_server_for_users,
};

const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: TAG}\n";
const CONFIG: &str =
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: TAG}\ndata: {a: b}\n";
const SECRET: &str = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: TAG}\nstringData: {a: hunter2}\n";

#[test]
fn what_a_server_cannot_do_now_is_tried_again() {
    for fault in [
        Fault::TooManyRequests { retry_after: 1 },
        Fault::Status(500),
        Fault::Status(503),
        Fault::ResetBefore,
        Fault::ResetAfter,
        Fault::Latency(Duration::from_millis(300)),
    ] {
        on_embedded(async |world, server| {
            let rule = Rule::new(fault.clone())
                .verb("patch")
                .resource("configmaps")
                .times(2);
            server.faults().inject(rule);
            server.faults().inject(
                Rule::new(fault.clone())
                    .verb("list")
                    .resource("secrets")
                    .times(1),
            );
            let report = world
                .converge(&[("pre", NAMESPACE), ("app", &(CONFIG.to_owned() + SECRET))])
                .await;
            assert_eq!(report.counts.created, 3, "{fault}: {report}");
            let report = world.converge(&[("pre", NAMESPACE), ("app", SECRET)]).await;
            assert_eq!(report.counts.pruned, 1, "{fault}: {report}");
        });
    }
}

#[test]
fn a_right_that_is_missing_for_one_kind_stops_no_other() {
    on_embedded(async |world, server| {
        server.access().deny(Deny::new("patch", "", "secrets"));
        let phases = [("pre", NAMESPACE), ("app", &(CONFIG.to_owned() + SECRET))];
        let report = world.reconcile(&phases).await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert!(world.live("v1 ConfigMap TAG/a").await.is_some());
        let error = report.all_errors().next().unwrap();
        assert_eq!(error.code, "apply/forbidden");
        assert!(error.message.contains("Secret"), "{error}");
        assert!(
            error.help.as_deref().unwrap().contains("create, patch"),
            "{error:?}"
        );
        server.access().allow_all();
        world.converge(&phases).await;
    });
}

#[test]
fn a_right_that_is_missing_for_one_kind_stops_no_other_on_a_real_server() {
    const USER: &str = "limited";
    const ROLE: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: limited}
rules:
- {apiGroups: ['', trueup.dev, apiextensions.k8s.io, coordination.k8s.io], resources: [namespaces, configmaps, environments, environments/status, customresourcedefinitions, leases], verbs: ['*']}
- {apiGroups: [''], resources: [secrets], verbs: [get, list, watch]}
";
    const BINDING: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: limited}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: limited}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: limited}]
";
    with_a_real_server_for_users(&format!("{USER},{USER},2,\n"), async |server, world| {
        world.apply_as("test", ROLE).await;
        world.apply_as("test", BINDING).await;
        let user = format!("token: {USER}");
        let kubeconfig = server.write_kubeconfig(USER, server.port(), &user);
        let limited = World::reached_by(&kubeconfig).await;
        let phases = [("pre", NAMESPACE), ("app", &(CONFIG.to_owned() + SECRET))];
        let report = limited.reconcile(&phases).await;
        assert_eq!(report.outcome, Outcome::Failed, "{report}");
        assert!(limited.live("v1 ConfigMap TAG/a").await.is_some());
        let error = report.all_errors().next().unwrap();
        assert_eq!(error.code, "apply/forbidden", "{report}");
        assert!(error.message.contains("Secret"), "{error}");
        assert!(!report.to_string().contains("hunter2"), "{report}");
        let more = ROLE.replace("verbs: [get, list, watch]", "verbs: ['*']");
        world.apply_as("test", &more).await;
        limited.converge(&phases).await;
        // And taken away again.
        world.apply_as("test", ROLE).await;
        let less = [("pre", NAMESPACE), ("app", CONFIG)];
        let report = limited.reconcile(&less).await;
        assert_eq!(report.outcome, Outcome::Failed, "{report}");
        assert_eq!(report.pruned[0].result, ActionResult::Failed, "{report}");
        assert_eq!(report.counts.unchanged, 2, "{report}");
    });
}

#[test]
fn a_deletion_that_is_refused_stays_ours_and_is_tried_again() {
    on_embedded(async |world, server| {
        world
            .converge(&[("pre", NAMESPACE), ("app", &(CONFIG.to_owned() + SECRET))])
            .await;
        server.access().deny(Deny::new("delete", "", "configmaps"));
        let report = world
            .reconcile(&[("pre", NAMESPACE), ("app", SECRET)])
            .await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert_eq!(report.pruned[0].result, ActionResult::Failed);
        server.access().allow_all();
        let report = world.converge(&[("pre", NAMESPACE), ("app", SECRET)]).await;
        assert_eq!(report.counts.pruned, 1);
    });
}

#[test]
fn a_deletion_that_is_refused_stays_ours_and_is_tried_again_on_a_real_server() {
    const POLICY: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: keep}
spec:
  failurePolicy: Fail
  matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [DELETE], resources: [configmaps]}]}
  validations: [{expression: 'false', message: nobody deletes it}]
";
    const BINDING: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: keep}
spec: {policyName: keep, validationActions: [Deny]}
";
    on_a_real_server_of_its_own(async |world| {
        let both = [("pre", NAMESPACE), ("app", &*(CONFIG.to_owned() + SECRET))];
        let less = [("pre", NAMESPACE), ("app", SECRET)];
        world.converge(&both).await;
        world.apply_as("test", POLICY).await;
        world.apply_as("test", BINDING).await;
        let refused = async || {
            let target = world.target("v1 ConfigMap TAG/a").await;
            let options = DeleteOptions {
                dry_run: true,
                ..DeleteOptions::default()
            };
            world.cluster.delete(&target, &options).await.is_err()
        };
        while !refused().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        for _ in 0..2 {
            let report = world.reconcile(&less).await;
            assert_eq!(report.outcome, Outcome::Failed, "{report}");
            assert_eq!(report.pruned[0].result, ActionResult::Failed, "{report}");
            let errors: Vec<_> = report.all_errors().collect();
            assert_eq!(errors.len(), 1, "{report}");
            assert!(errors[0].message.contains("nobody deletes it"), "{report}");
            let kept = world.live("v1 ConfigMap TAG/a").await.unwrap();
            assert!(kept.label(trueup::plan::PART_OF).is_some(), "it stays ours");
        }
        let binding = "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding keep";
        world.delete(binding).await;
        while refused().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let report = world.converge(&less).await;
        assert_eq!(report.counts.pruned, 1, "{report}");
        assert!(world.live("v1 ConfigMap TAG/a").await.is_none());
    });
}

#[test]
fn nothing_of_a_kind_that_cannot_be_listed_is_pruned_and_the_rest_goes_on() {
    on_embedded(async |world, server| {
        world
            .converge(&[("pre", NAMESPACE), ("app", &(CONFIG.to_owned() + SECRET))])
            .await;
        server.access().deny(Deny::new("list", "", "configmaps"));
        let report = world
            .reconcile(&[("pre", NAMESPACE), ("app", SECRET)])
            .await;
        assert_eq!(report.counts.pruned, 0, "{report}");
        assert!(
            report
                .to_string()
                .contains("nothing of this kind is pruned"),
            "{report}"
        );
        server.access().allow_all();
        let report = world.converge(&[("pre", NAMESPACE), ("app", SECRET)]).await;
        assert_eq!(
            report.counts.pruned, 1,
            "the kind is still looked for: {report}"
        );
    });
}

#[test]
fn without_the_right_to_a_dry_run_the_plan_is_told_from_what_is_live() {
    on_embedded(async |world, server| {
        world.converge(&[("pre", NAMESPACE), ("app", CONFIG)]).await;
        server.access().deny(Deny::new("patch", "", "configmaps"));
        let changed = CONFIG.replace("a: b", "a: c");
        let plan = world
            .plan(&[("pre", NAMESPACE), ("app", &changed)])
            .await
            .unwrap();
        let outline = crate::harness::outline(&plan);
        let expected = format!("~ ConfigMap {}/a\n    data.a: \"b\" → \"c\"\n", world.tag);
        assert_eq!(outline, expected);
        assert!(
            plan.warnings
                .iter()
                .any(|warning| warning.code == "plan/no-dry-run")
        );
    });
}

#[test]
fn no_value_of_a_secret_is_said_anywhere() {
    on_embedded(async |world, server| {
        let (events, mut receiver) = trueup::apply::Events::channel();
        let options = trueup::apply::Options {
            events,
            ..trueup::apply::Options::default()
        };
        let mut said = String::new();
        for text in [
            SECRET.to_owned(),
            SECRET.replace("hunter2", "hunter22"),
            SECRET.replace("hunter2", "hunter222") + "type: changed\n",
            SECRET
                .replace("name: s", "name: hunter2_")
                .replace("hunter2_", "Not_Valid"),
        ] {
            let phases = [("pre", NAMESPACE), ("app", text.as_str())];
            if let Ok(plan) = world.plan(&phases).await {
                said += &serde_json::to_string(&*plan).unwrap();
                write!(said, "{plan:?}").unwrap();
            }
            let report = world.reconcile_with(&phases, &options).await;
            write!(said, "{report} {report:?}").unwrap();
            said += &serde_json::to_string(&report).unwrap();
        }
        while let Ok(event) = receiver.try_recv() {
            write!(said, "{event:?}").unwrap();
        }
        for value in ["hunter2", "aHVudGVy"] {
            let at = said.find(value);
            let around = at.and_then(|at| said.get(at.saturating_sub(200)..at + 40));
            assert_eq!(around, None, "{value} was said");
        }
        assert!(!server.log().entries().is_empty());
    });
}
