//! Finding and reading the kustomization file of a directory.

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::{Document, NodeId, ParseOptions, Source};

use super::{
    decode::{Decoder, Fields, Rules},
    model::{FileKind, HelmGlobals, Kustomization},
    place::Place,
    read,
};
use crate::Context;

/// The names a kustomization file may have.
pub(crate) const FILE_NAMES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const FIELDS: &[&str] = &[
    "kind",
    "apiVersion",
    "metadata",
    "openapi",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replacements",
    "replicas",
    "vars",
    "sortOptions",
    "resources",
    "components",
    "crds",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "helmGlobals",
    "helmCharts",
    "helmChartInflationGenerator",
    "generatorOptions",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
];

/// A deprecated field, and what to write in its stead.
pub(crate) const DEPRECATED: [(&str, &str); 7] = [
    ("bases", "resources"),
    ("commonLabels", "labels"),
    ("imageTags", "images"),
    ("patchesJson6902", "patches"),
    ("patchesStrategicMerge", "patches"),
    ("vars", "replacements"),
    ("helmChartInflationGenerator", "helmCharts"),
];

/// The kustomization file of a directory, and its name.
pub(crate) fn load(
    context: &Context<'_>,
    place: &Place<'_>,
) -> Result<(Kustomization, &'static str), Diagnostics> {
    let mut found = Vec::new();
    for name in FILE_NAMES {
        if place.holds_file(name) {
            found.push(name);
        }
    }
    let name = match found.as_slice() {
        [name] => *name,
        [] => {
            let message = format!("`{}` holds no kustomization file", place.show());
            return Err(Diagnostic::error("kustomize/no-kustomization", message)
                .help(format!(
                    "add a `kustomization.yaml` there, or name a file of `{}`",
                    place.show()
                ))
                .into());
        }
        several => {
            let message = format!(
                "`{}` holds several kustomization files: {}",
                place.show(),
                several.join(", ")
            );
            return Err(
                Diagnostic::error("kustomize/several-kustomizations", message)
                    .help("keep one of them")
                    .into(),
            );
        }
    };
    let source = place.read_source(context, name, None)?;
    let kustomization = parse(context, &source)?;
    Ok((kustomization, name))
}

/// Reads the text of a kustomization file. Deprecated fields move to their successors and leave a
/// warning.
pub(crate) fn parse(context: &Context<'_>, source: &Source) -> Result<Kustomization, Diagnostics> {
    // Upstream reads this file with a parser that lets the last of two equal keys win.
    let options = ParseOptions {
        duplicate_keys: trueup_yaml::DuplicateKeys::LastWins,
        ..context.parse_options()
    };
    let documents = Document::parse_with(source, &options)?;
    let empty = || {
        Diagnostics::from(
            Diagnostic::error("kustomize/empty", format!("`{}` is empty", source.name()))
                .help("list what to build under `resources:`"),
        )
    };
    let Some(doc) = documents.first().filter(|doc| !doc.is_null(doc.root())) else {
        return Err(empty());
    };
    let decoder = Decoder::new(doc, Rules::Strict);
    let fields = decoder.fields(doc.root(), "a kustomization", FIELDS);
    for (field, successor) in DEPRECATED {
        if let Some(place) = fields.place(field) {
            context.warn(
                Diagnostic::warning("kustomize/deprecated", format!("`{field}` is deprecated"))
                    .at(place)
                    .help(format!(
                        "write `{successor}` instead; `trueup check --fix` rewrites most of them"
                    )),
            );
        }
    }
    check_metadata(&decoder, &fields);
    let mut kustomization = Kustomization {
        kind: kind(&decoder, &fields),
        ..Kustomization::default()
    };
    read_operands(doc, &decoder, &fields, &mut kustomization);
    read_operators(&decoder, &fields, &mut kustomization);
    let says_nothing = FIELDS
        .iter()
        .filter(|field| !matches!(**field, "kind" | "apiVersion"))
        .all(|field| fields.node(field).is_none_or(|node| is_zero(doc, node)));
    let kustomization = decoder.finish(kustomization)?;
    if says_nothing {
        Err(empty())
    } else {
        Ok(kustomization)
    }
}

/// Whether Go's decoder would leave a field at its zero value for this.
fn is_zero(doc: &Document, node: NodeId) -> bool {
    doc.text(node).is_some_and(str::is_empty)
}

fn check_metadata(decoder: &Decoder<'_>, fields: &Fields<'_, '_>) {
    if let Some(metadata) = fields.node("metadata") {
        let known = &["name", "namespace", "labels", "annotations"];
        let metadata = decoder.fields(metadata, "`metadata`", known);
        for field in ["name", "namespace"] {
            metadata.string(field);
        }
        for field in ["labels", "annotations"] {
            metadata.map(field);
        }
    }
}

fn kind(decoder: &Decoder<'_>, fields: &Fields<'_, '_>) -> FileKind {
    const BASE: &str = "kustomize.config.k8s.io/v1beta1";
    const COMPONENT: &str = "kustomize.config.k8s.io/v1alpha1";
    let written = fields.string("kind");
    let kind = match written.as_str() {
        "" | "Kustomization" => FileKind::Kustomization,
        "Component" => FileKind::Component,
        other => {
            decoder.complain(
                Diagnostic::error(
                    "kustomize/wrong-kind",
                    format!("`{other}` is no kind of kustomization"),
                )
                .at(fields.place("kind"))
                .help("write `kind: Kustomization` or `kind: Component`"),
            );
            return FileKind::Kustomization;
        }
    };
    let wanted = if kind == FileKind::Component {
        COMPONENT
    } else {
        BASE
    };
    let api_version = fields.string("apiVersion");
    if !api_version.is_empty() && api_version != wanted {
        let message = format!(
            "`{api_version}` is not the API version of a {}",
            kind.name()
        );
        decoder.complain(
            Diagnostic::error("kustomize/wrong-version", message)
                .at(fields.place("apiVersion"))
                .help(format!("write `apiVersion: {wanted}`")),
        );
    }
    kind
}

/// What a kustomization works on.
fn read_operands(
    doc: &Document,
    decoder: &Decoder<'_>,
    fields: &Fields<'_, '_>,
    out: &mut Kustomization,
) {
    out.resources = fields.strings("resources");
    out.resources.extend(fields.strings("bases"));
    out.components = fields.strings("components");
    out.crds = fields.strings("crds");
    out.configurations = fields.strings("configurations");
    out.generators = fields.strings("generators");
    out.transformers = fields.strings("transformers");
    out.validators = fields.strings("validators");
    out.build_metadata = fields.strings("buildMetadata");
    out.config_map_generator =
        fields.list("configMapGenerator", |node| read::config_map(decoder, node));
    out.secret_generator = fields.list("secretGenerator", |node| read::secret(decoder, node));
    out.generator_options = fields.nested("generatorOptions", |node| {
        read::generator_options(decoder, node)
    });
    out.helm_charts = fields.list("helmCharts", |node| read::helm_chart(doc, decoder, node));
    let globals = fields.nested("helmGlobals", |node| read::helm_globals(decoder, node));
    let mut old = HelmGlobals::default();
    for (chart, own) in fields.list("helmChartInflationGenerator", |node| {
        read::old_helm_chart(doc, decoder, node)
    }) {
        out.helm_charts.push(chart);
        if !own.chart_home.is_empty() {
            old.chart_home = own.chart_home;
        }
        if !own.config_home.is_empty() {
            old.config_home = own.config_home;
        }
    }
    out.helm_globals = globals.unwrap_or(old);
}

/// What a kustomization does.
fn read_operators(decoder: &Decoder<'_>, fields: &Fields<'_, '_>, out: &mut Kustomization) {
    if let Some(openapi) = fields.node("openapi") {
        for (key, value) in decoder.entries(openapi) {
            out.openapi.insert(key, value);
        }
    }
    out.name_prefix = fields.string("namePrefix");
    out.name_suffix = fields.string("nameSuffix");
    out.namespace = fields.string_at("namespace");
    out.common_labels = fields.map("commonLabels");
    out.labels = fields.list("labels", |node| read::label(decoder, node));
    out.common_annotations = fields.map("commonAnnotations");
    out.patches_strategic_merge = fields.strings("patchesStrategicMerge");
    out.patches_json6902 = fields.list("patchesJson6902", |node| read::patch(decoder, node));
    out.patches = fields.list("patches", |node| read::patch(decoder, node));
    out.images = fields.list("images", |node| read::image(decoder, node));
    out.images
        .extend(fields.list("imageTags", |node| read::image(decoder, node)));
    out.replacements = fields.list("replacements", |node| {
        read::replacement_field(decoder, node)
    });
    out.replicas = fields.list("replicas", |node| read::replica(decoder, node));
    out.vars = fields.list("vars", |node| read::var(decoder, node));
    out.sort_options = fields.nested("sortOptions", |node| read::sort_options(decoder, node));
}
