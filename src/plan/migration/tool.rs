//! The tools that objects are taken over from: by which names they write, and by which marks an object
//! says that one of them looks after it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::cluster::Live;

/// A tool that objects are taken over from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// `kubectl apply`, `create` and `replace`.
    Kubectl,
    /// `helm install` and `upgrade`.
    Helm,
    /// The kustomize-controller and the helm-controller.
    Flux,
    /// The application controller.
    ArgoCd,
}

/// The managers that write whole manifests. What `kubectl` writes of single fields (`kubectl-edit`,
/// `kubectl-patch`, `kubectl-scale` …) is somebody's own doing and stays.
///
/// Sources: `pkg/cmd/apply/apply.go`, `create.go` and `replace.go` of kubectl; `pkg/kube/client.go` of Helm, whose
/// third version updates and whose fourth applies; `internal/controller` of kustomize-controller and
/// helm-controller; `common/common.go` of Argo CD, which was `argocd-application-controller` before 2.5.
const MANAGERS: &[(&str, Option<&str>, Tool)] = &[
    ("kubectl-client-side-apply", None, Tool::Kubectl),
    ("kubectl-last-applied", None, Tool::Kubectl),
    ("kubectl-create", None, Tool::Kubectl),
    ("kubectl-replace", None, Tool::Kubectl),
    ("kubectl", Some("Apply"), Tool::Kubectl),
    ("helm", None, Tool::Helm),
    ("helm-controller", None, Tool::Flux),
    ("kustomize-controller", None, Tool::Flux),
    ("flux", None, Tool::Flux),
    ("argocd-controller", None, Tool::ArgoCd),
    ("argocd-application-controller", None, Tool::ArgoCd),
];

/// The tool that writes under a name; none where it is none of those.
pub(super) fn predecessor(manager: &str, operation: &str) -> Option<Tool> {
    let found = MANAGERS
        .iter()
        .find(|(name, how, _)| *name == manager && how.is_none_or(|how| how == operation))?;
    Some(found.2)
}

/// The groups and kinds of Flux, and the labels by which an object names one of them.
const FLUX: [(&str, &str, [&str; 2]); 2] = [
    (
        "kustomize.toolkit.fluxcd.io",
        "Kustomization",
        [
            "kustomize.toolkit.fluxcd.io/name",
            "kustomize.toolkit.fluxcd.io/namespace",
        ],
    ),
    (
        "helm.toolkit.fluxcd.io",
        "HelmRelease",
        [
            "helm.toolkit.fluxcd.io/name",
            "helm.toolkit.fluxcd.io/namespace",
        ],
    ),
];

/// What an object's marks say: the object of another tool by which that tool looks after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// The tool.
    pub tool: Tool,
    /// The group of its object; empty for a Helm release.
    pub group: &'static str,
    /// The kind of its object.
    pub kind: &'static str,
    /// Its namespace; empty where the mark does not say.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Claim {
    /// What the marks of an object say; none where it has none.
    pub fn of(live: &Live) -> Option<Self> {
        let claim = |tool, group, kind, namespace: &str, name: &str| Self {
            tool,
            group,
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        for (group, kind, [name, namespace]) in FLUX {
            if let (Some(name), Some(namespace)) = (live.label(name), live.label(namespace)) {
                return Some(claim(Tool::Flux, group, kind, namespace, name));
            }
        }
        if let Some(application) = application(live) {
            let (namespace, name) = application.split_once('_').unwrap_or(("", application));
            let group = "argoproj.io";
            return Some(claim(Tool::ArgoCd, group, "Application", namespace, name));
        }
        let name = live.annotation("meta.helm.sh/release-name")?;
        let namespace = live.annotation("meta.helm.sh/release-namespace")?;
        Some(claim(Tool::Helm, "", "release", namespace, name))
    }

    /// How its owner is told to let go.
    fn help(&self, state: Rival) -> String {
        let Self {
            namespace, name, ..
        } = self;
        match (self.tool, self.kind, state) {
            (Tool::Helm, ..) => format!(
                "never run `helm uninstall {name}`: it would delete them; forget the release with `kubectl delete secret -n {namespace} -l owner=helm,name={name}`"
            ),
            (Tool::ArgoCd, _, Rival::Active) => format!(
                "remove `syncPolicy.automated` from the Application first, and once all is taken over `argocd app delete {name} --cascade=false`"
            ),
            (Tool::ArgoCd, ..) => format!(
                "once all is taken over: `argocd app delete {name} --cascade=false`, as with cascade it would delete what it still knows"
            ),
            (_, "HelmRelease", Rival::Active) => {
                format!("stop it first: `flux suspend helmrelease {name} -n {namespace}`")
            }
            (_, "HelmRelease", _) => format!(
                "once all is taken over, and while it is suspended: `kubectl delete helmrelease -n {namespace} {name}`; a suspended one uninstalls nothing"
            ),
            (_, _, Rival::Active) => {
                format!("stop it first: `flux suspend kustomization {name} -n {namespace}`")
            }
            _ => format!(
                "once all is taken over, and while it is suspended: `kubectl delete kustomization.kustomize.toolkit.fluxcd.io -n {namespace} {name}`; a suspended one prunes nothing"
            ),
        }
    }
}

/// The name of the Argo CD Application that tracks an object, by annotation, or by label where Argo CD
/// has written to the object: others set that label, too.
fn application(live: &Live) -> Option<&str> {
    if let Some(id) = live.annotation("argocd.argoproj.io/tracking-id") {
        return id.split(':').next();
    }
    let entries = live.at(&["metadata", "managedFields"])?.as_array()?;
    let is_argo = entries
        .iter()
        .filter_map(super::tool_of)
        .any(|tool| tool == Tool::ArgoCd);
    let label = live
        .label("argocd.argoproj.io/instance")
        .or_else(|| live.label("app.kubernetes.io/instance"));
    label.filter(|_| is_argo)
}

/// Its tool, its kind and its name.
impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tool = match self.tool {
            Tool::Kubectl => "kubectl",
            Tool::Helm => "Helm",
            Tool::Flux => "Flux",
            Tool::ArgoCd => "Argo CD",
        };
        let slash = if self.namespace.is_empty() { "" } else { "/" };
        let Self {
            kind,
            namespace,
            name,
            ..
        } = self;
        write!(f, "{tool} {kind} `{namespace}{slash}{name}`")
    }
}

/// How the object of another tool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rival {
    /// It acts by itself: what it finds otherwise, it changes back.
    Active,
    /// It is there and does nothing until somebody asks it to.
    Idle,
    /// It could not be looked at.
    Unknown,
}

/// The objects of other tools that look after what is desired, and are there.
#[derive(Clone, Debug, Default)]
pub struct Rivals(BTreeMap<Claim, Rival>);

impl FromIterator<(Claim, Rival)> for Rivals {
    fn from_iter<I: IntoIterator<Item = (Claim, Rival)>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

impl Rivals {
    /// Whether there are none.
    pub(in crate::plan) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Why an object cannot be taken over, and what to do: another tool is at work on it.
    pub(in crate::plan) fn active(&self, live: &Live) -> Option<(String, String)> {
        if self.is_empty() {
            return None;
        }
        let claim = Claim::of(live)?;
        let state = *self.0.get(&claim)?;
        (state == Rival::Active).then(|| {
            (
                format!("is kept by the {claim}, which is at work"),
                claim.help(state),
            )
        })
    }

    /// What is to be said once of each other object of a tool, by the number of objects that it looks
    /// after and that become ours.
    pub(in crate::plan) fn idle<'a>(
        &self,
        adopted: impl Iterator<Item = &'a Live>,
    ) -> Vec<(String, String)> {
        let mut numbers: BTreeMap<Claim, usize> = BTreeMap::new();
        for claim in adopted.filter_map(Claim::of) {
            *numbers.entry(claim).or_default() += 1;
        }
        let known = numbers.into_iter().filter_map(|(claim, number)| {
            let state = *self.0.get(&claim)?;
            let become_ours = if number == 1 {
                "1 object becomes ours".to_owned()
            } else {
                format!("{number} objects become ours")
            };
            let said = match state {
                Rival::Active => return None,
                Rival::Idle => format!("{become_ours} that the {claim} still knows"),
                Rival::Unknown => {
                    format!(
                        "{become_ours} that the {claim} may still keep: it could not be looked at"
                    )
                }
            };
            Some((said, claim.help(state)))
        });
        known.collect()
    }

    /// The claims that a set of objects makes.
    pub fn claims<'a>(all: impl Iterator<Item = &'a Live>) -> BTreeSet<Claim> {
        all.filter_map(Claim::of).collect()
    }
}
