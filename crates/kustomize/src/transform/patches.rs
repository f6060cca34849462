//! `patches`, `patchesStrategicMerge` and `patchesJson6902`: finding targets and applying patches.

use trueup_manifest::{Diagnostic, Diagnostics, nearest};
use trueup_yaml::{Document, Kind, Location, NodeId, Source};

use super::{Transform, misfit};
use crate::{
    Context,
    load::{At, PatchSpec, Place, Selector, documents},
    node::{self, Write},
    patch::{json6902::JsonPatch, strategic},
    resource::{Chain, LabelSelector, Matcher, Pattern, ResId, ResMap, Resource},
};

/// Compiles the patterns of a selector.
pub(crate) fn matcher(selector: &Selector) -> Result<Matcher, Diagnostic> {
    let wrong = |field: &str, why: &str| {
        Diagnostic::error(
            "kustomize/selector",
            format!("`{field}` of the target: {why}"),
        )
        .at(selector.place.clone())
    };
    let pattern = |field: &str, text: &str| Pattern::new(text).map_err(|why| wrong(field, &why));
    let labels =
        |field: &str, text: &str| LabelSelector::parse(text).map_err(|why| wrong(field, &why));
    Ok(Matcher {
        group: pattern("group", &selector.group)?,
        version: pattern("version", &selector.version)?,
        kind: pattern("kind", &selector.kind)?,
        name: pattern("name", &selector.name)?,
        namespace: pattern("namespace", &selector.namespace)?,
        labels: labels("labelSelector", &selector.labels)?,
        annotations: labels("annotationSelector", &selector.annotations)?,
    })
}

/// What a patch text turned out to be.
enum Loaded {
    Strategic(Vec<Resource>),
    Json(Box<JsonPatch>),
}

/// One entry of `patches` or `patchesJson6902`.
pub(crate) struct Patch {
    loaded: Loaded,
    target: Option<(Selector, Matcher)>,
    allow_name_change: bool,
    allow_kind_change: bool,
    /// Whether a JSON patch leaves the name before behind, as `patches` does and `patchesJson6902`
    /// does not.
    remembers: bool,
    place: Option<Location>,
}

impl Patch {
    /// An entry of `patches`.
    pub(crate) fn load(
        context: &Context<'_>,
        place: &Place<'_>,
        chain: &Chain,
        spec: &PatchSpec,
    ) -> Result<Self, Diagnostics> {
        let text = spec.patch.trim();
        let fault =
            |message: &str| Diagnostic::error("kustomize/patch", message).at(spec.place.clone());
        let source = match (text, spec.path.as_str()) {
            ("", "") => {
                return Err(fault("the patch has neither `patch` nor `path`")
                    .help("write the patch under `patch: |-`, or name its file in `path`")
                    .into());
            }
            ("", path) => place.read_source(context, path, spec.path.place.as_ref())?,
            (_, "") => inline(text, spec.patch.place.as_ref(), "inline patch"),
            _ => {
                return Err(fault("the patch has both `patch` and `path`")
                    .help("keep one of them")
                    .into());
            }
        };
        let mut loaded = classify(context, chain, &source)?;
        let target = spec
            .target
            .as_ref()
            .map(|selector| Ok::<_, Diagnostic>((selector.clone(), matcher(selector)?)));
        let target = target.transpose()?;
        match &mut loaded {
            Loaded::Strategic(patches) if target.is_some() && patches.len() > 1 => {
                return Err(fault(
                    "a patch with a `target` holds one document, this one has several",
                )
                .help("give each document an entry of its own, or remove the target")
                .into());
            }
            Loaded::Json(patch) if target.is_none() && !patch.is_empty() => {
                return Err(fault("a JSON patch needs a `target`")
                    .help("say which objects it is for: `target: {kind: …, name: …}`")
                    .into());
            }
            _ => {}
        }
        Ok(Self {
            loaded,
            target,
            allow_name_change: spec.allow_name_change,
            allow_kind_change: spec.allow_kind_change,
            remembers: true,
            place: spec.place.clone(),
        })
    }

    /// An entry of `patchesJson6902`.
    pub(crate) fn load_json(
        context: &Context<'_>,
        place: &Place<'_>,
        spec: &PatchSpec,
    ) -> Result<Self, Diagnostics> {
        let fault =
            |message: String| Diagnostic::error("kustomize/patch", message).at(spec.place.clone());
        let Some(target) = spec
            .target
            .as_ref()
            .filter(|target| !target.name.is_empty())
        else {
            return Err(fault("the target of a JSON patch needs a `name`".to_owned()).into());
        };
        let source = match (spec.patch.as_str(), spec.path.as_str()) {
            ("", "") => {
                return Err(fault("the JSON patch is empty".to_owned())
                    .help("write it under `patch: |-`, or name its file in `path`")
                    .into());
            }
            ("", path) => place.read_source(context, path, spec.path.place.as_ref())?,
            (text, "") => inline(text, spec.patch.place.as_ref(), "inline patch"),
            _ => {
                return Err(
                    fault("the JSON patch has both `patch` and `path`".to_owned())
                        .help("keep one of them")
                        .into(),
                );
            }
        };
        let patch = JsonPatch::parse(&source, &context.parse_options())?;
        if patch.is_empty() {
            return Err(fault(format!("the JSON patch `{}` is empty", source.name())).into());
        }
        Ok(Self {
            loaded: Loaded::Json(Box::new(patch)),
            target: Some((target.clone(), matcher(target)?)),
            allow_name_change: false,
            allow_kind_change: false,
            remembers: false,
            place: spec.place.clone(),
        })
    }
}

/// A text inside a kustomization file as a source of its own.
fn inline(text: &str, place: Option<&Location>, what: &str) -> Source {
    let name = match place {
        Some(place) => format!("{place} ({what})"),
        None => what.to_owned(),
    };
    Source::new(name, text)
}

/// Reads a text as a strategic merge patch and as a JSON patch, and takes the one it is.
fn classify(context: &Context<'_>, chain: &Chain, source: &Source) -> Result<Loaded, Diagnostics> {
    let strategic = documents(context, source);
    let json = JsonPatch::parse(source, &context.parse_options());
    match (strategic, json) {
        (Ok(patches), Ok(json)) if !patches.is_empty() && !json.is_empty() => {
            let message = format!(
                "`{}` is both a strategic merge patch and a JSON patch",
                source.name()
            );
            Err(Diagnostic::error("kustomize/patch", message).into())
        }
        (Ok(patches), _) => Ok(Loaded::Strategic(as_resources(context, chain, patches))),
        (Err(_), Ok(json)) => Ok(Loaded::Json(Box::new(json))),
        (Err(strategic), Err(json)) => {
            let list = Document::parse(source).is_ok_and(|docs| {
                docs.iter()
                    .any(|doc| doc.kind(doc.root()) == Kind::Sequence)
            });
            let scalar = Document::parse(source)
                .is_ok_and(|docs| docs.iter().all(|doc| doc.kind(doc.root()) == Kind::Scalar));
            if scalar {
                let message = format!(
                    "`{}` is neither a strategic merge patch nor a JSON patch",
                    source.name()
                );
                return Err(Diagnostic::error("kustomize/patch", message)
                    .help("to name a file, write `path:` instead of `patch:`")
                    .into());
            }
            Err(if list { json } else { strategic })
        }
    }
}

fn as_resources(context: &Context<'_>, chain: &Chain, documents: Vec<Document>) -> Vec<Resource> {
    let schemas = context.schemas();
    documents
        .into_iter()
        .map(|doc| Resource::new(doc, Chain::clone(chain), &schemas))
        .collect()
}

impl Transform for Patch {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        match (&self.loaded, &self.target) {
            (Loaded::Strategic(patches), None) => {
                let mut complaints = Diagnostics::new();
                for patch in patches {
                    complaints.keep(self.apply_to_named(context, resources, patch));
                }
                complaints.into_result(())
            }
            (Loaded::Strategic(patches), Some((selector, matcher))) => {
                let Some(patch) = patches.first() else {
                    return Ok(());
                };
                let targets = select(context, resources, selector, matcher, self.place.as_ref());
                let allow = Allow {
                    name: self.allow_name_change,
                    kind: self.allow_kind_change,
                };
                apply_to_all(context, resources, &targets, patch, allow)
            }
            (Loaded::Json(patch), Some((selector, matcher))) => {
                let targets = select(context, resources, selector, matcher, self.place.as_ref());
                let mut complaints = Diagnostics::new();
                for at in targets {
                    complaints.keep(self.apply_json(context, resources, at, patch));
                }
                complaints.into_result(())
            }
            (Loaded::Json(_), None) => Ok(()),
        }
    }
}

impl Patch {
    fn apply_to_named(
        &self,
        context: &Context<'_>,
        resources: &mut ResMap,
        patch: &Resource,
    ) -> Result<(), Diagnostics> {
        let at = the_one(resources, &patch.original_id(), patch.location())?;
        let allow = Allow {
            name: self.allow_name_change,
            kind: self.allow_kind_change,
        };
        let kept = resources
            .edit_at(at, |target| {
                apply_strategic(context, target, &patch.doc, allow)
            })
            .unwrap_or(Ok(true))?;
        if !kept {
            resources.remove(at);
        }
        Ok(())
    }

    fn apply_json(
        &self,
        context: &Context<'_>,
        resources: &mut ResMap,
        at: usize,
        patch: &JsonPatch,
    ) -> Result<(), Diagnostics> {
        let schemas = context.schemas();
        let applied = resources.edit_at(at, |target| {
            if self.remembers {
                target.remember_id();
            }
            let shown = target.show_bookkeeping();
            let applied = patch.apply(&mut target.doc);
            target.hide_bookkeeping(&shown);
            let applied = applied.map_err(|failure| {
                let message = format!("{} (patching `{}`)", failure.message, target.id());
                let diagnostic = Diagnostic::error("kustomize/json-patch", message)
                    .at(failure.place)
                    .label(target.location(), "the object");
                match failure.help {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                }
            });
            target.sync(&schemas);
            applied
        });
        Ok(applied.unwrap_or(Ok(()))?)
    }
}

/// What a strategic merge patch may change of an object's identity.
#[derive(Clone, Copy, Debug, Default)]
struct Allow {
    name: bool,
    kind: bool,
}

/// The targets of a selector; a warning where there are none.
fn select(
    context: &Context<'_>,
    resources: &ResMap,
    selector: &Selector,
    matcher: &Matcher,
    place: Option<&Location>,
) -> Vec<usize> {
    let targets: Vec<usize> = resources
        .iter()
        .enumerate()
        .filter(|(_, resource)| matcher.accepts(resource))
        .map(|(at, _)| at)
        .collect();
    if targets.is_empty() {
        let names = resources
            .iter()
            .filter(|resource| matcher.accepts_gvk(resource.gvk()))
            .map(Resource::name);
        let warning = Diagnostic::warning(
            "kustomize/no-target",
            "the patch's target selects no object",
        )
        .at(selector.place.clone().or_else(|| place.cloned()));
        context.warn(match nearest(&selector.name, names) {
            Some(name) => warning.help(format!("did you mean `name: {name}`?")),
            None => warning,
        });
    }
    targets
}

/// The one object that a patch names.
fn the_one(
    resources: &mut ResMap,
    id: &ResId,
    place: Option<Location>,
) -> Result<usize, Diagnostic> {
    match resources
        .find_by_any_id(&id.name, |candidate| candidate.equals(id))
        .as_slice()
    {
        [at] => Ok(*at),
        [] => Err(nothing_to_patch(resources, id, place)),
        several => {
            let message = format!("{} objects match the patch for `{id}`", several.len());
            let diagnostic = Diagnostic::error("kustomize/ambiguous-target", message)
                .at(place)
                .help("give the patch a `target` that tells them apart, or patch in the base");
            let found = several.iter().filter_map(|at| resources.get(*at));
            Err(found.take(4).fold(diagnostic, |diagnostic, resource| {
                diagnostic.label(
                    resource.location(),
                    format!("matches as `{}`", resource.id()),
                )
            }))
        }
    }
}

/// A patch for an object that is not there, with what comes close.
fn nothing_to_patch(resources: &ResMap, id: &ResId, place: Option<Location>) -> Diagnostic {
    let message = format!("no object matches the patch for `{id}`");
    let diagnostic = Diagnostic::error("kustomize/no-target", message).at(place);
    let same_kind = || {
        resources
            .iter()
            .filter(|resource| resource.gvk().kind == id.gvk.kind)
    };
    let elsewhere = same_kind().find(|resource| *resource.name() == *id.name);
    if let Some(close) = elsewhere {
        let close_id = close.id();
        let differs = if close_id.gvk != id.gvk {
            format!("it has `apiVersion: {}`", close_id.gvk.api_version())
        } else if close_id.namespace.is_empty() {
            "it has no namespace".to_owned()
        } else {
            format!("it has `namespace: {}`", close_id.namespace)
        };
        return diagnostic
            .label(close.location(), "this one comes close")
            .help(differs);
    }
    if let Some(close) = resources
        .iter()
        .find(|resource| *resource.name() == *id.name)
    {
        return diagnostic
            .label(close.location(), "this one has the name")
            .help(format!("did you mean `kind: {}`?", close.gvk().kind));
    }
    if let Some(name) = nearest(&id.name, same_kind().map(Resource::name)) {
        return diagnostic.help(format!("did you mean `name: {name}`?"));
    }
    let names: Vec<&str> = same_kind().map(Resource::name).take(8).collect();
    if names.is_empty() {
        diagnostic.help(format!(
            "there is no object of kind `{}` at all",
            id.gvk.kind
        ))
    } else {
        diagnostic.help(format!("objects of that kind: {}", names.join(", ")))
    }
}

/// Applies a patch to each target as its own kind and version, and removes those it deletes.
fn apply_to_all(
    context: &Context<'_>,
    resources: &mut ResMap,
    targets: &[usize],
    patch: &Resource,
    allow: Allow,
) -> Result<(), Diagnostics> {
    let mut complaints = Diagnostics::new();
    let mut deleted = Vec::new();
    let as_text = metadata_as_text(&patch.doc);
    for at in targets {
        let kept = resources.edit_at(*at, |target| {
            let mut copy = as_text.clone();
            let root = copy.root();
            let version = target.gvk().api_version();
            let set = node::put_scalar(&mut copy, root, "apiVersion", &version, Write::Raw);
            set.map_err(|wrong| misfit(target, &wrong, "patching"))?;
            apply_strategic(context, target, &copy, allow)
        });
        if complaints.keep(kept.unwrap_or(Ok(true))) == Some(false) {
            deleted.push(*at);
        }
    }
    for at in deleted.into_iter().rev() {
        resources.remove(at);
    }
    if allow.name || allow.kind {
        complaints.keep(refuse_duplicates(resources));
    }
    complaints.into_result(())
}

fn refuse_duplicates(resources: &mut ResMap) -> Result<(), Diagnostic> {
    let mut checked = ResMap::default();
    for resource in std::mem::take(resources).into_items() {
        if let Err(taken) = checked.append(resource) {
            let (resource, _) = *taken;
            let message = format!("a patch makes two objects `{}`", resource.id());
            return Err(Diagnostic::error("kustomize/id-conflict", message).at(resource.location()));
        }
    }
    *resources = checked;
    Ok(())
}

/// Upstream takes a patch's labels and annotations through maps of strings before it applies the patch
/// to a selected target: null becomes the text it was written as, an empty map disappears.
fn metadata_as_text(patch: &Document) -> Document {
    let mut doc = patch.clone();
    let Some(metadata) = doc.get(doc.root(), "metadata") else {
        return doc;
    };
    for field in ["labels", "annotations"] {
        let Some(map) = doc.get(metadata, field) else {
            continue;
        };
        if doc.kind(map) != Kind::Mapping || doc.is_empty(map) {
            doc.remove(metadata, field);
            continue;
        }
        let values: Vec<NodeId> = doc.entries(map).map(|(_, value)| value).collect();
        for value in values {
            let text = doc.text(value).unwrap_or_default().to_owned();
            let new = doc.new_str(&text);
            doc.replace(value, new);
        }
    }
    doc
}

/// Merges a patch into an object. False where the patch deletes it.
fn apply_strategic(
    context: &Context<'_>,
    target: &mut Resource,
    patch: &Document,
    allow: Allow,
) -> Result<bool, Diagnostics> {
    let schemas = context.schemas();
    let before = target.id().clone();
    if allow.name || allow.kind {
        target.remember_id();
    }
    let wipes = wipes_annotations(patch);
    let root = target.root();
    let theirs = target.doc.import(patch, patch.root());
    let kept = strategic::merge(&mut target.doc, root, theirs, &schemas)
        .map_err(|wrong| misfit(target, &wrong, "patching"))?;
    if !kept || target.doc.is_empty(root) {
        return Ok(false);
    }
    if wipes {
        target.book.wipe();
    }
    let restored = restore(target, &before, allow);
    restored.map_err(|wrong| misfit(target, &wrong, "patching"))?;
    target.sync(&schemas);
    Ok(true)
}

/// A patch changes kind and name only where that is allowed, and the namespace never.
fn restore(target: &mut Resource, before: &ResId, allow: Allow) -> Result<(), node::Misfit> {
    let root = target.root();
    let doc = &mut target.doc;
    if !allow.kind && node::value_at(doc, &["kind"]) != &*before.gvk.kind {
        node::put_scalar(doc, root, "kind", &before.gvk.kind, Write::Raw)?;
    }
    let Some(metadata) = node::lookup_create(doc, root, &["metadata"], Kind::Mapping)? else {
        return Ok(());
    };
    if !allow.name && node::value(doc, doc.get(metadata, "name")) != &*before.name {
        node::put_scalar(doc, metadata, "name", &before.name, Write::Raw)?;
    }
    if before.namespace.is_empty() {
        node::clear(doc, metadata, "namespace")?;
    } else if node::value(doc, doc.get(metadata, "namespace")) != &*before.namespace {
        node::put_scalar(doc, metadata, "namespace", &before.namespace, Write::Raw)?;
    }
    Ok(())
}

/// Whether a patch replaces or deletes the annotations as a whole, and with them what upstream keeps
/// there.
fn wipes_annotations(patch: &Document) -> bool {
    let replaces = |node: NodeId| {
        patch.is_null(node)
            || matches!(
                patch
                    .get(node, "$patch")
                    .and_then(|value| patch.text(value)),
                Some("replace" | "delete")
            )
    };
    let Some(metadata) = patch.get(patch.root(), "metadata") else {
        return false;
    };
    replaces(metadata)
        || patch.get(metadata, "annotations").is_some_and(replaces)
        || replaces(patch.root())
}

/// All of `patchesStrategicMerge`.
pub(crate) struct StrategicPatches {
    patches: Vec<Resource>,
}

impl StrategicPatches {
    /// Each text is a patch itself, or the path of its file.
    pub(crate) fn load(
        context: &Context<'_>,
        place: &Place<'_>,
        chain: &Chain,
        texts: &[At<String>],
    ) -> Result<Self, Diagnostics> {
        Self::load_with(context, place, chain, texts, None)
    }

    /// [`Self::load`] with one more text that is a patch for sure.
    pub(crate) fn load_with(
        context: &Context<'_>,
        place: &Place<'_>,
        chain: &Chain,
        texts: &[At<String>],
        more: Option<&At<String>>,
    ) -> Result<Self, Diagnostics> {
        let mut complaints = Diagnostics::new();
        let mut patches = Vec::new();
        for text in texts {
            let loaded = load_text_or_file(context, place, text);
            let loaded = complaints.keep(loaded).unwrap_or_default();
            patches.extend(as_resources(context, chain, loaded));
        }
        if let Some(text) = more {
            let loaded = documents(context, &inline(text, text.place.as_ref(), "inline patch"));
            let loaded = complaints.keep(loaded).unwrap_or_default();
            patches.extend(as_resources(context, chain, loaded));
        }
        if patches.is_empty() && complaints.is_empty() {
            let names: Vec<&str> = texts.iter().map(|text| text.as_str()).collect();
            complaints.push(
                Diagnostic::error(
                    "kustomize/patch",
                    format!("the patches are empty: {}", names.join(", ")),
                )
                .at(texts.first().and_then(|text| text.place.clone()))
                .help("remove them from `patchesStrategicMerge`"),
            );
        }
        complaints.into_result(Self { patches })
    }
}

fn load_text_or_file(
    context: &Context<'_>,
    place: &Place<'_>,
    text: &At<String>,
) -> Result<Vec<Document>, Diagnostics> {
    let source = inline(text, text.place.as_ref(), "inline patch");
    match documents(context, &source) {
        Ok(documents) => Ok(documents),
        Err(complaints) if text.contains('\n') => Err(complaints),
        Err(_) => documents(
            context,
            &place.read_source(context, text, text.place.as_ref())?,
        ),
    }
}

impl Transform for StrategicPatches {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        let mut complaints = Diagnostics::new();
        for patch in &self.patches {
            match the_one(resources, &patch.original_id(), patch.location()) {
                Ok(at) => {
                    complaints.keep(apply_to_all(
                        context,
                        resources,
                        &[at],
                        patch,
                        Allow::default(),
                    ));
                }
                Err(complaint) => complaints.push(complaint),
            }
        }
        complaints.into_result(())
    }
}
