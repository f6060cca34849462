//! Rules for volumes.

use super::{Health, Object};

/// Annotations that say that binding has begun.
const BINDING: &[&str] = &[
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
];

/// Unlike kstatus, a claim that nobody has begun to bind is current: most storage classes wait for
/// the first pod that uses it, which may never come in this phase.
pub(super) fn claim(object: Object<'_>) -> Health {
    match object.text(&["status", "phase"]) {
        "Bound" => Health::current(),
        "Lost" => Health::failed("its volume is lost"),
        _ => {
            let begun = !object.text(&["spec", "volumeName"]).is_empty()
                || BINDING
                    .iter()
                    .any(|key| object.at(&["metadata", "annotations", key]).is_some());
            if begun {
                Health::in_progress("it is not bound yet")
            } else {
                Health::currently("it is bound when a pod uses it")
            }
        }
    }
}

pub(super) fn volume(object: Object<'_>) -> Health {
    match object.text(&["status", "phase"]) {
        "Failed" => Health::failed(object.text(&["status", "message"])),
        "Available" | "Bound" | "Released" => Health::current(),
        _ => Health::in_progress("it is not available yet"),
    }
}
