//! Which fields an endpoint of a builtin kind ignores.
//!
//! The facts are the `GetResetFields` methods of the registry strategies in `k8s.io/kubernetes/pkg/registry`,
//! `apiextensions-apiserver` and `kube-aggregator` 1.36.3.

use crate::FieldSet;

/// Kinds whose `status` endpoint ignores all of `metadata`.
const STATUS_IGNORES_METADATA: [&str; 11] = [
    "APIService",
    "DeviceTaintRule",
    "FlowSchema",
    "PodGroup",
    "PriorityLevelConfiguration",
    "ResourceClaim",
    "ResourcePoolStatusRequest",
    "ServiceCIDR",
    "StorageVersion",
    "StorageVersionMigration",
    "ValidatingAdmissionPolicy",
];

/// The fields that writes to an endpoint do not change, and that nobody comes to own by them.
pub(super) fn fields(kind: &str, subresource: &str, has_status: bool) -> FieldSet {
    const SPEC: &[&str] = &["spec"];
    const STATUS: &[&str] = &["status"];
    const METADATA: &[&str] = &["metadata"];
    match (kind, subresource) {
        ("CertificateSigningRequest", "") => FieldSet::of(&[SPEC, STATUS]),
        ("CertificateSigningRequest", "approval") => {
            FieldSet::of(&[SPEC, &["status", "certificate"]])
        }
        ("CertificateSigningRequest", "status") => FieldSet::of(&[SPEC, &["status", "conditions"]]),
        ("Namespace", "finalize") => FieldSet::of(&[STATUS]),
        ("Deployment", "status") => FieldSet::of(&[SPEC, &["metadata", "labels"]]),
        ("Pod", "status") => FieldSet::of(&[
            SPEC,
            &["metadata", "deletionTimestamp"],
            &["metadata", "ownerReferences"],
        ]),
        ("Pod", "ephemeralcontainers" | "resize") => FieldSet::of(&[METADATA, STATUS]),
        (kind, "status") if STATUS_IGNORES_METADATA.contains(&kind) => {
            FieldSet::of(&[METADATA, SPEC])
        }
        (_, "status") => FieldSet::of(&[SPEC]),
        (_, "") if has_status => FieldSet::of(&[STATUS]),
        _ => FieldSet::new(),
    }
}
