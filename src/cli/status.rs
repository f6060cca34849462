//! `trueup status`: says what environments are like in their clusters now.

use std::fmt::Write;

use clap::Args as ClapArgs;
use trueup_manifest::Diagnostics;

use super::{
    console::{Console, count},
    exit::{Exit, Failure},
    global::Global,
    output::{self, Format, FormatArg},
    repository::Repository,
};
use crate::{
    config::Environment,
    pipeline::Clusters,
    status::{self, EnvironmentStatus},
};

/// Say what environments are like in their clusters now
///
/// Shows the revision and outcome of the last run, and the health of every object that the
/// environment owns. Ends with 0 where all is well, and 1 otherwise.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The environments; all of the repository where none is named
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    #[command(flatten)]
    output: FormatArg,
}

impl Args {
    pub(super) fn run(&self, global: &Global, console: &Console) -> Result<Exit, Failure> {
        let repository = Repository::open(global)?;
        let names: Vec<&str> = if self.environments.is_empty() {
            repository.config.names().collect()
        } else {
            self.environments.iter().map(String::as_str).collect()
        };
        let clusters = Clusters::new(global.cluster_override());
        let mut findings = Diagnostics::new();
        let mut found = Vec::new();
        super::runtime()?.block_on(async {
            for name in &names {
                let status = match repository.config.environment(name) {
                    Ok(environment) => read(environment, &clusters).await,
                    Err(errors) => Err(errors),
                };
                found.extend(
                    findings.keep(status.map_err(|errors| errors.through(&(*name).into()))),
                );
            }
        });
        if self.output.format == Format::Text {
            let texts: Vec<String> = found.iter().map(text).collect();
            console.data(&texts.join("\n"))?;
        } else {
            output::structured(console, self.output.format, &found)?;
        }
        for status in &found {
            console.findings(&status.unseen);
        }
        let good = found.iter().all(EnvironmentStatus::is_good);
        findings
            .into_result(if good { Exit::Done } else { Exit::Failed })
            .map_err(Failure::from)
    }
}

async fn read(
    environment: &Environment,
    clusters: &Clusters,
) -> Result<EnvironmentStatus, Diagnostics> {
    let connection = clusters.of(environment).await?;
    let checks = &environment.reconcile.health_checks;
    status::read(&*connection.cluster, &environment.name, checks).await
}

fn text(status: &EnvironmentStatus) -> String {
    let mut out = format!("environment `{}`\n", status.environment);
    // Writing to a string cannot fail.
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name:<12} {value}");
    };
    if !status.known {
        row("state", "never reconciled with this cluster");
        return out;
    }
    for condition in &status.conditions {
        let tells = match condition.kind.as_str() {
            "Ready" => true,
            _ => condition.status == "True",
        };
        if tells {
            let since = &condition.last_transition_time;
            row("state", &format!("{} since {since}", condition.reason));
            if !condition.message.is_empty() {
                row("", &condition.message);
            }
        }
    }
    if let Some(revision) = &status.revision {
        row("revision", revision);
    }
    if let Some(change) = &status.last_change {
        row(
            "last change",
            &format!("{} at {}", change.summary, change.time),
        );
    }
    let total: usize = status.objects.values().sum();
    let healths: Vec<String> = status
        .objects
        .iter()
        .map(|(health, number)| format!("{number} {health}"))
        .collect();
    row(
        "objects",
        &format!("{} ({})", count(total, "object"), healths.join(", ")),
    );
    for unhealthy in &status.unhealthy {
        let message = &unhealthy.health.message;
        row(
            "",
            &format!(
                "{} {:?}: {message}",
                unhealthy.object, unhealthy.health.status
            ),
        );
    }
    out
}
