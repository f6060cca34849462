//! What a source is at, and how it is shown.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

/// The state of a source that a snapshot was taken of. Two revisions with the same [`id`](Self::id)
/// have the same files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// What the id was found under: a branch, a tag, `HEAD`, or `directory`.
    pub name: String,
    /// The commit id, or the tree id of a directory, in hexadecimal.
    pub id: String,
    /// Who wrote the commit, when and why; none for a directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
}

/// The parts of a commit that reports show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Commit {
    /// The author's name.
    pub author: String,
    /// The author's mail address.
    pub email: String,
    /// When it was committed.
    pub time: Timestamp,
    /// The first line of the message.
    pub subject: String,
}

impl Revision {
    /// The revision found as `name`, with no commit known.
    pub fn new(name: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            id: id.into(),
            commit: None,
        }
    }

    /// The form for people: `main@sha1:1a2b3c4d5e6f`.
    pub fn short(&self) -> String {
        format!(
            "{}@sha1:{}",
            self.name,
            self.id.get(..12).unwrap_or(&self.id)
        )
    }
}

/// The form that identifies: `main@sha1:` and all 40 digits.
impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@sha1:{}", self.name, self.id)
    }
}

/// Something that was accepted about a new revision and that a person may want to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "note", rename_all = "camelCase")]
pub enum Note {
    /// A tag, which ought to stand still, now names another commit.
    TagMoved {
        /// The tag.
        tag: String,
        /// The commit it named before.
        from: String,
    },
    /// The branch no longer holds the commit it was at: somebody pushed by force.
    HistoryRewritten {
        /// The commit the branch was at before.
        from: String,
    },
    /// The local copy was damaged and has been fetched anew.
    CacheRebuilt {
        /// What was wrong with it.
        reason: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TagMoved { tag, from } => {
                write!(f, "tag `{tag}` was moved; it was at `{from}` before")
            }
            Self::HistoryRewritten { from } => {
                write!(
                    f,
                    "the history was rewritten; `{from}` is no longer part of it"
                )
            }
            Self::CacheRebuilt { reason } => {
                write!(
                    f,
                    "the local copy was damaged and has been fetched anew ({reason})"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_shown_short_for_people_and_whole_for_machines() {
        let revision = Revision::new("main", "0123456789abcdef0123456789abcdef01234567");
        assert_eq!(revision.short(), "main@sha1:0123456789ab");
        assert_eq!(
            revision.to_string(),
            "main@sha1:0123456789abcdef0123456789abcdef01234567"
        );
        assert_eq!(Revision::new("x", "ab").short(), "x@sha1:ab");
    }
}
