//! `namePrefix` and `nameSuffix`.

use trueup_manifest::Diagnostics;
use trueup_yaml::{Document, Kind, NodeId};

use super::{Specs, Transform, misfit};
use crate::{
    Context,
    node::{self, Create, Misfit, Write, each_field},
    parallel,
    resource::{Gvk, ResMap, Resource},
};

/// Which end of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Prefix,
    Suffix,
}

/// Adds text to names.
pub(crate) struct Affix {
    pub(crate) side: Side,
    pub(crate) text: String,
    pub(crate) specs: Specs,
}

const NAME: &str = "metadata/name";

impl Transform for Affix {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        let schemas = context.schemas();
        let complaints = parallel::change(resources.edit(), |resource| {
            let original = resource.original_gvk().into_owned();
            if keeps_its_name(&original) {
                return Ok(());
            }
            let applied = self
                .apply_to(resource, &original)
                .map_err(|wrong| misfit(resource, &wrong, "changing the name"));
            resource.sync(&schemas);
            applied
        });
        complaints.into_result(())
    }
}

impl Affix {
    fn apply_to(&self, resource: &mut Resource, original: &Gvk) -> Result<(), Misfit> {
        for spec in self
            .specs
            .iter()
            .filter(|spec| original.selected_by(&spec.gvk))
        {
            if spec.path == NAME && !self.text.is_empty() {
                let list = match self.side {
                    Side::Prefix => &mut resource.book.prefixes,
                    Side::Suffix => &mut resource.book.suffixes,
                };
                list.push(self.text.as_str().into());
                resource.remember_id();
            }
            if !spec.is_for(resource) {
                continue;
            }
            let create = if spec.create {
                Create::Yes(Kind::Scalar)
            } else {
                Create::No
            };
            let root = resource.root();
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
        let old = doc.text(field).unwrap_or_default();
        let new = match self.side {
            Side::Prefix => format!("{}{old}", self.text),
            Side::Suffix => format!("{old}{}", self.text),
        };
        node::write_scalar(doc, field, &new, Write::Raw)
    }
}

/// Kinds whose names mean something beyond the object.
fn keeps_its_name(gvk: &Gvk) -> bool {
    match &*gvk.kind {
        "CustomResourceDefinition" | "Namespace" => true,
        "APIService" => *gvk.group == *"apiregistration.k8s.io",
        _ => false,
    }
}
