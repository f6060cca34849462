//! Patterns of Go's `path.Match`: `*`, `?`, `[a-z]` and `\`, none of which matches `/`.

/// The first character and what follows it.
fn split(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    Some((chars.next()?, chars.as_str()))
}

/// Whether the pattern can be read at all; Go calls one that cannot `syntax error in pattern`.
pub(crate) fn is_valid(pattern: &str) -> bool {
    let mut rest = pattern;
    while let Some((first, after)) = split(rest) {
        rest = match first {
            '[' => match class(after, None) {
                Some((_, after)) => after,
                None => return false,
            },
            '\\' => match split(after) {
                Some((_, after)) => after,
                None => return false,
            },
            _ => after,
        };
    }
    true
}

/// Whether all of `name` matches; false for a pattern that cannot be read.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    // Greedy with one place to go back to: `*` never has to be tried again before a later `*`.
    let mut back: Option<(&str, &str)> = None;
    loop {
        let next = match (split(pattern), split(name)) {
            (None, None) => return true,
            (Some(('*', after)), _) => {
                back = Some((after, name));
                pattern = after;
                continue;
            }
            (Some((first, after)), Some((c, name_after))) => {
                step(first, after, c).map(|after| (after, name_after))
            }
            _ => None,
        };
        if let Some((after, name_after)) = next {
            (pattern, name) = (after, name_after);
            continue;
        }
        let Some((after, from)) = back else {
            return false;
        };
        match split(from) {
            Some((c, rest)) if c != '/' => {
                back = Some((after, rest));
                (pattern, name) = (after, rest);
            }
            _ => return false,
        }
    }
}

/// The rest of the pattern where its first part takes `c`.
fn step(first: char, after: &str, c: char) -> Option<&str> {
    match first {
        '?' => (c != '/').then_some(after),
        '[' => {
            let (found, after) = class(after, Some(c))?;
            (found && c != '/').then_some(after)
        }
        '\\' => {
            let (literal, after) = split(after)?;
            (literal == c).then_some(after)
        }
        literal => (literal == c).then_some(after),
    }
}

/// Reads a class after its `[`: whether `c` is in it, and what follows; none where it is not closed.
fn class(rest: &str, c: Option<char>) -> Option<(bool, &str)> {
    let (negated, mut rest) = match split(rest) {
        Some(('^', after)) => (true, after),
        _ => (false, rest),
    };
    let mut found = false;
    let mut any = false;
    loop {
        if let (Some((']', after)), true) = (split(rest), any) {
            return Some((found != negated, after));
        }
        let low;
        (low, rest) = class_char(rest)?;
        let mut high = low;
        if let Some(('-', after)) = split(rest) {
            (high, rest) = class_char(after)?;
        }
        found |= c.is_some_and(|c| (low..=high).contains(&c));
        any = true;
    }
}

fn class_char(rest: &str) -> Option<(char, &str)> {
    match split(rest)? {
        ('-' | ']', _) => None,
        ('\\', after) => split(after),
        (c, after) => Some((c, after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_those_of_go() {
        // From the table of Go's `path/match_test.go`.
        for (pattern, name, expected) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*", "ab/c", false),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("ab[c]", "abc", true),
            ("ab[^c]", "abc", false),
            ("ab[e-g]", "abc", false),
            ("a\\*b", "a*b", true),
            ("a???b", "a☺b", false),
            ("a[^a]b", "a☺b", true),
            ("a?b", "a/b", false),
            ("[\\]a]", "]", true),
            ("[x\\-]", "-", true),
            ("[]a]", "]", false),
            ("[", "a", false),
            ("*x", "xxx", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        assert!(!is_valid("[z-"));
        assert!(!is_valid("a\\"));
        assert!(is_valid("ru[c-e]?er.txt"));
    }
}
