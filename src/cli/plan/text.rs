//! A plan as text: phase by phase what is done, field by field what changes.

use std::fmt::Write;

use serde_json::Value;
use similar::TextDiff;

use crate::{
    cli::console::Style,
    plan::{Action, ActionKind, Change, Plan, shown},
    report::{Sign, unified},
};

/// A longer value is shown by its lines.
const LONGEST: usize = 80;
/// Lines round a change in a text.
const CONTEXT: usize = 2;

/// How much is told of an object that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Detail {
    /// Its fields, one by one.
    Fields,
    /// Its YAML, as a unified diff.
    Lines,
}

/// Everything that is to be done, in the order of the phases; what stays as it is, is left out.
pub(super) fn plan(plan: &Plan, detail: Detail, color: bool) -> String {
    let mut out = String::new();
    for (index, phase) in plan.phases.iter().enumerate() {
        let mut actions = plan
            .actions
            .iter()
            .filter(|action| {
                action.phase == index && (action.kind.is_change() || action.blocked.is_some())
            })
            .peekable();
        if actions.peek().is_some() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "phase {}", phase.name);
        }
        for planned in actions {
            action(&mut out, planned, detail, color);
        }
    }
    if !plan.prune.is_empty() {
        out.push_str("prune\n");
        for prune in &plan.prune {
            let line = format!("  - {}", prune.target);
            let _ = writeln!(out, "{}", Style::Removed.paint(&line, color));
        }
    }
    if !plan.kept.is_empty() {
        let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
        for kept in &plan.kept {
            let name = kept.target.to_string();
            match groups.iter_mut().find(|(why, _)| *why == kept.why) {
                Some((_, names)) => names.push(name),
                None => groups.push((&kept.why, vec![name])),
            }
        }
        for (why, names) in groups {
            let _ = writeln!(out, "stays: {why}");
            for name in names {
                let _ = writeln!(out, "    {name}");
            }
        }
    }
    out
}

fn action(out: &mut String, action: &Action, detail: Detail, color: bool) {
    let style = match action.kind {
        ActionKind::Create => Style::Added,
        ActionKind::Recreate => Style::Removed,
        ActionKind::Configure | ActionKind::Adopt | ActionKind::Patch => Style::Changed,
        ActionKind::None => Style::Plain,
    };
    let sign = if action.blocked.is_some() {
        "!"
    } else {
        action.kind.sign()
    };
    // The chain that led to the place is in the JSON form; a line has no room for it.
    let place = match &action.origin.location {
        Some(location) => location.to_string(),
        None => action.origin.to_string(),
    };
    let mut line = format!("{sign:>3} {}  {place}", action.target);
    let says_why = action.kind != ActionKind::Create || action.awaits.is_some();
    if says_why && !action.why.is_empty() {
        let _ = write!(line, ": {}", action.why);
    }
    let _ = writeln!(out, "{}", style.paint(&line, color));
    for before in action
        .migration
        .iter()
        .flat_map(|migration| &migration.from)
    {
        let (manager, fields) = (&before.manager, before.fields);
        let plural = if fields == 1 { "" } else { "s" };
        let _ = writeln!(
            out,
            "      migrate ownership from {manager}: {fields} field{plural}"
        );
    }
    if detail == Detail::Lines {
        for line in unified(&shown(action)) {
            let style = match line.sign {
                Sign::After => Style::Added,
                Sign::Before => Style::Removed,
                Sign::Hunk => Style::Place,
                Sign::Both => Style::Plain,
            };
            let _ = writeln!(out, "{}", style.paint(&line.to_string(), color));
        }
        return;
    }
    // All of a new object is new; what it is stands in the file that the line names.
    if action.kind != ActionKind::Create {
        for changed in &action.changes {
            change(out, changed, color);
        }
    }
}

fn change(out: &mut String, change: &Change, color: bool) {
    let place = change
        .source
        .as_ref()
        .map(|place| format!("  {place}"))
        .unwrap_or_default();
    let (before, after) = (
        on_a_line(change.before.as_ref()),
        on_a_line(change.after.as_ref()),
    );
    let is_short = |text: &str| text.len() <= LONGEST && !text.contains('\n');
    if is_short(&before) && is_short(&after) {
        let (before, after) = (
            Style::Removed.paint(&before, color),
            Style::Added.paint(&after, color),
        );
        let _ = writeln!(out, "      {}: {before} → {after}{place}", change.path);
        return;
    }
    let _ = writeln!(out, "      {}:{place}", change.path);
    let (before, after) = (lines(change.before.as_ref()), lines(change.after.as_ref()));
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
        let _ = writeln!(out, "        {}", style.paint(line, color));
    }
}

/// A value on one line.
fn on_a_line(value: Option<&Value>) -> String {
    match value {
        None => "(none)".to_owned(),
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// A value by its lines.
fn lines(value: Option<&Value>) -> String {
    let mut text = match value {
        None => return String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => serde_json::to_string_pretty(value).unwrap_or_default(),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// `environment `dev`: 2 to create, 1 to prune, 5 unchanged`.
pub(super) fn summary(plan: &Plan) -> String {
    let parts = [
        (plan.count(ActionKind::Create), "to create"),
        (plan.count(ActionKind::Configure), "to configure"),
        (plan.count(ActionKind::Recreate), "to recreate"),
        (plan.count(ActionKind::Adopt), "to adopt"),
        (plan.count(ActionKind::Patch), "to patch"),
        (plan.prune.len(), "to prune"),
        (plan.kept.len(), "kept"),
        (plan.count(ActionKind::None), "unchanged"),
    ];
    let text: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    let text = if text.is_empty() {
        "nothing to do".to_owned()
    } else {
        text.join(", ")
    };
    format!("environment `{}`: {text}", plan.environment)
}
