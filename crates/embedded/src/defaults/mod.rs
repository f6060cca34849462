//! Defaults of built-in kinds, as users see them on every object they read back.
//!
//! In: an object of a kind. Out: the same object with what it leaves open filled in. Constants are
//! rows of `rules.txt`; what depends on other fields is in `computed`. It must never look at
//! another object or at the one before.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

mod computed;
#[cfg(test)]
mod tests;

pub(crate) use computed::TEMPLATE_GENERATION;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Items,
}

#[derive(Debug, Clone)]
struct Rule {
    /// Everything before the last field.
    way: Vec<Step>,
    field: String,
    value: Value,
    /// A neighbour of the field and the text it must have.
    condition: Option<(String, String)>,
}

static RULES: LazyLock<HashMap<String, Vec<Rule>>> =
    LazyLock::new(|| parse(include_str!("rules.txt")).unwrap_or_default());

/// Fills in what an object of a built-in kind leaves open.
pub(crate) fn apply(group: &str, kind: &str, object: &mut Value) {
    computed::before(group, kind, object);
    if let Some(rules) = RULES.get(&format!("{group}/{kind}")) {
        for rule in rules {
            set(object, &rule.way, rule);
        }
    }
    computed::after(group, kind, object);
}

fn set(value: &mut Value, way: &[Step], rule: &Rule) {
    match (way, value) {
        ([], Value::Object(map)) => set_here(map, rule),
        ([Step::Field(name), rest @ ..], Value::Object(map)) => {
            if let Some(inner) = map.get_mut(name) {
                set(inner, rest, rule);
            }
        }
        ([Step::Items, rest @ ..], Value::Array(items)) => {
            for item in items {
                set(item, rest, rule);
            }
        }
        _ => {}
    }
}

fn set_here(map: &mut Map<String, Value>, rule: &Rule) {
    if let Some((field, text)) = &rule.condition
        && map.get(field).and_then(Value::as_str) != Some(text)
    {
        return;
    }
    // A string Go always prints is open when it is empty.
    let open = |value: &Value| value.is_null() || (value == "" && rule.value.is_string());
    if map.get(&rule.field).is_none_or(open) {
        map.insert(rule.field.clone(), rule.value.clone());
    }
}

/// Reads the rules; `None` when a line is malformed, which a test rules out.
fn parse(text: &str) -> Option<HashMap<String, Vec<Rule>>> {
    let mut sections: HashMap<String, Vec<&str>> = HashMap::new();
    let mut section = String::new();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
    {
        match line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            Some(name) => name.clone_into(&mut section),
            None => sections.entry(section.clone()).or_default().push(line),
        }
    }
    let mut rules = HashMap::new();
    for name in sections.keys().filter(|name| name.contains('/')) {
        let mut all = Vec::new();
        expand(&sections, name, "", &mut all)?;
        rules.insert(name.clone(), all);
    }
    Some(rules)
}

fn expand(
    sections: &HashMap<String, Vec<&str>>,
    name: &str,
    prefix: &str,
    out: &mut Vec<Rule>,
) -> Option<()> {
    for line in sections.get(name)? {
        if let Some(rest) = line.strip_prefix("include ") {
            let (path, included) = rest.split_once(' ')?;
            expand(sections, included, &format!("{prefix}{path}."), out)?;
        } else {
            out.push(rule(prefix, line)?);
        }
    }
    Some(())
}

fn rule(prefix: &str, line: &str) -> Option<Rule> {
    let (path, rest) = line.split_once(" = ")?;
    let (value, condition) = match rest.split_once(" if ") {
        Some((value, condition)) => {
            let (field, text) = condition.split_once('=')?;
            (value, Some((field.to_owned(), text.to_owned())))
        }
        None => (rest, None),
    };
    let mut way = Vec::new();
    for part in format!("{prefix}{path}").split('.') {
        match part.strip_suffix("[]") {
            Some(list) => way.extend([Step::Field(list.to_owned()), Step::Items]),
            None => way.push(Step::Field(part.to_owned())),
        }
    }
    let Some(Step::Field(field)) = way.pop() else {
        return None;
    };
    Some(Rule {
        way,
        field,
        value: serde_json::from_str(value).ok()?,
        condition,
    })
}
