//! The transformers: each changes the objects of one kustomization in one way.
//!
//! Flows in: their settings, from the kustomization file or from configuration files, and the objects
//! so far. Flows out: the same objects, changed.
//! It must never read files once it is built: what a transformer needs is loaded before the first runs.

mod annotations;
mod config;
pub(crate) mod configurations;
pub(crate) mod crds;
mod images;
mod labels;
mod namespace;
mod patches;
mod prefix;
mod replacements;
mod replicas;
mod value_add;

use trueup_manifest::{Diagnostic, Diagnostics};

pub(crate) use self::{
    annotations::Annotations,
    config::{
        BackReferences, Config, Conflict, SharedConfig, Spec, Specs, default_config, empty_config,
        is_default, merge,
    },
    images::Images,
    labels::Labels,
    namespace::{Namespace, Subjects},
    patches::{Patch, StrategicPatches, matcher, refuse_duplicates},
    prefix::{Affix, Side},
    replacements::Replacements,
    replicas::Replicas,
    value_add::{ValueAdd, ValueTarget},
};
use crate::{
    Context, HashMap,
    node::Misfit,
    resource::{Gvk, ResMap, Resource},
};

/// One transformer, ready to run.
pub(crate) trait Transform {
    /// Changes the objects.
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics>;

    /// Whether it finds objects by name alone, so that it minds no gaps that one before it left in the
    /// set (see [`ResMap`]).
    fn minds_no_gaps(&self) -> bool {
        false
    }

    /// How many transformers upstream would count this as.
    fn count(&self) -> usize {
        1
    }
}

/// What does not fit in an object, as a finding with the place of what is wrong.
pub(crate) fn misfit(resource: &Resource, misfit: &Misfit, doing: &str) -> Diagnostic {
    let message = format!(
        "{doing} of `{}`: {}",
        resource.id(),
        misfit.describe(&resource.doc)
    );
    let place = misfit
        .node()
        .and_then(|node| resource.place(node))
        .or_else(|| resource.location());
    Diagnostic::error("kustomize/wrong-shape", message).at(place)
}

/// The specs for each kind of object, found once a kind.
pub(crate) struct ByKind<'s> {
    known: HashMap<Gvk, Vec<&'s Spec>>,
}

impl<'s> ByKind<'s> {
    /// For the kinds that these objects are of.
    pub(crate) fn new(specs: &'s Specs, resources: &ResMap) -> Self {
        let mut known = HashMap::default();
        for resource in resources.iter() {
            let gvk = resource.gvk();
            if !known.contains_key(gvk) {
                let matching = specs
                    .iter()
                    .filter(|spec| gvk.selected_by(&spec.gvk))
                    .collect();
                known.insert(gvk.clone(), matching);
            }
        }
        Self { known }
    }

    pub(crate) fn of(&self, gvk: &Gvk) -> &[&'s Spec] {
        self.known.get(gvk).map_or(&[], Vec::as_slice)
    }
}
