//! Which names a person may choose.

/// Checks of a text: what is wrong (to follow the field's name) and what to do.
pub(super) type Checked = Result<(), (String, String)>;

const LONGEST: usize = 63;

/// The name of an environment, a phase or a context: lower-case letters, digits, `-` and `_`,
/// beginning and ending with a letter or digit, at most 63 characters. With `_` read as `-` it is a
/// Kubernetes label.
pub(super) fn name(text: &str) -> Checked {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let edges = text.bytes().next().is_some_and(inner) && text.bytes().last().is_some_and(inner);
    let help = "use lower-case letters, digits, `-` and `_`, with a letter or digit at both ends";
    if text.len() > LONGEST {
        return Err((
            format!("is longer than {LONGEST} characters"),
            "shorten it".to_owned(),
        ));
    }
    if edges
        && text
            .bytes()
            .all(|byte| inner(byte) || byte == b'-' || byte == b'_')
    {
        Ok(())
    } else {
        Err((format!("cannot be `{text}`"), help.to_owned()))
    }
}

/// The name of a variable: a letter or `_`, then letters, digits, `_` and `-`.
pub(super) fn variable(text: &str) -> Checked {
    if is_variable(text) && !text.contains('.') {
        return Ok(());
    }
    let help = if text.contains('.') {
        "names with a `.` are kept for facts such as `eks.oidcIssuer`; use `_` or `-`"
    } else {
        "use letters, digits, `_` and `-`, with a letter or `_` first"
    };
    Err((format!("cannot be `{text}`"), help.to_owned()))
}

/// Whether a text between `${` and `}` is a name at all: of a variable or of a fact.
pub(crate) fn is_variable(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let inner = |byte: u8| first(byte) || byte.is_ascii_digit() || byte == b'-';
    text.split('.')
        .all(|part| part.bytes().next().is_some_and(first) && part.bytes().all(inner))
}

/// A kind, or a kind and its group: `StorageClass`, `Deployment.apps`.
pub(super) fn kind(text: &str) -> Checked {
    let (kind, group) = text.split_once('.').unwrap_or((text, "x"));
    let good_kind = kind
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_uppercase())
        && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let good_group = group.split('.').all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    });
    if good_kind && good_group {
        Ok(())
    } else {
        Err((
            format!("cannot be `{text}`"),
            "write a kind such as `StorageClass`, or with its group `Deployment.apps`".to_owned(),
        ))
    }
}

/// Whether `text` fits a pattern in which `*` stands for any characters and `?` for one.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen) = (0, 0);
    // Where the last `*` was, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(byte) if *byte == b'?' || Some(byte) == text.get(seen) => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((back, taken)) = star else {
                    return false;
                };
                star = Some((back, taken + 1));
                at = back + 1;
                seen = taken + 1;
            }
        }
    }
    pattern
        .get(at..)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("cluster_*", "cluster_dev", true),
            ("cluster_*", "local", false),
            ("*_dev", "cluster_dev", true),
            ("*e*e*", "there", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("bases/*.yaml", "bases/irsa/sa.yaml", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn names_have_one_spelling_that_kubernetes_can_carry() {
        for good in ["dev", "cluster_dev", "a", "0-1"] {
            assert!(name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in ["", "Dev", "-a", "a_", "a.b", "ä", "a b", &long] {
            assert!(name(bad).is_err(), "{bad}");
        }
        for (text, good) in [
            ("a", true),
            ("_a-B9", true),
            ("eks.x", true),
            ("a:-b", false),
            ("", false),
            ("9", false),
            ("a..b", false),
        ] {
            assert_eq!(is_variable(text), good, "{text}");
        }
        for (text, good) in [
            ("StorageClass", true),
            ("Deployment.apps", true),
            ("deployment", false),
            ("A.", false),
            ("A.b_c", false),
        ] {
            assert_eq!(kind(text).is_ok(), good, "{text}");
        }
    }
}
