//! The status of the `Environment` object: what the last run left, and nothing that changes without
//! anything having happened.

use serde_json::{Value, json};

use trueup_manifest::{Diagnostic, Diagnostics};

use crate::{
    cluster::Live,
    plan::NOT_OURS,
    report::{Outcome, Report},
};

/// The status that a report gives, or none where the parent already says so. `now` is the time of
/// conditions that change.
pub(super) fn status(parent: Option<&Live>, report: &Report, now: &str) -> Option<Value> {
    let old = parent
        .and_then(|parent| parent.at(&["status"]))
        .cloned()
        .unwrap_or_default();
    let (ready, reason, stalled) = match report.outcome {
        Outcome::Converged | Outcome::Pending => ("True", "Converged", "False"),
        Outcome::Failed => ("False", "Failed", "False"),
        Outcome::Held => ("False", "Held", "True"),
        // Another run follows and says more.
        Outcome::Superseded | Outcome::Stopped => return None,
    };
    let message = message(report);
    let conditions = [
        condition(&old, "Ready", ready, reason, &message, now),
        condition(&old, "Reconciling", "False", reason, "", now),
        condition(
            &old,
            "Stalled",
            stalled,
            reason,
            if stalled == "True" { &message } else { "" },
            now,
        ),
    ];
    let mut status = json!({
        "conditions": conditions,
        "objects": objects(report),
    });
    if let (Value::Object(status), Some(revision)) = (&mut status, &report.revision) {
        status.insert("observedRevision".to_owned(), revision.as_str().into());
    }
    let claims = claims(report);
    if let (Value::Object(status), false) = (&mut status, claims.is_empty()) {
        status.insert("claims".to_owned(), claims.into());
    }
    let last_change = if report.counts.changed() > 0 {
        Some(json!({
            "time": now,
            "revision": report.revision.as_deref().unwrap_or_default(),
            "summary": report.counts.to_string(),
        }))
    } else {
        old.get("lastChange").cloned()
    };
    if let (Value::Object(status), Some(change)) = (&mut status, last_change) {
        status.insert("lastChange".to_owned(), change);
    }
    (status != old).then_some(status)
}

/// The status after a revision that cannot be brought: what the cluster holds stays as it was told.
/// None where the parent already says so.
pub(super) fn refused(
    parent: &Live,
    revision: &str,
    errors: &Diagnostics,
    now: &str,
) -> Option<Value> {
    let old = parent.at(&["status"]).cloned().unwrap_or_else(|| json!({}));
    let short = revision.get(..12).unwrap_or(revision);
    let why = first_of(errors.iter().filter(|error| error.is_error()));
    let message = format!("revision {short} is refused: {why}");
    let mut status = old.clone();
    if let Value::Object(fields) = &mut status {
        let conditions = [
            condition(&old, "Ready", "False", "Refused", &message, now),
            condition(&old, "Reconciling", "False", "Refused", "", now),
            condition(&old, "Stalled", "True", "Refused", &message, now),
        ];
        fields.insert("conditions".to_owned(), json!(conditions));
    }
    (status != old).then_some(status)
}

/// The objects that belong to somebody else although this environment wants them: whoever owns them
/// reads it here.
fn claims(report: &Report) -> Vec<String> {
    const MOST: usize = 200;
    let refused = report.actions.iter().filter(|action| {
        let error = action.error.as_ref();
        error.is_some_and(|error| error.code == NOT_OURS)
    });
    refused
        .take(MOST)
        .map(|action| action.object.to_string())
        .collect()
}

/// How many objects there are, by what is true of them now rather than by what was done.
fn objects(report: &Report) -> Value {
    let counts = &report.counts;
    json!({
        "desired": report.actions.len(),
        "failed": counts.failed,
        "skipped": counts.skipped,
        "kept": counts.kept,
    })
}

fn message(report: &Report) -> String {
    if let Some(hold) = &report.hold {
        return hold.why.clone();
    }
    if report.all_errors().next().is_none() {
        return format!("{} objects are as they should be", report.actions.len());
    }
    // What most of them come down to says more than the first.
    match report.causes.iter().max_by_key(|cause| cause.objects.len()) {
        Some(cause) => {
            let others = report
                .all_errors()
                .count()
                .saturating_sub(cause.objects.len());
            and_more(cause.says(), others)
        }
        None => first_of(report.all_errors()),
    }
}

/// The first error with its place, and how many more there are.
fn first_of<'a>(errors: impl Iterator<Item = &'a Diagnostic>) -> String {
    let mut errors = errors;
    let first = errors.next().map(short).unwrap_or_default();
    and_more(first, errors.count())
}

fn and_more(first: String, more: usize) -> String {
    match more {
        0 => first,
        more => format!("{first} (and {more} more)"),
    }
}

fn short(error: &Diagnostic) -> String {
    match error.location() {
        Some(location) => format!("{location}: {}", error.message),
        None => error.message.clone(),
    }
}

/// A condition; its time stays where its status does.
fn condition(
    old: &Value,
    name: &str,
    status: &str,
    reason: &str,
    message: &str,
    now: &str,
) -> Value {
    let before = old
        .get("conditions")
        .and_then(Value::as_array)
        .and_then(|conditions| {
            conditions
                .iter()
                .find(|condition| condition.get("type") == Some(&name.into()))
        });
    let unchanged = before.filter(|before| before.get("status") == Some(&status.into()));
    let time = unchanged
        .and_then(|before| before.get("lastTransitionTime"))
        .and_then(Value::as_str);
    json!({
        "type": name,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": time.unwrap_or(now),
    })
}

#[cfg(test)]
mod tests {
    use trueup_manifest::{Diagnostic, Diagnostics};

    use super::*;

    #[expect(
        clippy::needless_pass_by_value,
        reason = "a `json!` reads best as it stands"
    )]
    fn parent(status: Value) -> Live {
        Live::new(json!({"status": status}))
    }

    #[test]
    fn a_second_run_with_the_same_end_has_nothing_to_write() {
        let mut report = Report::new("dev", Some("abc".to_owned()), Outcome::Converged);
        report.counts.created = 3;
        let first = status(None, &report, "2026-01-01T00:00:00Z").unwrap();
        assert_eq!(first["lastChange"]["summary"], "3 created");
        report.counts.created = 0;
        report.counts.unchanged = 3;
        assert_eq!(
            status(Some(&parent(first)), &report, "2026-02-02T00:00:00Z"),
            None
        );
    }

    #[test]
    fn a_refused_revision_leaves_what_is_told_of_the_cluster_and_says_why_once() {
        let report = Report::new("dev", Some("good".to_owned()), Outcome::Converged);
        let first = parent(status(None, &report, "2026-01-01T00:00:00Z").unwrap());
        let errors = Diagnostics::from(Diagnostic::error("x", "it broke"));
        let told = refused(&first, "bad", &errors, "2026-02-02T00:00:00Z").unwrap();
        assert_eq!(told["observedRevision"], "good");
        assert_eq!(told["conditions"][0]["status"], "False");
        assert_eq!(
            told["conditions"][2]["message"],
            "revision bad is refused: it broke"
        );
        let again = refused(&parent(told), "bad", &errors, "2026-03-03T00:00:00Z");
        assert_eq!(again, None);
    }

    #[test]
    fn a_condition_keeps_its_time_until_its_status_changes() {
        let report = Report::new("dev", None, Outcome::Converged);
        let first = status(None, &report, "2026-01-01T00:00:00Z").unwrap();
        let errors = Diagnostics::from(Diagnostic::error("x", "it broke"));
        let failed = Report::of_failure("dev", None, errors);
        let second = status(Some(&parent(first)), &failed, "2026-02-02T00:00:00Z").unwrap();
        assert_eq!(
            second["conditions"][0]["lastTransitionTime"],
            "2026-02-02T00:00:00Z"
        );
        assert_eq!(second["conditions"][0]["message"], "it broke");
        assert_eq!(
            second["conditions"][1]["lastTransitionTime"],
            "2026-01-01T00:00:00Z"
        );
    }
}
