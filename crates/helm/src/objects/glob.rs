//! The patterns of `.Files.Glob` (`gobwas/glob` with `/` between parts).

use regex::Regex;

/// A pattern, ready to match paths.
pub(super) struct Glob(Regex);

impl Glob {
    /// Reads a pattern: `*` and `?` within a part, `**` over parts, `[abc]`, `[!a-c]`, `{a,b}`, `\`. None
    /// for one that cannot be read.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let mut out = String::from("(?s)^");
        let mut rest = pattern.chars().peekable();
        let mut open = 0_usize;
        while let Some(c) = rest.next() {
            match c {
                '*' => {
                    let mut over = false;
                    while rest.next_if_eq(&'*').is_some() {
                        over = true;
                    }
                    out.push_str(if over { ".*" } else { "[^/]*" });
                }
                '?' => out.push_str("[^/]"),
                '[' => class(&mut rest, &mut out)?,
                '{' => {
                    open += 1;
                    out.push_str("(?:");
                }
                '}' if open > 0 => {
                    open -= 1;
                    out.push(')');
                }
                ',' if open > 0 => out.push('|'),
                '\\' => literal(rest.next()?, &mut out),
                ']' | '}' => return None,
                c => literal(c, &mut out),
            }
        }
        if open > 0 {
            return None;
        }
        out.push('$');
        Regex::new(&out).ok().map(Self)
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

fn literal(c: char, out: &mut String) {
    out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// A class after its `[`.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) -> Option<()> {
    out.push('[');
    if rest.next_if_eq(&'!').is_some() {
        out.push('^');
    }
    let mut any = false;
    loop {
        match rest.next()? {
            ']' if any => break,
            ']' => return None,
            '-' if any && rest.peek().is_some_and(|c| *c != ']') => out.push('-'),
            '\\' => literal_in_class(rest.next()?, out),
            c => literal_in_class(c, out),
        }
        any = true;
    }
    out.push(']');
    Some(())
}

fn literal_in_class(c: char, out: &mut String) {
    if matches!(c, '[' | ']' | '^' | '-' | '\\' | '&' | '~') {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_within_parts_and_over_them() {
        for (pattern, path, expected) in [
            ("**", "a/b/c.txt", true),
            ("*", "a/b", false),
            ("dir/{b,c}.conf", "dir/c.conf", true),
            ("dir/[b-c].conf", "dir/d.conf", false),
            ("dir/[!b].conf", "dir/c.conf", true),
            ("**.yaml", "a/b.yaml", true),
            ("{a,b/*}.txt", "b/x.txt", true),
            ("a+b", "a+b", true),
        ] {
            let glob = Glob::parse(pattern).unwrap();
            assert_eq!(glob.matches(path), expected, "{pattern} {path}");
        }
        assert!(Glob::parse("[").is_none());
        assert!(Glob::parse("{a").is_none());
    }
}
