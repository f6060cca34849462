//! Reads `kinds.txt`.
//!
//! The file is lines; a line that begins with a space belongs to the one above:
//!
//! ```text
//! resource apps/v1 deployments deployment Deployment namespaced get,list,… short=deploy categories=all
//!  status apps/v1 Deployment get,patch,update
//! kind apps/v1 Deployment                   the next type is this kind
//! type apps.v1.DeploymentSpec object        fields follow; `map=atomic` when owned as a whole
//!  replicas *? int32                        name, flags, type expression, attributes
//! type ~apis.meta.v1.Time date-time         an alias
//! ```
//!
//! Model names drop `io.k8s.api.`, and `~` stands for `io.k8s.apimachinery.pkg.`. Flags: `*` a Go pointer, `?`
//! `omitempty`, `0` `omitzero`, `!` required, `z` the declared default is the zero value. Type expressions: a word,
//! a model name, `[item]`, `{value}`. Attributes: `list=atomic|set|map:KEYS`, `patch=STRATEGY[:KEY]`,
//! `map=atomic|granular`, `default=JSON`.

use std::collections::HashMap;

use super::{Resource, Subresource};
use crate::types::node::{
    Additional, Arena, Declared, Field, GoFlags, List, ListKind, Node, NodeRef, Object, Patch,
    Scalar, Shape, UNTYPED_OBJECT,
};

/// All that the data file says.
#[derive(Default)]
pub(super) struct Builtin {
    pub(super) arena: Arena,
    /// By short model name.
    pub(super) models: HashMap<&'static str, NodeRef>,
    /// By `group/version Kind`.
    pub(super) kinds: HashMap<&'static str, NodeRef>,
    pub(super) resources: Vec<Resource>,
    words: HashMap<&'static str, NodeRef>,
}

const QUANTITY: &str = "~api.resource.Quantity";
const FIELDS_V1: &str = "~apis.meta.v1.FieldsV1";
const MICRO_TIME: &str = "~apis.meta.v1.MicroTime";
const RAW_EXTENSION: &str = "~runtime.RawExtension";

/// Reads the whole file. A line that does not parse is a mistake of the generator; tests read every line.
pub(super) fn load(text: &'static str) -> Builtin {
    let mut builtin = Builtin::default();
    for line in text.lines() {
        if let Some(name) = line
            .strip_prefix("type ")
            .and_then(|rest| rest.split(' ').next())
        {
            let mut parts = name.rsplit('.');
            let (model, package) = (
                parts.next().unwrap_or(name),
                parts.next().unwrap_or_default(),
            );
            let reference = builtin.arena.push(Node {
                model,
                package,
                ..Node::new(Shape::Raw)
            });
            builtin.models.insert(name, reference);
        }
    }
    let mut kind = None;
    let mut current = None;
    for line in text.lines() {
        let mut words = line.split(' ');
        match words.next() {
            Some("") => match current {
                Some(Section::Type(index)) => builtin.add_field(index, words),
                Some(Section::Resource) => builtin.add_subresource(words),
                None => {}
            },
            Some("kind") => kind = line.strip_prefix("kind "),
            Some("type") => {
                current = builtin.add_type(words, kind.take()).map(Section::Type);
            }
            Some("resource") => {
                builtin.add_resource(words);
                current = Some(Section::Resource);
            }
            _ => {}
        }
    }
    builtin
}

#[derive(Clone, Copy)]
enum Section {
    Resource,
    Type(NodeRef),
}

type Words = std::str::Split<'static, char>;

impl Builtin {
    fn add_type(&mut self, mut words: Words, kind: Option<&'static str>) -> Option<NodeRef> {
        let name = words.next()?;
        let expression = words.next()?;
        let reference = *self.models.get(name)?;
        if let Some(kind) = kind {
            self.kinds.insert(kind, reference);
        }
        let shape = match (name, expression) {
            (QUANTITY, _) => Shape::Scalar(Scalar::Quantity),
            (RAW_EXTENSION, _) => Shape::Raw,
            (MICRO_TIME, _) => Shape::Scalar(Scalar::MicroTime),
            (_, "object") => Shape::Object(Object {
                atomic: words.next() == Some("map=atomic"),
                // To a merge, a model without fields takes anything; the first field closes it.
                preserve: name == FIELDS_V1,
                ..UNTYPED_OBJECT
            }),
            (_, other) => self.shape(other),
        };
        if let Some(node) = self.arena.node_mut(reference) {
            node.shape = shape;
        }
        Some(reference)
    }

    fn add_field(&mut self, model: NodeRef, mut words: Words) {
        let (Some(name), Some(flags), Some(expression)) =
            (words.next(), words.next(), words.next())
        else {
            return;
        };
        let mut field = Field {
            name: name.into(),
            ty: model,
            required: flags.contains('!'),
            default: if flags.contains('z') {
                Declared::Zero
            } else {
                Declared::None
            },
            go: GoFlags {
                pointer: flags.contains('*'),
                omit_empty: flags.contains('?'),
                omit_zero: flags.contains('0'),
            },
            patch: Patch::default(),
        };
        let mut list = ListKind::Atomic;
        let mut atomic = None;
        for attribute in words {
            match attribute.split_once('=') {
                Some(("list", "set")) => list = ListKind::Set,
                Some(("list", keys)) => {
                    if let Some(keys) = keys.strip_prefix("map:") {
                        list = ListKind::Map(keys.split(',').map(Into::into).collect());
                    }
                }
                Some(("patch", patch)) => field.patch = parse_patch(patch),
                Some(("map", kind)) => atomic = Some(kind == "atomic"),
                Some(("default", json)) => {
                    field.default =
                        serde_json::from_str(json).map_or(Declared::None, Declared::Value);
                }
                _ => {}
            }
        }
        field.ty = self.reference(expression, list);
        if let Some(atomic) = atomic {
            field.ty = field.ty.with_atomic(atomic);
        }
        if let Some(Node {
            shape: Shape::Object(object),
            ..
        }) = self.arena.node_mut(model)
        {
            object.additional = Additional::Forbidden;
            object.fields.push(field);
        }
    }

    /// The node of a type expression; plain words and names share one node each.
    fn reference(&mut self, expression: &'static str, list: ListKind) -> NodeRef {
        if let Some(model) = self.models.get(expression) {
            return *model;
        }
        if list == ListKind::Atomic
            && let Some(known) = self.words.get(expression)
        {
            return *known;
        }
        let plain = list == ListKind::Atomic;
        let mut shape = self.shape(expression);
        if let Shape::List(found) = &mut shape {
            found.kind = list;
        }
        let reference = self.arena.push(Node::new(shape));
        if plain {
            self.words.insert(expression, reference);
        }
        reference
    }

    fn shape(&mut self, expression: &'static str) -> Shape {
        if let Some(item) = bracketed(expression, '[', ']') {
            return Shape::List(List {
                items: self.reference(item, ListKind::Atomic),
                kind: ListKind::Atomic,
            });
        }
        if let Some(value) = bracketed(expression, '{', '}') {
            return Shape::Object(Object {
                additional: Additional::Of(self.reference(value, ListKind::Atomic)),
                ..Object::default()
            });
        }
        Shape::Scalar(match expression {
            "string" => Scalar::String,
            "byte" => Scalar::Bytes,
            "date-time" => Scalar::DateTime,
            "int32" => Scalar::Int32,
            "int64" => Scalar::Int64,
            "integer" => Scalar::Integer,
            "number" => Scalar::Number,
            "boolean" => Scalar::Boolean,
            "int-or-string" => Scalar::IntOrString,
            "object" => return Shape::Object(UNTYPED_OBJECT),
            _ => return Shape::Untyped(UNTYPED_OBJECT),
        })
    }

    fn add_resource(&mut self, words: Words) {
        let words: Vec<&'static str> = words.collect();
        let [place, plural, singular, kind, scope, verbs, rest @ ..] = words.as_slice() else {
            return;
        };
        let (group, version) = group_version(place);
        let list = |name: &str| -> Vec<&'static str> {
            rest.iter()
                .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
                .map(|names| names.split(',').collect())
                .unwrap_or_default()
        };
        self.resources.push(Resource {
            group,
            version,
            kind,
            plural,
            singular: if *singular == "-" { "" } else { singular },
            short_names: list("short"),
            categories: list("categories"),
            verbs: verbs.split(',').collect(),
            namespaced: *scope == "namespaced",
            enabled: !version.contains("alpha") && !version.contains("beta"),
            subresources: Vec::new(),
        });
    }

    fn add_subresource(&mut self, mut words: Words) {
        if let (Some(name), Some(place), Some(kind), Some(verbs), Some(resource)) = (
            words.next(),
            words.next(),
            words.next(),
            words.next(),
            self.resources.last_mut(),
        ) {
            let (group, version) = group_version(place);
            resource.subresources.push(Subresource {
                name,
                group,
                version,
                kind,
                verbs: verbs.split(',').collect(),
            });
        }
    }
}

fn bracketed(text: &'static str, open: char, close: char) -> Option<&'static str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

fn group_version(text: &'static str) -> (&'static str, &'static str) {
    match text.split_once('/') {
        Some(("core", version)) => ("", version),
        Some(found) => found,
        None => ("", text),
    }
}

fn parse_patch(text: &'static str) -> Patch {
    let (strategies, key) = match text.split_once(':') {
        Some((strategies, key)) => (strategies, Some(key)),
        None => (text, None),
    };
    let has = |word: &str| strategies.split(',').any(|strategy| strategy == word);
    Patch {
        merge: has("merge"),
        replace: has("replace"),
        retain_keys: has("retainKeys"),
        merge_key: key,
    }
}
