//! Setting values the way kyaml does: over an old value, in place and in its quotes.

use trueup_yaml::{Document, Kind, NodeId, Style};

use super::{Misfit, expect, is_missing};

/// What a text that is written into a scalar means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// A string, whatever it looks like.
    Str,
    /// What it looks like, as upstream's untagged nodes: `1e3` written plain is a number.
    Raw,
}

/// Makes a plain scalar.
pub(crate) fn put(doc: &mut Document, text: &str, write: Write) -> NodeId {
    match write {
        Write::Str => doc.new_str(text),
        Write::Raw => doc.new_scalar(text, Style::Plain, None),
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
            let style = doc.style(old);
            doc.replace(old, new);
            doc.set_style(old, style);
        }
        None => doc.set(map, name, new),
    }
    Ok(())
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
