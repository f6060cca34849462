//! What is done in a phase besides objects: what a Vault is told, and whether a saved plan of it still
//! holds.

use serde::{Deserialize, Serialize};
use trueup_manifest::{Diagnostic, Diagnostics};

use super::saved::{AGAIN, STALE};

/// Something that is done to a whole: a server is initialised, or unsealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkStep {
    /// What: `init` or `unseal`.
    pub what: String,
    /// To what.
    pub target: String,
}

/// Something that is done with one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkAction {
    /// Where it is.
    pub path: String,
    /// What is there, for people.
    pub what: String,
    /// What is done: `create`, `configure`, `recreate` or `prune`.
    pub kind: String,
    /// Why, where that says something.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<String>,
    /// The fields that change.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub changes: Vec<WorkChange>,
    /// A keyed digest of what was found there and of what is to be written, secrets among it. None where
    /// there is no key yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub relied: Option<String>,
}

/// A field that changes. Values of secrets are not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkChange {
    /// Its name.
    pub field: String,
    /// What it is; none where there is nothing, or nobody can tell.
    pub from: Option<String>,
    /// What it will be.
    pub to: Option<String>,
}

/// The work of a phase as a saved plan has it.
#[derive(Clone, Debug, Deserialize)]
pub struct SavedWork {
    /// The name of the phase.
    pub phase: String,
    steps: Vec<WorkStep>,
    actions: Vec<WorkAction>,
}

impl SavedWork {
    /// Whether the plan still holds, given what would be done now: an error for each thing that is
    /// otherwise. What has been done since is no matter.
    pub fn check(&self, steps: &[WorkStep], actions: &[WorkAction]) -> Result<(), Diagnostics> {
        let stale = |message: String| Diagnostic::error(STALE, message).help(AGAIN);
        // One that joins the others is unsealed too, and only that is foreseen.
        let new = steps
            .iter()
            .filter(|step| step.what != "join" && !self.steps.contains(step));
        let mut findings: Diagnostics = new
            .map(|step| {
                let WorkStep { what, target } = step;
                stale(format!(
                    "{target} needs `{what}` now, which the plan does not say"
                ))
            })
            .collect();
        for now in actions {
            let then = self.actions.iter().find(|then| then.path == now.path);
            let why = match then {
                None => "was as it should be, and differs now".to_owned(),
                Some(then) if then.kind != now.kind => {
                    format!(
                        "was to be `{}` by the plan, and is `{}` now",
                        then.kind, now.kind
                    )
                }
                Some(then) => match otherwise(then, now) {
                    Some(why) => why,
                    None => continue,
                },
            };
            findings.push(stale(format!("{} `{}` {why}", now.what, now.path)));
        }
        findings.into_result(())
    }
}

/// In which way a change is not the one of the plan.
fn otherwise(then: &WorkAction, now: &WorkAction) -> Option<String> {
    let other = now
        .changes
        .iter()
        .find(|change| !then.changes.contains(change));
    if let Some(change) = other {
        return Some(format!(
            "has changed: `{}` is {} now",
            change.field,
            change.from.as_deref().unwrap_or("not set")
        ));
    }
    // A secret may be another one although nothing of it is shown.
    match (&then.relied, &now.relied) {
        (Some(relied), Some(is)) if relied != is && then.changes == now.changes => {
            Some("is not what the plan relied on".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(path: &str, kind: &str, from: &str, relied: &str) -> WorkAction {
        WorkAction {
            path: path.to_owned(),
            what: "role".to_owned(),
            kind: kind.to_owned(),
            why: None,
            changes: vec![WorkChange {
                field: "ttl".to_owned(),
                from: Some(from.to_owned()),
                to: Some("1h".to_owned()),
            }],
            relied: Some(relied.to_owned()),
        }
    }

    #[test]
    fn work_holds_while_it_is_the_same_or_done_and_not_otherwise() {
        let saved = SavedWork {
            phase: "vault".to_owned(),
            steps: vec![],
            actions: vec![action("a", "configure", "2h", "x")],
        };
        assert!(saved.check(&[], &[]).is_ok());
        assert!(
            saved
                .check(&[], &[action("a", "configure", "2h", "x")])
                .is_ok()
        );
        let step = WorkStep {
            what: "unseal".to_owned(),
            target: "s".to_owned(),
        };
        for (steps, now, said) in [
            (
                vec![],
                vec![action("b", "configure", "2h", "x")],
                "was as it should be",
            ),
            (
                vec![],
                vec![action("a", "create", "2h", "x")],
                "was to be `configure`",
            ),
            (
                vec![],
                vec![action("a", "configure", "3h", "x")],
                "`ttl` is 3h now",
            ),
            (
                vec![],
                vec![action("a", "configure", "2h", "y")],
                "relied on",
            ),
            (vec![step], vec![], "needs `unseal` now"),
        ] {
            let errors = saved.check(&steps, &now).unwrap_err();
            assert!(format!("{errors:?}").contains(said), "{errors:?}");
        }
    }
}
