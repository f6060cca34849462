//! The Context file.

use super::{check_kind, decode_variables};
use crate::config::{
    context::Context,
    decode::{Field, Fields, Shape, Spanned, Type, Value},
    names,
};

pub(in crate::config) const CONTEXT: Shape = Shape {
    name: "a Context",
    title: "Context",
    about: "One file of `contexts/` holds variables that several environments share.",
    fields: &[
        Field::required(
            "apiVersion",
            Type::Word(super::API_VERSION),
            "The version of the format.",
        ),
        Field::required("kind", Type::Word("Context"), "What the file holds."),
        Field::required("metadata", Type::Shape(&METADATA), "Its name."),
        Field::required("spec", Type::Shape(&SPEC), "What it says."),
    ],
    one_of: &[],
    example: r"apiVersion: trueup.dev/v1
kind: Context
metadata: {name: dev-defaults}
spec:
  attach:
    labels: {tier: dev}
  variables:
    domain: dev.example.com
    replicas: 1",
};

const METADATA: Shape = Shape {
    name: "`metadata`",
    title: "Metadata",
    about: "",
    fields: &[Field::required(
        "name",
        Type::Text("lower-case letters, digits, `-` and `_`; at most 63"),
        "The name of the context, unique in the repository.",
    )],
    one_of: &[],
    example: "name: dev-defaults",
};

const SPEC: Shape = Shape {
    name: "`spec`",
    title: "Spec",
    about: "",
    fields: &[
        Field::required(
            "attach",
            Type::Shape(&ATTACH),
            "The environments it is for.",
        ),
        Field::default(
            "priority",
            Type::Count("a whole number"),
            "0",
            "Which of several contexts that name an environment wins: the one with the lower \
             number. It does not count where a context is attached by labels.",
        ),
        Field::default(
            "variables",
            Type::Map(&Type::Scalar),
            "{}",
            "The variables.",
        ),
        Field::default(
            "secretVariables",
            Type::Map(&Type::Any),
            "{}",
            "Secret variables.",
        )
        .not_built(),
        Field::default(
            "files",
            Type::List(&Type::Any),
            "[]",
            "Files to bring along.",
        )
        .not_built(),
        Field::optional("checks", Type::Any, "Checks before and after a reconcile.").not_built(),
    ],
    one_of: &[],
    example: r#"attach: {environments: ["cluster_*"]}
priority: 10
variables: {region: us-west-2}"#,
};

const ATTACH: Shape = Shape {
    name: "`attach`",
    title: "Attach",
    about: "At least one is given. Where both fit, the context counts as attached by name.",
    fields: &[
        Field::default(
            "environments",
            Type::List(&Type::Text("a name, with `*` and `?`")),
            "[]",
            "Names of environments.",
        ),
        Field::default(
            "labels",
            Type::Map(&Type::Text("text")),
            "{}",
            "Labels that an environment must carry, all of them.",
        ),
    ],
    one_of: &[],
    example: "labels: {tier: dev}",
};

pub(in crate::config) fn decode(value: Value<'_>) -> Option<Context> {
    let fields = value.fields(&CONTEXT)?;
    check_kind(&fields, "Context");
    let name = fields
        .required("metadata")
        .and_then(|value| value.fields(&METADATA))
        .and_then(|fields| fields.required("name"))
        .and_then(|value| value.text_where(names::name));
    let spec = fields
        .required("spec")
        .and_then(|value| value.fields(&SPEC));
    let (name, spec) = match (name, spec) {
        (Some(name), Some(spec)) => (name, spec),
        (_, spec) => {
            // The rest is read for its errors.
            spec.and_then(|spec| decode_spec(&spec, Spanned::default()));
            return None;
        }
    };
    decode_spec(&spec, name).map(|context| Context {
        location: fields.location(),
        ..context
    })
}

fn decode_spec(spec: &Fields<'_>, name: Spanned<String>) -> Option<Context> {
    let attach = spec.required("attach").and_then(|value| {
        let fields = value.fields(&ATTACH)?;
        let environments = fields.optional("environments").and_then(Value::texts);
        let labels = fields.optional("labels").and_then(Value::text_map);
        let (environments, labels) = (environments.unwrap_or_default(), labels.unwrap_or_default());
        if environments.is_empty() && labels.is_empty() && !fields.has_unknown() {
            value.invalid(
                "`attach` needs at least one of `environments` and `labels`",
                "say which environments it is for; `environments: [\"*\"]` means all",
            );
            return None;
        }
        Some((environments, labels))
    });
    let priority = spec.optional("priority").map_or(Some(0), Value::integer);
    let variables = spec
        .optional("variables")
        .and_then(decode_variables)
        .unwrap_or_default();
    let not_built = ["secretVariables", "files", "checks"]
        .into_iter()
        .filter(|name| spec.optional(name).is_some())
        .map(|name| Spanned {
            value: name,
            location: spec.key_location(name),
        })
        .collect();
    let (environments, labels) = attach?;
    Some(Context {
        name,
        location: None,
        priority: priority?,
        environments,
        labels,
        variables,
        not_built,
    })
}
