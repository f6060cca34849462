//! `managedFields`: who set which field, on every write, and server-side apply.
//!
//! In: the object before and after a write, or an applied configuration. Out: the object with its
//! `managedFields` brought up to date. The merging is `trueup-schema`'s; this room tells it what
//! versions of the kind there are. It must never store anything.

use std::sync::Arc;

use serde_json::Value;
use trueup_schema::apply::{self, ApplyError, Endpoint, Versions};
use trueup_schema::{FieldSet, Type, builtin};

use crate::kinds;
use crate::registry::Resource;
use crate::status::{ApiError, Cause};

/// Who writes, to which endpoint, and when.
#[derive(Debug, Clone)]
pub(crate) struct Writer<'a> {
    pub(crate) manager: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) time: String,
}

/// The versions of a kind at one endpoint.
pub(crate) struct Served {
    versions: Vec<(String, Arc<Resource>, FieldSet)>,
}

impl Served {
    /// `versions` are all served versions of the resource.
    pub(crate) fn new(versions: Vec<Arc<Resource>>, subresource: &str) -> Self {
        let versions = versions
            .into_iter()
            .map(|resource| {
                let reset = resets(&resource, subresource);
                (resource.api_version(), resource, reset)
            })
            .collect();
        Self { versions }
    }

    fn find(&self, api_version: &str) -> Option<&(String, Arc<Resource>, FieldSet)> {
        self.versions.iter().find(|found| found.0 == api_version)
    }
}

fn resets(resource: &Resource, subresource: &str) -> FieldSet {
    match (&resource.custom, subresource) {
        (None, subresource) => builtin::reset_fields(
            &resource.group,
            &resource.version,
            &resource.kind,
            subresource,
        ),
        (Some(custom), "") => custom.reset_by_main.clone(),
        (Some(custom), "status") => custom.reset_by_status.clone(),
        (Some(_), _) => FieldSet::new(),
    }
}

impl Versions for Served {
    fn type_of(&self, api_version: &str) -> Option<&Type> {
        self.find(api_version).map(|found| &found.1.ty)
    }

    fn convert(&self, object: &Value, api_version: &str) -> Result<Option<Value>, String> {
        Ok(self
            .find(api_version)
            .map(|found| kinds::convert(object, &found.1)))
    }

    fn reset_fields(&self, api_version: &str) -> Option<&FieldSet> {
        self.find(api_version).map(|found| &found.2)
    }

    fn settle(&self, api_version: &str, object: &mut Value) {
        if let Some(found) = self.find(api_version) {
            kinds::settle_applied(&found.1, object);
        }
    }
}

fn endpoint<'a>(
    resource: &'a Resource,
    api_version: &'a str,
    subresource: &'a str,
    served: &'a Served,
) -> Endpoint<'a> {
    Endpoint {
        api_version,
        kind: &resource.kind,
        subresource,
        versions: served,
    }
}

/// Brings `managedFields` of `new` up to date after a create, update or patch.
pub(crate) fn record_update(
    resource: &Resource,
    served: &Served,
    old: Option<&Value>,
    new: Value,
    writer: &Writer<'_>,
) -> Value {
    let api_version = resource.api_version();
    let endpoint = endpoint(resource, &api_version, writer.subresource, served);
    let writer = apply::Writer {
        manager: writer.manager,
        now: &writer.time,
    };
    apply::update(&endpoint, old, new, &writer)
}

/// Applies a configuration to `live` (or to nothing) and returns the object to write.
pub(crate) fn apply(
    resource: &Resource,
    served: &Served,
    live: Option<&Value>,
    config: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<Value, ApiError> {
    let api_version = resource.api_version();
    let endpoint = endpoint(resource, &api_version, writer.subresource, served);
    let writer = apply::Writer {
        manager: writer.manager,
        now: &writer.time,
    };
    apply::apply(&endpoint, live, config, &writer, force).map_err(|error| match error {
        ApplyError::Conflict(conflicts) => {
            let message = conflicts.to_string();
            let causes = conflicts
                .causes
                .into_iter()
                .map(|conflict| Cause {
                    reason: "FieldManagerConflict",
                    message: conflict.message,
                    field: conflict.field,
                })
                .collect();
            ApiError::apply_conflict(message, causes)
        }
        ApplyError::BadRequest(message) => ApiError::bad_request(message),
        ApplyError::Internal(message) => ApiError::unexpected(message),
    })
}
