//! A cluster that is written to only while a lease is held.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture, stream::BoxStream};
use tokio::{sync::watch, time::timeout};

use crate::cluster::{
    Answer, Applied, ApplyOptions, Cluster, DeleteOptions, Deleted, Duplex, Error, ErrorKind,
    Freshness, Kinds, Listing, Live, Patch, Resource, Selection, ServerVersion, Target, WatchEvent,
};

/// Whether writes pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// The lease is held.
    Open,
    /// It ran out, and may be renewed: writes wait.
    Shut,
    /// Somebody else has it: no write passes any more.
    Lost,
}

/// A cluster behind a fence. No write begins or is tried again while the gate is not open.
pub(super) struct Fenced {
    inner: Arc<dyn Cluster>,
    gate: watch::Receiver<Gate>,
    /// How long a write waits for a lease that ran out: a server that stays away must not hold up a run for ever.
    patience: Duration,
}

impl Fenced {
    pub(super) fn new(
        inner: Arc<dyn Cluster>,
        gate: watch::Receiver<Gate>,
        patience: Duration,
    ) -> Self {
        Self {
            inner,
            gate,
            patience,
        }
    }

    fn write<'a, T: Send + 'a>(
        &'a self,
        verb: &'static str,
        target: &'a Target,
        mut write: BoxFuture<'a, Result<T, Error>>,
    ) -> Answer<'a, T> {
        let mut gate = self.gate.clone();
        async move {
            loop {
                let now = *gate.borrow_and_update();
                let changed = async {
                    // The other end goes only with the run.
                    if gate.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                match now {
                    // A request that is not polled goes no further, and is not repeated.
                    Gate::Shut => {
                        if timeout(self.patience, changed).await.is_err() {
                            let message = format!(
                                "the lease of the environment ran out, and could not be renewed for {} s",
                                self.patience.as_secs()
                            );
                            let kind = ErrorKind::Unreachable;
                            return Err(Error::new(kind, verb, target.to_string(), message));
                        }
                    }
                    Gate::Open => tokio::select! {
                        biased;
                        () = changed => {}
                        answer = &mut write => return answer,
                    },
                    Gate::Lost => {
                        let message = "this process no longer holds the lease of the environment, and writes no more";
                        return Err(Error::new(ErrorKind::Fatal, verb, target.to_string(), message));
                    }
                }
            }
        }
        .boxed()
    }
}

impl Cluster for Fenced {
    fn kinds(&self, freshness: Freshness) -> Answer<'_, Arc<Kinds>> {
        self.inner.kinds(freshness)
    }

    fn version(&self) -> Answer<'_, ServerVersion> {
        self.inner.version()
    }

    fn get<'a>(&'a self, target: &'a Target) -> Answer<'a, Option<Live>> {
        self.inner.get(target)
    }

    fn list<'a>(&'a self, resource: &'a Resource, selection: &'a Selection) -> Answer<'a, Listing> {
        self.inner.list(resource, selection)
    }

    fn names<'a>(
        &'a self,
        resource: &'a Resource,
        selection: &'a Selection,
    ) -> Answer<'a, HashSet<(String, String)>> {
        self.inner.names(resource, selection)
    }

    fn apply<'a>(
        &'a self,
        target: &'a Target,
        body: Bytes,
        options: &'a ApplyOptions,
    ) -> Answer<'a, Applied> {
        self.write("apply", target, self.inner.apply(target, body, options))
    }

    fn patch<'a>(
        &'a self,
        target: &'a Target,
        patch: &'a Patch,
        dry_run: bool,
    ) -> Answer<'a, Live> {
        self.write("patch", target, self.inner.patch(target, patch, dry_run))
    }

    fn delete<'a>(&'a self, target: &'a Target, options: &'a DeleteOptions) -> Answer<'a, Deleted> {
        self.write("delete", target, self.inner.delete(target, options))
    }

    fn watch<'a>(
        &'a self,
        resource: &'a Resource,
        selection: &'a Selection,
        resource_version: &'a str,
    ) -> BoxStream<'a, Result<WatchEvent, Error>> {
        self.inner.watch(resource, selection, resource_version)
    }

    fn is_inside(&self) -> bool {
        self.inner.is_inside()
    }

    fn forward<'a>(&'a self, pod: &'a Target, port: u16) -> Answer<'a, Box<dyn Duplex>> {
        self.inner.forward(pod, port)
    }
}
