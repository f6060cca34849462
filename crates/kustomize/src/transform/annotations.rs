//! `commonAnnotations`: entries in every map of annotations that a kind has.

use std::collections::BTreeMap;

use trueup_manifest::Diagnostics;

use super::{Specs, Transform, labels::set_entries};
use crate::{Context, resource::ResMap};

/// Adds annotations.
pub(crate) struct Annotations {
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) specs: Specs,
}

impl Transform for Annotations {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        set_entries(
            context,
            resources,
            &self.annotations,
            &self.specs,
            "setting annotations",
        )
    }
}
