//! Which rule the names of a kind follow, from the `Validate…Name` functions of its API group.

use super::names;
use crate::registry::Resource;

/// What is wrong with a name, or with the prefix of a generated one.
pub(super) fn flaws(resource: &Resource, name: &str, prefix: bool) -> Vec<String> {
    // A prefix may end in what a name may not; the real rule masks a trailing dash.
    let masked;
    let name = if prefix && name.ends_with('-') {
        masked = format!("{}a", name.trim_end_matches('-'));
        masked.as_str()
    } else {
        name
    };
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "services" | "namespaces") => names::label(name),
        ("rbac.authorization.k8s.io", _) => names::path_segment(name),
        _ => names::subdomain(name),
    }
}
