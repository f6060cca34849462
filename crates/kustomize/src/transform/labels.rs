//! `labels` and `commonLabels`: entries in every map of labels that a kind has.

use std::collections::BTreeMap;

use trueup_manifest::Diagnostics;
use trueup_yaml::{Document, Kind, NodeId};

use super::{ByKind, Spec, Specs, Transform, misfit};
use crate::{
    Context,
    node::{self, Create, Misfit, each_field},
    parallel,
    resource::{ResMap, Resource},
};

/// Adds labels.
pub(crate) struct Labels {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) specs: Specs,
}

impl Transform for Labels {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        set_entries(
            context,
            resources,
            &self.labels,
            &self.specs,
            "setting labels",
        )
    }
}

/// Sets entries of the maps that the specs name, in all objects.
pub(super) fn set_entries(
    context: &Context<'_>,
    resources: &mut ResMap,
    entries: &BTreeMap<String, String>,
    specs: &Specs,
    doing: &str,
) -> Result<(), Diagnostics> {
    if entries.is_empty() {
        return Ok(());
    }
    let renames = specs.iter().any(may_rename);
    let by_kind = ByKind::new(specs, resources);
    let complaints = parallel::change(resources.edit_fields(), |resource| {
        set_in(resource, entries, &by_kind).map_err(|wrong| misfit(resource, &wrong, doing))
    });
    if renames {
        let schemas = context.schemas();
        parallel::each(resources.edit(), |resource| resource.sync(&schemas));
    }
    complaints.into_result(())
}

/// Whether a spec may reach kind, name or namespace of an object.
fn may_rename(spec: &Spec) -> bool {
    let is_metadata = spec.path.ends_with("labels") || spec.path.ends_with("annotations");
    !is_metadata && !spec.path.starts_with("spec/")
}

fn set_in(
    resource: &mut Resource,
    entries: &BTreeMap<String, String>,
    by_kind: &ByKind<'_>,
) -> Result<(), Misfit> {
    let root = resource.root();
    let specs = by_kind.of(resource.gvk());
    for (key, value) in entries {
        // One node for all maps that lack the key: upstream shares it, and a later patch of one shows
        // in all.
        let shared = resource.doc.new_str(value);
        for spec in specs {
            let annotates = spec.path == ANNOTATIONS;
            let there = annotates && has_annotations(resource);
            if annotates && !spec.create && are_null(resource) {
                resource.book.null_annotations = true;
            }
            let blind = annotates && resource.book.null_annotations;
            let create = if spec.create || there {
                Create::Yes(Kind::Mapping)
            } else {
                Create::No
            };
            each_field(
                &mut resource.doc,
                root,
                &spec.fields,
                create,
                &mut |doc, map| {
                    if blind && doc.kind(map) == Kind::Mapping {
                        doc.set(map, key, shared);
                        return Ok(());
                    }
                    set_entry(doc, map, key, value, shared)
                },
            )?;
        }
    }
    Ok(())
}

const ANNOTATIONS: &str = "metadata/annotations";

fn are_null(resource: &Resource) -> bool {
    let doc = &resource.doc;
    let map = doc.at(resource.root(), &["metadata", "annotations"]);
    map.is_some_and(|map| doc.is_null(map))
}

/// Whether upstream's object has a map of annotations: it keeps its bookkeeping there, and takes null for
/// an empty one.
fn has_annotations(resource: &Resource) -> bool {
    let map = resource
        .doc
        .at(resource.root(), &["metadata", "annotations"]);
    map.is_some() || resource.book.shows()
}

fn set_entry(
    doc: &mut Document,
    map: NodeId,
    key: &str,
    value: &str,
    shared: NodeId,
) -> Result<(), Misfit> {
    if doc.kind(map) == Kind::Mapping
        && let Some(old) = doc.get(map, key)
    {
        let new = doc.new_str(value);
        return if doc.kind(old) == Kind::Scalar {
            node::write_scalar(doc, old, value, node::Write::Str)
        } else {
            doc.replace(old, new);
            Ok(())
        };
    }
    node::set_field(doc, map, key, shared)
}
