//! `replacements`: copying a field of one object into fields of others.

use trueup_manifest::{Diagnostic, Diagnostics};

use super::Transform;
use crate::{
    Context,
    load::{Place, ReplacementField},
    resource::ResMap,
};

/// Copies fields.
pub(crate) struct Replacements;

impl Replacements {
    pub(crate) fn load(
        _: &Context<'_>,
        _: &Place<'_>,
        fields: &[ReplacementField],
    ) -> Result<Self, Diagnostics> {
        Err(
            Diagnostic::error("kustomize/not-built", "`replacements` is not supported yet")
                .at(fields.first().and_then(|field| field.inline.place.clone()))
                .into(),
        )
    }
}

impl Transform for Replacements {
    fn apply(&self, _: &Context<'_>, _: &mut ResMap) -> Result<(), Diagnostics> {
        Ok(())
    }
}
