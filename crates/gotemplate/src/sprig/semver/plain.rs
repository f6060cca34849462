//! Constraints as nearly all are written, read without the patterns of the original, which take longer to compile
//! than a chart to render.

use super::constraint::Constraint;

/// The constraints of one alternative; nothing where it is written in a way that is left to the patterns, mistakes
/// included.
pub(super) fn read(text: &str) -> Option<Vec<Constraint>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    loop {
        let operator = operator(rest);
        rest = rest.get(operator.len()..)?.trim_start_matches(is_space);
        let (version, after) = version(rest)?;
        found.push(version.constraint(operator)?);
        rest = after.trim_start_matches(is_space);
        if rest.is_empty() {
            return Some(found);
        }
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start_matches(is_space);
        } else if rest.len() == after.len() {
            return None;
        }
    }
}

fn operator(text: &str) -> &str {
    const LONGEST_FIRST: [&str; 10] = ["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~"];
    let mut known = LONGEST_FIRST.into_iter().chain(["^"]);
    known
        .find(|operator| text.starts_with(operator))
        .unwrap_or_default()
}

struct Parts<'t> {
    whole: &'t str,
    numbers: [&'t str; 3],
    pre: &'t str,
}

impl Parts<'_> {
    fn constraint(&self, operator: &str) -> Option<Constraint> {
        Constraint::of(operator, self.whole, self.numbers, self.pre).ok()
    }
}

/// A version of numbers and wildcards, with what follows it: space, a comma or the end.
fn version(text: &str) -> Option<(Parts<'_>, &str)> {
    let end = text
        .find(|c: char| is_space(c) || c == ',')
        .unwrap_or(text.len());
    let (whole, after) = text.split_at_checked(end)?;
    // A `+` is left to the patterns, as is a dash that begins nothing.
    if whole.contains('+') {
        return None;
    }
    let at = whole.find('-').unwrap_or(whole.len());
    let (front, pre) = whole.split_at_checked(at)?;
    let is_identifier = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if !pre.is_empty() && !pre.get(1..)?.split('.').all(is_identifier) {
        return None;
    }
    let mut numbers = [""; 3];
    let mut from = usize::from(front.starts_with('v'));
    for (index, number) in front.get(from..)?.split('.').enumerate() {
        let is_digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        if !is_digits && !matches!(number, "x" | "X" | "*") {
            return None;
        }
        // Each but the first with the point before it.
        let start = from - usize::from(index > 0);
        from += number.len();
        *numbers.get_mut(index)? = front.get(start..from)?;
        from += 1;
    }
    Some((
        Parts {
            whole,
            numbers,
            pre,
        },
        after,
    ))
}

/// Go's `\s`.
fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' ')
}
