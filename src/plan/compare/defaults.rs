//! What servers add inside fields that are atomic for server-side apply.
//!
//! Elsewhere defaults don't matter: nobody owns them. Inside an atomic field they are part of what we
//! own, so that without this table each such object would cost a dry run. It lists the defaults of
//! `k8s.io/kubernetes/pkg/apis/*/v1/defaults.go` that lie in atomic fields; one that is missing here
//! costs that dry run and nothing else.

use serde_json::Value;

use super::super::path::Trail;

/// Field around it, field, and the value a server gives it.
const DEFAULTS: &[(&str, &str, Default)] = &[
    ("fieldRef", "apiVersion", Default::Text("v1")),
    ("resourceFieldRef", "divisor", Default::Text("0")),
    (
        "roleRef",
        "apiGroup",
        Default::Text("rbac.authorization.k8s.io"),
    ),
    (
        "subjects",
        "apiGroup",
        Default::Text("rbac.authorization.k8s.io"),
    ),
    ("ports", "protocol", Default::Text("TCP")),
    ("rules", "scope", Default::Text("*")),
    ("resourceRules", "scope", Default::Text("*")),
    (
        "serviceAccountToken",
        "expirationSeconds",
        Default::Number(3600),
    ),
    ("volumeClaimTemplates", "apiVersion", Default::Text("v1")),
    (
        "volumeClaimTemplates",
        "kind",
        Default::Text("PersistentVolumeClaim"),
    ),
    ("volumeClaimTemplates", "status", Default::Phase("Pending")),
    ("spec", "volumeMode", Default::Text("Filesystem")),
];

enum Default {
    Text(&'static str),
    Number(i64),
    /// `{phase: …}`.
    Phase(&'static str),
}

/// Whether `value` is what a server gives to a field `key` at `trail` that was left out.
pub(super) fn is_default(trail: &Trail<'_>, key: &str, value: &Value) -> bool {
    let around = trail.last_key();
    DEFAULTS.iter().any(|(outer, field, default)| {
        *outer == around
            && *field == key
            && match default {
                Default::Text(text) => value.as_str() == Some(text),
                Default::Number(number) => value.as_i64() == Some(*number),
                Default::Phase(phase) => {
                    value.get("phase").and_then(Value::as_str) == Some(phase)
                        && value.as_object().is_some_and(|status| status.len() == 1)
                }
            }
    })
}
