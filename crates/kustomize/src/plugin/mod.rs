//! Generators, transformers and validators that are configured in files of their own.
//!
//! Flows in: the objects named under `generators`, `transformers` and `validators`. Flows out: objects,
//! transformers ready to run, or an error for what would need a program or container.
//! It must never run anything.

pub(crate) mod chart;

use trueup_manifest::{Diagnostic, Diagnostics};

use crate::{
    accumulate::{Accumulator, Step, Target},
    load::At,
    resource::Resource,
};

fn not_built(what: &str, items: &[At<String>]) -> Result<(), Diagnostics> {
    match items.first() {
        None => Ok(()),
        Some(item) => Err(Diagnostic::error(
            "kustomize/not-built",
            format!("`{what}` is not supported yet"),
        )
        .at(item.place.clone())
        .into()),
    }
}

/// The objects that configured generators make.
pub(crate) fn generate(target: &Target<'_, '_>) -> Result<Vec<Resource>, Diagnostics> {
    not_built("generators", &target.file.generators).map(|()| Vec::new())
}

/// The transformers that are configured in files or inline.
pub(crate) fn transformers(
    _: &Target<'_, '_>,
    items: &[At<String>],
) -> Result<Vec<Step>, Diagnostics> {
    not_built("transformers", items).map(|()| Vec::new())
}

/// Runs validators, which may change nothing.
pub(crate) fn validate(target: &Target<'_, '_>, _: &Accumulator) -> Result<(), Diagnostics> {
    not_built("validators", &target.file.validators)
}
