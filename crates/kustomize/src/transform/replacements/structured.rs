//! Replacements inside a text that is itself YAML or JSON, such as a file in a config map.

use trueup_yaml::{Document, Kind, NodeId, ParseOptions, Schema, Source, emit};

use super::{Value, fields};
use crate::{load::FieldOptions, node};

/// Reads a text as one document; none where it is not YAML or empty.
pub(super) fn parse(text: &str) -> Option<Document> {
    let options = ParseOptions {
        keep_comments: true,
        ..ParseOptions::default()
    };
    let source = Source::new("<embedded>", text);
    Document::parse_with(&source, &options)
        .ok()?
        .into_iter()
        .next()
}

/// Writes the value into a field of the document that a scalar on the way holds. Fails where no scalar
/// lies on the way, or the path leads nowhere in it.
pub(super) fn copy(
    doc: &mut Document,
    from: NodeId,
    path: &[String],
    value: &mut Value,
    options: Option<&FieldOptions>,
) -> Result<(), ()> {
    let (scalar, inside) = (1..path.len())
        .find_map(|end| {
            let (outer, inside) = path.split_at_checked(end)?;
            let found = node::lookup(doc, from, outer).ok().flatten()?;
            let is_text = doc.kind(found) == Kind::Scalar;
            let parses = || parses(doc.text(found).unwrap_or_default());
            (is_text && parses()).then_some((found, inside))
        })
        .ok_or(())?;
    let text = doc.text(scalar).unwrap_or_default().to_owned();
    let mut inner = parse(&text).ok_or(())?;
    let root = inner.root();
    fields::write_all(&mut inner, None, root, inside, value, options).map_err(|_| ())?;
    let new = print(&inner, &text).ok_or(())?;
    fields::set_text(doc, scalar, &new);
    Ok(())
}

fn parses(text: &str) -> bool {
    Document::parse(&Source::new("<embedded>", text)).is_ok()
}

/// The document in the form its text had: YAML, or JSON on one line or many. None where JSON cannot
/// hold it, such as a number that became a word.
fn print(doc: &Document, original: &str) -> Option<String> {
    let mut out = String::new();
    if !original.trim_start().starts_with(['{', '[']) {
        emit::kyaml(doc, doc.root(), &mut out);
        return Some(out.trim().to_owned());
    }
    emit::json(doc, doc.root(), Schema::Kyaml, &mut out).ok()?;
    let pretty = original.contains('\n') && original.contains("  ");
    Some(if pretty { indent(&out) } else { out })
}

/// Compact JSON with two spaces for each level, as Go's `json.MarshalIndent` lays it out.
fn indent(compact: &str) -> String {
    let mut out = String::with_capacity(compact.len() * 2);
    let mut depth = 0_usize;
    let mut in_text = false;
    let mut escaped = false;
    let mut chars = compact.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(c) = chars.next() {
        if in_text {
            out.push(c);
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '"' => {
                in_text = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                if let Some(close) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push(c),
        }
    }
    out
}
