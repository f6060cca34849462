//! What a server's refusal of an object means for the plan.

use trueup_manifest::{Diagnostic, Origin};

use super::{Judgement, Rules, by_ourselves, changes::local_changes, standing::Standing};
use crate::{
    cluster::{Error, ErrorKind, Live},
    plan::{
        action::ActionKind, compare::Difference, immutable::is_immutable, migration::Migration,
        object::Object,
    },
};

/// The server refused the object as it would be.
pub(super) fn refused(
    object: &Object,
    live: &Live,
    error: &Error,
    standing: Standing,
    found: &[Difference],
    rules: &Rules<'_>,
) -> Judgement {
    let policy = rules.policy;
    let resource = &object.target.resource;
    if is_immutable(error) {
        let allowed = object.is_hook()
            || policy
                .recreate
                .iter()
                .any(|kind| kind.matches(&resource.group, &resource.kind));
        let changes = local_changes(object, live, found, rules.key);
        let protected = policy
            .protect
            .iter()
            .any(|selector| selector.matches(&object.id()));
        if allowed && !protected {
            let why = format!("a field cannot be changed: {}", error.message());
            return Judgement {
                changes,
                ..Judgement::new(ActionKind::Recreate, why)
            };
        }
        let help = if protected {
            format!(
                "it is protected: delete `{}` by hand, then reconcile",
                object.id()
            )
        } else {
            format!(
                "to have it deleted and created anew, add `{}` to `reconcile.recreate`",
                resource.kind
            )
        };
        let diagnostic = object
            .error("apply/immutable", error.to_string())
            .help(help);
        return Judgement {
            changes,
            ..Judgement::blocked(ActionKind::Configure, diagnostic)
        };
    }
    match error.kind() {
        // The real request may fare better, or we may only read: the local comparison has to do.
        ErrorKind::Transient | ErrorKind::TooManyRequests { .. } | ErrorKind::Unreachable => {
            by_ourselves(object, live, standing, found, rules)
        }
        ErrorKind::Forbidden => {
            let judgement = by_ourselves(object, live, standing, found, rules);
            Judgement {
                no_dry_run: true,
                ..judgement
            }
        }
        // Fields that go first may be what makes it invalid now: the real request has the last word.
        ErrorKind::Invalid { .. }
            if standing == Standing::Adoptable && Migration::of(live).is_some() =>
        {
            by_ourselves(object, live, standing, found, rules)
        }
        _ => {
            let diagnostic = refusal(&object.origin, error);
            let changes = local_changes(object, live, found, rules.key);
            Judgement {
                changes,
                ..Judgement::blocked(ActionKind::Configure, diagnostic)
            }
        }
    }
}

/// What a server's refusal of an object is to the user.
pub(in crate::plan) fn refusal(origin: &Origin, error: &Error) -> Diagnostic {
    let code = match error.kind() {
        ErrorKind::Conflict { .. } => "apply/conflict",
        ErrorKind::Invalid { .. } => "apply/invalid",
        ErrorKind::Forbidden | ErrorKind::Unauthorized => "apply/forbidden",
        ErrorKind::NotFound => "apply/not-found",
        ErrorKind::Unreachable => "apply/unreachable",
        _ => "apply/failed",
    };
    let diagnostic = Diagnostic::error(code, error.to_string())
        .at(origin.location.clone())
        .via(&origin.chain);
    match error.help() {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}
