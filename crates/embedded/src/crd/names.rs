//! Which of the names a CRD asks for it is given.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{condition, text, texts};

/// Names other CRDs of the group have.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    resources: HashSet<String>,
    kinds: HashSet<String>,
}

impl Taken {
    /// Adds the accepted names of a CRD.
    pub(crate) fn add(&mut self, crd: &Value) {
        let Some(names) = crd.pointer("/status/acceptedNames") else {
            return;
        };
        for path in ["/plural", "/singular"] {
            self.resources.insert(text(names, path).to_owned());
        }
        self.resources.extend(texts(names, "/shortNames"));
        for path in ["/kind", "/listKind"] {
            self.kinds.insert(text(names, path).to_owned());
        }
        self.resources.remove("");
        self.kinds.remove("");
    }
}

/// The names to accept and the `NamesAccepted` condition. A name that is taken keeps what was
/// accepted before; the last conflict is the one the condition tells.
pub(crate) fn accept(crd: &Value, taken: &Taken, now: &str) -> (Value, Value) {
    let wanted = crd.pointer("/spec/names").cloned().unwrap_or_default();
    let before = crd
        .pointer("/status/acceptedNames")
        .cloned()
        .unwrap_or_default();
    let mut accepted = before.as_object().cloned().unwrap_or_default();
    let mut conflict = None;
    let rows = [
        ("plural", "PluralConflict", &taken.resources),
        ("singular", "SingularConflict", &taken.resources),
        ("shortNames", "ShortNamesConflict", &taken.resources),
        ("kind", "KindConflict", &taken.kinds),
        ("listKind", "ListKindConflict", &taken.kinds),
    ];
    for (field, reason, used) in rows {
        match refused(field, &wanted, &before, used) {
            Some(message) => conflict = Some((reason, message)),
            None => set(&mut accepted, field, &wanted),
        }
    }
    set(&mut accepted, "categories", &wanted);
    let condition = match conflict {
        Some((reason, message)) => condition("NamesAccepted", "False", reason, &message, now),
        None => condition(
            "NamesAccepted",
            "True",
            "NoConflicts",
            "no conflicts found",
            now,
        ),
    };
    (Value::Object(accepted), condition)
}

/// Why a name is refused.
fn refused(field: &str, wanted: &Value, before: &Value, used: &HashSet<String>) -> Option<String> {
    let all = |value: &Value| match value.get(field) {
        Some(Value::String(one)) => vec![one.clone()],
        _ => texts(value, &format!("/{field}")),
    };
    let own = all(before);
    let clashes: Vec<String> = all(wanted)
        .into_iter()
        .filter(|name| !own.contains(name) && used.contains(name))
        .map(|name| format!("{name:?} is already in use"))
        .collect();
    match clashes.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("[{}]", many.join(", "))),
    }
}

fn set(accepted: &mut Map<String, Value>, field: &str, wanted: &Value) {
    match wanted.get(field) {
        Some(value) => accepted.insert(field.to_owned(), value.clone()),
        None => accepted.remove(field),
    };
}
