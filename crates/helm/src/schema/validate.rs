//! Values against a compiled schema.

use serde_json::{Map, Value};

use super::{
    Checker,
    document::{Document, Id, Json, field},
    equality::{duplicates, equals},
    format,
    keywords::Keywords,
    message::{Finding, Kind, count, display, number, quote, quoted},
};

/// Schemas in schemas, references included: deeper ones go in a circle.
const MAX_DEPTH: usize = 256;

/// The findings of the whole, the groups of its top dissolved; none where all is well.
pub(super) fn validate(checker: &Checker, value: &Value) -> Option<Vec<Finding>> {
    let mut walk = Walk {
        checker,
        document: &checker.document,
        path: Vec::new(),
        depth: 0,
    };
    let finding = walk.check(checker.document.root(), value)?;
    Some(match finding.kind {
        Kind::Group => finding.causes,
        _ => vec![finding],
    })
}

struct Walk<'s> {
    checker: &'s Checker,
    document: &'s Document,
    path: Vec<String>,
    depth: usize,
}

impl<'s> Walk<'s> {
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
        let fields = match self.document.get(id) {
            Json::Object(fields) => fields,
            _ if self.is_false(id) => return Some(self.says("false schema")),
            _ => return None,
        };
        if self.depth > MAX_DEPTH {
            return Some(self.says("references go in a circle"));
        }
        self.depth += 1;
        let schema = Keywords::read(self.document, fields, self.checker.draft);
        let finding = self.check_schema(id, &schema, value);
        self.depth -= 1;
        finding
    }

    /// Whether a schema lets nothing pass, by being `false`.
    fn is_false(&self, id: Id) -> bool {
        self.document.flag(id) == Some(false)
    }

    fn target(&self, id: Id, schema: &Keywords<'_>) -> Option<Id> {
        let target = || self.checker.targets.get(&id).copied();
        schema.refers.then(target).flatten()
    }

    fn check_schema(&mut self, id: Id, schema: &Keywords<'s>, value: &Value) -> Option<Finding> {
        if let Some(finding) = self.of_any(schema, value) {
            return Some(finding);
        }
        let mut found = Vec::new();
        if let Some(target) = self.target(id, schema) {
            let behind = self.check(target, value).map(|finding| {
                let causes = match finding.kind {
                    Kind::Group => finding.causes,
                    _ => vec![finding],
                };
                self.finding(Kind::Reference, causes)
            });
            // Before draft 2019 a reference hides its siblings.
            if self.checker.draft < 2019 {
                return behind;
            }
            found.extend(behind);
        }
        match value {
            Value::Object(fields) => self.of_object(id, schema, fields, value, &mut found),
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
    fn of_any(&self, schema: &Keywords<'s>, value: &Value) -> Option<Finding> {
        let kind = kind(value);
        if let Some(types) = schema.types
            && !types.has(kind)
            && !(types.has("integer") && is_whole(value))
        {
            return Some(self.says(format!("got {kind}, want {}", types.names())));
        }
        if let Some(constant) = schema.constant
            && !equals(self.document, constant, value)
        {
            return Some(self.says(match self.document.get(constant) {
                Json::Scalar(constant) => format!("value must be {}", display(constant)),
                _ => "'const' failed".to_owned(),
            }));
        }
        if let Some(variants) = schema.variants
            && !variants
                .iter()
                .any(|variant| equals(self.document, *variant, value))
        {
            let shown = variants
                .iter()
                .map(|variant| match self.document.get(*variant) {
                    Json::Scalar(variant) => Some(display(variant)),
                    _ => None,
                });
            let shown: Option<Vec<String>> = shown.collect();
            return Some(self.says(match shown.as_deref() {
                None => "'enum' failed".to_owned(),
                Some([one]) => format!("value must be {one}"),
                Some(all) => format!("value must be one of {}", all.join(", ")),
            }));
        }
        if let (Some(name), Value::String(text)) = (schema.format, value)
            && let Some(why) = format::failure(name, text)
        {
            return Some(self.says(format!("{} is not valid {name}: {why}", quote(text))));
        }
        None
    }

    fn of_object(
        &mut self,
        id: Id,
        schema: &Keywords<'s>,
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
        let missing = self.missing(fields, schema.required);
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
        for (name, value) in fields {
            let mut seen = false;
            let named = field(schema.properties, name);
            for id in named.into_iter().chain(self.matching(schema, name)) {
                seen = true;
                found.extend(self.check_at(id, value, name));
            }
            let Some(additional) = schema.additional.filter(|_| !seen) else {
                continue;
            };
            if self.is_false(additional) {
                unknown.push(name.as_str());
            } else {
                found.extend(self.check_at(additional, value, name));
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
        self.of_unevaluated(id, schema, fields, value, found);
    }

    fn of_dependencies(
        &mut self,
        schema: &Keywords<'s>,
        fields: &Map<String, Value>,
        value: &Value,
        found: &mut Vec<Finding>,
    ) {
        for (name, needs) in schema.dependencies.into_iter().flatten() {
            if !fields.contains_key(&**name) {
                continue;
            }
            let Some(names) = self.document.items(*needs) else {
                found.extend(self.check(*needs, value));
                continue;
            };
            let missing = self.missing(fields, names);
            if !missing.is_empty() {
                found.push(self.says(format!(
                    "properties {} required, if {} exists",
                    quoted(missing),
                    quote(name)
                )));
            }
        }
    }

    /// `unevaluatedProperties`: what neither this schema nor those it consists of look at.
    fn of_unevaluated(
        &mut self,
        id: Id,
        schema: &Keywords<'s>,
        fields: &Map<String, Value>,
        value: &Value,
        found: &mut Vec<Finding>,
    ) {
        let Some(rest) = schema.unevaluated_properties else {
            return;
        };
        for (name, field) in fields {
            if !self.looks_at(id, schema, name, value, 0) {
                found.extend(self.check_at(rest, field, name));
            }
        }
    }

    /// Whether a schema, or one it holds for the same value that accepts it, looks at a property.
    fn looks_at(
        &mut self,
        id: Id,
        schema: &Keywords<'s>,
        name: &str,
        value: &Value,
        depth: usize,
    ) -> bool {
        if depth > MAX_DEPTH {
            return false;
        }
        if schema.additional.is_some()
            || field(schema.properties, name).is_some()
            || self.matching(schema, name).next().is_some()
        {
            return true;
        }
        let parts = [
            self.target(id, schema),
            schema.condition,
            schema.then,
            schema.otherwise,
        ];
        let parts = parts.into_iter().flatten();
        let lists = [schema.all_of, schema.any_of, schema.one_of];
        let parts: Vec<Id> = parts.chain(lists.into_iter().flatten().copied()).collect();
        parts.into_iter().any(|id| {
            if self.check(id, value).is_some() {
                return false;
            }
            let Some(fields) = self.document.fields(id) else {
                return false;
            };
            let part = Keywords::read(self.document, fields, self.checker.draft);
            self.looks_at(id, &part, name, value, depth + 1)
        })
    }

    /// The schemas of the patterns that a name matches.
    fn matching<'n>(
        &self,
        schema: &Keywords<'s>,
        name: &'n str,
    ) -> impl Iterator<Item = Id> + use<'s, 'n> {
        let checker = self.checker;
        let patterns = schema.patterns.iter();
        patterns
            .filter(move |(pattern, id)| checker.matches(*id, pattern, name))
            .map(|(_, id)| *id)
    }

    fn missing(&self, fields: &Map<String, Value>, required: &'s [Id]) -> Vec<&'s str> {
        let names = required.iter().filter_map(|id| self.document.text(*id));
        names.filter(|name| !fields.contains_key(*name)).collect()
    }

    fn check_at(&mut self, id: Id, value: &Value, part: &str) -> Option<Finding> {
        self.path.push(part.to_owned());
        let finding = self.check(id, value);
        self.path.pop();
        finding
    }

    fn of_list(&mut self, schema: &Keywords<'s>, items: &[Value], found: &mut Vec<Finding>) {
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
        for (index, (item, id)) in items.iter().zip(schema.first_items).enumerate() {
            found.extend(self.check_at(*id, item, &index.to_string()));
        }
        let rest = items.get(schema.first_items.len()..).unwrap_or_default();
        if let Some(id) = schema.items {
            if self.is_false(id) && self.checker.draft < 2020 && !schema.first_items.is_empty() {
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

    fn of_contains(&mut self, schema: &Keywords<'s>, items: &[Value], found: &mut Vec<Finding>) {
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

    fn of_text(&mut self, schema: &Keywords<'s>, text: &str, found: &mut Vec<Finding>) {
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
        if let Some(id) = schema.pattern
            && let Some(pattern) = self.document.text(id)
            && !self.checker.matches(id, pattern, text)
        {
            found.push(self.says(format!(
                "{} does not match pattern {}",
                quote(text),
                quote(pattern)
            )));
        }
    }

    fn of_number(&mut self, schema: &Keywords<'s>, value: &Value, found: &mut Vec<Finding>) {
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

    fn of_conditions(&mut self, schema: &Keywords<'s>, value: &Value, found: &mut Vec<Finding>) {
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

    fn of_one(&mut self, schema: &Keywords<'s>, value: &Value, found: &mut Vec<Finding>) {
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
