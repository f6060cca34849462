//! The requests of the Kubernetes API as plain values: method, path, query, body.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::{ApplyOptions, DeleteOptions, Patch, Propagation, Resource, Selection, Target};

/// How many objects a page of a list holds.
const PAGE: &str = "1000";
/// After how many seconds a server ends a watch by itself.
const WATCH_SECONDS: &str = "290";

/// A request before it is sent.
pub(super) struct Request {
    pub method: Method,
    pub path: String,
    pub content_type: Option<&'static str>,
    pub body: Bytes,
}

impl Request {
    fn new(method: Method, path: &str, query: &[(&str, &str)]) -> Self {
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        for (key, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
            encoded.append_pair(key, value);
        }
        let query = encoded.finish();
        let path = if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        };
        Self {
            method,
            path,
            content_type: None,
            body: Bytes::new(),
        }
    }

    fn with_body(mut self, content_type: &'static str, body: Bytes) -> Self {
        self.content_type = Some(content_type);
        self.body = body;
        self
    }

    pub(super) fn read(path: &str) -> Self {
        Self::new(Method::GET, path, &[])
    }

    pub(super) fn list(resource: &Resource, selection: &Selection, go_on: &str) -> Self {
        let query = [
            ("labelSelector", selection.labels.as_str()),
            ("fieldSelector", selection.fields.as_str()),
            ("limit", PAGE),
            ("continue", go_on),
        ];
        Self::new(Method::GET, &resource.path(&selection.namespace), &query)
    }

    pub(super) fn watch(resource: &Resource, selection: &Selection, version: &str) -> Self {
        let query = [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", version),
            ("timeoutSeconds", WATCH_SECONDS),
            ("labelSelector", selection.labels.as_str()),
            ("fieldSelector", selection.fields.as_str()),
        ];
        Self::new(Method::GET, &resource.path(&selection.namespace), &query)
    }

    pub(super) fn apply(target: &Target, body: Bytes, options: &ApplyOptions) -> Self {
        let query = [
            ("fieldManager", &*options.field_manager),
            ("force", if options.force { "true" } else { "" }),
            ("dryRun", if options.dry_run { "All" } else { "" }),
            ("fieldValidation", "Strict"),
        ];
        let mut path = target.path();
        if let Some(subresource) = options.subresource {
            path.push('/');
            path.push_str(subresource);
        }
        // JSON is YAML: the one media type of server-side apply takes it.
        Self::new(Method::PATCH, &path, &query).with_body("application/apply-patch+yaml", body)
    }

    pub(super) fn patch(target: &Target, patch: &Patch, manager: &str, dry_run: bool) -> Self {
        let query = [
            ("fieldManager", manager),
            ("dryRun", if dry_run { "All" } else { "" }),
            ("fieldValidation", "Strict"),
        ];
        let (content_type, value) = match patch {
            Patch::Json(value) => ("application/json-patch+json", value),
            Patch::Merge(value) => ("application/merge-patch+json", value),
        };
        Self::new(Method::PATCH, &target.path(), &query)
            .with_body(content_type, value.to_string().into())
    }

    pub(super) fn delete(target: &Target, options: &DeleteOptions) -> Self {
        let mut body = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": match options.propagation {
                Propagation::Background => "Background",
                Propagation::Foreground => "Foreground",
                Propagation::Orphan => "Orphan",
            },
        });
        let mut preconditions = serde_json::Map::new();
        if let Some(uid) = &options.uid {
            preconditions.insert("uid".to_owned(), uid.as_str().into());
        }
        if let Some(version) = &options.resource_version {
            preconditions.insert("resourceVersion".to_owned(), version.as_str().into());
        }
        if let Value::Object(object) = &mut body {
            if !preconditions.is_empty() {
                object.insert("preconditions".to_owned(), Value::Object(preconditions));
            }
            if options.dry_run {
                object.insert("dryRun".to_owned(), json!(["All"]));
            }
        }
        Self::new(Method::DELETE, &target.path(), &[])
            .with_body("application/json", body.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cluster::resource::resource;

    fn target() -> Target {
        Target {
            resource: Arc::new(resource("apps", "v1", "Deployment", true)),
            namespace: "web".into(),
            name: "api".into(),
        }
    }

    #[test]
    fn an_apply_names_its_manager_and_is_strict() {
        let options = ApplyOptions {
            field_manager: "trueup".into(),
            force: true,
            dry_run: true,
            subresource: Some("status"),
        };
        let request = Request::apply(&target(), "{}".into(), &options);
        assert_eq!(
            request.path,
            "/apis/apps/v1/namespaces/web/deployments/api/status?fieldManager=trueup&force=true&dryRun=All&fieldValidation=Strict"
        );
        assert_eq!(request.content_type, Some("application/apply-patch+yaml"));
    }

    #[test]
    fn a_delete_carries_its_preconditions_in_the_body() {
        let options = DeleteOptions {
            uid: Some("u".into()),
            ..DeleteOptions::default()
        };
        let request = Request::delete(&target(), &options);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["preconditions"], json!({"uid": "u"}));
        assert_eq!(body["propagationPolicy"], "Background");
        assert!(body.get("dryRun").is_none());
    }

    #[test]
    fn selectors_are_encoded() {
        let selection = Selection::labelled("a/b=c,d");
        let request = Request::list(&target().resource, &selection, "");
        assert_eq!(
            request.path,
            "/apis/apps/v1/deployments?labelSelector=a%2Fb%3Dc%2Cd&limit=1000"
        );
    }
}
