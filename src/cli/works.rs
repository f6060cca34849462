//! What the Vaults of an environment are told, beside a plan for its cluster.

use std::fmt::Write;

use serde::Serialize;
use trueup_manifest::{Diagnostic, Diagnostics};

use super::{console::Console, exit::Failure};
use crate::report::WorkReport;

/// A plan or a comparison with all that is done besides objects, for programs and for files.
#[derive(Serialize)]
pub(super) struct Whole<'a, T> {
    #[serde(flatten)]
    objects: &'a T,
    #[serde(skip_serializing_if = "<[WorkReport]>::is_empty")]
    works: &'a [WorkReport],
}

impl<'a, T> Whole<'a, T> {
    pub(super) fn new(objects: &'a T, works: &'a [WorkReport]) -> Self {
        Self { objects, works }
    }
}

/// For people.
pub(super) fn text(console: &Console, works: &[WorkReport]) -> Result<(), Failure> {
    for work in works.iter().filter(|work| work.changed > 0) {
        let lines = work.lines.join("\n  ");
        console.data(&format!(
            "phase `{}`, {}:\n  {lines}\n",
            work.phase, work.about
        ))?;
    }
    Ok(())
}

/// How much of it is in a plan that was written to a file.
pub(super) fn summary(console: &Console, works: &[WorkReport]) {
    for work in works {
        console.message(&format!(
            "phase `{}`, {}: {} to change, {} as they should be",
            work.phase, work.about, work.changed, work.unchanged
        ));
    }
}

/// For a comment on a pull request: a block a phase.
pub(super) fn markdown(works: &[WorkReport]) -> String {
    let mut out = String::new();
    for work in works.iter().filter(|work| work.changed > 0) {
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "\n<details><summary>phase <code>{}</code>, {}: {} to change</summary>\n\n```diff\n",
            work.phase, work.about, work.changed
        );
        for line in work.lines.iter().flat_map(|line| line.lines()) {
            // A value must never end the block that it stands in.
            let _ = writeln!(out, "{}", line.replace("```", "` ` `"));
        }
        out.push_str("```\n\n</details>\n");
    }
    out
}

/// Whether anything is to be done; an error where it could not be told.
pub(super) fn differ(works: &[WorkReport]) -> Result<bool, Failure> {
    let mut errors = Diagnostics::new();
    for work in works {
        errors.extend(work.errors.clone());
    }
    let differs = works.iter().any(|work| work.changed > 0);
    errors.into_result(differs).map_err(Failure::from)
}

/// A saved plan says all that will be done, so a Vault whose content cannot be read yet has none: but
/// for one that is empty.
pub(super) fn savable(works: &[WorkReport]) -> Result<(), Failure> {
    differ(works)?;
    let unread = works.iter().find(|work| {
        let begins = work.steps.iter().any(|step| step.what == "init");
        work.tentative && !begins
    });
    let Some(work) = unread else {
        return Ok(());
    };
    let message = format!(
        "what phase `{}` would change cannot be told: {} is sealed",
        work.phase, work.about
    );
    let help = "unseal it first: `trueup vault unseal`";
    Err(Diagnostic::error("vault/sealed", message).help(help).into())
}
