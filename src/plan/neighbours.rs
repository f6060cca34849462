//! The other environments of a cluster: whom an object belongs to, and who claims what is ours.

use std::collections::HashMap;

use serde_json::Value;
use trueup_manifest::Diagnostic;

use super::{
    inventory::{ENVIRONMENT, PARENT_ID},
    object::Object,
};
use crate::cluster::Live;

/// Another environment of the cluster, as its `Environment` object tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its name.
    pub name: String,
    /// The id of its ApplySet.
    pub applyset: String,
    /// The objects that it wants and that belong to somebody else, as it last said.
    pub claims: Vec<String>,
}

impl Neighbour {
    /// What a parent tells.
    pub fn of_parent(parent: &Live) -> Self {
        let name = parent
            .annotation(ENVIRONMENT)
            .unwrap_or_else(|| parent.text(&["metadata", "name"]));
        let claims = parent
            .at(&["status", "claims"])
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|claim| Some(claim.as_str()?.to_owned()));
        Self {
            name: name.to_owned(),
            applyset: parent.label(PARENT_ID).unwrap_or_default().to_owned(),
            claims: claims.collect(),
        }
    }
}

/// The other environments of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Neighbours(Vec<Neighbour>);

impl FromIterator<Neighbour> for Neighbours {
    fn from_iter<I: IntoIterator<Item = Neighbour>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

impl Neighbours {
    /// The environment of an ApplySet.
    pub(super) fn name_of(&self, applyset: &str) -> Option<&str> {
        let found = self.0.iter().find(|other| other.applyset == applyset)?;
        Some(&found.name)
    }

    /// An error for each of our objects that another environment wants, too: whoever owns it keeps it
    /// true, and both are told.
    pub(super) fn disputes(&self, objects: &[Object]) -> Vec<Diagnostic> {
        if self.0.iter().all(|other| other.claims.is_empty()) {
            return Vec::new();
        }
        let ours: HashMap<String, &Object> = objects
            .iter()
            .map(|object| (object.id().to_string(), object))
            .collect();
        let claims = self
            .0
            .iter()
            .flat_map(|other| other.claims.iter().map(move |claim| (other, claim)));
        claims
            .filter_map(|(other, claim)| {
                let object = ours.get(claim)?;
                let message = format!("the environment `{}` claims `{claim}`, too", other.name);
                let help = "remove it from one of the two; until then it stays as it is here";
                Some(object.error("plan/claimed-twice", message).help(help))
            })
            .collect()
    }
}
