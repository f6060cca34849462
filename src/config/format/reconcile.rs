//! `spec.reconcile` of an Environment file.

use std::time::Duration;

use super::field_rule::{self, FIELD_RULE};
use crate::config::{
    decode::{Field, Shape, Type, Value},
    names,
    reconcile::{Adoption, Conflicts, DeletionBudget, KindPattern, ProtectSelector, Reconcile},
};

const ADOPTION: [(&str, Adoption); 3] = [
    ("mustMatch", Adoption::MustMatch),
    ("adoptIfNoInventory", Adoption::AdoptIfNoInventory),
    ("adoptAll", Adoption::AdoptAll),
];

pub(super) const CONFLICTS: [(&str, Conflicts); 3] = [
    ("take", Conflicts::Take),
    ("leave", Conflicts::Leave),
    ("fail", Conflicts::Fail),
];

pub(super) const RECONCILE: Shape = Shape {
    name: "`reconcile`",
    title: "Reconcile",
    about: "How the environment is reconciled.",
    fields: &[
        Field::default(
            "interval",
            Type::Duration,
            "1m",
            "How often the daemon looks for a new revision. At least `1s`.",
        ),
        Field::default(
            "timeout",
            Type::Duration,
            "5m",
            "How long a phase may take to become healthy, where the phase does not say. At least \
             `1s`.",
        ),
        Field::default(
            "prune",
            Type::Bool,
            "true",
            "Whether to delete objects that left the desired set.",
        ),
        Field::default(
            "pruneKinds",
            Type::List(&Type::Text("`Kind` or `Kind.group`")),
            "[]",
            "Kinds that are dear to delete and are pruned only when this list names them: \
             `Namespace`, `CustomResourceDefinition`, `PersistentVolume`, \
             `PersistentVolumeClaim`.",
        ),
        Field::default(
            "recreate",
            Type::List(&Type::Text("`Kind` or `Kind.group`")),
            "[]",
            "Kinds whose objects may be deleted and created anew where a field cannot be changed \
             in place.",
        ),
        Field::default(
            "protect",
            Type::List(&Type::Shape(&PROTECT)),
            "[]",
            "Objects that are never deleted, neither pruned nor recreated.",
        ),
        Field::optional(
            "deletionBudget",
            Type::Shape(&BUDGET),
            "How much one run may delete before it stops and asks (`--confirm`). Without it: half of \
             what the environment owns, and always ten objects. `{percent: 100}` sets no limit.",
        ),
        Field::default(
            "adoption",
            Type::Words(&["mustMatch", "adoptIfNoInventory", "adoptAll"]),
            "adoptIfNoInventory",
            "Which objects that trueup did not create it may take over: none, those that carry \
             nobody's mark, or all.",
        ),
        Field::default(
            "conflicts",
            Type::Words(&["take", "leave", "fail"]),
            "take",
            "What to do where another field manager owns a field that the desired set sets \
             otherwise: take it over, leave it to the other, or fail.",
        ),
        Field::default(
            "fieldRules",
            Type::List(&Type::Shape(&FIELD_RULE)),
            "[]",
            "Where something else than `conflicts` holds for some fields, objects or managers.",
        ),
    ],
    one_of: &[],
    example: r"interval: 1m
recreate: [StorageClass]
protect:
  - {kind: Namespace}
deletionBudget: {count: 20, percent: 25}
fieldRules:
  - {kind: Deployment, paths: [/spec/replicas], conflicts: leave}",
};

const PROTECT: Shape = Shape {
    name: "a protection",
    title: "Protect",
    about: "Objects that match every field given; at least one field is given.",
    fields: &[
        Field::optional("kind", Type::Text("`Kind` or `Kind.group`"), "The kind."),
        Field::optional("name", Type::Text("a name"), "The name."),
        Field::optional("namespace", Type::Text("a name"), "The namespace."),
    ],
    one_of: &[],
    example: r"kind: PersistentVolumeClaim
namespace: hub",
};

const BUDGET: Shape = Shape {
    name: "a deletion budget",
    title: "DeletionBudget",
    about: "At least one limit is given; both hold where both are.",
    fields: &[
        Field::optional(
            "count",
            Type::Count("a whole number from 0"),
            "So many objects.",
        ),
        Field::optional(
            "percent",
            Type::Count("a whole number from 0 to 100"),
            "So many percent of what the environment owns.",
        ),
    ],
    one_of: &[],
    example: r"count: 20
percent: 25",
};

pub(super) const LEAST: Duration = Duration::from_secs(1);

pub(super) fn decode(value: Value<'_>) -> Option<Reconcile> {
    let fields = value.fields(&RECONCILE)?;
    let default = Reconcile::default();
    let duration = |name| {
        fields
            .optional(name)
            .and_then(|value| value.duration(LEAST))
    };
    let items = |name| {
        fields
            .optional(name)
            .and_then(Value::list)
            .unwrap_or_default()
            .into_iter()
    };
    Some(Reconcile {
        interval: duration("interval").unwrap_or(default.interval),
        timeout: duration("timeout").unwrap_or(default.timeout),
        prune: fields
            .optional("prune")
            .and_then(Value::bool)
            .unwrap_or(default.prune),
        prune_kinds: items("pruneKinds").filter_map(decode_kind).collect(),
        recreate: items("recreate").filter_map(decode_kind).collect(),
        protect: items("protect").filter_map(decode_protect).collect(),
        deletion_budget: fields.optional("deletionBudget").and_then(decode_budget),
        adoption: fields
            .optional("adoption")
            .and_then(|value| value.word(&ADOPTION))
            .unwrap_or(default.adoption),
        conflicts: fields
            .optional("conflicts")
            .and_then(|value| value.word(&CONFLICTS))
            .unwrap_or(default.conflicts),
        field_rules: items("fieldRules").filter_map(field_rule::decode).collect(),
        health_checks: default.health_checks,
    })
}

pub(super) fn decode_kind(value: Value<'_>) -> Option<KindPattern> {
    value
        .text_where(names::kind)
        .map(|text| KindPattern::new(text.value))
}

fn decode_protect(value: Value<'_>) -> Option<ProtectSelector> {
    let fields = value.fields(&PROTECT)?;
    let given = ["kind", "name", "namespace"].map(|name| fields.optional(name));
    if given.iter().all(Option::is_none) && !fields.has_unknown() {
        value.invalid(
            "a protection needs at least one of `kind`, `name` and `namespace`",
            "say what to protect, such as `{kind: PersistentVolumeClaim}`",
        );
        return None;
    }
    let [kind, name, namespace] = given;
    Some(ProtectSelector {
        kind: kind.and_then(decode_kind),
        name: name.and_then(Value::text).map(|text| text.value),
        namespace: namespace.and_then(Value::text).map(|text| text.value),
    })
}

fn decode_budget(value: Value<'_>) -> Option<DeletionBudget> {
    let fields = value.fields(&BUDGET)?;
    let given = ["count", "percent"].map(|name| fields.optional(name));
    if given.iter().all(Option::is_none) && !fields.has_unknown() {
        value.invalid(
            "a deletion budget needs at least one of `count` and `percent`",
            "say how much may be deleted, such as `{count: 20}`, or remove it",
        );
        return None;
    }
    let [count, percent] = given;
    Some(DeletionBudget {
        count: count.and_then(|value| value.count(0, u32::MAX)),
        percent: percent
            .and_then(|value| value.count(0, 100))
            .and_then(|percent| u8::try_from(percent).ok()),
    })
}
