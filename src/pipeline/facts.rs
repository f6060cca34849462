//! Asks the cluster what charts want to know of it, and keeps there what they drew.
//!
//! A render says what it wanted to know; it is asked, and rendered again, until nothing is left to ask. What was drawn is
//! written before anything that holds it, so that a run that is killed draws nothing twice.

use std::{
    collections::BTreeSet,
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use trueup_helm::Capabilities;
use trueup_manifest::{Diagnostic, Diagnostics, Gvk};

use super::{Prepared, vaults};
use crate::{
    cluster::{
        ApplyOptions, Cluster, DeleteOptions, Error, ErrorKind, Freshness, Patch, Selection, Target,
    },
    plan::ApplySet,
    render::{
        Asked, Desired,
        asked::{Questions, Record, Wanted},
    },
};

/// How often an answer may lead to another question.
const ROUNDS: usize = 10;
/// The namespace of what is kept: one that every cluster has, and that few may read.
const NAMESPACE: &str = "kube-system";
const TYPE: &str = "trueup.dev/drawn";
const KEY: &str = "record";
const MANAGER: &str = "trueup-drawn";

/// What charts drew and the cluster does not keep yet.
#[derive(Clone)]
pub struct Undrawn {
    cluster: Arc<dyn Cluster>,
    target: Target,
    /// The version of the Secret that was read; none where there was none.
    version: Option<String>,
    record: Record,
    /// The releases that were rendered: what others drew goes when there is no room any more.
    releases: Vec<String>,
    /// Who drew: `namespace/name` and the functions.
    drew: Vec<String>,
}

impl fmt::Debug for Undrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Undrawn").field(&self.drew).finish()
    }
}

/// Renders an environment with all that its charts want to know of its cluster. `known` is what they wanted to know
/// before, and is asked at once.
pub async fn settle<'a>(
    cluster: &Arc<dyn Cluster>,
    environment: &str,
    known: &Questions,
    render: impl Fn(Arc<Asked>) -> BoxFuture<'a, Result<Prepared, Diagnostics>>,
) -> Result<(Prepared, Questions), Diagnostics> {
    let asked = Arc::new(Asked::of_cluster(now()));
    let mut asking = Asking {
        cluster,
        asked: &asked,
        environment,
        target: None,
        version: None,
    };
    asking.answer(known).await?;
    for _ in 0..ROUNDS {
        let rendered = render(Arc::clone(&asked)).await;
        let mut questions = asked.take_questions();
        // What Vaults hold is asked with the files that say how: where they cannot be told, that is told first.
        let values = std::mem::take(&mut questions.values);
        let vaults = rendered.as_ref().ok().map(|prepared| &prepared.vaults);
        if let Some(vaults) = vaults.filter(|_| !values.is_empty()) {
            for (path, answer) in vaults::values(vaults, cluster, &values).await {
                asked.answer_value(path, answer);
            }
            asking.answer(&questions).await?;
            continue;
        }
        if !questions.is_empty() {
            asking.answer(&questions).await?;
            continue;
        }
        let mut prepared = rendered?;
        if asked.bring(brought(&prepared.desired)) {
            continue;
        }
        prepared.undrawn = asking.undrawn();
        return Ok((prepared, asked.asked()));
    }
    Err(Diagnostic::error(
        "helm/endless-lookups",
        format!("charts of `{environment}` look up something else after each of {ROUNDS} answers"),
    )
    .help("a chart must not look up what it makes up itself")
    .into())
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// The APIs that the definitions of an environment bring: each `group/version` and `group/version/Kind`.
fn brought(desired: &Desired) -> BTreeSet<String> {
    let manifests = desired.phases.iter().flat_map(|phase| &phase.manifests);
    let mut all = BTreeSet::new();
    for manifest in manifests.filter(|manifest| manifest.kind() == "CustomResourceDefinition") {
        let doc = &manifest.doc;
        let text = |path: &[&str]| doc.text(doc.at(doc.root(), path)?).map(str::to_owned);
        let (Some(group), Some(kind)) =
            (text(&["spec", "group"]), text(&["spec", "names", "kind"]))
        else {
            continue;
        };
        let Some(versions) = doc.at(doc.root(), &["spec", "versions"]) else {
            continue;
        };
        for version in doc.items(versions) {
            if let Some(name) = doc.get(version, "name").and_then(|node| doc.text(node)) {
                all.insert(format!("{group}/{name}"));
                all.insert(format!("{group}/{name}/{kind}"));
            }
        }
    }
    all
}

struct Asking<'a> {
    cluster: &'a Arc<dyn Cluster>,
    asked: &'a Arc<Asked>,
    environment: &'a str,
    /// Where draws are kept, once that was asked.
    target: Option<Target>,
    version: Option<String>,
}

impl Asking<'_> {
    async fn answer(&mut self, questions: &Questions) -> Result<(), Diagnostics> {
        if questions.is_empty() {
            return Ok(());
        }
        if questions.capabilities {
            let capabilities = self.capabilities().await;
            self.asked.answer_capabilities(
                capabilities.map_err(|error| failed(&error, "read what the server serves"))?,
            );
        }
        if questions.record {
            let record = self.record().await?;
            self.asked.answer_record(record);
        }
        for wanted in &questions.objects {
            let found = self.look_up(wanted).await.map_err(|error| {
                let what = format!(
                    "look up `{} {}/{}`",
                    wanted.kind, wanted.namespace, wanted.name
                );
                failed(&error, &what)
            })?;
            self.asked.answer_object(wanted.clone(), found);
        }
        Ok(())
    }

    async fn capabilities(&self) -> Result<Capabilities, Error> {
        let (kinds, version) = futures::try_join!(
            self.cluster.kinds(Freshness::Latest),
            self.cluster.version()
        )?;
        Ok(Capabilities::of_server(
            &version.git_version,
            &version.major,
            &version.minor,
            kinds.api_versions(),
        ))
    }

    async fn look_up(&self, wanted: &Wanted) -> Result<Option<Value>, Error> {
        let kinds = self.cluster.kinds(Freshness::Cached).await?;
        let gvk = Gvk::new(&wanted.api_version, &wanted.kind);
        let Some(resource) = kinds.get(&gvk) else {
            // A kind that is not served has no objects; an earlier phase may bring it.
            return Ok(None);
        };
        let namespace = if resource.namespaced {
            wanted.namespace.clone()
        } else {
            String::new()
        };
        if wanted.name.is_empty() {
            let selection = Selection {
                namespace,
                ..Selection::default()
            };
            let listing = self.cluster.list(resource, &selection).await?;
            let items: Vec<Value> = listing
                .items
                .iter()
                .map(|live| live.value().clone())
                .collect();
            return Ok(Some(json!({
                "apiVersion": wanted.api_version,
                "kind": format!("{}List", wanted.kind),
                "metadata": {"resourceVersion": listing.resource_version},
                "items": items,
            })));
        }
        let target = Target {
            resource: Arc::clone(resource),
            namespace,
            name: wanted.name.clone(),
        };
        let found = self.cluster.get(&target).await?;
        Ok(found.map(|live| live.value().clone()))
    }

    async fn record(&mut self) -> Result<Record, Diagnostics> {
        let what = "read what charts drew before";
        let target = target(self.cluster.as_ref(), self.environment).await?;
        self.target = Some(target.clone());
        let found = self.cluster.get(&target).await;
        let Some(live) = found.map_err(|error| failed(&error, what))? else {
            self.version = None;
            return Ok(Record::default());
        };
        self.version = Some(live.resource_version().to_owned());
        let text = live.text(&["data", KEY]);
        let text = STANDARD
            .decode(text)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let record = Record::read(text.as_deref().unwrap_or_default());
        record.map_err(|error| {
            Diagnostic::error("helm/record", format!("`{target}` is of no use: {error}"))
                .help("restore it, or delete it: then charts draw all their random values anew")
                .into()
        })
    }

    fn undrawn(&self) -> Option<Undrawn> {
        let record = self.asked.new_draws()?;
        let target = self.target.clone()?;
        let drew = self.asked.drew().into_iter().map(|(release, functions)| {
            let functions: Vec<&str> = functions.into_iter().collect();
            format!("`{release}` (`{}`)", functions.join("`, `"))
        });
        Some(Undrawn {
            cluster: Arc::clone(self.cluster),
            target,
            version: self.version.clone(),
            record,
            releases: self.asked.releases(),
            drew: drew.collect(),
        })
    }
}

/// Where it is kept.
async fn target(cluster: &dyn Cluster, environment: &str) -> Result<Target, Diagnostics> {
    let applyset = ApplySet::of(environment)?;
    let kinds = cluster.kinds(Freshness::Cached).await;
    let kinds = kinds.map_err(|error| failed(&error, "read what the server serves"))?;
    let Some(resource) = kinds.get(&Gvk::new("v1", "Secret")) else {
        return Err(Diagnostic::error("helm/record", "the server serves no Secrets").into());
    };
    Ok(Target {
        resource: Arc::clone(resource),
        namespace: NAMESPACE.to_owned(),
        name: format!("trueup-{}-drawn", applyset.parent()),
    })
}

fn failed(error: &Error, what: &str) -> Diagnostics {
    let finding = Diagnostic::error("cluster/chart-facts", format!("cannot {what}: {error}"));
    match error.help() {
        Some(help) => finding.help(help),
        None => finding,
    }
    .into()
}

impl Undrawn {
    /// Which releases drew, and by which functions.
    pub fn drew(&self) -> &[String] {
        &self.drew
    }

    /// Writes it to the cluster. Where somebody else wrote meanwhile nothing is written, and it is an error.
    pub(super) async fn keep(&self) -> Result<(), Diagnostics> {
        let text = self.record.write().or_else(|_| {
            let record = self.record.clone().without_others(&self.releases);
            record.write()
        });
        let text = text.map_err(|error| {
            let message = format!("`{}` cannot be written: {error}", self.target);
            Diagnostic::error("helm/record", message)
                .help("let charts draw less, or set the values yourself")
        })?;
        let data = json!({ KEY: STANDARD.encode(text) });
        let written = match &self.version {
            Some(version) => {
                let patch = json!({"metadata": {"resourceVersion": version}, "data": data});
                let patch = Patch::Merge(patch);
                self.cluster
                    .patch(&self.target, &patch, false)
                    .await
                    .map(drop)
            }
            None => self.create(data).await,
        };
        written.map_err(|error| {
            if matches!(error.kind(), ErrorKind::Conflict { .. }) {
                let message =
                    "another process has drawn values for charts of this environment meanwhile";
                return Diagnostic::error("helm/record", message)
                    .help("run it again")
                    .into();
            }
            failed(&error, "keep what charts drew")
        })
    }

    async fn create(&self, data: Value) -> Result<(), Error> {
        let body = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self.target.name, "namespace": self.target.namespace},
            "type": TYPE,
            "data": data,
        });
        // Two that create it at once differ in the manager, so that the server sees the conflict.
        let options = ApplyOptions {
            field_manager: format!("{MANAGER}-{:08x}", fastrand::u32(..)).into(),
            force: false,
            dry_run: false,
            subresource: None,
        };
        let body = body.to_string().into();
        self.cluster
            .apply(&self.target, body, &options)
            .await
            .map(drop)
    }
}

/// Forgets what the charts of an environment drew, when the environment is gone.
pub async fn forget_draws(cluster: &dyn Cluster, environment: &str) -> Result<(), Diagnostics> {
    let target = target(cluster, environment).await?;
    let deleted = cluster.delete(&target, &DeleteOptions::default()).await;
    deleted
        .map(drop)
        .map_err(|error| failed(&error, "forget what charts drew"))
}
