//! What holds for the formats as a whole. Single mistakes are in `tests/config/bad_input.rs`.

use std::{collections::BTreeSet, fmt::Write};

use proptest::prelude::*;
use trueup_manifest::MemoryTree;
use trueup_yaml::{Document, Source};

use super::{
    decode::{Decoder, Value},
    format::{self, CONTEXT, ENVIRONMENT},
    *,
};

/// Environments that between them use every field.
const FULL: &[&str] = &[
    r#"
apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: full_one, labels: {tier: dev}}
spec:
  source:
    git:
      url: https://git.example.com/platform/config.git
      ref: {branch: main}
      path: clusters
      auth: {token: {token: {env: GIT_TOKEN}, username: me}}
      caFile: /etc/trueup/ca.pem
      timeout: 30s
      depth: 0
      insecureAuth: true
  cluster:
    eks: {name: sandbox, region: us-west-2, profile: dev, assumeRole: {roleArn: "arn:aws:iam::1:role/x"}}
  variables: {domain: dev.example.com, replicas: 3, encrypted: "true", on: false}
  phases:
    - {name: pre, kustomize: {path: overlays/_pre, loadRestrictor: none}, wait: false}
    - {name: chart, helm: {chart: vault, repo: "https://charts.example.com", version: 1.0.0, tls: {caFile: /a, certFile: /b, keyFile: /c, insecureSkipTLSVerify: false}, release: vault, namespace: vault, values: [values.yaml], valuesFrom: [{secret: s, namespace: n, key: k, targetPath: a.b, optional: true}, {vault: secret/a, phase: vault, key: k, targetPath: a.c}, {sops: a.enc.yaml, key: k, targetPath: a.d}]}}
    - {name: vault, vault: {path: environments/cluster_dev/vault.yaml}, dependsOn: [pre]}
    - {name: over, kustomize: {path: overlays/dev, valuesFrom: [{vault: secret/a, phase: vault, key: k, file: overlays/dev/a}]}}
    - name: hub
      manifests: {path: bases}
      dependsOn: [pre, vault]
      timeout: 10m
      substitute:
        - {kinds: [ServiceAccount, Deployment.apps], files: ["bases/*"], fields: [metadata/annotations]}
    - {name: jobs, processes: {path: environments/cluster_dev/processes}, dependsOn: [], substitute: true}
  patches:
    - target: {group: apps, kind: DaemonSet, name: weave-net, namespace: kube-system}
      json: [{op: add, path: /spec/x, value: null}, {op: move, path: /a, from: /b}]
    - target: {kind: DaemonSet, name: other}
      merge: {spec: {x: 1}}
  reconcile:
    interval: 1m30s
    timeout: 10m
    prune: false
    pruneKinds: [Namespace]
    recreate: [StorageClass]
    protect: [{kind: PersistentVolumeClaim, name: data, namespace: hub}]
    deletionBudget: {count: 20, percent: 25}
    adoption: mustMatch
    conflicts: fail
    fieldRules: [{kind: Deployment.apps, name: "api-*", namespace: hub, paths: [/spec/replicas], managers: [kube-controller-manager], conflicts: leave}]
"#,
    r"
apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: basic}
spec:
  source: {git: {url: https://h/r, auth: {basic: {username: me, password: {file: /run/p}}}}}
  cluster: {kubeconfig: {path: ~/.kube/config, context: dev}}
  phases: [{name: all, kustomize: {path: overlays/dev}}]
",
    r"
apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: key}
spec:
  source: {git: {url: git@h:r, ref: {commit: 3a8b8b4c0ffee3a8b8b4c0ffee3a8b8b4c0ffee1}, knownHostsFile: /etc/trueup/known_hosts, auth: {sshKey: {key: {file: k}, passphrase: {env: P}}}}}
  cluster: {inCluster: {}}
  phases: [{name: all, kustomize: {path: overlays/dev}}]
",
    r"
apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: agent}
spec:
  source: {git: {url: git@h:r, ref: {semver: ^1.2}, auth: {sshAgent: }}}
  cluster:
    embedded:
  phases: [{name: all, kustomize: {path: overlays/dev}}]
",
    r"
apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: bearer}
spec:
  source: {git: {url: https://h/r, ref: {tag: v1}, auth: {bearer: {token: {env: T}}}}}
  cluster: {embedded: {}}
  healthChecks:
  - {kind: Pump.demo.dev, apiVersion: demo.dev/v1, name: a, namespace: b, current: status.ready, inProgress: status.busy, failed: status.broken}
  phases: [{name: all, kustomize: {path: overlays/dev}}]
",
];

const FULL_CONTEXT: &str = r#"
apiVersion: trueup.dev/v1
kind: Context
metadata: {name: all}
spec:
  attach: {environments: ["*_one"], labels: {tier: dev}}
  priority: -5
  variables: {region: us-west-2}
  secretVariables: {password: {secretStore: x}}
  files: [{path: a, from: b}]
  checks: {before: []}
"#;

fn parse(text: &str) -> Document {
    Document::parse(&Source::new("x.yaml", text))
        .unwrap()
        .remove(0)
}

fn asked<T>(text: &str, decode: impl Fn(Value<'_>) -> T) -> BTreeSet<(&'static str, &'static str)> {
    let doc = parse(text);
    let decoder = Decoder::new(&doc);
    decode(decoder.root("the file"));
    let asked = decoder.asked();
    let findings = decoder.finish();
    assert!(findings.is_empty(), "{}", findings.render(false));
    asked
}

fn declared(shape: &'static Shape) -> BTreeSet<(&'static str, &'static str)> {
    let all = shape.all().into_iter();
    all.flat_map(|shape| shape.fields.iter().map(|field| (shape.title, field.name)))
        .collect()
}

#[test]
fn every_declared_field_is_read_and_every_field_read_is_declared() {
    let environment: BTreeSet<_> = FULL
        .iter()
        .flat_map(|text| asked(text, format::decode_environment))
        .collect();
    assert_eq!(environment, declared(&ENVIRONMENT));
    assert_eq!(
        asked(FULL_CONTEXT, format::decode_context),
        declared(&CONTEXT)
    );
}

#[test]
fn every_example_of_the_reference_fits_its_shape() {
    for root in [&ENVIRONMENT, &CONTEXT] {
        for shape in root.all() {
            let doc = parse(shape.example);
            let keys: Vec<&str> = doc
                .entries(doc.root())
                .map(|(key, _)| doc.text(key).unwrap())
                .collect();
            for key in &keys {
                assert!(shape.field(key).is_some(), "{}: `{key}`", shape.title);
            }
            for field in shape
                .fields
                .iter()
                .filter(|field| field.need == Need::Required)
            {
                assert!(
                    keys.contains(&field.name),
                    "{} lacks `{}`",
                    shape.title,
                    field.name
                );
            }
            if !shape.one_of.is_empty() {
                let given = keys.iter().filter(|key| shape.one_of.contains(key)).count();
                assert_eq!(given, 1, "{}", shape.title);
            }
        }
        let name = format!("{}s/x.yaml", root.title.to_lowercase());
        let mut tree = MemoryTree::new();
        tree.add(&name, root.example).unwrap();
        let findings = Config::load(&tree).unwrap().findings();
        assert!(!findings.has_errors(), "{}", findings.render(false));
    }
}

#[test]
fn every_section_of_a_page_has_a_name_of_its_own() {
    for root in [&ENVIRONMENT, &CONTEXT] {
        let titles: Vec<&str> = root.all().iter().map(|shape| shape.title).collect();
        let unique: BTreeSet<&str> = titles.iter().copied().collect();
        assert_eq!(titles.len(), unique.len(), "{titles:?}");
    }
}

#[test]
fn a_documented_default_is_the_one_in_force() {
    let minimal = "
apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: a}
spec:
  cluster: {embedded: {}}
  phases: [{name: all, kustomize: {path: x}}]
";
    let mut spelled = String::new();
    let shapes = ENVIRONMENT.all();
    let reconcile = shapes
        .iter()
        .find(|shape| shape.title == "Reconcile")
        .unwrap();
    for field in reconcile.fields {
        if let Need::Default(value) = field.need {
            writeln!(spelled, "    {}: {value}", field.name).unwrap();
        }
    }
    let phase = shapes.iter().find(|shape| shape.title == "Phase").unwrap();
    let mut phases = String::new();
    for field in phase.fields {
        if let Need::Default(value) = field.need {
            write!(phases, ", {}: {value}", field.name).unwrap();
        }
    }
    let whole = minimal.replace(
        "{path: x}",
        &format!("{{path: x, loadRestrictor: rootOnly}}{phases}"),
    ) + "  reconcile:\n"
        + &spelled;
    let [minimal, whole] = [minimal, &whole].map(|text| {
        let mut tree = MemoryTree::new();
        tree.add("environments/a.yaml", text).unwrap();
        Config::load(&tree)
            .unwrap()
            .environment("a")
            .unwrap()
            .clone()
    });
    assert_eq!(minimal.reconcile, whole.reconcile);
    let what = |environment: &Environment| {
        let phase = &environment.phases[0];
        (
            phase.wait,
            phase.substitute.clone(),
            format!("{:?}", phase.timeout),
        )
    };
    assert_eq!(what(&minimal), what(&whole));
}

fn environment(text: &str) -> Environment {
    let mut tree = MemoryTree::new();
    tree.add("environments/x.yaml", text).unwrap();
    let config = Config::load(&tree).unwrap();
    let name = config.names().next().unwrap().to_owned();
    config.environment(&name).unwrap().clone()
}

#[test]
fn a_phase_waits_for_what_it_names_or_for_the_one_before_it() {
    let environment = environment(FULL[0]);
    let waits: Vec<Vec<String>> = (0..6).map(|index| environment.depends_on(index)).collect();
    // Whoever takes values of a Vault waits for it, too.
    let expected: [&[&str]; 6] = [
        &[],
        &["pre", "vault"],
        &["pre"],
        &["vault"],
        &["pre", "vault"],
        &[],
    ];
    assert_eq!(waits, expected);
}

#[test]
fn values_keep_the_type_they_were_written_with() {
    let environment = environment(FULL[0]);
    for (name, text, is_text) in [
        ("domain", "dev.example.com", true),
        ("replicas", "3", false),
        ("encrypted", "true", true),
        ("on", "false", false),
    ] {
        let expected = Literal {
            text: text.to_owned(),
            is_text,
        };
        assert_eq!(environment.variables.get(name), Some(&expected), "{name}");
    }
    for (text, is_text) in [
        ("3", false),
        ("true", false),
        ("yes", true),
        ("a b", true),
        ("2001-01-01", true),
    ] {
        assert_eq!(Literal::read(text).is_text, is_text, "{text}");
    }
}

#[test]
fn what_is_declared_but_not_built_is_told_with_its_place() {
    let environment = environment(FULL[0]);
    let findings = environment.not_built_to_apply();
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].ends_with("error[not-built]: `eks` clusters are not built yet"),
        "{}",
        lines[0]
    );
    assert!(lines[0].starts_with("environments/x.yaml:"), "{}", lines[0]);
}

/// Environment `dev` with label `tier: dev` and the given contexts.
fn with_contexts(own: &str, contexts: &[(&str, &str)]) -> Config {
    let mut tree = MemoryTree::new();
    tree.add(
        "environments/dev.yaml",
        format!(
            "apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {{name: dev, labels: {{tier: dev, x: y}}}}\n\
             spec:\n  cluster: {{embedded: {{}}}}\n  variables: {{{own}}}\n  phases: [{{name: a, kustomize: {{path: x}}}}]\n"
        ),
    )
    .unwrap();
    for (name, spec) in contexts {
        tree.add(
            &format!("contexts/{name}.yaml"),
            format!("apiVersion: trueup.dev/v1\nkind: Context\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"),
        )
        .unwrap();
    }
    Config::load(&tree).unwrap()
}

#[test]
fn the_strongest_giver_of_a_variable_wins() {
    const BY_LABEL: &str = "attach: {labels: {tier: dev}}, variables: {v: label}";
    const BY_NAME: &str = "attach: {environments: [dev]}, variables: {v: name}";
    for (what, own, contexts, expected) in [
        ("nobody", "", &[][..], None),
        ("labels", "", &[("a", BY_LABEL)], Some("label")),
        (
            "all labels must fit",
            "",
            &[(
                "a",
                "attach: {labels: {tier: dev, x: z}}, variables: {v: no}",
            )],
            None,
        ),
        (
            "another environment's",
            "",
            &[("a", "attach: {environments: [prod]}, variables: {v: no}")],
            None,
        ),
        (
            "name over labels",
            "",
            &[("a", BY_LABEL), ("b", BY_NAME)],
            Some("name"),
        ),
        (
            "a pattern is a name",
            "",
            &[
                ("a", BY_LABEL),
                ("b", "attach: {environments: ['d*']}, variables: {v: glob}"),
            ],
            Some("glob"),
        ),
        (
            "name and labels is name",
            "",
            &[
                ("a", BY_LABEL),
                (
                    "b",
                    "attach: {environments: [dev], labels: {no: no}}, variables: {v: both}",
                ),
            ],
            Some("both"),
        ),
        (
            "first name of labels",
            "",
            &[
                ("b", BY_LABEL),
                ("a", "attach: {labels: {x: y}}, variables: {v: first}"),
            ],
            Some("first"),
        ),
        (
            "lower priority",
            "",
            &[
                (
                    "a",
                    "attach: {environments: [dev]}, priority: 2, variables: {v: two}",
                ),
                (
                    "b",
                    "attach: {environments: [dev]}, priority: 1, variables: {v: one}",
                ),
            ],
            Some("one"),
        ),
        (
            "negative priority",
            "",
            &[
                ("a", BY_NAME),
                (
                    "b",
                    "attach: {environments: [dev]}, priority: -1, variables: {v: minus}",
                ),
            ],
            Some("minus"),
        ),
        (
            "equal and agreed",
            "",
            &[("a", BY_NAME), ("b", BY_NAME)],
            Some("name"),
        ),
        (
            "the environment over all",
            "v: own",
            &[("a", BY_LABEL), ("b", BY_NAME)],
            Some("own"),
        ),
        (
            "a conflict that decides nothing",
            "v: own",
            &[
                ("a", BY_NAME),
                ("b", "attach: {environments: [dev]}, variables: {v: other}"),
            ],
            Some("own"),
        ),
    ] {
        let config = with_contexts(own, contexts);
        let environment = config.environment("dev").unwrap();
        let found = environment
            .variables
            .get("v")
            .map(|literal| literal.text.as_str());
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn the_command_line_wins_and_the_chain_is_kept() {
    let config = with_contexts(
        "v: own",
        &[("a", "attach: {labels: {tier: dev}}, variables: {v: label}")],
    );
    let mut variables = config.environment("dev").unwrap().variables.clone();
    variables.set("v", Literal::read("flag")).unwrap();
    let chain: Vec<String> = variables
        .explain("v")
        .iter()
        .map(|given| format!("{} by {}", given.value.value.text, given.by))
        .collect();
    assert_eq!(
        chain,
        [
            "flag by the command line",
            "own by the environment",
            "label by context `a` (by labels)"
        ]
    );
    assert!(variables.set("a.b", Literal::read("x")).is_err());
}

#[test]
fn two_contexts_of_equal_priority_that_disagree_are_an_error() {
    let config = with_contexts(
        "",
        &[
            ("a", "attach: {environments: [dev]}, variables: {v: one}"),
            ("b", "attach: {environments: [dev]}, variables: {v: two}"),
        ],
    );
    let findings = config.environment("dev").unwrap_err();
    assert_eq!(
        findings.to_string(),
        "contexts/b.yaml:4:54: error[config/variable-conflict]: contexts `a` and `b` both have \
         priority 0 and give `v` different values"
    );
}

#[test]
fn a_broken_file_stands_in_the_way_of_its_own_environment_only() {
    let mut tree = MemoryTree::new();
    tree.add("environments/good.yaml", FULL[1]).unwrap();
    tree.add(
        "environments/bad.yaml",
        FULL[2].replace("inCluster", "inClutser"),
    )
    .unwrap();
    tree.add("environments/broken.yaml", "a: [\n").unwrap();
    tree.add("environments/notes.md", "not YAML: [").unwrap();
    tree.add("environments/good/values.yaml", "a: [").unwrap();
    let config = Config::load(&tree).unwrap();
    assert!(config.environment("basic").is_ok());
    assert!(config.environment("key").is_err());
    assert!(
        config.knows("broken"),
        "a file that cannot be read is known by its own name"
    );
    assert_eq!(
        config
            .environment("broken")
            .unwrap_err()
            .iter()
            .next()
            .unwrap()
            .code,
        "yaml/syntax"
    );
    assert_eq!(config.environments().count(), 1);
    let errors = config
        .findings()
        .iter()
        .filter(|finding| finding.is_error())
        .count();
    assert!(errors >= 2, "{errors}");
}

proptest! {
    /// Whatever a person writes, there is either an environment or a finding with a place in the file.
    #[test]
    fn any_text_gives_an_environment_or_a_finding_with_a_place(
        which in 0..FULL.len(),
        from in 0_usize..1200,
        cut in 0_usize..40,
        put in "[a-z0-9:{}\\[\\],'\"|>$&*!~# \n-]{0,12}",
    ) {
        let mut text = FULL[which].to_owned();
        let clamp = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let (from, to) = (clamp(from), clamp(from + cut));
        text.replace_range(from..to, &put);
        let mut tree = MemoryTree::new();
        tree.add("environments/x.yaml", &text).unwrap();
        let config = Config::load(&tree).unwrap();
        let findings = config.findings();
        prop_assert_eq!(findings.has_errors(), config.environments().count() == 0, "{}", text);
        for finding in &findings {
            prop_assert!(finding.location().is_some(), "{finding}\n{text}");
            finding.render(true);
        }
    }
}

#[test]
fn a_broken_context_stands_in_the_way_of_every_environment() {
    let config = with_contexts(
        "",
        &[("a", "attach: {labels: {tier: dev}}, variabels: {v: x}")],
    );
    let findings = config.environment("dev").unwrap_err();
    assert!(
        findings.to_string().contains("unknown field `variabels`"),
        "{findings}"
    );
}
