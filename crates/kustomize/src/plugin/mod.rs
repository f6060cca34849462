//! Generators, transformers and validators that are configured in objects of their own.
//!
//! Flows in: what `generators`, `transformers` and `validators` name, inline or in files. Flows out:
//! objects, transformers ready to run, or an error for what would need a program or container.
//! It must never run anything but what its caller lends a runner for.

pub(crate) mod chart;
pub(crate) mod function;
mod generators;
mod transformers;

use std::sync::Arc;

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, Kind, NodeId, Source};

use crate::{
    accumulate::{Accumulator, Made, OriginNote, Step, Target, run_steps},
    load::{At, documents, refuse_equal_keys},
    resource::{Chain, ResMap, Resource},
    transform::Transform,
};

/// The label that a validator may leave.
const VALIDATED_BY: &str = "validated-by";

/// The objects that configured generators make.
pub(crate) fn generate(target: &Target<'_, '_>) -> Result<Vec<Made>, Diagnostics> {
    let mut complaints = Diagnostics::new();
    let mut made = Vec::new();
    for config in configurations(target, &target.file.generators)? {
        let objects = function::load(target, &config).and_then(|function| {
            if let Some(function) = function {
                return function.generate(target.context);
            }
            let kind = builtin(&config)?;
            generators::generate(target, kind, &config)
                .ok_or_else(|| Diagnostics::from(unknown(&config, "generator")))?
        });
        let note = note(&config);
        let traced = target.traced.as_ref();
        let step = traced.map(|file| file.configured(&config));
        for mut object in complaints.keep(objects).unwrap_or_default() {
            let origin = object.book.origin.take();
            object.set_origin(origin.or_else(|| note.clone()));
            made.push((object, step.clone()));
        }
    }
    complaints.into_result(made)
}

/// The transformers that are configured in files or inline.
pub(crate) fn transformers(
    target: &Target<'_, '_>,
    items: &[At<String>],
) -> Result<Vec<Step>, Diagnostics> {
    let mut complaints = Diagnostics::new();
    let mut steps = Vec::new();
    for config in configurations(target, items)? {
        let transform = function::load(target, &config).and_then(|function| {
            if let Some(function) = function {
                return Ok(Box::new(function) as Box<dyn Transform>);
            }
            let kind = builtin(&config)?;
            transformers::load(target, kind, &config)
                .ok_or_else(|| Diagnostics::from(unknown(&config, "transformer")))?
        });
        if let Some(transform) = complaints.keep(transform) {
            let traced = target.traced.as_ref();
            steps.push(Step {
                transform,
                note: note(&config),
                traced: traced.map(|file| file.configured(&config)),
            });
        }
    }
    complaints.into_result(steps)
}

/// Runs validators. They may leave the label `validated-by` and change nothing else.
pub(crate) fn validate(target: &Target<'_, '_>, all: &mut Accumulator) -> Result<(), Diagnostics> {
    for step in transformers(target, &target.file.validators)? {
        let before: ResMap = all.resources.clone();
        let steps = [Step { note: None, ..step }];
        run_steps(target.context, &steps, &mut all.resources)?;
        for (old, new) in before.iter().zip(all.resources.iter()) {
            let mut unlabelled = new.doc.clone();
            if let Some(labels) = unlabelled.at(unlabelled.root(), &["metadata", "labels"])
                && unlabelled.remove(labels, VALIDATED_BY).is_some()
                && unlabelled.is_empty(labels)
                && let Some(metadata) = unlabelled.get(unlabelled.root(), "metadata")
            {
                unlabelled.remove(metadata, "labels");
            }
            if before.len() != all.resources.len()
                || is_in_place(old, new)
                    && (rewrites_labels(old, new)
                        || !untouched((&old.doc, old.root()), (&unlabelled, unlabelled.root())))
                || !old.doc.eq_value(old.root(), &unlabelled, unlabelled.root())
            {
                let message = format!("a validator changes `{}`", old.id());
                return Err(Diagnostic::error("kustomize/validator", message)
                    .at(target
                        .file
                        .validators
                        .first()
                        .and_then(|item| item.place.clone()))
                    .label(old.location(), "the object")
                    .help("name it under `transformers` instead")
                    .into());
            }
        }
    }
    Ok(())
}

/// Whether an object is still the document it was. One that a function gave back is another, and only
/// its values count.
fn is_in_place(old: &Resource, new: &Resource) -> bool {
    let source = |of: &Resource| {
        let place = of.doc.location(of.root());
        place.map(|place| place.source.name().to_owned())
    };
    source(old) == source(new)
}

/// Whether upstream, which writes the labels anew to take its own out, takes that for a change: where there
/// were labels before that do not look as if just written.
fn rewrites_labels(old: &Resource, new: &Resource) -> bool {
    let labels = |of: &Resource| of.doc.at(of.root(), &["metadata", "labels"]);
    let marked = labels(new).is_some_and(|labels| new.doc.get(labels, VALIDATED_BY).is_some());
    marked && labels(old).is_some_and(|labels| !looks_written(old, labels))
}

/// Whether labels are what upstream makes of them when it writes them as a whole: at the end of the metadata, in
/// order of their keys, all of it made and none of it read.
fn looks_written(resource: &Resource, labels: NodeId) -> bool {
    let doc = &resource.doc;
    let Some(metadata) = doc.get(resource.root(), "metadata") else {
        return false;
    };
    let annotations = doc.get(metadata, "annotations");
    // Notes that are kept beside the document stand in its annotations there, maybe behind the labels.
    let notes_behind =
        resource.book.shows() && !resource.book.noted_before_labels && annotations.is_none();
    let before = |value: &NodeId| resource.book.noted_before_labels && Some(*value) == annotations;
    let mut from_behind = doc.entries(metadata).rev().map(|(_, value)| value);
    let is_last = from_behind.find(|value| !before(value)) == Some(labels);
    let is_made = |node| doc.location(node).is_none();
    let pairs = || doc.entries(labels);
    let text = |value| doc.str(value).is_some() && !doc.forgot_type(value);
    is_last
        && !notes_behind
        && is_made(labels)
        && pairs().all(|(key, value)| is_made(key) && is_made(value) && text(value))
        && pairs().map(|(key, _)| doc.text(key)).is_sorted()
}

/// Whether nothing of a node was written, be it with the text it had: upstream compares places too.
fn untouched((old, a): (&Document, NodeId), (new, b): (&Document, NodeId)) -> bool {
    // What a patch has put back keeps its place here, and has none there.
    let placed = |doc: &Document, node| doc.location(node).is_some() && !doc.forgot_type(node);
    let rewritten = old.forgot_type(a) != new.forgot_type(b);
    if old.kind(a) != new.kind(b) || placed(old, a) != placed(new, b) || rewritten {
        return false;
    }
    match old.kind(a) {
        Kind::Mapping => {
            let same = |(key, value): (NodeId, NodeId)| {
                let other = old.text(key).and_then(|key| new.get(new.target(b), key));
                other.is_some_and(|other| untouched((old, value), (new, other)))
            };
            old.len(a) == new.len(b) && old.entries(a).all(same)
        }
        Kind::Sequence => {
            let mut pairs = old.items(a).zip(new.items(b));
            old.len(a) == new.len(b) && pairs.all(|(a, b)| untouched((old, a), (new, b)))
        }
        Kind::Scalar | Kind::Alias => old.eq_value(a, new, b),
    }
}

/// The configuring objects that items name: texts that are objects themselves, then files and
/// directories.
fn configurations(
    target: &Target<'_, '_>,
    items: &[At<String>],
) -> Result<Vec<Resource>, Diagnostics> {
    let mut complaints = Diagnostics::new();
    let mut all = Accumulator::default();
    let mut paths = Vec::new();
    for item in items {
        let name = match &item.place {
            Some(place) => format!("{place} (inline)"),
            None => "inline".to_owned(),
        };
        match documents(target.context, &Source::new(name, item.as_str())) {
            Ok(documents) => {
                let schemas = target.context.schemas();
                let inline = documents.into_iter().map(|doc| {
                    let mut resource = Resource::new(doc, Chain::clone(&target.chain), &schemas);
                    resource.set_origin(target.inline_note());
                    resource
                });
                complaints.keep(all.append_all(inline.collect()));
            }
            Err(wrong) if item.contains('\n') => {
                complaints.extend(wrong);
            }
            Err(_) => paths.push(item),
        }
    }
    for path in paths {
        complaints.keep(target.add_path(&mut all, path));
    }
    let configs = all.resources.into_items();
    for config in &configs {
        complaints.keep(refuse_equal_keys(&config.doc));
    }
    complaints.into_result(configs)
}

/// The kind of a builtin generator or transformer. Anything else would need a program.
fn builtin(config: &Resource) -> Result<&str, Diagnostics> {
    let gvk = config.gvk();
    if gvk.group.is_empty() && *gvk.version == *"builtin" {
        return Ok(&gvk.kind);
    }
    let message = format!("`{}` is a plugin that is not built in", config.id());
    Err(Diagnostic::error("kustomize/function", message)
        .at(config.location())
        .help(
            "write `apiVersion: builtin` for a builtin one; of programs only functions are run, those \
             with the annotation `config.kubernetes.io/function`",
        )
        .into())
}

fn unknown(config: &Resource, what: &str) -> Diagnostic {
    let known = match what {
        "generator" => generators::KINDS,
        _ => transformers::KINDS,
    };
    let message = format!("`{}` is no builtin {what}", config.gvk().kind);
    let diagnostic = Diagnostic::error("kustomize/unknown-plugin", message).at(config.location());
    match trueup_manifest::nearest(&config.gvk().kind, known.iter().copied()) {
        Some(nearest) => diagnostic.help(format!("did you mean `kind: {nearest}`?")),
        None => diagnostic.help(format!("builtin ones: {}", known.join(", "))),
    }
}

/// The note that what a configuring object does is left with.
fn note(config: &Resource) -> Option<Arc<OriginNote>> {
    let origin = config.book.origin.as_ref()?;
    let id = config.id();
    let by = [
        id.gvk.api_version(),
        id.gvk.kind.to_string(),
        id.name.to_string(),
        id.namespace.to_string(),
    ];
    Some(Arc::new(OriginNote {
        configured_by: by,
        ..origin.configured(origin.path.clone())
    }))
}
