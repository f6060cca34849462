//! Applying one operation.

use trueup_yaml::{Document, Kind, Location, NodeId};

use super::Operation;

/// Why an operation does not apply.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    /// The operation in the patch.
    pub(crate) place: Option<Location>,
    /// What is there instead of what the path needs.
    pub(crate) help: Option<String>,
}

/// A mapping or list and the key or index in it that a path means.
struct Slot {
    container: NodeId,
    key: String,
}

pub(super) fn operation(
    doc: &mut Document,
    patch: &Document,
    operation: &Operation,
) -> Result<(), Failure> {
    run(doc, patch, operation).map_err(|(message, help)| Failure {
        message: format!("`{}` does not apply: {message}", operation.op),
        place: operation.place.clone(),
        help,
    })
}

type Step<T> = Result<T, (String, Option<String>)>;

fn run(doc: &mut Document, patch: &Document, operation: &Operation) -> Step<()> {
    let path = |path: &Option<String>, name: &str| {
        path.clone()
            .ok_or_else(|| (format!("it has no `{name}`"), None))
    };
    let import = |doc: &mut Document| match operation.value {
        Some(value) => doc.import(patch, value),
        None => doc.new_null(),
    };
    match operation.op.as_str() {
        "add" => {
            let slot = find(doc, &path(&operation.path, "path")?)?;
            let value = import(doc);
            add(doc, &slot, value)
        }
        "remove" => {
            let slot = find(doc, &path(&operation.path, "path")?)?;
            remove(doc, &slot).map(|_| ())
        }
        "replace" => {
            let at = path(&operation.path, "path")?;
            let value = import(doc);
            if at.is_empty() {
                if doc.kind(value) != Kind::Mapping {
                    return Err((
                        "an object can be replaced by a mapping only".to_owned(),
                        None,
                    ));
                }
                let root = doc.root();
                doc.replace(root, value);
                return Ok(());
            }
            let slot = find(doc, &at)?;
            replace(doc, &slot, value)
        }
        "move" => {
            let slot = find(doc, &path(&operation.from, "from")?)?;
            let value = remove(doc, &slot)?;
            let slot = find(doc, &path(&operation.path, "path")?)?;
            add(doc, &slot, value)
        }
        "copy" => {
            let slot = find(doc, &path(&operation.from, "from")?)?;
            let found = get(doc, &slot)?;
            let slot = find(doc, &path(&operation.path, "path")?)?;
            let value = match found {
                Some(found) => doc.duplicate(found),
                None => doc.new_null(),
            };
            add(doc, &slot, value)
        }
        "test" => test(doc, patch, operation, &path(&operation.path, "path")?),
        "" => Err(("the operation has no `op`".to_owned(), None)),
        other => Err((
            format!("`{other}` is not an operation"),
            Some("write `add`, `remove`, `replace`, `move`, `copy` or `test`".to_owned()),
        )),
    }
}

/// `~1` is `/`, `~0` is `~`.
fn unescape(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    let mut rest = part;
    while let Some((before, after)) = rest.split_once('~') {
        out.push_str(before);
        rest = if let Some(after) = after.strip_prefix('1') {
            out.push('/');
            after
        } else if let Some(after) = after.strip_prefix('0') {
            out.push('~');
            after
        } else {
            out.push('~');
            after
        };
    }
    out.push_str(rest);
    out
}

/// Walks to the container of the last part of a path. What stands before the first `/` is ignored.
fn find(doc: &Document, path: &str) -> Step<Slot> {
    let mut parts = path.split('/').skip(1).peekable();
    if parts.peek().is_none() {
        return Err((
            format!("the path `{path}` names no field"),
            Some("a path begins with `/`".to_owned()),
        ));
    }
    let mut container = doc.root();
    let mut walked = String::new();
    while let Some(part) = parts.next() {
        let key = unescape(part);
        if parts.peek().is_none() {
            return Ok(Slot { container, key });
        }
        let slot = Slot { container, key };
        let next = get(doc, &slot)
            .ok()
            .flatten()
            .filter(|next| doc.kind(*next) != Kind::Scalar);
        let Some(next) = next else {
            let reached = if walked.is_empty() {
                "the object".to_owned()
            } else {
                format!("`{walked}`")
            };
            return Err((
                format!("the path `{path}` is missing"),
                Some(format!(
                    "{reached} has no `{}` to go on from{}",
                    slot.key,
                    choices(doc, container)
                )),
            ));
        };
        walked.push('/');
        walked.push_str(part);
        container = next;
    }
    Err((format!("the path `{path}` names no field"), None))
}

/// What a container holds, for a hint.
fn choices(doc: &Document, container: NodeId) -> String {
    match doc.kind(container) {
        Kind::Sequence => format!("; it has {} items", doc.len(container)),
        Kind::Mapping => {
            let names: Vec<&str> = doc
                .entries(container)
                .filter_map(|(key, _)| doc.text(key))
                .take(12)
                .collect();
            if names.is_empty() {
                String::new()
            } else {
                format!("; it has {}", names.join(", "))
            }
        }
        Kind::Scalar | Kind::Alias => String::new(),
    }
}

/// An index into a list as Go reads it: negative ones count from the end.
fn index(key: &str, len: usize) -> Step<usize> {
    let number: i64 = key
        .parse()
        .map_err(|_| (format!("`{key}` is not a list index"), None))?;
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let at = if number < 0 { number + len } else { number };
    usize::try_from(at).map_err(|_| {
        (
            format!("the index {number} is before the start of a list of {len}"),
            None,
        )
    })
}

/// The value in a slot; none where it is null or, in a mapping, missing.
fn get(doc: &Document, slot: &Slot) -> Step<Option<NodeId>> {
    let found = if doc.kind(slot.container) == Kind::Sequence {
        Some(item(doc, slot)?)
    } else {
        doc.get(slot.container, &slot.key)
    };
    Ok(found.filter(|found| !doc.is_null(*found)))
}

fn item(doc: &Document, slot: &Slot) -> Step<NodeId> {
    let len = doc.len(slot.container);
    let at = index(&slot.key, len)?;
    doc.item(slot.container, at).ok_or_else(|| {
        (
            format!("the index {at} is past the end of a list of {len}"),
            None,
        )
    })
}

fn add(doc: &mut Document, slot: &Slot, value: NodeId) -> Step<()> {
    if doc.kind(slot.container) != Kind::Sequence {
        doc.set(slot.container, &slot.key, value);
        return Ok(());
    }
    let len = doc.len(slot.container);
    if slot.key == "-" {
        doc.push(slot.container, value);
        return Ok(());
    }
    let at = index(&slot.key, len + 1)?;
    if at > len {
        return Err((
            format!("the index {at} is past the end of a list of {len}"),
            None,
        ));
    }
    doc.insert_item(slot.container, at, value);
    Ok(())
}

fn replace(doc: &mut Document, slot: &Slot, value: NodeId) -> Step<()> {
    if doc.kind(slot.container) == Kind::Sequence {
        item(doc, slot)?;
        let at = index(&slot.key, doc.len(slot.container))?;
        doc.set_item(slot.container, at, value);
    } else {
        // Upstream's library does not mind when the field is missing.
        doc.set(slot.container, &slot.key, value);
    }
    Ok(())
}

fn remove(doc: &mut Document, slot: &Slot) -> Step<NodeId> {
    if doc.kind(slot.container) == Kind::Sequence {
        item(doc, slot)?;
        let at = index(&slot.key, doc.len(slot.container))?;
        return doc
            .remove_item(slot.container, at)
            .ok_or_else(|| (format!("there is no item {at}"), None));
    }
    doc.remove(slot.container, &slot.key).ok_or_else(|| {
        (
            format!("there is no field `{}`", slot.key),
            Some(format!(
                "remove the operation{}",
                choices(doc, slot.container)
            )),
        )
    })
}

fn test(doc: &Document, patch: &Document, operation: &Operation, path: &str) -> Step<()> {
    let found = if path.is_empty() {
        Some(doc.root())
    } else {
        get(doc, &find(doc, path)?)?
    };
    let equal = match (found, operation.value) {
        (None, None) => true,
        (Some(found), Some(wanted)) => doc.eq_value(found, patch, wanted),
        _ => false,
    };
    if equal {
        Ok(())
    } else {
        Err((format!("`{path}` is not what the test expects"), None))
    }
}
