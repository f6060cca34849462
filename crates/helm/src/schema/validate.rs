//! Values against a compiled schema.

use serde_json::{Map, Value};

use super::{
    compile::{Id, Needs, Schema, Schemas},
    format,
    message::{Finding, Kind, count, display, number, quote, quoted},
};

/// Schemas in schemas, references included: deeper ones go in a circle.
const MAX_DEPTH: usize = 256;

/// The findings of the whole, the groups of its top dissolved; none where all is well.
pub(super) fn validate(schemas: &Schemas, value: &Value) -> Option<Vec<Finding>> {
    let mut walk = Walk {
        schemas,
        path: Vec::new(),
        depth: 0,
    };
    let finding = walk.check(Schemas::root(), value)?;
    Some(match finding.kind {
        Kind::Group => finding.causes,
        _ => vec![finding],
    })
}

struct Walk<'s> {
    schemas: &'s Schemas,
    path: Vec<String>,
    depth: usize,
}

impl Walk<'_> {
    fn finding(&self, kind: Kind, causes: Vec<Finding>) -> Finding {
        Finding {
            path: self.path.clone(),
            kind,
            causes,
        }
    }

    fn says(&self, text: impl Into<String>) -> Finding {
        self.finding(Kind::Says(text.into()), Vec::new())
    }

    fn check(&mut self, id: Id, value: &Value) -> Option<Finding> {
        let schema = self.schemas.get(id)?;
        if let Some(always) = schema.always {
            return (!always).then(|| self.says("false schema"));
        }
        if self.depth > MAX_DEPTH {
            return Some(self.says("references go in a circle"));
        }
        self.depth += 1;
        let finding = self.check_schema(&schema, value);
        self.depth -= 1;
        finding
    }

    fn check_schema(&mut self, schema: &Schema, value: &Value) -> Option<Finding> {
        if let Some(finding) = self.of_any(schema, value) {
            return Some(finding);
        }
        let mut found = Vec::new();
        if let Some(target) = schema.reference {
            let behind = self.check(target, value).map(|finding| {
                let causes = match finding.kind {
                    Kind::Group => finding.causes,
                    _ => vec![finding],
                };
                self.finding(Kind::Reference, causes)
            });
            // Before draft 2019 a reference hides its siblings.
            if self.schemas.draft() < 2019 {
                return behind;
            }
            found.extend(behind);
        }
        match value {
            Value::Object(fields) => self.of_object(schema, fields, value, &mut found),
            Value::Array(items) => self.of_list(schema, items, &mut found),
            Value::String(text) => self.of_text(schema, text, &mut found),
            Value::Number(_) => self.of_number(schema, value, &mut found),
            _ => {}
        }
        self.of_conditions(schema, value, &mut found);
        match found.len() {
            0 => None,
            1 => found.pop(),
            _ => Some(self.finding(Kind::Group, found)),
        }
    }

    /// What ends the look at a value: its type, and the values it may have.
    fn of_any(&self, schema: &Schema, value: &Value) -> Option<Finding> {
        let kind = kind(value);
        let fits = |wanted: &String| wanted == kind || wanted == "integer" && is_whole(value);
        if !schema.types.is_empty() && !schema.types.iter().any(fits) {
            return Some(self.says(format!("got {kind}, want {}", schema.types.join(" or "))));
        }
        if let Some(constant) = &schema.constant
            && !equal(value, constant)
        {
            return Some(self.says(match constant {
                Value::Array(_) | Value::Object(_) => "'const' failed".to_owned(),
                constant => format!("value must be {}", display(constant)),
            }));
        }
        if let Some(variants) = &schema.variants
            && !variants.iter().any(|variant| equal(value, variant))
        {
            let plain = !variants
                .iter()
                .any(|variant| variant.is_array() || variant.is_object());
            let all: Vec<String> = variants.iter().map(display).collect();
            return Some(self.says(match (plain, all.as_slice()) {
                (false, _) => "'enum' failed".to_owned(),
                (true, [one]) => format!("value must be {one}"),
                (true, all) => format!("value must be one of {}", all.join(", ")),
            }));
        }
        if let (Some(name), Value::String(text)) = (&schema.format, value)
            && let Some(why) = format::failure(name, text)
        {
            return Some(self.says(format!("{} is not valid {name}: {why}", quote(text))));
        }
        None
    }

    fn of_object(
        &mut self,
        schema: &Schema,
        fields: &Map<String, Value>,
        value: &Value,
        found: &mut Vec<Finding>,
    ) {
        let size = fields.len();
        for (limit, name, wrong) in [
            (
                schema.min_properties,
                "minProperties",
                schema.min_properties.is_some_and(|min| size < min),
            ),
            (
                schema.max_properties,
                "maxProperties",
                schema.max_properties.is_some_and(|max| size > max),
            ),
        ] {
            if let (Some(limit), true) = (limit, wrong) {
                found.push(self.says(format!(
                    "{name}: got {}, want {}",
                    count(size),
                    count(limit)
                )));
            }
        }
        let missing = missing(fields, &schema.required);
        match missing.as_slice() {
            [] => {}
            [one] => found.push(self.says(format!("missing property {}", quote(one)))),
            several => found.push(self.says(format!(
                "missing properties {}",
                quoted(several.iter().copied())
            ))),
        }
        self.of_dependencies(schema, fields, value, found);
        let mut unknown = Vec::new();
        for (name, field) in fields {
            let mut seen = false;
            let named = schema.properties.get(name).copied();
            let matching = schema
                .patterns
                .iter()
                .filter(|(pattern, _)| pattern.is_match(name))
                .map(|(_, id)| *id);
            for id in named.into_iter().chain(matching) {
                seen = true;
                found.extend(self.check_at(id, field, name));
            }
            let Some(additional) = schema.additional.filter(|_| !seen) else {
                continue;
            };
            if self
                .schemas
                .get(additional)
                .and_then(|schema| schema.always)
                == Some(false)
            {
                unknown.push(name.as_str());
            } else {
                found.extend(self.check_at(additional, field, name));
            }
        }
        if !unknown.is_empty() {
            found.push(self.says(format!(
                "additional properties {} not allowed",
                quoted(unknown)
            )));
        }
        if let Some(names) = schema.names {
            for name in fields.keys() {
                if let Some(cause) = self.check(names, &Value::String(name.clone())) {
                    let kind = Kind::Says(format!("invalid propertyName {}", quote(name)));
                    found.push(self.finding(kind, vec![cause]));
                }
            }
        }
        self.of_unevaluated(schema, fields, value, found);
    }

    fn of_dependencies(
        &mut self,
        schema: &Schema,
        fields: &Map<String, Value>,
        value: &Value,
        found: &mut Vec<Finding>,
    ) {
        for (name, needs) in &schema.dependencies {
            if !fields.contains_key(name) {
                continue;
            }
            match needs {
                Needs::Properties(names) => {
                    let missing = missing(fields, names);
                    if !missing.is_empty() {
                        found.push(self.says(format!(
                            "properties {} required, if {} exists",
                            quoted(missing),
                            quote(name)
                        )));
                    }
                }
                Needs::Schema(id) => found.extend(self.check(*id, value)),
            }
        }
    }

    /// `unevaluatedProperties`: what neither this schema nor those it consists of look at.
    fn of_unevaluated(
        &mut self,
        schema: &Schema,
        fields: &Map<String, Value>,
        value: &Value,
        found: &mut Vec<Finding>,
    ) {
        let Some(rest) = schema.unevaluated_properties else {
            return;
        };
        for (name, field) in fields {
            if !self.looks_at(schema, name, value, 0) {
                found.extend(self.check_at(rest, field, name));
            }
        }
    }

    /// Whether a schema, or one it holds for the same value that accepts it, looks at a property.
    fn looks_at(&mut self, schema: &Schema, name: &str, value: &Value, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            return false;
        }
        if schema.properties.contains_key(name)
            || schema
                .patterns
                .iter()
                .any(|(pattern, _)| pattern.is_match(name))
            || schema.additional.is_some()
        {
            return true;
        }
        let parts = [
            schema.reference,
            schema.condition,
            schema.then,
            schema.otherwise,
        ];
        let parts = parts.into_iter().flatten();
        let lists = [&schema.all_of, &schema.any_of, &schema.one_of];
        let parts: Vec<Id> = parts.chain(lists.into_iter().flatten().copied()).collect();
        parts.into_iter().any(|id| {
            self.check(id, value).is_none()
                && self
                    .schemas
                    .get(id)
                    .is_some_and(|part| self.looks_at(&part, name, value, depth + 1))
        })
    }

    fn check_at(&mut self, id: Id, value: &Value, part: &str) -> Option<Finding> {
        self.path.push(part.to_owned());
        let finding = self.check(id, value);
        self.path.pop();
        finding
    }

    fn of_list(&mut self, schema: &Schema, items: &[Value], found: &mut Vec<Finding>) {
        let size = items.len();
        for (limit, name, wrong) in [
            (
                schema.min_items,
                "minItems",
                schema.min_items.is_some_and(|min| size < min),
            ),
            (
                schema.max_items,
                "maxItems",
                schema.max_items.is_some_and(|max| size > max),
            ),
        ] {
            if let (Some(limit), true) = (limit, wrong) {
                found.push(self.says(format!(
                    "{name}: got {}, want {}",
                    count(size),
                    count(limit)
                )));
            }
        }
        if schema.unique
            && let Some((a, b)) = duplicates(items)
        {
            found.push(self.says(format!("items at {} and {} are equal", count(a), count(b))));
        }
        for (index, (item, id)) in items.iter().zip(&schema.first_items).enumerate() {
            found.extend(self.check_at(*id, item, &index.to_string()));
        }
        let rest = items.get(schema.first_items.len()..).unwrap_or_default();
        if let Some(id) = schema.items {
            let closed = self.schemas.get(id).and_then(|schema| schema.always) == Some(false);
            if closed && self.schemas.draft() < 2020 && !schema.first_items.is_empty() {
                if !rest.is_empty() {
                    found.push(self.says(format!(
                        "last {} additionalItem(s) not allowed",
                        count(rest.len())
                    )));
                }
            } else {
                // Items after the listed ones are counted from 0 again, as the validator does.
                for (index, item) in rest.iter().enumerate() {
                    found.extend(self.check_at(id, item, &index.to_string()));
                }
            }
        }
        self.of_contains(schema, items, found);
    }

    fn of_contains(&mut self, schema: &Schema, items: &[Value], found: &mut Vec<Finding>) {
        let Some(contains) = schema.contains else {
            return;
        };
        let mut causes = Vec::new();
        let mut matched: Vec<String> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match self.check_at(contains, item, &index.to_string()) {
                Some(cause) => causes.push(cause),
                None => matched.push(index.to_string()),
            }
        }
        let says = |limit: usize, word: &str| {
            let limit = count(limit);
            if matched.is_empty() {
                format!("{word} {limit} items required to match contains schema, but none matched")
            } else {
                format!(
                    "{word} {limit} items required to match contains schema, but matched {} items at {}",
                    count(matched.len()),
                    matched.join(" ")
                )
            }
        };
        match schema.min_contains {
            Some(min) if matched.len() < min => {
                found.push(self.finding(Kind::Says(says(min, "min")), causes));
            }
            None if matched.is_empty() => {
                let kind = Kind::Says("no items match contains schema".to_owned());
                found.push(self.finding(kind, causes));
            }
            _ => {}
        }
        if let Some(max) = schema.max_contains
            && matched.len() > max
        {
            found.push(self.says(says(max, "max")));
        }
    }

    fn of_text(&mut self, schema: &Schema, text: &str, found: &mut Vec<Finding>) {
        let size = text.chars().count();
        for (limit, name, wrong) in [
            (
                schema.min_length,
                "minLength",
                schema.min_length.is_some_and(|min| size < min),
            ),
            (
                schema.max_length,
                "maxLength",
                schema.max_length.is_some_and(|max| size > max),
            ),
        ] {
            if let (Some(limit), true) = (limit, wrong) {
                found.push(self.says(format!(
                    "{name}: got {}, want {}",
                    count(size),
                    count(limit)
                )));
            }
        }
        if let Some((pattern, written)) = &schema.pattern
            && !pattern.is_match(text)
        {
            found.push(self.says(format!(
                "{} does not match pattern {}",
                quote(text),
                quote(written)
            )));
        }
    }

    fn of_number(&mut self, schema: &Schema, value: &Value, found: &mut Vec<Finding>) {
        let Some(got) = value.as_f64() else {
            return;
        };
        for (limit, name, fits) in [
            (
                schema.minimum,
                "minimum",
                (|got, want| got >= want) as fn(f64, f64) -> bool,
            ),
            (schema.maximum, "maximum", |got, want| got <= want),
            (schema.above, "exclusiveMinimum", |got, want| got > want),
            (schema.below, "exclusiveMaximum", |got, want| got < want),
            (schema.multiple_of, "multipleOf", |got, want| {
                (got / want).fract() == 0.0
            }),
        ] {
            if let Some(limit) = limit
                && !fits(got, limit)
            {
                found.push(self.says(format!(
                    "{name}: got {}, want {}",
                    number(got),
                    number(limit)
                )));
            }
        }
    }

    fn of_conditions(&mut self, schema: &Schema, value: &Value, found: &mut Vec<Finding>) {
        if let Some(not) = schema.not
            && self.check(not, value).is_none()
        {
            found.push(self.says("'not' failed"));
        }
        let causes: Vec<Finding> = schema
            .all_of
            .iter()
            .filter_map(|id| self.check(*id, value))
            .collect();
        if !causes.is_empty() {
            found.push(self.finding(Kind::Says("'allOf' failed".to_owned()), causes));
        }
        if !schema.any_of.is_empty() {
            let mut causes = Vec::new();
            let fits = schema.any_of.iter().any(|id| {
                let cause = self.check(*id, value);
                let fits = cause.is_none();
                causes.extend(cause);
                fits
            });
            if !fits {
                found.push(self.finding(Kind::Says("'anyOf' failed".to_owned()), causes));
            }
        }
        self.of_one(schema, value, found);
        if let Some(condition) = schema.condition {
            let then = if self.check(condition, value).is_none() {
                schema.then
            } else {
                schema.otherwise
            };
            found.extend(then.and_then(|id| self.check(id, value)));
        }
    }

    fn of_one(&mut self, schema: &Schema, value: &Value, found: &mut Vec<Finding>) {
        if schema.one_of.is_empty() {
            return;
        }
        let mut causes = Vec::new();
        let mut matched = None;
        for (index, id) in schema.one_of.iter().enumerate() {
            match (self.check(*id, value), matched) {
                (Some(cause), None) => causes.push(cause),
                (Some(_), Some(_)) => {}
                (None, None) => matched = Some(index),
                (None, Some(first)) => {
                    let text = format!("'oneOf' failed, subschemas {first}, {index} matched");
                    found.push(self.says(text));
                    return;
                }
            }
        }
        if matched.is_none() {
            let kind = Kind::Says("'oneOf' failed, none matched".to_owned());
            found.push(self.finding(kind, causes));
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_whole(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

/// Equality of JSON values; `1` is `1.0`.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b
                || a.as_f64()
                    .zip(b.as_f64())
                    .is_some_and(|(a, b)| a.total_cmp(&b).is_eq())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
        }
        (a, b) => a == b,
    }
}

fn duplicates(items: &[Value]) -> Option<(usize, usize)> {
    items.iter().enumerate().find_map(|(b, item)| {
        let a = items.iter().take(b).position(|other| equal(item, other))?;
        Some((a, b))
    })
}

fn missing<'n>(fields: &Map<String, Value>, required: &'n [String]) -> Vec<&'n str> {
    required
        .iter()
        .filter(|name| !fields.contains_key(*name))
        .map(String::as_str)
        .collect()
}
