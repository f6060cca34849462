//! A set of fields, as a tree of sorted vectors.

use std::cmp::Ordering;
use std::fmt;

use super::path::{FieldPath, PathElement};

/// A set of fields of one object.
///
/// A parent and its children are members independently: owning `.spec.template` says nothing about
/// `.spec.template.spec`. The operations are those of `fieldpath.Set` in structured-merge-diff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Sorted by `step`; no entry is without effect (neither member nor parent of one).
    pub(super) entries: Vec<SetEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SetEntry {
    pub(super) step: PathElement,
    pub(super) member: bool,
    pub(super) children: FieldSet,
}

impl SetEntry {
    fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }
}

impl FieldSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// A set of paths made of plain fields.
    pub fn of(paths: &[&[&str]]) -> Self {
        let mut set = Self::new();
        for path in paths {
            set.insert(&FieldPath::of(path).0);
        }
        set
    }

    /// Whether the set has no member.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.entries
            .iter()
            .map(|entry| usize::from(entry.member) + entry.children.len())
            .sum()
    }

    fn position(&self, step: &PathElement) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.step.cmp(step))
    }

    fn entry(&self, step: &PathElement) -> Option<&SetEntry> {
        self.position(step).ok().and_then(|at| self.entries.get(at))
    }

    /// Adds a path. The empty path (the whole object) is never tracked and is ignored.
    pub fn insert(&mut self, path: &[PathElement]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        let at = match self.position(first) {
            Ok(at) => at,
            Err(at) => {
                let entry = SetEntry {
                    step: first.clone(),
                    member: false,
                    children: Self::new(),
                };
                self.entries.insert(at, entry);
                at
            }
        };
        if let Some(entry) = self.entries.get_mut(at) {
            if rest.is_empty() {
                entry.member = true;
            } else {
                entry.children.insert(rest);
            }
        }
    }

    /// Whether this very path is a member.
    pub fn has(&self, path: &[PathElement]) -> bool {
        match path.split_first() {
            None => false,
            Some((first, [])) => self.has_step(first),
            Some((first, rest)) => self
                .entry(first)
                .is_some_and(|entry| entry.children.has(rest)),
        }
    }

    /// Whether the step itself is a member.
    pub(crate) fn has_step(&self, step: &PathElement) -> bool {
        self.entry(step).is_some_and(|entry| entry.member)
    }

    /// The members below a step, without it.
    pub(crate) fn below(&self, step: &PathElement) -> Option<&Self> {
        self.entry(step)
            .map(|entry| &entry.children)
            .filter(|children| !children.is_empty())
    }

    /// Each step with whether it is a member, and what lies below it.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&PathElement, bool, &Self)> {
        self.entries
            .iter()
            .map(|entry| (&entry.step, entry.member, &entry.children))
    }

    /// Whether every member is a member of `other` too.
    pub fn is_subset(&self, other: &Self) -> bool {
        let mut theirs = other.entries.iter();
        self.entries.iter().all(|a| {
            theirs.find(|b| b.step >= a.step).is_some_and(|b| {
                b.step == a.step && (b.member || !a.member) && a.children.is_subset(&b.children)
            })
        })
    }

    /// Takes in every member of `other`.
    pub fn union_with(&mut self, other: Self) {
        if self.entries.is_empty() {
            *self = other;
            return;
        }
        if other.entries.is_empty() {
            return;
        }
        let mine = std::mem::take(&mut self.entries);
        self.entries.reserve(mine.len().max(other.entries.len()));
        let (mut mine, mut theirs) = (
            mine.into_iter().peekable(),
            other.entries.into_iter().peekable(),
        );
        while let (Some(a), Some(b)) = (mine.peek(), theirs.peek()) {
            match a.step.cmp(&b.step) {
                Ordering::Less => self.entries.extend(mine.next()),
                Ordering::Greater => self.entries.extend(theirs.next()),
                Ordering::Equal => {
                    if let (Some(mut a), Some(b)) = (mine.next(), theirs.next()) {
                        a.member |= b.member;
                        a.children.union_with(b.children);
                        self.entries.push(a);
                    }
                }
            }
        }
        self.entries.extend(mine);
        self.entries.extend(theirs);
    }

    /// The members of either set.
    pub fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.union_with(other.clone());
        out
    }

    /// The members of both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut entries = Vec::new();
        let mut theirs = other.entries.iter().peekable();
        for a in &self.entries {
            while theirs.next_if(|b| b.step < a.step).is_some() {}
            if let Some(b) = theirs.next_if(|b| b.step == a.step) {
                let entry = SetEntry {
                    step: a.step.clone(),
                    member: a.member && b.member,
                    children: a.children.intersection(&b.children),
                };
                if !entry.is_empty() {
                    entries.push(entry);
                }
            }
        }
        Self { entries }
    }

    /// Removes every member of `other`. Parents and children are removed independently.
    pub fn subtract(&mut self, other: &Self) {
        self.subtract_by(other, |entry, other| {
            entry.member &= !other.member;
            entry.children.subtract(&other.children);
        });
    }

    /// Removes every member of `other` with all that lies below it.
    pub fn subtract_recursive(&mut self, other: &Self) {
        self.subtract_by(other, |entry, other| {
            if other.member {
                entry.member = false;
                entry.children = Self::new();
            } else {
                entry.children.subtract_recursive(&other.children);
            }
        });
    }

    fn subtract_by(&mut self, other: &Self, remove: impl Fn(&mut SetEntry, &SetEntry)) {
        if self.entries.is_empty() || other.entries.is_empty() {
            return;
        }
        let mut theirs = other.entries.iter().peekable();
        self.entries.retain_mut(|a| {
            while theirs.next_if(|b| b.step < a.step).is_some() {}
            if let Some(b) = theirs.next_if(|b| b.step == a.step) {
                remove(a, b);
            }
            !a.is_empty()
        });
    }

    /// The members of this set that are not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.subtract(other);
        out
    }

    /// The members of this set that are neither in `other` nor below one of its members.
    pub fn recursive_difference(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.subtract_recursive(other);
        out
    }

    /// The members that have no members below them.
    pub fn leaves(&self) -> Self {
        let entries = self
            .entries
            .iter()
            .map(|entry| SetEntry {
                step: entry.step.clone(),
                member: entry.member && entry.children.is_empty(),
                children: entry.children.leaves(),
            })
            .collect();
        Self { entries }
    }

    /// Every member's path; a set's own steps first, then what lies below them, as the server lists conflicts.
    pub fn paths(&self) -> Vec<FieldPath> {
        let mut out = Vec::with_capacity(self.len());
        let mut prefix = Vec::new();
        self.collect_paths(&mut prefix, &mut out);
        out
    }

    fn collect_paths(&self, prefix: &mut Vec<PathElement>, out: &mut Vec<FieldPath>) {
        for entry in self.entries.iter().filter(|entry| entry.member) {
            let mut path = prefix.clone();
            path.push(entry.step.clone());
            out.push(FieldPath(path));
        }
        for entry in &self.entries {
            if !entry.children.is_empty() {
                prefix.push(entry.step.clone());
                entry.children.collect_paths(prefix, out);
                prefix.pop();
            }
        }
    }
}

impl fmt::Display for FieldSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, path) in self.paths().iter().enumerate() {
            let newline = if i == 0 { "" } else { "\n" };
            write!(f, "{newline}{path}")?;
        }
        Ok(())
    }
}

/// Gathers a set's entries in any order; cheap when they come sorted and unique, as they mostly do.
#[derive(Default)]
pub(crate) struct SetBuilder {
    entries: Vec<SetEntry>,
}

impl SetBuilder {
    pub(crate) fn push(&mut self, step: PathElement, member: bool, children: FieldSet) {
        if member || !children.is_empty() {
            self.entries.push(SetEntry {
                step,
                member,
                children,
            });
        }
    }

    pub(crate) fn finish(mut self) -> FieldSet {
        if self.entries.is_sorted_by(|a, b| a.step < b.step) {
            return FieldSet {
                entries: self.entries,
            };
        }
        self.entries.sort_by(|a, b| a.step.cmp(&b.step));
        let mut entries: Vec<SetEntry> = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            match entries.last_mut() {
                Some(last) if last.step == entry.step => {
                    last.member |= entry.member;
                    last.children.union_with(entry.children);
                }
                _ => entries.push(entry),
            }
        }
        FieldSet { entries }
    }
}
