//! `trueup check`: finds what is wrong with a repository, without a cluster.

mod fix;

use std::{collections::HashSet, path::PathBuf};

use clap::Args as ClapArgs;
use rayon::prelude::*;
use serde::Serialize;
use trueup_manifest::{Diagnostic, Diagnostics, Severity};

use super::{
    console::{Console, count, summary},
    exit::{Exit, Failure},
    global::Global,
    output::{self, Format, FormatArg},
    repository::{self, Repository},
};
use crate::{
    config::{CONTEXTS, ENVIRONMENTS},
    pipeline::Fetch,
};

/// Find what is wrong with a repository, without a cluster
///
/// Reads all environments and contexts, renders every phase, and tells all errors and warnings at
/// once. Ends with 1 where there is an error.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The repository, in place of `-C`
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::DirPath)]
    path: Option<PathBuf>,
    /// Rewrite deprecated fields of kustomization files, where what they build stays the same
    #[arg(long)]
    fix: bool,
    /// With `--fix`: show what would be rewritten, and write nothing
    #[arg(long, requires = "fix")]
    dry_run: bool,
    #[command(flatten)]
    output: FormatArg,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    environments: usize,
    phases: usize,
    objects: usize,
    findings: &'a Diagnostics,
}

impl Args {
    pub(super) fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        if self.fix {
            let root = match &self.path {
                Some(path) => path.clone(),
                None => repository::root(global)?,
            };
            return fix::run(&root, self.dry_run, console);
        }
        let repository = match &self.path {
            Some(path) => Repository::at(path, Fetch::Kept)?,
            None => Repository::at(&repository::root(global)?, Fetch::Kept)?,
        };
        let names: Vec<&str> = repository.config.names().collect();
        let rendered: Vec<_> = names
            .par_iter()
            .map(|name| repository.prepare(name, &[]))
            .collect();
        let mut findings = repository.config.findings();
        let (mut phases, mut objects) = (0, 0);
        for result in rendered {
            match result {
                Ok(prepared) => {
                    phases += prepared.desired.phases.len();
                    objects += prepared
                        .desired
                        .phases
                        .iter()
                        .map(|phase| phase.manifests.len())
                        .sum::<usize>();
                    findings.extend(prepared.desired.warnings);
                    findings.extend(later(prepared.environment.not_built_to_apply()));
                }
                Err(found) => findings.extend(found.into_iter().map(offline)),
            }
        }
        let findings = once(findings);
        if names.is_empty() && findings.is_empty() {
            return Err(nothing_there());
        }
        let result = Outcome {
            environments: names.len(),
            phases,
            objects,
            findings: &findings,
        };
        self.tell(console, &result)?;
        Ok(if findings.has_errors() {
            Exit::Failed
        } else {
            Exit::Done
        })
    }

    fn tell(&self, console: &Console, result: &Outcome<'_>) -> Result<(), Failure> {
        if self.output.format != Format::Text {
            return output::structured(console, self.output.format, result);
        }
        console.findings(result.findings);
        let environments = count(result.environments, "environment");
        // What could not be rendered cannot be counted.
        let checked = if result.findings.has_errors() {
            environments
        } else {
            let phases = count(result.phases, "phase");
            format!(
                "{environments}, {phases}, {}",
                count(result.objects, "object")
            )
        };
        let outcome = if result.findings.is_empty() {
            "all good".to_owned()
        } else {
            summary(result.findings)
        };
        console.message(&format!("{checked}: {outcome}"));
        Ok(())
    }
}

/// Files that are elsewhere cannot be checked without asking for them, which is no error of theirs.
fn offline(finding: Diagnostic) -> Diagnostic {
    if finding.code != "source/not-kept" {
        return finding;
    }
    Diagnostic {
        severity: Severity::Warning,
        message: format!("{}, so its phases are not checked", finding.message),
        ..finding
    }
}

/// What stands in the way of a reconcile only is no error of the files: they can be rendered.
fn later(findings: Diagnostics) -> Vec<Diagnostic> {
    let as_warning = |finding| Diagnostic {
        severity: Severity::Warning,
        ..finding
    };
    findings.into_iter().map(as_warning).collect()
}

/// Each finding once: a base with an error is told once, however many environments use it.
fn once(findings: Diagnostics) -> Diagnostics {
    let mut seen = HashSet::new();
    findings
        .into_iter()
        .filter(|finding| seen.insert(finding.to_string()))
        .collect()
}

fn nothing_there() -> Failure {
    Diagnostic::error(
        "cli/no-environments",
        format!("there is no file in `{ENVIRONMENTS}/`"),
    )
    .help(format!(
        "name the folder that holds `{ENVIRONMENTS}/` (and `{CONTEXTS}/`): `trueup check PATH`"
    ))
    .into()
}
