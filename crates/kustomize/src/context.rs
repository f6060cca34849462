//! What every step of one build shares: options, bounds, schemas, remote answers and warnings.

use std::{
    cell::{Cell, Ref, RefCell},
    collections::HashMap,
};

use trueup_manifest::{Diagnostic, TreePath};
use trueup_yaml::ParseOptions;

use crate::{Options, Remote, openapi::Schemas};

/// Bounds on what one build may take, so that hostile input ends in an error and not in a full disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bases inside bases.
    pub depth: usize,
    /// Kustomizations visited, counting a base once each time it is named.
    pub kustomizations: usize,
    /// Objects in one file.
    pub objects: usize,
    /// Collections inside collections in one document.
    pub nesting: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 64,
            kustomizations: 20_000,
            objects: 1_000_000,
            nesting: 256,
        }
    }
}

/// Shared by every step of one build.
pub(crate) struct Context<'a> {
    options: Options<'a>,
    schemas: RefCell<Schemas>,
    schemas_chosen: Cell<bool>,
    fetched: RefCell<HashMap<String, Remote>>,
    warnings: RefCell<Vec<Diagnostic>>,
    visited: Cell<usize>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(options: &Options<'a>) -> Self {
        Self {
            options: *options,
            schemas: RefCell::default(),
            schemas_chosen: Cell::new(false),
            fetched: RefCell::default(),
            warnings: RefCell::default(),
            visited: Cell::new(0),
        }
    }

    pub(crate) fn options(&self) -> &Options<'a> {
        &self.options
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.options.limits
    }

    pub(crate) fn parse_options(&self) -> ParseOptions {
        ParseOptions {
            max_depth: self.limits().nesting,
            ..ParseOptions::default()
        }
    }

    /// The schemas in force.
    pub(crate) fn schemas(&self) -> Ref<'_, Schemas> {
        self.schemas.borrow()
    }

    /// Whether a kustomization has chosen schemas; the first one does for all.
    pub(crate) fn schemas_chosen(&self) -> bool {
        self.schemas_chosen.get()
    }

    pub(crate) fn choose_schemas(&self, schemas: Schemas) {
        self.schemas_chosen.set(true);
        self.schemas.replace(schemas);
    }

    pub(crate) fn warn(&self, warning: Diagnostic) {
        self.warnings.borrow_mut().push(warning);
    }

    pub(crate) fn into_warnings(self) -> Vec<Diagnostic> {
        self.warnings.into_inner()
    }

    /// Counts a kustomization; an error when there are too many.
    pub(crate) fn visit(&self) -> Result<(), Diagnostic> {
        self.visited.set(self.visited.get() + 1);
        if self.visited.get() > self.limits().kustomizations {
            let message = format!(
                "more than {} kustomizations are named",
                self.limits().kustomizations
            );
            return Err(Diagnostic::error("kustomize/too-many", message)
                .help("a base that names others twice doubles the work at each level"));
        }
        Ok(())
    }

    /// What a remote path leads to; asked for once.
    pub(crate) fn fetch(&self, url: &str) -> Result<Remote, Diagnostic> {
        if let Some(known) = self.fetched.borrow().get(url) {
            return Ok(known.clone());
        }
        let Some(fetcher) = self.options.remote else {
            return Err(Diagnostic::error(
                "kustomize/remote",
                format!("`{url}` is remote, and nothing may be fetched"),
            )
            .help("vendor it into the repository, or build where fetching is allowed"));
        };
        let remote = fetcher.fetch(url).map_err(|why| {
            Diagnostic::error("kustomize/remote", format!("cannot fetch `{url}`: {why}"))
        })?;
        self.fetched
            .borrow_mut()
            .insert(url.to_owned(), remote.clone());
        Ok(remote)
    }

    /// The path in the tree that an absolute path means, where the caller said where the tree lies.
    pub(crate) fn inside_tree(&self, path: &str) -> Option<TreePath> {
        let inside = path.strip_prefix(self.options.tree_root?.trim_end_matches('/'))?;
        let inside = inside.strip_prefix('/')?;
        TreePath::new(inside).ok()
    }
}
