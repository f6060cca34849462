//! Scalars as they come out of a trip through JSON.

use trueup_yaml::{Document, Kind, NodeId, Resolved, Schema, Style};

/// Rewrites every scalar below a node to what JSON would have made of it: booleans and nulls spelled
/// out, numbers as Go prints floats, everything else a string.
pub(super) fn canonical(doc: &mut Document, node: NodeId, schema: Schema) {
    match doc.kind(node) {
        Kind::Mapping => {
            let values: Vec<NodeId> = doc.entries(node).map(|(_, value)| value).collect();
            for value in values {
                canonical(doc, value, schema);
            }
        }
        Kind::Sequence => {
            let items: Vec<NodeId> = doc.items(node).collect();
            for item in items {
                canonical(doc, item, schema);
            }
        }
        Kind::Scalar | Kind::Alias => scalar(doc, node, schema),
    }
}

fn scalar(doc: &mut Document, node: NodeId, schema: Schema) {
    let text = match doc.resolve(node, schema) {
        Resolved::Str(_) if schema == Schema::Sigs => {
            let text = doc.text(node).unwrap_or_default().to_owned();
            let new = doc.new_str(&text);
            doc.replace(node, new);
            return;
        }
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
