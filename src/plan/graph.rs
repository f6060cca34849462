//! Which action needs which other, found from what the objects say of one another.

use std::{borrow::Cow, collections::HashMap};

use trueup_manifest::{Diagnostic, ObjectId};

use super::{
    action::{Edge, Gate},
    depends_on,
    object::{Key, Object},
    references::{pod, pod_spec, references, service_accounts},
    sync_waves,
    view::View,
};

/// An edge before it is known to be part of an order.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub edge: Edge,
    /// Whether the order is impossible without it.
    pub strong: bool,
}

struct Index<'a> {
    objects: &'a [Object],
    by_id: HashMap<Key<'a>, usize>,
    /// CRDs by the group and kind they bring.
    crds: HashMap<(&'a str, &'a str), usize>,
    /// Bindings by the service account they name.
    bindings: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// Quotas, limits and network policies by namespace: they hold for pods made after them.
    limits: HashMap<&'a str, Vec<usize>>,
}

/// The edges between objects. An annotation that names its target badly is an error.
pub(super) fn edges(objects: &[Object]) -> (Vec<Candidate>, Vec<Diagnostic>) {
    let index = Index::of(objects);
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for (after, object) in objects.iter().enumerate() {
        index.edges_of(after, object, &mut found);
        match depends_on::targets(object) {
            Ok(targets) => found.extend(targets.iter().filter_map(|id| {
                let before = index.place(id)?;
                let why = Cow::Borrowed("its annotation says so");
                let edge = Edge {
                    before,
                    after,
                    gate: Gate::Healthy,
                    why,
                };
                Some(Candidate { edge, strong: true })
            })),
            Err(problem) => problems.push(problem),
        }
    }
    found.extend(sync_waves::edges(objects));
    found.retain(|candidate| candidate.edge.before != candidate.edge.after);
    deduplicate(&mut found);
    (found, problems)
}

/// Keeps one edge a pair: the one that waits longest and binds strongest.
fn deduplicate(edges: &mut Vec<Candidate>) {
    edges.sort_by(|a, b| {
        let key = |candidate: &Candidate| (candidate.edge.after, candidate.edge.before);
        key(a)
            .cmp(&key(b))
            .then(b.edge.gate.cmp(&a.edge.gate))
            .then(b.strong.cmp(&a.strong))
    });
    edges.dedup_by(|next, kept| {
        let same = next.edge.after == kept.edge.after && next.edge.before == kept.edge.before;
        if same {
            kept.strong |= next.strong;
        }
        same
    });
}

impl<'a> Index<'a> {
    fn of(objects: &'a [Object]) -> Self {
        let mut index = Self {
            objects,
            by_id: HashMap::with_capacity(objects.len()),
            crds: HashMap::new(),
            bindings: HashMap::new(),
            limits: HashMap::new(),
        };
        for (place, object) in objects.iter().enumerate() {
            index.add(place, object);
        }
        index
    }

    fn add(&mut self, place: usize, object: &'a Object) {
        let resource = &object.target.resource;
        let kind = resource.kind.as_str();
        let namespace = object.target.namespace.as_str();
        self.by_id.insert(object.key(), place);
        let root = object.root();
        match kind {
            "CustomResourceDefinition" => {
                let brought = (
                    root.text_at(&["spec", "group"]),
                    root.text_at(&["spec", "names", "kind"]),
                );
                self.crds.insert(brought, place);
            }
            "RoleBinding" | "ClusterRoleBinding" => {
                for account in service_accounts(root, namespace) {
                    self.bindings.entry(account).or_default().push(place);
                }
            }
            "ResourceQuota" | "LimitRange" | "NetworkPolicy" => {
                self.limits.entry(namespace).or_default().push(place);
            }
            _ => {}
        }
    }

    fn place(&self, id: &ObjectId) -> Option<usize> {
        let key = (
            id.group.as_str(),
            id.kind.as_str(),
            id.namespace.as_str(),
            id.name.as_str(),
        );
        self.by_id.get(&key).copied()
    }

    fn edges_of(&self, after: usize, object: &'a Object, found: &mut Vec<Candidate>) {
        let mut add = |before: usize, gate: Gate, strong: bool, why: &'static str| {
            let edge = Edge {
                before,
                after,
                gate,
                why: Cow::Borrowed(why),
            };
            found.push(Candidate { edge, strong });
        };
        let resource = &object.target.resource;
        let (group, kind) = (resource.group.as_str(), resource.kind.as_str());
        let namespace = object.target.namespace.as_str();
        let root = object.root();
        if let Some(crd) = self.crds.get(&(group, kind)) {
            add(*crd, Gate::Healthy, true, "it is of the kind");
        }
        for reference in references(root, group, kind, namespace) {
            let key = (
                reference.group,
                reference.kind,
                reference.namespace,
                reference.name,
            );
            let Some(before) = self.by_id.get(&key).copied() else {
                continue;
            };
            add(before, reference.gate, reference.strong, reference.why);
            let called = matches!(
                group,
                "admissionregistration.k8s.io" | "apiregistration.k8s.io"
            );
            if called && reference.kind == "Service" {
                for workload in self.behind(before) {
                    add(
                        workload,
                        Gate::Healthy,
                        false,
                        "it is called, and this answers",
                    );
                }
            }
        }
        if let Some(spec) = pod_spec(root, kind) {
            let account = match spec.text_at(&["serviceAccountName"]) {
                "" => "default",
                name => name,
            };
            for binding in self
                .bindings
                .get(&(namespace, account))
                .into_iter()
                .flatten()
            {
                add(*binding, Gate::Applied, false, "it acts with these rights");
            }
            for limit in self.limits.get(namespace).into_iter().flatten() {
                add(*limit, Gate::Applied, false, "it is limited by it");
            }
        }
    }

    /// The workloads whose pods a Service selects.
    fn behind(&self, service: usize) -> Vec<usize> {
        let Some(service) = self.objects.get(service) else {
            return Vec::new();
        };
        let Some(selector) = service.root().at(&["spec", "selector"]) else {
            return Vec::new();
        };
        let selects = |object: &Object| {
            let kind = object.target.resource.kind.as_str();
            if object.target.namespace != service.target.namespace || selector.len() == 0 {
                return false;
            }
            let Some(pod) = pod(object.root(), kind) else {
                return false;
            };
            selector.entries().all(|(key, value)| {
                pod.at(&["metadata", "labels", key]).and_then(View::text) == value.text()
            })
        };
        (0..self.objects.len())
            .filter(|at| self.objects.get(*at).is_some_and(selects))
            .collect()
    }
}
