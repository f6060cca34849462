//! Whether a server refused an object because a field of it cannot be changed.
//!
//! Getting this wrong deletes things: an object is called immutable only when *every* complaint of the
//! server says so. One plain validation error among them, and recreating would delete the old object
//! and then fail to create the new one.

use crate::cluster::{Error, ErrorKind};

/// What servers say of fields that cannot be changed.
///
/// From `k8s.io/apimachinery/pkg/api/validation` (`field is immutable`) and the validations of
/// StatefulSet, StorageClass, `PersistentVolume`, `PersistentVolumeClaim`, `RoleBinding`, Service, Job and
/// Secret in `k8s.io/kubernetes/pkg/apis`.
const SENTENCES: &[&str] = &[
    "field is immutable",
    "are forbidden",
    "is immutable after creation",
    "cannot change roleRef",
    "may not change once set",
    "is immutable",
    "updates to parameters are forbidden",
    "may not be changed",
    "cannot be changed",
];

/// Words that, with `are forbidden`, speak of an update and not of the value.
const UPDATES: &[&str] = &["updates to", "changes to", "pod updates may not"];

/// Whether all that the server finds wrong is that fields cannot be changed.
pub fn is_immutable(error: &Error) -> bool {
    let ErrorKind::Invalid { causes } = error.kind() else {
        return false;
    };
    if causes.is_empty() {
        return says_immutable(error.message());
    }
    causes.iter().all(|cause| says_immutable(&cause.message))
}

fn says_immutable(message: &str) -> bool {
    let message = message.to_lowercase();
    SENTENCES.iter().any(|sentence| {
        message.contains(&sentence.to_lowercase())
            && (*sentence != "are forbidden"
                || UPDATES.iter().any(|update| message.contains(update)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Cause;

    fn error(messages: &[&str]) -> Error {
        let causes = messages
            .iter()
            .map(|message| Cause {
                reason: "FieldValueInvalid".to_owned(),
                field: "spec".to_owned(),
                message: (*message).to_owned(),
            })
            .collect();
        Error::new(
            ErrorKind::Invalid { causes },
            "apply",
            "X y",
            messages.join("; "),
        )
    }

    #[test]
    fn fields_that_cannot_be_changed_are_known_by_what_servers_say() {
        for message in [
            "Invalid value: null: field is immutable",
            "Forbidden: updates to parameters are forbidden.",
            "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals' are forbidden",
            "Forbidden: spec is immutable after creation except resources.requests",
            "Invalid value: {\"kind\":\"Role\"}: cannot change roleRef",
            "Invalid value: \"10.0.0.9\": may not change once set",
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image` are forbidden",
            "Forbidden: field is immutable when `immutable` is set",
        ] {
            assert!(is_immutable(&error(&[message])), "{message}");
        }
    }

    #[test]
    fn a_plain_validation_error_is_never_taken_for_one() {
        for messages in [
            &["Required value"][..],
            &["Invalid value: -1: must be greater than or equal to 0"],
            &["Forbidden: host ports are forbidden here"],
            &["Invalid value: null: field is immutable", "Required value"],
        ] {
            assert!(!is_immutable(&error(messages)), "{messages:?}");
        }
        let forbidden = Error::new(ErrorKind::Forbidden, "apply", "X y", "field is immutable");
        assert!(!is_immutable(&forbidden));
    }
}
