//! The annotation by which an object names others that must be ready before it.
//!
//! Its form is that of cli-utils: `group/namespaces/namespace/Kind/name` or `group/Kind/name`, separated
//! by commas, with an empty group for the core.

use trueup_manifest::{Diagnostic, ObjectId};

use super::{
    object::Object,
    view::{Node, View},
};

/// The annotation.
pub(super) const DEPENDS_ON: &str = "config.kubernetes.io/depends-on";

/// The objects that an object's annotation names.
pub(super) fn targets(object: &Object) -> Result<Vec<ObjectId>, Diagnostic> {
    if !object.is_ordered {
        return Ok(Vec::new());
    }
    let root = object.root();
    let Some(node) = root.at(&["metadata", "annotations", DEPENDS_ON]) else {
        return Ok(Vec::new());
    };
    let text = node.text().unwrap_or_default();
    text.split(',')
        .map(|word| parse(word.trim()).ok_or_else(|| unreadable(object, node, word)))
        .collect()
}

/// What the annotation of a live object names; whatever in it names nothing is left out.
pub(super) fn targets_of(annotation: Option<&str>) -> Vec<ObjectId> {
    let words = annotation.into_iter().flat_map(|text| text.split(','));
    words.filter_map(|word| parse(word.trim())).collect()
}

fn parse(word: &str) -> Option<ObjectId> {
    let parts: Vec<&str> = word.split('/').collect();
    let (group, namespace, kind, name) = match parts.as_slice() {
        [group, "namespaces", namespace, kind, name] if !namespace.is_empty() => {
            (*group, *namespace, *kind, *name)
        }
        [group, kind, name] => (*group, "", *kind, *name),
        _ => return None,
    };
    if kind.is_empty() || name.is_empty() {
        return None;
    }
    Some(ObjectId {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

fn unreadable(object: &Object, node: Node<'_>, word: &str) -> Diagnostic {
    let place = object
        .doc
        .location(node.id())
        .or_else(|| object.origin.location.clone());
    let message = format!("`{}` in `{DEPENDS_ON}` names no object", word.trim());
    Diagnostic::error("plan/depends-on", message)
        .at(place)
        .via(&object.origin.chain)
        .help("write `group/namespaces/namespace/Kind/name`, or `group/Kind/name` for an object without namespace")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_with_or_without_namespace() {
        for (word, expected) in [
            (
                "apps/namespaces/web/Deployment/api",
                Some("Deployment.apps web/api"),
            ),
            ("/namespaces/web/ConfigMap/a", Some("ConfigMap web/a")),
            (
                "storage.k8s.io/StorageClass/fast",
                Some("StorageClass.storage.k8s.io fast"),
            ),
            ("/Namespace/web", Some("Namespace web")),
            ("Deployment/api", None),
            ("apps/namespaces//Deployment/api", None),
            ("apps/Deployment/", None),
            ("", None),
        ] {
            assert_eq!(
                parse(word).map(|id| id.to_string()).as_deref(),
                expected,
                "{word}"
            );
        }
    }
}
