//! What differs between two rendered sets: what a change to the files would change in a cluster that
//! is true to them.

use std::collections::HashMap;

use serde::Serialize;
use trueup_manifest::{Manifest, ObjectId, is_secret};
use trueup_yaml::{Document, Kind, NodeId, emit};

use super::{Desired, DesiredPhase};

/// What differs between two rendered sets, in the order of the new one, then what is gone.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The objects that differ.
    pub objects: Vec<Difference>,
    /// How many are the same in both.
    pub unchanged: usize,
}

/// One object that differs.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The object.
    #[serde(serialize_with = "as_text")]
    pub object: ObjectId,
    /// What would be done with it.
    pub action: DifferenceKind,
    /// The phase it is in, or was in.
    pub phase: String,
    /// Where it is written: `file:line:column`, or what generated it.
    pub source: String,
    /// As it was, in YAML, with the values of a Secret masked; none for a new object.
    pub before: Option<String>,
    /// As it is to be, likewise; none for one that is gone.
    pub after: Option<String>,
}

/// What would be done with an object that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DifferenceKind {
    /// It is new.
    Create,
    /// It is otherwise.
    Configure,
    /// It is gone.
    Prune,
}

fn as_text<S: serde::Serializer>(id: &ObjectId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

type Placed<'a> = (&'a DesiredPhase, &'a Manifest);

/// Compares two rendered sets. The order of objects and the phase they are in make no difference.
pub fn compare(before: &Desired, after: &Desired) -> Comparison {
    let mut old: HashMap<ObjectId, Placed<'_>> = placed(before)
        .map(|placed| (placed.1.id(), placed))
        .collect();
    let mut comparison = Comparison::default();
    for (phase, manifest) in placed(after) {
        let id = manifest.id();
        let found = old.remove(&id);
        let same = found.is_some_and(|(_, old)| same(&old.doc, &manifest.doc));
        if same {
            comparison.unchanged += 1;
        } else {
            let (before, after) = texts(&id, found.map(|(_, old)| old), Some(manifest));
            comparison.objects.push(Difference {
                action: if before.is_some() {
                    DifferenceKind::Configure
                } else {
                    DifferenceKind::Create
                },
                object: id,
                phase: phase.name.clone(),
                source: place(manifest),
                before,
                after,
            });
        }
    }
    for (phase, manifest) in placed(before) {
        let id = manifest.id();
        if old.contains_key(&id) {
            let (before, after) = texts(&id, Some(manifest), None);
            comparison.objects.push(Difference {
                object: id,
                action: DifferenceKind::Prune,
                phase: phase.name.clone(),
                source: place(manifest),
                before,
                after,
            });
        }
    }
    comparison
}

fn place(manifest: &Manifest) -> String {
    match &manifest.origin.location {
        Some(location) => location.to_string(),
        None => manifest.origin.to_string(),
    }
}

fn placed(desired: &Desired) -> impl Iterator<Item = Placed<'_>> {
    let phases = desired.phases.iter();
    phases.flat_map(|phase| {
        phase
            .manifests
            .iter()
            .map(move |manifest| (phase, manifest))
    })
}

fn same(before: &Document, after: &Document) -> bool {
    yaml(before) == yaml(after)
}

fn yaml(doc: &Document) -> String {
    let mut text = String::new();
    // What cannot be printed was refused before; an empty text only makes the object differ.
    let _ = emit::kustomize(doc, doc.root(), &mut text);
    text
}

/// Both texts, the values of a Secret masked so that one can tell which of them differ.
fn texts(
    id: &ObjectId,
    before: Option<&Manifest>,
    after: Option<&Manifest>,
) -> (Option<String>, Option<String>) {
    let text = |manifest: Option<&Manifest>, other: Option<&Manifest>, mark: &str| {
        manifest.map(|manifest| {
            if is_secret(&id.group, &id.kind) {
                yaml(&masked(&manifest.doc, other.map(|other| &other.doc), mark))
            } else {
                yaml(&manifest.doc)
            }
        })
    };
    (text(before, after, "before"), text(after, before, "after"))
}

/// A copy without values: `***` where the other has the same, marked where it has another.
fn masked(doc: &Document, other: Option<&Document>, mark: &str) -> Document {
    let mut copy = doc.clone();
    for field in ["data", "stringData"] {
        let Some(map) = copy.get(copy.root(), field) else {
            continue;
        };
        let entries: Vec<(String, NodeId)> = copy
            .entries(map)
            .map(|(key, value)| (copy.text(key).unwrap_or_default().to_owned(), value))
            .collect();
        for (key, value) in entries {
            let theirs = other
                .and_then(|other| Some((other, other.at(other.root(), &[field, key.as_str()])?)));
            let differs =
                theirs.is_some_and(|(other, theirs)| !copy.eq_value(value, other, theirs));
            let text = if differs {
                format!("*** ({mark})")
            } else {
                "***".to_owned()
            };
            let scalar = copy.new_str(&text);
            copy.set(map, &key, scalar);
        }
        if copy.kind(map) != Kind::Mapping {
            let scalar = copy.new_str("***");
            copy.replace(map, scalar);
        }
    }
    // kubectl keeps a copy of what it applied here, values included.
    let applied = "kubectl.kubernetes.io/last-applied-configuration";
    if let Some(annotations) = copy.at(copy.root(), &["metadata", "annotations"])
        && copy.get(annotations, applied).is_some()
    {
        let scalar = copy.new_str("***");
        copy.set(annotations, applied, scalar);
    }
    copy
}

#[cfg(test)]
mod tests {
    use trueup_manifest::Origin;
    use trueup_yaml::Source;

    use super::*;

    fn desired(text: &str) -> Desired {
        let documents = Document::parse(&Source::new("m.yaml", text)).unwrap();
        let manifests = documents
            .into_iter()
            .map(|doc| Manifest::new(doc, Origin::default()).unwrap())
            .collect();
        Desired {
            phases: vec![DesiredPhase {
                name: "all".to_owned(),
                depends_on: Vec::new(),
                timeout: std::time::Duration::ZERO,
                wait: true,
                atomic: false,
                cleaned_up_with: None,
                manifests,
            }],
            ..Desired::default()
        }
    }

    fn object(kind: &str, name: &str, rest: &str) -> String {
        format!("---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\n{rest}\n")
    }

    #[test]
    fn new_changed_and_gone_objects_differ_and_order_does_not() {
        let before = desired(
            &(object("ConfigMap", "a", "data: {x: '1'}")
                + &object("ConfigMap", "b", "data: {x: '1', y: '2'}")
                + &object("ConfigMap", "c", "")),
        );
        let after = desired(
            &(object("ConfigMap", "b", "data: {y: '2', x: \"1\"}")
                + &object("ConfigMap", "d", "")
                + &object("ConfigMap", "a", "data: {x: '2'}")),
        );
        let comparison = compare(&before, &after);
        let found: Vec<(String, DifferenceKind)> = comparison
            .objects
            .iter()
            .map(|difference| (difference.object.to_string(), difference.action))
            .collect();
        let expected = [
            ("ConfigMap d", DifferenceKind::Create),
            ("ConfigMap a", DifferenceKind::Configure),
            ("ConfigMap c", DifferenceKind::Prune),
        ];
        assert_eq!(found, expected.map(|(id, kind)| (id.to_owned(), kind)));
        assert_eq!(comparison.unchanged, 1);
    }

    #[test]
    fn values_of_a_secret_are_never_shown() {
        let before = desired(&object(
            "Secret",
            "s",
            "stringData: {same: hunter2, other: hunter2, gone: hunter2}\ndata: {k: aHVudGVyMg==}",
        ));
        let after = desired(&object(
            "Secret",
            "s",
            "stringData: {same: hunter2, other: hunter3, new: hunter4}\ndata: hunter5",
        ));
        let comparison = compare(&before, &after);
        let text = serde_json::to_string(&comparison).unwrap();
        assert!(
            !text.contains("hunter") && !text.contains("aHVudGVy"),
            "{text}"
        );
        let after = comparison.objects[0].after.as_deref().unwrap();
        assert!(
            after.contains("same: '***'") && after.contains("other: '*** (after)'"),
            "{after}"
        );
    }
}
