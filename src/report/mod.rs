//! What became of a run: one value for the terminal, JSON, status, metrics and history.
//!
//! Flows in: what the executor saw. Flows out: a [`Report`], and its text for the person on call.
//! It must never hold values of a Secret, and never decide anything.

mod text;
mod unified;
mod work;

use std::{collections::HashMap, time::Duration};

use serde::{Serialize, Serializer};
use trueup_manifest::{Diagnostic, Diagnostics, ObjectId};

pub use self::{
    text::AfterProgress,
    unified::{Line, Sign, unified},
    work::WorkReport,
};
use crate::plan::{ActionKind, Hold, Kept};

/// What became of a run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The environment's name.
    pub environment: String,
    /// The revision.
    pub revision: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// How many objects met which end.
    pub counts: Counts,
    /// The phases.
    pub phases: Vec<PhaseReport>,
    /// The objects of the desired set.
    pub actions: Vec<ActionReport>,
    /// What more than one object failed for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// The objects that left it.
    pub pruned: Vec<PruneReport>,
    /// The objects that the run has made and deleted again, as their release failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cleaned_up: Vec<PruneReport>,
    /// The objects that left it and stay.
    pub kept: Vec<Kept>,
    /// Why nothing was done until somebody confirms.
    pub hold: Option<Hold>,
    /// What was done, or would be, in phases that are more than objects: what a Vault is told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub works: Vec<WorkReport>,
    /// What went wrong beside single objects: no connection, no order.
    pub errors: Diagnostics,
    /// What is worth saying.
    pub warnings: Vec<Diagnostic>,
    /// How long it took.
    #[serde(rename = "durationMs", serialize_with = "as_millis")]
    pub duration: Duration,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The cluster holds what it should.
    Converged,
    /// Changes are pending: only a plan was wanted.
    Pending,
    /// Something failed.
    Failed,
    /// The plan waits for somebody to confirm it.
    Held,
    /// A newer revision took over.
    Superseded,
    /// The process was told to end.
    Stopped,
}

/// How many objects met which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Created.
    pub created: usize,
    /// Changed.
    pub configured: usize,
    /// Deleted and created anew.
    pub recreated: usize,
    /// Taken over.
    pub adopted: usize,
    /// Patched, and not ours.
    pub patched: usize,
    /// As they should be.
    pub unchanged: usize,
    /// Deleted.
    pub pruned: usize,
    /// Deleted again by the run that had created them.
    #[serde(skip_serializing_if = "is_zero")]
    pub cleaned_up: usize,
    /// Left the desired set and stay.
    pub kept: usize,
    /// Failed.
    pub failed: usize,
    /// Not tried, because something else failed or the run was stopped.
    pub skipped: usize,
}

impl Counts {
    /// How many objects of the cluster were changed.
    pub fn changed(&self) -> usize {
        self.created + self.configured + self.recreated + self.adopted + self.patched + self.pruned
    }
}

/// What became of a phase.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhaseReport {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub result: PhaseResult,
    /// How long it took, from its start to its end.
    #[serde(rename = "durationMs", serialize_with = "as_millis")]
    pub duration: Duration,
}

/// How a phase ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PhaseResult {
    /// Everything in it was done.
    Done,
    /// Something in it failed.
    Failed,
    /// It did not begin, or was not finished because the run was stopped.
    Skipped,
}

/// What became of one desired object.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionReport {
    /// The object.
    #[serde(serialize_with = "as_text")]
    pub object: ObjectId,
    /// The name of its phase.
    pub phase: String,
    /// What was to be done.
    pub action: ActionKind,
    /// What became of it.
    pub result: ActionResult,
    /// What the object says of itself; empty where it is as it says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub health: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Diagnostic>,
    /// What the error comes down to, where others may have failed for the same reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Because of what it was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// How long the request took.
    #[serde(rename = "durationMs", serialize_with = "as_millis")]
    pub duration: Duration,
}

/// What more than one object failed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// What is the matter: `node `a` is not ready: …`.
    pub cause: String,
    /// The objects, in the order of the desired set.
    #[serde(serialize_with = "as_texts")]
    pub objects: Vec<ObjectId>,
}

impl Cause {
    /// How many objects failed, and for what.
    pub fn says(&self) -> String {
        format!(
            "{} objects are not healthy for one reason: {}",
            self.objects.len(),
            self.cause
        )
    }
}

/// What became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionResult {
    /// It was done; for an action of the kind `none`, there was nothing to do.
    Done,
    /// The server refused it.
    Failed,
    /// It was done, and the object did not become healthy.
    Unhealthy,
    /// It was not tried.
    Skipped,
}

/// What became of an object that left the desired set.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneReport {
    /// The object.
    #[serde(serialize_with = "as_text")]
    pub object: ObjectId,
    /// What became of it.
    pub result: ActionResult,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Diagnostic>,
    /// Because of what it was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl Report {
    /// The report of a run about which nothing but its end is known yet.
    pub fn new(environment: &str, revision: Option<String>, outcome: Outcome) -> Self {
        Self {
            environment: environment.to_owned(),
            revision,
            outcome,
            counts: Counts::default(),
            phases: Vec::new(),
            actions: Vec::new(),
            causes: Vec::new(),
            pruned: Vec::new(),
            cleaned_up: Vec::new(),
            kept: Vec::new(),
            hold: None,
            works: Vec::new(),
            errors: Diagnostics::new(),
            warnings: Vec::new(),
            duration: Duration::ZERO,
        }
    }

    /// A run that could not begin.
    pub fn of_failure(environment: &str, revision: Option<String>, errors: Diagnostics) -> Self {
        Self {
            errors,
            ..Self::new(environment, revision, Outcome::Failed)
        }
    }

    /// Every error there is, of single objects and of the run.
    pub fn all_errors(&self) -> impl Iterator<Item = &Diagnostic> {
        let of_actions = self
            .actions
            .iter()
            .filter_map(|action| action.error.as_ref());
        let deleted = self.cleaned_up.iter().chain(&self.pruned);
        let of_prune = deleted.filter_map(|prune| prune.error.as_ref());
        let of_works = self.works.iter().flat_map(|work| work.errors.iter());
        self.errors
            .iter()
            .chain(of_works)
            .chain(of_actions)
            .chain(of_prune)
    }

    /// Counts the ends of all objects, and puts together those that failed for one reason.
    pub(crate) fn count(&mut self) {
        self.causes = self.shared_causes();
        let mut counts = Counts {
            kept: self.kept.len(),
            ..Counts::default()
        };
        for action in &self.actions {
            let count = match (action.result, action.action) {
                (ActionResult::Skipped, _) => &mut counts.skipped,
                (ActionResult::Failed | ActionResult::Unhealthy, _) => &mut counts.failed,
                (ActionResult::Done, ActionKind::Create) => &mut counts.created,
                (ActionResult::Done, ActionKind::Configure) => &mut counts.configured,
                (ActionResult::Done, ActionKind::Recreate) => &mut counts.recreated,
                (ActionResult::Done, ActionKind::Adopt) => &mut counts.adopted,
                (ActionResult::Done, ActionKind::Patch) => &mut counts.patched,
                (ActionResult::Done, ActionKind::None) => &mut counts.unchanged,
            };
            *count += 1;
        }
        let is_done = |one: &&PruneReport| one.result == ActionResult::Done;
        counts.cleaned_up = self.cleaned_up.iter().filter(is_done).count();
        for prune in &self.pruned {
            match prune.result {
                ActionResult::Done => counts.pruned += 1,
                ActionResult::Skipped => counts.skipped += 1,
                ActionResult::Failed | ActionResult::Unhealthy => counts.failed += 1,
            }
        }
        self.counts = counts;
    }

    /// The causes of more than one failure, each where it first comes up.
    fn shared_causes(&self) -> Vec<Cause> {
        let mut causes: Vec<Cause> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for action in &self.actions {
            let Some(cause) = action.cause.as_deref() else {
                continue;
            };
            let place = *places.entry(cause).or_insert(causes.len());
            match causes.get_mut(place) {
                Some(known) => known.objects.push(action.object.clone()),
                None => causes.push(Cause {
                    cause: cause.to_owned(),
                    objects: vec![action.object.clone()],
                }),
            }
        }
        causes.retain(|cause| cause.objects.len() > 1);
        causes
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn as_texts<S: Serializer>(ids: &[ObjectId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(ToString::to_string))
}

fn as_text<S: Serializer>(id: &ObjectId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

fn as_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
