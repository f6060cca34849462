//! `$(NAME)` in texts.

/// A value of a var.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Str(String),
    Int(i64),
    Float(f64),
    Bool(bool),
}

impl Value {
    /// As it stands inside a longer text.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Str(text) => text.clone(),
            Self::Int(value) => value.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::Float(value) => {
                let exponent = if *value == 0.0 {
                    0.0
                } else {
                    value.abs().log10().floor()
                };
                if (-4.0..21.0).contains(&exponent) {
                    format!("{value}")
                } else {
                    crate::number::general(*value)
                }
            }
        }
    }
}

/// Replaces each `$(NAME)` by what `value` knows; `$$` is a dollar. A text that is one var alone takes
/// the var's type. None where nothing changes.
pub(super) fn expand(input: &str, mut value: impl FnMut(&str) -> Option<Value>) -> Option<Value> {
    let mut out = String::new();
    let mut rest = input;
    let mut changed = false;
    while let Some((before, after)) = rest.split_once('$') {
        let mut chars = after.chars();
        match chars.next() {
            None => break,
            Some('$') => {
                out.push_str(before);
                out.push('$');
                changed = true;
                rest = chars.as_str();
            }
            Some('(') => {
                out.push_str(before);
                let inner = chars.as_str();
                let Some((name, after)) = inner.split_once(')') else {
                    out.push_str("$(");
                    rest = inner;
                    continue;
                };
                rest = after;
                match value(name) {
                    Some(found) if name.len() + 3 == input.len() => return Some(found),
                    Some(found) => {
                        out.push_str(&found.to_text());
                        changed = true;
                    }
                    None => {
                        out.push_str("$(");
                        out.push_str(name);
                        out.push(')');
                    }
                }
            }
            Some(other) => {
                out.push_str(before);
                out.push('$');
                out.push(other);
                rest = chars.as_str();
            }
        }
    }
    out.push_str(rest);
    changed.then_some(Value::Str(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vars_expand_as_in_container_arguments() {
        let value = |name: &str| match name {
            "A" => Some(Value::Str("x".to_owned())),
            "N" => Some(Value::Int(5)),
            _ => None,
        };
        let text = |text: &str| Some(Value::Str(text.to_owned()));
        for (input, expected) in [
            ("", None),
            ("plain", None),
            ("$(A)", text("x")),
            ("$(N)", Some(Value::Int(5))),
            ("n=$(N)", text("n=5")),
            ("$(A)$(A)", text("xx")),
            ("$(B)", None),
            ("$(B) $(A)", text("$(B) x")),
            ("$$(A)", text("$(A)")),
            ("a$", None),
            ("$(A", None),
            ("$x$(A)", text("$xx")),
        ] {
            assert_eq!(expand(input, value), expected, "{input}");
        }
    }
}
