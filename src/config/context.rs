//! Variables that several environments share.

use std::collections::BTreeMap;

use trueup_yaml::Location;

use super::{
    decode::Spanned,
    names,
    variables::{Declared, Giver},
};

/// A file of `contexts/`: variables and the environments they are for.
#[derive(Clone, Debug)]
pub struct Context {
    /// Its name, unique in the repository.
    pub name: Spanned<String>,
    /// Where the file begins.
    pub location: Option<Location>,
    /// Which of several contexts wins; the lower number does.
    pub priority: i64,
    /// Names of environments, with `*` and `?`.
    pub environments: Vec<Spanned<String>>,
    /// Labels that an environment must carry, all of them.
    pub labels: Vec<(Spanned<String>, Spanned<String>)>,
    /// The variables.
    pub(super) variables: Declared,
    /// The fields used whose feature is not built yet, with their places.
    pub not_built: Vec<Spanned<&'static str>>,
}

impl Context {
    /// How this context is attached to an environment; none where it is not. By name wins over by
    /// labels where it is both.
    pub(super) fn attachment(
        &self,
        environment: &str,
        labels: &BTreeMap<String, String>,
    ) -> Option<Giver> {
        if self
            .environments
            .iter()
            .any(|pattern| names::glob(pattern, environment))
        {
            return Some(Giver::Named {
                priority: self.priority,
                context: self.name.value.clone(),
            });
        }
        let carried = |(key, value): &(Spanned<String>, Spanned<String>)| {
            labels.get(&key.value) == Some(&value.value)
        };
        (!self.labels.is_empty() && self.labels.iter().all(carried)).then(|| Giver::Labelled {
            context: self.name.value.clone(),
        })
    }
}
