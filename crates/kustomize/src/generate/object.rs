//! The document of a generated config map or secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use trueup_yaml::{Document, NodeId};

use super::{What, sources::Data};
use crate::{
    load::{GeneratorOptions, GeneratorSpec},
    node,
};

/// Upstream breaks encoded data into lines of this many characters.
const LINE: usize = 70;

pub(super) fn make(
    what: What,
    spec: &GeneratorSpec,
    data: &Data,
    options: Option<&GeneratorOptions>,
) -> Document {
    let mut doc = Document::empty_mapping();
    let root = doc.root();
    set(&mut doc, root, "apiVersion", "v1");
    set(&mut doc, root, "kind", what.kind());
    let metadata = doc.new_mapping();
    doc.set(root, "metadata", metadata);
    set(&mut doc, metadata, "name", &spec.name);
    if !spec.namespace.is_empty() {
        set(&mut doc, metadata, "namespace", &spec.namespace);
    }
    match what {
        What::ConfigMap => fill_config_map(&mut doc, data),
        What::Secret => {
            let of = if spec.secret_type.is_empty() {
                "Opaque"
            } else {
                &spec.secret_type
            };
            set(&mut doc, root, "type", of);
            let map = doc.new_mapping();
            doc.set(root, "data", map);
            for (key, value) in data {
                set(&mut doc, map, key, &encode(value));
            }
        }
    }
    if let Some(options) = options {
        for (field, pairs) in [
            ("labels", &options.labels),
            ("annotations", &options.annotations),
        ] {
            if pairs.is_empty() {
                continue;
            }
            let map = doc.new_mapping();
            doc.set(metadata, field, map);
            for (key, value) in pairs {
                set(&mut doc, map, key, value);
            }
        }
        if options.immutable {
            let yes = doc.new_bool(true);
            doc.set(root, "immutable", yes);
        }
    }
    doc
}

/// Text goes to `data`, anything else to `binaryData`.
fn fill_config_map(doc: &mut Document, data: &Data) {
    for (key, value) in data {
        if let Ok(text) = std::str::from_utf8(value) {
            let map = child(doc, "data");
            set(doc, map, key, text);
        } else {
            let map = child(doc, "binaryData");
            set(doc, map, key, &encode(value));
        }
    }
}

fn child(doc: &mut Document, field: &str) -> NodeId {
    let root = doc.root();
    doc.get(root, field).unwrap_or_else(|| {
        let map = doc.new_mapping();
        doc.set(root, field, map);
        map
    })
}

fn set(doc: &mut Document, map: NodeId, key: &str, text: &str) {
    let value = doc.new_str(text);
    node::append_field(doc, map, key, value);
}

/// Base64 as upstream writes it: broken into lines once it is longer than one.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let whole = STANDARD.encode(bytes);
    if whole.len() < LINE {
        return whole;
    }
    let mut broken = String::with_capacity(whole.len() + whole.len() / LINE + 1);
    let mut rest = whole.as_str();
    while !rest.is_empty() {
        let (line, after) = rest
            .split_at_checked(LINE.min(rest.len()))
            .unwrap_or((rest, ""));
        broken.push_str(line);
        broken.push('\n');
        rest = after;
    }
    broken
}
