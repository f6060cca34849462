//! Discovery in its older form: a document a group and a document a version.

use serde_json::{Map, Value, json};

use crate::meta;
use crate::registry::{GroupVersion, Resource};

/// `/api`
pub(super) fn versions() -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [],
    })
}

/// `/apis`
pub(super) fn groups(all: &[GroupVersion]) -> Value {
    let mut names: Vec<&str> = Vec::new();
    for gv in all.iter().filter(|gv| !gv.group.is_empty()) {
        if !names.contains(&gv.group.as_str()) {
            names.push(&gv.group);
        }
    }
    let groups: Vec<Value> = names
        .into_iter()
        .map(|name| group_value(all, name))
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/<group>`
pub(super) fn group(all: &[GroupVersion], name: &str) -> Option<Value> {
    if name.is_empty() || !all.iter().any(|gv| gv.group == name) {
        return None;
    }
    let mut value = group_value(all, name);
    if let Some(map) = value.as_object_mut() {
        map.insert("kind".to_owned(), json!("APIGroup"));
        map.insert("apiVersion".to_owned(), json!("v1"));
    }
    Some(value)
}

fn group_value(all: &[GroupVersion], name: &str) -> Value {
    let versions: Vec<Value> = all
        .iter()
        .filter(|gv| gv.group == name)
        .map(|gv| {
            json!({"groupVersion": format!("{}/{}", gv.group, gv.version), "version": gv.version})
        })
        .collect();
    json!({"name": name, "preferredVersion": versions.first(), "versions": versions})
}

/// `/api/v1` and `/apis/<group>/<version>`
pub(super) fn resources(all: &[GroupVersion], group: &str, version: &str) -> Option<Value> {
    let found = all
        .iter()
        .find(|gv| gv.group == group && gv.version == version)?;
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let resources: Vec<Value> = found.resources.iter().flat_map(|r| entries(r)).collect();
    Some(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    }))
}

/// A resource and its subresources.
fn entries(resource: &Resource) -> Vec<Value> {
    let mut main = json!({
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced(),
        "kind": resource.kind,
        "verbs": resource.verbs,
    });
    if let Some(map) = main.as_object_mut() {
        list(map, "shortNames", &resource.short_names);
        list(map, "categories", &resource.categories);
    }
    let subresources = resource.subresources.iter().map(|sub| {
        let mut value = json!({
            "name": format!("{}/{}", resource.plural, sub.name),
            "singularName": "",
            "namespaced": resource.namespaced(),
            "kind": sub.kind,
            "verbs": sub.verbs,
        });
        if !sub.version.is_empty() {
            meta::put(&mut value, "group", json!(sub.group));
            meta::put(&mut value, "version", json!(sub.version));
        }
        value
    });
    std::iter::once(main).chain(subresources).collect()
}

fn list(map: &mut Map<String, Value>, key: &str, values: &[String]) {
    if !values.is_empty() {
        map.insert(key.to_owned(), json!(values));
    }
}
