//! A plan that was written to a file, and whether it still holds.
//!
//! A plan holds when planning anew gives the same: the same fields to change from the same values to
//! the same values, on the same objects. What else has changed in the cluster is nothing to it, and what
//! has been done since is no reason to refuse the rest.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trueup_manifest::{Diagnostic, Diagnostics};

use super::{
    action::{Action, ActionKind, Change, FileVersion, Plan},
    work::SavedWork,
};
use crate::render::asked::LookedUp;

/// The code of the error about a plan that no longer holds.
pub const STALE: &str = "plan/stale";
/// What to do about one.
pub(super) const AGAIN: &str = "look at it with `trueup diff`, and plan again";

/// A plan as its file has it: the parts that it relied on.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Saved {
    /// The form of the file.
    pub version: FileVersion,
    /// The environment's name.
    pub environment: String,
    /// The revision that the desired set was rendered from.
    pub revision: Option<String>,
    actions: Vec<SavedAction>,
    prune: Vec<SavedPrune>,
    #[serde(default)]
    works: Vec<SavedWork>,
    #[serde(default)]
    looked_up: Vec<LookedUp>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct SavedId {
    group: String,
    kind: String,
    #[serde(default)]
    namespace: String,
    name: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SavedAction {
    target: SavedId,
    kind: ActionKind,
    #[serde(default)]
    changes: Vec<SavedChange>,
    uid: Option<String>,
    desired: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct SavedChange {
    path: String,
    before: Option<Value>,
    after: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
struct SavedPrune {
    target: SavedId,
    uid: String,
}

impl From<&Change> for SavedChange {
    fn from(change: &Change) -> Self {
        Self {
            path: change.path.to_string(),
            before: change.before.clone(),
            after: change.after.clone(),
        }
    }
}

impl Saved {
    /// Reads a plan file.
    pub fn read(text: &str) -> Result<Self, Diagnostic> {
        serde_json::from_str(text).map_err(|error| {
            let message = format!("this is no plan that `trueup plan ENV -o FILE` wrote: {error}");
            Diagnostic::error("plan/file", message).help("write it again with this version")
        })
    }

    /// Whether the plan still holds, given the plan that would be made now: an error for each thing
    /// that is otherwise.
    pub fn check(&self, now: &Plan) -> Result<(), Diagnostics> {
        let mut before: BTreeMap<SavedId, &SavedAction> = self
            .actions
            .iter()
            .map(|action| (action.target.clone(), action))
            .collect();
        let mut findings = Diagnostics::new();
        findings.extend(self.other_answers(now));
        for action in &now.actions {
            let id = SavedId::of(&action.target);
            if let Some(why) = differs(before.remove(&id), action) {
                let message = format!("`{}` {why}", action.id());
                findings.push(action.error(STALE, message).help(AGAIN));
            }
        }
        for (id, _) in before {
            let message = format!("{} is in the plan, and is not rendered any more", id.text());
            findings.push(Diagnostic::error(STALE, message).help(AGAIN));
        }
        findings.extend(self.new_prunes(now));
        findings.into_result(())
    }

    /// What is done in a phase besides objects; none where the plan says nothing of it.
    pub fn work(&self, phase: &str) -> Option<&SavedWork> {
        self.works.iter().find(|work| work.phase == phase)
    }

    /// What charts look up now and is not as the plan saw it.
    fn other_answers(&self, now: &Plan) -> Vec<Diagnostic> {
        let is_same = |wanted: &&LookedUp| self.looked_up.contains(wanted);
        let other = now.looked_up.iter().filter(|wanted| !is_same(wanted));
        other
            .map(|wanted| {
                let LookedUp { kind, namespace, name, .. } = wanted;
                let place = if namespace.is_empty() { name.clone() } else { format!("{namespace}/{name}") };
                let message = format!(
                    "`{kind} {place}`, which a chart looks up, is not what it was when the plan was made"
                );
                Diagnostic::error(STALE, message).help(AGAIN)
            })
            .collect()
    }

    /// What would be deleted now and is not in the plan. What is gone already is no matter.
    fn new_prunes(&self, now: &Plan) -> Vec<Diagnostic> {
        let planned: BTreeSet<(&SavedId, &str)> = self
            .prune
            .iter()
            .map(|prune| (&prune.target, prune.uid.as_str()))
            .collect();
        let new = now.prune.iter().filter(|prune| {
            let id = SavedId::of(&prune.target);
            !planned.contains(&(&id, prune.uid.as_str()))
        });
        new.map(|prune| {
            let message = format!(
                "`{}` would be deleted now, which the plan does not say",
                prune.target
            );
            Diagnostic::error(STALE, message).help(AGAIN)
        })
        .collect()
    }
}

impl SavedId {
    fn of(target: &crate::cluster::Target) -> Self {
        let id = target.id();
        Self {
            group: id.group,
            kind: id.kind,
            namespace: id.namespace,
            name: id.name,
        }
    }

    fn text(&self) -> String {
        match self.namespace.as_str() {
            "" => format!("`{} {}`", self.kind, self.name),
            namespace => format!("`{} {namespace}/{}`", self.kind, self.name),
        }
    }
}

/// In which way an action is not what the plan says; none where it is, or is done already.
fn differs(before: Option<&SavedAction>, now: &Action) -> Option<String> {
    if let Some(blocked) = &now.blocked {
        return Some(format!("cannot be done any more: {}", blocked.message));
    }
    let Some(before) = before else {
        return Some("is rendered now, and is not in the plan".to_owned());
    };
    // It is as it should be: nothing to do, or done since.
    if now.kind == ActionKind::None {
        return None;
    }
    if !before.kind.is_change() {
        let fields = fields(&now.changes);
        return Some(format!("was as it should be, and differs now{fields}"));
    }
    if before.desired.as_deref() != Some(&*now.body.digest()) {
        return Some("is rendered otherwise than in the plan".to_owned());
    }
    if before.uid.as_deref() != now.uid() {
        return Some(match (&before.uid, now.uid()) {
            (Some(_), None) => "is gone since the plan was made".to_owned(),
            (None, _) => "is there since the plan was made".to_owned(),
            _ => "is another object since the plan was made".to_owned(),
        });
    }
    let changes: Vec<SavedChange> = now.changes.iter().map(SavedChange::from).collect();
    if let Some(why) = other_change(&before.changes, &changes) {
        return Some(why);
    }
    let (then, now) = (before.kind, now.kind);
    (then != now).then(|| {
        format!(
            "would be {} now, and {} by the plan",
            now.done(),
            then.done()
        )
    })
}

/// The first field whose value now is not the one that the plan saw.
fn other_change(before: &[SavedChange], now: &[SavedChange]) -> Option<String> {
    let shown = |value: &Option<Value>| match value {
        None => "not set".to_owned(),
        Some(value) => format!("`{value}`"),
    };
    for change in now {
        match before.iter().find(|other| other.path == change.path) {
            Some(other) if other == change => {}
            Some(other) => {
                return Some(format!(
                    "has changed: `{}` is {} now, and was {} when the plan was made",
                    change.path,
                    shown(&change.before),
                    shown(&other.before)
                ));
            }
            None => {
                return Some(format!(
                    "has changed: `{}` is {} now, which the plan did not see",
                    change.path,
                    shown(&change.before)
                ));
            }
        }
    }
    // A field that is as it should be by now is nothing against the rest.
    None
}

fn fields(changes: &[Change]) -> String {
    const NAMED: usize = 3;
    let names: Vec<String> = changes
        .iter()
        .take(NAMED)
        .map(|change| format!("`{}`", change.path))
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(" in {}", names.join(", "))
    }
}
