//! `replacements`: copying a field of one object into fields of others.

mod fields;
mod structured;

use trueup_manifest::{Diagnostic, Diagnostics, nearest};
use trueup_yaml::{Document, Kind, Location, NodeId, ParseOptions, Style};

use super::{Transform, matcher};
use crate::{
    Context,
    load::{
        At, Decoder, FieldOptions, Place, Replacement, ReplacementField, Rules, Source, Target,
        read_replacement,
    },
    node::{self, Misfit},
    resource::{Gvk, Matcher, ResId, ResMap, Resource},
};

/// What is read where no path is given.
const DEFAULT_PATH: &str = "metadata.name";

/// Copies fields, one replacement after the other.
pub(crate) struct Replacements {
    replacements: Vec<Replacement>,
}

/// A value on its way from one object to others.
struct Value {
    doc: Document,
    /// The object and node it comes from, where it is the whole of a field: upstream hands on the node
    /// itself, so that a target that lies in the source changes what later targets get.
    live: Option<(usize, NodeId)>,
}

impl Value {
    fn fixed(doc: Document) -> Self {
        Self { doc, live: None }
    }

    fn node(&self) -> NodeId {
        self.doc.root()
    }

    fn kind(&self) -> Kind {
        self.doc.kind(self.node())
    }

    /// The text of a scalar; empty for anything else.
    fn text(&self) -> &str {
        self.doc.text(self.node()).unwrap_or_default()
    }

    /// Reads the source again.
    fn refresh(&mut self, resources: &[Resource]) {
        if let Some((at, node)) = self.live
            && let Some(source) = resources.get(at)
        {
            self.doc = source.doc.extract(node);
        }
    }

    /// Reads the source again, when it lies in this object.
    fn refresh_from(&mut self, at: usize, doc: &Document) {
        if let Some((source, node)) = self.live
            && source == at
        {
            self.doc = doc.extract(node);
        }
    }
}

impl Replacements {
    /// Reads the entries, and the files that they name.
    pub(crate) fn load(
        context: &Context<'_>,
        place: &Place<'_>,
        fields: &[ReplacementField],
    ) -> Result<Self, Diagnostics> {
        let mut complaints = Diagnostics::new();
        let mut replacements = Vec::new();
        for field in fields {
            let inline = &field.inline;
            let says_more = inline.source.is_some()
                || inline
                    .targets
                    .as_ref()
                    .is_some_and(|targets| !targets.is_empty());
            if field.path.is_empty() {
                replacements.push(inline.clone());
            } else if says_more {
                let message = "the replacement has both a `path` and a source or targets";
                complaints.push(
                    Diagnostic::error("kustomize/replacement", message)
                        .at(field.path.place.clone())
                        .help("keep one of them"),
                );
            } else {
                let loaded = load_file(context, place, &field.path);
                replacements.extend(complaints.keep(loaded).unwrap_or_default());
            }
        }
        complaints.into_result(Self { replacements })
    }
}

/// A file holds one replacement or a list of them.
fn load_file(
    context: &Context<'_>,
    place: &Place<'_>,
    path: &At<String>,
) -> Result<Vec<Replacement>, Diagnostics> {
    let source = place.read_source(context, path, path.place.as_ref())?;
    let options = ParseOptions {
        duplicate_keys: trueup_yaml::DuplicateKeys::LastWins,
        ..context.parse_options()
    };
    let documents = Document::parse_with(&source, &options)?;
    let doc = documents.first();
    let root = doc.map(|doc| (doc, doc.root(), doc.kind(doc.root())));
    let Some((doc, root, kind @ (Kind::Mapping | Kind::Sequence))) = root else {
        let message = format!("`{}` holds no replacement", path.value);
        return Err(Diagnostic::error("kustomize/replacement", message)
            .at(path.place.clone())
            .help("write one replacement, or a list of them")
            .into());
    };
    let decoder = Decoder::new(doc, Rules::Lenient);
    let loaded = if kind == Kind::Mapping {
        vec![read_replacement(&decoder, root)]
    } else {
        doc.items(root)
            .map(|item| read_replacement(&decoder, item))
            .collect()
    };
    decoder.finish(loaded)
}

impl Transform for Replacements {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        for replacement in &self.replacements {
            apply_one(context, replacement, resources)?;
        }
        Ok(())
    }
}

fn fault(message: impl Into<String>, place: Option<Location>) -> Diagnostic {
    Diagnostic::error("kustomize/replacement", message).at(place)
}

fn apply_one(
    context: &Context<'_>,
    replacement: &Replacement,
    resources: &mut ResMap,
) -> Result<(), Diagnostics> {
    let place = || replacement.place.clone();
    let Some(targets) = &replacement.targets else {
        return Err(fault("the replacement has no `targets`", place()).into());
    };
    let mut value = match (&replacement.source, &replacement.source_value) {
        (Some(_), Some(_)) => {
            return Err(fault(
                "the replacement has both `source` and `sourceValue`",
                place(),
            )
            .help("keep one of them")
            .into());
        }
        (None, None) => {
            return Err(fault("the replacement has no `source`", place()).into());
        }
        (None, Some(text)) => {
            let mut doc = Document::empty_mapping();
            let scalar = doc.new_scalar(text, Style::Plain, None);
            doc.set_root(scalar);
            Value::fixed(doc)
        }
        (Some(source), None) => read_source(source, resources)?,
    };
    let schemas = context.schemas();
    let mut complaints = Diagnostics::new();
    for target in targets {
        let Some(select) = complaints.keep(Select::new(target)) else {
            continue;
        };
        let paths = target_paths(target);
        let resources = resources.edit();
        for at in 0..resources.len() {
            if !resources
                .get(at)
                .is_some_and(|resource| select.selects(resource))
            {
                continue;
            }
            for path in &paths {
                value.refresh(resources);
                let Some(resource) = resources.get_mut(at) else {
                    continue;
                };
                let options = target.options.as_ref();
                complaints.keep(fields::copy(resource, at, path, &mut value, options));
            }
            if let Some(resource) = resources.get_mut(at) {
                resource.book.reshaped = true;
                resource.sync(&schemas);
            }
        }
    }
    complaints.into_result(())
}

fn target_paths(target: &Target) -> Vec<At<String>> {
    if target.field_paths.is_empty() {
        vec![At {
            value: DEFAULT_PATH.to_owned(),
            place: target.place.clone(),
        }]
    } else {
        target.field_paths.clone()
    }
}

/// The ids of an object as replacements see them: the present one first, scope unknown.
fn ids(resource: &Resource) -> impl Iterator<Item = ResId> + '_ {
    let present = ResId {
        cluster_scoped: false,
        ..resource.id().clone()
    };
    std::iter::once(present).chain(resource.previous_ids())
}

/// The value that a source reads.
fn read_source(source: &Source, resources: &ResMap) -> Result<Value, Diagnostic> {
    let select = &source.select;
    let wanted = ResId {
        gvk: Gvk::new(&select.group, &select.version, &select.kind),
        name: select.name.as_str().into(),
        namespace: select.namespace.as_str().into(),
        cluster_scoped: false,
    };
    let is_wanted = |id: ResId| {
        (wanted.name.is_empty() || wanted.name == id.name)
            && (wanted.namespace.is_empty() || wanted.same_namespace(&id))
            && id.gvk.selected_by(&wanted.gvk)
    };
    let mut found = resources
        .iter()
        .enumerate()
        .filter(|(_, resource)| ids(resource).any(&is_wanted));
    let Some((at, resource)) = found.next() else {
        return Err(no_source(select, resources));
    };
    if let Some((_, second)) = found.next() {
        return Err(
            fault("several objects match the source", select.place.clone())
                .label(resource.location(), format!("`{}`", resource.id()))
                .label(second.location(), format!("`{}`", second.id()))
                .help("narrow the source down: name, namespace, group and version count too"),
        );
    }
    let path = if source.field_path.is_empty() {
        DEFAULT_PATH
    } else {
        &source.field_path
    };
    let doc = &resource.doc;
    let field = node::lookup(doc, resource.root(), &node::smart_split(path)).map_err(|wrong| {
        let message = format!("`{path}` of `{}`: {}", resource.id(), wrong.describe(doc));
        fault(message, select.place.clone()).label(resource.location(), "the source")
    })?;
    let Some(field) = field.filter(|field| !node::is_empty(doc, Some(*field))) else {
        let message = format!("`{}` has no `{path}`", resource.id());
        return Err(fault(message, select.place.clone()).label(resource.location(), "the source"));
    };
    let value = Value {
        doc: doc.extract(field),
        live: Some((at, field)),
    };
    refine(value, source.options.as_ref(), select.place.as_ref())
}

fn no_source(select: &crate::load::Selector, resources: &ResMap) -> Diagnostic {
    let of_kind = || {
        resources
            .iter()
            .filter(|resource| select.kind.is_empty() || *resource.gvk().kind == *select.kind)
            .map(Resource::name)
    };
    let diagnostic = fault("no object matches the source", select.place.clone());
    if let Some(name) = nearest(&select.name, of_kind()) {
        return diagnostic.help(format!("did you mean `name: {name}`?"));
    }
    let names: Vec<&str> = of_kind().take(8).collect();
    diagnostic.help(format!("objects it could be: {}", names.join(", ")))
}

/// The piece of a source's value that its options ask for.
fn refine(
    mut value: Value,
    options: Option<&FieldOptions>,
    place: Option<&Location>,
) -> Result<Value, Diagnostic> {
    let Some(options) = options.filter(|options| !options.delimiter.is_empty()) else {
        return Ok(value);
    };
    if value.kind() != Kind::Scalar {
        return Err(fault(
            "only a scalar can be split at a `delimiter`",
            place.cloned(),
        ));
    }
    let piece = usize::try_from(options.index)
        .ok()
        .and_then(|index| value.text().split(options.delimiter.as_str()).nth(index));
    let Some(piece) = piece.map(str::to_owned) else {
        let count = value.text().split(options.delimiter.as_str()).count();
        let message = format!(
            "the value has {count} pieces, and none at `index: {}`",
            options.index
        );
        return Err(fault(message, place.cloned()));
    };
    let root = value.node();
    fields::set_text(&mut value.doc, root, &piece);
    value.live = None;
    Ok(value)
}

/// Which objects a target is for.
struct Select {
    select: Matcher,
    reject: Vec<Matcher>,
}

impl Select {
    fn new(target: &Target) -> Result<Self, Diagnostic> {
        let Some(select) = &target.select else {
            return Err(fault("the target has no `select`", target.place.clone())
                .help("say which objects it is for: `select: {kind: …, name: …}`"));
        };
        let reject = target
            .reject
            .iter()
            .map(matcher)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            select: matcher(select)?,
            reject,
        })
    }

    fn selects(&self, resource: &Resource) -> bool {
        if !self.select.accepts_metadata(resource) {
            return false;
        }
        let rejected = self.reject.iter().any(|reject| {
            (reject.has_metadata() && reject.accepts_metadata(resource))
                || (!reject.is_any_id() && ids(resource).any(|id| reject.accepts_id(&id)))
        });
        !rejected && ids(resource).any(|id| self.select.accepts_id(&id))
    }
}

impl From<Misfit> for fields::Miss {
    fn from(misfit: Misfit) -> Self {
        Self::Misfit(misfit)
    }
}
