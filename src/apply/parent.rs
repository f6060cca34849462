//! The parent of the environment's ApplySet: an `Environment` object, and its kind.
//!
//! The parent's annotations say where members may be. They are widened before anything is applied and
//! narrowed when pruning is done, so that whoever stops halfway leaves nothing that is not found again.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use trueup_manifest::Diagnostic;

use super::{diagnose, health::health};
use crate::{
    cluster::{
        Applied, ApplyOptions, Cluster, Error, ErrorKind, Freshness, Kinds, Live, Resource,
        Selection, Target,
    },
    plan::{
        ApplySet, CONFIRM, ENVIRONMENT, FIELD_MANAGER, GROUP_KINDS, Memory, NAMESPACES, Neighbour,
        Neighbours, PARENT_GROUP, PARENT_ID, PARENT_KIND, PARENT_TYPE, PATCHED, Reach, SOURCE,
        TOOLING,
    },
};

/// The manager of the parent's label and annotations, named after kubectl's.
const PARENT_MANAGER: &str = "trueup-applyset";
/// The tool's name in the parent's annotation.
const TOOL: &str = "trueup";
const VERSION: &str = "v1";
const PLURAL: &str = "environments";
/// The annotation of our CRD, and of parents, that says which of our schemas it has.
const SCHEMA: (&str, &str) = ("trueup.dev/schema", "2");

/// The parent's kind.
pub(super) fn resource() -> Arc<Resource> {
    Arc::new(Resource {
        group: PARENT_GROUP.to_owned(),
        version: VERSION.to_owned(),
        kind: PARENT_KIND.to_owned(),
        plural: PLURAL.to_owned(),
        namespaced: false,
        has_status: true,
    })
}

/// The parent's address.
pub(super) fn target(applyset: &ApplySet) -> Target {
    let (namespace, name) = (String::new(), applyset.parent().to_owned());
    Target {
        resource: resource(),
        namespace,
        name,
    }
}

/// The code of the error about a parent that may not be read.
pub(super) const UNREADABLE: &str = "apply/parent-unreadable";

/// What an unreadable parent means for whoever only looks.
pub(super) fn as_warning(error: &Diagnostic) -> Diagnostic {
    let message = format!("{}; what left the environment is not told", error.message);
    let help = error.help.clone().unwrap_or_default();
    Diagnostic::warning(UNREADABLE, message).help(help)
}

/// The `Environment` objects of a cluster.
#[derive(Debug, Default)]
pub(super) struct Parents {
    /// The environment's own.
    pub own: Option<Live>,
    /// What the others tell.
    pub others: Neighbours,
}

/// What the cluster remembers of an environment.
pub(super) fn memory(applyset: &ApplySet, parent: Option<&Live>) -> Memory {
    let annotation = |key| Some(parent?.annotation(key)?.to_owned());
    Memory {
        parent: applyset.parent().to_owned(),
        source: annotation(SOURCE),
        confirmation: annotation(CONFIRM),
    }
}

/// The `Environment` objects as they were listed: the environment's own, and the others.
type Listed = Result<(Option<Live>, Vec<Live>), Error>;

/// Reads the parent and those of other environments; none where it or its kind is not there. One that belongs to another tool or
/// another environment is an error.
pub(super) async fn read(
    cluster: &dyn Cluster,
    kinds: &Kinds,
    applyset: &ApplySet,
) -> Result<Parents, Diagnostic> {
    if kinds.get(&resource().gvk()).is_none() {
        return Ok(Parents::default());
    }
    sort_out(applyset, all(cluster, &target(applyset)).await)
}

/// Reads what a server serves, and the parents beside it, as their place is known without: whether their kind is
/// there shows in the answers.
pub(super) async fn read_with_kinds(
    cluster: &dyn Cluster,
    applyset: &ApplySet,
) -> (Result<Arc<Kinds>, Error>, Result<Parents, Diagnostic>) {
    let target = target(applyset);
    let (kinds, listed) = futures::join!(cluster.kinds(Freshness::Latest), all(cluster, &target));
    let is_there = kinds
        .as_ref()
        .is_ok_and(|kinds| kinds.get(&resource().gvk()).is_some());
    let parents = match (is_there, listed) {
        (false, _) => Ok(Parents::default()),
        // It came in between.
        (true, Err(error)) if error.is_not_found() => {
            sort_out(applyset, all(cluster, &target).await)
        }
        (true, listed) => sort_out(applyset, listed),
    };
    (kinds, parents)
}

fn sort_out(applyset: &ApplySet, listed: Listed) -> Result<Parents, Diagnostic> {
    let target = target(applyset);
    let (own, others) = listed.map_err(|error| match error.kind() {
        ErrorKind::Forbidden => diagnose(&error, UNREADABLE),
        _ => diagnose(&error, "apply/parent"),
    })?;
    let others = others.iter().map(Neighbour::of_parent).collect();
    let Some(live) = own else {
        return Ok(Parents { own: None, others });
    };
    let tool = live
        .annotation(TOOLING)
        .map(|tooling| tooling.split('/').next().unwrap_or(tooling));
    if let Some(other) = tool.filter(|tool| *tool != TOOL) {
        let message = format!("`{target}` is managed by `{other}`");
        return Err(Diagnostic::error("apply/parent", message).help(format!(
            "rename the environment, or let `{other}` go and delete the annotation `{TOOLING}`"
        )));
    }
    match live.annotation(ENVIRONMENT) {
        Some(other) if other != applyset.environment() => {
            let message = format!(
                "environments `{}` and `{other}` would share the name `{}` in the cluster",
                applyset.environment(),
                applyset.parent()
            );
            Err(Diagnostic::error("apply/parent", message).help("rename one of the two"))
        }
        _ => Ok(Parents {
            own: Some(live),
            others,
        }),
    }
}

/// The parent and those of the other environments; only the parent where we may not list them.
async fn all(cluster: &dyn Cluster, target: &Target) -> Listed {
    match cluster.list(&target.resource, &Selection::default()).await {
        Ok(listing) => {
            let is_own = |live: &Live| live.text(&["metadata", "name"]) == target.name;
            let (own, others): (Vec<_>, Vec<_>) = listing.items.into_iter().partition(is_own);
            Ok((own.into_iter().next(), others))
        }
        Err(error) if *error.kind() == ErrorKind::Forbidden => {
            Ok((cluster.get(target).await?, Vec::new()))
        }
        Err(error) => Err(error),
    }
}

/// Makes sure that the parent's kind is there and is the one that this version of trueup writes.
pub(super) async fn ensure_kind(cluster: &dyn Cluster, kinds: &Kinds) -> Result<(), Error> {
    let Some(crds) = kinds.preferred("apiextensions.k8s.io", "CustomResourceDefinition") else {
        let message = "the server knows no custom resources";
        return Err(Error::new(
            ErrorKind::Fatal,
            "use",
            "CustomResourceDefinition",
            message,
        ));
    };
    let name = format!("{PLURAL}.{PARENT_GROUP}");
    let target = Target {
        resource: Arc::clone(crds),
        namespace: String::new(),
        name,
    };
    if let Some(live) = cluster.get(&target).await?
        && is_as_new(&live)
        && kinds.get(&resource().gvk()).is_some()
    {
        return Ok(());
    }
    let body = definition().to_string();
    cluster
        .apply(&target, body.into(), &options(FIELD_MANAGER))
        .await?;
    until_served(cluster, &target).await
}

/// Whether a CRD, or a parent that was written for it, is of this version of ours or a newer one.
pub(super) fn is_as_new(crd: &Live) -> bool {
    let number = |text: &str| text.parse::<u32>().unwrap_or_default();
    crd.annotation(SCHEMA.0)
        .is_some_and(|schema| number(schema) >= number(SCHEMA.1))
}

async fn until_served(cluster: &dyn Cluster, crd: &Target) -> Result<(), Error> {
    const PAUSE: Duration = Duration::from_millis(50);
    const TRIES: usize = 200;
    for _ in 0..TRIES {
        let established = cluster
            .get(crd)
            .await?
            .is_some_and(|live| health(&live).is_current());
        if established
            && cluster
                .kinds(Freshness::Latest)
                .await?
                .get(&resource().gvk())
                .is_some()
        {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    let message = "its CustomResourceDefinition was not established in time";
    Err(Error::new(
        ErrorKind::Transient,
        "use",
        crd.to_string(),
        message,
    ))
}

fn options(field_manager: &'static str) -> ApplyOptions {
    ApplyOptions {
        field_manager: field_manager.into(),
        force: true,
        dry_run: false,
        subresource: None,
    }
}

/// Writes where members may be, where that is not what the parent already says. Gives the parent.
pub(super) async fn write_reach(
    cluster: &dyn Cluster,
    applyset: &ApplySet,
    live: Option<&Live>,
    source: Option<&str>,
    reach: &Reach,
) -> Result<Option<Live>, Error> {
    let source = source.or_else(|| live?.annotation(SOURCE));
    let source = source.map(|source| (SOURCE, source.to_owned()));
    let annotations = [
        (ENVIRONMENT, applyset.environment().to_owned()),
        (TOOLING, format!("{TOOL}/v{}", env!("CARGO_PKG_VERSION"))),
        (GROUP_KINDS, reach.kinds_annotation()),
        (NAMESPACES, reach.namespaces_annotation()),
        (SCHEMA.0, SCHEMA.1.to_owned()),
        (PATCHED, reach.patched_annotation()),
    ];
    let annotations: Vec<(&str, String)> = annotations.into_iter().chain(source).collect();
    let is_written = live.is_some_and(|live| {
        live.label(PARENT_ID) == Some(applyset.id())
            && annotations
                .iter()
                .all(|(key, value)| live.annotation(key) == Some(value))
    });
    if is_written {
        return Ok(None);
    }
    let annotations: serde_json::Map<String, Value> = annotations
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    let body = json!({
        "apiVersion": format!("{PARENT_GROUP}/{VERSION}"),
        "kind": PARENT_KIND,
        "metadata": {
            "name": applyset.parent(),
            "labels": {PARENT_ID: applyset.id()},
            "annotations": annotations,
        },
    });
    let target = target(applyset);
    let applied = apply_parent(cluster, &target, body.to_string().into()).await?;
    Ok(Some(applied.live))
}

/// Applies the parent. A kind that discovery shows may be served a moment later.
async fn apply_parent(
    cluster: &dyn Cluster,
    target: &Target,
    body: Bytes,
) -> Result<Applied, Error> {
    const PAUSE: Duration = Duration::from_millis(100);
    const TRIES: usize = 50;
    let options = options(PARENT_MANAGER);
    for _ in 1..TRIES {
        match cluster.apply(target, body.clone(), &options).await {
            Err(error) if error.is_not_found() => tokio::time::sleep(PAUSE).await,
            answer => return answer,
        }
    }
    cluster.apply(target, body, &options).await
}

/// Writes the parent's status.
pub(super) async fn write_status(
    cluster: &dyn Cluster,
    applyset: &ApplySet,
    status: &Value,
) -> Result<(), Error> {
    let body = json!({
        "apiVersion": format!("{PARENT_GROUP}/{VERSION}"),
        "kind": PARENT_KIND,
        "metadata": {"name": applyset.parent()},
        "status": status,
    });
    let options = ApplyOptions {
        subresource: Some("status"),
        ..options(FIELD_MANAGER)
    };
    cluster
        .apply(&target(applyset), body.to_string().into(), &options)
        .await?;
    Ok(())
}

/// The CRD of the parent's kind.
fn definition() -> Value {
    let text = json!({"type": "string"});
    let whole = json!({"type": "integer", "format": "int64"});
    let condition = json!({
        "type": "object",
        "required": ["type", "status", "lastTransitionTime", "reason", "message"],
        "properties": {
            "type": text,
            "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
            "observedGeneration": whole,
            "lastTransitionTime": {"type": "string", "format": "date-time"},
            "reason": text,
            "message": text,
        },
    });
    let status = json!({
        "type": "object",
        "properties": {
            "observedGeneration": whole,
            "observedRevision": text,
            "conditions": {
                "type": "array",
                "items": condition,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            },
            "objects": {
                "type": "object",
                "additionalProperties": whole,
            },
            "claims": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
            "lastChange": {
                "type": "object",
                "properties": {
                    "time": {"type": "string", "format": "date-time"},
                    "revision": text,
                    "summary": text,
                },
            },
        },
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{PLURAL}.{PARENT_GROUP}"),
            "labels": {PARENT_TYPE: "true"},
            "annotations": {SCHEMA.0: SCHEMA.1},
        },
        "spec": {
            "group": PARENT_GROUP,
            "scope": "Cluster",
            "names": {
                "kind": PARENT_KIND,
                "listKind": format!("{PARENT_KIND}List"),
                "plural": PLURAL,
                "singular": "environment",
                "shortNames": ["env"],
            },
            "versions": [{
                "name": VERSION,
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "additionalPrinterColumns": [
                    {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"},
                    {"name": "Revision", "type": "string", "jsonPath": ".status.observedRevision"},
                    {"name": "Message", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"},
                    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
                ],
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "description": "What trueup keeps true in this cluster: the parent of an ApplySet. trueup writes it; its status says how far it is.",
                    "properties": {
                        "apiVersion": text,
                        "kind": text,
                        "metadata": {"type": "object"},
                        "status": status,
                    },
                }},
            }],
        },
    })
}
