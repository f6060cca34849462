//! Writes by the server's own controllers: the same rules as requests, without HTTP.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::{Call, DeleteOptions, Part, Warnings, create, delete, update};
use crate::http::query::Query;
use crate::http::target::ResourcePath;
use crate::kinds;
use crate::log::RequestInfo;
use crate::meta;
use crate::ownership;
use crate::registry::{GroupResource, Resource};
use crate::server::core::Core;
use crate::status::ApiError;
use crate::store::{Key, Stored};

/// A client within the server, under a manager's name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inside<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) manager: &'a str,
}

impl Inside<'_> {
    fn with<T>(
        &self,
        resource: Arc<Resource>,
        key: &Key,
        verb: &str,
        act: impl FnOnce(&Call<'_>) -> T,
    ) -> T {
        let path = ResourcePath {
            group: resource.group.clone(),
            version: resource.version.clone(),
            namespace: key.namespace.clone(),
            resource: resource.plural.clone(),
            name: key.name.clone(),
            subresource: String::new(),
            rest: false,
            watch_prefix: false,
        };
        let info = RequestInfo {
            verb: verb.to_owned(),
            ..RequestInfo::default()
        };
        act(&Call {
            core: self.core,
            resource,
            path: &path,
            query: &Query::default(),
            info: &info,
            manager: self.manager,
            content_type: "",
            body: &Bytes::new(),
            warnings: &Warnings::default(),
        })
    }

    fn resource(&self, collection: &GroupResource) -> Result<Arc<Resource>, ApiError> {
        self.core
            .resource(collection)
            .ok_or_else(ApiError::no_such_resource)
    }

    /// Creates an object; its `apiVersion` and `kind` are the collection's.
    pub(crate) fn create(
        &self,
        collection: &GroupResource,
        mut object: Value,
    ) -> Result<Arc<Stored>, ApiError> {
        let resource = self.resource(collection)?;
        meta::put(&mut object, "apiVersion", resource.api_version());
        meta::put(&mut object, "kind", resource.kind.as_str());
        let key = Key::new(meta::namespace(&object), "");
        kinds::settle(&resource, &mut object);
        self.with(resource, &key, "create", |call| {
            let writer = call.writer("");
            let object =
                ownership::record_update(&call.resource, &call.served(""), None, object, &writer);
            create::store_new(call, object, false)
        })
    }

    /// Changes a part of an object; `None` when the object is gone.
    pub(crate) fn edit(
        &self,
        collection: &GroupResource,
        key: &Key,
        part: Part,
        edit: impl Fn(&mut Value),
    ) -> Result<Option<Arc<Stored>>, ApiError> {
        let resource = self.resource(collection)?;
        let result = self.with(resource, key, "patch", |call| {
            let subresource = part.subresource();
            let (served, writer) = (call.served(subresource), call.writer(subresource));
            update::change(call, part, false, |old| {
                let mut new = old.clone();
                edit(&mut new);
                kinds::settle(&call.resource, &mut new);
                Ok(ownership::record_update(
                    &call.resource,
                    &served,
                    Some(old),
                    new,
                    &writer,
                ))
            })
        });
        match result {
            Err(error) if error.code() == 404 => Ok(None),
            other => other.map(Some),
        }
    }

    /// Deletes an object; gone already is fine.
    pub(crate) fn delete(
        &self,
        collection: &GroupResource,
        key: &Key,
        options: &DeleteOptions,
    ) -> Result<(), ApiError> {
        let resource = self.resource(collection)?;
        match delete::remove(self.core, &resource, key, options) {
            Err(error) if matches!(error.code(), 404 | 409) => Ok(()),
            other => other.map(drop),
        }
    }
}
