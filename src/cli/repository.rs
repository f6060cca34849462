//! The repository that a command works on.

mod subtree;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::FutureExt;
use trueup_manifest::{Diagnostic, Diagnostics, DiskTree, Tree};

use self::subtree::Subtree;

use super::{exit::Failure, global::Global};
use crate::{
    config::{Config, ENVIRONMENTS, Environment, Literal},
    pipeline::{self, Clusters, Connection, Fetch, Prepared, Remote, Request},
    plan::{STALE, Saved},
    render::{Asked, RenderOptions, asked::Questions},
    source::{self, Snapshot, WorkTree},
};

/// A checkout and the configuration in it.
pub(super) struct Repository {
    pub(super) tree: DiskTree,
    pub(super) config: Config,
    fetch: Fetch,
    remote: Remote,
}

impl Repository {
    /// Opens the repository that the flags name, or the one round the current folder.
    pub(super) fn open(global: &Global) -> Result<Self, Failure> {
        Self::at(&root(global)?, global.fetch())
    }

    /// Opens the repository at a folder. What lies elsewhere is as fresh as `fetch` says.
    pub(super) fn at(root: &Path, fetch: Fetch) -> Result<Self, Failure> {
        let tree = DiskTree::new(root)?;
        let tree = match std::env::current_dir() {
            Ok(here) => tree.shown_from(here),
            Err(_) => tree,
        };
        let config = Config::load(&tree)?;
        Ok(Self {
            tree,
            config,
            fetch,
            remote: Remote::new(fetch),
        })
    }
}

impl Repository {
    /// An environment of this repository, rendered from its files or those of its own source.
    pub(super) fn prepare(
        &self,
        environment: &str,
        variables: &[(String, Literal)],
    ) -> Result<Prepared, Diagnostics> {
        let request = Request {
            environment,
            revision: None,
            variables,
        };
        let environment = pipeline::select(&self.config, &request)?;
        if environment.source.is_none() {
            return pipeline::render_from(&self.tree, environment, None, &self.remote);
        }
        let runtime = super::runtime()?;
        match runtime.block_on(pipeline::own_files(&environment, self.fetch))? {
            Some(snapshot) => {
                let revision = snapshot.revision().to_string();
                pipeline::render_from(&snapshot, environment, Some(&revision), &self.remote)
            }
            None => pipeline::render_from(&self.tree, environment, None, &self.remote),
        }
    }

    /// Has the cluster of an environment asked for what its next plan needs beside its files. None where
    /// the environment is not known or its cluster cannot be reached: what follows tells why.
    pub(super) fn look_ahead(
        &self,
        runtime: &tokio::runtime::Runtime,
        clusters: &Arc<Clusters>,
        environment: &str,
    ) -> Option<tokio::task::JoinHandle<()>> {
        let environment = self.config.environment(environment).ok()?.clone();
        let clusters = Arc::clone(clusters);
        Some(runtime.spawn(async move {
            if let Ok(connection) = clusters.of(&environment).await {
                connection.session.look_ahead(&environment.name.value).await;
            }
        }))
    }

    /// An environment for a plan or a run: rendered with what its charts want to know of its cluster, and with its
    /// revision.
    pub(super) async fn prepare_to_apply(
        &self,
        environment: &str,
        variables: &[(String, Literal)],
        clusters: &Clusters,
    ) -> Result<(Prepared, Arc<Connection>), Diagnostics> {
        let request = Request {
            environment,
            revision: None,
            variables,
        };
        let environment = pipeline::select(&self.config, &request)?;
        let files = pipeline::own_files(&environment, self.fetch).await?;
        let revision = files.as_ref().map(|files| files.revision().to_string());
        let tree: &dyn Tree = files.as_ref().map_or(&self.tree, |files| files);
        let (mut prepared, connection) = self
            .render_on(tree, environment, revision.as_deref(), clusters)
            .await?;
        // The environment is of the repository that its own file lies in, wherever its files come from.
        prepared.desired.source = Some(source::identity(self.tree.root()));
        if prepared.desired.revision.is_none() {
            prepared.desired.revision = self.revision();
        }
        Ok((prepared, connection))
    }

    async fn render_on(
        &self,
        tree: &dyn Tree,
        environment: Environment,
        revision: Option<&str>,
        clusters: &Clusters,
    ) -> Result<(Prepared, Arc<Connection>), Diagnostics> {
        let connection = match clusters.of(&environment).await {
            Ok(connection) => connection,
            Err(mut findings) => {
                // What is wrong with the files is told at once, too.
                let rendered = pipeline::render_from(tree, environment, revision, &self.remote);
                findings.extend(rendered.err().into_iter().flatten());
                return Err(findings);
            }
        };
        let name = environment.name.value.clone();
        let render = |asked: Arc<Asked>| {
            let environment = environment.clone();
            async move {
                let options = RenderOptions {
                    revision,
                    remote: Some(&self.remote),
                    cache: None,
                    asked: Some(&asked),
                    charts: Some(self.remote.charts()),
                    keys: Some(self.remote.keys()),
                };
                pipeline::render_with(tree, environment, &options)
            }
            .boxed()
        };
        let known = Questions::default();
        let settled = pipeline::settle(&connection.cluster, &name, &known, render).await;
        settled.map(|(prepared, _)| (prepared, connection))
    }

    /// An environment as a plan had it: rendered from the plan's revision, which need not be what is
    /// checked out.
    pub(super) async fn prepare_as_planned(
        &self,
        saved: &Saved,
        clusters: &Clusters,
    ) -> Result<(Prepared, Arc<Connection>), Failure> {
        let known = self.config.knows(&saved.environment);
        let is_elsewhere = known
            && self
                .config
                .environment(&saved.environment)
                .is_ok_and(|environment| environment.source.is_some());
        if is_elsewhere || self.revision() == saved.revision {
            let (prepared, connection) = self
                .prepare_to_apply(&saved.environment, &[], clusters)
                .await?;
            return if prepared.desired.revision == saved.revision {
                Ok((prepared, connection))
            } else {
                Err(other_revision(saved, prepared.desired.revision.as_deref()))
            };
        }
        let revision = saved.revision.as_deref().unwrap_or_default();
        let commit = revision
            .split_once("@sha1:")
            .and_then(|(_, id)| self.base(id, true).ok());
        let Some(commit) = commit else {
            return Err(other_revision(saved, self.revision().as_deref()));
        };
        let config = Config::load(&*commit.tree)?;
        let request = Request {
            environment: &saved.environment,
            revision: saved.revision.as_deref(),
            variables: &[],
        };
        let environment = pipeline::select_here(&config, &request)?;
        let revision = saved.revision.as_deref();
        let (mut prepared, connection) = self
            .render_on(&*commit.tree, environment, revision, clusters)
            .await?;
        prepared.desired.source = Some(source::identity(self.tree.root()));
        Ok((prepared, connection))
    }

    /// What is checked out, and whether it was changed since; none outside Git.
    fn revision(&self) -> Option<String> {
        let work_tree = WorkTree::discover(self.tree.root()).ok()?;
        let snapshot = work_tree.working_tree().ok()?;
        Some(snapshot.revision().to_string())
    }

    /// The files at another revision of the Git repository that this one is a work tree of: at the
    /// commit where the histories parted, or just there.
    pub(super) fn base(&self, revision: &str, exact: bool) -> Result<Base, Failure> {
        let work_tree = WorkTree::discover(self.tree.root())?;
        let snapshot: Snapshot = if exact {
            work_tree.revision(revision)?
        } else {
            work_tree.merge_base(revision)?
        };
        let name = snapshot.revision().short();
        let here = work_tree.here().clone();
        let tree: Arc<dyn Tree> = if here.is_root() {
            Arc::clone(snapshot.tree())
        } else {
            Arc::new(Subtree::new(Arc::clone(snapshot.tree()), here))
        };
        Ok(Base { tree, name })
    }
}

fn other_revision(saved: &Saved, here: Option<&str>) -> Failure {
    let name = |revision: Option<&str>| revision.unwrap_or("no revision").to_owned();
    let message = format!(
        "the plan is of `{}`, and here is `{}`",
        name(saved.revision.as_deref()),
        name(here)
    );
    Diagnostic::error(STALE, message)
        .help("check out or fetch that revision, or plan again")
        .into()
}

/// The folder that the flags name, or the repository round the current folder.
pub(super) fn root(global: &Global) -> Result<PathBuf, Failure> {
    match &global.repo {
        Some(root) => Ok(root.clone()),
        None => Ok(find(&current_folder()?)),
    }
}

/// The files at another revision.
pub(super) struct Base {
    pub(super) tree: Arc<dyn Tree>,
    pub(super) name: String,
}

/// The nearest folder from `here` upwards that has Environment files, but not above the Git
/// repository round `here`; `here` itself where there is none.
pub(super) fn find(here: &Path) -> PathBuf {
    for folder in here.ancestors() {
        if folder.join(ENVIRONMENTS).is_dir() {
            return folder.to_owned();
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    here.to_owned()
}

pub(super) fn current_folder() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        Failure::new(
            "cli/no-folder",
            format!("the current folder cannot be told: {error}"),
        )
    })
}
