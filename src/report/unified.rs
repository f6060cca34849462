//! Two states of an object as a unified diff of their YAML, with the places that set what changes.

use std::{fmt::Write as _, ops::Range};

use serde_json::{Map, Value};
use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

use crate::plan::Shown;

/// Lines round a change.
const CONTEXT: usize = 3;
/// What comes first in an object, in this order.
const FIRST: &[&str] = &["apiVersion", "kind", "metadata"];
/// What comes first in anything else.
const NAME: &str = "name";

/// One line of a unified diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is about.
    pub sign: Sign,
    /// The line without its sign.
    pub text: String,
    /// The place that sets the field which begins here: `file:line:column`.
    pub place: Option<String>,
}

/// What a line of a unified diff is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The head of a hunk.
    Hunk,
    /// A line of both states.
    Both,
    /// A line of the state before.
    Before,
    /// A line of the state after.
    After,
}

impl Sign {
    /// The character that the line begins with.
    pub fn character(self) -> char {
        match self {
            Self::Hunk => '@',
            Self::Both => ' ',
            Self::Before => '-',
            Self::After => '+',
        }
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.sign == Sign::Hunk {
            return f.write_str(&self.text);
        }
        write!(f, "{}{}", self.sign.character(), self.text)?;
        match &self.place {
            Some(place) => write!(f, "  # {place}"),
            None => Ok(()),
        }
    }
}

/// The lines in which two states differ, with some round them. Nothing where they do not differ.
pub fn unified(shown: &Shown) -> Vec<Line> {
    let lines = |side: &Option<Value>| side.as_ref().map(yaml).unwrap_or_default();
    let (before, after) = (lines(&shown.before), lines(&shown.after));
    let texts = |lines: &[Yaml]| {
        lines
            .iter()
            .map(|line| line.text.clone())
            .collect::<Vec<_>>()
    };
    let (old, new) = (texts(&before), texts(&after));
    let mut out = Vec::new();
    for group in group_diff_ops(capture_diff_slices(Algorithm::Myers, &old, &new), CONTEXT) {
        out.push(head(&group, &before, &after));
        for op in group {
            let kept = matches!(op, DiffOp::Equal { .. });
            let (gone, come) = (op.old_range(), op.new_range());
            if kept {
                let same = after.get(come).unwrap_or_default();
                out.extend(same.iter().map(|line| line.of(Sign::Both, None)));
                continue;
            }
            let gone = before.get(gone).unwrap_or_default();
            out.extend(gone.iter().map(|line| line.of(Sign::Before, None)));
            for line in after.get(come).unwrap_or_default() {
                let of_item = line.item.as_ref().and_then(|item| shown.places.get(item));
                let place = shown.places.get(&line.pointer).or(of_item);
                out.push(line.of(Sign::After, place.filter(|_| line.begins).cloned()));
            }
        }
    }
    out
}

/// `@@ -3,7 +3,8 @@ spec.template`: the lines of a hunk, and what they are part of.
fn head(group: &[DiffOp], before: &[Yaml], after: &[Yaml]) -> Line {
    let range = |of: fn(&DiffOp) -> Range<usize>| {
        let start = group.first().map_or(0, |op| of(op).start);
        let end = group.last().map_or(start, |op| of(op).end);
        match end - start {
            0 => format!("{start},0"),
            1 => format!("{}", start + 1),
            count => format!("{},{count}", start + 1),
        }
    };
    let (old, new) = (range(DiffOp::old_range), range(DiffOp::new_range));
    let first = group.first().map_or(0, |op| op.new_range().start);
    let line = after
        .get(first)
        .or_else(|| before.get(group.first().map_or(0, |op| op.old_range().start)));
    let parent = line
        .and_then(|line| line.pointer.rsplit_once('/'))
        .map(|(parent, _)| parent);
    let part = parent
        .unwrap_or_default()
        .trim_start_matches('/')
        .replace('/', ".")
        .replace("~1", "/");
    let space = if part.is_empty() { "" } else { " " };
    Line {
        sign: Sign::Hunk,
        text: format!("@@ -{old} +{new} @@{space}{part}"),
        place: None,
    }
}

/// A line of YAML with the field that it is of.
#[derive(Debug)]
struct Yaml {
    text: String,
    /// The JSON pointer of the field.
    pointer: String,
    /// The JSON pointer of the item of a list that begins here, too.
    item: Option<String>,
    /// Whether the field begins here.
    begins: bool,
}

impl Yaml {
    fn of(&self, sign: Sign, place: Option<String>) -> Line {
        Line {
            sign,
            text: self.text.clone(),
            place,
        }
    }
}

/// An object as YAML.
fn yaml(object: &Value) -> Vec<Yaml> {
    let mut lines = Vec::new();
    if let Value::Object(entries) = object {
        map(&mut lines, entries, "", 0, None);
    }
    lines
}

/// The entries of a map. `lead` stands before the first one: the dash of the list item that the map is.
fn map(
    lines: &mut Vec<Yaml>,
    entries: &Map<String, Value>,
    pointer: &str,
    indent: usize,
    lead: Option<&str>,
) {
    let mut keys: Vec<&String> = entries.keys().collect();
    let rank = |key: &str| {
        let first: &[&str] = if pointer.is_empty() { FIRST } else { &[NAME] };
        first
            .iter()
            .position(|other| *other == key)
            .unwrap_or(FIRST.len())
    };
    keys.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    for (at, key) in keys.into_iter().enumerate() {
        let Some(value) = entries.get(key) else {
            continue;
        };
        let own = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        let start = match lead.filter(|_| at == 0) {
            Some(lead) => lead.to_owned(),
            None => " ".repeat(indent),
        };
        field(
            lines,
            &format!("{start}{}:", scalar(key)),
            value,
            &own,
            indent,
        );
    }
}

/// A value after what leads to it.
fn field(lines: &mut Vec<Yaml>, lead: &str, value: &Value, pointer: &str, indent: usize) {
    let mut line = |text: String| {
        lines.push(Yaml {
            text,
            pointer: pointer.to_owned(),
            item: None,
            begins: true,
        });
    };
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            line(lead.to_owned());
            map(lines, entries, pointer, indent + 2, None);
        }
        Value::Array(items) if !items.is_empty() => {
            line(lead.to_owned());
            list(lines, items, pointer, indent);
        }
        Value::String(text) if is_block(text) => {
            let keep = if text.ends_with('\n') { "" } else { "-" };
            line(format!("{lead} |{keep}"));
            for part in text.trim_end_matches('\n').split('\n') {
                let indented = if part.is_empty() {
                    String::new()
                } else {
                    format!("{}{part}", " ".repeat(indent + 2))
                };
                lines.push(Yaml {
                    text: indented,
                    pointer: pointer.to_owned(),
                    item: None,
                    begins: false,
                });
            }
        }
        value => line(format!("{lead} {}", flat(value))),
    }
}

fn list(lines: &mut Vec<Yaml>, items: &[Value], pointer: &str, indent: usize) {
    let dash = format!("{}-", " ".repeat(indent));
    for (at, item) in items.iter().enumerate() {
        let own = format!("{pointer}/{at}");
        match item {
            Value::Object(entries) if !entries.is_empty() => {
                let first = lines.len();
                map(lines, entries, &own, indent + 2, Some(&format!("{dash} ")));
                if let Some(line) = lines.get_mut(first) {
                    line.item = Some(own);
                }
            }
            item => field(lines, &dash, item, &own, indent),
        }
    }
}

/// Whether a text is written by its lines.
fn is_block(text: &str) -> bool {
    let ends_once = !text.ends_with("\n\n");
    let printable = |c: char| c == '\n' || c == '\t' || !c.is_control();
    text.trim_end_matches('\n').contains('\n')
        && ends_once
        && !text.starts_with([' ', '\n'])
        && text.chars().all(printable)
}

/// A value on one line.
fn flat(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Object(_) => "{}".to_owned(),
        Value::Array(_) => "[]".to_owned(),
        value => value.to_string(),
    }
}

/// A text as YAML: in quotes where it would be read as something else.
fn scalar(text: &str) -> String {
    const WORDS: &[&str] = &[
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "~",
    ];
    let is_plain = text
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphanumeric() || "/._$".contains(c))
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains(|c: char| c.is_control())
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
        && !is_number(text);
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    // What JSON says, YAML reads in double quotes.
    let _ = write!(quoted, "{}", Value::from(text));
    quoted
}

/// Whether a text would be read as a number, a time or a number in base 60.
fn is_number(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    starts
        && (text.parse::<f64>().is_ok()
            || text.starts_with("0x")
            || text.starts_with("0o")
            || text
                .chars()
                .all(|c| c.is_ascii_digit() || "_.:-TZ".contains(c)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(before: Option<Value>, after: Option<Value>, places: &[(&str, &str)]) -> String {
        let places = places
            .iter()
            .map(|(pointer, place)| ((*pointer).to_owned(), (*place).to_owned()));
        let shown = Shown {
            before,
            after,
            places: places.collect(),
        };
        let lines = unified(&shown);
        lines
            .iter()
            .fold(String::new(), |text, line| format!("{text}{line}\n"))
    }

    #[test]
    fn a_change_has_some_lines_round_it_and_the_place_that_sets_it() {
        let object = |replicas: u32, image: &str| {
            json!({"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "api", "labels": {"b": "1", "a": "x"}},
                "spec": {"replicas": replicas, "template": {"spec": {"containers": [
                    {"image": "one", "name": "first"},
                    {"image": image, "name": "second", "args": ["--a", "--b=c: d"], "env": []}]}}}})
        };
        let places = [
            ("/spec/replicas", "overlays/dev/api.yaml:7:13"),
            (
                "/spec/template/spec/containers/1/image",
                "bases/api.yaml:9:16",
            ),
        ];
        insta::assert_snapshot!(text(Some(object(2, "two")), Some(object(3, "three")), &places), @r##"
        @@ -6,7 +6,7 @@ metadata.labels
             a: x
             b: "1"
         spec:
        -  replicas: 2
        +  replicas: 3  # overlays/dev/api.yaml:7:13
           template:
             spec:
               containers:
        @@ -17,4 +17,4 @@ spec.template.spec.containers.1.args
                 - "--a"
                 - "--b=c: d"
                 env: []
        -        image: two
        +        image: three  # bases/api.yaml:9:16
        "##);
    }

    #[test]
    fn a_new_object_is_all_of_it_and_an_equal_one_is_nothing() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
            "data": {"script": "#!/bin/sh\n\necho a\n", "yes": "yes", "n": "12", "plain": "a b", "odd": "- a"}});
        insta::assert_snapshot!(text(None, Some(object.clone()), &[]), @r##"
        @@ -0,0 +1,13 @@
        +apiVersion: v1
        +kind: ConfigMap
        +metadata:
        +  name: a
        +data:
        +  "n": "12"
        +  odd: "- a"
        +  plain: a b
        +  script: |
        +    #!/bin/sh
        +
        +    echo a
        +  "yes": "yes"
        "##);
        assert_eq!(text(Some(object.clone()), Some(object), &[]), "");
    }

    #[test]
    fn a_text_of_many_lines_changes_line_by_line() {
        let object = |line: &str| json!({"kind": "ConfigMap", "data": {"f": format!("one\ntwo\nthree\nfour\n{line}\nsix\n")}});
        insta::assert_snapshot!(text(Some(object("5")), Some(object("five")), &[("/data/f", "a.yaml:3:4")]), @r##"
        @@ -5,5 +5,5 @@ data
             two
             three
             four
        -    5
        +    five
             six
        "##);
    }

    #[test]
    fn what_is_shown_is_yaml_that_reads_as_the_object() {
        let object = json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "true", "annotations": {"a.b/c": "1e3", "d": "", "e: f": " g "}},
            "spec": {"list": [1, "2", [], {}, {"name": "x", "nested": [{"b": 2, "a": [1, 2]}, "z"]}, null, true, 1.5],
                     "text": "a\n  b\n", "kept": "a\nb", "odd": "\n\n", "tab": "\ta", "time": "2026-11-21", "octal": "0o7", "under": "1_000"}});
        let lines = yaml(&object);
        let lines = lines
            .iter()
            .fold(String::new(), |text, line| format!("{text}{}\n", line.text));
        let doc = trueup_yaml::Document::parse(&trueup_yaml::Source::new("x.yaml", lines.clone()))
            .unwrap()
            .remove(0);
        let mut json = String::new();
        trueup_yaml::emit::json(&doc, doc.root(), trueup_yaml::Schema::Sigs, &mut json).unwrap();
        let read: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read, object, "{lines}");
    }
}
