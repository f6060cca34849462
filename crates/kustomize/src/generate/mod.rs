//! Config maps and secrets made from files and literals, and the hash in their names.
//!
//! Flows in: generator entries and the files they name. Flows out: new [`Resource`]s, which the
//! accumulator adds, merges or replaces.
//! It must never show a value in an error: it may be a secret.

mod hash;
mod object;
mod sources;

use std::collections::BTreeMap;

use trueup_manifest::{Diagnostic, Diagnostics};

pub(crate) use self::{hash::add_hashes, object::encode};
use crate::{
    Context,
    load::{GeneratorOptions, GeneratorSpec, Place},
    resource::{Behavior, Chain, Resource},
};

/// What is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    ConfigMap,
    Secret,
}

impl What {
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// The options of one generator with the global ones below them.
pub(crate) fn with_global(
    own: Option<&GeneratorOptions>,
    global: Option<&GeneratorOptions>,
) -> Option<GeneratorOptions> {
    let Some(global) = global else {
        return own.cloned();
    };
    let mut merged = own.cloned().unwrap_or_default();
    let fill = |own: &mut BTreeMap<String, String>, global: &BTreeMap<String, String>| {
        for (key, value) in global {
            own.entry(key.clone()).or_insert_with(|| value.clone());
        }
    };
    fill(&mut merged.labels, &global.labels);
    fill(&mut merged.annotations, &global.annotations);
    merged.disable_name_suffix_hash |= global.disable_name_suffix_hash;
    merged.immutable |= global.immutable;
    Some(merged)
}

/// Makes the object that one generator entry describes.
pub(crate) fn generate(
    context: &Context<'_>,
    place: &Place<'_>,
    chain: &Chain,
    what: What,
    spec: &GeneratorSpec,
    options: Option<&GeneratorOptions>,
) -> Result<Resource, Diagnostics> {
    if spec.name.is_empty() {
        return Err(
            Diagnostic::error("kustomize/no-name", "the generator has no `name`")
                .at(spec.place.clone())
                .into(),
        );
    }
    let data = sources::data(context, place, spec)?;
    let doc = object::make(what, spec, &data, options);
    let mut resource = Resource::new(doc, Chain::clone(chain), &context.schemas());
    resource.book.needs_hash = !options.is_some_and(|options| options.disable_name_suffix_hash);
    resource.book.generated = true;
    let labels = resource.doc.at(resource.root(), &["metadata", "labels"]);
    resource.book.noted_before_labels = labels.is_none();
    resource.book.behavior = Behavior::parse(&spec.behavior);
    resource.set_location(spec.place.clone());
    Ok(resource)
}
