//! A cluster that repeats no secret: what is secret among the values of charts is taken out of what the server says.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream::BoxStream};

use crate::{
    cluster::{
        Answer, Applied, ApplyOptions, Cluster, DeleteOptions, Deleted, Duplex, Error, Freshness,
        Kinds, Listing, Live, Patch, Resource, Selection, ServerVersion, Target, WatchEvent,
    },
    render::Hidden,
};

/// The cluster, with errors in which secrets are hidden.
pub(super) struct Hiding {
    inner: Arc<dyn Cluster>,
    hidden: Hidden,
}

impl Hiding {
    /// The cluster itself where there is nothing to hide.
    pub(super) fn of(inner: &Arc<dyn Cluster>, hidden: &Hidden) -> Arc<dyn Cluster> {
        let inner = Arc::clone(inner);
        if hidden.is_empty() {
            return inner;
        }
        let hidden = hidden.clone();
        Arc::new(Self { inner, hidden })
    }

    fn clean<'a, T: Send + 'a>(&'a self, answer: Answer<'a, T>) -> Answer<'a, T> {
        async move { answer.await.map_err(|error| self.cleaned(error)) }.boxed()
    }

    fn cleaned(&self, error: Error) -> Error {
        error.cleaned(|text| self.hidden.hide(text).into_owned())
    }
}

impl Cluster for Hiding {
    fn kinds(&self, freshness: Freshness) -> Answer<'_, Arc<Kinds>> {
        self.inner.kinds(freshness)
    }

    fn version(&self) -> Answer<'_, ServerVersion> {
        self.inner.version()
    }

    fn get<'a>(&'a self, target: &'a Target) -> Answer<'a, Option<Live>> {
        self.clean(self.inner.get(target))
    }

    fn list<'a>(&'a self, resource: &'a Resource, selection: &'a Selection) -> Answer<'a, Listing> {
        self.clean(self.inner.list(resource, selection))
    }

    fn names<'a>(
        &'a self,
        resource: &'a Resource,
        selection: &'a Selection,
    ) -> Answer<'a, HashSet<(String, String)>> {
        self.clean(self.inner.names(resource, selection))
    }

    fn apply<'a>(
        &'a self,
        target: &'a Target,
        body: Bytes,
        options: &'a ApplyOptions,
    ) -> Answer<'a, Applied> {
        async move {
            let applied = self.inner.apply(target, body, options).await;
            let mut applied = applied.map_err(|error| self.cleaned(error))?;
            for warning in &mut applied.warnings {
                *warning = self.hidden.hide(warning).into_owned();
            }
            Ok(applied)
        }
        .boxed()
    }

    fn patch<'a>(
        &'a self,
        target: &'a Target,
        patch: &'a Patch,
        dry_run: bool,
    ) -> Answer<'a, Live> {
        self.clean(self.inner.patch(target, patch, dry_run))
    }

    fn delete<'a>(&'a self, target: &'a Target, options: &'a DeleteOptions) -> Answer<'a, Deleted> {
        self.clean(self.inner.delete(target, options))
    }

    fn watch<'a>(
        &'a self,
        resource: &'a Resource,
        selection: &'a Selection,
        resource_version: &'a str,
    ) -> BoxStream<'a, Result<WatchEvent, Error>> {
        let events = self.inner.watch(resource, selection, resource_version);
        events
            .map(|event| event.map_err(|error| self.cleaned(error)))
            .boxed()
    }

    fn is_inside(&self) -> bool {
        self.inner.is_inside()
    }

    fn forward<'a>(&'a self, pod: &'a Target, port: u16) -> Answer<'a, Box<dyn Duplex>> {
        self.clean(self.inner.forward(pod, port))
    }
}
