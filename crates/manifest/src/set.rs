//! An ordered set of manifests, unique by identity.

use std::collections::HashMap;

use crate::{diagnostic::Diagnostic, id::ObjectId, manifest::Manifest};

/// Manifests in the order they were added, each [`ObjectId`] at most once.
#[derive(Clone, Debug, Default)]
pub struct ResourceSet {
    manifests: Vec<Manifest>,
    index: HashMap<ObjectId, usize>,
}

impl ResourceSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `manifest` under `id`. A second object of the same identity is refused with both places.
    pub fn push(&mut self, id: ObjectId, manifest: Manifest) -> Result<(), Diagnostic> {
        if let Some(first) = self.index.get(&id).and_then(|at| self.manifests.get(*at)) {
            return Err(Diagnostic::error(
                "manifest/duplicate",
                format!("`{id}` is defined twice"),
            )
            .label(
                manifest.origin.location.clone(),
                format!("again here ({})", manifest.origin),
            )
            .label(
                first.origin.location.clone(),
                format!("first here ({})", first.origin),
            )
            .help("remove one of the two, or give one another name or namespace"));
        }
        self.index.insert(id, self.manifests.len());
        self.manifests.push(manifest);
        Ok(())
    }

    /// The manifest with this identity.
    pub fn get(&self, id: &ObjectId) -> Option<&Manifest> {
        self.index.get(id).and_then(|at| self.manifests.get(*at))
    }

    /// The manifests in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Manifest> {
        self.manifests.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.manifests.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.manifests.is_empty()
    }
}

impl IntoIterator for ResourceSet {
    type Item = Manifest;
    type IntoIter = std::vec::IntoIter<Manifest>;

    fn into_iter(self) -> Self::IntoIter {
        self.manifests.into_iter()
    }
}

impl<'a> IntoIterator for &'a ResourceSet {
    type Item = &'a Manifest;
    type IntoIter = std::slice::Iter<'a, Manifest>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
