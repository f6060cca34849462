//! The kustomization file as typed values, each with its place.

use std::collections::BTreeMap;

use trueup_yaml::{Document, Location, Schema};

use super::decode::At;

/// `kind` of a kustomization file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FileKind {
    #[default]
    Kustomization,
    Component,
}

impl FileKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kustomization => "Kustomization",
            Self::Component => "Component",
        }
    }
}

/// A kustomization file with deprecated fields already moved to their successors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kustomization {
    pub(crate) kind: FileKind,
    pub(crate) openapi: BTreeMap<String, At<String>>,
    pub(crate) name_prefix: String,
    pub(crate) name_suffix: String,
    pub(crate) namespace: At<String>,
    pub(crate) common_labels: BTreeMap<String, String>,
    pub(crate) labels: Vec<LabelSpec>,
    pub(crate) common_annotations: BTreeMap<String, String>,
    pub(crate) patches_strategic_merge: Vec<At<String>>,
    pub(crate) patches_json6902: Vec<PatchSpec>,
    pub(crate) patches: Vec<PatchSpec>,
    pub(crate) images: Vec<ImageSpec>,
    pub(crate) replacements: Vec<ReplacementField>,
    pub(crate) replicas: Vec<ReplicaSpec>,
    pub(crate) vars: Vec<VarSpec>,
    pub(crate) sort_options: Option<SortOptions>,
    pub(crate) resources: Vec<At<String>>,
    pub(crate) components: Vec<At<String>>,
    pub(crate) crds: Vec<At<String>>,
    pub(crate) config_map_generator: Vec<GeneratorSpec>,
    pub(crate) secret_generator: Vec<GeneratorSpec>,
    pub(crate) helm_globals: HelmGlobals,
    pub(crate) helm_charts: Vec<HelmChart>,
    pub(crate) generator_options: Option<GeneratorOptions>,
    pub(crate) configurations: Vec<At<String>>,
    pub(crate) generators: Vec<At<String>>,
    pub(crate) transformers: Vec<At<String>>,
    pub(crate) validators: Vec<At<String>>,
    pub(crate) build_metadata: Vec<At<String>>,
}

/// An item of `labels`.
#[derive(Clone, Debug, Default)]
pub(crate) struct LabelSpec {
    pub(crate) pairs: BTreeMap<String, String>,
    pub(crate) include_selectors: bool,
    pub(crate) include_templates: bool,
    pub(crate) include_volume_claim_templates: bool,
    pub(crate) fields: Vec<FieldSpec>,
    pub(crate) place: Option<Location>,
}

/// A field of some kinds of objects, as configurations write it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSpec {
    pub(crate) gvk: crate::resource::Gvk,
    pub(crate) path: String,
    pub(crate) create: bool,
}

/// Which objects a patch or replacement is for; texts are patterns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) annotations: String,
    pub(crate) labels: String,
    pub(crate) place: Option<Location>,
}

/// An item of `patches` or `patchesJson6902`.
#[derive(Clone, Debug, Default)]
pub(crate) struct PatchSpec {
    pub(crate) path: At<String>,
    pub(crate) patch: At<String>,
    pub(crate) target: Option<Selector>,
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
    pub(crate) place: Option<Location>,
}

/// An item of `images`.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImageSpec {
    pub(crate) name: String,
    pub(crate) new_name: String,
    pub(crate) tag_suffix: String,
    pub(crate) new_tag: String,
    pub(crate) digest: String,
}

/// An item of `replicas`.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplicaSpec {
    pub(crate) name: At<String>,
    pub(crate) count: i64,
}

/// An item of `vars`.
#[derive(Clone, Debug, Default)]
pub(crate) struct VarSpec {
    pub(crate) name: At<String>,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) object: String,
    pub(crate) namespace: String,
    pub(crate) field_path: String,
}

/// An item of `replacements`: inline, or in a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplacementField {
    pub(crate) path: At<String>,
    pub(crate) inline: Replacement,
}

/// What is copied where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replacement {
    pub(crate) source: Option<Source>,
    pub(crate) source_value: Option<String>,
    pub(crate) targets: Option<Vec<Target>>,
    pub(crate) place: Option<Location>,
}

/// Where a replacement reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    pub(crate) select: Selector,
    pub(crate) field_path: String,
    pub(crate) options: Option<FieldOptions>,
}

/// Where a replacement writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) select: Option<Selector>,
    pub(crate) reject: Vec<Selector>,
    pub(crate) field_paths: Vec<At<String>>,
    pub(crate) options: Option<FieldOptions>,
    pub(crate) place: Option<Location>,
}

/// Which piece of a field is meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldOptions {
    pub(crate) delimiter: String,
    pub(crate) index: i64,
    pub(crate) create: bool,
}

/// `sortOptions`.
#[derive(Clone, Debug, Default)]
pub(crate) struct SortOptions {
    pub(crate) order: At<String>,
    pub(crate) legacy: Option<LegacySort>,
    pub(crate) place: Option<Location>,
}

/// `sortOptions.legacySortOptions`.
#[derive(Clone, Debug, Default)]
pub(crate) struct LegacySort {
    pub(crate) first: Vec<String>,
    pub(crate) last: Vec<String>,
}

/// An item of `configMapGenerator` or `secretGenerator`.
#[derive(Clone, Debug, Default)]
pub(crate) struct GeneratorSpec {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) behavior: String,
    pub(crate) literals: Vec<At<String>>,
    pub(crate) files: Vec<At<String>>,
    pub(crate) envs: Vec<At<String>>,
    pub(crate) options: Option<GeneratorOptions>,
    /// Secrets alone.
    pub(crate) secret_type: String,
    pub(crate) place: Option<Location>,
}

/// `generatorOptions`, or `options` of one generator.
#[derive(Clone, Debug, Default)]
pub(crate) struct GeneratorOptions {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) disable_name_suffix_hash: bool,
    pub(crate) immutable: bool,
}

/// `helmGlobals`.
#[derive(Clone, Debug, Default)]
pub(crate) struct HelmGlobals {
    pub(crate) chart_home: String,
    pub(crate) config_home: String,
}

/// An item of `helmCharts`.
#[derive(Clone, Debug)]
pub(crate) struct HelmChart {
    pub(crate) name: At<String>,
    pub(crate) version: String,
    pub(crate) repo: String,
    pub(crate) release_name: String,
    pub(crate) namespace: String,
    pub(crate) additional_values_files: Vec<At<String>>,
    pub(crate) values_file: At<String>,
    pub(crate) values_inline: Option<Document>,
    /// How words such as `y` in them are read.
    pub(crate) values_schema: Schema,
    pub(crate) values_merge: At<String>,
    pub(crate) include_crds: bool,
    pub(crate) skip_hooks: bool,
    pub(crate) api_versions: Vec<String>,
    pub(crate) kube_version: String,
    pub(crate) name_template: String,
    pub(crate) skip_tests: bool,
    pub(crate) devel: bool,
    pub(crate) place: Option<Location>,
}

impl Default for HelmChart {
    fn default() -> Self {
        Self {
            name: At::default(),
            version: String::new(),
            repo: String::new(),
            release_name: String::new(),
            namespace: String::new(),
            additional_values_files: Vec::new(),
            values_file: At::default(),
            values_inline: None,
            values_schema: Schema::Sigs,
            values_merge: At::default(),
            include_crds: false,
            skip_hooks: false,
            api_versions: Vec::new(),
            kube_version: String::new(),
            name_template: String::new(),
            skip_tests: false,
            devel: false,
            place: None,
        }
    }
}
