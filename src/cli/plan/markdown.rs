//! A plan as Markdown, for a comment on a pull request.

use std::fmt::Write;

use super::text;
use crate::plan::{Action, Change, Path, Plan};

/// How many objects are shown before the rest is counted: comments have a limit.
const SHOWN: usize = 100;

/// One line that says it all, then each object in a block of its own.
pub(super) fn plan(plan: &Plan) -> String {
    // Writing to a string cannot fail.
    let mut out = format!("**{}**\n", text::summary(plan).replace("environment ", ""));
    if let Some(hold) = &plan.hold {
        let _ = write!(out, "\n> **held:** {}\n", hold.why);
    }
    let changed: Vec<&Action> = plan
        .actions
        .iter()
        .filter(|action| action.kind.is_change() || action.blocked.is_some())
        .collect();
    for action in changed.iter().take(SHOWN) {
        block(&mut out, action);
    }
    if changed.len() > SHOWN {
        let _ = write!(out, "\n… and {} more objects\n", changed.len() - SHOWN);
    }
    if !plan.prune.is_empty() {
        out.push_str("\n```diff\n");
        for prune in plan.prune.iter().take(SHOWN) {
            let _ = writeln!(out, "- {}", prune.target);
        }
        if plan.prune.len() > SHOWN {
            let _ = writeln!(out, "# … and {} more", plan.prune.len() - SHOWN);
        }
        out.push_str("```\n");
    }
    out
}

fn block(out: &mut String, action: &Action) {
    let sign = if action.blocked.is_some() {
        "!"
    } else {
        action.kind.sign()
    };
    let place = match &action.origin.location {
        Some(location) => location.to_string(),
        None => action.origin.to_string(),
    };
    let _ = write!(
        out,
        "\n<details><summary><code>{sign} {}</code> {}</summary>\n\n`{place}`\n\n```diff\n",
        action.target, action.why
    );
    for before in action
        .migration
        .iter()
        .flat_map(|migration| &migration.from)
    {
        let _ = writeln!(
            out,
            "! migrate ownership from {}: {} fields",
            before.manager, before.fields
        );
    }
    match &action.blocked {
        Some(blocked) => {
            let _ = writeln!(out, "! {}", fenced(&blocked.message));
        }
        None if action.changes.is_empty() => {
            let _ = writeln!(out, "+ {}", action.target);
        }
        None => {}
    }
    for changed in &action.changes {
        change(out, changed);
    }
    out.push_str("```\n\n</details>\n");
}

fn change(out: &mut String, change: &Change) {
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let path = &change.path;
    let place = change.source.as_deref();
    let place = place
        .map(|place| format!("  # {place}"))
        .unwrap_or_default();
    if let Some(before) = &change.before {
        lines(out, '-', &field(path, &value(before), ""));
    }
    if let Some(after) = &change.after {
        lines(out, '+', &field(path, &value(after), &place));
    }
}

/// A field with its value, and the place that sets it beside its name where the value has many lines.
fn field(path: &Path, value: &str, place: &str) -> String {
    if value.contains('\n') {
        let value = value.trim_end().replace('\n', "\n  ");
        format!("{path}: |{place}\n  {value}")
    } else {
        format!("{path}: {value}{place}")
    }
}

fn lines(out: &mut String, sign: char, text: &str) {
    for line in fenced(text).lines() {
        let _ = writeln!(out, "{sign} {line}");
    }
}

/// A text that cannot end the block it stands in.
fn fenced(text: &str) -> String {
    text.replace("```", "` ` `")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_never_ends_the_block_that_it_stands_in() {
        let mut out = String::new();
        lines(&mut out, '+', "data.a: one\n```\n<b>");
        assert_eq!(out, "+ data.a: one\n+ ` ` `\n+ <b>\n");
    }
}
