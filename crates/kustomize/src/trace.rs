//! Who made of an object what it is: what each step of a build left of it, and where the step is written.
//!
//! Flows in: steps, with the kustomization file that asks for them. Flows out: for each object its
//! [`Snapshot`]s in order. Only a build that [`trace`] runs takes notes; any other pays for a flag that
//! is not set.
//! It must never change what a build gives.

use std::{collections::BTreeMap, sync::Arc};

use trueup_manifest::{Diagnostics, Manifest, Tree, TreePath};
use trueup_yaml::{Document, Location, NodeId};

use crate::{
    Context, Options, accumulate,
    load::{GeneratorSpec, Place},
    output,
    resource::{ResMap, Resource},
};

/// An object with what each step made of it.
#[derive(Clone, Debug)]
pub struct Traced {
    /// The object as [`crate::build`] gives it.
    pub manifest: Manifest,
    /// What it was after each step that changed it, in order.
    pub history: Vec<Snapshot>,
}

/// What a step left of an object.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The step.
    pub step: Arc<TracedStep>,
    /// The object after it.
    pub doc: Document,
}

/// A step of a build that changes objects.
#[derive(Clone, Debug, Default)]
pub struct TracedStep {
    /// The kustomization that it is of.
    pub layer: Arc<str>,
    /// The field of the kustomization that stands for it, such as `images`; the kind of a transformer
    /// that is configured in an object of its own; `hash` or `reference` for what every build does.
    pub name: String,
    place: Option<Location>,
    /// Places of its parts: by the key they set, the image they are for, the name they lead to, or the
    /// var (`$(VAR)`) they stand for.
    places: BTreeMap<String, Location>,
}

impl TracedStep {
    /// Where that is written which set a field: `key` is its last key, then what it was and is.
    pub fn place(&self, key: &str, before: Option<&str>, after: Option<&str>) -> Option<&Location> {
        let var = || {
            let mut vars = self.places.iter();
            let found = vars.find(|(name, _)| {
                name.starts_with("$(") && before.is_some_and(|text| text.contains(name.as_str()))
            });
            found.map(|(_, place)| place)
        };
        let known = |name: Option<&str>| name.and_then(|name| self.places.get(name));
        known(Some(key))
            .or_else(|| known(after))
            .or_else(|| known(before.map(image_name)))
            .or_else(var)
            .or(self.place.as_ref())
    }
}

/// The image without its tag and digest.
fn image_name(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    }
}

/// [`crate::build`], with what each step made of each object.
///
/// # Errors
///
/// As [`crate::build`].
pub fn trace(
    tree: &dyn Tree,
    dir: &TreePath,
    options: &Options<'_>,
) -> Result<Vec<Traced>, Diagnostics> {
    let context = Context::tracing(options);
    let mut resources = accumulate::run(&context, tree, dir)?;
    let histories: Vec<Vec<Snapshot>> = resources
        .edit_fields()
        .iter_mut()
        .map(|resource| std::mem::take(&mut resource.history))
        .collect();
    // What can be printed is given back whole and in order.
    let manifests = output::manifests(resources)?;
    let traced = manifests.into_iter().zip(histories);
    Ok(traced
        .map(|(manifest, history)| Traced { manifest, history })
        .collect())
}

/// Notes what a step left of each object that it changed.
pub(crate) fn record(resources: &mut ResMap, step: &Arc<TracedStep>) {
    for resource in resources.edit_fields() {
        resource.record(step);
    }
}

impl Resource {
    fn record(&mut self, step: &Arc<TracedStep>) {
        let root = self.root();
        let same = |last: &Snapshot| self.doc.eq_value(root, &last.doc, last.doc.root());
        if !self.history.last().is_some_and(same) {
            self.history.push(Snapshot {
                step: Arc::clone(step),
                doc: self.doc.clone(),
            });
        }
    }
}

/// A kustomization file whose steps are traced.
pub(crate) struct TracedFile {
    doc: Document,
    layer: Arc<str>,
}

impl TracedFile {
    /// Reads the file again, where the build is traced.
    pub(crate) fn of(context: &Context<'_>, place: &Place<'_>, name: &str) -> Option<Arc<Self>> {
        if !context.traces() {
            return None;
        }
        let source = place.read_source(context, name, None).ok()?;
        let doc = Document::parse(&source).ok()?.into_iter().next()?;
        let layer = Arc::from(place.show());
        Some(Arc::new(Self { doc, layer }))
    }

    /// The step that a field stands for, or one item of it.
    pub(crate) fn step(&self, field: &str, index: Option<usize>) -> Arc<TracedStep> {
        let doc = &self.doc;
        let old = match field {
            "images" => "imageTags",
            "resources" => "bases",
            field => field,
        };
        let root = doc.root();
        let found = doc
            .get_entry(root, field)
            .or_else(|| doc.get_entry(root, old));
        let item = found.and_then(|(_, value)| doc.item(value, index?));
        let place = item.or_else(|| found.map(|(key, _)| key));
        let mut places = BTreeMap::new();
        if let Some((_, value)) = found {
            self.parts(field, item.unwrap_or(value), &mut places);
        }
        Arc::new(TracedStep {
            layer: Arc::clone(&self.layer),
            name: field.to_owned(),
            place: place.and_then(|node| doc.location(node)),
            places,
        })
    }

    /// A step that every build does at its end.
    pub(crate) fn last_step(
        &self,
        name: &str,
        places: impl Iterator<Item = (String, Location)>,
    ) -> Arc<TracedStep> {
        Arc::new(TracedStep {
            layer: Arc::clone(&self.layer),
            name: name.to_owned(),
            place: None,
            places: places.collect(),
        })
    }

    /// What an object of its own configures.
    pub(crate) fn configured(&self, config: &Resource) -> Arc<TracedStep> {
        let mut places = BTreeMap::new();
        for field in ["labels", "annotations"] {
            if let Some(map) = config.doc.get(config.root(), field) {
                entries(&config.doc, map, &mut places);
            }
        }
        Arc::new(TracedStep {
            layer: Arc::clone(&self.layer),
            name: config.gvk().kind.to_string(),
            place: config.location(),
            places,
        })
    }

    /// What a generator makes, each key with the literal, file or line that it came from.
    pub(crate) fn generated(
        &self,
        field: &str,
        context: &Context<'_>,
        place: &Place<'_>,
        spec: &GeneratorSpec,
    ) -> Arc<TracedStep> {
        let mut places = BTreeMap::new();
        for env in &spec.envs {
            if let Ok(source) = place.read_source(context, env, env.place.as_ref()) {
                env_lines(&source, &mut places);
            }
        }
        for text in spec.literals.iter().chain(&spec.files) {
            let name = text.split_once('=').map_or_else(
                || text.rsplit('/').next().unwrap_or_default(),
                |(key, _)| key,
            );
            places.extend(text.place.clone().map(|place| (name.to_owned(), place)));
        }
        Arc::new(TracedStep {
            layer: Arc::clone(&self.layer),
            name: field.to_owned(),
            place: spec.place.clone(),
            places,
        })
    }

    fn parts(&self, field: &str, value: NodeId, places: &mut BTreeMap<String, Location>) {
        let doc = &self.doc;
        match field {
            "commonLabels" | "commonAnnotations" => entries(doc, value, places),
            "labels" => {
                if let Some(pairs) = doc.get(value, "pairs") {
                    entries(doc, pairs, places);
                }
            }
            "images" => {
                for item in doc.items(value) {
                    let name = doc.get(item, "name").and_then(|name| doc.text(name));
                    let set = ["newTag", "newName", "digest", "tagSuffix"]
                        .into_iter()
                        .find_map(|field| doc.get_entry(item, field));
                    let at = set.map_or(item, |(key, _)| key);
                    if let (Some(name), Some(place)) = (name, doc.location(at)) {
                        places.insert(name.to_owned(), place);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The keys of a mapping, each with its place.
fn entries(doc: &Document, map: NodeId, places: &mut BTreeMap<String, Location>) {
    for (key, _) in doc.entries(map) {
        if let (Some(text), Some(place)) = (doc.text(key), doc.location(key)) {
            places.insert(text.to_owned(), place);
        }
    }
}

/// The lines of an env file by their keys.
fn env_lines(source: &trueup_yaml::Source, places: &mut BTreeMap<String, Location>) {
    let mut start = 0;
    for line in source.text().split_inclusive('\n') {
        let text = line.trim();
        let key = text.split('=').next().unwrap_or_default().trim_end();
        if !key.is_empty() && !text.starts_with('#') {
            let from = start + (line.len() - line.trim_start().len());
            let span = trueup_yaml::Span::new(
                u32::try_from(from).unwrap_or_default(),
                u32::try_from(from + text.len()).unwrap_or_default(),
            );
            let source = source.clone();
            places.insert(key.to_owned(), Location { source, span });
        }
        start += line.len();
    }
}
