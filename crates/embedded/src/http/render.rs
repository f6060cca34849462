//! An answer in the representation the client asked for.

use std::sync::Arc;

use serde_json::{Value, json};

use super::accept::{Accepted, Form};
use super::plain;
use super::reply::Reply;
use crate::meta;
use crate::registry::Resource;
use crate::store::Stored;
use crate::table;
use crate::verbs::{Answer, Call};

pub(super) fn reply(call: &Call<'_>, answer: Answer, accepted: &Accepted) -> Reply {
    match answer {
        Answer::Object { code, object } => {
            let include = call.query.get("includeObject");
            let value = representation(
                &call.resource,
                &object,
                accepted,
                include,
                true,
                &call.core.clock,
            );
            Reply::value(code, &value, accepted)
        }
        Answer::Other { code, value } => Reply::value(code, &value, &plain(accepted)),
        Answer::List(page) => {
            let mut metadata = json!({"resourceVersion": page.revision.to_string()});
            // The list type of custom resources has no way to leave an empty token out.
            let untyped = call.resource.custom.is_some() && accepted.form != Form::Table;
            if !page.next.is_empty() || untyped {
                meta::put(&mut metadata, "continue", json!(page.next));
            }
            if let Some(remaining) = page.remaining {
                meta::put(&mut metadata, "remainingItemCount", json!(remaining));
            }
            let value = list(call, &page.objects, &metadata, accepted);
            Reply::value(200, &value, accepted)
        }
    }
}

/// One object: as it is, as a table of one row, or its metadata.
pub(crate) fn representation(
    resource: &Resource,
    object: &Arc<Stored>,
    accepted: &Accepted,
    include: &str,
    columns: bool,
    clock: &crate::server::ids::Clock,
) -> Value {
    match accepted.form {
        Form::Object | Form::Discovery => served(resource, &object.value),
        Form::Table => {
            let metadata = json!({"resourceVersion": meta::resource_version(&object.value)});
            let objects = std::slice::from_ref(object);
            table::table(
                resource,
                objects,
                &metadata,
                accepted,
                include,
                columns,
                clock(),
            )
        }
        Form::PartialMetadata | Form::PartialMetadataList => partial(&object.value, accepted),
    }
}

fn list(call: &Call<'_>, objects: &[Arc<Stored>], metadata: &Value, accepted: &Accepted) -> Value {
    match accepted.form {
        Form::Table => {
            let include = call.query.get("includeObject");
            let now = (call.core.clock)();
            table::table(
                &call.resource,
                objects,
                metadata,
                accepted,
                include,
                true,
                now,
            )
        }
        Form::PartialMetadata | Form::PartialMetadataList => json!({
            "kind": "PartialObjectMetadataList",
            "apiVersion": format!("meta.k8s.io/{}", accepted.version),
            "metadata": metadata,
            "items": objects.iter().map(|o| partial(&o.value, accepted)).collect::<Vec<_>>(),
        }),
        Form::Object | Form::Discovery => json!({
            "kind": call.resource.list_kind,
            "apiVersion": call.resource.api_version(),
            "metadata": metadata,
            "items": objects
                .iter()
                .map(|object| item(&call.resource, &object.value))
                .collect::<Vec<_>>(),
        }),
    }
}

/// The object in the version asked for.
pub(crate) fn served(resource: &Resource, object: &Value) -> Value {
    crate::kinds::convert(object, resource)
}

/// An object within a list: built-in kinds leave out kind and version there, custom ones do not.
fn item(resource: &Resource, object: &Value) -> Value {
    let mut object = served(resource, object);
    if resource.custom.is_none()
        && let Some(map) = object.as_object_mut()
    {
        map.remove("kind");
        map.remove("apiVersion");
    }
    object
}

pub(crate) fn partial(object: &Value, accepted: &Accepted) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": format!("meta.k8s.io/{}", accepted.version),
        "metadata": object.get("metadata").cloned().unwrap_or_default(),
    })
}
