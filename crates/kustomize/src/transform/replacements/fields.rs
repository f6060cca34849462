//! Finding the fields that a replacement writes, and writing them.

use regex::Regex;
use trueup_manifest::Diagnostic;
use trueup_yaml::{Document, Kind, NodeId, Resolved, Schema, Style, emit};

use super::{Value, fault, structured};
use crate::{
    load::{At, FieldOptions},
    node::{self, Misfit},
    resource::{Resource, compile_regex},
};

/// Why a field cannot be written.
#[derive(Debug)]
pub(super) enum Miss {
    Misfit(Misfit),
    /// The path leads nowhere.
    Nothing,
    Other(String),
}

/// Writes the value into every field of the object `at` a position that a path means.
pub(super) fn copy(
    resource: &mut Resource,
    at: usize,
    path: &At<String>,
    value: &mut Value,
    options: Option<&FieldOptions>,
) -> Result<(), Diagnostic> {
    let parts = node::smart_split(path);
    let root = resource.root();
    if structured::copy(&mut resource.doc, root, &parts, value, options).is_ok() {
        return Ok(());
    }
    let written = write_all(&mut resource.doc, Some(at), root, &parts, value, options);
    written.map_err(|miss| {
        let what = match miss {
            Miss::Misfit(misfit) => misfit.describe(&resource.doc),
            Miss::Nothing => "there is no such field".to_owned(),
            Miss::Other(what) => what,
        };
        let message = format!(
            "cannot write `{}` of `{}`: {what}",
            path.value,
            resource.id()
        );
        let diagnostic =
            fault(message, path.place.clone()).label(resource.location(), "the target");
        if options.is_some_and(|options| options.create) {
            diagnostic
        } else {
            diagnostic.help("check the path, or write `options: {create: true}` to have it made")
        }
    })
}

/// Writes the value into every field below a node that the path means. `at` is the object's position,
/// unless the document is a text inside it.
pub(super) fn write_all(
    doc: &mut Document,
    at: Option<usize>,
    from: NodeId,
    path: &[String],
    value: &mut Value,
    options: Option<&FieldOptions>,
) -> Result<(), Miss> {
    let create = options
        .filter(|options| options.create)
        .map(|_| value.kind());
    let mut found = Found::default();
    find(doc, from, path, create, &mut found)?;
    if found.nodes.is_empty() {
        return Err(Miss::Nothing);
    }
    for field in found.nodes.iter().copied().flatten() {
        if let Some(at) = at {
            value.refresh_from(at, doc);
        }
        if found.untyped.contains(&field) && doc.kind(field) == Kind::Scalar {
            let text = text_for(doc, field, value, options);
            let raw = doc.new_untyped(&text);
            doc.replace(field, raw);
        } else {
            write(doc, field, value, options)?;
        }
    }
    Ok(())
}

/// What a path leads to.
#[derive(Default)]
struct Found {
    /// The nodes; none stands for one inside a scalar's text, which upstream finds and then forgets.
    nodes: Vec<Option<NodeId>>,
    /// Those that were made on the way.
    made: Vec<NodeId>,
    /// Scalars that were made: what is written there becomes what it looks like.
    untyped: Vec<NodeId>,
}

/// Collects the nodes at a path, made where `create` names their kind.
fn find(
    doc: &mut Document,
    at: NodeId,
    path: &[String],
    create: Option<Kind>,
    found: &mut Found,
) -> Result<(), Miss> {
    let Some((part, rest)) = path.split_first() else {
        found.nodes.push(Some(at));
        return Ok(());
    };
    if let Some(index) = node::is_index(part).and_then(|index| usize::try_from(index).ok()) {
        return find_item(doc, at, index, rest, create, found);
    }
    if node::is_selector(part) {
        return find_selected(doc, at, part, rest, create, found);
    }
    if part == "*" {
        node::expect(doc, at, Kind::Sequence)?;
        for item in doc.items(at).collect::<Vec<_>>() {
            find(doc, item, rest, create, found)?;
        }
        return Ok(());
    }
    let field = if doc.is_null(at) {
        None
    } else {
        node::expect(doc, at, Kind::Mapping)?;
        doc.get(at, part)
    };
    let field = match (field, create) {
        (Some(field), _) => field,
        (None, None) => return Ok(()),
        (None, Some(kind)) => {
            let next = rest.first().map(String::as_str);
            let made = node::new_of(doc, node::kind_before(next, kind));
            if doc.kind(at) == Kind::Mapping {
                doc.set(at, part, made);
            }
            found.made.push(made);
            found.untyped.push(made);
            made
        }
    };
    if doc.kind(field) == Kind::Scalar && !rest.is_empty() && !found.made.contains(&field) {
        let text = doc.text(field).unwrap_or_default().to_owned();
        let mut inner = structured::parse(&text).ok_or(Miss::Nothing)?;
        let root = inner.root();
        let mut inside = Found::default();
        find(&mut inner, root, rest, create, &mut inside)?;
        found.nodes.extend(inside.nodes.iter().map(|_| None));
        return Ok(());
    }
    find(doc, field, rest, create, found)
}

fn find_item(
    doc: &mut Document,
    list: NodeId,
    index: usize,
    rest: &[String],
    create: Option<Kind>,
    found: &mut Found,
) -> Result<(), Miss> {
    node::expect(doc, list, Kind::Sequence)?;
    let len = doc.len(list);
    if index == len
        && let Some(kind) = create
    {
        let made = node::new_of(
            doc,
            node::kind_before(rest.first().map(String::as_str), kind),
        );
        doc.push(list, made);
        found.made.push(made);
        found.untyped.push(made);
    }
    match doc.item(list, index) {
        Some(item) => find(doc, item, rest, create, found),
        None => Err(Miss::Other(format!(
            "there is no item {index} in a list of {len}"
        ))),
    }
}

/// `[name=web]`: items whose field matches a pattern anywhere in it.
fn find_selected(
    doc: &mut Document,
    list: NodeId,
    part: &str,
    rest: &[String],
    create: Option<Kind>,
    found: &mut Found,
) -> Result<(), Miss> {
    let (field, pattern) = node::split_selector(part)?;
    node::expect(doc, list, Kind::Sequence)?;
    let pattern = compile_regex(pattern).map_err(|why| Miss::Other(format!("`{part}`: {why}")))?;
    let before = found.nodes.len();
    for item in doc.items(list).collect::<Vec<_>>() {
        find_in_item(doc, item, field, &pattern, rest, create, found)?;
    }
    if found.nodes.len() > before || create.is_none() {
        return Ok(());
    }
    let made = node::append_selected(doc, list, part)?;
    found.untyped.push(doc.get(made, field).unwrap_or(made));
    find_in_item(doc, made, field, &pattern, rest, create, found)
}

fn find_in_item(
    doc: &mut Document,
    item: NodeId,
    field: &str,
    pattern: &Regex,
    rest: &[String],
    create: Option<Kind>,
    found: &mut Found,
) -> Result<(), Miss> {
    if field.is_empty() {
        if pattern.is_match(&printed(doc, item)) {
            found.nodes.push(Some(item));
        }
        return Ok(());
    }
    let Some(value) = doc.get(item, field) else {
        return Ok(());
    };
    if pattern.is_match(&printed(doc, value)) {
        find(doc, item, rest, create, found)?;
    }
    Ok(())
}

/// A node as kyaml prints it, quotes and all: what upstream holds the pattern against.
fn printed(doc: &Document, node: NodeId) -> String {
    let mut out = String::new();
    emit::kyaml(doc, node, &mut out);
    out.trim().to_owned()
}

fn write(
    doc: &mut Document,
    field: NodeId,
    value: &Value,
    options: Option<&FieldOptions>,
) -> Result<(), Miss> {
    let split = options.filter(|options| !options.delimiter.is_empty());
    let scalar = doc.kind(field) == Kind::Scalar;
    if split.is_some() && !scalar {
        let message = "only a scalar can be split at a `delimiter`".to_owned();
        return Err(Miss::Other(message));
    }
    let text = text_for(doc, field, value, options);
    if scalar {
        set_text(doc, field, &text);
        return Ok(());
    }
    let new = doc.import(&value.doc, value.node());
    doc.replace(field, new);
    Ok(())
}

/// The text that a scalar gets.
fn text_for(
    doc: &Document,
    field: NodeId,
    value: &Value,
    options: Option<&FieldOptions>,
) -> String {
    match options.filter(|options| !options.delimiter.is_empty()) {
        Some(options) => spliced(doc.text(field).unwrap_or_default(), value, options),
        None => value.text().to_owned(),
    }
}

/// The old text with one piece replaced, or one more before or after all.
fn spliced(old: &str, value: &Value, options: &FieldOptions) -> String {
    // A `sourceValue` has no type: `null` is a word like any other.
    let typed = value.doc.location(value.node()).is_some();
    let new = if typed && value.doc.is_null(value.node()) {
        ""
    } else {
        value.text()
    };
    let mut pieces: Vec<&str> = old.split(options.delimiter.as_str()).collect();
    match usize::try_from(options.index) {
        Err(_) => pieces.insert(0, new),
        Ok(index) => match pieces.get_mut(index) {
            Some(piece) => *piece = new,
            None => pieces.push(new),
        },
    }
    pieces.join(&options.delimiter)
}

/// Writes a text over a scalar. Its quotes stay, and so does its type: a number that gets a word is
/// refused when it is printed, as upstream refuses it.
pub(super) fn set_text(doc: &mut Document, field: NodeId, text: &str) {
    let style = doc.style(field);
    if style != Style::Plain {
        doc.set_text(field, text);
        return;
    }
    // What was made on the way, such as `80` of `[port=80]`, or has got a prefix, has no type yet.
    let made = doc.location(field).is_none() && doc.tag(field).is_none();
    let new = match doc.resolve(field, Schema::Kyaml) {
        _ if doc.is_untyped(field) => doc.new_untyped(text),
        Resolved::Str(_) => {
            doc.set_text(field, text);
            return;
        }
        _ if made => doc.new_untyped(text),
        resolved => doc.new_scalar(text, Style::Plain, Some(resolved.tag())),
    };
    doc.replace(field, new);
}
