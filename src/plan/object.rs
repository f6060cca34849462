//! A rendered object ready to be applied: its address found, our label on it.

use std::{collections::HashMap, fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use trueup_manifest::{Diagnostic, Diagnostics, Manifest, ObjectId, Origin, is_secret};
use trueup_yaml::{
    Document, NodeId, Schema, Style,
    emit::{self, JsonOptions},
};

use super::{
    arrival::{self, Arrivals, Awaits},
    inventory::{ApplySet, PART_OF},
    leave::Settlement,
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
    /// What became of the fields that others set otherwise.
    pub settlement: Settlement,
    /// The object as it was before fields were left to others: so it is made, where it is made anew.
    pub(super) whole: Option<Arc<Document>>,
}

impl Object {
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
    let mut objects = Objects {
        kinds,
        ..Objects::default()
    };
    let mut problems = Diagnostics::new();
    let mut places: HashMap<ObjectId, usize> = HashMap::new();
    let mut settled = Vec::new();
    let mut arrivals = Arrivals::default();
    for (phase, rendered) in desired.phases.iter().enumerate() {
        for manifest in &rendered.manifests {
            let found = Address {
                kinds: &objects.kinds,
                served,
                arrivals: &mut arrivals,
                applyset,
            }
            .of(manifest, phase);
            let Some(mut object) = problems.keep(found) else {
                continue;
            };
            let namespace = settle_namespace(&mut object);
            let id = object.id();
            if let Some(first) = places.get(&id).and_then(|at| objects.items.get(*at)) {
                problems.push(duplicate(&id, first, &object, desired));
                continue;
            }
            let place = objects.items.len();
            settled.extend(namespace.map(|namespace| (place, namespace)));
            places.insert(id, place);
            objects.items.push(object);
        }
    }
    for what in [Settled::Given, Settled::Dropped] {
        let warning = namespace_warning(&objects.items, &settled, what);
        objects.warnings.extend(warning);
    }
    arrival::settle(&mut objects.items, &desired.phases, &objects.kinds);
    problems.into_result(objects)
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

/// What an object's address is found with.
struct Address<'a> {
    /// What the cluster serves, with the kinds that the desired set brings.
    kinds: &'a Kinds,
    /// What it serves now.
    served: &'a Kinds,
    arrivals: &'a mut Arrivals,
    applyset: &'a ApplySet,
}

impl Address<'_> {
    fn of(&mut self, manifest: &Manifest, phase: usize) -> Result<Object, Diagnostic> {
        let gvk = manifest.gvk();
        let known = self.kinds.get(&gvk).cloned();
        let awaits = known.is_none().then(|| Awaits {
            kind: format!("{} {}", gvk.api_version(), gvk.kind),
            bringers: Vec::new(),
            otherwise: None,
        });
        let resource = known.unwrap_or_else(|| self.arrivals.resource(manifest));
        let mut object = Object {
            target: Target {
                resource: Arc::clone(&resource),
                namespace: manifest.namespace().to_owned(),
                name: manifest.name().to_owned(),
            },
            doc: manifest.doc.clone(),
            origin: manifest.origin.clone(),
            phase,
            kind_is_new: self.served.get(&gvk).is_none(),
            awaits,
            settlement: Settlement::default(),
            whole: None,
        };
        if is_secret(&resource.group, &resource.kind) {
            encode_string_data(&mut object.doc);
        }
        mark(&mut object, self.applyset)?;
        Ok(object)
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
