//! Aggregated discovery: all groups, versions and resources in one document.

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use crate::http::accept::Accepted;
use crate::http::hex;
use crate::http::reply::{Reply, ReplyBody};
use crate::meta;
use crate::registry::{GroupVersion, Resource, Scope};
use crate::server::core::Core;

/// The document of `/api` (the core group) or `/apis` (all others).
pub(super) fn document(core: &Core, core_group: bool, accepted: &Accepted) -> Reply {
    let groups = core.registry().groups();
    let wanted: Vec<&GroupVersion> = groups
        .iter()
        .filter(|gv| gv.group.is_empty() == core_group)
        .collect();
    let mut names: Vec<&str> = Vec::new();
    for gv in &wanted {
        if !names.contains(&gv.group.as_str()) {
            names.push(&gv.group);
        }
    }
    let items: Vec<Value> = names.into_iter().map(|name| group(&wanted, name)).collect();
    let document = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": format!("apidiscovery.k8s.io/{}", accepted.version),
        "metadata": {},
        "items": items,
    });
    let bytes = Bytes::from(serde_json::to_vec(&document).unwrap_or_default());
    let etag = format!("\"{}\"", hex(&Sha512::digest(&bytes)).to_uppercase());
    let content_type = if accepted.version == "v2" {
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    } else {
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
    };
    let mut reply = Reply::new(200, content_type, ReplyBody::whole(bytes));
    reply.headers.push(("etag", etag));
    reply.headers.push(("vary", "Accept".to_owned()));
    reply
}

fn group(all: &[&GroupVersion], name: &str) -> Value {
    let versions: Vec<Value> = all
        .iter()
        .filter(|gv| gv.group == name)
        .map(|gv| {
            json!({
                "version": gv.version,
                "resources": gv.resources.iter().map(|r| resource(r)).collect::<Vec<_>>(),
                "freshness": "Current",
            })
        })
        .collect();
    let metadata = if name.is_empty() {
        json!({"creationTimestamp": null})
    } else {
        json!({"name": name, "creationTimestamp": null})
    };
    json!({"metadata": metadata, "versions": versions})
}

fn resource(resource: &Resource) -> Value {
    let scope = match resource.scope {
        Scope::Namespaced => "Namespaced",
        Scope::Cluster => "Cluster",
    };
    let mut value = json!({
        "resource": resource.plural,
        "responseKind": {"group": "", "version": "", "kind": resource.kind},
        "scope": scope,
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    });
    if resource.custom.is_some() {
        meta::put(
            &mut value,
            "responseKind",
            json!({"group": resource.group, "version": resource.version, "kind": resource.kind}),
        );
    }
    if !resource.short_names.is_empty() {
        meta::put(&mut value, "shortNames", json!(resource.short_names));
    }
    if !resource.categories.is_empty() {
        meta::put(&mut value, "categories", json!(resource.categories));
    }
    if !resource.subresources.is_empty() {
        let subresources: Vec<Value> = resource
            .subresources
            .iter()
            .map(|sub| {
                json!({
                    "subresource": sub.name,
                    "responseKind":
                        {"group": sub.group, "version": sub.version, "kind": sub.kind},
                    "verbs": sub.verbs,
                })
            })
            .collect();
        meta::put(&mut value, "subresources", json!(subresources));
    }
    value
}
