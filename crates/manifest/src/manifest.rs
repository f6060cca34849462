//! One rendered object with where it came from.

use trueup_yaml::{Document, NodeId};

use crate::{
    diagnostic::Diagnostic,
    id::{Gvk, ObjectId},
    origin::Origin,
};

/// One Kubernetes object as rendered: a document whose root is a mapping with `apiVersion`, `kind`
/// and `metadata.name`, and where it came from.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The object itself.
    pub doc: Document,
    /// Where it came from.
    pub origin: Origin,
}

impl Manifest {
    /// Takes a document as a manifest. One that is no object of a cluster is refused, with the place
    /// of what is missing.
    pub fn new(doc: Document, origin: Origin) -> Result<Self, Diagnostic> {
        let manifest = Self { doc, origin };
        let root = manifest.doc.root();
        for path in [&["apiVersion"][..], &["kind"], &["metadata", "name"]] {
            let found = manifest.doc.at(root, path);
            let text = found
                .and_then(|node| manifest.doc.text(node))
                .unwrap_or_default();
            if text.is_empty() {
                let place = found
                    .and_then(|node| manifest.doc.location(node))
                    .or_else(|| manifest.doc.location(root))
                    .or_else(|| manifest.origin.location.clone());
                let field = path.join(".");
                return Err(Diagnostic::error(
                    "manifest/no-identity",
                    format!("`{field}` is missing or empty"),
                )
                .at(place)
                .via(&manifest.origin.chain)
                .help(format!(
                    "every object needs `apiVersion`, `kind` and `metadata.name`; set `{field}`"
                )));
            }
        }
        Ok(manifest)
    }

    /// The text of the scalar at `path`; empty where there is none.
    fn text(&self, path: &[&str]) -> &str {
        self.doc
            .at(self.doc.root(), path)
            .and_then(|node| self.doc.text(node))
            .unwrap_or_default()
    }

    /// `apiVersion` as written.
    pub fn api_version(&self) -> &str {
        self.text(&["apiVersion"])
    }

    /// `kind`.
    pub fn kind(&self) -> &str {
        self.text(&["kind"])
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.text(&["metadata", "name"])
    }

    /// `metadata.namespace`; empty where there is none.
    pub fn namespace(&self) -> &str {
        self.text(&["metadata", "namespace"])
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> Gvk {
        Gvk::new(self.api_version(), self.kind())
    }

    /// The identity as written: the namespace is what the manifest says, which for a namespaced kind
    /// may still be empty.
    pub fn id(&self) -> ObjectId {
        let Gvk { group, kind, .. } = self.gvk();
        ObjectId {
            group,
            kind,
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata_entry("annotations", key)
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.metadata_entry("labels", key)
    }

    fn metadata_entry(&self, field: &str, key: &str) -> Option<&str> {
        let node: NodeId = self.doc.at(self.doc.root(), &["metadata", field, key])?;
        self.doc.text(node)
    }
}

/// Whether a kind holds secret values that must never be shown.
pub fn is_secret(group: &str, kind: &str) -> bool {
    group.is_empty() && kind == "Secret"
}

/// Whether a file's text looks as if it held a Secret: the excerpt of such a file is never shown.
/// Errs on the side of silence.
pub(crate) fn holds_secret(text: &str) -> bool {
    text.match_indices("kind").any(|(at, word)| {
        let rest = text.get(at + word.len()..).unwrap_or_default();
        let value = rest.trim_start_matches(['"', '\'', ':', ' ', '\t']);
        value.starts_with("Secret")
    })
}

#[cfg(test)]
mod tests {
    use trueup_yaml::Source;

    use super::*;

    fn manifest(text: &str) -> Result<Manifest, Diagnostic> {
        let doc = Document::parse(&Source::new("m.yaml", text))
            .unwrap()
            .remove(0);
        Manifest::new(doc, Origin::default())
    }

    #[test]
    fn a_manifest_knows_its_identity() {
        let manifest = manifest(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: hub\n  labels: {app: x}\n",
        )
        .unwrap();
        assert_eq!(manifest.id().to_string(), "Deployment.apps hub/web");
        assert_eq!(manifest.label("app"), Some("x"));
        assert_eq!(manifest.annotation("app"), None);
    }

    #[test]
    fn a_document_without_identity_is_refused_with_its_place() {
        let error = manifest("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n").unwrap_err();
        assert_eq!(error.message, "`metadata.name` is missing or empty");
        assert!(error.location().is_some());
        assert!(manifest("- a\n").is_err());
    }

    #[test]
    fn a_text_that_holds_a_secret_is_known_in_yaml_and_json() {
        for (text, secret) in [
            ("kind: Secret\n", true),
            ("{\"kind\": \"Secret\"}", true),
            ("kind:   'Secret'", true),
            ("kind: ConfigMap\ndata: {secret: x}", false),
        ] {
            assert_eq!(holds_secret(text), secret, "{text}");
        }
    }
}
