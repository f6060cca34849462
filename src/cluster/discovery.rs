//! Reads aggregated discovery: everything a server serves, in two documents.

use serde::Deserialize;

use super::{Kinds, Resource};

/// The media types of aggregated discovery, the newest first.
pub(super) const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

#[derive(Deserialize)]
struct GroupList {
    kind: String,
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "version")]
    name: String,
    #[serde(default)]
    freshness: String,
    #[serde(default)]
    resources: Vec<Served>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Served {
    resource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    subresources: Vec<Subresource>,
}

#[derive(Deserialize)]
struct ResponseKind {
    kind: String,
}

#[derive(Deserialize)]
struct Subresource {
    subresource: String,
}

/// One of the two documents (`/api`, `/apis`), or why it is of no use.
pub(super) struct Discovered {
    api_versions: Vec<String>,
    resources: Vec<Resource>,
    unanswered: Vec<String>,
}

impl Discovered {
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        let list: GroupList = serde_json::from_slice(body)
            .map_err(|error| format!("unreadable discovery: {error}"))?;
        if list.kind != "APIGroupDiscoveryList" {
            return Err(
                "the server offers no aggregated discovery (Kubernetes 1.27 or newer does)"
                    .to_owned(),
            );
        }
        let mut found = Self {
            api_versions: Vec::new(),
            resources: Vec::new(),
            unanswered: Vec::new(),
        };
        for group in list.items {
            for version in group.versions {
                found.take(&group.metadata.name, version);
            }
        }
        Ok(found)
    }

    fn take(&mut self, group: &str, version: Version) {
        // A stale version is served by an aggregated server that doesn't answer; what the front
        // server remembers of it may still be listed.
        if version.freshness == "Stale" {
            self.unanswered.push(format!("{group}/{}", version.name));
        }
        self.api_versions.push(match group {
            "" => version.name.clone(),
            group => format!("{group}/{}", version.name),
        });
        for served in version.resources {
            let Some(response) = served.response_kind else {
                continue;
            };
            // Reviews and the like are questions, not objects: nothing of them can be kept.
            if !served.verbs.iter().any(|verb| verb == "list") {
                continue;
            }
            self.resources.push(Resource {
                group: group.to_owned(),
                version: version.name.clone(),
                kind: response.kind,
                plural: served.resource,
                namespaced: served.scope == "Namespaced",
                has_status: served
                    .subresources
                    .iter()
                    .any(|sub| sub.subresource == "status"),
            });
        }
    }
}

/// Puts the two documents together.
pub(super) fn kinds(core: Discovered, groups: Discovered) -> Kinds {
    let mut unanswered = core.unanswered;
    unanswered.extend(groups.unanswered);
    let mut kinds = Kinds::new(
        core.resources.into_iter().chain(groups.resources),
        unanswered,
    );
    for api_version in core.api_versions.into_iter().chain(groups.api_versions) {
        kinds.serve(api_version);
    }
    kinds
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trueup_manifest::Gvk;

    use super::*;

    #[test]
    fn aggregated_discovery_gives_scope_plural_and_status() {
        let core = json!({"kind": "APIGroupDiscoveryList", "items": [{"versions": [{"version": "v1", "resources": [
            {"resource": "pods", "responseKind": {"kind": "Pod"}, "scope": "Namespaced", "verbs": ["list"],
             "subresources": [{"subresource": "status"}]},
            {"resource": "namespaces", "responseKind": {"kind": "Namespace"}, "scope": "Cluster", "verbs": ["list"]},
            {"resource": "bindings", "responseKind": {"kind": "Binding"}, "scope": "Namespaced", "verbs": ["create"]},
        ]}]}]});
        let groups = json!({"kind": "APIGroupDiscoveryList", "items": [
            {"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1beta1", "freshness": "Stale"}]},
        ]});
        let parse = |value: serde_json::Value| Discovered::parse(value.to_string().as_bytes());
        let kinds = kinds(parse(core).unwrap(), parse(groups).unwrap());
        let pod = kinds.get(&Gvk::new("v1", "Pod")).unwrap();
        assert!(pod.namespaced && pod.has_status && pod.plural == "pods");
        assert!(!kinds.get(&Gvk::new("v1", "Namespace")).unwrap().namespaced);
        assert!(kinds.get(&Gvk::new("v1", "Binding")).is_none());
        assert_eq!(kinds.unanswered(), ["metrics.k8s.io/v1beta1"]);
    }

    #[test]
    fn a_server_without_aggregated_discovery_is_told_so() {
        let error = Discovered::parse(br#"{"kind": "APIGroupList", "groups": []}"#)
            .err()
            .unwrap();
        assert!(error.contains("aggregated discovery"));
    }
}
