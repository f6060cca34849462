//! Kinds that the cluster does not serve yet: which of them something in the environment may bring, such
//! as an operator that installs its own CRDs, and which are a mistake.

use std::{collections::HashMap, sync::Arc};

use serde::Serialize;
use trueup_manifest::{Diagnostic, Gvk, Manifest, Origin, nearest};
use trueup_yaml::Document;

use super::{
    judge::Judgement,
    object::Object,
    references::pod_spec,
    view::{Node, View},
};
use crate::{
    cluster::{Kinds, Resource},
    render::DesiredPhase,
};

/// What an object waits for whose kind is not served yet, and that no CRD of the desired set brings.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Awaits {
    /// The version and kind that have to be served: `demo.dev/v1 Widget`.
    pub kind: String,
    /// The actions that may bring it: indices of [`super::Plan::actions`].
    pub bringers: Vec<usize>,
    /// Where none of them may bring it, or another version of the kind is served: the error about it, should none
    /// of them change.
    #[serde(skip)]
    pub(super) otherwise: Option<Box<Diagnostic>>,
    /// Whether its API is registered, and the server behind it does not answer.
    #[serde(skip)]
    pub(super) is_silent: bool,
}

/// The kinds of a desired set that are not served yet and that nothing of it defines.
#[derive(Default)]
pub(super) struct Arrivals {
    resources: HashMap<Gvk, Arc<Resource>>,
}

impl Arrivals {
    /// What stands for a kind until it is served.
    pub(super) fn resource(&mut self, manifest: &Manifest) -> Arc<Resource> {
        let gvk = manifest.gvk();
        let made = self.resources.entry(gvk).or_insert_with_key(|gvk| {
            Arc::new(Resource {
                plural: plural(&gvk.kind),
                group: gvk.group.clone(),
                version: gvk.version.clone(),
                kind: gvk.kind.clone(),
                // Until the server says it: as the manifest has it.
                namespaced: !manifest.namespace().is_empty(),
                has_status: true,
            })
        });
        Arc::clone(made)
    }
}

/// Whether a controller could ever bring a kind. Built-in groups grow with the server, a server that does not
/// answer is there already, and a name that looks like a slip of one that is served is one.
fn may_come(gvk: &Gvk, kinds: &Kinds) -> bool {
    gvk.group.contains('.')
        && !is_built_in(&gvk.group)
        && !kinds.unanswered().contains(&gvk.api_version())
        && similar(gvk, kinds).is_none()
}

/// Groups whose kinds come with the server.
fn is_built_in(group: &str) -> bool {
    const WITH_CRDS: &[&str] = &[
        "snapshot.storage.k8s.io",
        "metrics.k8s.io",
        "custom.metrics.k8s.io",
    ];
    group.ends_with(".k8s.io") && !group.ends_with(".x-k8s.io") && !WITH_CRDS.contains(&group)
}

/// The plural that API machinery takes a kind to have.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}

/// For each object that waits for its kind what may bring it, and the error about it where nothing can: it
/// alone is not done, and what depends on it.
pub(super) fn settle(objects: &mut [Object], phases: &[DesiredPhase], kinds: &Kinds) {
    if objects.iter().all(|object| object.awaits.is_none()) {
        return;
    }
    let after = after(phases);
    let bringers: Vec<usize> = (0..objects.len())
        .filter(|at| objects.get(*at).is_some_and(brings_kinds))
        .collect();
    let phase_of: Vec<usize> = objects.iter().map(|object| object.phase).collect();
    for object in objects {
        let Some(awaits) = &mut object.awaits else {
            continue;
        };
        let gvk = object.target.resource.gvk();
        awaits.is_silent = kinds.unanswered().contains(&gvk.api_version());
        let later = after.get(object.phase);
        let in_time = |at: &&usize| {
            let phase = phase_of.get(**at).copied().unwrap_or_default();
            later.and_then(|later| later.get(phase)) != Some(&true)
        };
        if may_come(&gvk, kinds) {
            awaits.bringers = bringers.iter().filter(in_time).copied().collect();
        }
        if awaits.bringers.is_empty() || kinds.preferred(&gvk.group, &gvk.kind).is_some() {
            let error = unknown(&object.doc, &object.origin, &gvk, kinds);
            awaits.otherwise = Some(Box::new(error));
        }
    }
}

/// An operator may bring a new version of a kind when it is changed itself. Where nothing changes that could,
/// a version that is not served is a mistake.
pub(super) fn block_without_change(objects: &[Object], judgements: &mut [Judgement]) {
    for (at, object) in objects.iter().enumerate() {
        let Some(awaits) = &object.awaits else {
            continue;
        };
        let changes = |at: &usize| {
            judgements
                .get(*at)
                .is_some_and(|bringer| bringer.kind.is_change())
        };
        let Some(error) = awaits.otherwise.as_deref() else {
            continue;
        };
        if !awaits.bringers.iter().any(changes)
            && let Some(judgement) = judgements.get_mut(at)
        {
            judgement.blocked = Some(error.clone());
        }
    }
}

/// Whether an object may bring kinds: a workload, as operators are; an object of a custom kind, as others
/// turn into kinds (a `ConstraintTemplate`); or an `APIService`, behind which there is a server.
fn brings_kinds(object: &Object) -> bool {
    let resource = &object.target.resource;
    if object.awaits.is_some() {
        return false;
    }
    let is_custom = resource.group.contains('.') && !is_built_in(&resource.group);
    is_custom || resource.kind == "APIService" || pod_spec(object.root(), &resource.kind).is_some()
}

/// For each phase which phases begin only when it is over.
fn after(phases: &[DesiredPhase]) -> Vec<Vec<bool>> {
    let place = |name: &String| phases.iter().position(|phase| phase.name == *name);
    let needs: Vec<Vec<usize>> = phases
        .iter()
        .map(|phase| phase.depends_on.iter().filter_map(place).collect())
        .collect();
    let mut after = vec![vec![false; phases.len()]; phases.len()];
    for phase in 0..phases.len() {
        let mut open = needs.get(phase).cloned().unwrap_or_default();
        while let Some(other) = open.pop() {
            match after.get_mut(other).and_then(|after| after.get_mut(phase)) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            open.extend(needs.get(other).into_iter().flatten());
        }
    }
    after
}

/// The error about a kind that nobody knows.
fn unknown(doc: &Document, origin: &Origin, gvk: &Gvk, kinds: &Kinds) -> Diagnostic {
    let group_version = gvk.api_version();
    let is_silent = kinds.unanswered().contains(&group_version);
    let message = if is_silent {
        format!(
            "`{group_version}`, the API of `{}`, does not answer: whether the object is there cannot be told, nor can it be written",
            gvk.kind
        )
    } else {
        format!(
            "the cluster serves no `{}` in `{}`, and neither a CustomResourceDefinition nor a workload of the \
         environment can bring it in time",
            gvk.kind, group_version
        )
    };
    let place = Node::root(doc).get("kind");
    let place = place.and_then(|node| doc.location(node.id()));
    let code = if is_silent {
        "plan/unanswered"
    } else {
        "plan/unknown-kind"
    };
    let diagnostic = Diagnostic::error(code, message)
        .at(place.or_else(|| origin.location.clone()))
        .via(&origin.chain);
    if is_silent {
        let name = format!("{}.{}", gvk.version, gvk.group);
        return diagnostic.help(format!(
            "look at the server behind it: `kubectl describe apiservice {name}` names its Service and says why; other objects are not held up"
        ));
    }
    if let Some(other) = kinds.preferred(&gvk.group, &gvk.kind) {
        return diagnostic.help(format!(
            "the cluster serves it as `{}`",
            other.api_version()
        ));
    }
    match similar(gvk, kinds) {
        Some(other) => diagnostic.help(format!("did you mean `{other}`?")),
        None => diagnostic.help("add its CustomResourceDefinition to this phase or one before it"),
    }
}

/// A kind of the same group and version that is served and has a similar name.
fn similar(gvk: &Gvk, kinds: &Kinds) -> Option<String> {
    let others: Vec<&str> = kinds
        .iter()
        .filter(|resource| resource.group == gvk.group && resource.version == gvk.version)
        .map(|resource| resource.kind.as_str())
        .collect();
    nearest(&gvk.kind, others.iter().copied()).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::world::plan;

    const WIDGET: &str =
        "{apiVersion: demo.dev/v1, kind: Widget, metadata: {name: w, namespace: n}}";
    const OPERATOR: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: operator, namespace: n}, spec: {template: {spec: {}}}}";

    #[test]
    fn a_kind_is_waited_for_where_a_workload_before_it_or_beside_it_may_bring_it() {
        for phases in [
            vec![("all", format!("{OPERATOR}\n---\n{WIDGET}"))],
            vec![("a", OPERATOR.to_owned()), ("b", WIDGET.to_owned())],
            vec![("a", WIDGET.to_owned()), ("b < -", OPERATOR.to_owned())],
        ] {
            let phases: Vec<(&str, &str)> = phases
                .iter()
                .map(|(name, text)| (*name, text.as_str()))
                .collect();
            let plan = plan(&phases).unwrap();
            let widget = plan
                .actions
                .iter()
                .find(|action| action.id().kind == "Widget")
                .unwrap();
            let awaits = widget.awaits.as_ref().unwrap();
            assert_eq!(awaits.kind, "demo.dev/v1 Widget");
            assert_eq!(awaits.bringers.len(), 1, "{phases:?}");
            assert_eq!(plan.actions[awaits.bringers[0]].id().name, "operator");
        }
    }

    /// The error about the only object that is blocked.
    fn error(phases: &[(&str, &str)]) -> Diagnostic {
        let plan = plan(phases).unwrap();
        let mut blocked = plan.actions.iter().filter_map(|one| one.blocked.clone());
        let error = blocked.next().unwrap();
        assert_eq!(blocked.count(), 0);
        error
    }

    #[test]
    fn a_kind_that_nothing_can_bring_in_time_is_an_error_at_its_place() {
        for phases in [vec![("all", WIDGET)], vec![("a", WIDGET), ("b", OPERATOR)]] {
            let text = error(&phases).to_string();
            assert!(text.contains("`Widget` in `demo.dev/v1`"), "{text}");
        }
        let error = error(&[("all", WIDGET)]);
        let place = error.location().map(ToString::to_string);
        assert_eq!(place.as_deref(), Some("all.yaml:1:33"), "{error}");
    }

    #[test]
    fn a_slip_in_a_built_in_kind_is_never_waited_for() {
        let slip = "{apiVersion: apps/v1, kind: Deploymnt, metadata: {name: w, namespace: n}}";
        let error = error(&[("all", &format!("{OPERATOR}\n---\n{slip}"))]);
        assert_eq!(error.help.as_deref(), Some("did you mean `Deployment`?"));
    }

    #[test]
    fn plurals_are_those_of_api_machinery() {
        for (kind, expected) in [
            ("Widget", "widgets"),
            ("Proxy", "proxies"),
            ("Ingress", "ingresses"),
        ] {
            assert_eq!(plural(kind), expected);
        }
    }
}
