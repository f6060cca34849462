//! JSON paths of printer columns: fields, quoted fields, indexes, `[*]` and equality filters.

use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(i64),
    All,
    /// `[?(@.field == "text")]`, the field as a dotted path.
    Filter(String, String),
}

/// A path read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

impl Path {
    /// Reads a path; what is not understood selects nothing.
    pub(crate) fn parse(text: &str) -> Self {
        let mut steps = Vec::new();
        let mut rest = text
            .trim()
            .trim_start_matches('{')
            .trim_end_matches('}')
            .trim();
        while !rest.is_empty() {
            rest = if let Some(after) = rest.strip_prefix('.') {
                field(after, &mut steps)
            } else if rest.starts_with('[') {
                bracket(rest, &mut steps)
            } else {
                field(rest, &mut steps)
            };
        }
        Self(steps)
    }

    /// The values at the path.
    pub(crate) fn select<'a>(&self, object: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![object];
        for step in &self.0 {
            found = found
                .into_iter()
                .flat_map(|value| step_into(value, step))
                .collect();
        }
        found
    }
}

fn step_into<'a>(value: &'a Value, step: &Step) -> Vec<&'a Value> {
    match step {
        Step::Field(name) => value.get(name).into_iter().collect(),
        Step::Index(index) => {
            let items = value.as_array().map_or(&[][..], Vec::as_slice);
            let at = if *index < 0 {
                items.len().saturating_add_signed(to_isize(*index))
            } else {
                usize::try_from(*index).unwrap_or(usize::MAX)
            };
            items.get(at).into_iter().collect()
        }
        Step::All => match value {
            Value::Array(items) => items.iter().collect(),
            Value::Object(map) => map.values().collect(),
            _ => Vec::new(),
        },
        Step::Filter(field, text) => value
            .as_array()
            .into_iter()
            .flatten()
            .filter(|item| {
                let inner = field
                    .split('.')
                    .try_fold(*item, |value, part| value.get(part));
                match inner {
                    Some(Value::String(own)) => own == text,
                    Some(other) => serde_json::from_str::<Value>(text).is_ok_and(|v| v == *other),
                    None => false,
                }
            })
            .collect(),
    }
}

fn to_isize(index: i64) -> isize {
    isize::try_from(index).unwrap_or(isize::MIN)
}

/// A plain field up to the next `.` or `[`; a backslash keeps the next character.
fn field<'a>(text: &'a str, steps: &mut Vec<Step>) -> &'a str {
    let mut name = String::new();
    let mut chars = text.char_indices();
    let mut end = text.len();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.extend(chars.next().map(|(_, c)| c)),
            '.' | '[' => {
                end = at;
                break;
            }
            c => name.push(c),
        }
    }
    if !name.is_empty() {
        steps.push(Step::Field(name));
    }
    text.get(end..).unwrap_or_default()
}

fn bracket<'a>(text: &'a str, steps: &mut Vec<Step>) -> &'a str {
    let end = text.find(']').unwrap_or(text.len());
    let inside = text.get(1..end).unwrap_or_default().trim();
    let rest = text.get(end + 1..).unwrap_or_default();
    let unquote = |text: &str| text.trim().trim_matches(['\'', '"']).to_owned();
    if inside == "*" {
        steps.push(Step::All);
    } else if let Ok(index) = inside.parse() {
        steps.push(Step::Index(index));
    } else if let Some(filter) = inside.strip_prefix("?(").and_then(|f| f.strip_suffix(')')) {
        let (field, value) = filter.split_once("==").unwrap_or((filter, ""));
        let field = field
            .trim()
            .trim_start_matches('@')
            .trim_start_matches('.')
            .to_owned();
        steps.push(Step::Filter(field, unquote(value)));
    } else {
        steps.push(Step::Field(unquote(inside)));
    }
    rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_paths_of_crds_select_what_they_say() {
        let object = json!({
            "spec": {"a.b": 1, "list": [{"n": "x", "v": 1}, {"n": "y", "v": 2}]},
            "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "R"}]},
        });
        let rows = [
            (
                ".status.conditions[?(@.type==\"Ready\")].status",
                json!(["True"]),
            ),
            (".status.conditions[?(@.type == 'Nope')].status", json!([])),
            (".spec.list[*].v", json!([1, 2])),
            (".spec.list[0].n", json!(["x"])),
            (".spec.list[-1].n", json!(["y"])),
            (".spec['a.b']", json!([1])),
            (".spec.a\\.b", json!([1])),
            (".spec.nope", json!([])),
        ];
        for (path, want) in rows {
            let found: Vec<Value> = Path::parse(path)
                .select(&object)
                .into_iter()
                .cloned()
                .collect();
            assert_eq!(json!(found), want, "{path}");
        }
    }
}
