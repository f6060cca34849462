//! Texts that must not be shown: secrets among values, and what templates made of them.
//!
//! Marks tell the engine what is secret in what it prints. From there on the texts themselves are looked for, in plans,
//! in errors and in what servers say, as no mark survives a server's answer.

use std::{borrow::Cow, fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use trueup_manifest::{Diagnostic, Diagnostics};

/// What stands in the place of a secret.
const MASK: &str = "***";
/// A shorter text is hidden where it is all of a value: as a part it could be anything.
const SHORTEST: usize = 6;

/// Secret texts. Its `Debug` shows none.
#[derive(Clone, Default)]
pub struct Hidden(Arc<Vec<String>>);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hidden({})", self.0.len())
    }
}

impl Hidden {
    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a secret in all the forms in which it may be met.
    pub fn add(&mut self, secret: &str) {
        let texts = Arc::make_mut(&mut self.0);
        let mut forms = vec![secret.to_owned(), secret.trim().to_owned()];
        forms.extend(
            secret
                .lines()
                .map(str::trim)
                .filter(|line| line.len() >= SHORTEST)
                .map(str::to_owned),
        );
        let quoted: Vec<String> = forms
            .iter()
            .filter_map(|form| {
                let json = serde_json::to_string(form).ok()?;
                Some(json.trim_matches('"').to_owned())
            })
            .collect();
        let encoded: Vec<String> = forms.iter().map(|form| STANDARD.encode(form)).collect();
        for form in forms.into_iter().chain(quoted).chain(encoded) {
            let unquoted = form.trim_matches(['"', '\'']);
            for form in [form.as_str(), unquoted] {
                if !form.is_empty() && !texts.iter().any(|text| text == form) {
                    texts.push(form.to_owned());
                }
            }
        }
        // The longest first, so that no part of one is left beside the mask of another.
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    }

    /// Adds what another one hides.
    pub fn extend(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0 = Arc::clone(&other.0);
            return;
        }
        let texts = Arc::make_mut(&mut self.0);
        for text in other.0.iter() {
            if !texts.contains(text) {
                texts.push(text.clone());
            }
        }
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    }

    /// Whether a text holds a secret.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.iter().any(|secret| {
            text == secret || secret.len() >= SHORTEST && text.contains(secret.as_str())
        })
    }

    /// Whether any text within a value holds a secret.
    pub fn is_in_value(&self, value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::String(text) => self.is_in(text),
            Value::Array(items) => items.iter().any(|item| self.is_in_value(item)),
            Value::Object(fields) => fields.values().any(|field| self.is_in_value(field)),
            scalar => self.is_in(&scalar.to_string()),
        }
    }

    /// A text without secrets.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.is_in(text) {
            return Cow::Borrowed(text);
        }
        let mut out = text.to_owned();
        for secret in self.0.iter() {
            if secret.len() >= SHORTEST || out == *secret {
                out = out.replace(secret.as_str(), MASK);
            }
        }
        Cow::Owned(out)
    }

    /// Findings without secrets, and without excerpts of texts that hold some.
    pub fn hide_in(&self, findings: Diagnostics) -> Diagnostics {
        findings
            .into_iter()
            .map(|finding| self.hide_in_one(finding))
            .collect()
    }

    /// [`Self::hide_in`] for one finding.
    pub fn hide_in_one(&self, mut finding: Diagnostic) -> Diagnostic {
        if self.is_empty() {
            return finding;
        }
        finding.message = self.hide(&finding.message).into_owned();
        finding.help = finding.help.map(|help| self.hide(&help).into_owned());
        finding.labels.retain_mut(|label| {
            label.text = self.hide(&label.text).into_owned();
            !self.is_in(label.location.source.text())
        });
        finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_in_all_its_forms_and_short_ones_only_as_a_whole() {
        let mut hidden = Hidden::default();
        hidden.add("s3cr\"et-value");
        hidden.add("abc");
        for text in [
            "s3cr\"et-value",
            "x s3cr\"et-value y",
            r#"{"a":"s3cr\"et-value"}"#,
            &STANDARD.encode("s3cr\"et-value"),
            "abc",
        ] {
            assert!(hidden.is_in(text), "{text}");
            assert!(hidden.hide(text).contains(MASK), "{text}");
        }
        assert_eq!(hidden.hide("abcdef"), "abcdef");
        assert_eq!(format!("{hidden:?}"), format!("Hidden({})", hidden.0.len()));
    }
}
