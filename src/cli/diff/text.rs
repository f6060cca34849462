//! A comparison as text, in the manner of `diff -u`.

use similar::TextDiff;

use crate::{
    cli::console::{Style, count},
    render::{Comparison, Difference, DifferenceKind},
};

/// Lines round a change.
const CONTEXT: usize = 3;

/// Every object that differs: a line that names it, then its changes.
pub(super) fn comparison(comparison: &Comparison, color: bool) -> String {
    comparison
        .objects
        .iter()
        .map(|difference| object(difference, color))
        .collect()
}

fn object(difference: &Difference, color: bool) -> String {
    let (sign, style) = match difference.action {
        DifferenceKind::Create => ("+", Style::Added),
        DifferenceKind::Configure => ("~", Style::Changed),
        DifferenceKind::Prune => ("-", Style::Removed),
    };
    let head = format!("{sign} {}  {}", difference.object, difference.source);
    let mut out = style.paint(&head, color);
    out.push('\n');
    let side = |text: &Option<String>| text.clone().unwrap_or_default();
    let (before, after) = (side(&difference.before), side(&difference.after));
    let diff = TextDiff::from_lines(&before, &after);
    for line in diff
        .unified_diff()
        .context_radius(CONTEXT)
        .to_string()
        .lines()
    {
        let style = match line.chars().next() {
            Some('+') => Style::Added,
            Some('-') => Style::Removed,
            Some('@') => Style::Place,
            _ => Style::Plain,
        };
        out.push_str(&style.paint(line, color));
        out.push('\n');
    }
    out
}

/// The same for a comment on a pull request: a line that says it all, then each object in a block.
pub(super) fn markdown(comparison: &Comparison) -> String {
    let mut out = format!("**{}**\n", summary(comparison));
    for difference in &comparison.objects {
        // Nothing of an object may end the block that it stands in.
        let text = object(difference, false).replace("```", "` ` `");
        out.push_str("\n```diff\n");
        out.push_str(&text);
        out.push_str("```\n");
    }
    out
}

/// `1 to create, 2 to configure, 3 unchanged`.
pub(super) fn summary(comparison: &Comparison) -> String {
    let number = |kind| {
        comparison
            .objects
            .iter()
            .filter(|difference| difference.action == kind)
            .count()
    };
    let parts = [
        (number(DifferenceKind::Create), "to create"),
        (number(DifferenceKind::Configure), "to configure"),
        (number(DifferenceKind::Prune), "to prune"),
    ];
    let mut text: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    if text.is_empty() {
        return format!("no difference in {}", count(comparison.unchanged, "object"));
    }
    text.push(format!("{} unchanged", comparison.unchanged));
    text.join(", ")
}
