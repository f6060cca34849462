//! `spec.reconcile.fieldRules` of an Environment file.

use super::reconcile::{CONFLICTS, decode_kind};
use crate::config::{
    decode::{Field, Shape, Type, Value},
    field_rule::{FieldRule, Pointer},
    names::Checked,
};

pub(super) const FIELD_RULE: Shape = Shape {
    name: "a field rule",
    title: "FieldRule",
    about: "What to do about some fields where another field manager sets them otherwise than the desired set. Every \
            part that is given must fit, and at least one of `kind`, `name`, `namespace`, `paths` and `managers` is \
            given. The first rule that fits a field and a manager holds; `conflicts` of `reconcile` where none does. \
            What the desired set says is set when an object is created, whatever the rules.",
    fields: &[
        Field::optional(
            "kind",
            Type::Text("`Kind` or `Kind.group`"),
            "Only objects of this kind.",
        ),
        Field::optional(
            "name",
            Type::Text("a name with `*` and `?`"),
            "Only objects of this name.",
        ),
        Field::optional(
            "namespace",
            Type::Text("a name with `*` and `?`"),
            "Only objects in this namespace.",
        ),
        Field::default(
            "paths",
            Type::List(&Type::Text("a JSON pointer")),
            "[]",
            "Only these fields and what is below them: `/spec/replicas`. `*` stands for any key or item; an item of a \
             list is named by its position or by what tells it apart: \
             `/spec/template/spec/containers/[name=api]/image`. Without any: all fields.",
        ),
        Field::default(
            "managers",
            Type::List(&Type::Text("a field manager with `*` and `?`")),
            "[]",
            "Only where one of these set the field; `kubectl get -o yaml --show-managed-fields` tells their names. \
             Without any: whoever did.",
        ),
        Field::required(
            "conflicts",
            Type::Words(&["take", "leave", "fail"]),
            "Take the field over, leave it with the value it has, or fail. What is left is neither a change nor drift.",
        ),
    ],
    one_of: &[],
    example: r"kind: Deployment.apps
paths: [/spec/replicas]
conflicts: leave",
};

pub(super) fn decode(value: Value<'_>) -> Option<FieldRule> {
    let fields = value.fields(&FIELD_RULE)?;
    let parts =
        ["kind", "name", "namespace", "paths", "managers"].map(|name| fields.optional(name));
    let conflicts = fields.required("conflicts");
    if parts.iter().all(Option::is_none) && !fields.has_unknown() {
        value.invalid(
            "a field rule needs at least one of `kind`, `name`, `namespace`, `paths` and `managers`",
            "say what it is about, such as `{kind: Deployment, paths: [/spec/replicas]}`, or set \
             `reconcile.conflicts` for all fields",
        );
        return None;
    }
    let [kind, name, namespace, paths, managers] = parts;
    let text = |value: Option<Value<'_>>| Some(value?.text()?.value);
    // Read one by one and whole, so that every error is told; one that cannot be read must not widen the rule.
    let read = items(paths).map(decode_pointer);
    let paths: Vec<Option<Pointer>> = read.collect();
    let names = items(managers).map(Value::text);
    let managers: Vec<_> = names.map(|name| Some(name?.value)).collect();
    Some(FieldRule {
        kind: kind.and_then(decode_kind),
        name: text(name),
        namespace: text(namespace),
        paths: paths.into_iter().collect::<Option<_>>()?,
        managers: managers.into_iter().collect::<Option<_>>()?,
        conflicts: conflicts?.word(&CONFLICTS)?,
    })
}

fn items(list: Option<Value<'_>>) -> impl Iterator<Item = Value<'_>> {
    list.and_then(Value::list).unwrap_or_default().into_iter()
}

fn decode_pointer(value: Value<'_>) -> Option<Pointer> {
    Pointer::parse(&value.text_where(pointer)?.value)
}

fn pointer(text: &str) -> Checked {
    if Pointer::parse(text).is_some() {
        return Ok(());
    }
    let keys = text.trim_start_matches('.').replace('.', "/");
    let help = format!("write a JSON pointer, such as `/{keys}`");
    Err((format!("cannot be `{text}`"), help))
}
