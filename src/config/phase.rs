//! The phases of an environment: what is rendered, and in which order.

use std::{path::PathBuf, time::Duration};

use trueup_manifest::{Diagnostic, TreePath};
use trueup_yaml::{Document, Location};

use super::{decode::Spanned, substitute::Substitution};

/// A unit of ordering and of failure. It owns nothing: all objects belong to the environment, so
/// that moving one to another phase never deletes it.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Its name, unique in the environment.
    pub name: Spanned<String>,
    /// Where the phase is written.
    pub location: Option<Location>,
    /// What it renders.
    pub content: Content,
    /// The phases it waits for; the one before it in the list where it is not set.
    pub depends_on: Option<Vec<Spanned<String>>>,
    /// How long it may take to become healthy; the environment's default where it is not set.
    pub timeout: Option<Duration>,
    /// Whether those that depend on it wait until its objects are healthy.
    pub wait: bool,
    /// Whether nothing of it is written unless a dry run takes all of it.
    pub atomic: bool,
    /// In which objects `${name}` is replaced; none unless declared.
    pub substitute: Vec<Substitution>,
}

/// What a phase renders.
#[derive(Clone, Debug)]
pub enum Content {
    /// A kustomization.
    Kustomize {
        /// The folder of the kustomization.
        path: Spanned<TreePath>,
        /// Whether files outside that folder may be read, as `--load-restrictor` of kustomize.
        load_anywhere: bool,
        /// Files that are values of a Vault.
        values_from: Vec<FileFrom>,
    },
    /// Plain manifests: a file, or all `*.yaml`, `*.yml` and `*.json` files of a folder and the
    /// folders below it.
    Manifests {
        /// The file or folder.
        path: Spanned<TreePath>,
    },
    /// A Helm chart.
    Helm(Box<Helm>),
    /// The Vault bootstrap.
    Vault {
        /// The file that describes it.
        path: Spanned<TreePath>,
    },
    /// Processes. Not built yet.
    Processes {
        /// The folder of their files.
        path: Spanned<TreePath>,
    },
}

/// A Helm chart and its values.
#[derive(Clone, Debug)]
pub struct Helm {
    /// The folder of the chart, or a packed one; its name where `repo` is set.
    pub chart: Spanned<TreePath>,
    /// The repository or registry that has the chart.
    pub repo: Option<Spanned<String>>,
    /// The version of a chart of a repository.
    pub version: Option<Spanned<String>>,
    /// Whom to trust where a chart of a repository is fetched.
    pub tls: Option<RepositoryTls>,
    /// The name of the release; may hold variables.
    pub release: Spanned<String>,
    /// The namespace of the release; may hold variables.
    pub namespace: Option<Spanned<String>>,
    /// Whether the namespace is one of the objects.
    pub create_namespace: bool,
    /// Values files, later ones over earlier ones.
    pub values: Vec<Spanned<TreePath>>,
    /// Values over those of the files, with variables not replaced yet.
    pub inline: Option<Spanned<Document>>,
    /// Values from Secrets and ConfigMaps of the cluster, Vaults and sealed files, over all others.
    pub values_from: Vec<ValuesFrom>,
    /// Whether the files of `crds/` are applied.
    pub include_crds: bool,
    /// Whether hooks of installs and upgrades are run.
    pub hooks: bool,
    /// The Kubernetes version to claim.
    pub kube_version: Option<Spanned<String>>,
    /// API versions to claim, besides those of Kubernetes.
    pub api_versions: Vec<Spanned<String>>,
    /// Patches as in a kustomization.
    pub patches: Vec<Spanned<Document>>,
    /// Whether values are left unchecked by the chart's schema.
    pub skip_schema: bool,
    /// Whether what a run makes of the release is deleted again where the release fails.
    pub cleanup_on_fail: bool,
}

impl Helm {
    /// A release of a chart with nothing said of it.
    pub(crate) fn of(chart: Spanned<TreePath>, release: Spanned<String>) -> Self {
        Self {
            chart,
            repo: None,
            version: None,
            tls: None,
            release,
            namespace: None,
            create_namespace: false,
            values: Vec::new(),
            inline: None,
            values_from: Vec::new(),
            include_crds: true,
            hooks: true,
            kube_version: None,
            api_versions: Vec::new(),
            patches: Vec::new(),
            skip_schema: false,
            cleanup_on_fail: false,
        }
    }
}

/// Whom to trust, and who we are, where a chart is fetched. All are files of the machine that fetches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryTls {
    /// The authorities to trust, in place of those that the machine trusts.
    pub ca_file: Option<PathBuf>,
    /// Our certificate.
    pub cert_file: Option<PathBuf>,
    /// The private key of our certificate.
    pub key_file: Option<PathBuf>,
    /// Whether any certificate is taken for the server's.
    pub unverified: bool,
}

/// The Vault of a phase.
#[derive(Clone, Debug, Default)]
pub struct VaultRef {
    /// The phase, where it is named.
    pub named: Option<Spanned<String>>,
    /// The phase that it is: the only one, where none is named.
    found: String,
}

impl VaultRef {
    /// As it is written.
    pub(super) fn new(named: Option<Spanned<String>>) -> Self {
        Self {
            named,
            found: String::new(),
        }
    }

    /// The name of the phase.
    pub fn phase(&self) -> &str {
        &self.found
    }
}

/// A value of a Vault that is a file of a kustomization.
#[derive(Clone, Debug)]
pub struct FileFrom {
    /// The path in the Vault.
    pub path: Spanned<String>,
    /// Whose Vault.
    pub vault: VaultRef,
    /// The value at that path; all of them, a line each, where it is not set.
    pub key: Option<Spanned<String>>,
    /// The file.
    pub file: Spanned<TreePath>,
}

/// Values that an object of the cluster, a Vault or a sealed file holds.
#[derive(Clone, Debug)]
pub struct ValuesFrom {
    /// What holds them.
    pub holder: ValuesHolder,
    /// The name of the object; the path in the Vault, or of the file.
    pub name: Spanned<String>,
    /// Whose Vault, where it is one.
    pub vault: VaultRef,
    /// Its namespace, which may hold variables; that of the release where it is not set.
    pub namespace: Option<Spanned<String>>,
    /// The key in its `data`, at the path in the Vault, or at the top of the file.
    pub key: Option<Spanned<String>>,
    /// The value that is set to the text, as in `--set`; where it is not set, the text is a mapping of values.
    pub target_path: Option<Spanned<String>>,
    /// Whether it may be missing.
    pub optional: bool,
}

/// What holds values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValuesHolder {
    /// A Secret: what it holds is shown nowhere.
    Secret,
    /// A ConfigMap: what it holds is like what a file holds.
    ConfigMap,
    /// A Vault: what it holds is shown nowhere.
    Vault,
    /// A file that SOPS sealed: what is sealed in it is shown nowhere.
    Sops,
}

impl ValuesHolder {
    /// Its kind.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
            Self::Vault => "Vault",
            Self::Sops => "SOPS file",
        }
    }

    /// Whether what it holds must not be shown.
    pub fn is_secret(self) -> bool {
        self != Self::ConfigMap
    }
}

impl Phase {
    /// The Vaults that it takes values from, each with the place that says so.
    fn vaults_mut(&mut self) -> Vec<(&mut VaultRef, &Spanned<String>)> {
        match &mut self.content {
            Content::Helm(helm) => {
                let all = helm.values_from.iter_mut();
                let of_vaults = all.filter(|from| from.holder == ValuesHolder::Vault);
                of_vaults
                    .map(|from| (&mut from.vault, &from.name))
                    .collect()
            }
            Content::Kustomize { values_from, .. } => {
                let all = values_from.iter_mut();
                all.map(|from| (&mut from.vault, &from.path)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Finds the Vaults that values are taken from, each among the phases, and lets those that take them wait for those.
fn find_vaults(phases: &mut [Phase], waits: &mut [Vec<usize>], findings: &mut Vec<Diagnostic>) {
    let vaults: Vec<(usize, String)> = phases
        .iter()
        .enumerate()
        .filter(|(_, phase)| matches!(phase.content, Content::Vault { .. }))
        .map(|(index, phase)| (index, phase.name.value.clone()))
        .collect();
    let names: Vec<&str> = vaults.iter().map(|(_, name)| name.as_str()).collect();
    for (phase, waits) in phases.iter_mut().zip(waits) {
        for (reference, place) in phase.vaults_mut() {
            let found = match (&reference.named, vaults.as_slice()) {
                (Some(named), _) => vaults.iter().find(|(_, name)| *name == named.value),
                (None, [only]) => Some(only),
                (None, _) => None,
            };
            let Some((index, name)) = found else {
                let at = reference.named.as_ref().unwrap_or(place);
                findings.push(no_vault(at, &names, reference.named.is_some()));
                continue;
            };
            reference.found.clone_from(name);
            if !waits.contains(index) {
                waits.push(*index);
            }
        }
    }
}

fn no_vault(at: &Spanned<String>, vaults: &[&str], is_named: bool) -> Diagnostic {
    let (message, help) = match vaults {
        [] => (
            "no phase of this environment is a Vault to take values from".to_owned(),
            "add a `vault` phase: its file says how the Vault is reached and how to log in"
                .to_owned(),
        ),
        _ if is_named => (
            format!("no `vault` phase is called `{}`", at.value),
            format!("the `vault` phases are `{}`", vaults.join("`, `")),
        ),
        _ => (
            "there are several Vaults to take values from".to_owned(),
            format!("say which in `phase`: `{}`", vaults.join("`, `")),
        ),
    };
    Diagnostic::error("config/unknown-phase", message)
        .at(at.location.clone())
        .help(help)
}

/// The indices of the phases that each phase waits for, with everything that is wrong about them:
/// names used twice, unknown phases, loops.
pub(super) fn order(phases: &mut [Phase]) -> (Vec<Vec<usize>>, Vec<Diagnostic>) {
    let (mut waits, mut findings) = waits(phases);
    find_vaults(phases, &mut waits, &mut findings);
    if let Some(circle) = circle(&waits) {
        findings.push(circle_finding(&circle, phases));
    }
    (waits, findings)
}

/// What each phase waits for, by its own words.
fn waits(phases: &[Phase]) -> (Vec<Vec<usize>>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let find = |name: &str| phases.iter().position(|phase| *phase.name == name);
    for (index, phase) in phases.iter().enumerate() {
        if let Some(first) = find(&phase.name).filter(|first| *first < index) {
            let first = phases
                .get(first)
                .and_then(|first| first.name.location.clone());
            findings.push(
                Diagnostic::error(
                    "config/duplicate-name",
                    format!("two phases are called `{}`", phase.name),
                )
                .label(phase.name.location.clone(), "again here")
                .label(first, "first here")
                .help("give one of them another name"),
            );
        }
    }
    let waits: Vec<Vec<usize>> = phases
        .iter()
        .enumerate()
        .map(|(index, phase)| match &phase.depends_on {
            None => index.checked_sub(1).into_iter().collect(),
            Some(names) => names
                .iter()
                .filter_map(|name| {
                    let found = find(name);
                    if found.is_none() {
                        findings.push(unknown_phase(name, phases));
                    }
                    found
                })
                .collect(),
        })
        .collect();
    (waits, findings)
}

fn unknown_phase(name: &Spanned<String>, phases: &[Phase]) -> Diagnostic {
    let known: Vec<&str> = phases.iter().map(|phase| phase.name.as_str()).collect();
    let help = match trueup_manifest::nearest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the phases are `{}`", known.join("`, `")),
    };
    Diagnostic::error(
        "config/unknown-phase",
        format!("no phase is called `{}`", name.value),
    )
    .at(name.location.clone())
    .help(help)
}

/// A loop, as the indices on it in the order of waiting, where there is one.
fn circle(waits: &[Vec<usize>]) -> Option<Vec<usize>> {
    // 0: not seen, 1: on the way, 2: done.
    let mut state = vec![0_u8; waits.len()];
    for start in 0..waits.len() {
        let mut way = vec![(start, 0)];
        while let Some((at, next)) = way.last_mut() {
            let node = *at;
            let mark = state.get_mut(node)?;
            if *mark == 2 {
                way.pop();
                continue;
            }
            *mark = 1;
            let Some(to) = waits.get(node).and_then(|list| list.get(*next)).copied() else {
                *mark = 2;
                way.pop();
                continue;
            };
            *next += 1;
            if state.get(to) == Some(&1) {
                let nodes = way.iter().map(|(node, _)| *node);
                return Some(nodes.skip_while(|node| *node != to).collect());
            }
            way.push((to, 0));
        }
    }
    None
}

fn circle_finding(circle: &[usize], phases: &[Phase]) -> Diagnostic {
    let on_it: Vec<&Phase> = circle
        .iter()
        .filter_map(|index| phases.get(*index))
        .collect();
    let mut names: Vec<String> = on_it
        .iter()
        .map(|phase| format!("`{}`", phase.name))
        .collect();
    names.extend(names.first().cloned());
    let mut finding = Diagnostic::error(
        "config/phase-loop",
        format!(
            "phases wait for one another in a circle: {}",
            names.join(" → ")
        ),
    );
    let mut implicit = false;
    for (phase, next) in on_it.iter().zip(on_it.iter().cycle().skip(1)) {
        let named = phase
            .depends_on
            .iter()
            .flatten()
            .find(|name| name.value == *next.name);
        let (place, why) = if let Some(name) = named {
            (name.location.clone(), "")
        } else {
            implicit = true;
            (phase.name.location.clone(), ", the phase before it")
        };
        let text = format!("`{}` waits for `{}`{why}", phase.name, next.name);
        finding = finding.label(place, text);
    }
    finding.help(if implicit {
        "a phase without `dependsOn` waits for the one before it; `dependsOn: []` waits for none"
    } else {
        "remove one of these from its `dependsOn`"
    })
}
