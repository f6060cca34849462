//! Following a path of keys, indexes and item selectors.

use trueup_yaml::{Document, Kind, NodeId, Style};

use super::{Misfit, expect, is_index, is_missing, is_selector, set_field};

/// A node at the end of a path, if the path leads anywhere.
pub(crate) type Lookup = Result<Option<NodeId>, Misfit>;

/// Splits `[name=web]` into `name` and `web`.
pub(crate) fn split_selector(part: &str) -> Result<(&str, &str), Misfit> {
    let inner = part.strip_suffix(']').unwrap_or(part);
    let inner = inner.strip_prefix('[').unwrap_or(inner);
    inner.split_once('=').ok_or_else(|| {
        Misfit::Path(format!(
            "`{part}` must be of the form `[field=value]` to select list items"
        ))
    })
}

/// The node at a path below `from`, nothing made.
pub(crate) fn lookup(doc: &Document, from: NodeId, path: &[impl AsRef<str>]) -> Lookup {
    let mut at = from;
    for part in parts(path) {
        match step(doc, at, part)? {
            Some(next) => at = next,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// kyaml trims the parts of such a path and skips empty ones.
fn parts(path: &[impl AsRef<str>]) -> impl Iterator<Item = &str> {
    path.iter()
        .map(|part| part.as_ref().trim())
        .filter(|part| !part.is_empty())
}

fn step(doc: &Document, at: NodeId, part: &str) -> Lookup {
    if let Some(index) = is_index(part) {
        let index = usize::try_from(index)
            .map_err(|_| Misfit::Path(format!("the list index {index} is negative")))?;
        expect(doc, at, Kind::Sequence)?;
        return Ok(doc.item(at, index));
    }
    match part {
        "-" => {
            expect(doc, at, Kind::Sequence)?;
            Ok(doc.items(at).last())
        }
        "*" => Err(Misfit::Path(
            "the wildcard `*` is not supported here".to_owned(),
        )),
        part if is_selector(part) => {
            let (field, wanted) = split_selector(part)?;
            expect(doc, at, Kind::Sequence)?;
            Ok(element_with(doc, at, &[field], &[wanted]))
        }
        name => {
            expect(doc, at, Kind::Mapping)?;
            Ok(doc.get(at, name))
        }
    }
}

/// The first item of a list whose fields have these texts; with an empty field name, the first
/// scalar with this text.
pub(crate) fn element_with(
    doc: &Document,
    list: NodeId,
    keys: &[impl AsRef<str>],
    values: &[impl AsRef<str>],
) -> Option<NodeId> {
    let plain = keys.first().is_none_or(|key| key.as_ref().is_empty());
    doc.items(list).find(|item| {
        if plain {
            let wanted = values.first().map_or("", AsRef::as_ref);
            return doc.text(*item).unwrap_or_default() == wanted;
        }
        doc.kind(*item) == Kind::Mapping
            && keys.len() == values.len()
            && keys.iter().zip(values).all(|(key, wanted)| {
                doc.get(*item, key.as_ref())
                    .is_some_and(|found| doc.text(found).unwrap_or_default() == wanted.as_ref())
            })
    })
}

/// The node at a path below `from`; what is missing on the way is made: lists before an index or item
/// selector, mappings before a key, and at the end a node of `kind` (an empty scalar for
/// [`Kind::Scalar`]).
pub(crate) fn lookup_create(
    doc: &mut Document,
    from: NodeId,
    path: &[impl AsRef<str>],
    kind: Kind,
) -> Lookup {
    let path: Vec<&str> = parts(path).collect();
    let mut at = from;
    for (index, part) in path.iter().enumerate() {
        let next = path.get(index + 1).copied();
        let found = match step(doc, at, part)? {
            Some(found) => Some(found),
            None if is_index(part).is_some() || *part == "-" => None,
            None if is_missing(doc, Some(at)) => None,
            None => {
                let made = new_of(doc, kind_before(next, kind));
                if is_selector(part) {
                    Some(append_selected(doc, at, part)?)
                } else {
                    set_field(doc, at, part, made)?;
                    Some(made)
                }
            }
        };
        match found {
            Some(found) => at = found,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// What must stand before `next` in a path; at its end, `kind`.
pub(crate) fn kind_before(next: Option<&str>, kind: Kind) -> Kind {
    match next {
        None | Some("") => kind,
        Some(next) if is_selector(next) || is_index(next).is_some_and(|index| index >= 0) => {
            Kind::Sequence
        }
        Some(_) => Kind::Mapping,
    }
}

/// An empty node of a kind.
pub(crate) fn new_of(doc: &mut Document, kind: Kind) -> NodeId {
    match kind {
        Kind::Sequence => doc.new_sequence(),
        Kind::Mapping => doc.new_mapping(),
        Kind::Scalar | Kind::Alias => doc.new_str(""),
    }
}

/// Appends the item that a selector describes: `{name: web}`, or the scalar itself.
pub(crate) fn append_selected(
    doc: &mut Document,
    list: NodeId,
    part: &str,
) -> Result<NodeId, Misfit> {
    let (field, wanted) = split_selector(part)?;
    let scalar = doc.new_scalar(wanted, Style::Plain, None);
    let item = if field.is_empty() {
        scalar
    } else {
        let item = doc.new_mapping();
        doc.set(item, field, scalar);
        item
    };
    doc.push(list, item);
    Ok(item)
}
