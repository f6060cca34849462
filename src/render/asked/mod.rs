//! What rendering asks of a cluster, and the answers: what it serves, what it holds, what was drawn before.
//!
//! Flows in: answers, gathered by the pipeline before a render. Flows out: the questions that a render had and that
//! nobody has answered yet; then the pipeline answers them and renders again, until there is none left. So rendering
//! stays pure: the same files and the same answers give the same bytes. It must never talk to a cluster itself.

mod draws;
mod record;
mod vault;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use trueup_helm::{Capabilities, Lookup};

pub(super) use self::vault::{as_text, texts_of};
pub use self::{
    record::{Record, RecordError},
    vault::{VaultAnswer, VaultPath},
};

/// An object, or a list of objects where `name` is empty, that a template looks up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// The namespace; empty for all, or for a kind that has none.
    pub namespace: String,
    /// The name; empty for all.
    pub name: String,
}

/// What a template looked up, without what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LookedUp {
    /// `v1`.
    pub api_version: String,
    /// `Secret`.
    pub kind: String,
    /// The namespace; empty for all, or for a kind that has none.
    #[serde(default)]
    pub namespace: String,
    /// The name; empty for all.
    #[serde(default)]
    pub name: String,
    /// What tells the answer from another one; none where nothing was found.
    pub found: Option<String>,
}

/// What a render asked and nobody has answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// What the server serves.
    pub capabilities: bool,
    /// What was drawn before.
    pub record: bool,
    /// Objects.
    pub objects: BTreeSet<Wanted>,
    /// What Vaults hold.
    pub values: BTreeSet<VaultPath>,
}

impl Questions {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        !self.capabilities && !self.record && self.objects.is_empty() && self.values.is_empty()
    }
}

#[derive(Default)]
struct State {
    capabilities: Option<Capabilities>,
    /// APIs that the environment itself brings.
    brought: BTreeSet<String>,
    objects: BTreeMap<Wanted, Option<Value>>,
    values: BTreeMap<VaultPath, VaultAnswer>,
    record: Option<Record>,
    open: Questions,
    asked: Questions,
    releases: BTreeSet<String>,
    /// Functions that drew, by release.
    drew: BTreeMap<String, BTreeSet<&'static str>>,
}

/// Questions and answers of the renders of one environment. Cheap to share.
pub struct Asked {
    /// Whether there is a cluster to ask.
    online: bool,
    /// Seconds since 1970.
    now: i64,
    state: Mutex<State>,
}

impl Asked {
    /// With a cluster that can be asked.
    pub fn of_cluster(now: i64) -> Self {
        Self {
            online: true,
            now,
            state: Mutex::default(),
        }
    }

    /// Without one: nothing is found, as by `helm template`. What is drawn is the same in all renders with this value.
    pub fn offline() -> Self {
        Self {
            online: false,
            now: 0,
            state: Mutex::new(State {
                record: Some(Record::default()),
                ..State::default()
            }),
        }
    }

    /// Whether there is a cluster to ask.
    pub(super) fn is_online(&self) -> bool {
        self.online
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The questions that are open, once: they are as good as answered by then.
    pub fn take_questions(&self) -> Questions {
        std::mem::take(&mut self.state().open)
    }

    /// Whether any question is open, so that what was rendered is not to be relied on.
    pub(super) fn has_questions(&self) -> bool {
        !self.state().open.is_empty()
    }

    /// All that was asked so far, to be answered before the next render even begins.
    pub fn asked(&self) -> Questions {
        self.state().asked.clone()
    }

    /// What the server serves.
    pub fn answer_capabilities(&self, capabilities: Capabilities) {
        self.state().capabilities = Some(capabilities);
    }

    /// What the cluster holds of an object, or the list of them.
    pub fn answer_object(&self, wanted: Wanted, found: Option<Value>) {
        self.state().objects.insert(wanted, found);
    }

    /// What a Vault holds.
    pub fn answer_value(&self, path: VaultPath, answer: VaultAnswer) {
        self.state().values.insert(path, answer);
    }

    /// What was drawn before.
    pub fn answer_record(&self, record: Record) {
        self.state().record = Some(record);
    }

    /// Takes APIs that the environment itself brings, if a chart asked what is served and they were not known. Whether
    /// it has to be rendered again.
    pub fn bring(&self, api_versions: BTreeSet<String>) -> bool {
        let mut state = self.state();
        if !self.online || !state.asked.capabilities || state.brought.is_superset(&api_versions) {
            return false;
        }
        state.brought.extend(api_versions);
        true
    }

    /// What was drawn, with what was drawn anew; none where nothing was.
    pub fn new_draws(&self) -> Option<Record> {
        self.state().record.clone().filter(Record::has_changed)
    }

    /// Which functions drew, by release.
    pub fn drew(&self) -> BTreeMap<String, BTreeSet<&'static str>> {
        self.state().drew.clone()
    }

    /// All releases that were rendered, as `namespace/name`.
    pub fn releases(&self) -> Vec<String> {
        self.state().releases.iter().cloned().collect()
    }

    /// What was looked up, for the plan.
    pub fn looked_up(&self) -> Vec<LookedUp> {
        let state = self.state();
        let found = state.objects.iter().map(|(wanted, found)| LookedUp {
            api_version: wanted.api_version.clone(),
            kind: wanted.kind.clone(),
            namespace: wanted.namespace.clone(),
            name: wanted.name.clone(),
            found: found.as_ref().map(version_of),
        });
        let values = state.values.iter().map(|(path, answer)| LookedUp {
            api_version: String::new(),
            kind: "Vault".to_owned(),
            namespace: path.phase.clone(),
            name: path.path.clone(),
            found: match answer {
                VaultAnswer::Held { version, .. } => Some(version.clone().unwrap_or_default()),
                VaultAnswer::Absent | VaultAnswer::Unavailable(_) => None,
            },
        });
        found.chain(values).collect()
    }

    /// What charts may know of the server; what is assumed without one where nobody knows.
    pub(super) fn capabilities(&self) -> Capabilities {
        let mut state = self.state();
        if !self.online {
            return Capabilities::of_a_cluster();
        }
        state.asked.capabilities = true;
        let Some(known) = state.capabilities.clone() else {
            state.open.capabilities = true;
            return Capabilities::of_a_cluster();
        };
        known.with_api_versions(state.brought.iter().cloned())
    }

    /// What a template may look up; nothing without a cluster.
    pub(super) fn lookup(self: &Arc<Self>) -> Option<Arc<dyn Lookup>> {
        self.online
            .then(|| Arc::new(Lookups(Arc::clone(self))) as Arc<dyn Lookup>)
    }

    /// The object, if it is known by now.
    pub(super) fn object(&self, wanted: Wanted) -> Option<Value> {
        let mut state = self.state();
        if !self.online {
            return None;
        }
        if let Some(found) = state.objects.get(&wanted) {
            return found.clone();
        }
        state.open.objects.insert(wanted.clone());
        state.asked.objects.insert(wanted);
        None
    }

    /// What a Vault holds, if it is known by now.
    pub(super) fn value(&self, path: VaultPath) -> Option<VaultAnswer> {
        let mut state = self.state();
        if let Some(answer) = state.values.get(&path) {
            return Some(answer.clone());
        }
        state.open.values.insert(path.clone());
        state.asked.values.insert(path);
        None
    }
}

/// What tells one answer from another without showing what it holds: of a Secret its identity and version, of all else a
/// hash, without what changes by itself.
fn version_of(found: &Value) -> String {
    let text = |object: &Value, path: &str| {
        let text = object.pointer(path).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let kind = text(found, "/kind");
    if kind == "Secret" || kind == "SecretList" {
        let versions = |object: &Value| {
            let (uid, version) = ("/metadata/uid", "/metadata/resourceVersion");
            format!("{}@{}", text(object, uid), text(object, version))
        };
        let items = found.get("items").and_then(Value::as_array);
        return match items {
            Some(items) => items.iter().map(versions).collect::<Vec<_>>().join(","),
            None => versions(found),
        };
    }
    let mut plain = found.clone();
    strip(&mut plain);
    let mut hash = String::new();
    for byte in Sha256::digest(plain.to_string()).iter().take(16) {
        use std::fmt::Write as _;
        // Writing to a string cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}

fn strip(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        metadata.remove("resourceVersion");
    }
    if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(strip);
    }
}

struct Lookups(Arc<Asked>);

impl Lookup for Lookups {
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, String> {
        Ok(self.0.object(Wanted {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }))
    }
}
