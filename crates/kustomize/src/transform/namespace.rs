//! `namespace`: where namespaced objects live, and the fields that repeat it.

use std::sync::LazyLock;

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, Kind, NodeId};

use super::{Spec, Specs, Transform, misfit};
use crate::{
    Context, HashMap,
    node::{self, Create, FieldPath, Misfit, Write, each_field},
    parallel,
    resource::{Key, ResMap, Resource},
};

/// Which subjects of role bindings follow the namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those named `default`.
    #[default]
    DefaultOnly,
    /// None.
    None,
    /// All service accounts.
    AllServiceAccounts,
}

/// Sets the namespace.
pub(crate) struct Namespace {
    pub(crate) value: String,
    pub(crate) specs: Specs,
    /// Leaves fields alone that have a value.
    pub(crate) unset_only: bool,
    pub(crate) subjects: Subjects,
}

const NAMESPACE_PATH: &str = "metadata/namespace";
static OWN: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(NAMESPACE_PATH));
const NAME_PATH: &str = "metadata/name";
const SUBJECTS_PATH: &str = "subjects/namespace";

impl Transform for Namespace {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        if self.value.is_empty() {
            return Ok(());
        }
        let schemas = context.schemas();
        let mut complaints = Diagnostics::new();
        let mut ids: HashMap<Key, usize> = crate::map_with_room(resources.len());
        for resource in resources.iter() {
            *ids.entry(resource.id().key()).or_default() += 1;
        }
        let moves = parallel::map_mut(resources.edit(), |resource| {
            if resource.book.from_chart {
                return None;
            }
            let before = resource.id().key();
            resource.remember_id();
            let written = self
                .write_all(resource)
                .map_err(|wrong| misfit(resource, &wrong, "setting the namespace"));
            resource.sync(&schemas);
            Some((before, written))
        });
        for (resource, moved) in resources.iter().zip(moves) {
            let Some((before, written)) = moved else {
                continue;
            };
            complaints.keep(written);
            if let Some(count) = ids.get_mut(&before) {
                *count -= 1;
            }
            let count = ids.entry(resource.id().key()).or_default();
            *count += 1;
            if *count > 1 {
                complaints.push(self.conflict(resource));
            }
        }
        complaints.into_result(())
    }
}

impl Namespace {
    fn conflict(&self, resource: &Resource) -> Diagnostic {
        let message = format!(
            "two objects become `{}` in the namespace `{}`",
            resource.id(),
            self.value
        );
        Diagnostic::error("kustomize/id-conflict", message)
            .at(resource.location())
            .help("give one of them another name, or set the namespace in separate kustomizations")
    }

    /// Sets the namespace wherever it stands in one object.
    pub(super) fn write_all(&self, resource: &mut Resource) -> Result<(), Misfit> {
        let root = resource.root();
        if !resource.id().cluster_scoped {
            let create = Create::Yes(Kind::Scalar);
            each_field(&mut resource.doc, root, &OWN, create, &mut |doc, field| {
                self.write(doc, field)
            })?;
        }
        let kind = &*resource.gvk().kind;
        let binding = matches!(kind, "RoleBinding" | "ClusterRoleBinding");
        if binding {
            self.set_subjects(&mut resource.doc)?;
        }
        for spec in self
            .specs
            .iter()
            .filter(|spec| spec.is_for(resource))
            .collect::<Vec<_>>()
        {
            if is_handled(spec, resource, binding) {
                continue;
            }
            let create = if spec.create {
                Create::Yes(Kind::Scalar)
            } else {
                Create::No
            };
            each_field(
                &mut resource.doc,
                root,
                &spec.fields,
                create,
                &mut |doc, field| self.write(doc, field),
            )?;
        }
        Ok(())
    }

    fn write(&self, doc: &mut Document, field: NodeId) -> Result<(), Misfit> {
        let taken = doc.kind(field) == Kind::Scalar && !node::value(doc, Some(field)).is_empty();
        if self.unset_only && taken {
            return Ok(());
        }
        node::write_scalar(doc, field, &self.value, Write::Str)
    }

    fn set_subjects(&self, doc: &mut Document) -> Result<(), Misfit> {
        let (field, wanted) = match self.subjects {
            Subjects::None => return Ok(()),
            Subjects::DefaultOnly => ("name", "default"),
            Subjects::AllServiceAccounts => ("kind", "ServiceAccount"),
        };
        let Some(subjects) = node::lookup(doc, doc.root(), &["subjects"])? else {
            return Ok(());
        };
        if doc.is_null(subjects) {
            return Ok(());
        }
        node::expect(doc, subjects, Kind::Sequence)?;
        for subject in doc.items(subjects).collect::<Vec<_>>() {
            let found = node::lookup(doc, subject, &[field])?;
            if let Some(found) = found {
                node::expect(doc, found, Kind::Scalar)?;
            }
            if node::value(doc, found) != wanted {
                continue;
            }
            if let Some(field) = node::lookup_create(doc, subject, &["namespace"], Kind::Scalar)? {
                self.write(doc, field)?;
            }
        }
        Ok(())
    }
}

/// Specs that the steps before have dealt with, or that mean something else for this kind.
fn is_handled(spec: &Spec, resource: &Resource, binding: bool) -> bool {
    let spec_of_binding = matches!(&*spec.gvk.kind, "RoleBinding" | "ClusterRoleBinding");
    spec.path == NAMESPACE_PATH
        || (spec.path == NAME_PATH && resource.gvk().api_version() != "v1")
        || (binding && spec_of_binding && spec.path == SUBJECTS_PATH)
}
