//! Where in an object a field is, for people and for looking it up again.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// One step into an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A key of a map.
    Key(String),
    /// An item of a list that is told apart by some of its fields.
    Item(Vec<(String, Value)>),
    /// An item by its position.
    Index(usize),
    /// An item of a set, by its value.
    Member(Value),
}

/// The way from an object's root to a field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The first key; empty for the root.
    pub fn first_key(&self) -> &str {
        self.key(0)
    }

    /// The key at a depth; empty where there is none.
    pub fn key(&self, depth: usize) -> &str {
        match self.0.get(depth) {
            Some(Step::Key(key)) => key,
            _ => "",
        }
    }
}

/// `spec.template.spec.containers[name=web].image`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if key.contains(['.', '[']) => write!(f, "[{key}]")?,
                Step::Key(key) if depth == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Member(value) => write!(f, "[{}]", Plain(value))?,
                Step::Item(fields) => {
                    f.write_str("[")?;
                    for (index, (key, value)) in fields.iter().enumerate() {
                        let comma = if index > 0 { "," } else { "" };
                        write!(f, "{comma}{key}={}", Plain(value))?;
                    }
                    f.write_str("]")?;
                }
            }
        }
        Ok(())
    }
}

/// A scalar without the quotes of JSON.
struct Plain<'a>(&'a Value);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => f.write_str(text),
            value => value.fmt(f),
        }
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A path under construction: links of the call stack, made a [`Path`] only where one is wanted.
#[derive(Clone, Copy)]
pub(super) struct Trail<'t> {
    parent: Option<&'t Self>,
    link: Link<'t>,
}

#[derive(Clone, Copy)]
enum Link<'t> {
    Root,
    Key(&'t str),
    Item(&'t serde_json::Map<String, Value>),
    Index(usize),
    Member(&'t Value),
}

impl<'t> Trail<'t> {
    pub(super) const ROOT: Trail<'static> = Trail {
        parent: None,
        link: Link::Root,
    };

    pub(super) fn key(&'t self, key: &'t str) -> Self {
        Trail {
            parent: Some(self),
            link: Link::Key(key),
        }
    }

    pub(super) fn item(&'t self, fields: &'t serde_json::Map<String, Value>) -> Self {
        Trail {
            parent: Some(self),
            link: Link::Item(fields),
        }
    }

    pub(super) fn index(&'t self, index: usize) -> Self {
        Trail {
            parent: Some(self),
            link: Link::Index(index),
        }
    }

    pub(super) fn member(&'t self, value: &'t Value) -> Self {
        Trail {
            parent: Some(self),
            link: Link::Member(value),
        }
    }

    /// The key it ends with, through the items of lists: for `ports[0]` that is `ports`.
    pub(super) fn last_key(&self) -> &'t str {
        match (self.link, self.parent) {
            (Link::Key(key), _) => key,
            (Link::Root, _) | (_, None) => "",
            (_, Some(parent)) => parent.last_key(),
        }
    }

    pub(super) fn parent(&self) -> Option<&'t Self> {
        self.parent
    }

    pub(super) fn to_path(self) -> Path {
        let mut steps = Vec::new();
        let mut next = Some(&self);
        while let Some(trail) = next {
            match trail.link {
                Link::Root => {}
                Link::Key(key) => steps.push(Step::Key(key.to_owned())),
                Link::Item(fields) => steps.push(Step::Item(
                    fields
                        .iter()
                        .map(|(key, value)| (key.clone(), value.clone()))
                        .collect(),
                )),
                Link::Index(index) => steps.push(Step::Index(index)),
                Link::Member(value) => steps.push(Step::Member(value.clone())),
            }
            next = trail.parent;
        }
        steps.reverse();
        Path(steps)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_reads_like_the_field_it_names() {
        let fields = json!({"containerPort": 80, "protocol": "TCP"});
        let root = Trail::ROOT;
        let (spec, ports) = (root.key("spec"), "ports");
        let ports = spec.key(ports);
        let item = ports.item(fields.as_object().unwrap());
        assert_eq!(
            item.key("name").to_path().to_string(),
            "spec.ports[containerPort=80,protocol=TCP].name"
        );
        assert_eq!(item.last_key(), "ports");
        let metadata = root.key("metadata");
        let labels = metadata.key("labels").to_path().to_string();
        assert_eq!(labels, "metadata.labels");
        let label = Path(vec![Step::Key("labels".into()), Step::Key("a.b/c".into())]);
        assert_eq!(label.to_string(), "labels[a.b/c]");
    }
}
