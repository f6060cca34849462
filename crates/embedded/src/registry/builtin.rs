//! The built-in resources, from the table of `trueup-schema`.

use std::sync::Arc;

use trueup_schema::{Type, builtin};

use super::{GroupVersion, Resource, Scope, Subresource};

/// All built-in group versions in the real server's order.
pub(super) fn table() -> Vec<GroupVersion> {
    let mut groups: Vec<GroupVersion> = Vec::new();
    for row in builtin::resources().iter().filter(|row| row.enabled) {
        let resource = Arc::new(resource(row));
        match groups
            .iter_mut()
            .find(|gv| gv.group == resource.group && gv.version == resource.version)
        {
            Some(gv) => gv.resources.push(resource),
            None => groups.push(GroupVersion {
                group: resource.group.clone(),
                version: resource.version.clone(),
                resources: vec![resource],
            }),
        }
    }
    groups
}

fn resource(row: &builtin::Resource) -> Resource {
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    Resource {
        group: row.group.to_owned(),
        version: row.version.to_owned(),
        plural: row.plural.to_owned(),
        singular: row.singular.to_owned(),
        kind: row.kind.to_owned(),
        list_kind: format!("{}List", row.kind),
        scope: if row.namespaced {
            Scope::Namespaced
        } else {
            Scope::Cluster
        },
        verbs: words(&row.verbs),
        short_names: words(&row.short_names),
        categories: words(&row.categories),
        subresources: row
            .subresources
            .iter()
            .map(|sub| Subresource {
                name: sub.name.to_owned(),
                group: sub.group.to_owned(),
                version: sub.version.to_owned(),
                kind: sub.kind.to_owned(),
                verbs: words(&sub.verbs),
            })
            .collect(),
        ty: builtin::kind(row.group, row.version, row.kind).unwrap_or_else(Type::deduced),
        custom: None,
    }
}
