//! What went wrong with a request, as the `metav1.Status` body a real API server sends.
//!
//! Every room returns [`ApiError`]; `http` turns it into a response. The words are those of
//! `k8s.io/apimachinery/pkg/api/errors`, because clients match on reasons and people on messages.
//! It must never carry the value of a Secret.

use std::fmt;

use crate::meta;
use serde_json::{Map, Value, json};
use trueup_schema::FieldError;

/// One cause of an [`ApiError`]: which field, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// `FieldValueRequired`, `FieldValueInvalid`, `FieldManagerConflict` …
    pub reason: &'static str,
    /// What a person reads.
    pub message: String,
    /// Path of the field, as `spec.containers[0].image`.
    pub field: String,
}

/// A failure answered with a `Status` object.
#[derive(Debug, Clone)]
pub(crate) struct ApiError(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: u16,
    reason: &'static str,
    message: String,
    /// Absent where the real server leaves it out.
    details: Option<Map<String, Value>>,
    retry_after: Option<u64>,
    /// Continue token, in `metadata` of the answer.
    token: String,
}

impl ApiError {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            reason,
            message: message.into(),
            details: None,
            retry_after: None,
            token: String::new(),
        }))
    }

    fn details(&mut self) -> &mut Map<String, Value> {
        self.0.details.get_or_insert_default()
    }

    /// With `details: {}`, as answers that come from no handler have it.
    fn bare(mut self) -> Self {
        self.details();
        self
    }

    fn about(mut self, subject: &Subject<'_>) -> Self {
        let details = self.details();
        if !subject.name.is_empty() {
            details.insert("name".into(), json!(subject.name));
        }
        if !subject.group.is_empty() {
            details.insert("group".into(), json!(subject.group));
        }
        details.insert("kind".into(), json!(subject.resource));
        self
    }

    /// 400 for a body or a parameter that makes no sense.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 403 with the authoriser's or an admission plugin's words.
    pub(crate) fn forbidden(subject: &Subject<'_>, why: impl fmt::Display) -> Self {
        let message = format!(
            "{} {:?} is forbidden: {why}",
            subject.qualified(),
            subject.name
        );
        Self::new(403, "Forbidden", message).about(subject)
    }

    /// 403 from the authoriser, whose words leave out the quotes when there is no name.
    pub(crate) fn denied(subject: &Subject<'_>, why: &str) -> Self {
        let message = if subject.name.is_empty() {
            format!("{} is forbidden: {why}", subject.qualified())
        } else {
            format!(
                "{} {:?} is forbidden: {why}",
                subject.qualified(),
                subject.name
            )
        };
        Self::new(403, "Forbidden", message).about(subject)
    }

    /// 404 for an object.
    pub(crate) fn not_found(subject: &Subject<'_>) -> Self {
        let message = format!("{} {:?} not found", subject.qualified(), subject.name);
        Self::new(404, "NotFound", message).about(subject)
    }

    /// 404 for a path no resource answers to.
    pub(crate) fn no_such_resource() -> Self {
        Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        )
        .bare()
    }

    /// 405 for a verb the resource does not have.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )
        .bare()
    }

    /// 406 when no accepted media type can be produced.
    pub(crate) fn not_acceptable(offered: &str) -> Self {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {offered}");
        Self::new(406, "NotAcceptable", message).bare()
    }

    /// 409 when an apply names the UID of an object that is not there.
    pub(crate) fn uid_of_missing(subject: &Subject<'_>, uid: &str) -> Self {
        Self::conflict(
            subject,
            format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            ),
        )
    }

    /// 413.
    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// 415 when the body's media type is not understood by the verb.
    pub(crate) fn unsupported_media_type(accepted: &str) -> Self {
        Self::new(
            415,
            "UnsupportedMediaType",
            format!(
                "the body of the request was in an unknown format - \
                 accepted media types include: {accepted}"
            ),
        )
    }

    /// 415 when nothing understands the body's media type.
    pub(crate) fn unknown_media_type() -> Self {
        Self::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").bare()
    }

    /// 409 because the name is taken.
    pub(crate) fn already_exists(subject: &Subject<'_>) -> Self {
        let message = format!("{} {:?} already exists", subject.qualified(), subject.name);
        Self::new(409, "AlreadyExists", message).about(subject)
    }

    /// 409 with its reason in `why`.
    pub(crate) fn conflict(subject: &Subject<'_>, why: impl fmt::Display) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {:?}: {why}",
            subject.qualified(),
            subject.name
        );
        Self::new(409, "Conflict", message).about(subject)
    }

    /// 409 because the object changed since the client read it.
    pub(crate) fn modified(subject: &Subject<'_>) -> Self {
        Self::conflict(
            subject,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// 409 from server-side apply: fields owned by other managers, each a cause.
    pub(crate) fn apply_conflict(message: String, causes: Vec<Cause>) -> Self {
        Self::new(409, "Conflict", message).with_causes(causes)
    }

    /// 410 because history before the wanted revision is gone.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 410 with a token to go on with, for a list whose snapshot is gone.
    pub(crate) fn expired_page(message: impl Into<String>, token: String) -> Self {
        let mut error = Self::new(410, "Expired", message);
        error.0.token = token;
        error
    }

    /// 409 when a generated name is taken.
    pub(crate) fn generated_name_taken(subject: &Subject<'_>) -> Self {
        let message = format!(
            "{} {:?} already exists, the server was not able to generate a unique name for the object",
            subject.qualified(),
            subject.name
        );
        let mut error = Self::new(409, "AlreadyExists", message).about(subject);
        error.details().insert("retryAfterSeconds".into(), json!(1));
        error.0.retry_after = Some(1);
        error
    }

    /// 504 when a client asks for a revision the server has not reached.
    pub(crate) fn revision_too_large(wanted: u64, now: u64) -> Self {
        let mut error = Self::timeout(format!(
            "Too large resource version: {wanted}, current: {now}"
        ));
        error.details().insert("retryAfterSeconds".into(), json!(1));
        error.0.retry_after = Some(1);
        error.with_cause(Cause {
            reason: "ResourceVersionTooLarge",
            message: "Too large resource version".to_owned(),
            field: String::new(),
        })
    }

    /// Any status, with the generic words for it, as an injected fault answers.
    pub(crate) fn of_code(code: u16) -> Self {
        match code {
            429 => Self::too_many_requests("Too many requests, please try again later.", 1),
            500 => Self::internal("injected fault"),
            503 => Self::unavailable("injected fault"),
            504 => Self::timeout("injected fault"),
            code => Self::new(code, "Unknown", "injected fault"),
        }
    }

    /// 422 with all causes; `kind` is the object's kind, as the real message says it. A flaw told
    /// twice is two causes but is said once.
    pub(crate) fn invalid(group: &str, kind: &str, name: &str, flaws: &[FieldError]) -> Self {
        let mut words: Vec<String> = Vec::new();
        for flaw in flaws {
            let word = flaw.to_string();
            if !words.contains(&word) {
                words.push(word);
            }
        }
        let list = match words.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let qualified = if group.is_empty() {
            kind.to_owned()
        } else {
            format!("{kind}.{group}")
        };
        let mut error = Self::new(
            422,
            "Invalid",
            format!("{qualified} {name:?} is invalid: {list}"),
        );
        let details = error.details();
        for (field, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                details.insert(field.into(), json!(value));
            }
        }
        let causes = flaws
            .iter()
            .map(|flaw| Cause {
                reason: flaw.reason.cause(),
                message: flaw.body(),
                field: flaw.field().to_owned(),
            })
            .collect();
        error.with_causes(causes)
    }

    /// 422 because the options of a request are wrong.
    pub(crate) fn invalid_options(kind: &str, flaw: FieldError) -> Self {
        Self::invalid("meta.k8s.io", kind, "", &[flaw])
    }

    /// 422 for a JSON patch that does not apply; the real server keeps the reason to itself.
    pub(crate) fn patch_does_not_apply() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::new(422, "Invalid", message).bare()
    }

    /// 429, asking the client to come back after so many seconds.
    pub(crate) fn too_many_requests(message: impl Into<String>, seconds: u64) -> Self {
        let mut error = Self::new(429, "TooManyRequests", message);
        error
            .details()
            .insert("retryAfterSeconds".into(), json!(seconds));
        error.0.retry_after = Some(seconds);
        error
    }

    /// 500 with the reason a generic failure has.
    pub(crate) fn internal(message: impl fmt::Display) -> Self {
        let mut error = Self::new(
            500,
            "InternalError",
            format!("Internal error occurred: {message}"),
        );
        error
            .details()
            .insert("causes".into(), json!([{"message": message.to_string()}]));
        error
    }

    /// 500 with a message alone, as an error that no handler expected is answered.
    pub(crate) fn unexpected(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// 409 because a delete's precondition does not hold; these name the kind.
    pub(crate) fn precondition(
        group: &str,
        kind: &str,
        name: &str,
        why: impl fmt::Display,
    ) -> Self {
        Self::conflict(
            &Subject {
                group,
                resource: kind,
                name,
            },
            why,
        )
    }

    /// 501 for what a real server would do and this one does not.
    pub(crate) fn not_built(what: impl fmt::Display) -> Self {
        Self::new(
            501,
            "NotImplemented",
            format!("the embedded API server has no {what}"),
        )
    }

    /// 503.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(503, "ServiceUnavailable", message)
    }

    /// 504: the server will not be up to date in time.
    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        Self::new(504, "Timeout", message)
    }

    fn with_causes(mut self, causes: Vec<Cause>) -> Self {
        let causes: Vec<Value> = causes
            .into_iter()
            .map(|cause| {
                let mut value = json!({"reason": cause.reason, "message": cause.message});
                if !cause.field.is_empty() {
                    meta::put(&mut value, "field", json!(cause.field));
                }
                value
            })
            .collect();
        self.details().insert("causes".into(), Value::Array(causes));
        self
    }

    /// Adds a machine-readable cause to the details.
    pub(crate) fn with_cause(self, cause: Cause) -> Self {
        self.with_causes(vec![cause])
    }

    /// The HTTP status.
    pub(crate) fn code(&self) -> u16 {
        self.0.code
    }

    /// Seconds for the `Retry-After` header.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.0.retry_after
    }

    /// The `Status` object.
    pub(crate) fn to_value(&self) -> Value {
        let parts = &self.0;
        let mut status = Map::new();
        let mut put = |key: &str, value: Value| status.insert(key.to_owned(), value);
        put("kind", json!("Status"));
        put("apiVersion", json!("v1"));
        put("status", json!("Failure"));
        put("message", json!(parts.message));
        put("code", json!(parts.code));
        let metadata = if parts.token.is_empty() {
            json!({})
        } else {
            json!({"continue": parts.token})
        };
        put("metadata", metadata);
        if !parts.reason.is_empty() {
            put("reason", json!(parts.reason));
        }
        if let Some(details) = &parts.details {
            put("details", json!(details));
        }
        Value::Object(status)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.code, self.0.reason, self.0.message)
    }
}

impl std::error::Error for ApiError {}

/// The object an error is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// API group, empty for core.
    pub group: &'a str,
    /// Plural resource name.
    pub resource: &'a str,
    /// Object name, empty for a collection.
    pub name: &'a str,
}

impl Subject<'_> {
    /// `deployments.apps`, or `pods` in the core group.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.resource.to_owned()
        } else {
            format!("{}.{}", self.resource, self.group)
        }
    }
}
