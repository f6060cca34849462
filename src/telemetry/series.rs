//! The closed sets that label values are taken from. A label whose values are not a set here is the
//! name of an environment, of a phase of one, or a revision: bounded by the configuration, and taken
//! down again when its environment goes.

use serde::{Serialize, Serializer};

/// Declares an enum whose variants are the only values of a label.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every value there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The value as Prometheus and JSON have it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

label! {
    /// How a pass over an environment ended.
    Outcome {
        /// The cluster is as the revision says.
        Converged = "converged",
        /// Something could not be applied, pruned or did not become healthy.
        Failed = "failed",
        /// The revision could not be rendered or planned: nothing was touched.
        Refused = "refused",
        /// A newer revision took its place.
        Superseded = "superseded",
        /// The process was asked to end.
        Interrupted = "interrupted",
    }
}

label! {
    /// What was done to an object.
    Action {
        /// It was not there.
        Create = "create",
        /// Fields of it were set or taken away.
        Configure = "configure",
        /// It was deleted and created anew.
        Recreate = "recreate",
        /// It left the desired set and was deleted.
        Prune = "prune",
        /// It was there and is ours from now on.
        Adopt = "adopt",
        /// Fields of an object that is not ours were set.
        Patch = "patch",
    }
}

label! {
    /// What the last pass left an object in.
    ObjectState {
        /// As desired.
        Done = "done",
        /// As desired, and its controller does not get it to work.
        Unhealthy = "unhealthy",
        /// The server refused it.
        Failed = "failed",
        /// Something that it needs failed, so it was not tried.
        Skipped = "skipped",
    }
}

label! {
    /// How live came to differ from desired with no new revision.
    Drift {
        /// The object was deleted.
        Deleted = "deleted",
        /// Fields that we own were changed.
        Changed = "changed",
    }
}

label! {
    /// How a look at a source ended.
    Poll {
        /// There was a new revision.
        Changed = "changed",
        /// There was none.
        Unchanged = "unchanged",
        /// The source could not be read.
        Failed = "failed",
    }
}
