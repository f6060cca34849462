//! Applies what Git empties of a custom resource: a list or map that held something of ours, and is to hold nothing.
//!
//! A server that takes our last items out of a list leaves `null` where Git says `[]` (structured-merge-diff forgets
//! that somebody still sets the list), and refuses the object it made itself, as `null` is no list. Without the list in
//! the manifest it takes the list away as a whole, and with it once more it sets an empty one.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{
    cluster::{Applied, ApplyOptions, Cluster, Error, ErrorKind, Live, Target},
    plan::{FIELD_MANAGER, is_item},
};

/// Applies an object of which `live` is there.
pub(super) async fn apply(
    cluster: &dyn Cluster,
    target: &Target,
    body: Bytes,
    options: &ApplyOptions,
    live: Option<&Live>,
) -> Result<Applied, Error> {
    let error = match cluster.apply(target, body.clone(), options).await {
        Err(error) if is_about_null(&error) => error,
        answer => return answer,
    };
    let owned = live.and_then(|live| live.applied_by(FIELD_MANAGER)?.get("fieldsV1")?.as_object());
    let (Some(owned), Ok(mut object)) = (owned, serde_json::from_slice(&body)) else {
        return Err(error);
    };
    if !take_out(&mut object, owned) {
        return Err(error);
    }
    let without = object.to_string().into();
    // What this says is about a manifest that nobody wrote.
    let Ok(applied) = cluster.apply(target, without, options).await else {
        return Err(error);
    };
    if options.dry_run {
        return Ok(applied);
    }
    cluster.apply(target, body, options).await
}

/// Whether a server refused an object because of a `null` where it wants a list or a map.
fn is_about_null(error: &Error) -> bool {
    let ErrorKind::Invalid { causes } = error.kind() else {
        return false;
    };
    causes.iter().any(|cause| {
        let says = |text| cause.message.contains(text);
        says("must be of type array: \"null\"") || says("must be of type object: \"null\"")
    })
}

/// Takes lists and maps out of a manifest that are empty and held something of ours. Whether there were any.
fn take_out(node: &mut Value, owned: &Map<String, Value>) -> bool {
    let mut any = false;
    for (field, children) in owned {
        let children = children.as_object();
        let Some(children) = children.filter(|all| all.keys().any(|key| key != ".")) else {
            continue;
        };
        if let (Some(key), Value::Object(fields)) = (field.strip_prefix("f:"), &mut *node) {
            match fields.get_mut(key) {
                Some(value) if is_empty(value) => any |= fields.remove(key).is_some(),
                Some(value) => {
                    let taken = take_out(value, children);
                    any |= taken;
                    // What holds nothing any more would come back as `null` itself.
                    if taken && is_empty(value) {
                        fields.remove(key);
                    }
                }
                None => {}
            }
        } else if let (Some(keys), Value::Array(items)) = (field.strip_prefix("k:"), &mut *node)
            && let Ok(keys) = serde_json::from_str(keys)
            && let Some(item) = items.iter_mut().find(|item| is_item(item, &keys))
        {
            any |= take_out(item, children);
        }
    }
    any
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_held_something_of_ours_is_taken_out() {
        let mut object = json!({"spec": {
            "slots": [], "words": {}, "volume": {}, "deep": {"slots": []}, "full": [{"name": "a", "inner": [], "empty": {}}],
        }});
        let owned = json!({"f:spec": {
            "f:slots": {"k:{\"name\":\"a\"}": {".": {}, "f:name": {}}},
            "f:words": {"f:a": {}},
            "f:volume": {},
            "f:deep": {"f:slots": {"v:1": {}}},
            "f:full": {"k:{\"name\":\"a\"}": {".": {}, "f:name": {}, "f:empty": {}, "f:inner": {"v:1": {}}}},
        }});
        let owned = owned.as_object().unwrap();
        assert!(take_out(&mut object, owned));
        assert_eq!(
            object,
            json!({"spec": {"volume": {}, "full": [{"name": "a", "empty": {}}]}})
        );
        assert!(!take_out(&mut object, owned));
    }
}
