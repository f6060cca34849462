//! `patchesStrategicMerge`: patches as files or texts, each for the object it names.

use trueup_manifest::{Diagnostic, Diagnostics};

use super::{
    load::{as_resources, inline, load_text_or_file},
    merge::{Allow, apply_to_all},
    target::the_one,
};
use crate::{
    Context,
    load::{At, Place, patch_documents},
    resource::{Chain, ResMap, Resource},
    transform::Transform,
};

/// All of `patchesStrategicMerge`.
pub(crate) struct StrategicPatches {
    patches: Vec<Resource>,
}

impl StrategicPatches {
    /// Each text is a patch itself, or the path of its file.
    pub(crate) fn load(
        context: &Context<'_>,
        place: &Place<'_>,
        chain: &Chain,
        texts: &[At<String>],
    ) -> Result<Self, Diagnostics> {
        Self::load_with(context, place, chain, texts, None)
    }

    /// [`Self::load`] with one more text that is a patch for sure.
    pub(crate) fn load_with(
        context: &Context<'_>,
        place: &Place<'_>,
        chain: &Chain,
        texts: &[At<String>],
        more: Option<&At<String>>,
    ) -> Result<Self, Diagnostics> {
        let mut complaints = Diagnostics::new();
        let mut patches = Vec::new();
        for text in texts {
            let loaded = load_text_or_file(context, place, text);
            let loaded = complaints.keep(loaded).unwrap_or_default();
            patches.extend(as_resources(context, chain, loaded));
        }
        if let Some(text) = more {
            let loaded =
                patch_documents(context, &inline(text, text.place.as_ref(), "inline patch"));
            let loaded = complaints.keep(loaded).unwrap_or_default();
            patches.extend(as_resources(context, chain, loaded));
        }
        if patches.is_empty() && complaints.is_empty() {
            let names: Vec<&str> = texts.iter().map(|text| text.as_str()).collect();
            complaints.push(
                Diagnostic::error(
                    "kustomize/patch",
                    format!("the patches are empty: {}", names.join(", ")),
                )
                .at(texts.first().and_then(|text| text.place.clone()))
                .help("remove them from `patchesStrategicMerge`"),
            );
        }
        complaints.into_result(Self { patches })
    }
}

impl Transform for StrategicPatches {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        let mut complaints = Diagnostics::new();
        for patch in &self.patches {
            match the_one(resources, &patch.original_id(), patch.location()) {
                Ok(at) => {
                    complaints.keep(apply_to_all(
                        context,
                        resources,
                        &[at],
                        patch,
                        Allow::default(),
                    ));
                }
                Err(complaint) => complaints.push(complaint),
            }
        }
        complaints.into_result(())
    }
    fn minds_no_gaps(&self) -> bool {
        true
    }
}
