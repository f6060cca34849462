//! OpenAPI v3 documents, one for each group version.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::http::accept::Accepted;
use crate::http::hex;
use crate::http::reply::{Reply, ReplyBody};
use crate::registry::GroupVersion;
use crate::server::core::Core;
use crate::status::ApiError;

/// `/openapi/v2` is not served: clients of the last years ask for v3 first.
pub(super) fn no_v2() -> ApiError {
    ApiError::not_acceptable("application/json at /openapi/v3")
}

/// `/openapi/v3`
pub(super) fn index(core: &Core) -> Reply {
    let mut paths = serde_json::Map::new();
    for gv in core.registry().groups() {
        let path = path_of(&gv);
        let hash = hex(&Sha256::digest(text(core, &gv))).to_uppercase();
        let url = format!("/openapi/v3/{path}?hash={hash}");
        paths.insert(path, json!({"serverRelativeURL": url}));
    }
    let body = serde_json::to_vec(&json!({"paths": paths})).unwrap_or_default();
    Reply::new(200, "application/json", ReplyBody::whole(body))
}

/// `/openapi/v3/<path>`
pub(super) fn document(core: &Core, path: &str, _accept: &str) -> Result<Reply, ApiError> {
    let groups = core.registry().groups();
    let found = groups.iter().find(|gv| path_of(gv) == path);
    let Some(gv) = found else {
        return Ok(Reply::text(404, "404 page not found\n"));
    };
    let _ = Accepted::JSON;
    Ok(Reply::new(
        200,
        "application/json",
        ReplyBody::whole(text(core, gv)),
    ))
}

fn path_of(gv: &GroupVersion) -> String {
    if gv.group.is_empty() {
        format!("api/{}", gv.version)
    } else {
        format!("apis/{}/{}", gv.group, gv.version)
    }
}

fn text(_core: &Core, gv: &GroupVersion) -> Vec<u8> {
    let mut paths = serde_json::Map::new();
    for resource in &gv.resources {
        let base = format!("/{}", path_of(gv));
        let collection = if resource.namespaced() {
            format!("{base}/namespaces/{{namespace}}/{}", resource.plural)
        } else {
            format!("{base}/{}", resource.plural)
        };
        let gvk = json!({"group": gv.group, "version": gv.version, "kind": resource.kind});
        let parameters = json!([
            {"name": "dryRun", "in": "query", "schema": {"type": "string"}},
            {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}},
            {"name": "fieldManager", "in": "query", "schema": {"type": "string"}},
        ]);
        let operation = |action: &str| {
            json!({
                "parameters": parameters,
                "responses": {"200": {"description": "OK"}},
                "x-kubernetes-action": action,
                "x-kubernetes-group-version-kind": gvk,
            })
        };
        paths.insert(collection.clone(), json!({"post": operation("post")}));
        paths.insert(
            format!("{collection}/{{name}}"),
            json!({"put": operation("put"), "patch": operation("patch")}),
        );
    }
    let document: Value = json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": super::GIT_VERSION},
        "paths": paths,
        "components": {"schemas": {}},
    });
    serde_json::to_vec(&document).unwrap_or_default()
}
