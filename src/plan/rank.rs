//! The order of kinds where the graph leaves it open.
//!
//! After the lists of kustomize (`api/internal/builtins/LegacyOrderTransformer`) and Flux
//! (`fluxcd/pkg/ssa/sort.go`): what others stand on first, what can stop others last.

const FIRST: &[&str] = &[
    "Namespace",
    "CustomResourceDefinition",
    "ResourceQuota",
    "LimitRange",
    "StorageClass",
    "PriorityClass",
    "RuntimeClass",
    "IngressClass",
    "ServiceAccount",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "NetworkPolicy",
    "ConfigMap",
    "Secret",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Endpoints",
    "EndpointSlice",
    "Service",
];

const LATE: &[&str] = &[
    "PodDisruptionBudget",
    "HorizontalPodAutoscaler",
    "Ingress",
    "APIService",
];

/// A kind's place; a smaller one goes first.
pub(super) fn rank(kind: &str) -> usize {
    let place = |list: &[&str]| list.iter().position(|other| *other == kind);
    if let Some(place) = place(FIRST) {
        return place;
    }
    match place(LATE) {
        Some(place) => FIRST.len() + 1 + place,
        None if is_last(kind) => FIRST.len() + 1 + LATE.len(),
        None => FIRST.len(),
    }
}

/// Whether a kind goes after everything else of its phase, as it can stop the rest from being
/// admitted.
pub(super) fn is_last(kind: &str) -> bool {
    matches!(
        kind,
        "MutatingWebhookConfiguration"
            | "ValidatingWebhookConfiguration"
            | "MutatingAdmissionPolicyBinding"
            | "ValidatingAdmissionPolicyBinding"
    )
}
