//! When two values are the same although they are not written the same.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    super::{
        path::Trail,
        view::{Shape, View},
    },
    defaults, quantity,
};

/// Maps whose values are quantities.
const QUANTITY_MAPS: &[&str] = &[
    "allocatable",
    "capacity",
    "default",
    "defaultRequest",
    "hard",
    "limits",
    "max",
    "maxLimitRequestRatio",
    "min",
    "podFixed",
    "requests",
];
/// Fields that are quantities.
const QUANTITY_FIELDS: &[&str] = &["averageValue", "divisor", "sizeLimit", "value"];

/// How the values of a kind are to be read. Only kinds of Kubernetes itself are read with
/// indulgence: their server normalises them, while custom resources are kept as they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Reading {
    /// As they are.
    Literal,
    /// With quantities and the defaults of atomic fields.
    Typed,
    /// With `data` in Base64.
    Secret,
    /// With `binaryData` in Base64.
    ConfigMap,
}

impl Reading {
    pub(in crate::plan) fn of(api_version: &str, kind: &str) -> Self {
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        match (group, kind) {
            ("", "Secret") => Self::Secret,
            ("", "ConfigMap") => Self::ConfigMap,
            (group, _) if !group.contains('.') || group.ends_with(".k8s.io") => Self::Typed,
            _ => Self::Literal,
        }
    }

    /// Whether a value that is owned as a whole is what is live.
    pub(in crate::plan) fn same<'a, V: View<'a>>(
        self,
        desired: V,
        live: Option<&Value>,
        trail: &Trail<'_>,
    ) -> bool {
        let Some(live) = live else {
            return desired.is_zero();
        };
        match (desired.shape(), live) {
            (Shape::Map, Value::Object(entries)) => {
                let wanted = desired
                    .entries()
                    .all(|(key, value)| self.same(value, entries.get(key), &trail.key(key)));
                let added = entries.iter().filter(|(key, _)| desired.get(key).is_none());
                wanted
                    && added
                        .into_iter()
                        .all(|(key, value)| self.is_default(trail, key, value))
            }
            (Shape::List, Value::Array(items)) => {
                desired.len() == items.len()
                    && desired
                        .items()
                        .zip(items)
                        .enumerate()
                        .all(|(index, (item, live))| {
                            self.same(item, Some(live), &trail.index(index))
                        })
            }
            _ => plainly_same(desired, live) || self.leniently_same(desired, live, trail),
        }
    }

    fn is_default(self, trail: &Trail<'_>, key: &str, value: &Value) -> bool {
        self == Self::Typed && defaults::is_default(trail, key, value)
    }

    fn leniently_same<'a, V: View<'a>>(self, desired: V, live: &Value, trail: &Trail<'_>) -> bool {
        match self {
            Self::Literal => false,
            Self::Typed => is_quantity(trail) && same_quantity(desired, live),
            Self::Secret => is_in(trail, "data") && same_bytes(desired, live),
            Self::ConfigMap => is_in(trail, "binaryData") && same_bytes(desired, live),
        }
    }
}

fn is_in(trail: &Trail<'_>, key: &str) -> bool {
    trail
        .parent()
        .is_some_and(|parent| parent.last_key() == key)
}

fn is_quantity(trail: &Trail<'_>) -> bool {
    QUANTITY_FIELDS.contains(&trail.last_key())
        || trail
            .parent()
            .is_some_and(|parent| QUANTITY_MAPS.contains(&parent.last_key()))
}

fn same_quantity<'a, V: View<'a>>(desired: V, live: &Value) -> bool {
    let Value::String(live) = live else {
        return false;
    };
    match desired.shape() {
        Shape::Str(text) => quantity::same(text, live),
        Shape::Int(number) => quantity::same(&number.to_string(), live),
        Shape::Uint(number) => quantity::same(&number.to_string(), live),
        Shape::Float(number) => quantity::same(&number.to_string(), live),
        _ => false,
    }
}

fn same_bytes<'a, V: View<'a>>(desired: V, live: &Value) -> bool {
    let (Some(desired), Some(live)) = (desired.text(), live.as_str()) else {
        return false;
    };
    // Go's decoder skips line breaks, so that wrapped Base64 is fine.
    let unwrapped: String = desired
        .chars()
        .filter(|c| !matches!(c, '\r' | '\n'))
        .collect();
    match (STANDARD.decode(unwrapped), STANDARD.decode(live)) {
        (Ok(desired), Ok(live)) => desired == live,
        _ => false,
    }
}

/// Whether two scalars are the same JSON value; numbers are compared by value.
pub(in crate::plan) fn plainly_same<'a, V: View<'a>>(desired: V, live: &Value) -> bool {
    match (desired.shape(), live) {
        (Shape::Null, Value::Null) => true,
        (Shape::Bool(left), Value::Bool(right)) => left == *right,
        (Shape::Str(left), Value::String(right)) => left == right,
        (Shape::Int(left), Value::Number(right)) => match right.as_i64() {
            Some(right) => left == right,
            #[expect(
                clippy::cast_precision_loss,
                reason = "as servers do with such numbers"
            )]
            None => same_float(left as f64, right.as_f64()),
        },
        (Shape::Uint(left), Value::Number(right)) => match right.as_u64() {
            Some(right) => left == right,
            #[expect(
                clippy::cast_precision_loss,
                reason = "as servers do with such numbers"
            )]
            None => same_float(left as f64, right.as_f64()),
        },
        (Shape::Float(left), Value::Number(right)) => same_float(left, right.as_f64()),
        _ => false,
    }
}

fn same_float(left: f64, right: Option<f64>) -> bool {
    right == Some(left)
}
