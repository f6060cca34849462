//! The transformers that the fields of one kustomization file stand for, in upstream's order.

use trueup_manifest::{Diagnostic, Diagnostics};

use super::{Step, Target};
use crate::transform::{self, SharedConfig, Transform};

/// The steps of a kustomization, or every complaint about them.
pub(super) fn builtin(
    target: &Target<'_, '_>,
    config: &SharedConfig,
) -> Result<Vec<Step>, Diagnostics> {
    let mut builder = Builder {
        target,
        steps: Vec::new(),
        complaints: Diagnostics::new(),
    };
    builder.patches();
    builder.names(config);
    builder.labels(config);
    builder.json_patches();
    builder.rest(config);
    builder.complaints.into_result(builder.steps)
}

/// Gathers the steps of one kustomization file, and every complaint about them.
struct Builder<'t, 'c, 'a> {
    target: &'t Target<'c, 'a>,
    steps: Vec<Step>,
    complaints: Diagnostics,
}

impl Builder<'_, '_, '_> {
    /// Adds the transformer of a kind that a field stands for, or one item of it.
    fn add<T: Transform + 'static>(
        &mut self,
        kind: &str,
        (field, index): (&str, Option<usize>),
        made: Result<T, Diagnostics>,
    ) {
        if let Some(transform) = self.complaints.keep(made) {
            let traced = self.target.traced.as_ref();
            self.steps.push(Step {
                transform: Box::new(transform),
                note: self.target.note(kind),
                traced: traced.map(|file| file.step(field, index)),
            });
        }
    }

    fn patches(&mut self) {
        let Target {
            context,
            place,
            file,
            chain,
            ..
        } = self.target;
        if !file.patches_strategic_merge.is_empty() {
            let texts = &file.patches_strategic_merge;
            let made = transform::StrategicPatches::load(context, place, chain, texts);
            self.add(
                "PatchStrategicMergeTransformer",
                ("patchesStrategicMerge", None),
                made,
            );
        }
        for (index, spec) in file.patches.iter().enumerate() {
            self.add(
                "PatchTransformer",
                ("patches", Some(index)),
                transform::Patch::load(context, place, chain, spec),
            );
        }
    }

    fn names(&mut self, config: &SharedConfig) {
        let file = &self.target.file;
        if !file.namespace.is_empty() {
            let namespace = transform::Namespace {
                value: file.namespace.value.clone(),
                specs: config.namespace.clone(),
                unset_only: false,
                subjects: transform::Subjects::default(),
            };
            self.add("NamespaceTransformer", ("namespace", None), Ok(namespace));
        }
        for (side, text, specs, kind, field) in [
            (
                transform::Side::Prefix,
                &file.name_prefix,
                &config.name_prefix,
                "PrefixTransformer",
                "namePrefix",
            ),
            (
                transform::Side::Suffix,
                &file.name_suffix,
                &config.name_suffix,
                "SuffixTransformer",
                "nameSuffix",
            ),
        ] {
            if !text.is_empty() {
                let affix = transform::Affix {
                    side,
                    text: text.clone(),
                    specs: specs.clone(),
                };
                self.add(kind, (field, None), Ok(affix));
            }
        }
    }

    fn labels(&mut self, config: &SharedConfig) {
        let file = &self.target.file;
        for (index, label) in file.labels.iter().enumerate() {
            let specs = label_specs(label, config).map_err(|conflict| {
                let message = format!(
                    "`labels` disagrees with the defaults on `create` of `{}`",
                    conflict.path
                );
                Diagnostics::from(
                    Diagnostic::error("kustomize/config-conflict", message).at(label.place.clone()),
                )
            });
            let made = specs.map(|specs| transform::Labels {
                labels: label.pairs.clone(),
                specs,
            });
            self.add("LabelTransformer", ("labels", Some(index)), made);
        }
        if !file.labels.is_empty() || !file.common_labels.is_empty() {
            let labels = file.common_labels.clone();
            let specs = config.common_labels.clone();
            let made = Ok(transform::Labels { labels, specs });
            self.add("LabelTransformer", ("commonLabels", None), made);
        }
        if !file.common_annotations.is_empty() {
            let annotations = file.common_annotations.clone();
            let specs = config.common_annotations.clone();
            self.add(
                "AnnotationsTransformer",
                ("commonAnnotations", None),
                Ok(transform::Annotations { annotations, specs }),
            );
        }
    }

    fn json_patches(&mut self) {
        let Target {
            context,
            place,
            file,
            ..
        } = self.target;
        for (index, spec) in file.patches_json6902.iter().enumerate() {
            self.add(
                "PatchJson6902Transformer",
                ("patchesJson6902", Some(index)),
                transform::Patch::load_json(context, place, spec),
            );
        }
    }

    fn rest(&mut self, config: &SharedConfig) {
        let Target {
            context,
            place,
            file,
            ..
        } = self.target;
        for (index, replica) in file.replicas.iter().enumerate() {
            let replica = replica.clone();
            let specs = config.replicas.clone();
            self.add(
                "ReplicaCountTransformer",
                ("replicas", Some(index)),
                Ok(transform::Replicas { replica, specs }),
            );
        }
        if !file.images.is_empty() {
            let images = transform::Images::new(file.images.clone(), config.images.clone());
            self.add("ImageTagTransformer", ("images", None), Ok(images));
        }
        if !file.replacements.is_empty() {
            let made = transform::Replacements::load(context, place, &file.replacements);
            self.add("ReplacementTransformer", ("replacements", None), made);
        }
    }
}

/// The fields that one entry of `labels` touches.
fn label_specs(
    label: &crate::load::LabelSpec,
    config: &SharedConfig,
) -> Result<transform::Specs, transform::Conflict> {
    let mut specs: transform::Specs = label
        .fields
        .iter()
        .cloned()
        .map(transform::Spec::from)
        .collect();
    specs.merge(&config.labels)?;
    if label.include_selectors {
        specs.merge(&config.common_labels)?;
        return Ok(specs);
    }
    if label.include_templates {
        specs.merge(&config.template_labels)?;
    }
    if label.include_volume_claim_templates {
        specs.merge(&config.volume_claim_template_labels)?;
    }
    specs.add(&transform::Spec::new(
        crate::resource::Gvk::default(),
        "metadata/labels",
        true,
    ))?;
    Ok(specs)
}
