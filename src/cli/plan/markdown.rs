//! A plan as Markdown, for a comment on a pull request.

use std::fmt::Write;

use super::text;
use crate::{
    plan::{Action, Plan, shown},
    report::unified,
};

/// How many objects are shown before the rest is counted: comments have a limit.
const SHOWN: usize = 100;

/// How many lines are shown of an object before the rest is counted.
const LINES: usize = 200;

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
    if let Some(blocked) = &action.blocked {
        let _ = writeln!(out, "! {}", fenced(&blocked.message));
    }
    let lines = unified(&shown(action));
    for line in lines.iter().take(LINES) {
        let _ = writeln!(out, "{}", fenced(&line.to_string()));
    }
    if lines.len() > LINES {
        let _ = writeln!(out, "# … and {} more lines", lines.len() - LINES);
    }
    out.push_str("```\n\n</details>\n");
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
        assert_eq!(fenced("+one\n```\n<b>"), "+one\n` ` `\n<b>");
    }
}
