//! What is done once, at the end of a whole build: hashes, references, vars, order, notes.

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, Kind, NodeId};

use super::{Accumulator, OriginNote, target::Target};
use crate::{
    Context, generate,
    load::{self, VarSpec},
    node, order, parallel, refs,
    resource::{Behavior, Gvk, ORIGIN_ANNOTATION, ResMap, Resource},
    trace,
    transform::{Labels, Spec, Transform},
};

/// The version that upstream writes into `app.kubernetes.io/managed-by`.
const MANAGED_BY: &str = "kustomize-v5.8.2";
const TRANSFORMATIONS_ANNOTATION: &str = "alpha.config.kubernetes.io/transformations";
/// Objects with this annotation are for tools alone, unless it says `false`.
const LOCAL_ANNOTATION: &str = "config.kubernetes.io/local-config";

pub(super) fn finish(target: &Target<'_, '_>, mut all: Accumulator) -> Result<ResMap, Diagnostics> {
    let explain = |complaints: Diagnostics| target.explain(complaints);
    let context = target.context;
    generate::add_hashes(context, &mut all.resources).map_err(explain)?;
    target.record_last(&mut all, "hash", |_| Vec::new());
    refs::mend_names(context, &all.config, &mut all.resources).map_err(explain)?;
    target.record_last(&mut all, "reference", |all| {
        let named = |resource: &Resource| Some((resource.name().to_owned(), resource.location()?));
        all.resources.iter().filter_map(named).collect()
    });
    refs::resolve_vars(context, &mut all).map_err(explain)?;
    target.record_last(&mut all, "vars", |all| {
        let named =
            |var: &VarSpec| Some((format!("$({})", var.name.value), var.name.place.clone()?));
        all.vars().filter_map(named).collect()
    });
    let mut resources = all.resources;
    drop_local(&mut resources);
    refuse_equal_keys(&resources).map_err(explain)?;
    refuse_nameless(&resources).map_err(explain)?;
    order::apply(context, target.file.sort_options.as_ref(), &mut resources)
        .map_err(|complaint| explain(complaint.into()))?;
    let asked = |option: &str| {
        target
            .file
            .build_metadata
            .iter()
            .any(|asked| asked.value == option)
    };
    if context.options().managed_by_label || asked("managedByLabel") {
        let pair = (
            "app.kubernetes.io/managed-by".to_owned(),
            MANAGED_BY.to_owned(),
        );
        let labels = std::iter::once(pair).collect();
        let specs = std::iter::once(Spec::new(Gvk::default(), "metadata/labels", true)).collect();
        Labels { labels, specs }.apply(context, &mut resources)?;
    }
    let notes = Notes {
        origin: asked("originAnnotations"),
        transformations: asked("transformerAnnotations"),
    };
    parallel::each(resources.edit_fields(), |resource| {
        write_annotations(resource, notes);
    });
    if let Some(traced) = &target.traced {
        trace::record(&mut resources, &traced.step("buildMetadata", None));
    }
    Ok(resources)
}

fn drop_local(resources: &mut ResMap) {
    let is_local = |resource: &Resource| {
        let path = ["metadata", "annotations", LOCAL_ANNOTATION];
        resource
            .doc
            .at(resource.root(), &path)
            .is_some_and(|node| resource.doc.text(node).unwrap_or_default() != "false")
    };
    if !parallel::all(resources.as_slice(), |resource| !is_local(resource)) {
        resources.edit().retain(|resource| !is_local(resource));
    }
}

fn refuse_equal_keys(resources: &ResMap) -> Result<(), Diagnostics> {
    let mut complaints = Diagnostics::new();
    for resource in resources.iter() {
        complaints.keep(load::refuse_equal_keys(&resource.doc));
    }
    complaints.into_result(())
}

/// A patch may have taken an object's kind or name.
fn refuse_nameless(resources: &ResMap) -> Result<(), Diagnostics> {
    let has_kind = |resource: &Resource| {
        let kind = resource.doc.get(resource.root(), "kind");
        !node::value(&resource.doc, kind).is_empty()
    };
    let nameless = |resource: &Resource| {
        let named = !resource.name().is_empty() || resource.gvk().kind.ends_with("List");
        !named || !has_kind(resource)
    };
    if parallel::all(resources.as_slice(), |resource| !nameless(resource)) {
        return Ok(());
    }
    let complaints: Diagnostics = resources
        .iter()
        .filter(|resource| nameless(resource))
        .map(|resource| {
            let lost = if resource.gvk().kind.is_empty() {
                "kind"
            } else {
                "metadata.name"
            };
            let message = format!("`{}` ends up without `{lost}`", resource.original_id());
            Diagnostic::error("kustomize/no-name", message)
                .at(resource.location())
                .help("look for a patch that removes or overwrites it")
        })
        .collect();
    complaints.into_result(())
}

/// Which notes the outermost kustomization wants to see.
#[derive(Clone, Copy)]
struct Notes {
    origin: bool,
    transformations: bool,
}

/// Leaves annotations as upstream does: texts all, notes only where asked for, no empty map. A list that had no
/// `metadata` has it from then on.
fn write_annotations(resource: &mut Resource, notes: Notes) {
    let root = resource.root();
    if resource.doc.get(root, "metadata").is_none() {
        let made = resource.doc.new_mapping();
        resource.doc.set(root, "metadata", made);
    }
    let origin = resource.book.origin.take().filter(|_| notes.origin);
    let changes = std::mem::take(&mut resource.book.transformations);
    let doc = &mut resource.doc;
    let Some(metadata) = doc
        .get(root, "metadata")
        .filter(|node| doc.kind(*node) == Kind::Mapping)
    else {
        return;
    };
    let old = doc.get(metadata, "annotations");
    let mut map = old.filter(|map| doc.kind(*map) == Kind::Mapping);
    let wanted = [
        (ORIGIN_ANNOTATION, origin.map(|note| note.to_yaml())),
        (
            TRANSFORMATIONS_ANNOTATION,
            (notes.transformations && !changes.is_empty())
                .then(|| OriginNote::list_to_yaml(&changes)),
        ),
    ];
    if wanted.iter().any(|(_, text)| text.is_some()) && node::is_empty(doc, map) {
        let made = doc.new_mapping();
        doc.set(metadata, "annotations", made);
        map = Some(made);
    }
    let Some(map) = map else {
        doc.remove(metadata, "annotations");
        return;
    };
    for (key, text) in wanted {
        match text {
            Some(text) => {
                let value = doc.new_str(&text);
                doc.set(map, key, value);
            }
            None => {
                doc.remove(map, key);
            }
        }
    }
    if doc.is_empty(map) {
        doc.remove(metadata, "annotations");
    }
    resource.annotations_to_text();
}

/// Lets a generated object take the place of an old one: its name and bookkeeping, its labels and
/// annotations below the new ones, and for a merge its data.
pub(super) fn take_over(
    context: &Context<'_>,
    new: &mut Resource,
    old: &Resource,
    behavior: Behavior,
) {
    for field in ["labels", "annotations"] {
        merge_metadata(new, old, field);
    }
    let (root, metadata) = (new.root(), new.doc.get(new.root(), "metadata"));
    if let Some(metadata) = metadata {
        let doc = &mut new.doc;
        // The metadata of a generated object is a mapping.
        let _ = node::put_scalar(doc, metadata, "name", old.name(), node::Write::Raw);
        if old.namespace().is_empty() {
            doc.remove(metadata, "namespace");
        } else {
            let _ = node::put_scalar(
                doc,
                metadata,
                "namespace",
                old.namespace(),
                node::Write::Raw,
            );
        }
    }
    let origin = old.book.origin.clone();
    new.history.clone_from(&old.history);
    new.book.inherit(&old.book);
    if behavior == Behavior::Merge {
        let secret = *new.gvk().kind == *"Secret" && new.gvk().api_version() == "v1";
        merge_data(&mut new.doc, root, &old.doc, "data", secret);
        merge_data(&mut new.doc, root, &old.doc, "binaryData", false);
        if origin.is_some() {
            new.book.origin = origin;
        }
    }
    new.sync(&context.schemas());
}

fn merge_metadata(new: &mut Resource, old: &Resource, field: &str) {
    let theirs: Vec<(String, String)> = old
        .metadata_map(field)
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let root = new.root();
    let Some(metadata) = new.doc.get(root, "metadata") else {
        return;
    };
    let ours: Vec<(String, String)> = new
        .metadata_map(field)
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let merged: std::collections::BTreeMap<String, String> =
        theirs.into_iter().chain(ours).collect();
    new.doc.remove(metadata, field);
    if merged.is_empty() {
        return;
    }
    let map = new.doc.new_mapping();
    new.doc.set(metadata, field, map);
    for (key, value) in merged {
        let value = new.doc.new_str(&value);
        node::append_field(&mut new.doc, map, &key, value);
    }
}

/// Lays the new data over the old. A secret's `stringData` counts as data.
fn merge_data(new: &mut Document, root: NodeId, old: &Document, field: &str, secret: bool) {
    let texts = |doc: &Document, field: &str| -> Vec<(String, String)> {
        let map = doc.get(doc.root(), field);
        map.map(|map| {
            doc.entries(map)
                .map(|(key, value)| {
                    let key = doc.text(key).unwrap_or_default().to_owned();
                    (key, node::value(doc, Some(value)).to_owned())
                })
                .collect()
        })
        .unwrap_or_default()
    };
    let mut merged: std::collections::BTreeMap<String, String> =
        texts(old, field).into_iter().collect();
    if secret {
        let plain = texts(old, "stringData").into_iter();
        merged.extend(plain.map(|(key, value)| (key, generate::encode(value.as_bytes()))));
    }
    merged.extend(texts(new, field));
    new.remove(root, field);
    if merged.is_empty() {
        return;
    }
    let map = new.new_mapping();
    new.set(root, field, map);
    for (key, value) in merged {
        let value = new.new_str(&value);
        node::append_field(new, map, &key, value);
    }
}
