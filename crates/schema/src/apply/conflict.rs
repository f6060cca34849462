//! Fields of other managers that an apply would change.

use std::fmt;

use crate::managed::{Entry, FieldPath, FieldSet, Operation};
use crate::value::quote;

/// One contested field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// `conflict with "kubectl" using apps/v1`: the message of the status cause.
    pub message: String,
    /// `.spec.replicas`: the field of the status cause.
    pub field: String,
    pub(crate) path: FieldPath,
}

/// All contested fields, sorted by manager; shown as the real server's status message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflicts {
    /// The status causes, all of type `FieldManagerConflict`.
    pub causes: Vec<Conflict>,
}

impl Conflicts {
    /// Lists the fields that each entry would lose.
    pub(crate) fn new(mut lost: Vec<(&Entry, FieldSet)>) -> Self {
        lost.sort_by_cached_key(|(entry, _)| entry.identifier());
        let causes = lost
            .into_iter()
            .flat_map(|(entry, fields)| {
                let message = format!("conflict with {}", name(entry));
                fields.paths().into_iter().map(move |path| Conflict {
                    message: message.clone(),
                    field: path.to_string(),
                    path,
                })
            })
            .collect();
        Self { causes }
    }

    /// The contested fields of all managers together.
    pub(crate) fn fields(&self) -> FieldSet {
        let mut set = FieldSet::new();
        for conflict in &self.causes {
            set.insert(&conflict.path.0);
        }
        set
    }
}

/// A manager as messages name it.
fn name(entry: &Entry) -> String {
    let mut name = quote(&entry.manager);
    if !entry.subresource.is_empty() {
        name.push_str(" with subresource ");
        name.push_str(&quote(&entry.subresource));
    }
    if entry.operation == Operation::Update {
        name.push_str(" using ");
        name.push_str(&entry.api_version);
    }
    name
}

impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.causes.as_slice() {
            return write!(
                f,
                "Apply failed with 1 conflict: {}: {}",
                only.message, only.field
            );
        }
        write!(f, "Apply failed with {} conflicts: ", self.causes.len())?;
        let mut last = None;
        for (i, conflict) in self.causes.iter().enumerate() {
            if last != Some(&conflict.message) {
                let newline = if i == 0 { "" } else { "\n" };
                let who = conflict
                    .message
                    .strip_prefix("conflict ")
                    .unwrap_or_default();
                write!(f, "{newline}conflicts {who}:")?;
                last = Some(&conflict.message);
            }
            write!(f, "\n- {}", conflict.field)?;
        }
        Ok(())
    }
}
