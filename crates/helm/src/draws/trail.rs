//! Where a render is when something is drawn, so that the same draw is the same one in every render.

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{Hash, Hasher},
};

use trueup_gotemplate::{Map, Place, Value};

/// How deep what a named template was given is looked at: templates can make values that hold themselves.
const MAX_DEPTH: usize = 24;
/// How many bytes of it count.
const MAX_BYTES: usize = 1 << 20;

/// Where the templates of a render are, as far as draws must be told apart.
///
/// A draw belongs to the file that is being rendered, from the top or by `include`: what it draws is the same either
/// way, so that a checksum of a Secret's template is that of the Secret. One in a named template that has looked
/// something up belongs to what was looked up instead, whichever file includes the template: such a template draws
/// what it has not found in the cluster and finds there the next time, so all that include it mean one value.
#[derive(Default)]
pub(crate) struct Trail {
    steps: RefCell<Vec<Step>>,
}

struct Step {
    /// The file, or the named template.
    name: String,
    /// What a named template was given; none of a file.
    given: Option<Value>,
    /// What a named template was given, and what it has looked up; empty until it has looked up anything.
    about: Vec<u8>,
    /// How often each call was made since it was begun.
    calls: HashMap<u64, u32>,
}

impl Step {
    /// What draws that belong to it have in common.
    fn owner(&self) -> Vec<u8> {
        let mut owner = Vec::new();
        part(&mut owner, self.name.as_bytes());
        if self.given.is_some() {
            part(&mut owner, &self.about);
        }
        owner
    }
}

impl Trail {
    /// A file is begun.
    pub(crate) fn enter(&self, file: &str) {
        self.push(file, None);
    }

    /// A named template is begun.
    pub(crate) fn enter_named(&self, template: &str, given: Value) {
        self.push(template, Some(given));
    }

    fn push(&self, name: &str, given: Option<Value>) {
        self.steps.borrow_mut().push(Step {
            name: name.to_owned(),
            given,
            about: Vec::new(),
            calls: HashMap::new(),
        });
    }

    /// What was begun last is done.
    pub(crate) fn leave(&self) {
        self.steps.borrow_mut().pop();
    }

    /// An object is looked up: by the named template that does so, for all that include it.
    pub(crate) fn looks_up(&self, object: &[&str]) {
        let mut steps = self.steps.borrow_mut();
        for step in steps.iter_mut().rev() {
            let Some(given) = &step.given else { break };
            if step.about.is_empty() {
                outline(given, MAX_DEPTH, &mut step.about);
            }
            for text in object {
                part(&mut step.about, text.as_bytes());
            }
        }
    }

    /// The identity of a call.
    pub(super) fn identity(&self, function: &str, site: &str, arguments: &[u8]) -> Vec<u8> {
        let mut steps = self.steps.borrow_mut();
        let is_owner = |step: &&mut Step| step.given.is_none() || !step.about.is_empty();
        let mut owner = steps.iter_mut().rev().find(is_owner);
        let mut identity = owner.as_ref().map_or_else(Vec::new, |owner| owner.owner());
        for text in [site.as_bytes(), function.as_bytes(), arguments] {
            part(&mut identity, text);
        }
        let mut hasher = std::hash::DefaultHasher::new();
        identity.hash(&mut hasher);
        let ordinal = owner.as_mut().map_or(0, |owner| {
            let calls = owner.calls.entry(hasher.finish()).or_default();
            *calls += 1;
            *calls
        });
        identity.extend_from_slice(&ordinal.to_le_bytes());
        identity
    }
}

fn part(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Bytes that tell apart what a named template is given. The dot of a chart stands for that chart, whatever its values
/// and whichever its file.
fn outline(value: &Value, depth: usize, out: &mut Vec<u8>) {
    if depth == 0 || out.len() > MAX_BYTES {
        return;
    }
    match value.underlying().as_ref().unwrap_or(value) {
        Value::Str(text) => part(out, text.as_bytes()),
        Value::List(list) => {
            part(out, &(list.len() as u64).to_le_bytes());
            for item in list.items() {
                outline(item, depth - 1, out);
            }
        }
        Value::Map(map) => {
            if let Some(path) = dot(map) {
                return outline(&path, depth - 1, out);
            }
            let mut entries = map.entries();
            entries.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
            part(out, &(entries.len() as u64).to_le_bytes());
            for (key, value) in entries {
                part(out, key.as_bytes());
                outline(&value, depth - 1, out);
            }
        }
        Value::Object(object) => part(out, object.type_name().as_bytes()),
        other => part(out, trueup_gotemplate::fmt::display(other).as_bytes()),
    }
}

/// Where the templates of a chart are, if this is its dot.
fn dot(map: &Map) -> Option<Value> {
    let all = ["Chart", "Release", "Capabilities", "Values"];
    if !all.iter().all(|key| map.contains_key(key)) {
        return None;
    }
    let template = map.get("Template").and_then(|value| value.underlying());
    let path = template
        .as_ref()
        .and_then(|template| template.as_map()?.get("BasePath"));
    Some(path.unwrap_or_default())
}

/// What stands for the place of a call: its file, its line's text, and which of the lines with this text it is. Other
/// lines may come and go without changing what is drawn.
pub(super) fn site(place: &Place, text: Option<&str>) -> String {
    let name = place.template.to_text();
    let Some(text) = text else {
        return format!("{name}:{}:{}", place.line, place.column);
    };
    let lines: Vec<&str> = text.split('\n').map(str::trim).collect();
    let at = (place.line as usize).saturating_sub(1);
    let line = lines.get(at).copied().unwrap_or_default();
    let before = lines
        .iter()
        .take(at)
        .filter(|other| **other == line)
        .count();
    format!("{name}:{before}:{}:{line}", within(text, place, line))
}

/// The column within a line whose indentation does not count.
fn within(text: &str, place: &Place, line: &str) -> usize {
    let whole = text
        .split('\n')
        .nth((place.line as usize).saturating_sub(1))
        .unwrap_or(line);
    (place.column as usize).saturating_sub(whole.len() - whole.trim_start().len())
}
