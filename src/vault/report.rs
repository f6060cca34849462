//! What a run of a `vault` phase did, or would do, as people and programs may see it: never a secret.

use serde::Serialize;
use trueup_manifest::Diagnostics;

use super::plan::{Action, Change, Kind};
use crate::{
    plan::{WorkAction, WorkChange, WorkStep},
    report::WorkReport,
};

/// What a run did, or would do.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultReport {
    /// The name of the Vault.
    pub name: String,
    /// What is done to the servers themselves, in order.
    pub steps: Vec<Step>,
    /// What is done with each thing in it.
    pub actions: Vec<Shown>,
    /// What was shown to work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verified: Vec<String>,
    /// What a dry run would try to show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_verify: Vec<String>,
    /// Whether the actions are a guess: the Vault cannot be read yet.
    pub tentative: bool,
    /// What failed.
    pub errors: Diagnostics,
    /// What is worth telling.
    pub warnings: Diagnostics,
}

impl VaultReport {
    /// Whether anything was, or would be, written.
    pub fn changes(&self) -> bool {
        !self.steps.is_empty() || self.actions.iter().any(|one| one.kind != Kind::None)
    }
}

impl VaultReport {
    /// The form in which the report of an environment holds it.
    pub fn to_work(&self) -> WorkReport {
        let changes = self.actions.iter().filter(|one| one.kind != Kind::None);
        let changed = changes.clone().count();
        WorkReport {
            phase: String::new(),
            about: format!("vault `{}`", self.name),
            changed: self.steps.len() + changed,
            unchanged: self.actions.len() - changed,
            tentative: self.tentative,
            steps: self.steps.iter().map(WorkStep::from).collect(),
            actions: changes.clone().map(WorkAction::from).collect(),
            lines: self
                .steps
                .iter()
                .map(Step::line)
                .chain(changes.flat_map(Shown::lines))
                .chain(self.verified.iter().map(|what| format!("✓ {what}")))
                .collect(),
            errors: self.errors.clone(),
            warnings: self.warnings.iter().cloned().collect(),
        }
    }
}

impl From<&Step> for WorkStep {
    fn from(step: &Step) -> Self {
        Self {
            what: step.what.to_owned(),
            target: step.server.clone(),
        }
    }
}

impl From<&Shown> for WorkAction {
    fn from(shown: &Shown) -> Self {
        let changes = shown.changes.iter().map(|change| WorkChange {
            field: change.field.clone(),
            from: change.from.clone(),
            to: change.to.clone(),
        });
        Self {
            path: shown.path.clone(),
            what: shown.word.to_owned(),
            kind: shown.kind.word().to_owned(),
            why: shown.why.clone(),
            changes: changes.collect(),
            relied: shown.relied.clone(),
        }
    }
}

impl Step {
    /// A line for people.
    pub fn line(&self) -> String {
        let detail = if self.detail.is_empty() {
            String::new()
        } else {
            format!("  ({})", self.detail)
        };
        format!("+ {} {}{detail}", self.what, self.server)
    }
}

impl Shown {
    /// The sign of what is done: `+`, `~`, `-/+` or `-`.
    pub fn sign(&self) -> &'static str {
        match self.kind {
            Kind::Create => "+",
            Kind::Configure => "~",
            Kind::Recreate => "-/+",
            Kind::Prune => "-",
            Kind::None => " ",
        }
    }

    /// Lines for people: what is done, then each field that changes, indented.
    pub fn lines(&self) -> Vec<String> {
        let why = self.why.as_ref().map(|why| format!("  ({why})"));
        let why = why.unwrap_or_default();
        let mut lines = vec![format!("{} {} {}{why}", self.sign(), self.word, self.path)];
        for change in &self.changes {
            let text = |text: &str| text.trim_end().replace('\n', "\n        ");
            let to = change.to.as_deref().map(text).unwrap_or_default();
            lines.push(match &change.from {
                Some(from) => format!("    {}: {} → {to}", change.field, text(from)),
                None => format!("    {}: {to}", change.field),
            });
        }
        lines
    }
}

/// Something that is done to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What: `init` or `unseal`.
    pub what: &'static str,
    /// The server.
    pub server: String,
    /// More of it, for people.
    pub detail: String,
}

/// An action as people may see it: without the requests, which may hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// The path.
    pub path: String,
    /// What is there.
    pub word: &'static str,
    /// What is done.
    pub kind: Kind,
    /// Why, where that says something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// A keyed digest of what was found and of what is written, for a plan that is saved.
    #[serde(skip)]
    pub relied: Option<String>,
}

impl From<&Action> for Shown {
    fn from(action: &Action) -> Self {
        Self {
            path: action.path.clone(),
            word: action.word,
            kind: action.kind,
            why: action.why.clone(),
            changes: action.changes.clone(),
            relied: action.relied.clone(),
        }
    }
}
