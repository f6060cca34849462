//! `spec.patches` of an Environment file.

use crate::config::{
    decode::{Field, Shape, Type, Value},
    patch::{ForeignPatch, JsonOp, JsonOperation, PatchChange, PatchTarget},
};

pub(super) const PATCH: Shape = Shape {
    name: "a patch",
    title: "Patch",
    about: "A change to an object that trueup does not own. Exactly one of `json`, \
            `merge`, `strategic` and `apply` is given. It is resolved to the fields that it sets, and \
            undone when it is no longer declared.",
    fields: &[
        Field::required("target", Type::Shape(&TARGET), "The object."),
        Field::optional(
            "json",
            Type::List(&Type::Shape(&OPERATION)),
            "The operations of a JSON patch (RFC 6902).",
        ),
        Field::optional(
            "merge",
            Type::Any,
            "A JSON merge patch (RFC 7386): the fields to set, lists whole.",
        ),
        Field::optional(
            "strategic",
            Type::Any,
            "A strategic merge patch without directives: the fields to set, items of lists one by one.",
        ),
        Field::optional(
            "apply",
            Type::Any,
            "The fields to set as server-side apply would, items of lists one by one.",
        ),
    ],
    one_of: &["json", "merge", "strategic", "apply"],
    example: r#"target: {kind: DaemonSet, name: weave-net, namespace: kube-system}
json:
  - op: add
    path: /spec/template/spec/containers/0/env/0
    value: {name: CHECKPOINT_DISABLE, value: "1"}"#,
};

const TARGET: Shape = Shape {
    name: "a target",
    title: "Target",
    about: "",
    fields: &[
        Field::optional("group", Type::Text("an API group"), "Its API group."),
        Field::required("kind", Type::Text("a kind"), "Its kind."),
        Field::required("name", Type::Text("a name"), "Its name."),
        Field::optional("namespace", Type::Text("a name"), "Its namespace."),
    ],
    one_of: &[],
    example: r"kind: DaemonSet
name: weave-net
namespace: kube-system",
};

const OPERATION: Shape = Shape {
    name: "an operation",
    title: "Operation",
    about: "",
    fields: &[
        Field::required(
            "op",
            Type::Words(&["add", "remove", "replace", "move", "copy", "test"]),
            "What it does.",
        ),
        Field::required("path", Type::Text("a JSON pointer"), "Where."),
        Field::optional(
            "from",
            Type::Text("a JSON pointer"),
            "Whence, for `move` and `copy`.",
        ),
        Field::optional(
            "value",
            Type::Any,
            "The value, for `add`, `replace` and `test`.",
        ),
    ],
    one_of: &[],
    example: r"op: remove
path: /spec/replicas",
};

const OPS: [(&str, JsonOp); 6] = [
    ("add", JsonOp::Add),
    ("remove", JsonOp::Remove),
    ("replace", JsonOp::Replace),
    ("move", JsonOp::Move),
    ("copy", JsonOp::Copy),
    ("test", JsonOp::Test),
];

pub(super) fn decode(value: Value<'_>) -> Option<ForeignPatch> {
    let fields = value.fields(&PATCH)?;
    let target = fields.required("target").and_then(decode_target);
    let change = fields.choice().and_then(|(which, value)| {
        Some(if which == "json" {
            let operations = value.list()?;
            PatchChange::Json(
                operations
                    .into_iter()
                    .filter_map(decode_operation)
                    .collect(),
            )
        } else if which == "merge" {
            PatchChange::Merge(Box::new(value.any()))
        } else {
            PatchChange::Apply(Box::new(value.any()))
        })
    });
    Some(ForeignPatch {
        target: target?,
        change: change?,
        location: value.location(),
    })
}

fn decode_target(value: Value<'_>) -> Option<PatchTarget> {
    let fields = value.fields(&TARGET)?;
    let group = fields.optional("group").and_then(Value::text);
    let kind = fields.required("kind").and_then(Value::text);
    let name = fields.required("name").and_then(Value::text);
    let namespace = fields.optional("namespace").and_then(Value::text);
    Some(PatchTarget {
        group,
        kind: kind?,
        name: name?,
        namespace,
    })
}

fn decode_operation(value: Value<'_>) -> Option<JsonOperation> {
    let fields = value.fields(&OPERATION)?;
    let op = fields.required("op").and_then(|value| value.word(&OPS));
    let path = fields
        .required("path")
        .and_then(|value| value.text_where(pointer));
    let from = fields.optional("from");
    // A null value is a value here.
    let written = fields.any("value").map(Value::any);
    let op = op?;
    let needs_from = matches!(op, JsonOp::Move | JsonOp::Copy);
    let needs_value = matches!(op, JsonOp::Add | JsonOp::Replace | JsonOp::Test);
    for (name, needed, given) in [
        ("from", needs_from, from.is_some()),
        ("value", needs_value, written.is_some()),
    ] {
        if needed != given {
            let (verb, help) = if needed {
                ("needs", "add it")
            } else {
                ("takes no", "remove it")
            };
            value.invalid(format!("this operation {verb} `{name}`"), help);
        }
    }
    Some(JsonOperation {
        op,
        path: path?,
        from: from.and_then(|value| value.text_where(pointer)),
        value: written,
    })
}

fn pointer(text: &str) -> Result<(), (String, String)> {
    if text.starts_with('/') {
        return Ok(());
    }
    Err((
        format!("is not a JSON pointer: `{text}`"),
        "begin it with `/`, such as `/spec/replicas`".to_owned(),
    ))
}
