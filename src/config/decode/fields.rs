//! The fields of one mapping.

use trueup_manifest::{Diagnostic, nearest};
use trueup_yaml::{Location, NodeId};

use super::{
    Decoder,
    shape::Shape,
    value::{Role, Value},
};

/// A mapping that is read as a [`Shape`]. What the shape does not declare was reported when this
/// value was made; only declared fields can be asked for.
pub(crate) struct Fields<'a> {
    cx: &'a Decoder<'a>,
    node: NodeId,
    /// Where a person looks for the mapping: its key, or its beginning where it has none.
    place: Option<Location>,
    shape: &'static Shape,
    /// What the unknown fields were most likely meant to be; none for a word that is like nothing.
    misspelt: Vec<Option<&'static str>>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        cx: &'a Decoder<'a>,
        node: NodeId,
        place: Option<Location>,
        shape: &'static Shape,
    ) -> Self {
        let mut fields = Self {
            cx,
            node,
            place,
            shape,
            misspelt: Vec::new(),
        };
        fields.report_unknown();
        fields
    }

    /// Where the mapping begins.
    pub(crate) fn location(&self) -> Option<Location> {
        self.cx.doc.location(self.node)
    }

    /// Whether a field was misspelt, so that one which seems to be absent may not be.
    pub(crate) fn has_unknown(&self) -> bool {
        !self.misspelt.is_empty()
    }

    fn is_misspelt(&self, name: &str) -> bool {
        self.misspelt.contains(&Some(name))
    }

    /// The value of a field, unless it is absent or empty.
    pub(crate) fn optional(&self, name: &'static str) -> Option<Value<'a>> {
        self.present(name).filter(|value| !value.is_empty_scalar())
    }

    /// The value of a field, even where it is null.
    pub(crate) fn any(&self, name: &'static str) -> Option<Value<'a>> {
        self.present(name)
    }

    /// The value of a field that must be there.
    pub(crate) fn required(&self, name: &'static str) -> Option<Value<'a>> {
        let value = self.optional(name);
        // A misspelt field was reported as such; that it is missing is no news.
        if value.is_none() && !self.is_misspelt(name) {
            let place = self.key_location(name).or_else(|| self.place.clone());
            let help = match self.shape.field(name) {
                Some(field) => format!("add `{name}: {}`", field.holds.sample()),
                None => format!("add `{name}`"),
            };
            self.cx.report(
                Diagnostic::error(
                    "config/missing-field",
                    format!("{} needs `{name}`", self.shape.name),
                )
                .at(place)
                .help(help),
            );
        }
        value
    }

    /// The one field of `one_of` that is there, with its name. None or several are an error.
    pub(crate) fn choice(&self) -> Option<(&'static str, Value<'a>)> {
        let given: Vec<(&'static str, Value<'a>)> = self
            .shape
            .one_of
            .iter()
            .filter_map(|name| self.present(name).map(|value| (*name, value)))
            .collect();
        if let [one] = given.as_slice() {
            return Some(*one);
        }
        if given.is_empty() && self.shape.one_of.iter().any(|name| self.is_misspelt(name)) {
            return None;
        }
        let rule = format!(
            "{} needs exactly one of {}",
            self.shape.name,
            listed(self.shape.one_of, "and")
        );
        let error = if given.is_empty() {
            Diagnostic::error("config/choice", format!("{rule}, but has none"))
                .at(self.place.clone())
                .help(format!("add {}", listed(self.shape.one_of, "or")))
        } else {
            let names: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
            let message = format!("{rule}, but has {}", listed(&names, "and"));
            names
                .iter()
                .skip(1)
                .chain(names.first())
                .fold(
                    Diagnostic::error("config/choice", message),
                    |error, name| error.at(self.key_location(name)),
                )
                .help("keep the one that is meant and remove the others")
        };
        self.cx.report(error);
        None
    }

    /// Where the key of a field is written.
    pub(crate) fn key_location(&self, name: &str) -> Option<Location> {
        self.cx
            .doc
            .get_entry(self.node, name)
            .and_then(|(key, _)| self.cx.doc.location(key))
    }

    fn present(&self, name: &'static str) -> Option<Value<'a>> {
        debug_assert!(
            self.shape.field(name).is_some(),
            "{} declares no field `{name}`",
            self.shape.title
        );
        self.cx.asked.borrow_mut().insert((self.shape.title, name));
        let (key, value) = self.cx.doc.get_entry(self.node, name)?;
        Some(Value::new(self.cx, value, Role::Field(name)).under(key))
    }

    fn report_unknown(&mut self) {
        let known: Vec<&'static str> = self.shape.fields.iter().map(|field| field.name).collect();
        for (key, _) in self.cx.doc.entries(self.node) {
            let name = self.cx.doc.text(key).unwrap_or_default();
            if self.shape.field(name).is_some() {
                continue;
            }
            let meant = nearest(name, known.iter().copied())
                .and_then(|meant| known.iter().copied().find(|name| *name == meant));
            self.misspelt.push(meant);
            let help = match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if known.is_empty() => format!("{} has no fields", self.shape.name),
                None => format!("{} has {}", self.shape.name, listed(&known, "and")),
            };
            self.cx.report(
                Diagnostic::error("config/unknown-field", format!("unknown field `{name}`"))
                    .label(
                        self.cx.doc.location(key),
                        format!("not a field of {}", self.shape.name),
                    )
                    .help(help),
            );
        }
    }
}

/// "`a`, `b` and `c`", with the word given before the last.
fn listed(names: &[&str], word: &str) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {word} {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
