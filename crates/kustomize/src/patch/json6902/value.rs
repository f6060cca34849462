//! Scalars as they come out of a trip through JSON.

use trueup_yaml::{Document, Kind, NodeId, Resolved, Schema, Source, Style};

/// Rewrites every scalar below a node to what JSON would have made of it: booleans and nulls spelled
/// out, numbers as Go prints floats, everything else a string.
pub(super) fn canonical(doc: &mut Document, node: NodeId, schema: Schema) {
    below(doc, node, schema, false);
}

/// In a flow collection (`flow`) that upstream prints before it makes JSON of it, what cannot be plain
/// gets quotes, and is a string from then on.
fn below(doc: &mut Document, node: NodeId, schema: Schema, flow: bool) {
    let flow = flow || schema == Schema::Kyaml && doc.style(node) == Style::Flow;
    doc.set_style(node, Style::Block);
    match doc.kind(node) {
        Kind::Mapping => {
            let values: Vec<NodeId> = doc.entries(node).map(|(_, value)| value).collect();
            for value in values {
                below(doc, value, schema, flow);
            }
        }
        Kind::Sequence => {
            let items: Vec<NodeId> = doc.items(node).collect();
            for item in items {
                below(doc, item, schema, flow);
            }
        }
        Kind::Scalar | Kind::Alias => scalar(doc, node, schema, flow),
    }
}

fn scalar(doc: &mut Document, node: NodeId, schema: Schema, flow: bool) {
    let written = doc.text(node).unwrap_or_default();
    let untagged = doc.style(node) == Style::Plain && doc.tag(node).is_none();
    if flow && untagged && (written.is_empty() || written.contains(':')) {
        let text = written.to_owned();
        return set_string(doc, node, &text);
    }
    if schema == Schema::Kyaml && doc.style(node) == Style::Folded && !flow {
        if let Some(text) = refolded(doc, node) {
            set_string(doc, node, &text);
        }
        return;
    }
    let resolved = doc.resolve(node, schema);
    let string = match resolved {
        Resolved::Str(text) if untagged && is_word(text) => return,
        Resolved::Str(text) => Some(text.to_owned()),
        Resolved::Timestamp(text) if schema == Schema::Sigs => Some(text.to_owned()),
        Resolved::Timestamp(_) => {
            let mut json = String::new();
            // A timestamp prints as a string in quotes, without anything that needs an escape.
            let _ = trueup_yaml::emit::json(doc, node, schema, &mut json);
            Some(json.trim_matches('"').to_owned())
        }
        _ => None,
    };
    if let Some(text) = string {
        return set_string(doc, node, &text);
    }
    let text = match resolved {
        Resolved::Null => "null".to_owned(),
        Resolved::Bool(value) => value.to_string(),
        Resolved::Int(value) if value < 0 => format!("-{}", whole(value.unsigned_abs())),
        Resolved::Int(value) => whole(value.unsigned_abs()),
        Resolved::Uint(value) => whole(value),
        Resolved::Float(value) => crate::number::general(value),
        _ => return,
    };
    let new = doc.new_scalar(&text, Style::Plain, None);
    doc.replace(node, new);
}

/// Folded text once more folded and read, which may move its line breaks.
fn refolded(doc: &Document, node: NodeId) -> Option<String> {
    let mut object = Document::empty_mapping();
    let (root, text) = (object.root(), object.import(doc, node));
    object.set(root, "text", text);
    let mut printed = String::new();
    trueup_yaml::emit::kustomize(&object, root, &mut printed).ok()?;
    let read = Document::parse_one(&Source::new("<text>", printed)).ok()?;
    read.text(read.get(read.root(), "text")?).map(str::to_owned)
}

/// Makes a node a string, in the quotes that an encoder puts round it: they stay when another value is
/// written over it.
fn set_string(doc: &mut Document, node: NodeId, text: &str) {
    let new = doc.new_str(text);
    doc.replace(node, new);
    if is_word(text) {
        return;
    }
    let mut printed = String::new();
    // What this encoder cannot print is refused at the end.
    let _ = trueup_yaml::emit::sigs(doc, node, &mut printed);
    match printed.as_bytes().first() {
        Some(b'"') => doc.set_style(node, Style::DoubleQuoted),
        Some(b'\'') => doc.set_style(node, Style::SingleQuoted),
        Some(b'|') => doc.set_style(node, Style::Literal),
        _ => {}
    }
}

/// Whether a text is a string without quotes, at a glance.
fn is_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphabetic() || b == b'-' || b == b'/';
    text.len() > 5 && text.bytes().all(plain) && !text.starts_with('-')
}

/// A whole number as a float prints it.
#[expect(
    clippy::cast_precision_loss,
    reason = "upstream loses the same precision"
)]
fn whole(value: u64) -> String {
    if value < 1_000_000 {
        value.to_string()
    } else {
        crate::number::general(value as f64)
    }
}
