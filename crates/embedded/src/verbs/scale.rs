//! The `scale` subresource: `autoscaling/v1 Scale` read from and written to its parent.

use serde_json::{Value, json};

use super::{Answer, Call, Part, body, update};
use crate::kinds;
use crate::meta;
use crate::ownership::{self, Writer};
use crate::status::ApiError;
use crate::table;

/// Where a parent keeps what a Scale shows, as dotted paths.
struct Paths {
    spec: String,
    status: String,
    selector: String,
}

pub(super) fn run(call: &Call<'_>) -> Result<Answer, ApiError> {
    let paths = paths(call)?;
    match call.info.verb.as_str() {
        "get" => {
            let stored = call.existing()?;
            let replicas = get(&stored.value, &paths.spec).and_then(Value::as_i64);
            if call.resource.custom.is_some() && replicas.is_none() {
                let path = &paths.spec;
                let why = format!("the spec replicas field \".{path}\" does not exist");
                return Err(ApiError::internal(why));
            }
            Ok(Answer::other(200, scale_of(&paths, &stored.value)))
        }
        "update" => {
            let scale = body::parse(call)?.value;
            write(call, &paths, |_| Ok(scale.clone()))
        }
        "patch" => write(call, &paths, |current| patched(call, current)),
        _ => Err(ApiError::method_not_allowed()),
    }
}

fn patched(call: &Call<'_>, current: &Value) -> Result<Value, ApiError> {
    let malformed =
        |e: serde_json::Error| ApiError::bad_request(format!("error decoding patch: {e}"));
    let mut scale = current.clone();
    match call
        .content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
    {
        "application/json-patch+json" => {
            let patch: json_patch::Patch = serde_json::from_slice(call.body).map_err(malformed)?;
            json_patch::patch(&mut scale, &patch).map_err(|_| ApiError::patch_does_not_apply())?;
        }
        // A Scale has no lists that merge by key, so a strategic patch is a merge patch, and an
        // apply of its one field comes to the same.
        "application/merge-patch+json"
        | "application/strategic-merge-patch+json"
        | "application/apply-patch+yaml" => {
            let patch = body::yaml(call.body)
                .map_err(|why| ApiError::bad_request(format!("error decoding patch: {why}")))?
                .value;
            json_patch::merge(&mut scale, &patch);
        }
        _ => {
            return Err(ApiError::unsupported_media_type(
                "application/merge-patch+json",
            ));
        }
    }
    Ok(scale)
}

fn write(
    call: &Call<'_>,
    paths: &Paths,
    make: impl Fn(&Value) -> Result<Value, ApiError>,
) -> Result<Answer, ApiError> {
    let served = call.served("scale");
    // The real server carries ownership over from the Scale to the object, and loses the time on the way.
    let writer = Writer {
        time: String::new(),
        ..call.writer("scale")
    };
    let stored = update::change(call, Part::Whole, call.dry_run()?, |old| {
        let scale = make(&scale_of(paths, old))?;
        let replicas = scale
            .pointer("/spec/replicas")
            .and_then(Value::as_i64)
            .unwrap_or(0);
        if replicas < 0 {
            let why = "must be greater than or equal to 0";
            let flaw = kinds::invalid("spec.replicas", replicas, why);
            return Err(ApiError::invalid(
                "autoscaling",
                "Scale",
                &call.path.name,
                &[flaw],
            ));
        }
        let mut new = old.clone();
        set(&mut new, &paths.spec, json!(replicas));
        for field in ["resourceVersion", "uid"] {
            meta::copy(&mut new, &scale, field);
        }
        Ok(ownership::record_update(
            &call.resource,
            &served,
            Some(old),
            new,
            &writer,
        ))
    })?;
    Ok(Answer::other(200, scale_of(paths, &stored.value)))
}

fn paths(call: &Call<'_>) -> Result<Paths, ApiError> {
    let builtin = |selector: &str| Paths {
        spec: "spec.replicas".to_owned(),
        status: "status.replicas".to_owned(),
        selector: selector.to_owned(),
    };
    let Some(custom) = &call.resource.custom else {
        return Ok(builtin("spec.selector"));
    };
    let scale = custom
        .scale
        .as_ref()
        .ok_or_else(ApiError::no_such_resource)?;
    let plain = |path: &str| path.trim_start_matches('.').to_owned();
    Ok(Paths {
        spec: plain(&scale.spec_replicas),
        status: plain(&scale.status_replicas),
        selector: plain(scale.label_selector.as_deref().unwrap_or_default()),
    })
}

fn scale_of(paths: &Paths, object: &Value) -> Value {
    let number = |path: &str| get(object, path).and_then(Value::as_i64);
    let mut metadata = json!({
        "name": meta::name(object),
        "namespace": meta::namespace(object),
        "uid": meta::uid(object),
        "resourceVersion": meta::resource_version(object),
        "creationTimestamp": meta::text(object, "creationTimestamp"),
    });
    if meta::namespace(object).is_empty()
        && let Some(map) = metadata.as_object_mut()
    {
        map.remove("namespace");
    }
    let mut scale = json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {},
        "status": {"replicas": number(&paths.status).unwrap_or(0)},
    });
    if let Some(replicas) = number(&paths.spec).filter(|n| *n != 0) {
        meta::section(&mut scale, "spec").insert("replicas".to_owned(), json!(replicas));
    }
    let selector = match get(object, &paths.selector) {
        Some(Value::String(text)) => text.clone(),
        Some(selector) => table::selector_text(selector),
        None => String::new(),
    };
    if !selector.is_empty() {
        meta::section(&mut scale, "status").insert("selector".to_owned(), json!(selector));
    }
    scale
}

fn get<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(object, |value, part| value.get(part))
}

fn set(object: &mut Value, path: &str, value: Value) {
    let mut slot = object;
    for part in path.split('.') {
        slot = meta::as_map(slot).entry(part).or_insert(Value::Null);
    }
    *slot = value;
}
