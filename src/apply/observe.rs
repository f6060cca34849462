//! Reads from the cluster what a plan needs to know, with as few requests as will do.
//!
//! One list a kind by our label shows everything we own. Objects of the desired set that are not
//! among it either do not exist or are not ours: where there are many, one list of names a namespace
//! says which exist. Only what differs is asked of the server by a dry run.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use futures::{FutureExt, StreamExt, stream};
use trueup_manifest::{Diagnostic, ObjectId};

use super::{ahead::Lists, confirmed::Confirmed, diagnose, emptied};
use crate::{
    cluster::{ApplyOptions, Cluster, Error, ErrorKind, Kinds, Live, Resource, Selection, Target},
    config::reconcile::Reconcile,
    plan::{ApplySet, FIELD_MANAGER, Object, Objects, Observed, Reach, Seen, externals, migration},
};

/// How many requests of one sort are under way at once.
const AT_ONCE: usize = 48;
/// From how many unknown objects of a kind in a namespace on one list of names is cheaper.
const NAMES_FROM: usize = 4;

/// What reading takes.
pub(super) struct Observer<'a> {
    pub cluster: &'a dyn Cluster,
    pub objects: &'a mut Objects,
    pub applyset: &'a ApplySet,
    pub policy: &'a Reconcile,
    /// Where members may be that the desired set no longer names.
    pub reach: &'a Reach,
    /// What was listed ahead; each list is used once.
    pub listed: Mutex<Lists>,
    pub confirmed: &'a Confirmed,
}

impl Observer<'_> {
    /// Reads everything. What cannot be read is said in [`Observed::unseen`].
    pub(super) async fn observe(&mut self) -> Observed {
        let mut observed = Observed::default();
        let owned = self.list_owned(&mut observed.unseen).await;
        observed.owned = owned;
        observed.seen = self.find_desired(&observed.owned).await;
        self.settle_contests(&observed.seen);
        self.dry_run(&mut observed.seen).await;
        self.dry_run_removals(&mut observed.seen).await;
        observed.externals = self.find_externals(&mut observed.unseen).await;
        observed
    }

    fn settle_contests(&mut self, seen: &[Seen]) {
        for (object, seen) in self.objects.items.iter_mut().zip(seen) {
            if let Some(live) = &seen.live {
                object.settle_contests(live, self.applyset, self.policy);
            }
        }
    }

    /// The resources to list: every version of a kind that the desired set uses, and the preferred
    /// one of the kinds it no longer uses.
    fn resources(&self) -> Vec<Arc<Resource>> {
        let mut resources: Vec<Arc<Resource>> = Vec::new();
        let mut seen: HashSet<&Resource> = HashSet::new();
        let mut kinds: HashSet<(&str, &str)> = HashSet::new();
        for object in &self.objects.items {
            let resource = &object.target.resource;
            kinds.insert((&resource.group, &resource.kind));
            if !object.kind_is_new && seen.insert(resource) {
                resources.push(Arc::clone(resource));
            }
        }
        for (group, kind) in &self.reach.kinds {
            if !kinds.contains(&(group.as_str(), kind.as_str()))
                && let Some(resource) = self.objects.kinds.preferred(group, kind)
            {
                resources.push(Arc::clone(resource));
            }
        }
        resources
    }

    async fn list_owned(&self, unseen: &mut Vec<Diagnostic>) -> Vec<(Target, Live)> {
        let resources = self.resources();
        let lists = stream::iter(resources).map(|resource| async move {
            let listed = self.list_resource(&resource).await;
            (resource, listed)
        });
        let mut answers: Vec<_> = lists.buffer_unordered(AT_ONCE).collect().await;
        // Answers come in any order; the plan must not depend on it.
        answers.sort_by(|(a, _), (b, _)| {
            (&a.group, &a.kind, &a.version).cmp(&(&b.group, &b.kind, &b.version))
        });
        let mut owned = Vec::new();
        for (resource, listed) in answers {
            match listed {
                Ok(items) => owned.extend(items.into_iter().map(|live| {
                    let ObjectId {
                        namespace, name, ..
                    } = live.id();
                    (
                        Target {
                            resource: Arc::clone(&resource),
                            namespace,
                            name,
                        },
                        live,
                    )
                })),
                // The kind is gone, and with it all its objects.
                Err(error) if error.is_not_found() => {}
                Err(error) => unseen.push(
                    Diagnostic::warning("plan/unseen", error.to_string())
                        .help("nothing of this kind is pruned until it can be listed"),
                ),
            }
        }
        owned
    }

    fn listed_ahead(&self, resource: &Resource) -> Option<Vec<Live>> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        listed.remove(resource)
    }

    /// What carries our label in one resource; namespace by namespace where we may not look at all.
    async fn list_resource(&self, resource: &Resource) -> Result<Vec<Live>, Error> {
        if let Some(items) = self.listed_ahead(resource) {
            return Ok(items);
        }
        let selection = Selection::labelled(self.applyset.selector());
        let error = match self.cluster.list(resource, &selection).await {
            Ok(listing) => return Ok(listing.items),
            Err(error) if *error.kind() == ErrorKind::Forbidden && resource.namespaced => error,
            Err(error) => return Err(error),
        };
        let own = self
            .objects
            .items
            .iter()
            .map(|object| object.target.namespace.as_str());
        let mut namespaces: HashSet<&str> = own.filter(|name| !name.is_empty()).collect();
        namespaces.extend(self.reach.namespaces.iter().map(String::as_str));
        let mut items = Vec::new();
        for namespace in namespaces {
            let selection = Selection {
                namespace: namespace.to_owned(),
                ..selection.clone()
            };
            match self.cluster.list(resource, &selection).await {
                Ok(listing) => items.extend(listing.items),
                Err(_) => return Err(error),
            }
        }
        Ok(items)
    }

    async fn find_desired(&self, owned: &[(Target, Live)]) -> Vec<Seen> {
        let listed: HashMap<&Target, &Live> =
            owned.iter().map(|(target, live)| (target, live)).collect();
        let mut seen: Vec<Seen> = self
            .objects
            .items
            .iter()
            .map(|object| Seen::of(listed.get(&object.target).map(|live| (*live).clone())))
            .collect();
        let wanted = self.may_exist(&seen).await;
        let reads = stream::iter(wanted).map(|at| async move {
            let target = &self.objects.items.get(at)?.target;
            Some((at, self.cluster.get(target).await))
        });
        let answers: Vec<_> = reads.buffer_unordered(AT_ONCE).collect().await;
        for (at, answer) in answers.into_iter().flatten() {
            match answer {
                Ok(live) => {
                    if let Some(seen) = seen.get_mut(at) {
                        seen.live = live;
                    }
                }
                // Whether it is there is not known: it is neither created nor changed, and holds up nothing else.
                Err(error) => {
                    if let Some(seen) = seen.get_mut(at) {
                        seen.unread = Some(error);
                    }
                }
            }
        }
        seen
    }

    /// Which objects are worth a read: those not listed that may exist nevertheless.
    async fn may_exist(&self, seen: &[Seen]) -> Vec<usize> {
        let mut groups: HashMap<(&Resource, &str), Vec<usize>> = HashMap::new();
        let unknown = self.objects.items.iter().zip(seen).enumerate();
        for (at, (object, seen)) in unknown {
            if seen.live.is_none() && !object.kind_is_new {
                let key = (&*object.target.resource, object.target.namespace.as_str());
                groups.entry(key).or_default().push(at);
            }
        }
        // Boxed one by one: a closure over borrowed pairs in the stream would keep every future that
        // holds a run from being `Send`.
        let mut checks = Vec::new();
        for ((resource, namespace), places) in groups {
            checks.push(self.exist(resource, namespace, places).boxed());
        }
        stream::iter(checks)
            .buffer_unordered(AT_ONCE)
            .flat_map(stream::iter)
            .collect()
            .await
    }

    /// Which of these objects, all of one kind in one namespace, may exist.
    async fn exist(&self, resource: &Resource, namespace: &str, places: Vec<usize>) -> Vec<usize> {
        if places.len() < NAMES_FROM {
            return places;
        }
        let selection = Selection {
            namespace: namespace.to_owned(),
            ..Selection::default()
        };
        match self.cluster.names(resource, &selection).await {
            Ok(names) => {
                let exists = |at: &usize| {
                    self.objects.items.get(*at).is_some_and(|object| {
                        let target = &object.target;
                        names.contains(&(target.namespace.clone(), target.name.clone()))
                    })
                };
                places.into_iter().filter(exists).collect()
            }
            // Then one by one, where the errors are about single objects.
            Err(_) => places,
        }
    }

    /// Asks what is left of the objects that another tool made, without what goes with it.
    async fn dry_run_removals(&self, seen: &mut [Seen]) {
        let places = self.objects.items.iter().zip(&*seen).enumerate();
        let wanted = places.filter_map(|(at, (object, seen))| {
            let (live, dry_run) = (seen.live.as_ref()?, seen.dry_run.as_ref()?);
            let migration = migration(live, self.applyset, self.policy)?;
            let removal = migration.removal(object, live)?;
            dry_run.is_ok().then_some((at, &object.target, removal))
        });
        let wanted: Vec<_> = wanted.collect();
        // Boxed one by one, as in `may_exist`.
        let mut runs = Vec::new();
        for (at, target, removal) in &wanted {
            let run = async move { (*at, self.cluster.patch(target, removal, true).await) };
            runs.push(run.boxed());
        }
        let answers = stream::iter(runs).buffer_unordered(AT_ONCE);
        let answers: Vec<_> = answers.collect().await;
        for (at, answer) in answers {
            if let Some(seen) = seen.get_mut(at) {
                seen.removal = Some(answer);
            }
        }
    }

    async fn dry_run(&self, seen: &mut [Seen]) {
        let wanted: Vec<usize> = self
            .objects
            .items
            .iter()
            .zip(seen.iter_mut())
            .enumerate()
            .filter_map(|(at, (object, seen))| {
                let wants = seen.wants_dry_run(object, self.applyset, self.policy);
                wants.then_some(at)
            })
            .collect();
        let seen_now = &*seen;
        let runs = stream::iter(wanted).map(|at| async move {
            let object = self.objects.items.get(at)?;
            let live = seen_now.get(at)?.live.clone()?;
            Some((at, self.dry_run_of(object, live).await?))
        });
        let answers: Vec<_> = runs.buffer_unordered(AT_ONCE).collect().await;
        for (at, (live, answer)) in answers.into_iter().flatten() {
            if let Some(seen) = seen.get_mut(at) {
                seen.settle(live, answer);
            }
        }
    }

    /// The live object and what applying would make of it. Somebody may have changed the object since
    /// it was listed: then it is read again, so that others' changes don't look like ours.
    async fn dry_run_of(
        &self,
        object: &Object,
        mut live: Live,
    ) -> Option<(Live, Result<Live, Error>)> {
        const TRIES: usize = 3;
        let body = object.body().ok()?;
        let mut options = ApplyOptions {
            field_manager: FIELD_MANAGER.into(),
            force: object.settlement.takes || self.policy.rules_for(&object.id()).take_all(),
            dry_run: true,
            subresource: None,
        };
        for _ in 0..TRIES {
            if self.confirmed.holds(&live, &body) {
                return Some((live.clone(), Ok(live)));
            }
            let (target, sent) = (&object.target, body.clone());
            let answer = emptied::apply(self.cluster, target, sent, &options, Some(&live)).await;
            let settled = match answer {
                Ok(applied) => applied.live,
                Err(error) if !options.force && self.is_only_with_predecessors(&live, &error) => {
                    options.force = true;
                    continue;
                }
                Err(error) => return Some((live, Err(error))),
            };
            if settled.resource_version() == live.resource_version() {
                self.confirmed.note(&live, &settled, &body);
                return Some((live, Ok(settled)));
            }
            match self.cluster.get(&object.target).await {
                Ok(Some(newer)) => live = newer,
                Ok(None) => return None,
                Err(error) => return Some((live, Err(error))),
            }
        }
        None
    }

    /// Whether a conflict is with nobody but the tools before us, whose fields become ours first.
    fn is_only_with_predecessors(&self, live: &Live, error: &Error) -> bool {
        let ErrorKind::Conflict { causes } = error.kind() else {
            return false;
        };
        migration(live, self.applyset, self.policy).is_some_and(|migration| {
            !causes.is_empty() && causes.iter().all(|cause| migration.is_from(&cause.manager))
        })
    }

    async fn find_externals(&self, unseen: &mut Vec<Diagnostic>) -> HashSet<ObjectId> {
        let named = externals(self.objects);
        let reads = stream::iter(named).map(|id| async move {
            let target = target_of(&self.objects.kinds, &id)?;
            Some((id, self.cluster.get(&target).await))
        });
        let answers: Vec<_> = reads.buffer_unordered(AT_ONCE).collect().await;
        let mut found = HashSet::new();
        for (id, answer) in answers.into_iter().flatten() {
            match answer {
                Ok(Some(_)) => drop(found.insert(id)),
                Ok(None) => {}
                Err(error) => unseen.push(diagnose(&error, "plan/unseen")),
            }
        }
        found
    }
}

/// The address of an object by its identity, in the preferred version of its kind.
pub(super) fn target_of(kinds: &Kinds, id: &ObjectId) -> Option<Target> {
    let resource = Arc::clone(kinds.preferred(&id.group, &id.kind)?);
    Some(Target {
        resource,
        namespace: id.namespace.clone(),
        name: id.name.clone(),
    })
}
