//! `patches`, `patchesStrategicMerge` and `patchesJson6902`.
//!
//! In: an entry of a kustomization. Out: objects changed or removed. A patch that names an object which
//! is not there is an error with what comes close; a target that selects nothing is a warning, as
//! upstream allows it.

mod listed;
mod load;
mod merge;
mod target;

use trueup_manifest::{Diagnostic, Diagnostics};
use trueup_yaml::Location;

pub(crate) use self::{listed::StrategicPatches, merge::refuse_duplicates, target::matcher};
use self::{
    merge::{Allow, apply_strategic, apply_to_all},
    target::{select, the_one},
};
use super::Transform;
use crate::{
    Context,
    load::Selector,
    patch::json6902::JsonPatch,
    resource::{Matcher, ResMap, Resource},
};

/// What a patch text turned out to be.
enum Loaded {
    Strategic(Vec<Resource>),
    Json(Box<JsonPatch>),
}

/// One entry of `patches` or `patchesJson6902`.
pub(crate) struct Patch {
    loaded: Loaded,
    target: Option<(Selector, Matcher)>,
    allow: Allow,
    /// Whether a JSON patch leaves the name before behind, as `patches` does and `patchesJson6902`
    /// does not.
    remembers: bool,
    place: Option<Location>,
}

impl Transform for Patch {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        match (&self.loaded, &self.target) {
            (Loaded::Strategic(patches), None) => {
                let mut complaints = Diagnostics::new();
                for patch in patches {
                    complaints.keep(self.apply_to_named(context, resources, patch));
                }
                complaints.into_result(())
            }
            (Loaded::Strategic(patches), Some((selector, matcher))) => {
                let Some(patch) = patches.first() else {
                    return Ok(());
                };
                let targets = select(context, resources, selector, matcher, self.place.as_ref());
                apply_to_all(context, resources, &targets, patch, self.allow)
            }
            (Loaded::Json(patch), Some((selector, matcher))) => {
                let targets = select(context, resources, selector, matcher, self.place.as_ref());
                let mut complaints = Diagnostics::new();
                for at in targets {
                    complaints.keep(self.apply_json(context, resources, at, patch));
                }
                complaints.into_result(())
            }
            (Loaded::Json(_), None) => Ok(()),
        }
    }

    fn minds_no_gaps(&self) -> bool {
        self.target.is_none()
    }
}

impl Patch {
    fn apply_to_named(
        &self,
        context: &Context<'_>,
        resources: &mut ResMap,
        patch: &Resource,
    ) -> Result<(), Diagnostics> {
        let at = the_one(resources, &patch.original_id(), patch.location())?;
        let kept = resources
            .edit_at(at, |target| {
                apply_strategic(context, target, &patch.doc, self.allow)
            })
            .unwrap_or(Ok(true))?;
        if !kept {
            resources.remove(at);
        }
        Ok(())
    }

    fn apply_json(
        &self,
        context: &Context<'_>,
        resources: &mut ResMap,
        at: usize,
        patch: &JsonPatch,
    ) -> Result<(), Diagnostics> {
        let schemas = context.schemas();
        let applied = resources.edit_at(at, |target| {
            if self.remembers {
                target.remember_id();
            }
            target.book.reshaped = true;
            target.lose_null_annotations();
            let shown = target.show_bookkeeping();
            let applied = patch.apply(&mut target.doc);
            target.hide_bookkeeping(&shown);
            let applied = applied.map_err(|failure| {
                let message = format!("{} (patching `{}`)", failure.message, target.id());
                let diagnostic = Diagnostic::error("kustomize/json-patch", message)
                    .at(failure.place)
                    .label(target.location(), "the object");
                match failure.help {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                }
            });
            target.sync(&schemas);
            applied
        });
        Ok(applied.unwrap_or(Ok(()))?)
    }
}
