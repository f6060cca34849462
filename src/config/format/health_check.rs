//! `spec.healthChecks` of an Environment file.

use trueup_manifest::Diagnostic;

use crate::config::{
    decode::{Field, Shape, Type, Value},
    expression::Expression,
    health_check::HealthCheck,
    names,
    reconcile::KindPattern,
};

pub(super) const HEALTH_CHECK: Shape = Shape {
    name: "a health check",
    title: "HealthCheck",
    about: "When objects of a kind are healthy, in expressions of [CEL](https://cel.dev), in place of the \
            rules for their kind. An expression names the parts of the object: `apiVersion`, `kind`, \
            `metadata`, `spec`, `status`, `data`; all of it is `object`. `inProgress` is looked at first, \
            then `failed`, then `current`; where none holds, or a field is not there yet, the object is \
            waited for. An object whose controller has not seen its newest generation is always waited \
            for. The first check that fits an object is the one that holds.",
    fields: &[
        Field::required("kind", Type::Text("`Kind` or `Kind.group`"), "The kind."),
        Field::optional(
            "apiVersion",
            Type::Text("`group/version`"),
            "Only in this version.",
        ),
        Field::optional(
            "name",
            Type::Text("a name"),
            "Only the object of this name.",
        ),
        Field::optional(
            "namespace",
            Type::Text("a name"),
            "Only objects of this namespace.",
        ),
        Field::required(
            "current",
            Type::Text("an expression in CEL"),
            "When it is what it says.",
        ),
        Field::optional(
            "inProgress",
            Type::Text("an expression in CEL"),
            "When it is on its way there.",
        ),
        Field::optional(
            "failed",
            Type::Text("an expression in CEL"),
            "When it will not get there by itself: the wait ends at once.",
        ),
    ],
    one_of: &[],
    example: r"kind: Certificate.cert-manager.io
current: status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')
failed: status.failedIssuanceAttempts > 3",
};

pub(super) fn decode(value: Value<'_>) -> Option<HealthCheck> {
    let fields = value.fields(&HEALTH_CHECK)?;
    let kind = fields
        .required("kind")
        .and_then(|value| value.text_where(names::kind));
    let text = |name| {
        let text = fields.optional(name).and_then(Value::text);
        text.map(|text| text.value)
    };
    let (api_version, name, namespace) = (text("apiVersion"), text("name"), text("namespace"));
    // All of them, so that all errors come at once.
    let current = fields.required("current").map(expression);
    let optional = |name| fields.optional(name).map(expression);
    let (in_progress, failed) = (optional("inProgress"), optional("failed"));
    Some(HealthCheck {
        kind: KindPattern::new(kind?.value),
        api_version,
        name,
        namespace,
        current: current??,
        in_progress: in_progress.map_or(Some(None), |read| read.map(Some))?,
        failed: failed.map_or(Some(None), |read| read.map(Some))?,
    })
}

fn expression(value: Value<'_>) -> Option<Expression> {
    let text = value.text()?;
    match Expression::compile(&text) {
        Ok(expression) => Some(expression),
        Err(faults) => {
            for fault in faults {
                value.report(
                    Diagnostic::error("config/expression", fault.message)
                        .at(value.location_in(&text, fault.at))
                        .help(fault.help),
                );
            }
            None
        }
    }
}
