//! `trueup diff`: shows what a change would do.

mod text;

use clap::{Args as ClapArgs, ValueEnum};
use trueup_manifest::{Diagnostics, Tree};

use super::{
    console::Console,
    exit::{Exit, Failure},
    global::Global,
    output::{self, Format},
    plan,
    repository::Repository,
    variable,
    works::{self, Whole},
};
use crate::{
    config::{Config, Literal},
    pipeline::{self, Clusters, Fetch, Prepared, Remote, Request},
    plan::Consent,
    render,
};

/// Show what a change would do
///
/// Compares what the checkout renders with what the cluster holds, as `trueup reconcile` would change
/// it. With `--base` it compares with what another revision renders, object by object, and asks no
/// cluster. Values of Secrets are masked. Ends with 0 where nothing differs, 1 where something does,
/// and 2 where it failed.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The environment
    #[arg(value_name = "ENV")]
    environment: String,
    /// Compare with what this revision renders, such as `main`: from where the histories parted, as
    /// a pull request against it is
    #[arg(long, value_name = "REVISION")]
    base: Option<String>,
    /// With `--base`: compare with the revision itself, not with where the histories parted
    #[arg(long, requires = "base")]
    exact: bool,
    /// Set a variable on both sides; a number or boolean is one, as in the file
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable::read)]
    variables: Vec<(String, Literal)>,
    /// How the result is written on standard output
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: DiffFormat,
}

/// How a difference is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DiffFormat {
    /// For a person
    Text,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// For a comment on a pull request
    Markdown,
}

impl DiffFormat {
    /// The format of all commands that it is; none for Markdown.
    fn plain(self) -> Option<Format> {
        match self {
            Self::Text => Some(Format::Text),
            Self::Json => Some(Format::Json),
            Self::Yaml => Some(Format::Yaml),
            Self::Markdown => None,
        }
    }
}

impl Args {
    pub(super) fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        let repository = Repository::open(global)?;
        match &self.base {
            Some(base) => self.with_base(&repository, base, global, console),
            None => self.with_cluster(&repository, global, console),
        }
    }

    fn with_cluster(
        &self,
        repository: &Repository,
        global: &Global,
        console: &Console,
    ) -> Result<Exit, Failure> {
        let clusters = Clusters::new(global.cluster_override());
        super::runtime()?.block_on(async {
            let (prepared, connection) = repository
                .prepare_to_apply(&self.environment, &self.variables, &clusters)
                .await?;
            let planned =
                pipeline::plan(&prepared, &connection.session, Consent::default()).await?;
            let works = pipeline::look_at_vaults(&prepared, &connection.cluster).await;
            match self.output.plain() {
                Some(format) => {
                    let plan = (&*planned.plan, works.as_slice());
                    plan::tell(console, format, plan::Detail::Lines, &prepared, plan)?;
                }
                None => plan::tell_markdown(console, &prepared, &planned.plan, &works)?,
            }
            plan::refuse_untold(&prepared)?;
            let differs = works::differ(&works)?;
            let blocked = planned
                .plan
                .actions
                .iter()
                .any(|action| action.blocked.is_some());
            Ok(match (blocked, planned.plan.is_empty() && !differs) {
                (true, _) => Exit::Trouble,
                (false, true) => Exit::Done,
                (false, false) => Exit::Differs,
            })
        })
    }

    fn with_base(
        &self,
        repository: &Repository,
        base: &str,
        global: &Global,
        console: &Console,
    ) -> Result<Exit, Failure> {
        let base = repository.base(base, self.exact)?;
        let base_config = Config::load(&*base.tree).map_err(|findings| at(&base.name, findings))?;
        // Both sides are read before either fails, so that all errors come at once.
        let (fetch, remote) = (global.fetch(), Remote::new(global.fetch()));
        let after = self.prepare(&repository.tree, &repository.config, fetch, &remote);
        let before = if base_config.knows(&self.environment) {
            let before = self.prepare(&*base.tree, &base_config, fetch, &remote);
            before
                .map(Some)
                .map_err(|findings| at(&base.name, findings))
        } else {
            // An environment that the revision does not have is all new.
            Ok(None)
        };
        let (after, before) = both(after, before)?;
        let nothing = render::Desired::default();
        let vaults = before.as_ref().map(|before| before.vaults.as_slice());
        let works = pipeline::compare_vaults(vaults.unwrap_or_default(), &after.vaults);
        let before = before.as_ref().map_or(&nothing, |before| &before.desired);
        console.findings(&after.desired.warnings);
        let comparison = render::compare(before, &after.desired);
        match self.output.plain() {
            Some(Format::Text) => {
                console.data(&text::comparison(&comparison, console.color_data()))?;
                works::text(console, &works)?;
                console.message(&text::summary(&comparison));
            }
            Some(format) => {
                output::structured(console, format, &Whole::new(&comparison, &works))?;
            }
            None => console.data(&(text::markdown(&comparison) + &works::markdown(&works)))?,
        }
        Ok(
            if comparison.objects.is_empty() && !works::differ(&works)? {
                Exit::Done
            } else {
                Exit::Differs
            },
        )
    }

    fn prepare(
        &self,
        tree: &dyn Tree,
        config: &Config,
        fetch: Fetch,
        remote: &Remote,
    ) -> Result<Prepared, Diagnostics> {
        let request = Request {
            environment: &self.environment,
            revision: None,
            variables: &self.variables,
        };
        let environment = pipeline::select(config, &request)?;
        if environment.source.is_none() {
            return pipeline::render_from(tree, environment, None, remote);
        }
        // Its files are not of this repository: they are the same on both sides.
        let runtime = super::runtime()?;
        let files = runtime.block_on(pipeline::own_files(&environment, fetch))?;
        let files: &dyn Tree = files.as_ref().map_or(tree, |files| files);
        pipeline::render_from(files, environment, None, remote)
    }
}

/// Says of findings that they are about another revision.
fn at(revision: &str, findings: Diagnostics) -> Diagnostics {
    findings.through(&format!("at {revision}").into())
}

/// Both values, or the findings of both.
fn both<A, B>(
    one: Result<A, Diagnostics>,
    other: Result<B, Diagnostics>,
) -> Result<(A, B), Diagnostics> {
    let mut findings = Diagnostics::new();
    match (findings.keep(one), findings.keep(other)) {
        (Some(one), Some(other)) => Ok((one, other)),
        _ => Err(findings),
    }
}
