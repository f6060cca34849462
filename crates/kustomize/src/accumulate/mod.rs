//! Walking a kustomization and all it names, in upstream's order: resources and bases, generators,
//! components, transformers, validators; then, once for the whole build, hashes, references and vars.
//!
//! Flows in: a place with a kustomization. Flows out: its objects, its field specs and its vars, which
//! the kustomization above merges into its own.
//! It must never change an object itself: that is for the transformers.

mod finish;
mod origin;
mod steps;
mod target;
mod vars;

use trueup_manifest::{Diagnostic, Diagnostics, Tree, TreePath};

pub(crate) use self::origin::OriginNote;
pub(crate) use self::target::{Made, Step, Target, run_steps};
use self::vars::Vars;
use crate::{
    Context,
    load::VarSpec,
    resource::{Behavior, ResMap, Resource},
    transform::{SharedConfig, empty_config},
};

/// Builds the kustomization in a directory.
pub(crate) fn run(
    context: &Context<'_>,
    tree: &dyn Tree,
    dir: &TreePath,
) -> Result<ResMap, Diagnostics> {
    let target = Target::start(context, tree, dir)?;
    let accumulated = target.accumulate(Accumulator::default())?;
    finish::finish(&target, accumulated)
}

/// Builds the kustomization that an address leads to. `tree` is where the build runs.
pub(crate) fn run_remote(
    context: &Context<'_>,
    tree: &dyn Tree,
    address: &str,
) -> Result<ResMap, Diagnostics> {
    let target = Target::start_remote(context, tree, address)?;
    let accumulated = target.accumulate(Accumulator::default())?;
    finish::finish(&target, accumulated)
}

/// The vars of a kustomization itself, and what it comes to before any is resolved.
pub(crate) fn unresolved(
    context: &Context<'_>,
    tree: &dyn Tree,
    dir: &TreePath,
) -> Result<(Vec<VarSpec>, Accumulator), Diagnostics> {
    let target = Target::start(context, tree, dir)?;
    let accumulated = target.accumulate(Accumulator::default())?;
    Ok((target.file.vars, accumulated))
}

/// What a kustomization and everything below it came to.
pub(crate) struct Accumulator {
    pub(crate) resources: ResMap,
    pub(crate) config: SharedConfig,
    vars: Vars,
}

impl Default for Accumulator {
    fn default() -> Self {
        Self {
            resources: ResMap::default(),
            config: empty_config(),
            vars: Vars::default(),
        }
    }
}

impl Accumulator {
    /// Adds objects, none of which may be there already.
    pub(crate) fn append_all(&mut self, resources: Vec<Resource>) -> Result<(), Diagnostics> {
        let mut complaints = Diagnostics::new();
        for resource in resources {
            if let Err(taken) = self.resources.append(resource) {
                let (resource, at) = *taken;
                complaints.push(duplicate(&resource, self.resources.get(at)));
            }
        }
        complaints.into_result(())
    }

    /// Adds a generated object, or merges it into the one it is for.
    pub(crate) fn absorb(
        &mut self,
        context: &Context<'_>,
        mut new: Resource,
    ) -> Result<(), Diagnostics> {
        let id = new.id().clone();
        let (behavior, place) = (new.book.behavior, new.location());
        let found = self
            .resources
            .find_by_any_id(&id.name, |candidate| candidate.equals(&id));
        let fault =
            |message: String| Diagnostic::error("kustomize/generator", message).at(place.clone());
        match (found.as_slice(), behavior) {
            ([], Behavior::Merge | Behavior::Replace) => {
                let message = format!("there is no `{id}` to {}", behavior.name());
                Err(fault(message)
                    .help("name the object that the base generates, or remove `behavior`")
                    .into())
            }
            ([], _) => self.append_all(vec![new]),
            ([at], Behavior::Merge | Behavior::Replace) => {
                let Some(old) = self.resources.get(*at) else {
                    return Ok(());
                };
                finish::take_over(context, &mut new, old, behavior);
                // A patch may have made another kind of the object that goes by the old name.
                if old.id().key() != new.id().key() {
                    let message = format!("`{id}` has become `{}`", old.id());
                    return Err(fault(message)
                        .label(old.location(), "this object")
                        .help(format!("there is no `{id}` left to {}", behavior.name()))
                        .into());
                }
                self.resources.replace(*at, new);
                Ok(())
            }
            ([at], _) => {
                let message = format!("`{id}` is there already");
                let old = self.resources.get(*at).and_then(Resource::location);
                Err(fault(message)
                    .label(old, "here")
                    .help("write `behavior: merge` or `behavior: replace`, or choose another name")
                    .into())
            }
            (several, _) => {
                let message = format!("{} objects could take in `{id}`", several.len());
                let diagnostic = fault(message);
                let places = several.iter().filter_map(|at| self.resources.get(*at));
                Err(places
                    .fold(diagnostic, |diagnostic, old| {
                        diagnostic.label(old.location(), "this one could")
                    })
                    .into())
            }
        }
    }

    /// Merges what a base came to.
    fn merge(&mut self, mut other: Self) -> Result<(), Diagnostics> {
        // The first base brings its indexes along.
        if self.resources.is_empty() && other.resources.duplicate().is_none() {
            self.resources = other.resources;
        } else {
            self.append_all(other.resources.into_items())?;
        }
        self.merge_config(&other.config)?;
        self.vars.merge(other.vars)
    }

    /// Lays field specs over those so far.
    fn merge_config(&mut self, config: &SharedConfig) -> Result<(), Diagnostic> {
        self.config = crate::transform::merge(&self.config, config).map_err(|conflict| {
            let message = format!(
                "two configurations disagree on `create` of `{}`",
                conflict.path
            );
            Diagnostic::error("kustomize/config-conflict", message)
                .help("let them agree; the defaults count as one of them")
        })?;
        Ok(())
    }
}

/// The same object on two ways.
fn twice(resource: &Resource, first: &Resource) -> Diagnostic {
    let way = |of: &Resource| of.origin().chain.join(" → ");
    let message = format!("`{}` comes in twice", resource.id());
    let help = format!(
        "it comes through {} and through {}: name that base once, let one of the two rename it \
         (`namePrefix`), or make what changes it a component",
        way(first),
        way(resource)
    );
    Diagnostic::error("kustomize/duplicate", message)
        .label(resource.location(), "this object")
        .help(help)
}

fn duplicate(resource: &Resource, first: Option<&Resource>) -> Diagnostic {
    let place = |of: &Resource| {
        of.location()
            .map(|place| (place.source.name().to_owned(), place.span))
    };
    if let Some(first) = first
        && let Some(at) = place(first)
        && place(resource) == Some(at)
    {
        return twice(resource, first);
    }
    let diagnostic = Diagnostic::error(
        "kustomize/duplicate",
        format!("`{}` is defined twice", resource.id()),
    )
    .label(resource.location(), "again here")
    .help("remove one of the two, or give one another name or namespace");
    match first {
        Some(first) => diagnostic.label(first.location(), "first here"),
        None => diagnostic,
    }
}
