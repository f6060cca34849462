//! Where an object came from.

use std::{fmt, sync::Arc};

use trueup_yaml::Location;

/// Where an object was first written and what it passed through since. Errors, `trueup blame` and
/// the UI show it.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The place of the document itself; none for a generated object.
    pub location: Option<Location>,
    /// The kustomizations, charts or phases that led to it, outermost first.
    pub chain: Vec<Arc<str>>,
}

impl Origin {
    /// An origin at a place, with no chain yet.
    pub fn at(location: Location) -> Self {
        Self {
            location: Some(location),
            chain: Vec::new(),
        }
    }
}

/// `bases/web/deploy.yaml:3:1 (overlays/dev → bases/web)`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "{location}")?,
            None => f.write_str("generated")?,
        }
        if !self.chain.is_empty() {
            write!(f, " ({})", self.chain.join(" → "))?;
        }
        Ok(())
    }
}
