//! A cluster that remembers what was asked of it.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::stream::BoxStream;
use tokio::sync::Notify;
use trueup::cluster::{
    Answer, Applied, ApplyOptions, Cluster, DeleteOptions, Deleted, Error, Freshness, Kinds,
    KubeCluster, Listing, Live, Patch, Resource, Selection, ServerVersion, Target, WatchEvent,
};

/// Time enough for other requests to be answered and for watches to tell.
const MOMENT: Duration = Duration::from_millis(300);

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) verb: &'static str,
    pub(crate) what: String,
    pub(crate) dry_run: bool,
}

impl Call {
    pub(crate) fn is_write(&self) -> bool {
        matches!(self.verb, "apply" | "patch" | "delete") && !self.dry_run
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dry = if self.dry_run { " (dry run)" } else { "" };
        write!(f, "{} {}{dry}", self.verb, self.what)
    }
}

type Deed = Box<dyn FnOnce(&Recorder) + Send>;

pub(crate) struct Recorder {
    inner: KubeCluster,
    calls: Mutex<Vec<Call>>,
    /// The name of an object whose answer to an apply comes late.
    late: Mutex<String>,
    death: Death,
    memory: Mutex<Memory>,
    /// What is done before the first call that begins so.
    before: Mutex<Option<(&'static str, Deed)>>,
}

/// What lists gave first since they are remembered, for a server that is behind.
#[derive(Default)]
struct Memory {
    remembers: bool,
    answers: bool,
    lists: HashMap<(String, Selection), Listing>,
}

/// The request at which a process dies: it and all after it get no answer, and half of the times it is
/// carried out nevertheless.
struct Death {
    at: AtomicU64,
    count: AtomicU64,
    came: Notify,
}

impl Recorder {
    pub(crate) fn new(inner: KubeCluster) -> Self {
        Self {
            inner,
            calls: Mutex::default(),
            late: Mutex::default(),
            memory: Mutex::default(),
            before: Mutex::default(),
            death: Death {
                at: AtomicU64::new(u64::MAX),
                count: AtomicU64::new(0),
                came: Notify::new(),
            },
        }
    }

    /// Lets the process die at its `at`-th boundary from here: before and after each request there is one.
    pub(crate) fn die_at(&self, at: u64) {
        self.death.count.store(0, Ordering::SeqCst);
        self.death.at.store(at, Ordering::SeqCst);
    }

    /// Does something before the next call that begins so: `get Lease.`, `apply Namespace`.
    pub(crate) fn before_first(
        &self,
        call: &'static str,
        does: impl FnOnce(&Self) + Send + 'static,
    ) {
        *self.before.lock().unwrap() = Some((call, Box::new(does)));
    }

    /// Comes back when the process has died.
    pub(crate) async fn death(&self) {
        self.death.came.notified().await;
    }

    /// Keeps what each list gives first from here on.
    pub(crate) fn remember_lists(&self) {
        *self.memory.lock().unwrap() = Memory {
            remembers: true,
            ..Memory::default()
        };
    }

    /// Whether lists give what they gave first; those that were not asked for then give what is there.
    pub(crate) fn answer_from_memory(&self, answers: bool) {
        let mut memory = self.memory.lock().unwrap();
        memory.answers = answers;
        memory.remembers = false;
    }

    fn mortal<'a, T: Send + 'a>(&'a self, answer: Answer<'a, T>) -> Answer<'a, T> {
        Box::pin(async move {
            self.boundary().await;
            let answer = answer.await;
            self.boundary().await;
            answer
        })
    }

    async fn boundary(&self) {
        let at = self.death.at.load(Ordering::SeqCst);
        if self.death.count.fetch_add(1, Ordering::SeqCst) + 1 >= at {
            self.death.came.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Sends the apply of the CRD of this name later than others, and gives its answer only when the CRD is
    /// established and every watch had the time to say so.
    pub(crate) fn hold_crd(&self, name: &str) {
        name.clone_into(&mut self.late.lock().unwrap());
    }

    fn is_held(&self, target: &Target) -> bool {
        *self.late.lock().unwrap() == target.name
    }

    async fn until_established(&self, target: &Target) {
        let is_established = |live: &Live| {
            let conditions = live.at(&["status", "conditions"]);
            conditions.is_some_and(|all| {
                let mut all = all.as_array().into_iter().flatten();
                all.any(|one| one["type"] == "Established" && one["status"] == "True")
            })
        };
        while !self
            .inner
            .get(target)
            .await
            .unwrap()
            .is_some_and(|live| is_established(&live))
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What was asked since the last look.
    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn note(&self, verb: &'static str, what: impl fmt::Display, dry_run: bool) {
        let call = Call {
            verb,
            what: what.to_string(),
            dry_run,
        };
        let text = call.to_string();
        self.calls.lock().unwrap().push(call);
        let due = |(begin, _): &mut (&str, Deed)| text.starts_with(*begin) && !dry_run;
        let due = self.before.lock().unwrap().take_if(due);
        if let Some((_, does)) = due {
            does(self);
        }
    }
}

impl Cluster for Recorder {
    fn kinds(&self, freshness: Freshness) -> Answer<'_, Arc<Kinds>> {
        self.note("discover", format!("{freshness:?}"), false);
        self.mortal(self.inner.kinds(freshness))
    }

    fn version(&self) -> Answer<'_, ServerVersion> {
        self.note("version", "", false);
        self.mortal(self.inner.version())
    }

    fn get<'a>(&'a self, target: &'a Target) -> Answer<'a, Option<Live>> {
        self.note("get", target, false);
        self.mortal(self.inner.get(target))
    }

    fn list<'a>(&'a self, resource: &'a Resource, selection: &'a Selection) -> Answer<'a, Listing> {
        self.note("list", resource, false);
        let key = (resource.to_string(), selection.clone());
        let memory = self.memory.lock().unwrap();
        let (answers, remembers) = (memory.answers, memory.remembers);
        let known = memory.lists.get(&key).filter(|_| answers).cloned();
        drop(memory);
        self.mortal(Box::pin(async move {
            if let Some(known) = known {
                return Ok(known);
            }
            let answer = self.inner.list(resource, selection).await;
            if let (true, Ok(listing)) = (remembers, &answer) {
                let mut memory = self.memory.lock().unwrap();
                memory.lists.entry(key).or_insert_with(|| listing.clone());
            }
            answer
        }))
    }

    fn names<'a>(
        &'a self,
        resource: &'a Resource,
        selection: &'a Selection,
    ) -> Answer<'a, HashSet<(String, String)>> {
        self.note("names", resource, false);
        self.mortal(self.inner.names(resource, selection))
    }

    fn apply<'a>(
        &'a self,
        target: &'a Target,
        body: Bytes,
        options: &'a ApplyOptions,
    ) -> Answer<'a, Applied> {
        let part = options
            .subresource
            .map(|part| format!("/{part}"))
            .unwrap_or_default();
        self.note("apply", format!("{target}{part}"), options.dry_run);
        self.mortal(Box::pin(async move {
            if !self.is_held(target) {
                return self.inner.apply(target, body, options).await;
            }
            tokio::time::sleep(MOMENT).await;
            let answer = self.inner.apply(target, body, options).await;
            self.until_established(target).await;
            tokio::time::sleep(MOMENT).await;
            answer
        }))
    }

    fn patch<'a>(
        &'a self,
        target: &'a Target,
        patch: &'a Patch,
        dry_run: bool,
    ) -> Answer<'a, Live> {
        self.note("patch", target, dry_run);
        self.mortal(self.inner.patch(target, patch, dry_run))
    }

    fn delete<'a>(&'a self, target: &'a Target, options: &'a DeleteOptions) -> Answer<'a, Deleted> {
        self.note("delete", target, options.dry_run);
        self.mortal(self.inner.delete(target, options))
    }

    fn watch<'a>(
        &'a self,
        resource: &'a Resource,
        selection: &'a Selection,
        resource_version: &'a str,
    ) -> BoxStream<'a, Result<WatchEvent, Error>> {
        self.note("watch", resource, false);
        self.inner.watch(resource, selection, resource_version)
    }
}
