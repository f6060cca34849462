//! The Environment file.

use std::collections::BTreeMap;

use super::{check_kind, cluster, decode_variables, health_check, patch, phase, reconcile, source};
use crate::config::{
    cluster::ClusterRef,
    decode::{Field, Fields, Shape, Spanned, Type, Value},
    environment::SourceRef,
    names,
    patch::ForeignPatch,
    phase::{Phase, order},
    reconcile::Reconcile,
    variables::Declared,
};

pub(in crate::config) const ENVIRONMENT: Shape = Shape {
    name: "an Environment",
    title: "Environment",
    about: "One file of `environments/` says what runs on one cluster, and in which order.",
    fields: &[
        Field::required(
            "apiVersion",
            Type::Word(super::API_VERSION),
            "The version of the format.",
        ),
        Field::required("kind", Type::Word("Environment"), "What the file holds."),
        Field::required("metadata", Type::Shape(&METADATA), "Its name and labels."),
        Field::required("spec", Type::Shape(&SPEC), "What it says."),
    ],
    one_of: &[],
    example: r"apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: cluster_dev, labels: {tier: dev}}
spec:
  cluster:
    kubeconfig: {context: cluster-dev}
  variables: {domain: dev.example.com}
  phases:
    - name: pre
      kustomize: {path: overlays/_pre}
    - name: hub
      kustomize: {path: overlays/cluster_dev}
      timeout: 10m
      substitute: true
  reconcile:
    deletionBudget: {count: 20, percent: 25}",
};

const METADATA: Shape = Shape {
    name: "`metadata`",
    title: "Metadata",
    about: "",
    fields: &[
        Field::required(
            "name",
            Type::Text("lower-case letters, digits, `-` and `_`; at most 63"),
            "The name of the environment, unique in the repository. The object that stands for it \
             in the cluster has `-` for `_`, so that two names may not differ in that alone.",
        ),
        Field::default(
            "labels",
            Type::Map(&Type::Text("text")),
            "{}",
            "Labels, by which contexts find it.",
        ),
    ],
    one_of: &[],
    example: r"name: cluster_dev
labels: {tier: dev}",
};

const SPEC: Shape = Shape {
    name: "`spec`",
    title: "Spec",
    about: "",
    fields: &[
        Field::required(
            "cluster",
            Type::Shape(&cluster::CLUSTER),
            "The cluster to keep true.",
        ),
        Field::optional(
            "source",
            Type::Shape(&source::SOURCE),
            "Where the files that the phases name come from. Without it: the repository that holds \
             this file.",
        ),
        Field::default(
            "variables",
            Type::Map(&Type::Scalar),
            "{}",
            "Variables. They win over those of contexts. See [Variables](#variables).",
        ),
        Field::required(
            "phases",
            Type::List(&Type::Shape(&phase::PHASE)),
            "What is rendered and applied, at least one phase.",
        ),
        Field::default(
            "patches",
            Type::List(&Type::Shape(&patch::PATCH)),
            "[]",
            "Changes to objects that trueup does not own.",
        ),
        Field::default(
            "healthChecks",
            Type::List(&Type::Shape(&health_check::HEALTH_CHECK)),
            "[]",
            "When objects are healthy, where the rules for their kinds do not say it well.",
        ),
        Field::default(
            "reconcile",
            Type::Shape(&reconcile::RECONCILE),
            "{}",
            "How it is reconciled.",
        ),
    ],
    one_of: &[],
    example: r"cluster:
  embedded: {}
phases:
  - name: all
    kustomize: {path: overlays/dev}",
};

/// What one Environment file says, before other files are looked at.
pub(in crate::config) struct Draft {
    /// Its name, where that could be read, even if the rest could not.
    pub(in crate::config) name: Option<Spanned<String>>,
    /// The rest, where all of it could be read.
    pub(in crate::config) body: Option<Body>,
}

/// All but the name of an environment.
pub(in crate::config) struct Body {
    pub(in crate::config) labels: BTreeMap<String, String>,
    pub(in crate::config) source: Option<SourceRef>,
    pub(in crate::config) cluster: Spanned<ClusterRef>,
    pub(in crate::config) variables: Declared,
    pub(in crate::config) phases: Vec<Phase>,
    pub(in crate::config) waits: Vec<Vec<usize>>,
    pub(in crate::config) patches: Vec<ForeignPatch>,
    pub(in crate::config) reconcile: Reconcile,
}

pub(in crate::config) fn decode(value: Value<'_>) -> Draft {
    let Some(fields) = value.fields(&ENVIRONMENT) else {
        return Draft {
            name: None,
            body: None,
        };
    };
    check_kind(&fields, "Environment");
    let metadata = fields
        .required("metadata")
        .and_then(|value| value.fields(&METADATA));
    let name = metadata
        .as_ref()
        .and_then(|fields| fields.required("name"))
        .and_then(|value| value.text_where(names::name));
    let labels = metadata
        .and_then(|fields| fields.optional("labels"))
        .and_then(Value::text_map)
        .unwrap_or_default();
    let labels = labels
        .into_iter()
        .map(|(key, value)| (key.value, value.value))
        .collect();
    let spec = fields
        .required("spec")
        .and_then(|value| value.fields(&SPEC));
    Draft {
        name,
        body: spec.and_then(|spec| decode_spec(&spec, labels)),
    }
}

fn decode_spec(spec: &Fields<'_>, labels: BTreeMap<String, String>) -> Option<Body> {
    let cluster = spec
        .required("cluster")
        .and_then(|value| cluster::decode(value).map(|cluster| value.spanned(cluster)));
    let source = match spec.optional("source") {
        Some(value) => source::decode(value).map(Some),
        None => Some(None),
    };
    let variables = spec
        .optional("variables")
        .and_then(decode_variables)
        .unwrap_or_default();
    let phases = spec.required("phases").and_then(decode_phases);
    let patches = spec
        .optional("patches")
        .and_then(Value::list)
        .unwrap_or_default();
    let patches = patches.into_iter().filter_map(patch::decode).collect();
    let reconcile = spec
        .optional("reconcile")
        .map_or_else(|| Some(Reconcile::default()), reconcile::decode);
    let health_checks = spec
        .optional("healthChecks")
        .and_then(Value::list)
        .unwrap_or_default();
    let health_checks = health_checks.into_iter().filter_map(health_check::decode);
    let health_checks = health_checks.collect();
    let (phases, waits) = phases?;
    Some(Body {
        labels,
        source: source?,
        cluster: cluster?,
        variables,
        phases,
        waits,
        patches,
        reconcile: Reconcile {
            health_checks,
            ..reconcile?
        },
    })
}

fn decode_phases(value: Value<'_>) -> Option<(Vec<Phase>, Vec<Vec<usize>>)> {
    let items = value.list()?;
    if items.is_empty() {
        value.invalid(
            "`phases` is empty",
            "add a phase, such as `- {name: all, kustomize: {path: overlays/dev}}`",
        );
        return None;
    }
    let written = items.len();
    let mut phases: Vec<Phase> = items.into_iter().filter_map(phase::decode).collect();
    // Where a phase could not be read, what waits for it cannot be judged.
    if phases.len() < written {
        return None;
    }
    let (waits, findings) = order(&mut phases);
    let sound = findings.is_empty();
    for finding in findings {
        value.report(finding);
    }
    sound.then_some((phases, waits))
}
