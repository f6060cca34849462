//! Field specs: visiting every field that a path like `spec/containers/env[]/value` may mean.
//!
//! A field spec makes no difference between mappings and lists: a list on the way is entered item by
//! item.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use trueup_yaml::{Document, Key, Kind, NodeId};

use super::{
    Misfit, expect,
    lookup::{lookup, new_of},
    set_field, split_path,
};

/// What a field spec makes where the field is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Create {
    /// Nothing: an absent field is left alone.
    No,
    /// The way there, and a node of this kind.
    Yes(Kind),
}

/// The path of a field spec, split once, when it is first followed: most specs are for kinds that a
/// build does not have. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct FieldPath(Arc<Split>);

#[derive(Debug)]
struct Split {
    path: Cow<'static, str>,
    parts: OnceLock<Vec<Part>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    name: Key,
    /// Written with `[]`: never made, only entered.
    list: bool,
    /// The name is a key and nothing else: no index, no selector.
    key: bool,
}

impl FieldPath {
    pub(crate) fn new(path: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Split {
            path: path.into(),
            parts: OnceLock::new(),
        }))
    }

    fn parts(&self) -> &[Part] {
        self.0.parts.get_or_init(|| {
            let parts = split_path(&self.0.path, '/').into_iter();
            parts.map(Part::new).collect()
        })
    }
}

impl Part {
    fn new(part: String) -> Self {
        let (name, list) = match part.strip_suffix("[]") {
            Some(name) => (name.to_owned(), true),
            None => (part, false),
        };
        let key = name.bytes().any(|b| b.is_ascii_alphabetic())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
        let name = Key::new(name);
        Self { name, list, key }
    }
}

/// What is done at each field. An error of the visitor ends the walk.
pub(crate) type Visit<'a, E> = &'a mut dyn FnMut(&mut Document, NodeId) -> Result<(), E>;

/// Visits every field below `from` that the path means.
pub(crate) fn each_field<E: From<Misfit>>(
    doc: &mut Document,
    from: NodeId,
    path: &FieldPath,
    create: Create,
    visit: Visit<'_, E>,
) -> Result<(), E> {
    walk(doc, from, path.parts(), create, visit)
}

/// The way that the last path took through mappings. Paths that are followed one after the other mostly
/// begin alike, and where nothing is made that beginning leads to the same nodes.
pub(crate) struct Trail<'p> {
    root: NodeId,
    /// Parts of the path, and where each led; none where there is no such field.
    steps: Vec<(&'p Part, Option<NodeId>)>,
}

impl<'p> Trail<'p> {
    /// For paths from this node.
    pub(crate) fn new(root: NodeId) -> Self {
        Self {
            root,
            steps: Vec::new(),
        }
    }

    /// [`each_field`] with nothing made. Between two of them nobody may add or remove a field on the way.
    pub(crate) fn each_field<E: From<Misfit>>(
        &mut self,
        doc: &mut Document,
        path: &'p FieldPath,
        visit: Visit<'_, E>,
    ) -> Result<(), E> {
        let parts = path.parts();
        let shared = self.steps.iter().zip(parts);
        let shared = shared.take_while(|((step, _), part)| step == part).count();
        self.steps.truncate(shared);
        let mut at = self.steps.last().map_or(Some(self.root), |step| step.1);
        let mut rest = parts.get(shared..).unwrap_or_default();
        while let (Some(map), Some((part, after))) = (at, rest.split_first()) {
            if !part.key || part.list || doc.kind(map) != Kind::Mapping {
                break;
            }
            at = doc.get_key(map, &part.name);
            self.steps.push((part, at));
            rest = after;
        }
        match at {
            Some(at) => walk(doc, at, rest, Create::No, visit),
            None => Ok(()),
        }
    }
}

fn walk<E: From<Misfit>>(
    doc: &mut Document,
    at: NodeId,
    path: &[Part],
    create: Create,
    visit: Visit<'_, E>,
) -> Result<(), E> {
    let Some((part, rest)) = path.split_first() else {
        return visit(doc, at);
    };
    if doc.is_null(at) {
        return Ok(());
    }
    match doc.kind(at) {
        Kind::Sequence => {
            for index in 0..doc.len(at) {
                if let Some(item) = doc.item(at, index) {
                    walk(doc, item, path, create, visit)?;
                }
            }
            Ok(())
        }
        Kind::Mapping => match enter(doc, at, part, rest.is_empty(), create)? {
            Some(field) => walk(doc, field, rest, create, visit),
            None => Ok(()),
        },
        Kind::Alias => walk(doc, doc.target(at), path, create, visit),
        Kind::Scalar => Err(Misfit::Kind {
            expected: Kind::Mapping,
            found: at,
        }
        .into()),
    }
}

/// The field of a mapping, made where the spec says so.
fn enter(
    doc: &mut Document,
    map: NodeId,
    part: &Part,
    last: bool,
    create: Create,
) -> Result<Option<NodeId>, Misfit> {
    if part.name.as_str().is_empty() {
        return Err(Misfit::Path(
            "a field spec holds an empty field name".to_owned(),
        ));
    }
    let found = if part.key {
        doc.get_key(map, &part.name)
    } else {
        lookup(doc, map, &[part.name.as_str()])?
    };
    let kind = match create {
        Create::Yes(kind) if !part.list => Some(if last { kind } else { Kind::Mapping }),
        _ => part.list.then_some(Kind::Sequence),
    };
    match (found, kind) {
        (Some(field), Some(kind)) if doc.is_null(field) => {
            // A null keeps its word: with a suffix, `null` becomes `null-x`.
            let word = doc.text(field).filter(|_| kind == Kind::Scalar);
            let made = match word.map(ToOwned::to_owned) {
                Some(word) => doc.new_str(&word),
                None => new_of(doc, kind),
            };
            doc.replace(field, made);
            Ok(Some(field))
        }
        (Some(field), _) => Ok(Some(field)),
        (None, Some(kind)) if !part.list => {
            expect(doc, map, Kind::Mapping)?;
            let made = new_of(doc, kind);
            set_field(doc, map, part.name.as_str(), made)?;
            Ok(Some(made))
        }
        (None, _) => Ok(None),
    }
}
