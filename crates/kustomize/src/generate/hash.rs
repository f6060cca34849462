//! The hash of a config map's or secret's content that its name ends in.

use sha2::{Digest, Sha256};
use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, Kind, NodeId, Schema, emit};

use crate::{
    Context, node, parallel,
    resource::{ResMap, Resource},
};

/// Gives every object that wants one its hash. The name before is remembered.
pub(crate) fn add_hashes(context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
    let schemas = context.schemas();
    let complaints = parallel::change(resources.edit(), |resource| {
        if !resource.book.needs_hash {
            return Ok(());
        }
        if !matches!(&*resource.gvk().kind, "ConfigMap" | "Secret") {
            let message = format!("`{}` cannot have a hash in its name", resource.id());
            return Err(Diagnostic::error("kustomize/hash-kind", message)
                .at(resource.location())
                .help("only config maps and secrets can; set `disableNameSuffixHash: true`"));
        }
        let name = format!("{}-{}", resource.name(), hash(&resource.doc));
        resource.remember_id();
        set_name(resource, &name);
        resource.sync(&schemas);
        Ok(())
    });
    complaints.into_result(())
}

fn set_name(resource: &mut Resource, name: &str) {
    let root = resource.root();
    if let Some(metadata) = resource.doc.get(root, "metadata") {
        // A mapping: the object has a name.
        let _ = node::put_scalar(&mut resource.doc, metadata, "name", name, node::Write::Raw);
    }
}

/// Ten characters of the SHA-256 of the canonical JSON, with letters that spell nothing.
pub(crate) fn hash(doc: &Document) -> String {
    let digest = Sha256::digest(encoded(doc).as_bytes());
    digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .take(10)
        .map(|digit| match digit {
            0x0 => 'g',
            0x1 => 'h',
            0x3 => 'k',
            0xa => 'm',
            0xe => 't',
            digit => char::from_digit(u32::from(digit), 16).unwrap_or_default(),
        })
        .collect()
}

/// The content that counts, as upstream writes it. The name is always empty there: upstream looks it
/// up under a key with a slash in it.
fn encoded(doc: &Document) -> String {
    let root = doc.root();
    let field = |name: &str| doc.get(root, name);
    let mut out = String::from("{");
    let mut add = |name: &str, value: Option<NodeId>| {
        if out.len() > 1 {
            out.push(',');
        }
        out.push('"');
        out.push_str(name);
        out.push_str("\":");
        match value {
            None => out.push_str("\"\""),
            Some(value) if doc.kind(value) == Kind::Scalar => {
                json_string(doc.text(value).unwrap_or_default(), &mut out);
            }
            // Upstream reads a map and nothing else.
            Some(value) if doc.kind(value) == Kind::Sequence => out.push_str("null"),
            // What cannot be JSON is refused when it is printed.
            Some(value) => {
                let _ = emit::json(doc, value, Schema::Kyaml, &mut out);
            }
        }
    };
    let collection = |node: Option<NodeId>| node.filter(|node| doc.kind(*node) != Kind::Scalar);
    if node::value_at(doc, &["kind"]) == "Secret" {
        add("data", field("data"));
        add("kind", field("kind"));
        add("name", None);
        if let Some(data) = collection(field("stringData")) {
            add("stringData", Some(data));
        }
        add("type", field("type"));
    } else {
        if let Some(data) = collection(field("binaryData")) {
            add("binaryData", Some(data));
        }
        add("data", field("data"));
        add("kind", field("kind"));
        add("name", None);
    }
    out.push('}');
    out
}

/// A string as Go's JSON writes it.
fn json_string(text: &str, out: &mut String) {
    let mut doc = Document::empty_mapping();
    let node = doc.new_str(text);
    // A string always can.
    let _ = emit::json(&doc, node, Schema::Kyaml, out);
}
