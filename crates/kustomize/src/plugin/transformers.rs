//! The builtin transformers, configured by objects.

use trueup_manifest::{Diagnostic, Diagnostics};

use crate::{
    Context,
    accumulate::Target,
    generate,
    load::{
        Decoder, Fields, Rules, field_spec, read_image, read_patch, read_replacement_field,
        read_replica, read_selector,
    },
    resource::{ResMap, Resource},
    transform::{
        Affix, Annotations, Images, Labels, Namespace, Patch, Replacements, Replicas, Side, Spec,
        Specs, StrategicPatches, Subjects, Transform, ValueAdd, ValueTarget,
    },
};

/// The kinds there are.
pub(super) const KINDS: &[&str] = &[
    "AnnotationsTransformer",
    "HashTransformer",
    "ImageTagTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
    "PrefixSuffixTransformer",
    "PrefixTransformer",
    "SuffixTransformer",
    "ReplacementTransformer",
    "ReplicaCountTransformer",
    "ValueAddTransformer",
];

/// Every field that any of them reads.
const FIELDS: &[&str] = &[
    "annotations",
    "fieldSpecs",
    "imageTag",
    "jsonOp",
    "labels",
    "metadata",
    "options",
    "patch",
    "patches",
    "path",
    "paths",
    "prefix",
    "replacements",
    "replica",
    "setRoleBindingSubjects",
    "suffix",
    "target",
    "targetFilePath",
    "targets",
    "unsetOnly",
    "value",
];

type Loaded = Result<Box<dyn Transform>, Diagnostics>;

/// A transformer ready to run; none where there is none of this kind.
pub(super) fn load(target: &Target<'_, '_>, kind: &str, config: &Resource) -> Option<Loaded> {
    let decoder = Decoder::new(&config.doc, Rules::Object);
    let fields = decoder.fields(config.root(), kind, FIELDS);
    let reader = Reader {
        target,
        config,
        decoder: &decoder,
        fields,
    };
    let loaded = match kind {
        "AnnotationsTransformer" => boxed(Annotations {
            annotations: reader.fields.map("annotations"),
            specs: reader.specs(),
        }),
        "HashTransformer" => boxed(Hashes),
        "ImageTagTransformer" => {
            let image = reader
                .fields
                .nested("imageTag", |node| read_image(&decoder, node));
            boxed(Images::new(vec![image.unwrap_or_default()], reader.specs()))
        }
        "LabelTransformer" => boxed(Labels {
            labels: reader.fields.map("labels"),
            specs: reader.specs(),
        }),
        "NamespaceTransformer" => reader.namespace(),
        "PatchJson6902Transformer" => reader.json_patch(),
        "PatchStrategicMergeTransformer" => reader.strategic_patches(),
        "PatchTransformer" => {
            let spec = read_patch(&decoder, config.root());
            Patch::load(target.context, &target.place, &target.chain, &spec)
                .map(|patch| Box::new(patch) as Box<dyn Transform>)
        }
        "PrefixTransformer" => reader.affix(Side::Prefix).and_then(boxed),
        "SuffixTransformer" => reader.affix(Side::Suffix).and_then(boxed),
        "PrefixSuffixTransformer" => {
            let both = reader.affix(Side::Prefix).and_then(|prefix| {
                Ok(Both {
                    prefix,
                    suffix: reader.affix(Side::Suffix)?,
                })
            });
            both.and_then(boxed)
        }
        "ReplacementTransformer" => {
            let list = reader.fields.list("replacements", |node| {
                read_replacement_field(&decoder, node)
            });
            Replacements::load(target.context, &target.place, &list)
                .map(|replacements| Box::new(replacements) as Box<dyn Transform>)
        }
        "ReplicaCountTransformer" => {
            let replica = reader
                .fields
                .nested("replica", |node| read_replica(&decoder, node));
            boxed(Replicas {
                replica: replica.unwrap_or_default(),
                specs: reader.specs(),
            })
        }
        "ValueAddTransformer" => reader.value_add(),
        _ => return None,
    };
    Some(decoder.finish(()).and(loaded))
}

#[expect(clippy::unnecessary_wraps, reason = "fits the arms that can fail")]
fn boxed<T: Transform + 'static>(transform: T) -> Loaded {
    Ok(Box::new(transform))
}

struct Reader<'r, 'd, 'c, 'a> {
    target: &'r Target<'c, 'a>,
    config: &'r Resource,
    decoder: &'r Decoder<'d>,
    fields: Fields<'r, 'd>,
}

impl Reader<'_, '_, '_, '_> {
    fn fault(&self, message: impl Into<String>) -> Diagnostic {
        let message = format!("`{}`: {}", self.config.id(), message.into());
        Diagnostic::error("kustomize/plugin", message).at(self.config.location())
    }

    fn specs(&self) -> Specs {
        self.fields
            .list("fieldSpecs", |node| {
                Spec::from(field_spec(self.decoder, node))
            })
            .into_iter()
            .collect()
    }

    fn namespace(&self) -> Loaded {
        let word = self.fields.string("setRoleBindingSubjects");
        let subjects = match word.as_str() {
            "" | "defaultOnly" => Subjects::DefaultOnly,
            "none" => Subjects::None,
            "allServiceAccounts" => Subjects::AllServiceAccounts,
            other => {
                return Err(self
                    .fault(format!("`setRoleBindingSubjects: {other}` is not known"))
                    .help("write `defaultOnly`, `none` or `allServiceAccounts`")
                    .into());
            }
        };
        boxed(Namespace {
            value: self.config.namespace().to_owned(),
            specs: self.specs(),
            unset_only: self.fields.bool("unsetOnly"),
            subjects,
        })
    }

    fn json_patch(&self) -> Loaded {
        let mut spec = read_patch(self.decoder, self.config.root());
        spec.patch = self.fields.string_at("jsonOp");
        Ok(Box::new(Patch::load_json(
            self.target.context,
            &self.target.place,
            &spec,
        )?))
    }

    fn strategic_patches(&self) -> Loaded {
        let Target {
            context,
            place,
            chain,
            ..
        } = self.target;
        let paths = self.fields.strings("paths");
        let text = self.fields.string_at("patches");
        if paths.is_empty() && text.is_empty() {
            return Err(self
                .fault("it has neither `paths` nor `patches`")
                .help("list files under `paths`, or write the patches as a text under `patches`")
                .into());
        }
        let inline = (!text.is_empty()).then_some(&text);
        let patches = StrategicPatches::load_with(context, place, chain, &paths, inline)?;
        Ok(Box::new(patches))
    }

    fn affix(&self, side: Side) -> Result<Affix, Diagnostics> {
        if self.fields.node("fieldSpecs").is_none() {
            return Err(self
                .fault("it has no `fieldSpecs`")
                .help("write `fieldSpecs: [{path: metadata/name}]` to change names")
                .into());
        }
        let field = match side {
            Side::Prefix => "prefix",
            Side::Suffix => "suffix",
        };
        Ok(Affix {
            side,
            text: self.fields.string(field),
            specs: self.specs(),
        })
    }

    fn value_add(&self) -> Loaded {
        let Target { context, place, .. } = self.target;
        let mut value = self.fields.string("value").trim().to_owned();
        if value.is_empty() {
            place.name().clone_into(&mut value);
        }
        let mut targets = self
            .fields
            .list("targets", |node| value_target(self.decoder, node));
        let path = self.fields.string_at("targetFilePath");
        if !path.is_empty() {
            let source = place.read_source(context, &path, path.place.as_ref())?;
            for doc in trueup_yaml::Document::parse(&source)? {
                let decoder = Decoder::new(&doc, Rules::Lenient);
                let fields = decoder.fields(doc.root(), "targets", &["targets"]);
                let more = fields.list("targets", |node| value_target(&decoder, node));
                targets.extend(decoder.finish(more)?);
            }
        }
        if targets.is_empty() {
            return Err(self.fault("it has no `targets`").into());
        }
        if targets.iter().any(|target| target.path.is_empty()) {
            return Err(self.fault("a target has no `fieldPath`").into());
        }
        if targets.iter().any(|target| target.position < 0) {
            return Err(self.fault("a `filePathPosition` is negative").into());
        }
        Ok(Box::new(ValueAdd::new(value, targets)?))
    }
}

fn value_target(decoder: &Decoder<'_>, node: trueup_yaml::NodeId) -> ValueTarget {
    let fields = decoder.fields(
        node,
        "a target",
        &["selector", "fieldPath", "filePathPosition"],
    );
    ValueTarget {
        selector: fields.nested("selector", |node| read_selector(decoder, node)),
        path: fields.string("fieldPath"),
        position: fields.int("filePathPosition"),
    }
}

/// Adds hashes at once instead of at the end.
struct Hashes;

impl Transform for Hashes {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        generate::add_hashes(context, resources)
    }
}

/// A prefix and a suffix.
struct Both {
    prefix: Affix,
    suffix: Affix,
}

impl Transform for Both {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        self.prefix.apply(context, resources)?;
        self.suffix.apply(context, resources)
    }
}
