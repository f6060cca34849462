//! The objects a reference may mean, found by a name they had before.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use trueup_yaml::Location;

use crate::{
    HashMap, parallel,
    resource::{Gvk, NO_NAMESPACE, ResId, ResMap, Resource},
};

/// What a reference needs to know of an object it may mean.
pub(super) struct Candidate {
    pub(super) id: ResId,
    pub(super) previous: Vec<ResId>,
    original_namespace: Arc<str>,
    prefixes: Vec<Arc<str>>,
    suffixes: Vec<Arc<str>>,
    pub(super) location: Option<Location>,
}

impl Candidate {
    fn new(resource: &Resource) -> Self {
        Self {
            id: resource.id().clone(),
            previous: resource.previous_ids().collect(),
            original_namespace: resource.original_namespace(),
            prefixes: resource.book.prefixes.clone(),
            suffixes: resource.book.suffixes.clone(),
            location: resource.location(),
        }
    }

    pub(super) fn was_of_kind(&self, gvk: &Gvk) -> bool {
        self.previous.iter().any(|id| id.gvk.selected_by(gvk))
    }
}

/// All candidates of a build.
pub(super) struct Candidates {
    all: Vec<Candidate>,
    by_name: HashMap<Arc<str>, Vec<usize>>,
    by_original_namespace: HashMap<Arc<str>, Vec<usize>>,
    /// Whether anything that objects of the first namespace see came from the second.
    seen: Mutex<HashMap<(Arc<str>, String), bool>>,
}

/// Who refers, as far as it decides what can be meant.
pub(super) struct Referrer {
    pub(super) id: ResId,
    prefixes: Vec<Arc<str>>,
    suffixes: Vec<Arc<str>>,
    /// Namespaces of the service accounts that a role binding names.
    pub(super) bound: HashSet<String>,
}

impl Referrer {
    pub(super) fn new(resource: &Resource, bound: HashSet<String>) -> Self {
        Self {
            id: resource.id().clone(),
            prefixes: resource.book.prefixes.clone(),
            suffixes: resource.book.suffixes.clone(),
            bound,
        }
    }

    /// Whether an object can be referred to from here at all.
    fn sees(&self, candidate: &Candidate) -> bool {
        self.id.cluster_scoped
            || candidate.id.cluster_scoped
            || candidate.id.same_namespace(&self.id)
            || self.bound.contains(&*candidate.id.namespace)
    }

    fn shares_namespace(&self, candidate: &Candidate) -> bool {
        self.id.cluster_scoped
            || candidate.id.cluster_scoped
            || *candidate.id.gvk.kind == *"ServiceAccount"
            || candidate.id.same_namespace(&self.id)
    }

    fn shares_affixes(&self, candidate: &Candidate, empty_fits: bool) -> bool {
        let fits = |ours: &[Arc<str>], theirs: &[Arc<str>]| {
            (empty_fits && (ours.is_empty() || theirs.is_empty())) || same_ending(ours, theirs)
        };
        fits(&candidate.prefixes, &self.prefixes) && fits(&candidate.suffixes, &self.suffixes)
    }
}

/// Whether the shorter list is the end of the longer one; an empty one only of an empty one.
fn same_ending(a: &[Arc<str>], b: &[Arc<str>]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.is_empty() {
        long.is_empty()
    } else {
        long.ends_with(short)
    }
}

impl Candidates {
    /// None at all: references stay, and are looked at for their shape alone.
    pub(super) fn none() -> Self {
        Self {
            all: Vec::new(),
            by_name: HashMap::default(),
            by_original_namespace: HashMap::default(),
            seen: Mutex::default(),
        }
    }

    /// None where no object ever changed its name, and only the shapes that upstream knows are looked
    /// at: those of fields that somebody else names may not fit, which is told in any case.
    pub(super) fn of(resources: &ResMap, known_fields: bool) -> Option<Self> {
        let unchanged = |resource: &Resource| resource.book.previous.is_empty();
        if known_fields && resources.iter().all(unchanged) {
            return None;
        }
        let all = parallel::map(resources.as_slice(), Candidate::new);
        let mut by_name: HashMap<Arc<str>, Vec<usize>> = HashMap::default();
        let mut by_original_namespace: HashMap<Arc<str>, Vec<usize>> = HashMap::default();
        for (at, candidate) in all.iter().enumerate() {
            for previous in &candidate.previous {
                let positions = by_name.entry(Arc::clone(&previous.name)).or_default();
                if positions.last() != Some(&at) {
                    positions.push(at);
                }
            }
            let namespace = Arc::clone(&candidate.original_namespace);
            by_original_namespace.entry(namespace).or_default().push(at);
        }
        Some(Self {
            all,
            by_name,
            by_original_namespace,
            seen: Mutex::default(),
        })
    }

    fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Candidate> + use<'a> {
        let positions = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        positions.iter().filter_map(|at| self.all.get(*at))
    }

    /// Those with a former name, wherever they came from.
    pub(super) fn anywhere<'a>(&'a self, referrer: &Referrer, name: &str) -> Vec<&'a Candidate> {
        self.named(name)
            .filter(|candidate| referrer.sees(candidate))
            .collect()
    }

    /// Those with a former name that came from a namespace, or where nothing did, that are in it now.
    pub(super) fn in_namespace<'a>(
        &'a self,
        referrer: &Referrer,
        name: &str,
        namespace: &str,
    ) -> Vec<&'a Candidate> {
        if namespace == NO_NAMESPACE {
            return Vec::new();
        }
        let by_original = self.sees_from(referrer, namespace);
        self.anywhere(referrer, name)
            .into_iter()
            .filter(|candidate| {
                if by_original {
                    *candidate.original_namespace == *namespace
                } else {
                    candidate.id.effective_namespace() == namespace
                }
            })
            .collect()
    }

    /// Whether the referrer sees anything that came from a namespace.
    fn sees_from(&self, referrer: &Referrer, namespace: &str) -> bool {
        let look = || {
            let positions = self.by_original_namespace.get(namespace);
            positions
                .into_iter()
                .flatten()
                .filter_map(|at| self.all.get(*at))
                .any(|candidate| referrer.sees(candidate))
        };
        if !referrer.bound.is_empty() {
            return look();
        }
        let key = (
            Arc::from(referrer.id.effective_namespace()),
            namespace.to_owned(),
        );
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen.entry(key).or_insert_with(look)
    }
}

/// Picks the one object that is meant. `same` says whether several would do equally. Gives those left
/// over where that cannot be told.
pub(super) fn choose<'a>(
    referrer: &Referrer,
    candidates: Vec<&'a Candidate>,
    target: &Gvk,
    role: Option<&Gvk>,
    same: impl Fn(&Candidate, &Candidate) -> bool,
) -> Result<Option<&'a Candidate>, Vec<&'a Candidate>> {
    let mut left: Vec<&Candidate> = candidates
        .into_iter()
        .filter(|candidate| candidate.was_of_kind(target))
        .filter(|candidate| role.is_none_or(|role| candidate.was_of_kind(role)))
        .filter(|candidate| referrer.shares_namespace(candidate))
        .collect();
    if left.len() == 1 {
        return Ok(left.pop());
    }
    left.retain(|candidate| referrer.shares_affixes(candidate, true));
    if left.len() > 1 {
        left.retain(|candidate| referrer.shares_affixes(candidate, false));
    }
    let Some(first) = left.first().copied() else {
        return Ok(None);
    };
    if left.iter().all(|other| same(first, other)) {
        Ok(Some(first))
    } else {
        Err(left)
    }
}
