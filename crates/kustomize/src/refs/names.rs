//! References by name, led to the names that objects have now.

use std::collections::HashSet;

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, Kind, NodeId};

use super::candidates::{Candidate, Candidates, Referrer, choose};
use crate::{
    Context, HashMap,
    node::{self, FieldPath, Misfit, Trail, Write},
    parallel,
    resource::{Gvk, ResMap, Resource},
    transform::{SharedConfig, is_default, misfit},
};

/// A field that refers to objects of a kind.
struct Field<'c> {
    path: &'c FieldPath,
    text: &'c str,
    target: &'c Gvk,
}

/// Why a reference cannot be led on.
enum Fault {
    Misfit(Misfit),
    /// Several objects could be meant.
    Ambiguous {
        node: NodeId,
        name: String,
        found: Vec<(String, Option<trueup_yaml::Location>)>,
    },
}

impl From<Misfit> for Fault {
    fn from(misfit: Misfit) -> Self {
        Self::Misfit(misfit)
    }
}

/// Leads every reference by name to the present name of what it meant.
pub(crate) fn mend_names(
    context: &Context<'_>,
    config: &SharedConfig,
    resources: &mut ResMap,
) -> Result<(), Diagnostics> {
    let mut complaints = Diagnostics::new();
    let mut by_kind: HashMap<Gvk, Vec<Field<'_>>> = HashMap::default();
    for resource in resources.iter() {
        let gvk = resource.original_gvk();
        if !by_kind.contains_key(&*gvk) {
            let fields = fields_of(config, &gvk);
            by_kind.insert(gvk.into_owned(), fields);
        }
        if *resource.gvk().kind == *"RoleBinding" && !fields_are_empty(&by_kind, resource) {
            complaints.keep(bound_namespaces(resource));
        }
    }
    let candidates = Candidates::of(resources, is_default(config));
    let all = candidates.is_some();
    if !all && !resources.iter().any(|resource| resource.book.reshaped) {
        return complaints.into_result(());
    }
    let candidates = candidates.unwrap_or_else(Candidates::none);
    complaints.into_result(())?;
    let schemas = context.schemas();
    let complaints = parallel::change_all(resources.edit(), |resource| {
        if !all && !resource.book.reshaped {
            return Vec::new();
        }
        let fields = by_kind.get(&*resource.original_gvk());
        let complaints = mend(resource, fields.map_or(&[], Vec::as_slice), &candidates);
        resource.sync(&schemas);
        complaints
    });
    complaints.into_result(())
}

/// Leads the references of one object.
fn mend(resource: &mut Resource, fields: &[Field<'_>], candidates: &Candidates) -> Vec<Diagnostic> {
    if fields.is_empty() {
        return Vec::new();
    }
    let bound = bound_namespaces(resource).unwrap_or_default();
    let referrer = Referrer::new(resource, bound);
    let mut trail = Trail::new(resource.root());
    let mut complaints = Vec::new();
    for field in fields {
        let mended = mend_field(resource, &referrer, field, candidates, &mut trail);
        complaints.extend(mended.err().map(|fault| explain(resource, field, fault)));
    }
    complaints
}

fn fields_are_empty(by_kind: &HashMap<Gvk, Vec<Field<'_>>>, resource: &Resource) -> bool {
    by_kind
        .get(&*resource.original_gvk())
        .is_none_or(Vec::is_empty)
}

/// The fields of a kind that refer to others, in the order in which they are looked at.
fn fields_of<'c>(config: &'c SharedConfig, gvk: &Gvk) -> Vec<Field<'c>> {
    config
        .name_reference
        .iter()
        .flat_map(|reference| {
            let specs = reference
                .referrers
                .iter()
                .filter(|spec| gvk.selected_by(&spec.gvk));
            specs.map(|spec| Field {
                path: &spec.fields,
                text: &spec.path,
                target: &reference.gvk,
            })
        })
        .collect()
}

/// The namespaces of the service accounts that a role binding names.
fn bound_namespaces(resource: &Resource) -> Result<HashSet<String>, Diagnostic> {
    let mut bound = HashSet::new();
    if *resource.gvk().kind != *"RoleBinding" {
        return Ok(bound);
    }
    let doc = &resource.doc;
    let Some(subjects) = doc.get(resource.root(), "subjects") else {
        return Ok(bound);
    };
    for subject in doc.items(subjects) {
        let kind = doc.get(subject, "kind").and_then(|kind| doc.text(kind));
        let (Some(namespace), Some("ServiceAccount")) = (doc.get(subject, "namespace"), kind)
        else {
            continue;
        };
        let Some(text) = doc.str(namespace) else {
            let message = format!("a subject of `{}` has a blank `namespace`", resource.id());
            return Err(Diagnostic::error("kustomize/blank-namespace", message)
                .at(resource.place(namespace))
                .help("name the namespace of the service account, or remove the field"));
        };
        bound.insert(text.to_owned());
    }
    Ok(bound)
}

fn mend_field<'c>(
    resource: &mut Resource,
    referrer: &Referrer,
    field: &Field<'c>,
    candidates: &Candidates,
    trail: &mut Trail<'c>,
) -> Result<(), Fault> {
    let role = if field.text.ends_with("roleRef/name") {
        role_of(&resource.doc)
    } else {
        None
    };
    let mend = Mend {
        referrer,
        candidates,
        target: field.target,
        role,
    };
    trail.each_field(&mut resource.doc, field.path, &mut |doc, node| {
        mend.visit(doc, node)
    })
}

/// Group and kind of the role that a binding names.
fn role_of(doc: &Document) -> Option<Gvk> {
    let role = doc.get(doc.root(), "roleRef")?;
    let text = |field| doc.get(role, field).and_then(|node| doc.text(node));
    Some(Gvk::new(text("apiGroup")?, "", text("kind")?))
}

struct Mend<'m> {
    referrer: &'m Referrer,
    candidates: &'m Candidates,
    target: &'m Gvk,
    role: Option<Gvk>,
}

impl Mend<'_> {
    fn visit(&self, doc: &mut Document, node: NodeId) -> Result<(), Fault> {
        if doc.is_null(node) {
            return Ok(());
        }
        match doc.kind(node) {
            Kind::Scalar => self.scalar(doc, node),
            Kind::Mapping => self.mapping(doc, node),
            Kind::Sequence => {
                for item in doc.items(node).collect::<Vec<_>>() {
                    if doc.is_null(item) {
                        continue;
                    }
                    match doc.kind(item) {
                        Kind::Scalar => self.scalar(doc, item)?,
                        Kind::Mapping => self.mapping(doc, item)?,
                        Kind::Sequence | Kind::Alias => {
                            let expected = Kind::Scalar;
                            return Err(Misfit::Kind {
                                expected,
                                found: item,
                            }
                            .into());
                        }
                    }
                }
                Ok(())
            }
            Kind::Alias => Ok(()),
        }
    }

    /// A name.
    fn scalar(&self, doc: &mut Document, node: NodeId) -> Result<(), Fault> {
        let name = doc.text(node).unwrap_or_default();
        let found = self.candidates.anywhere(self.referrer, name);
        if found.is_empty() {
            return Ok(());
        }
        let same = |a: &Candidate, b: &Candidate| a.id.name == b.id.name;
        match choose(self.referrer, found, self.target, self.role.as_ref(), same) {
            Ok(Some(found)) if *found.id.name != *name => {
                Ok(node::write_scalar(doc, node, &found.id.name, Write::Raw)?)
            }
            Ok(_) => Ok(()),
            Err(several) => Err(ambiguous(node, name, &several)),
        }
    }

    /// A mapping with a name and maybe a namespace.
    fn mapping(&self, doc: &mut Document, node: NodeId) -> Result<(), Fault> {
        let Some(name_node) = doc.get(node, "name") else {
            let message = "a reference needs a `name`".to_owned();
            return Err(Misfit::Path(message).into());
        };
        let name = doc.text(name_node).unwrap_or_default();
        let found = match doc.get(node, "namespace") {
            None => self.candidates.anywhere(self.referrer, name),
            Some(namespace) => {
                let namespace = doc.text(namespace).unwrap_or_default();
                self.candidates.in_namespace(self.referrer, name, namespace)
            }
        };
        if found.is_empty() {
            return Ok(());
        }
        let same = |a: &Candidate, b: &Candidate| {
            a.id.name == b.id.name && a.id.namespace == b.id.namespace
        };
        let found = match choose(self.referrer, found, self.target, self.role.as_ref(), same) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(()),
            Err(several) => return Err(ambiguous(name_node, name, &several)),
        };
        if *found.id.name == *name && found.id.namespace.is_empty() {
            return Ok(());
        }
        set(doc, node, "name", &found.id.name)?;
        if !found.id.namespace.is_empty() {
            set(doc, node, "namespace", &found.id.namespace)?;
        }
        Ok(())
    }
}

fn set(doc: &mut Document, map: NodeId, field: &str, text: &str) -> Result<(), Misfit> {
    let write = if doc.get(map, field).is_some() {
        Write::Raw
    } else {
        Write::Str
    };
    node::put_scalar(doc, map, field, text, write)
}

fn ambiguous(node: NodeId, name: &str, found: &[&Candidate]) -> Fault {
    let found = found
        .iter()
        .take(4)
        .map(|candidate| (candidate.id.to_string(), candidate.location.clone()))
        .collect();
    Fault::Ambiguous {
        node,
        name: name.to_owned(),
        found,
    }
}

fn explain(resource: &Resource, field: &Field<'_>, fault: Fault) -> Diagnostic {
    match fault {
        Fault::Misfit(wrong) => misfit(
            resource,
            &wrong,
            &format!("mending references in `{}`", field.text),
        ),
        Fault::Ambiguous { node, name, found } => {
            let message = format!(
                "`{name}` in `{}` of `{}` may mean several objects",
                field.text,
                resource.id()
            );
            let diagnostic = Diagnostic::error("kustomize/ambiguous-reference", message)
                .at(resource.place(node))
                .help("give the objects different names, or name the namespace in the reference");
            found
                .into_iter()
                .fold(diagnostic, |diagnostic, (id, location)| {
                    diagnostic.label(location, format!("this one, now `{id}`"))
                })
        }
    }
}
