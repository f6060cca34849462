//! `crds`: OpenAPI definitions of custom kinds, whose `x-kubernetes-*` marks become field specs.

use std::collections::BTreeSet;

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, Kind, NodeId, Source};

use super::{BackReferences, Config, Conflict, SharedConfig, Spec, Specs, empty_config};
use crate::{
    Context,
    load::{At, Place},
    resource::Gvk,
};

/// The field specs that the files' definitions ask for.
pub(crate) fn load(
    context: &Context<'_>,
    place: &Place<'_>,
    paths: &[At<String>],
) -> Result<SharedConfig, Diagnostics> {
    if paths.is_empty() {
        return Ok(empty_config());
    }
    let mut complaints = Diagnostics::new();
    let mut all = Config::default();
    for path in paths {
        let source = place.read_source(context, path, path.place.as_ref());
        let Some(source) = complaints.keep(source) else {
            continue;
        };
        let config = parse(context, &source, path);
        let Some(config) = complaints.keep(config) else {
            continue;
        };
        if let Err(conflict) = all.merge(&config) {
            complaints.push(disagreement(&conflict, path));
        }
    }
    complaints.into_result(all.into())
}

fn disagreement(conflict: &Conflict, path: &At<String>) -> Diagnostic {
    let message = format!(
        "`{}` disagrees on `create` of `{}`",
        path.value, conflict.path
    );
    Diagnostic::error("kustomize/config-conflict", message).at(path.place.clone())
}

fn parse(context: &Context<'_>, source: &Source, path: &At<String>) -> Result<Config, Diagnostics> {
    let documents = Document::parse_with(source, &context.parse_options())?;
    let mut config = Config::default();
    let Some(doc) = documents.first() else {
        let message = format!("`{}` is empty", path.value);
        return Err(Diagnostic::error("kustomize/crds", message)
            .at(path.place.clone())
            .into());
    };
    refuse_what_is_no_definition(doc, path)?;
    for (name, definition) in doc.entries(doc.root()) {
        let Some(properties) = doc.at(definition, &["Schema", "properties"]) else {
            continue;
        };
        let object = ["kind", "apiVersion", "metadata"];
        if !object
            .iter()
            .all(|field| doc.get(properties, field).is_some())
        {
            continue;
        }
        let name = doc.text(name).unwrap_or_default();
        let kind = name.rsplit('.').next().unwrap_or(name);
        let mut reader = Reader {
            doc,
            gvk: Gvk::new("", "", kind),
            config: Config::default(),
            open: BTreeSet::new(),
        };
        let read = reader
            .definition(name, "")
            .map_err(|conflict| disagreement(&conflict, path));
        read?;
        config
            .merge(&reader.config)
            .map_err(|conflict| disagreement(&conflict, path))?;
    }
    Ok(config)
}

/// Upstream reads the file into typed definitions by name; the manifest of a
/// `CustomResourceDefinition` does not fit.
fn refuse_what_is_no_definition(doc: &Document, path: &At<String>) -> Result<(), Diagnostics> {
    let fits = |node: NodeId| doc.kind(node) == Kind::Mapping || doc.is_null(node);
    let root = doc.root();
    let wrong = if fits(root) {
        doc.entries(root).find_map(|(key, definition)| {
            let schema = doc.get(definition, "Schema");
            let whole = fits(definition) && schema.is_none_or(fits);
            (!whole).then_some(key)
        })
    } else {
        Some(root)
    };
    let Some(wrong) = wrong else { return Ok(()) };
    let message = format!("`{}` is no file of OpenAPI definitions", path.value);
    let help = if doc.get(root, "spec").is_some() && doc.get(root, "kind").is_some() {
        "this looks like an object: name it under `resources`; `crds` takes definitions by name, each with a `Schema`"
    } else {
        "`crds` takes a mapping of names to definitions, each with a `Schema`"
    };
    Err(Diagnostic::error("kustomize/crds", message)
        .label(doc.location(wrong), "not a definition")
        .label(path.place.clone(), "named here")
        .help(help)
        .into())
}

/// Walks the definitions below one kind.
struct Reader<'d> {
    doc: &'d Document,
    gvk: Gvk,
    config: Config,
    /// Definitions on the way, so that one that holds itself ends.
    open: BTreeSet<String>,
}

impl Reader<'_> {
    fn definition(&mut self, name: &str, above: &str) -> Result<(), Conflict> {
        let doc = self.doc;
        let definition = doc.get(doc.root(), name);
        let Some(properties) =
            definition.and_then(|definition| doc.at(definition, &["Schema", "properties"]))
        else {
            return Ok(());
        };
        if !self.open.insert(name.to_owned()) {
            return Ok(());
        }
        for (field, property) in doc.entries(properties) {
            let field = doc.text(field).unwrap_or_default();
            let path = if above.is_empty() {
                field.to_owned()
            } else {
                format!("{above}/{field}")
            };
            self.property(property, &path)?;
        }
        self.open.remove(name);
        Ok(())
    }

    fn property(&mut self, property: NodeId, path: &str) -> Result<(), Conflict> {
        let doc = self.doc;
        let mark = |name: &str| {
            doc.entries(property)
                .find(|(key, _)| {
                    doc.text(*key)
                        .is_some_and(|key| key.eq_ignore_ascii_case(name))
                })
                .and_then(|(_, value)| doc.str(value))
        };
        let spec = |path: &str| Spec::new(self.gvk.clone(), path.to_owned(), false);
        if mark("x-kubernetes-annotation").is_some() {
            self.config.common_annotations.add(&spec(path))?;
        }
        if mark("x-kubernetes-label-selector").is_some() {
            self.config.common_labels.add(&spec(path))?;
        }
        if mark("x-kubernetes-identity").is_some() {
            self.config.name_prefix.add(&spec(path))?;
        }
        let version = mark("x-kubernetes-object-ref-api-version");
        if let (Some(version), Some(kind)) = (version, mark("x-kubernetes-object-ref-kind")) {
            let key = mark("x-kubernetes-object-ref-name-key").unwrap_or("name");
            let referrers: Specs = std::iter::once(spec(&format!("{path}/{key}"))).collect();
            let gvk = Gvk::new("", version, kind);
            self.config
                .add_back_references(&BackReferences { gvk, referrers })?;
        }
        match doc
            .get(property, "$ref")
            .and_then(|reference| doc.str(reference))
        {
            Some(reference) => self.definition(reference, path),
            None => Ok(()),
        }
    }
}
