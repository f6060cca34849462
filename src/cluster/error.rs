//! What went wrong with a request, and of what sort it is.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use serde_json::Value;
use trueup_manifest::is_secret;

use super::{Resource, Target, redact::redact};

/// A failed request: what was asked of which object, what the server said, and of what sort the
/// failure is. It never holds values of a Secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", Sentence(self))]
pub struct Error {
    verb: &'static str,
    subject: String,
    message: String,
    kind: ErrorKind,
}

/// Of what sort a failure is: this decides what to do about it, never the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The server could not do it now: 5xx, a broken connection, a timeout after the request left.
    Transient,
    /// The server asked to come back later.
    TooManyRequests {
        /// After this time, where the server said.
        retry_after: Option<Duration>,
    },
    /// Fields belong to other managers, or, without causes, the object is not at the version or does
    /// not have the UID that was asked for.
    Conflict {
        /// The contested fields.
        causes: Vec<FieldConflict>,
    },
    /// The server does not know who we are, or the credentials are no longer good.
    Unauthorized,
    /// We may not do it.
    Forbidden,
    /// The server refused the object.
    Invalid {
        /// What it finds wrong, field by field.
        causes: Vec<Cause>,
    },
    /// What the request names is not there: the object, its namespace or its kind.
    NotFound,
    /// The version asked for is too old.
    Gone,
    /// No connection: the name does not resolve, nobody listens, TLS fails.
    Unreachable,
    /// Anything else that a retry would not cure.
    Fatal,
}

/// A field that another manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldConflict {
    /// The manager, as the server names it: `"kubectl-edit" using apps/v1`.
    pub manager: String,
    /// The path: `.spec.replicas`.
    pub field: String,
}

/// One thing the server finds wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The reason code, such as `FieldValueInvalid`.
    pub reason: String,
    /// The path, as the server writes it.
    pub field: String,
    /// The sentence.
    pub message: String,
}

impl Error {
    /// A failure of `verb` on `subject`, not told by a server.
    pub fn new(
        kind: ErrorKind,
        verb: &'static str,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            verb,
            subject: subject.into(),
            message: message.into(),
            kind,
        }
    }

    /// Reads the server's answer to a failed request.
    pub(super) fn from_answer(about: &About, answer: &FailedAnswer<'_>) -> Self {
        let status: Value = serde_json::from_slice(answer.body).unwrap_or(Value::Null);
        let text = |key: &str| status.get(key).and_then(Value::as_str).unwrap_or_default();
        let clean = |message: &str| about.clean(message);
        let message = match text("message") {
            "" => format!("the server answered {}", answer.code),
            message => readable(&clean(message)),
        };
        let kind = kind_of(answer, text("reason"), &status, &clean);
        about.error(kind, message)
    }

    /// The same with other texts: `clean` takes out of what a server said what must not be shown.
    #[must_use]
    pub fn cleaned(mut self, clean: impl Fn(&str) -> String) -> Self {
        self.message = clean(&self.message);
        if let ErrorKind::Invalid { causes } = &mut self.kind {
            for cause in causes {
                cause.message = clean(&cause.message);
            }
        }
        self
    }

    /// Of what sort it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The object or collection that was asked for.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What the server said.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What was tried, such as `apply`.
    pub fn verb(&self) -> &'static str {
        self.verb
    }

    /// Whether another try may work without anything being changed.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Transient | ErrorKind::TooManyRequests { .. } | ErrorKind::Unreachable
        )
    }

    /// Whether what the request names is not there.
    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }

    /// Whether the object is no longer at the version that was asked for.
    pub fn is_stale(&self) -> bool {
        matches!(&self.kind, ErrorKind::Conflict { causes } if causes.is_empty())
    }

    /// What a person can do about it.
    pub fn help(&self) -> Option<String> {
        let help = match &self.kind {
            ErrorKind::Forbidden if self.message.contains("because it is being terminated") => {
                "the namespace is being deleted: wait until it is gone, or add it to the environment, which then \
                 waits and makes it anew"
                    .to_owned()
            }
            // A right that is missing is told as `User "x" cannot patch resource "y"`.
            ErrorKind::Forbidden if !self.message.contains(" cannot ") => {
                "a rule of the cluster refuses it, not a missing right: change the object as it says, or the rule"
                    .to_owned()
            }
            ErrorKind::Forbidden => format!(
                "give the account that trueup uses the right to `{}` this kind",
                rbac_verbs(self.verb)
            ),
            ErrorKind::Unauthorized => {
                "renew the credentials of the kubeconfig, or check the service account's token"
                    .to_owned()
            }
            ErrorKind::Unreachable => {
                "check the server's address, the network and that the server runs".to_owned()
            }
            ErrorKind::Conflict { causes } if !causes.is_empty() => {
                "take the fields out of Git, or say who wins in `reconcile.fieldRules` or for all fields \
                 in `reconcile.conflicts`: `take` or `leave`"
                    .to_owned()
            }
            ErrorKind::Invalid { .. } => return self.help_with_types().map(ToOwned::to_owned),
            _ => return None,
        };
        Some(help)
    }

    /// What to do about a field that is not of the type, or not of the kind, that it should be.
    fn help_with_types(&self) -> Option<&'static str> {
        let says = |text| self.message.contains(text);
        if says("expected string, got") {
            Some(
                "write the value in quotes: without them YAML reads a number, a boolean or nothing",
            )
        } else if says("field not declared in schema") || says("unknown field") {
            Some(
                "look for a typing error in the name, or at the version: `kubectl explain` lists the fields of a kind",
            )
        } else {
            None
        }
    }

    /// The same failure; of a server that was not reached, with its address.
    #[must_use]
    pub(super) fn at_server(mut self, address: &str) -> Self {
        if self.kind == ErrorKind::Unreachable {
            self.message = format!("no connection to `{address}`: {}", self.message);
        }
        self
    }

    /// The same failure, said of another subject.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }
}

/// The verbs that a role must allow for one of ours.
fn rbac_verbs(verb: &str) -> &str {
    match verb {
        "apply" => "create, patch",
        "read" => "get",
        other => other,
    }
}

/// `cannot apply `Deployment.apps web/api`: message`.
struct Sentence<'a>(&'a Error);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error {
            verb,
            subject,
            message,
            ..
        } = self.0;
        write!(f, "cannot {verb} `{subject}`: {message}")
    }
}

/// What a request is about, for its errors.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub verb: &'static str,
    pub subject: String,
    /// Whether the values of what it is about must not be repeated.
    pub secret: bool,
    /// Words that may stay in quotes nevertheless.
    pub keep: Vec<String>,
}

impl About {
    /// A request on one object.
    pub(super) fn target(verb: &'static str, target: &Target) -> Self {
        let resource = &target.resource;
        Self {
            verb,
            subject: target.to_string(),
            secret: is_secret(&resource.group, &resource.kind),
            keep: vec![
                target.name.clone(),
                target.namespace.clone(),
                resource.kind.clone(),
            ],
        }
    }

    /// A request on all objects of a resource.
    pub(super) fn collection(verb: &'static str, resource: &Resource) -> Self {
        let secret = is_secret(&resource.group, &resource.kind);
        Self {
            verb,
            subject: resource.to_string(),
            secret,
            keep: Vec::new(),
        }
    }

    /// A request on a path that holds no objects.
    pub(super) fn path(verb: &'static str, path: &str) -> Self {
        Self {
            verb,
            subject: path.to_owned(),
            secret: false,
            keep: Vec::new(),
        }
    }

    /// A failure of it.
    pub(super) fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(kind, self.verb, self.subject.clone(), message)
    }

    fn clean(&self, message: &str) -> String {
        if self.secret {
            let keep: Vec<&str> = self.keep.iter().map(String::as_str).collect();
            redact(message, &keep)
        } else {
            message.to_owned()
        }
    }
}

/// A server's answer to a request that failed.
pub(super) struct FailedAnswer<'a> {
    pub code: u16,
    pub retry_after: Option<Duration>,
    pub body: &'a [u8],
}

fn kind_of(
    answer: &FailedAnswer<'_>,
    reason: &str,
    status: &Value,
    clean: &dyn Fn(&str) -> String,
) -> ErrorKind {
    match answer.code {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict {
            causes: conflicts(status),
        },
        410 => ErrorKind::Gone,
        429 => ErrorKind::TooManyRequests {
            retry_after: answer.retry_after,
        },
        400 | 422 => ErrorKind::Invalid {
            causes: causes(status, clean),
        },
        504 if reason == "Expired" => ErrorKind::Gone,
        // Server-side apply says so of fields that the schema does not know, with no reason given.
        500 if untyped(status) => ErrorKind::Invalid {
            causes: causes(status, clean),
        },
        500..=599 => ErrorKind::Transient,
        _ => ErrorKind::Fatal,
    }
}

/// What a server says of a manifest that fits no schema, without the names of its own types.
fn readable(message: &str) -> String {
    const PREFIX: &str = "failed to create typed patch object (";
    const VALUE: &str = "&value.valueUnstructured{Value:";
    let Some((_, said)) = message
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once("): "))
    else {
        return message.to_owned();
    };
    let mut parts = said.split(VALUE);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (value, rest) = part.split_once('}').unwrap_or((part, ""));
        let _ = write!(text, "`{value}`{rest}");
    }
    text
}

fn untyped(status: &Value) -> bool {
    let message = status
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    message.starts_with("failed to create typed patch object")
}

fn each_cause(status: &Value) -> impl Iterator<Item = (&str, &str, &str)> {
    let causes = status.pointer("/details/causes").and_then(Value::as_array);
    causes.into_iter().flatten().map(|cause| {
        let text = |key: &str| cause.get(key).and_then(Value::as_str).unwrap_or_default();
        (text("reason"), text("field"), text("message"))
    })
}

fn conflicts(status: &Value) -> Vec<FieldConflict> {
    each_cause(status)
        .filter(|(reason, ..)| *reason == "FieldManagerConflict")
        .map(|(_, field, message)| FieldConflict {
            manager: message.trim_start_matches("conflict with ").to_owned(),
            field: field.to_owned(),
        })
        .collect()
}

fn causes(status: &Value, clean: &dyn Fn(&str) -> String) -> Vec<Cause> {
    each_cause(status)
        .map(|(reason, field, message)| Cause {
            reason: reason.to_owned(),
            field: field.to_owned(),
            message: clean(message),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(code: u16, body: &Value, secret: bool) -> Error {
        let about = About {
            verb: "apply",
            subject: "Secret hub/db".to_owned(),
            secret,
            keep: vec!["db".to_owned(), "Secret".to_owned()],
        };
        let body = body.to_string();
        let answer = FailedAnswer {
            code,
            retry_after: None,
            body: body.as_bytes(),
        };
        Error::from_answer(&about, &answer)
    }

    #[test]
    fn a_field_conflict_names_manager_and_field() {
        let body = json!({"reason": "Conflict", "message": "Apply failed with 1 conflict", "details": {"causes": [
            {"reason": "FieldManagerConflict", "message": "conflict with \"hpa\" using apps/v1", "field": ".spec.replicas"},
        ]}});
        let ErrorKind::Conflict { causes } = error(409, &body, false).kind().clone() else {
            panic!("not a conflict")
        };
        assert_eq!(causes[0].manager, "\"hpa\" using apps/v1");
        assert_eq!(causes[0].field, ".spec.replicas");
    }

    #[test]
    fn an_error_about_a_secret_repeats_no_value() {
        let sentence = r#"data[a]: Invalid value: "hunter2": too short"#;
        let body = json!({"message": format!("Secret \"db\" is invalid: {sentence}"), "details": {"causes": [
            {"reason": "FieldValueInvalid", "message": r#"Invalid value: "hunter2": too short"#, "field": "data[a]"},
        ]}});
        let error = error(422, &body, true);
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        assert_eq!(
            error.to_string(),
            r#"cannot apply `Secret hub/db`: Secret "db" is invalid: data[a]: Invalid value: ***: too short"#
        );
    }

    #[test]
    fn an_unknown_field_is_refused_though_the_server_calls_it_its_own_failure() {
        let message = "failed to create typed patch object (a/b; apps/v1, Kind=Deployment): .spec.replicaz: field not declared in schema";
        let error = error(500, &json!({"message": message}), false);
        assert_eq!(*error.kind(), ErrorKind::Invalid { causes: Vec::new() });
    }

    #[test]
    fn only_who_lacks_a_right_is_told_to_get_one() {
        for (message, help) in [
            (
                r#"secrets "db" is forbidden: User "ci" cannot patch resource "secrets" in API group """#,
                "the right to `create, patch`",
            ),
            (
                "secrets \"db\" is forbidden: unable to create new content in namespace hub because it is being terminated",
                "is being deleted",
            ),
            (
                "admission webhook \"policy.example.com\" denied the request: no",
                "a rule of the cluster",
            ),
            (
                "pods \"a\" is forbidden: exceeded quota: q",
                "a rule of the cluster",
            ),
        ] {
            let said = error(403, &json!({"message": message}), false)
                .help()
                .unwrap();
            assert!(said.contains(help), "{message}: {said}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_said_without_the_names_of_the_servers_own_types() {
        let said = "failed to create typed patch object (web/c; /v1, Kind=ConfigMap): .data.a: expected string, got &value.valueUnstructured{Value:1}";
        let found = error(500, &json!({"message": said}), false);
        assert_eq!(found.message(), ".data.a: expected string, got `1`");
        assert!(found.help().unwrap().contains("quotes"));
        let said = said.replace("Value:1}", "Value:hunter2}");
        let found = error(500, &json!({"message": said}), true);
        assert!(!format!("{found} {found:?}").contains("hunter2"), "{found}");
    }

    #[test]
    fn the_code_decides_the_sort() {
        for (code, kind) in [
            (401, ErrorKind::Unauthorized),
            (403, ErrorKind::Forbidden),
            (404, ErrorKind::NotFound),
            (410, ErrorKind::Gone),
            (429, ErrorKind::TooManyRequests { retry_after: None }),
            (500, ErrorKind::Transient),
            (503, ErrorKind::Transient),
            (422, ErrorKind::Invalid { causes: Vec::new() }),
            (418, ErrorKind::Fatal),
        ] {
            assert_eq!(*error(code, &Value::Null, false).kind(), kind, "{code}");
        }
    }
}
