//! The plan as a value.

use std::{borrow::Cow, fmt, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use trueup_manifest::{Diagnostic, ObjectId, Origin};

use super::{
    arrival::Awaits, foreign::ForeignStep, judge::refusal, mask::Key, migration::Migration,
    path::Path,
};
use crate::{
    cluster::{Error, Live, Resource, Target},
    render::{Hidden, asked::LookedUp},
};

/// Everything that has to be done, in which order and why.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The form of the written plan.
    pub version: FileVersion,
    /// The environment's name.
    pub environment: String,
    /// The revision that the desired set was rendered from.
    pub revision: Option<String>,
    /// The phases in the order of the environment.
    pub phases: Vec<PlannedPhase>,
    /// One action for each desired object, phase by phase.
    pub actions: Vec<Action>,
    /// Which action needs which other, and why.
    pub edges: Vec<Edge>,
    /// What is deleted, in the order of deletion.
    pub prune: Vec<Prune>,
    /// What left the desired set and stays nevertheless.
    pub kept: Vec<Kept>,
    /// Why nothing is done until somebody confirms.
    pub hold: Option<Hold>,
    /// Objects of ours that other environments claim, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<Diagnostic>,
    /// What charts looked up in the cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub looked_up: Vec<LookedUp>,
    /// How many objects the environment owned before.
    pub owned: usize,
    /// What is worth saying and stops nothing.
    pub warnings: Vec<Diagnostic>,
}

/// One phase of a plan.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedPhase {
    /// Its name.
    pub name: String,
    /// The indices of the phases that must be done first.
    pub depends_on: Vec<usize>,
    /// How long its objects may take to become healthy, in milliseconds.
    pub timeout_ms: u64,
    /// Whether the phases after it wait for its objects to become healthy.
    pub wait: bool,
    /// Whether nothing of it is written unless a dry run takes all of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub atomic: bool,
    /// Whether what a run makes of it is deleted again where it fails, and with which phase of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleaned_up_with: Option<String>,
    /// The indices of its actions; those of one wave may run side by side.
    pub waves: Vec<Vec<usize>>,
}

/// What is to be done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// It is not there.
    Create,
    /// It is ours and differs.
    Configure,
    /// It differs in a field that cannot be changed, and may be deleted and created anew.
    Recreate,
    /// It is there and becomes ours.
    Adopt,
    /// It is not ours, and some of its fields are set.
    Patch,
    /// It is as it should be.
    None,
}

impl ActionKind {
    /// Whether the cluster changes.
    pub fn is_change(self) -> bool {
        self != Self::None
    }

    /// What was done, in a word.
    pub fn done(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Configure => "configured",
            Self::Recreate => "recreated",
            Self::Adopt => "adopted",
            Self::Patch => "patched",
            Self::None => "left as it is",
        }
    }

    /// The sign that stands before an object in a list: `+`, `~`, `-/+`, `=`.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Configure | Self::Patch => "~",
            Self::Recreate => "-/+",
            Self::Adopt => "&",
            Self::None => "=",
        }
    }
}

/// What is to be done with one desired object.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// The object.
    #[serde(serialize_with = "as_id")]
    pub target: Target,
    /// Its API version.
    pub api_version: String,
    /// The index of its phase.
    pub phase: usize,
    /// What is to be done.
    pub kind: ActionKind,
    /// Whether it goes after everything else of its phase.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
    /// Why, in a few words.
    pub why: Cow<'static, str>,
    /// What changes, field by field; values of Secrets are masked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Fields that Git sets and that are left to their owners.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Path>,
    /// Whose fields become ours first, where another tool made the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration: Option<Migration>,
    /// Where the object comes from; written as `file:line:column (chain)`.
    #[serde(rename = "source", serialize_with = "as_text")]
    pub origin: Origin,
    /// Whether it is a hook of a chart, to be deleted and made anew where it cannot be changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hook: bool,
    /// What has to bring its kind first, where the cluster does not serve it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub awaits: Option<Awaits>,
    /// Why it cannot be done; nothing is tried then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Diagnostic>,
    /// The live object that the plan is about, where there is one; written as its UID and version.
    #[serde(flatten, serialize_with = "as_version")]
    pub live: Option<Live>,
    /// What is sent. The plan's written form has its digest: it may be a Secret.
    #[serde(rename = "desired", skip_serializing_if = "Body::is_empty")]
    pub body: Body,
    /// What is sent where the object has to be made anew, where fields are left to others otherwise.
    #[serde(skip)]
    pub whole: Option<Body>,
    /// What is special about an object of somebody else's.
    #[serde(skip)]
    pub foreign: Option<ForeignStep>,
    /// Texts that are shown as their digest, in whatever object they stand.
    #[serde(skip)]
    pub hidden: Hidden,
}

impl Action {
    /// The object's identity.
    pub fn id(&self) -> ObjectId {
        self.target.id()
    }

    /// The UID of the live object that the plan is about.
    pub fn uid(&self) -> Option<&str> {
        self.live.as_ref().map(Live::uid)
    }

    /// An error about the object, at its place.
    pub fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, message)
            .at(self.origin.location.clone())
            .via(&self.origin.chain)
    }

    /// The same action once its kind is served: at its own address, in the namespace it needs.
    pub fn arrived(&self, resource: Arc<Resource>) -> Self {
        let mut action = self.clone();
        let namespace = &mut action.target.namespace;
        if resource.namespaced && namespace.is_empty() {
            "default".clone_into(namespace);
        } else if !resource.namespaced {
            namespace.clear();
        }
        if *namespace != self.target.namespace {
            action.body = self.body.in_namespace(&action.target.namespace);
        }
        action.target.resource = resource;
        action.awaits = None;
        action
    }

    /// What a server's refusal is to the user.
    pub fn refusal(&self, error: &Error) -> Diagnostic {
        refusal(&self.origin, error)
    }
}

/// What is sent for an object. Its `Debug` shows no values, as it may be a Secret.
#[derive(Clone, Default)]
pub struct Body {
    bytes: Bytes,
    key: Key,
}

impl Body {
    pub(super) fn new(bytes: Bytes, key: Key) -> Self {
        Self { bytes, key }
    }

    /// The same object in another namespace; in none where it is empty.
    fn in_namespace(&self, namespace: &str) -> Self {
        let Ok(mut object) = serde_json::from_slice::<Value>(&self.bytes) else {
            return self.clone();
        };
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            if namespace.is_empty() {
                metadata.remove("namespace");
            } else {
                metadata.insert("namespace".to_owned(), namespace.into());
            }
        }
        Self::new(object.to_string().into(), self.key)
    }

    /// The key of the digests of its plan.
    pub(super) fn key(&self) -> Key {
        self.key
    }

    /// The JSON.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// Whether nothing is sent.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The digest by which another plan knows whether it would send the same.
    pub fn digest(&self) -> String {
        format!("keyed:{}", self.key.digest(&self.bytes))
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.digest())
    }
}

/// The form of a written plan: a program that reads one of another form would read it wrongly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileVersion;

impl FileVersion {
    const NUMBER: u32 = 1;
}

impl Serialize for FileVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(Self::NUMBER)
    }
}

impl<'de> Deserialize<'de> for FileVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            Self::NUMBER => Ok(Self),
            other => Err(D::Error::custom(format!(
                "it has version {other}, and this program knows version {}",
                Self::NUMBER
            ))),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.bytes.len())
    }
}

/// One field that changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The field.
    pub path: Path,
    /// Its value now; none where it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Its value afterwards; none where it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// The place that sets it: `file:line:column`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// One action must wait for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The index of the action that comes first.
    pub before: usize,
    /// The index of the action that waits.
    pub after: usize,
    /// For what it waits.
    pub gate: Gate,
    /// Why.
    pub why: Cow<'static, str>,
}

/// What has to be true of an object before what needs it may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// It was applied.
    Applied,
    /// It was applied and is healthy; for a CRD, that its kind is served.
    Healthy,
}

/// An object that is deleted because the desired set no longer holds it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Prune {
    /// The object.
    #[serde(serialize_with = "as_id")]
    pub target: Target,
    /// Only the object with this UID is deleted.
    pub uid: String,
    /// The objects that have to be gone first: indices into [`Plan::prune`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<usize>,
}

/// An object that left the desired set and stays.
#[derive(Clone, Debug, Serialize)]
pub struct Kept {
    /// The object.
    #[serde(serialize_with = "as_id")]
    pub target: Target,
    /// Why it stays.
    pub why: String,
}

/// A plan that waits for somebody to confirm it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// What sort of thing is to be confirmed.
    pub kind: HoldKind,
    /// What makes it dangerous.
    pub why: String,
    /// What to do.
    pub help: String,
}

/// What sort of thing is to be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HoldKind {
    /// That so much is deleted.
    Deletions,
    /// That another repository's environment becomes this one's.
    TakeOver,
}

impl Plan {
    /// Whether anything is to be done.
    pub fn is_empty(&self) -> bool {
        self.prune.is_empty() && self.actions.iter().all(|action| !action.kind.is_change())
    }

    /// How many actions there are of a kind.
    pub fn count(&self, kind: ActionKind) -> usize {
        self.actions
            .iter()
            .filter(|action| action.kind == kind)
            .count()
    }
}

fn as_text<S: Serializer>(origin: &Origin, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(origin)
}

#[expect(clippy::ref_option, reason = "serde gives a reference")]
fn as_version<S: Serializer>(live: &Option<Live>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Version<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        uid: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        resource_version: Option<&'a str>,
    }
    Version {
        uid: live.as_ref().map(Live::uid),
        resource_version: live.as_ref().map(Live::resource_version),
    }
    .serialize(serializer)
}

fn as_id<S: Serializer>(target: &Target, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Id<'a> {
        group: &'a str,
        kind: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        namespace: &'a str,
        name: &'a str,
    }
    Id {
        group: &target.resource.group,
        kind: &target.resource.kind,
        namespace: &target.namespace,
        name: &target.name,
    }
    .serialize(serializer)
}
