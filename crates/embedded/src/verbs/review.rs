//! Reviews: questions about access and identity that store nothing.

use serde_json::{Value, json};

use super::{Answer, Call, body};
use crate::access::USER;
use crate::log::RequestInfo;
use crate::meta;
use crate::registry::Resource;
use crate::status::ApiError;

pub(super) fn is_review(resource: &Resource) -> bool {
    matches!(
        resource.group.as_str(),
        "authentication.k8s.io" | "authorization.k8s.io"
    )
}

pub(super) fn run(call: &Call<'_>) -> Result<Answer, ApiError> {
    if call.info.verb != "create" {
        return Err(ApiError::method_not_allowed());
    }
    let mut review = body::object(call)?;
    if let Some(map) = review.as_object_mut() {
        map.entry("metadata").or_insert_with(|| json!({}));
    }
    let status = match call.resource.plural.as_str() {
        "selfsubjectaccessreviews" | "subjectaccessreviews" | "localsubjectaccessreviews" => {
            access(call, &review)
        }
        "selfsubjectreviews" => json!({"userInfo": user()}),
        "selfsubjectrulesreviews" => json!({
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": false,
        }),
        // There are no tokens here: none is valid.
        _ => {
            json!({"authenticated": false, "user": {}, "error": "the embedded API server issues no tokens"})
        }
    };
    meta::put(&mut review, "status", status);
    Ok(Answer::other(201, review))
}

fn access(call: &Call<'_>, review: &Value) -> Value {
    let attributes = review.pointer("/spec/resourceAttributes");
    let text = |field: &str| {
        attributes
            .and_then(|a| a.get(field))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let info = RequestInfo {
        verb: text("verb"),
        group: text("group"),
        version: text("version"),
        resource: text("resource"),
        subresource: text("subresource"),
        namespace: text("namespace"),
        name: text("name"),
    };
    match attributes.and_then(|_| call.core.access.denied(&info)) {
        None => json!({"allowed": true}),
        Some(_) => json!({"allowed": false}),
    }
}

fn user() -> Value {
    json!({"username": USER, "groups": ["system:masters", "system:authenticated"]})
}
