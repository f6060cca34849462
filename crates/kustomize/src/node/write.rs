//! Setting values the way kyaml does: over an old value, in place and in its quotes.

use trueup_yaml::{Document, Kind, NodeId, Resolved, Schema, Source, Style};

use super::{Misfit, expect, is_missing};

/// What a text that is written into a scalar means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// A string, whatever it looks like.
    Str,
    /// What it looks like, as upstream's untagged nodes: `1e3` written plain is a number.
    Raw,
    /// An integer, but in the quotes of what it is written over.
    Int,
}

/// Writes a node over an old one, which keeps its style. A string stays one; a timestamp over a value with a tag
/// gets a tag itself, for upstream counts that among the style: it is read as a time wherever it stands.
pub(crate) fn write_over(doc: &mut Document, old: NodeId, new: NodeId) {
    let (style, tagged) = (doc.style(old), doc.tag(old).is_some());
    doc.replace(old, new);
    let value = doc.resolve(old, Schema::Kyaml);
    let is_string = matches!(value, Resolved::Str(_)) && !doc.is_untyped(old);
    let is_time = matches!(value, Resolved::Timestamp(_)) && !doc.is_untyped(old);
    doc.set_style(old, style);
    if is_time && tagged {
        doc.set_tag(old, Some("!!timestamp"));
    } else if is_string && style == Style::Plain {
        doc.set_tag(old, Some("!!str"));
    }
}

/// Puts quotes round a plain string that older YAML loaders take for something else, as upstream does
/// whenever it sets a field. The quotes stay when another value is written over it. What has no type yet counts
/// as a string.
pub(crate) fn quote_odd(doc: &mut Document, node: NodeId) {
    let styled = doc.style(node) != Style::Plain || doc.tag(node).is_some();
    if doc.kind(node) != Kind::Scalar || styled {
        return;
    }
    let text = if doc.is_untyped(node) {
        doc.text(node)
    } else {
        doc.str(node)
    };
    if text.is_some_and(reads_as_other_than_string) {
        doc.set_style(node, Style::DoubleQuoted);
    }
}

/// Whether a text, as a document of its own, is not a string to a YAML 1.1 loader.
fn reads_as_other_than_string(text: &str) -> bool {
    if text.is_empty() || text.contains('\n') || Document::reads_as_string(text) && is_word(text) {
        return false;
    }
    match Document::parse_one(&Source::new("<text>", text)) {
        Ok(doc) => {
            let root = doc.root();
            let string = matches!(
                doc.resolve(root, Schema::Sigs),
                Resolved::Str(_) | Resolved::Timestamp(_) | Resolved::Merge
            );
            doc.kind(root) != Kind::Scalar || !string
        }
        Err(_) => false,
    }
}

/// Whether a text can be nothing but a scalar.
fn is_word(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_./+=".contains(&b))
        && !text.starts_with('-')
}

/// Makes a plain scalar.
pub(crate) fn put(doc: &mut Document, text: &str, write: Write) -> NodeId {
    match write {
        Write::Str => doc.new_str(text),
        Write::Raw => doc.new_untyped(text),
        Write::Int => doc.new_scalar(text, Style::Plain, None),
    }
}

/// Writes a text over a scalar, keeping its quotes. Anything but a scalar or null is refused.
pub(crate) fn write_scalar(
    doc: &mut Document,
    node: NodeId,
    text: &str,
    write: Write,
) -> Result<(), Misfit> {
    expect(doc, node, Kind::Scalar)?;
    let style = doc.style(node);
    let new = put(doc, text, write);
    doc.set_style(new, style);
    doc.replace(node, new);
    Ok(())
}

/// Sets a field of a mapping. Over an old value the new one is written in place, so that whoever
/// shares the old one sees it; a missing field gets the node itself. Null clears the field.
pub(crate) fn set_field(
    doc: &mut Document,
    map: NodeId,
    name: &str,
    new: NodeId,
) -> Result<(), Misfit> {
    if doc.is_null(new) {
        return clear(doc, map, name).map(|_| ());
    }
    expect(doc, map, Kind::Mapping)?;
    if is_missing(doc, Some(map)) {
        return Ok(());
    }
    match doc.get(map, name) {
        Some(old) if old == new => {}
        Some(old) => {
            write_over(doc, old, new);
        }
        None => append_field(doc, map, name, new),
    }
    Ok(())
}

/// Appends a field. Upstream writes the key without quotes: one that looks like a number or boolean
/// becomes one, and is refused when it is printed.
pub(crate) fn append_field(doc: &mut Document, map: NodeId, name: &str, value: NodeId) {
    quote_odd(doc, value);
    let key = doc.new_scalar(name, Style::Plain, None);
    let end = doc.len(map);
    doc.insert_pair(map, end, key, value);
}

/// [`set_field`] with a text.
pub(crate) fn put_scalar(
    doc: &mut Document,
    map: NodeId,
    name: &str,
    text: &str,
    write: Write,
) -> Result<(), Misfit> {
    let new = put(doc, text, write);
    set_field(doc, map, name, new)
}

/// Removes a field of a mapping.
pub(crate) fn clear(doc: &mut Document, map: NodeId, name: &str) -> Result<Option<NodeId>, Misfit> {
    expect(doc, map, Kind::Mapping)?;
    Ok(doc.remove(map, name))
}
