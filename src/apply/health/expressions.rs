//! Health by expressions of the user.

use super::{Health, Object, generic};
use crate::{
    cluster::Live,
    config::{Expression, HealthCheck, Verdict},
};

/// What a check says of an object: the first of `inProgress`, `failed` and `current` that holds, and
/// otherwise that it is not there yet, and why.
pub(super) fn judge(live: &Live, check: &HealthCheck) -> Health {
    let object = live.value();
    let says = |expression: &Option<Expression>| {
        let expression = expression.as_ref()?;
        Some((expression.judge(object), expression.text().to_owned()))
    };
    match says(&check.in_progress) {
        Some((Verdict::True, text)) => {
            return Health::in_progress(with_conditions(
                live,
                format!("`inProgress` holds: {text}"),
            ));
        }
        Some((Verdict::Broken(why), _)) => return broken("inProgress", &why),
        _ => {}
    }
    match says(&check.failed) {
        Some((Verdict::True, text)) => {
            return Health::failed(with_conditions(live, format!("`failed` holds: {text}")));
        }
        Some((Verdict::Broken(why), _)) => return broken("failed", &why),
        _ => {}
    }
    match check.current.judge(object) {
        Verdict::True => Health::current(),
        Verdict::False => {
            let why = format!("`current` does not hold yet: {}", check.current.text());
            Health::in_progress(with_conditions(live, why))
        }
        Verdict::Missing(what) => {
            let why = format!("`current` does not hold yet: there is no {what}");
            Health::in_progress(with_conditions(live, why))
        }
        Verdict::Broken(why) => broken("current", &why),
    }
}

/// An expression that cannot be evaluated may be so once a field has a value: until then it is waited for.
fn broken(field: &str, why: &str) -> Health {
    Health::in_progress(format!(
        "`{field}` of its health check cannot be evaluated: {why}"
    ))
}

/// What the object says of itself beside what the check says.
fn with_conditions(live: &Live, why: String) -> String {
    let own = generic::conditions(Object(live.value()));
    if own.message.is_empty() {
        why
    } else {
        format!("{why}; {}", own.message)
    }
}
