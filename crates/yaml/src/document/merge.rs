//! Merge keys (`<<`) turned to plain entries, as kyaml does when it loads resources.

use super::Document;
use crate::error::Error;
use crate::node::{Kind, NodeId};
use crate::resolve::{Resolved, Schema};

impl Document {
    /// Replaces every merge key at and below a node by the entries that it brings in: own keys win,
    /// then earlier mappings of a list. New entries follow the mapping's own. Emitters and loaders heed
    /// merge keys without this; it is for those who edit what was merged in. Mirrors `RNode.DeAnchor`
    /// of kyaml 0.21.
    ///
    /// Fails, with the place, where the value of `<<` is no mapping and no list of mappings.
    pub fn apply_merge_keys(&mut self, id: NodeId) -> Result<(), Error> {
        match self.kind(id) {
            Kind::Scalar | Kind::Alias => Ok(()),
            Kind::Sequence => {
                for item in self.items(id).collect::<Vec<_>>() {
                    self.apply_merge_keys(item)?;
                }
                Ok(())
            }
            Kind::Mapping => {
                // Children first: what is merged in has no merge keys left then.
                for (_, value) in self.entries(id).collect::<Vec<_>>() {
                    self.apply_merge_keys(value)?;
                }
                let merges: Vec<(NodeId, NodeId)> = self
                    .entries(id)
                    .filter(|&(key, _)| self.is_merge_key(key))
                    .collect();
                if merges.is_empty() {
                    return Ok(());
                }
                let mut sources = Vec::new();
                for &(_, value) in &merges {
                    self.merge_sources(value, true, &mut sources)?;
                }
                self.retain_entries(id, |key, _| !merges.iter().any(|&(merge, _)| merge == key));
                self.merge_in(id, &sources);
                Ok(())
            }
        }
    }

    fn is_merge_key(&self, key: NodeId) -> bool {
        self.kind(key) == Kind::Scalar && self.resolve(key, Schema::Kyaml) == Resolved::Merge
    }

    /// The mappings that a merge value names, those that win last.
    fn merge_sources(&self, id: NodeId, list: bool, out: &mut Vec<NodeId>) -> Result<(), Error> {
        let target = self.target(id);
        match self.kind(target) {
            Kind::Mapping => {
                out.push(target);
                Ok(())
            }
            Kind::Sequence if list => {
                for item in self.items(target).collect::<Vec<_>>().into_iter().rev() {
                    self.merge_sources(item, false, out)?;
                }
                Ok(())
            }
            _ => Err(Error::new(
                "the merge key `<<` needs a mapping or a list of mappings",
                self.place(id),
            )
            .with_help("give it an alias of a mapping, as in `<<: *defaults`")),
        }
    }

    fn merge_in(&mut self, id: NodeId, sources: &[NodeId]) {
        let own = self.len(id);
        for &source in sources {
            for (key, value) in self.entries(source).collect::<Vec<_>>() {
                let Some(text) = self.text(key).map(str::to_owned) else {
                    continue;
                };
                let position = self.position(id, &text);
                if position.is_some_and(|at| at < own) {
                    continue;
                }
                let value = self.duplicate(value);
                if position.is_some() {
                    self.set(id, &text, value);
                } else {
                    let key = self.duplicate(key);
                    self.insert_pair(id, self.len(id), key, value);
                }
            }
        }
    }
}
