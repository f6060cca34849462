//! OpenAPI v3 documents, one for each group version, from the schemas of the kinds it serves.
//!
//! Descriptions are not in the built-in schemas; those of CRDs are passed on.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use trueup_schema::builtin;

use crate::http::hex;
use crate::http::reply::{Reply, ReplyBody};
use crate::registry::{GroupVersion, Resource};
use crate::server::core::Core;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";

/// `/openapi/v2`: an empty document. Clients of the last years ask for v3 first and come here to
/// be told that a kind is not known; kubectl then wants Protobuf.
pub(super) fn v2(accept: &str) -> Reply {
    let version = format!("1.{}", super::MINOR);
    if !accept.contains("proto-openapi.spec.v2") {
        let document = json!({
            "swagger": "2.0",
            "info": {"title": "Kubernetes", "version": version},
            "paths": {},
            "definitions": {},
        });
        let body = serde_json::to_vec(&document).unwrap_or_default();
        return Reply::new(200, "application/json", ReplyBody::whole(body));
    }
    // gnostic's `Document`: 1 is `swagger`, 2 is `info` with 1 `title` and 2 `version`, 8 `paths`.
    let info = [field(1, b"Kubernetes"), field(2, version.as_bytes())].concat();
    let body = [field(1, b"2.0"), field(2, &info), field(8, b"")].concat();
    let media = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    Reply::new(200, media, ReplyBody::whole(body))
}

/// A length-delimited Protobuf field shorter than 128 bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap_or(0);
    [&[number << 3 | 2, length], content].concat()
}

/// `/openapi/v3`
pub(super) fn index(core: &Core) -> Reply {
    let mut paths = Map::new();
    for gv in core.registry().groups() {
        let path = path_of(&gv);
        let url = format!("/openapi/v3/{path}?hash={}", fingerprint(&gv));
        paths.insert(path, json!({"serverRelativeURL": url}));
    }
    let body = serde_json::to_vec(&json!({"paths": paths})).unwrap_or_default();
    Reply::new(200, "application/json", ReplyBody::whole(body))
}

/// `/openapi/v3/<path>`
pub(super) fn document(core: &Core, path: &str) -> Reply {
    let groups = core.registry().groups();
    let Some(gv) = groups.iter().find(|gv| path_of(gv) == path) else {
        return Reply::text(404, "404 page not found\n");
    };
    let body = serde_json::to_vec(&text(gv)).unwrap_or_default();
    let mut reply = Reply::new(200, "application/json", ReplyBody::whole(body));
    reply
        .headers
        .push(("etag", format!("\"{}\"", fingerprint(gv))));
    reply
}

/// Changes whenever the document does: built-in schemas change with the release only.
fn fingerprint(gv: &GroupVersion) -> String {
    let mut hash = Sha256::new();
    hash.update(super::GIT_VERSION);
    hash.update(path_of(gv));
    for custom in gv
        .resources
        .iter()
        .filter_map(|resource| resource.custom.as_ref())
    {
        hash.update(custom.schema.to_string());
    }
    hex(&hash.finalize()).to_uppercase()
}

fn path_of(gv: &GroupVersion) -> String {
    if gv.group.is_empty() {
        format!("api/{}", gv.version)
    } else {
        format!("apis/{}/{}", gv.group, gv.version)
    }
}

fn text(gv: &GroupVersion) -> Value {
    let mut paths = Map::new();
    let mut models = vec![OBJECT_META.to_owned(), DELETE_OPTIONS.to_owned()];
    let mut custom = Map::new();
    for resource in &gv.resources {
        let model = model(resource);
        if resource.custom.is_some() {
            custom.insert(model.clone(), custom_schema(resource));
        } else {
            models.push(model.clone());
        }
        endpoints(gv, resource, &model, &mut paths);
    }
    let mut schemas: Map<String, Value> = builtin::open_api(models.iter().map(String::as_str))
        .into_iter()
        .collect();
    schemas.extend(custom);
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": format!("1.{}", super::MINOR)},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

/// `io.k8s.api.apps.v1.Deployment`, or `com.example.v1.Widget` of a CRD in `example.com`.
fn model(resource: &Resource) -> String {
    let builtin = builtin::model_name(&resource.group, &resource.version, &resource.kind);
    builtin
        .filter(|_| resource.custom.is_none())
        .unwrap_or_else(|| {
            let group: Vec<&str> = resource.group.split('.').rev().collect();
            format!("{}.{}.{}", group.join("."), resource.version, resource.kind)
        })
}

fn custom_schema(resource: &Resource) -> Value {
    let mut schema = resource
        .custom
        .as_ref()
        .map_or(Value::Null, |custom| custom.schema.clone());
    let map = crate::meta::as_map(&mut schema);
    map.entry("type").or_insert_with(|| json!("object"));
    map.insert(
        "x-kubernetes-group-version-kind".to_owned(),
        json!([{"group": resource.group, "version": resource.version, "kind": resource.kind}]),
    );
    let properties = crate::meta::section_of(map, "properties");
    for field in ["apiVersion", "kind"] {
        properties
            .entry(field)
            .or_insert_with(|| json!({"type": "string"}));
    }
    let reference = format!("#/components/schemas/{OBJECT_META}");
    properties.insert(
        "metadata".to_owned(),
        json!({"allOf": [{"$ref": reference}]}),
    );
    schema
}

/// The operations clients look for: which kind they take, and which parameters they understand.
fn endpoints(gv: &GroupVersion, resource: &Resource, model: &str, paths: &mut Map<String, Value>) {
    let base = format!("/{}", path_of(gv));
    let collection = if resource.namespaced() {
        format!("{base}/namespaces/{{namespace}}/{}", resource.plural)
    } else {
        format!("{base}/{}", resource.plural)
    };
    let content = json!({"schema": {"$ref": format!("#/components/schemas/{model}")}});
    let operation = |verb: &str| -> Value {
        let mut names = vec!["dryRun", "fieldManager", "fieldValidation"];
        if verb == "patch" {
            names.push("force");
        }
        let parameters: Vec<Value> = names
            .into_iter()
            .map(|name| {
                let kind = if name == "force" { "boolean" } else { "string" };
                json!({"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": true}})
            })
            .collect();
        json!({
            "parameters": if verb == "get" { json!([]) } else { json!(parameters) },
            "responses": {"200": {
                "description": "OK",
                "content": {"application/json": content},
            }},
            "x-kubernetes-action": verb,
            "x-kubernetes-group-version-kind":
                {"group": gv.group, "version": gv.version, "kind": resource.kind},
        })
    };
    let mut add = |path: String, verbs: &[(&str, &str, &str)]| {
        let operations: Map<String, Value> = verbs
            .iter()
            .filter(|(verb, _, _)| resource.has_verb(verb))
            .map(|(_, method, action)| ((*method).to_owned(), operation(action)))
            .collect();
        if !operations.is_empty() {
            paths.insert(path, Value::Object(operations));
        }
    };
    add(
        collection.clone(),
        &[("create", "post", "post"), ("list", "get", "list")],
    );
    add(
        format!("{collection}/{{name}}"),
        &[
            ("get", "get", "get"),
            ("update", "put", "put"),
            ("patch", "patch", "patch"),
            ("delete", "delete", "delete"),
        ],
    );
}
