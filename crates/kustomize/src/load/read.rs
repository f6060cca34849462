//! From the document of a kustomization file to its typed model.

use trueup_yaml::{Document, NodeId};

use super::{
    decode::{At, Decoder, Fields},
    model::{
        FieldOptions, FieldSpec, GeneratorOptions, GeneratorSpec, HelmChart, HelmGlobals,
        ImageSpec, LabelSpec, LegacySort, PatchSpec, Replacement, ReplacementField, ReplicaSpec,
        Selector, SortOptions, Source, Target, VarSpec,
    },
};
use crate::resource::{Gvk, split_api_version};

const GENERATOR_FIELDS: &[&str] = &[
    "namespace",
    "name",
    "behavior",
    "literals",
    "files",
    "envs",
    "env",
    "options",
    "type",
];

fn texts(items: Vec<At<String>>) -> Vec<String> {
    items.into_iter().map(|item| item.value).collect()
}

pub(crate) fn selector(decoder: &Decoder<'_>, node: NodeId) -> Selector {
    let fields = decoder.fields(
        node,
        "a target",
        &[
            "group",
            "version",
            "kind",
            "name",
            "namespace",
            "annotationSelector",
            "labelSelector",
        ],
    );
    selector_of(decoder, node, &fields)
}

fn selector_of(decoder: &Decoder<'_>, node: NodeId, fields: &Fields<'_, '_>) -> Selector {
    Selector {
        group: fields.string("group"),
        version: fields.string("version"),
        kind: fields.string("kind"),
        name: fields.string("name"),
        namespace: fields.string("namespace"),
        annotations: fields.string("annotationSelector"),
        labels: fields.string("labelSelector"),
        place: decoder.place(node),
    }
}

pub(crate) fn patch(decoder: &Decoder<'_>, node: NodeId) -> PatchSpec {
    let fields = decoder.fields(node, "a patch", &["path", "patch", "target", "options"]);
    let mut spec = PatchSpec {
        path: fields.string_at("path"),
        patch: fields.string_at("patch"),
        target: fields.nested("target", |node| selector(decoder, node)),
        place: decoder.place(node),
        ..PatchSpec::default()
    };
    if let Some(options) = fields.node("options") {
        let options = decoder.fields(
            options,
            "patch options",
            &["allowNameChange", "allowKindChange"],
        );
        spec.allow_name_change = options.bool("allowNameChange");
        spec.allow_kind_change = options.bool("allowKindChange");
    }
    spec
}

pub(crate) fn label(decoder: &Decoder<'_>, node: NodeId) -> LabelSpec {
    let fields = decoder.fields(
        node,
        "`labels`",
        &[
            "pairs",
            "includeSelectors",
            "includeTemplates",
            "includeVolumeClaimTemplates",
            "fields",
        ],
    );
    LabelSpec {
        pairs: fields.map("pairs"),
        include_selectors: fields.bool("includeSelectors"),
        include_templates: fields.bool("includeTemplates"),
        include_volume_claim_templates: fields.bool("includeVolumeClaimTemplates"),
        fields: fields.list("fields", |node| field_spec(decoder, node)),
        place: decoder.place(node),
    }
}

const FIELD_SPEC_FIELDS: &[&str] = &["group", "version", "kind", "path", "create"];

pub(crate) fn field_spec(decoder: &Decoder<'_>, node: NodeId) -> FieldSpec {
    let fields = decoder.fields(node, "a field spec", FIELD_SPEC_FIELDS);
    FieldSpec {
        gvk: gvk(&fields),
        path: fields.string("path"),
        create: fields.bool("create"),
    }
}

pub(crate) fn gvk(fields: &Fields<'_, '_>) -> Gvk {
    Gvk::new(
        &fields.string("group"),
        &fields.string("version"),
        &fields.string("kind"),
    )
}

pub(crate) fn image(decoder: &Decoder<'_>, node: NodeId) -> ImageSpec {
    let fields = decoder.fields(
        node,
        "`images`",
        &["name", "newName", "tagSuffix", "newTag", "digest"],
    );
    ImageSpec {
        name: fields.string("name"),
        new_name: fields.string("newName"),
        tag_suffix: fields.string("tagSuffix"),
        new_tag: fields.string("newTag"),
        digest: fields.string("digest"),
    }
}

pub(crate) fn replica(decoder: &Decoder<'_>, node: NodeId) -> ReplicaSpec {
    let fields = decoder.fields(node, "`replicas`", &["name", "count"]);
    ReplicaSpec {
        name: fields.string_at("name"),
        count: fields.int("count"),
    }
}

pub(crate) fn var(decoder: &Decoder<'_>, node: NodeId) -> VarSpec {
    let fields = decoder.fields(node, "`vars`", &["name", "objref", "fieldref"]);
    let mut spec = VarSpec {
        name: fields.string_at("name"),
        ..VarSpec::default()
    };
    if let Some(object) = fields.node("objref") {
        let object = decoder.fields(
            object,
            "`objref`",
            &[
                "apiVersion",
                "group",
                "version",
                "kind",
                "name",
                "namespace",
            ],
        );
        (spec.group, spec.version) = (object.string("group"), object.string("version"));
        let api_version = object.string("apiVersion");
        if !api_version.is_empty() && api_version.matches('/').count() < 2 {
            let (group, version) = split_api_version(&api_version);
            if !group.is_empty() {
                group.clone_into(&mut spec.group);
            }
            version.clone_into(&mut spec.version);
        }
        spec.kind = object.string("kind");
        spec.object = object.string("name");
        spec.namespace = object.string("namespace");
    }
    if let Some(field) = fields.node("fieldref") {
        let field = decoder.fields(field, "`fieldref`", &["fieldPath"]);
        spec.field_path = field.string("fieldPath");
    }
    if spec.field_path.is_empty() {
        "metadata.name".clone_into(&mut spec.field_path);
    }
    spec
}

pub(crate) fn replacement_field(decoder: &Decoder<'_>, node: NodeId) -> ReplacementField {
    let fields = decoder.fields(
        node,
        "`replacements`",
        &["source", "targets", "sourceValue", "path"],
    );
    ReplacementField {
        path: fields.string_at("path"),
        inline: replacement_of(decoder, node, &fields),
    }
}

pub(crate) fn replacement(decoder: &Decoder<'_>, node: NodeId) -> Replacement {
    let fields = decoder.fields(node, "a replacement", &["source", "targets", "sourceValue"]);
    replacement_of(decoder, node, &fields)
}

fn replacement_of(decoder: &Decoder<'_>, node: NodeId, fields: &Fields<'_, '_>) -> Replacement {
    Replacement {
        source: fields.nested("source", |node| source(decoder, node)),
        source_value: fields.node("sourceValue").map(|node| decoder.string(node)),
        targets: fields.node("targets").map(|node| {
            decoder
                .items(node)
                .into_iter()
                .map(|item| target(decoder, item))
                .collect()
        }),
        place: decoder.place(node),
    }
}

fn source(decoder: &Decoder<'_>, node: NodeId) -> Source {
    let fields = decoder.fields(
        node,
        "a replacement source",
        &[
            "group",
            "version",
            "kind",
            "name",
            "namespace",
            "fieldPath",
            "options",
        ],
    );
    Source {
        select: selector_of(decoder, node, &fields),
        field_path: fields.string("fieldPath"),
        options: fields.nested("options", |node| field_options(decoder, node)),
    }
}

fn target(decoder: &Decoder<'_>, node: NodeId) -> Target {
    let fields = decoder.fields(
        node,
        "a replacement target",
        &["select", "reject", "fieldPaths", "options"],
    );
    Target {
        select: fields.nested("select", |node| selector(decoder, node)),
        reject: fields.list("reject", |node| selector(decoder, node)),
        field_paths: fields.strings("fieldPaths"),
        options: fields.nested("options", |node| field_options(decoder, node)),
        place: decoder.place(node),
    }
}

fn field_options(decoder: &Decoder<'_>, node: NodeId) -> FieldOptions {
    let fields = decoder.fields(
        node,
        "replacement options",
        &["delimiter", "index", "encoding", "create"],
    );
    FieldOptions {
        delimiter: fields.string("delimiter"),
        index: fields.int("index"),
        create: fields.bool("create"),
    }
}

pub(crate) fn sort_options(decoder: &Decoder<'_>, node: NodeId) -> SortOptions {
    let fields = decoder.fields(node, "`sortOptions`", &["order", "legacySortOptions"]);
    SortOptions {
        order: fields.string_at("order"),
        legacy: fields.nested("legacySortOptions", |node| {
            let fields = decoder.fields(node, "`legacySortOptions`", &["orderFirst", "orderLast"]);
            LegacySort {
                first: texts(fields.strings("orderFirst")),
                last: texts(fields.strings("orderLast")),
            }
        }),
        place: decoder.place(node),
    }
}

pub(crate) fn config_map(decoder: &Decoder<'_>, node: NodeId) -> GeneratorSpec {
    let known = GENERATOR_FIELDS
        .split_last()
        .map_or(GENERATOR_FIELDS, |(_, known)| known);
    generator_of(
        decoder,
        node,
        &decoder.fields(node, "`configMapGenerator`", known),
    )
}

pub(crate) fn secret(decoder: &Decoder<'_>, node: NodeId) -> GeneratorSpec {
    generator_of(
        decoder,
        node,
        &decoder.fields(node, "`secretGenerator`", GENERATOR_FIELDS),
    )
}

fn generator_of(decoder: &Decoder<'_>, node: NodeId, fields: &Fields<'_, '_>) -> GeneratorSpec {
    let mut envs = fields.strings("envs");
    let env = fields.string_at("env");
    // Upstream moves `env` to `envs` in kustomization files alone.
    if !env.is_empty() && !decoder.reads_object() {
        envs.push(env);
    }
    GeneratorSpec {
        namespace: fields.string("namespace"),
        name: fields.string("name"),
        behavior: fields.string("behavior"),
        literals: fields.strings("literals"),
        files: fields.strings("files"),
        envs,
        options: fields.nested("options", |node| generator_options(decoder, node)),
        secret_type: fields.string("type"),
        place: decoder.place(node),
    }
}

pub(crate) fn generator_options(decoder: &Decoder<'_>, node: NodeId) -> GeneratorOptions {
    let fields = decoder.fields(
        node,
        "generator options",
        &[
            "labels",
            "annotations",
            "disableNameSuffixHash",
            "immutable",
        ],
    );
    GeneratorOptions {
        labels: fields.map("labels"),
        annotations: fields.map("annotations"),
        disable_name_suffix_hash: fields.bool("disableNameSuffixHash"),
        immutable: fields.bool("immutable"),
    }
}

pub(crate) fn helm_globals(decoder: &Decoder<'_>, node: NodeId) -> HelmGlobals {
    let fields = decoder.fields(node, "`helmGlobals`", &["chartHome", "configHome"]);
    HelmGlobals {
        chart_home: fields.string("chartHome"),
        config_home: fields.string("configHome"),
    }
}

pub(crate) fn helm_chart(doc: &Document, decoder: &Decoder<'_>, node: NodeId) -> HelmChart {
    let fields = decoder.fields(
        node,
        "`helmCharts`",
        &[
            "name",
            "version",
            "repo",
            "releaseName",
            "namespace",
            "additionalValuesFiles",
            "valuesFile",
            "valuesInline",
            "valuesMerge",
            "includeCRDs",
            "skipHooks",
            "apiVersions",
            "kubeVersion",
            "nameTemplate",
            "skipTests",
            "debug",
            "devel",
        ],
    );
    HelmChart {
        name: fields.string_at("name"),
        version: fields.string("version"),
        repo: fields.string("repo"),
        release_name: fields.string("releaseName"),
        namespace: fields.string("namespace"),
        additional_values_files: fields.strings("additionalValuesFiles"),
        values_file: fields.string_at("valuesFile"),
        values_inline: fields.nested("valuesInline", |node| doc.extract(node)),
        values_schema: decoder.schema(),
        values_merge: fields.string_at("valuesMerge"),
        include_crds: fields.bool("includeCRDs"),
        skip_hooks: fields.bool("skipHooks"),
        api_versions: texts(fields.strings("apiVersions")),
        kube_version: fields.string("kubeVersion"),
        name_template: fields.string("nameTemplate"),
        skip_tests: fields.bool("skipTests"),
        devel: fields.bool("devel"),
        place: decoder.place(node),
    }
}

/// The deprecated `helmChartInflationGenerator`, as the chart and globals it stands for.
pub(crate) fn old_helm_chart(
    doc: &Document,
    decoder: &Decoder<'_>,
    node: NodeId,
) -> (HelmChart, HelmGlobals) {
    let fields = decoder.fields(
        node,
        "`helmChartInflationGenerator`",
        &[
            "chartName",
            "chartVersion",
            "chartRepoUrl",
            "chartHome",
            "chartRepoName",
            "helmBin",
            "helmHome",
            "values",
            "valuesLocal",
            "valuesMerge",
            "releaseName",
            "releaseNamespace",
            "extraArgs",
        ],
    );
    let chart = HelmChart {
        name: fields.string_at("chartName"),
        version: fields.string("chartVersion"),
        repo: fields.string("chartRepoUrl"),
        release_name: fields.string("releaseName"),
        values_file: fields.string_at("values"),
        values_inline: fields.nested("valuesLocal", |node| doc.extract(node)),
        values_schema: decoder.schema(),
        values_merge: fields.string_at("valuesMerge"),
        place: decoder.place(node),
        ..HelmChart::default()
    };
    let globals = HelmGlobals {
        chart_home: fields.string("chartHome"),
        config_home: fields.string("helmHome"),
    };
    (chart, globals)
}
