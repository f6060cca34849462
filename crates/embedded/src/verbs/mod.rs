//! What each verb does to objects.
//!
//! In: a [`Call`], that is a request with its resource resolved. Out: an [`Answer`] or an
//! `ApiError`. Reads and writes go through the store alone; a write reads an object, makes the new
//! one without a lock held and commits it against the revision it read, as the real server does
//! over etcd.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json as value};

mod body;
mod collection;
mod create;
mod delete;
mod inside;
mod json;
mod list;
mod patch;
mod prepare;
mod read;
mod review;
mod scale;
mod update;

pub(crate) use delete::{CLEANUP, DeleteOptions, FOREGROUND, ORPHAN};
pub(crate) use inside::Inside;
pub(crate) use list::selection;
pub(crate) use prepare::Part;

use crate::http::query::{FieldValidation, Query};
use crate::http::target::ResourcePath;
use crate::kinds;
use crate::log::RequestInfo;
use crate::ownership::{Served, Writer};
use crate::registry::Resource;
use crate::server::core::Core;
use crate::status::{ApiError, Subject};
use crate::store::{Key, Stored};

/// A request for a resource.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) resource: Arc<Resource>,
    pub(crate) path: &'a ResourcePath,
    pub(crate) query: &'a Query,
    pub(crate) info: &'a RequestInfo,
    /// `fieldManager`, or the first word of the user agent.
    pub(crate) manager: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a Bytes,
    /// What the client is warned of, whether the request succeeds or not.
    pub(crate) warnings: &'a Warnings,
}

/// Texts of `Warning` headers in the order they came up, each once.
#[derive(Debug, Default)]
pub(crate) struct Warnings(RefCell<Vec<String>>);

impl Warnings {
    pub(crate) fn add(&self, text: impl Into<String>) {
        let text = text.into();
        let mut all = self.0.borrow_mut();
        if !text.is_empty() && !all.contains(&text) {
            all.push(text);
        }
    }

    pub(crate) fn into_texts(self) -> Vec<String> {
        self.0.into_inner()
    }
}

/// A successful answer before it is given its representation.
#[derive(Debug)]
pub(crate) enum Answer {
    /// One object, with its HTTP status.
    Object { code: u16, object: Arc<Stored> },
    /// One value that is not of the resource's own kind: a `Status`, a `Scale`, a review.
    Other { code: u16, value: Value },
    /// A page of objects.
    List(list::Page),
}

impl Answer {
    pub(super) fn object(code: u16, object: Arc<Stored>) -> Self {
        Self::Object { code, object }
    }

    pub(super) fn other(code: u16, value: Value) -> Self {
        Self::Other { code, value }
    }
}

impl<'a> Call<'a> {
    pub(crate) fn key(&self) -> Key {
        Key::new(&self.path.namespace, &self.path.name)
    }

    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject {
            group: &self.resource.group,
            resource: &self.resource.plural,
            name: &self.path.name,
        }
    }

    pub(crate) fn subject_named<'b>(&'b self, name: &'b str) -> Subject<'b> {
        Subject {
            name,
            ..self.subject()
        }
    }

    pub(crate) fn writer(&self, subresource: &'a str) -> Writer<'a> {
        Writer {
            manager: self.manager,
            subresource,
            time: self.core.now(),
        }
    }

    /// All versions of the kind, at an endpoint.
    pub(crate) fn served(&self, subresource: &str) -> Served {
        Served::new(self.core.registry().versions(&self.resource), subresource)
    }

    /// The object in the version it is stored in.
    pub(crate) fn to_storage(&self, object: Value) -> Value {
        let storage = self.core.registry().storage_version(&self.resource);
        if storage.version == self.resource.version && storage.group == self.resource.group {
            return object;
        }
        kinds::convert(&object, &storage)
    }

    /// The word of the verb's options in messages.
    fn options_kind(&self) -> &'static str {
        match self.info.verb.as_str() {
            "create" => "CreateOptions",
            "update" => "UpdateOptions",
            "patch" => "PatchOptions",
            _ => "DeleteOptions",
        }
    }

    /// True for `dryRun=All`.
    pub(crate) fn dry_run(&self) -> Result<bool, ApiError> {
        match self.query.get("dryRun") {
            "" => Ok(false),
            "All" => Ok(true),
            other => {
                let flaw = kinds::not_supported("dryRun", value!([other]), &["All"]);
                Err(ApiError::invalid_options(self.options_kind(), flaw))
            }
        }
    }

    /// How odd fields of the body are treated.
    pub(crate) fn field_validation(&self) -> Result<FieldValidation, ApiError> {
        let word = self.query.get("fieldValidation");
        FieldValidation::parse(word).ok_or_else(|| {
            let supported = ["", "Ignore", "Strict", "Warn"];
            let flaw = kinds::not_supported("fieldValidation", word, &supported);
            ApiError::invalid_options(self.options_kind(), flaw)
        })
    }

    /// Warns of what holds for every request for this version, or for every write of it.
    fn standing_warnings(&self) {
        let Some(custom) = &self.resource.custom else {
            if self.resource.is("", "endpoints") {
                self.warnings.add(
                    "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
                );
            }
            return;
        };
        self.warnings
            .add(custom.deprecation.clone().unwrap_or_default());
        let rules = self.resource.ty.unevaluated_rules();
        if rules > 0 && matches!(self.info.verb.as_str(), "create" | "update" | "patch") {
            self.warnings.add(format!(
                "the embedded API server does not evaluate the {rules} CEL rules \
                 (x-kubernetes-validations) of {}",
                self.resource.kind
            ));
        }
    }

    /// The object the path names.
    pub(crate) fn existing(&self) -> Result<Arc<Stored>, ApiError> {
        self.core
            .store
            .get(&self.resource.storage(), &self.key())
            .ok_or_else(|| ApiError::not_found(&self.subject()))
    }
}

/// Carries out the verb of a call.
pub(crate) fn run(call: &Call<'_>) -> Result<Answer, ApiError> {
    if let Some(why) = call.core.access.denied(call.info) {
        return Err(ApiError::denied(&call.subject(), &why));
    }
    call.standing_warnings();
    if !call.path.subresource.is_empty() {
        return subresource(call);
    }
    if review::is_review(&call.resource) {
        return review::run(call);
    }
    let verb = call.info.verb.as_str();
    if !call.resource.has_verb(verb) {
        return Err(ApiError::method_not_allowed());
    }
    if call.path.name.is_empty() && matches!(verb, "update" | "patch") {
        return Err(ApiError::method_not_allowed());
    }
    match verb {
        "get" => read::get(call),
        "list" => list::list(call),
        "create" => create::create(call),
        "update" => update::update(call, Part::Main),
        "patch" => patch::patch(call, Part::Main),
        "delete" => delete::delete(call),
        "deletecollection" => collection::delete(call),
        _ => Err(ApiError::method_not_allowed()),
    }
}

fn subresource(call: &Call<'_>) -> Result<Answer, ApiError> {
    let name = call.path.subresource.as_str();
    let verb = call.info.verb.as_str();
    let Some(sub) = call.resource.subresource(name) else {
        return Err(ApiError::no_such_resource());
    };
    if !sub.verbs.iter().any(|known| known == verb) {
        return Err(ApiError::method_not_allowed());
    }
    match (name, verb) {
        ("status" | "approval" | "ephemeralcontainers" | "resize", "get") => read::get(call),
        ("status", "update") => update::update(call, Part::Status),
        ("status", "patch") => patch::patch(call, Part::Status),
        ("scale", _) => scale::run(call),
        ("finalize", "update") => update::update(call, Part::Finalize),
        ("approval" | "ephemeralcontainers" | "resize", "update") => {
            update::update(call, Part::Whole)
        }
        ("approval" | "ephemeralcontainers" | "resize", "patch") => patch::patch(call, Part::Whole),
        ("eviction", "create") => delete::evict(call),
        ("binding", "create") => update::bind(call),
        _ => Err(ApiError::not_built(format!(
            "`{name}` subresource of {}",
            call.resource.plural
        ))),
    }
}
