//! `configurations`: field specs in files, laid over the defaults.

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, NodeId, Source};

use super::{BackReferences, Config, SharedConfig, Specs, config, default_config, merge};
use crate::{
    Context,
    load::{At, Decoder, Place, Rules, field_spec, gvk},
};

const SECTIONS: &[&str] = &[
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "templateLabels",
    "volumeClaimTemplateLabels",
    "commonAnnotations",
    "nameReference",
    "varReference",
    "images",
    "replicas",
];

/// The defaults with the files' field specs over them.
pub(crate) fn load(
    context: &Context<'_>,
    place: &Place<'_>,
    paths: &[At<String>],
) -> Result<SharedConfig, Diagnostics> {
    if paths.is_empty() {
        return Ok(default_config());
    }
    let mut complaints = Diagnostics::new();
    let mut own = Config::default();
    for path in paths {
        let read = || -> Result<Config, Diagnostics> {
            let source = place.read_source(context, path, path.place.as_ref())?;
            parse(context, &source)
        };
        if let Some(config) = complaints.keep(read())
            && let Err(conflict) = own.merge(&config)
        {
            complaints.push(disagreement(&conflict, path));
        }
    }
    match merge(&default_config(), &own.into()) {
        Ok(config) => complaints.into_result(config),
        Err(conflict) => {
            let last = paths.last().cloned().unwrap_or_default();
            complaints.push(disagreement(&conflict, &last));
            Err(complaints)
        }
    }
}

fn disagreement(conflict: &config::Conflict, path: &At<String>) -> Diagnostic {
    let message = format!(
        "`{}` disagrees on `create` of `{}`",
        path.value, conflict.path
    );
    Diagnostic::error("kustomize/config-conflict", message)
        .at(path.place.clone())
        .help("write `create` as the defaults or the other files have it")
}

fn parse(context: &Context<'_>, source: &Source) -> Result<Config, Diagnostics> {
    let documents = Document::parse_with(source, &context.parse_options())?;
    let mut config = Config::default();
    let Some(doc) = documents.first() else {
        return Ok(config);
    };
    let decoder = Decoder::new(doc, Rules::StrictCoerced);
    let fields = decoder.fields(doc.root(), "a transformer configuration", SECTIONS);
    for name in SECTIONS {
        if let Some(section) = config.section(name) {
            *section = specs(&decoder, &fields.list(name, |node| node));
        }
    }
    config.name_reference = fields.list("nameReference", |node| {
        let known = &["group", "version", "kind", "fieldSpecs"];
        let reference = decoder.fields(node, "`nameReference`", known);
        BackReferences {
            gvk: gvk(&reference),
            referrers: specs(&decoder, &reference.list("fieldSpecs", |node| node)),
        }
    });
    config.sort();
    decoder.finish(config)
}

fn specs(decoder: &Decoder<'_>, nodes: &[NodeId]) -> Specs {
    nodes
        .iter()
        .map(|node| field_spec(decoder, *node).into())
        .collect()
}
