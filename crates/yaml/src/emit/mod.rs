//! Prints documents, byte for byte as Go's emitters do.
//!
//! [`kyaml`] keeps order, styles and comments; [`sigs`], [`kustomize`] and [`json`] print the value
//! that Go's loaders would see. All append to a string, end with a line break (but for JSON), and
//! begin no document: the `---` between documents is the caller's. They read, and never change, a
//! document.

mod analyse;
pub(crate) mod float;
mod json;
mod kyaml;
mod order;
mod sigs;
#[cfg(test)]
mod tests;
mod writer;

use std::cmp::Ordering;

use crate::document::Document;
use crate::error::Error;
use crate::node::NodeId;
use crate::resolve::Schema;
use crate::value::Walk;

/// Appends a node as kyaml's encoder prints it (`yaml.v3`, two spaces, compact sequences), which is
/// also `RNode.String()`. The node's order, styles, tags, anchors and comments are kept.
pub fn kyaml(doc: &Document, id: NodeId, out: &mut String) {
    kyaml::print(doc, id, out);
}

/// Appends a node as `sigs.k8s.io/yaml` 1.6 prints it after reading it: what `JSONToYAML` makes of
/// `YAMLToJSON`, with keys sorted and scalars resolved by [`Schema::Sigs`]. This is also what Helm's
/// `toYaml` prints for the value.
///
/// Fails where that package does: infinities and not-a-number, keys that are collections or null, tags
/// that do not fit. Nothing is appended then.
pub fn sigs(doc: &Document, id: NodeId, out: &mut String) -> Result<(), Error> {
    sigs::print(doc, id, Walk::new(doc, Schema::Sigs), false, out)
}

/// Appends a node as `kustomize build` prints a resource: `RNode.MarshalJSON`, which resolves scalars
/// by [`Schema::Kyaml`], then `JSONToYAML` of `sigs.k8s.io/yaml`.
///
/// Fails as [`sigs`] does, for keys below the root that are not strings, and for a root that is a
/// scalar other than null.
pub fn kustomize(doc: &Document, id: NodeId, out: &mut String) -> Result<(), Error> {
    sigs::print(doc, id, Walk::reprinted(doc), true, out)
}

/// The order in which Go's emitters print the keys of a map: `a2` before `a10`.
pub fn key_order(a: &str, b: &str) -> Ordering {
    order::compare(a, b)
}

/// How to print JSON.
#[derive(Clone, Copy, Debug)]
pub struct JsonOptions {
    /// Whether keys are sorted by their bytes, as Go sorts those of a map.
    pub sort_keys: bool,
    /// Whether `<`, `>` and `&` are escaped, as Go does by default.
    pub escape_html: bool,
}

impl Default for JsonOptions {
    fn default() -> Self {
        Self {
            sort_keys: true,
            escape_html: true,
        }
    }
}

/// Appends a node as compact JSON, as Go's `json.Marshal` prints the value that the loader of the
/// schema decodes. Fails as [`sigs`] does.
pub fn json(doc: &Document, id: NodeId, schema: Schema, out: &mut String) -> Result<(), Error> {
    json_with(doc, id, schema, JsonOptions::default(), out)
}

/// Fails where [`json`] does, and prints nothing.
pub fn check_json(doc: &Document, id: NodeId, schema: Schema) -> Result<(), Error> {
    json::check(doc, id, schema)
}

/// As [`json`], with options.
pub fn json_with(
    doc: &Document,
    id: NodeId,
    schema: Schema,
    options: JsonOptions,
    out: &mut String,
) -> Result<(), Error> {
    json::print(doc, id, schema, options, out)
}
