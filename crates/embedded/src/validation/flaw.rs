//! Field errors, and the list they are gathered in.

use serde_json::Value;
use trueup_schema::{FieldError, Reason};

use super::place::Place;

fn flaw(
    path: impl Into<String>,
    reason: Reason,
    value: Option<Value>,
    detail: impl Into<String>,
) -> FieldError {
    FieldError {
        path: path.into(),
        reason,
        detail: detail.into(),
        bad_value: value,
    }
}

/// A value is missing.
pub(crate) fn required(path: impl Into<String>, detail: impl Into<String>) -> FieldError {
    flaw(path, Reason::Required, None, detail)
}

/// A value breaks a rule.
pub(crate) fn invalid(
    path: impl Into<String>,
    value: impl Into<Value>,
    detail: impl Into<String>,
) -> FieldError {
    flaw(path, Reason::Invalid, Some(value.into()), detail)
}

/// A value is not allowed here.
pub(crate) fn forbidden(path: impl Into<String>, detail: impl Into<String>) -> FieldError {
    flaw(path, Reason::Forbidden, None, detail)
}

/// A value is none of those supported.
pub(crate) fn not_supported(
    path: impl Into<String>,
    value: impl Into<Value>,
    supported: &[&str],
) -> FieldError {
    let words: Vec<String> = supported.iter().map(|word| format!("{word:?}")).collect();
    let detail = format!("supported values: {}", words.join(", "));
    flaw(path, Reason::NotSupported, Some(value.into()), detail)
}

/// Flaws as they are found.
#[derive(Debug, Default)]
pub(super) struct Flaws(Vec<FieldError>);

impl From<Flaws> for Vec<FieldError> {
    fn from(flaws: Flaws) -> Self {
        flaws.0
    }
}

impl Extend<FieldError> for Flaws {
    fn extend<I: IntoIterator<Item = FieldError>>(&mut self, flaws: I) {
        self.0.extend(flaws);
    }
}

impl Flaws {
    pub(super) fn push(&mut self, flaw: FieldError) {
        self.0.push(flaw);
    }

    pub(super) fn required(&mut self, place: &Place<'_>, detail: &str) {
        self.push(required(place.path.as_str(), detail));
    }

    /// Required and empty.
    pub(super) fn need(&mut self, place: &Place<'_>) -> bool {
        let empty = place.is_empty();
        if empty {
            self.required(place, "");
        }
        !empty
    }

    pub(super) fn invalid(&mut self, place: &Place<'_>, detail: impl Into<String>) {
        self.push(invalid(place.path.as_str(), place.value.clone(), detail));
    }

    pub(super) fn forbidden(&mut self, place: &Place<'_>, detail: impl Into<String>) {
        self.push(forbidden(place.path.as_str(), detail));
    }

    pub(super) fn duplicate(&mut self, place: &Place<'_>) {
        self.push(flaw(
            place.path.as_str(),
            Reason::Duplicate,
            Some(place.value.clone()),
            "",
        ));
    }

    pub(super) fn not_found(&mut self, place: &Place<'_>) {
        self.push(flaw(
            place.path.as_str(),
            Reason::NotFound,
            Some(place.value.clone()),
            "",
        ));
    }

    /// One of these words, or empty where that is allowed.
    pub(super) fn one_of(&mut self, place: &Place<'_>, supported: &[&str], empty: bool) {
        let word = place.text();
        if !(supported.contains(&word) || empty && word.is_empty()) {
            self.push(not_supported(place.path.as_str(), word, supported));
        }
    }

    /// At least nought, where there is a number.
    pub(super) fn not_negative(&mut self, place: &Place<'_>) {
        if place.number().is_some_and(|number| number < 0) {
            self.invalid(place, "must be greater than or equal to 0");
        }
    }

    /// A port number.
    pub(super) fn port(&mut self, place: &Place<'_>) {
        if !place
            .number()
            .is_some_and(|port| (1..=65535).contains(&port))
        {
            self.push(invalid(
                place.path.as_str(),
                place.number().unwrap_or(0),
                "must be between 1 and 65535, inclusive",
            ));
        }
    }

    /// Each thing a syntax rule says of a text.
    pub(super) fn syntax(&mut self, place: &Place<'_>, rule: fn(&str) -> Vec<String>) {
        for why in rule(place.text()) {
            self.invalid(place, why);
        }
    }
}
