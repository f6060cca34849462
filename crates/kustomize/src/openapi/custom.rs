//! Schemas that a kustomization brings along, as an OpenAPI (swagger) document.

use std::collections::HashMap;

use trueup_yaml::{Document, Kind, NodeId, Source};

/// A schema document, with its kinds found.
pub(crate) struct CustomSchema {
    doc: Document,
    /// `version/kind` or `group/version/kind` to definition.
    kinds: HashMap<String, NodeId>,
    /// The same to whether it is cluster-scoped, as its paths tell.
    scopes: HashMap<String, bool>,
}

impl CustomSchema {
    /// Reads a document in JSON or YAML.
    pub(crate) fn parse(source: &Source) -> Result<Self, String> {
        let doc = Document::parse_one(source).map_err(|errors| {
            errors
                .first()
                .map_or_else(String::new, |error| error.message().to_owned())
        })?;
        let root = doc.root();
        if doc.kind(root) != Kind::Mapping {
            return Err("it is not a mapping".to_owned());
        }
        let mut schema = Self {
            doc,
            kinds: HashMap::new(),
            scopes: HashMap::new(),
        };
        schema.find_kinds();
        schema.find_scopes();
        Ok(schema)
    }

    fn find_kinds(&mut self) {
        let doc = &self.doc;
        let Some(definitions) = doc.get(doc.root(), "definitions") else {
            return;
        };
        for (_, definition) in doc.entries(definitions) {
            let Some(gvks) = doc.get(definition, "x-kubernetes-group-version-kind") else {
                continue;
            };
            for gvk in doc.items(gvks) {
                self.kinds.insert(key_of(doc, gvk), definition);
            }
        }
    }

    fn find_scopes(&mut self) {
        let doc = &self.doc;
        let Some(paths) = doc.get(doc.root(), "paths") else {
            return;
        };
        for (path, item) in doc.entries(paths) {
            let Some(gvk) = doc.at(item, &["get", "x-kubernetes-group-version-kind"]) else {
                continue;
            };
            let namespaced = doc
                .text(path)
                .is_some_and(|path| path.contains("namespaces/{namespace}"));
            let cluster = self.scopes.entry(key_of(doc, gvk)).or_insert(true);
            *cluster &= !namespaced;
        }
    }

    pub(super) fn of_kind(&self, api_version: &str, kind: &str) -> Option<Type<'_>> {
        let node = *self.kinds.get(&format!("{api_version}/{kind}"))?;
        Some(Type { schema: self, node })
    }

    /// Whether a kind is cluster-scoped; none where the document does not say.
    pub(super) fn scope(&self, api_version: &str, kind: &str) -> Option<bool> {
        self.scopes.get(&format!("{api_version}/{kind}")).copied()
    }

    /// The definition of this name.
    pub(super) fn definition(&self, name: &str) -> Option<Type<'_>> {
        let node = self.doc.at(self.doc.root(), &["definitions", name])?;
        Some(Type { schema: self, node })
    }
}

fn key_of(doc: &Document, gvk: NodeId) -> String {
    let text = |field| {
        doc.get(gvk, field)
            .and_then(|node| doc.text(node))
            .unwrap_or_default()
    };
    let (group, version, kind) = (text("group"), text("version"), text("kind"));
    if group.is_empty() {
        format!("{version}/{kind}")
    } else {
        format!("{group}/{version}/{kind}")
    }
}

/// One schema in the document.
#[derive(Clone, Copy)]
pub(crate) struct Type<'a> {
    schema: &'a CustomSchema,
    node: NodeId,
}

impl<'a> Type<'a> {
    fn text(self, field: &str) -> Option<&'a str> {
        let doc = &self.schema.doc;
        doc.get(self.node, field).and_then(|node| doc.text(node))
    }

    /// The name of the definition that this refers to.
    pub(super) fn reference(self) -> Option<&'a str> {
        self.text("$ref")?.strip_prefix("#/definitions/")
    }

    pub(super) fn field(self, name: &str) -> Option<Self> {
        let doc = &self.schema.doc;
        let property = doc
            .get(self.node, "properties")
            .and_then(|map| doc.get(map, name));
        let more = || {
            let more = doc.get(self.node, "additionalProperties")?;
            (doc.kind(more) == Kind::Mapping).then_some(more)
        };
        Some(Self {
            node: property.or_else(more)?,
            ..self
        })
    }

    pub(super) fn items(self) -> Option<Self> {
        if self.text("type") != Some("array") {
            return None;
        }
        Some(Self {
            node: self.schema.doc.get(self.node, "items")?,
            ..self
        })
    }

    pub(super) fn merge_keys(self) -> Option<Vec<&'a str>> {
        let doc = &self.schema.doc;
        let strategy = self.text("x-kubernetes-patch-strategy")?;
        if !strategy.split(',').any(|strategy| strategy == "merge") {
            return None;
        }
        if let Some(keys) = doc.get(self.node, "x-kubernetes-list-map-keys") {
            return Some(doc.items(keys).filter_map(|key| doc.text(key)).collect());
        }
        Some(
            self.text("x-kubernetes-patch-merge-key")
                .into_iter()
                .collect(),
        )
    }
}
