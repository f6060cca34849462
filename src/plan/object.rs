//! A rendered object ready to be applied: its address found, our label on it.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use trueup_manifest::{Diagnostic, Diagnostics, Manifest, ObjectId, Origin, is_secret};
use trueup_yaml::{
    Document, NodeId, Schema, Style,
    emit::{self, JsonOptions},
};

use super::{
    arrival::{self, Arrivals, Awaits},
    depends_on::DEPENDS_ON,
    inventory::{ApplySet, PART_OF},
    leave::Settlement,
    sync_waves,
    view::{Node, View},
};
use crate::{
    cluster::{Kinds, Resource, Target},
    render::Desired,
};

/// A rendered object ready to be applied. Its `Debug` shows no values, as it may be a Secret.
#[derive(Clone)]
pub struct Object {
    /// Its address.
    pub target: Target,
    /// The object, as it is sent.
    pub doc: Document,
    /// Where it came from.
    pub origin: Origin,
    /// The index of its phase.
    pub phase: usize,
    /// Whether the cluster does not serve its kind yet: a CRD of the desired set brings it.
    pub kind_is_new: bool,
    /// What has to come first where the cluster does not serve its kind and no CRD of the desired set
    /// brings it either.
    pub awaits: Option<Awaits>,
    /// Whether its annotations may say when its turn comes. Most objects have none, and need no look at them.
    pub(super) is_ordered: bool,
    /// What became of the fields that others set otherwise.
    pub settlement: Settlement,
    /// The object as it was before fields were left to others: so it is made, where it is made anew.
    pub(super) whole: Option<Arc<Document>>,
}

/// What [`Object::id`] holds, borrowed: group, kind, namespace and name.
pub(super) type Key<'a> = (&'a str, &'a str, &'a str, &'a str);

impl Object {
    /// Its identity, borrowed.
    pub(super) fn key(&self) -> Key<'_> {
        let Target {
            resource,
            namespace,
            name,
        } = &self.target;
        (&resource.group, &resource.kind, namespace, name)
    }

    /// Its identity.
    pub fn id(&self) -> ObjectId {
        self.target.id()
    }

    /// What is sent to the server. Fails on what JSON cannot say, such as infinity.
    pub fn body(&self) -> Result<Bytes, Diagnostic> {
        self.write(&self.doc)
    }

    /// What is sent where the object is made anew: every field, those that are left to others, too.
    pub(super) fn whole_body(&self) -> Result<Bytes, Diagnostic> {
        self.write(self.whole.as_deref().unwrap_or(&self.doc))
    }

    fn write(&self, doc: &Document) -> Result<Bytes, Diagnostic> {
        let mut json = String::new();
        let options = JsonOptions {
            sort_keys: false,
            escape_html: false,
        };
        emit::json_with(doc, doc.root(), Schema::Sigs, options, &mut json)
            .map_err(|error| Diagnostic::from(error).via(&self.origin.chain))?;
        Ok(json.into())
    }

    pub(super) fn root(&self) -> Node<'_> {
        Node::root(&self.doc)
    }

    /// Whether it is a Job that a chart runs as a hook: it holds nothing but its run, and a new run is a
    /// new Job.
    pub(super) fn is_hook(&self) -> bool {
        let resource = &self.target.resource;
        resource.group == "batch"
            && resource.kind == "Job"
            && self
                .root()
                .at(&["metadata", "annotations", "helm.sh/hook"])
                .is_some()
    }

    /// An error about it, at its place.
    pub(super) fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, message)
            .at(self.origin.location.clone())
            .via(&self.origin.chain)
    }

    /// A warning about it, at its place.
    pub(super) fn warning(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, message)
            .at(self.origin.location.clone())
            .via(&self.origin.chain)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({})", self.id())
    }
}

/// The rendered objects of all phases, ready to be applied.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// In the order of the phases and of the rendered output.
    pub items: Vec<Object>,
    /// What the cluster serves, with the kinds that the desired set brings.
    pub kinds: Kinds,
    /// What is worth saying and stops nothing.
    pub warnings: Vec<Diagnostic>,
}

/// Finds the address of each rendered object and puts our label on it. What the cluster serves says
/// which kinds have namespaces; for a kind that is not served yet, its CRD in the desired set does.
pub fn resolve(
    desired: &Desired,
    served: &Kinds,
    applyset: &ApplySet,
) -> Result<Objects, Diagnostics> {
    let mut kinds = served.clone();
    for manifest in desired.phases.iter().flat_map(|phase| &phase.manifests) {
        for resource in resources_of_crd(manifest) {
            kinds.insert(resource);
        }
    }
    let mut problems = Diagnostics::new();
    let mut settled = Vec::new();
    let mut addresses = Addresses {
        kinds: &kinds,
        served,
        known: HashMap::new(),
        arrivals: Arrivals::default(),
        applyset,
    };
    let count = desired.phases.iter().map(|phase| phase.manifests.len());
    let mut items = Vec::with_capacity(count.sum());
    for (phase, rendered) in desired.phases.iter().enumerate() {
        for manifest in &rendered.manifests {
            let Some(mut object) = problems.keep(addresses.of(manifest, phase)) else {
                continue;
            };
            let namespace = settle_namespace(&mut object);
            settled.extend(namespace.map(|namespace| (items.len(), namespace)));
            items.push(object);
        }
    }
    problems.extend(duplicates(&items, desired));
    let mut warnings = Vec::new();
    for what in [Settled::Given, Settled::Dropped] {
        warnings.extend(namespace_warning(&items, &settled, what));
    }
    arrival::settle(&mut items, &desired.phases, &kinds);
    problems.into_result(Objects {
        items,
        kinds,
        warnings,
    })
}

/// An error for each object that is there already.
fn duplicates(items: &[Object], desired: &Desired) -> Vec<Diagnostic> {
    let mut first: HashMap<Key<'_>, &Object> = HashMap::with_capacity(items.len());
    let mut errors = Vec::new();
    for object in items {
        match first.entry(object.key()) {
            Entry::Vacant(place) => drop(place.insert(object)),
            Entry::Occupied(place) => {
                errors.push(duplicate(&object.id(), place.get(), object, desired));
            }
        }
    }
    errors
}

fn duplicate(id: &ObjectId, first: &Object, again: &Object, desired: &Desired) -> Diagnostic {
    let phase = |object: &Object| {
        desired
            .phases
            .get(object.phase)
            .map(|phase| phase.name.clone())
            .unwrap_or_default()
    };
    Diagnostic::error("plan/duplicate", format!("`{id}` is defined twice"))
        .label(
            again.origin.location.clone(),
            format!("again here, in phase `{}`", phase(again)),
        )
        .label(
            first.origin.location.clone(),
            format!("first here, in phase `{}`", phase(first)),
        )
        .via(&again.origin.chain)
        .help("remove one of the two, or give one another name or namespace")
}

/// What the addresses of objects are found with.
struct Addresses<'a> {
    /// What the cluster serves, with the kinds that the desired set brings.
    kinds: &'a Kinds,
    /// What it serves now.
    served: &'a Kinds,
    /// What was found of the kinds that came up, by `apiVersion` and `kind`: objects are many, kinds few.
    known: HashMap<(&'a str, &'a str), Known>,
    arrivals: Arrivals,
    applyset: &'a ApplySet,
}

/// What is known of a kind.
#[derive(Clone)]
struct Known {
    resource: Option<Arc<Resource>>,
    /// Whether the cluster does not serve it yet.
    is_new: bool,
}

impl<'a> Addresses<'a> {
    fn of(&mut self, manifest: &'a Manifest, phase: usize) -> Result<Object, Diagnostic> {
        let Known { resource, is_new } = self.kind_of(manifest);
        let awaits = resource.is_none().then(|| {
            let gvk = manifest.gvk();
            Awaits {
                kind: format!("{} {}", gvk.api_version(), gvk.kind),
                bringers: Vec::new(),
                otherwise: None,
                is_silent: false,
            }
        });
        let resource = resource.unwrap_or_else(|| self.arrivals.resource(manifest));
        let is_secret = is_secret(&resource.group, &resource.kind);
        let mut object = Object {
            target: Target {
                resource,
                namespace: manifest.namespace().to_owned(),
                name: manifest.name().to_owned(),
            },
            doc: manifest.doc.clone(),
            origin: manifest.origin.clone(),
            phase,
            kind_is_new: is_new,
            awaits,
            is_ordered: is_ordered(manifest),
            settlement: Settlement::default(),
            whole: None,
        };
        if is_secret {
            encode_string_data(&mut object.doc);
        }
        mark(&mut object, self.applyset)?;
        Ok(object)
    }

    fn kind_of(&mut self, manifest: &'a Manifest) -> Known {
        let (kinds, served) = (self.kinds, self.served);
        let known = self
            .known
            .entry((manifest.api_version(), manifest.kind()))
            .or_insert_with(|| {
                let gvk = manifest.gvk();
                Known {
                    resource: kinds.get(&gvk).cloned(),
                    is_new: served.get(&gvk).is_none(),
                }
            });
        known.clone()
    }
}

/// Namespaced objects without a namespace go to `default`, as with kubectl; a namespace on an object
/// that has none is dropped. Says which of the two happened.
fn settle_namespace(object: &mut Object) -> Option<Settled> {
    // Of a kind that is not served nobody knows yet whether it has namespaces.
    if object.awaits.is_some() {
        return None;
    }
    let namespaced = object.target.resource.namespaced;
    let metadata = object.doc.get(object.doc.root(), "metadata")?;
    if namespaced && object.target.namespace.is_empty() {
        "default".clone_into(&mut object.target.namespace);
        let value = object.doc.new_str("default");
        object.doc.set(metadata, "namespace", value);
        return Some(Settled::Given);
    }
    if !namespaced && !object.target.namespace.is_empty() {
        object.target.namespace.clear();
        object.doc.remove(metadata, "namespace");
        return Some(Settled::Dropped);
    }
    None
}

/// What was done about an object's namespace.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    Given,
    Dropped,
}

/// One warning for all objects of which the same is to be said: there may be many.
fn namespace_warning(
    items: &[Object],
    settled: &[(usize, Settled)],
    what: Settled,
) -> Option<Diagnostic> {
    const NAMED: usize = 3;
    let which = settled.iter().filter(|(_, settled)| *settled == what);
    let objects: Vec<&Object> = which.filter_map(|(at, _)| items.get(*at)).collect();
    let first = objects.first()?;
    let names: Vec<String> = objects
        .iter()
        .take(NAMED)
        .map(|object| format!("`{}`", object.id()))
        .collect();
    let more = match objects.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = names.join(", ");
    Some(match what {
        Settled::Given => first
            .warning(
                "plan/no-namespace",
                format!("without a namespace, and so in `default`: {names}{more}"),
            )
            .help("set `metadata.namespace`, or `namespace` in the kustomization"),
        Settled::Dropped => first.warning(
            "plan/needless-namespace",
            format!("with a namespace, though their kind has none; it is dropped: {names}{more}"),
        ),
    })
}

/// Moves `stringData` of a Secret to `data`. A server does the same, but keeps what it wrote to `data`
/// when the key goes from `stringData`, as nobody owns it there.
fn encode_string_data(doc: &mut Document) {
    let root = doc.root();
    let Some(plain) = doc.remove(root, "stringData") else {
        return;
    };
    let entries: Vec<(String, NodeId)> = doc
        .entries(plain)
        .map(|(key, value)| (doc.text(key).unwrap_or_default().to_owned(), value))
        .collect();
    let data = match doc.get(root, "data") {
        Some(data) if !doc.is_null(data) => data,
        _ => {
            let data = doc.new_mapping();
            doc.set(root, "data", data);
            data
        }
    };
    for (key, value) in entries {
        if !doc.is_null(value) {
            let encoded = STANDARD.encode(doc.text(value).unwrap_or_default());
            doc.set_style(value, Style::DoubleQuoted);
            doc.set_text(value, &encoded);
        }
        doc.set(data, &key, value);
    }
}

/// Whether an annotation says something of the order.
fn is_ordered(manifest: &Manifest) -> bool {
    let annotations = Node::root(&manifest.doc).at(&["metadata", "annotations"]);
    annotations.is_some_and(|all| {
        all.entries()
            .any(|(key, _)| key == DEPENDS_ON || sync_waves::ANNOTATIONS.contains(&key))
    })
}

fn mark(object: &mut Object, applyset: &ApplySet) -> Result<(), Diagnostic> {
    let root = object.doc.root();
    let Some(metadata) = object.doc.get(root, "metadata") else {
        return Ok(());
    };
    let labels = match object.doc.get(metadata, "labels") {
        Some(labels) if !object.doc.is_null(labels) => labels,
        _ => {
            let labels = object.doc.new_mapping();
            object.doc.set(metadata, "labels", labels);
            labels
        }
    };
    if let Some(set) = object.doc.get(labels, PART_OF) {
        let place = object
            .doc
            .location(set)
            .or_else(|| object.origin.location.clone());
        let message = format!("`{}` sets the label `{PART_OF}` itself", object.id());
        return Err(Diagnostic::error("plan/label", message)
            .at(place)
            .via(&object.origin.chain)
            .help("remove the label: trueup sets it to mark what the environment owns"));
    }
    let value = object.doc.new_str(applyset.id());
    object.doc.set(labels, PART_OF, value);
    Ok(())
}

/// The kinds that a CRD brings, one for each served version.
fn resources_of_crd(manifest: &Manifest) -> Vec<Resource> {
    if manifest.kind() != "CustomResourceDefinition" {
        return Vec::new();
    }
    let root = Node::root(&manifest.doc);
    let (group, kind) = (
        root.text_at(&["spec", "group"]),
        root.text_at(&["spec", "names", "kind"]),
    );
    let plural = root.text_at(&["spec", "names", "plural"]);
    if group.is_empty() || kind.is_empty() || plural.is_empty() {
        return Vec::new();
    }
    root.items_at(&["spec", "versions"])
        .filter(|version| {
            version
                .get("served")
                .is_none_or(|served| served.shape() != super::view::Shape::Bool(false))
        })
        .map(|version| Resource {
            group: group.to_owned(),
            version: version.text_at(&["name"]).to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced: root.text_at(&["spec", "scope"]) == "Namespaced",
            has_status: version.at(&["subresources", "status"]).is_some(),
        })
        .collect()
}
