//! Whether a custom resource keeps its schema's rules, in the words of the real server.
//!
//! The order of checks and the choice of messages follow `kube-openapi/pkg/validation/validate`. `matches` counts
//! the checks that were made: where several alternatives fail, the errors of the one that got furthest are shown.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::Type;
use super::error::{FieldError, Reason};
use super::rules::{Bound, Rules, Unique};
use crate::value::{equal, go_json, is_integer, kind, quote};

impl Type {
    /// What is wrong with a custom resource, as the server would say it; empty when nothing is.
    ///
    /// Builtin kinds have no such rules: a server decodes them, and validates in code. CEL rules are not evaluated:
    /// see [`Type::unevaluated_rules`].
    pub fn validate(&self, object: &Value) -> Vec<FieldError> {
        let Some(rules) = self.view().rules() else {
            return Vec::new();
        };
        let mut outcome = validate(rules, "", object);
        if let Value::Object(map) = object {
            unique_below("", rules, map, &mut outcome.errors);
        }
        outcome.errors
    }

    /// How many `x-kubernetes-validations` rules (CEL) the schema has. They are not evaluated.
    pub fn unevaluated_rules(&self) -> usize {
        self.view().rules().map_or(0, |rules| rules.cel)
    }
}

#[derive(Default)]
struct Outcome {
    errors: Vec<FieldError>,
    matches: usize,
}

impl Outcome {
    fn add(&mut self, error: FieldError) {
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    fn merge(&mut self, other: Self) {
        self.matches += other.matches;
        for error in other.errors {
            self.add(error);
        }
    }

    fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }
}

fn invalid(path: &str, value: Value, detail: String) -> FieldError {
    let path = path.strip_prefix('.').unwrap_or(path);
    FieldError::new(path, Reason::Invalid, detail).with_value(value)
}

/// A problem that the validator states without a place of its own.
fn composite(words: String) -> FieldError {
    FieldError::new("", Reason::Invalid, words).with_value(Value::from(""))
}

fn validate(rules: &Rules, path: &str, value: &Value) -> Outcome {
    let mut outcome = Outcome::default();
    if value.is_null() {
        outcome.matches += 1;
        if !rules.types.is_empty() && !rules.nullable {
            outcome.add(wrong_type(path, &rules.types.join(","), "null"));
        }
        if let Some(error) = enumeration(rules, path, value) {
            outcome.add(error);
        }
        return outcome;
    }
    if !rules.types.is_empty() || rules.format.is_some() {
        outcome.matches += 2;
        if let Some(error) = of_type(rules, path, value) {
            outcome.add(error);
        }
    }
    outcome.merge(combined(rules, path, value));
    outcome.matches += 1;
    match value {
        Value::String(text) => string(rules, path, text, &mut outcome),
        Value::Number(number) => {
            numeric(rules, path, number, &mut outcome);
            outcome.matches += 2;
        }
        Value::Array(items) => {
            array(rules, path, items, &mut outcome);
            outcome.matches += 2;
        }
        _ => {}
    }
    if let Some(error) = enumeration(rules, path, value) {
        outcome.add(error);
    }
    outcome.matches += 1;
    if let Value::Object(map) = value {
        object(rules, path, map, &mut outcome);
        outcome.matches += 1;
    }
    outcome.matches += 1;
    outcome
}

fn wrong_type(path: &str, wanted: &str, found: &str) -> FieldError {
    let detail = format!("{path} in body must be of type {wanted}: {}", quote(found));
    let mut error = invalid(path, Value::from(found), detail);
    error.reason = Reason::TypeInvalid;
    error
}

fn of_type(rules: &Rules, path: &str, value: &Value) -> Option<FieldError> {
    let wanted = |name: &str| rules.types.contains(&name);
    let found = match value {
        // A number written with a fraction of zero is an integer where one is wanted.
        Value::Number(number) if number.is_f64() && is_integer(number) && !wanted("integer") => {
            "number"
        }
        other => kind(other),
    };
    if matches!(value, Value::String(_) | Value::Array(_))
        && rules.format.is_some()
        && !wanted("number")
        && !wanted("integer")
    {
        return None;
    }
    if wanted(found) || found == "integer" && wanted("number") {
        return None;
    }
    if let Some(format) = rules.format
        && !matches!(value, Value::String(_) | Value::Array(_))
    {
        let found = match found {
            "integer" => "int64",
            "number" => "float64",
            _ => "",
        };
        return Some(wrong_type(path, format.name(), found));
    }
    Some(wrong_type(path, &rules.types.join(","), found))
}

fn combined(rules: &Rules, path: &str, value: &Value) -> Outcome {
    let mut out = Outcome::default();
    let composite =
        |words: String| FieldError::new("", Reason::Invalid, words).with_value(Value::from(""));
    if !rules.any_of.is_empty() {
        let (valid, best, first) = alternatives(&rules.any_of, path, value, true);
        if valid == 0 {
            let words = format!("{} must validate at least one schema (anyOf)", quote(path));
            out.add(composite(words));
        }
        out.merge(best.or(first).unwrap_or_default());
    }
    if !rules.one_of.is_empty() {
        let (valid, best, first) = alternatives(&rules.one_of, path, value, false);
        if valid == 1 {
            out.merge(first.unwrap_or_default());
        } else {
            let found = match valid {
                0 => "Found none valid".to_owned(),
                valid => format!("Found {valid} valid alternatives"),
            };
            let words = format!(
                "{} must validate one and only one schema (oneOf). {found}",
                quote(path)
            );
            out.add(composite(words));
            out.merge(best.unwrap_or_default());
        }
    }
    if !rules.all_of.is_empty() {
        let mut valid = 0;
        for rules in &rules.all_of {
            let outcome = validate(rules, path, value);
            valid += usize::from(outcome.is_valid());
            out.merge(outcome);
        }
        if valid != rules.all_of.len() {
            let none = if valid == 0 { ". None validated" } else { "" };
            let words = format!(
                "{} must validate all the schemas (allOf){none}",
                quote(path)
            );
            out.add(composite(words));
        }
    }
    if let Some(not) = &rules.not
        && validate(not, path, value).is_valid()
    {
        out.add(composite(format!(
            "{} must not validate the schema (not)",
            quote(path)
        )));
    }
    out.matches += 1;
    out
}

/// How many alternatives hold, the errors of the one that got furthest, and the first that holds.
fn alternatives(
    schemas: &[Rules],
    path: &str,
    value: &Value,
    one_is_enough: bool,
) -> (usize, Option<Outcome>, Option<Outcome>) {
    let mut valid = 0;
    let mut best: Option<Outcome> = None;
    let mut first = None;
    for rules in schemas {
        let outcome = validate(rules, path, value);
        if outcome.is_valid() {
            valid += 1;
            best = None;
            first = first.or(Some(outcome));
            if one_is_enough {
                break;
            }
        } else if valid == 0
            && best
                .as_ref()
                .is_none_or(|best| outcome.matches > best.matches)
        {
            best = Some(outcome);
        }
    }
    (valid, best, first)
}

fn string(rules: &Rules, path: &str, text: &str, out: &mut Outcome) {
    let length = text.chars().count();
    let value = || Value::from(text);
    if let Some(most) = rules.max_length.filter(|most| length > *most) {
        let bytes = if most == 1 { "byte" } else { "bytes" };
        let path = path.strip_prefix('.').unwrap_or(path);
        let detail = format!("may not be more than {most} {bytes}");
        out.add(FieldError::new(path, Reason::TooLong, detail));
    } else if let Some(least) = rules.min_length.filter(|least| length < *least) {
        let detail = format!("{path} in body should be at least {least} chars long");
        out.add(invalid(path, value(), detail));
    } else if let Some((pattern, regex)) = &rules.pattern {
        let detail = match regex {
            Ok(regex) if regex.is_match(text) => None,
            Ok(_) => Some(format!("{path} in body should match '{pattern}'")),
            Err(error) => Some(format!(
                "{path} in body should match '{pattern}, but pattern is invalid: {error}'"
            )),
        };
        if let Some(detail) = detail {
            out.add(invalid(path, value(), detail));
        }
    }
    out.matches += 1;
    if let Some(format) = rules.format {
        if !format.accepts(text) {
            let detail = format!(
                "{path} in body must be of type {}: {}",
                format.name(),
                quote(text)
            );
            let mut error = invalid(path, value(), detail);
            error.reason = Reason::TypeInvalid;
            out.add(error);
        }
        out.matches += 1;
    }
}

/// A number's limits. Of integers, limits lose their fraction before they are compared, as they do in Go.
fn numeric(rules: &Rules, path: &str, number: &Number, out: &mut Outcome) {
    let Some(found) = number.as_f64() else {
        return;
    };
    let wants_integer = rules.types == ["integer"];
    let mut in_range = |number: f64, what: &str| {
        let fits = !wants_integer || is_whole(number);
        if !fits {
            let words = format!("{what} value must be of type integer (default format) in {path}");
            out.add(composite(words));
        }
        fits
    };
    in_range(found, "Checked");
    let mut effective = |limit: f64, what: &str| {
        if in_range(limit, what) && !number.is_f64() {
            limit.trunc()
        } else {
            limit
        }
    };
    let factor = rules
        .multiple_of
        .map(|factor| effective(factor, "MultipleOf"));
    let mut bound = |bound: Option<Bound>, what| {
        bound.map(|bound| Bound {
            limit: effective(bound.limit, what),
            ..bound
        })
    };
    let minimum = bound(rules.minimum, "Minimum boundary");
    let maximum = bound(rules.maximum, "Maximum boundary");
    let value = || Value::Number(number.clone());
    if let Some(factor) = factor {
        if factor <= 0.0 {
            let detail =
                format!("factor MultipleOf declared for {path} must be positive: {factor}");
            out.add(invalid(path, Value::from(factor), detail));
        } else if !is_whole(if factor < 1.0 {
            1.0 / factor * found
        } else {
            found / factor
        }) {
            let detail = format!("{path} in body should be a multiple of {factor}");
            out.add(invalid(path, value(), detail));
        }
    }
    for (bound, words, wrong) in [
        (minimum, "greater", Ordering::Less),
        (maximum, "less", Ordering::Greater),
    ] {
        let Some(Bound { limit, exclusive }) = bound else {
            continue;
        };
        let order = found.partial_cmp(&limit);
        if order == Some(wrong) || exclusive && order == Some(Ordering::Equal) {
            let or_equal = if exclusive { "" } else { " or equal to" };
            let detail = format!("{path} in body should be {words} than{or_equal} {limit}");
            out.add(invalid(path, value(), detail));
        }
    }
}

/// Whether a number is an integer to Go's JSON, which allows for the rounding of floats.
fn is_whole(number: f64) -> bool {
    const MOST: f64 = 9_007_199_254_740_991.0;
    let whole = number.trunc();
    let difference = (number - whole).abs();
    number.abs() <= MOST
        && (difference == 0.0 || whole != 0.0 && difference / (number.abs() + whole.abs()) < 1e-9)
}

fn array(rules: &Rules, path: &str, items: &[Value], out: &mut Outcome) {
    if let Some(rules) = &rules.items {
        for (i, item) in items.iter().enumerate() {
            out.merge(validate(rules, &format!("{path}[{i}]"), item));
        }
    }
    if let Some(least) = rules.min_items.filter(|least| items.len() < *least) {
        let detail = format!("{path} in body should have at least {least} items");
        out.add(invalid(path, Value::from(items.len()), detail));
    }
    if let Some(most) = rules.max_items.filter(|most| items.len() > *most) {
        out.add(too_many(path, items.len(), most));
    }
    let repeats = |(i, item): (usize, &Value)| items.iter().take(i).any(|other| other == item);
    if rules.unique_items && items.iter().enumerate().any(repeats) {
        let detail = format!("{path} in body shouldn't contain duplicates");
        out.add(invalid(path, Value::from(""), detail));
    }
}

fn too_many(path: &str, found: usize, most: usize) -> FieldError {
    let items = if most == 1 { "item" } else { "items" };
    let path = path.strip_prefix('.').unwrap_or(path);
    FieldError::new(
        path,
        Reason::TooMany,
        format!("must have at most {most} {items}"),
    )
    .with_value(Value::from(found))
}

fn enumeration(rules: &Rules, path: &str, value: &Value) -> Option<FieldError> {
    if rules.enumeration.is_empty()
        || !value.is_null()
            && rules
                .enumeration
                .iter()
                .any(|allowed| allows(allowed, value))
    {
        return None;
    }
    let allowed: Vec<_> = rules
        .enumeration
        .iter()
        .map(|allowed| match allowed {
            Value::String(text) => quote(text),
            other => quote(go_json(other)),
        })
        .collect();
    let path = path.strip_prefix('.').unwrap_or(path);
    let detail = format!("supported values: {}", allowed.join(", "));
    Some(FieldError::new(path, Reason::NotSupported, detail).with_value(value.clone()))
}

/// Whether an enumerated value allows this one. Go converts the one to the other's type first, and so cuts a fraction
/// off where an integer is allowed.
fn allows(allowed: &Value, value: &Value) -> bool {
    match (allowed, value) {
        (Value::Number(allowed), Value::Number(found)) if !allowed.is_f64() && found.is_f64() => {
            let whole = found.as_f64().map(f64::trunc);
            whole == allowed.as_f64()
        }
        _ => equal(allowed, value),
    }
}

fn object(rules: &Rules, path: &str, map: &Map<String, Value>, out: &mut Outcome) {
    if let Some(least) = rules.min_properties.filter(|least| map.len() < *least) {
        let detail = format!("{path} in body should have at least {least} properties");
        out.add(invalid(path, Value::from(map.len()), detail));
    }
    if let Some(most) = rules.max_properties.filter(|most| map.len() > *most) {
        out.add(too_many(path, map.len(), most));
    }
    if let Some(additional) = &rules.additional {
        for (key, value) in map {
            if !rules.properties.contains_key(key) {
                out.merge(validate(additional, &format!("{path}.{key}"), value));
            }
        }
    }
    for (name, rules) in &rules.properties {
        if let Some(value) = map.get(name) {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            out.merge(validate(rules, &path, value));
        }
    }
    for name in rules
        .required
        .iter()
        .filter(|name| !map.contains_key(*name))
    {
        let path = format!("{path}.{name}");
        let path = path.strip_prefix('.').unwrap_or(&path);
        out.add(FieldError::new(path, Reason::Required, ""));
    }
}

/// Finds repeated items of sets and keyed lists below an object.
fn unique_below(path: &str, rules: &Rules, map: &Map<String, Value>, out: &mut Vec<FieldError>) {
    for (key, value) in map {
        if let Some(rules) = rules.properties.get(key) {
            let dot = if path.is_empty() { "" } else { "." };
            unique(&format!("{path}{dot}{key}"), rules, value, out);
        } else if let Some(rules) = &rules.additional {
            unique(&format!("{path}[{key}]"), rules, value, out);
        }
    }
}

fn unique(path: &str, rules: &Rules, value: &Value, out: &mut Vec<FieldError>) {
    match value {
        Value::Object(map) => unique_below(path, rules, map, out),
        Value::Array(items) => {
            unique_items(path, &rules.list, items, out);
            if let Some(rules) = &rules.items {
                for (i, item) in items.iter().enumerate() {
                    unique(&format!("{path}[{i}]"), rules, item, out);
                }
            }
        }
        _ => {}
    }
}

fn unique_items(path: &str, kind: &Unique, items: &[Value], out: &mut Vec<FieldError>) {
    let keys: Vec<Value> = match kind {
        Unique::Nothing => return,
        Unique::Items => items.to_vec(),
        Unique::Keys(names) => {
            if let Some(i) = items
                .iter()
                .position(|item| !item.is_object() && !item.is_null())
            {
                let detail = "must be an object for an array of list-type map";
                let value = items.get(i).cloned().unwrap_or_default();
                out.push(invalid(&format!("{path}[{i}]"), value, detail.to_owned()));
                return;
            }
            let key_of = |item: &Value| {
                names
                    .iter()
                    .filter_map(|name| Some((name.clone(), item.get(name)?.clone())))
                    .collect::<Map<_, _>>()
            };
            items
                .iter()
                .map(|item| Value::Object(key_of(item)))
                .collect()
        }
    };
    for (i, key) in keys.iter().enumerate() {
        // Only the second of several equal items is reported.
        if keys.iter().take(i).filter(|other| *other == key).count() == 1 {
            let error = FieldError::new(format!("{path}[{i}]"), Reason::Duplicate, "");
            out.push(error.with_value(key.clone()));
        }
    }
}
