//! The flags of `kustomize build`, so that scripts written for it go on as they are.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use trueup_manifest::Diagnostic;

use super::program::Programs;
use crate::{
    cli::exit::Failure,
    config::parse_duration,
    render::{ChartSource, Inflator},
};

/// How a kustomization is built.
#[derive(Debug, Args)]
#[command(next_help_heading = "Kustomizations")]
pub(super) struct Flags {
    /// Whether a kustomization may read files outside its own folder
    #[arg(long, value_name = "WHICH", default_value = "LoadRestrictionsRootOnly")]
    pub(super) load_restrictor: Restrictor,
    /// The order of the objects of a kustomization that says none
    #[arg(long, value_name = "ORDER", default_value = "legacy")]
    pub(super) reorder: Order,
    /// Label every object `app.kubernetes.io/managed-by`; so does
    /// `KUSTOMIZE_ENABLE_MANAGEDBY_LABEL=on`
    #[arg(long)]
    enable_managedby_label: bool,
    /// Allow a kustomization to inflate charts that lie beside it
    #[arg(long)]
    enable_helm: bool,
    /// Taken and not used: charts are rendered by trueup itself
    #[arg(long, value_name = "COMMAND")]
    helm_command: Option<String>,
    /// A Kubernetes version to claim for charts that name none
    #[arg(
        long,
        value_name = "VERSION",
        default_value = "",
        hide_default_value = true
    )]
    helm_kube_version: String,
    /// An API version to claim for charts that name none
    #[arg(long, value_name = "GROUP/VERSION")]
    helm_api_versions: Vec<String>,
    /// Taken and not used: errors of charts name the template and the line in any case
    #[arg(long)]
    helm_debug: bool,
    /// Allow functions; each kind of them is allowed by a flag of its own
    #[arg(long)]
    enable_alpha_plugins: bool,
    /// Run the programs that a kustomization names as functions, with your rights: trust every file
    /// first
    #[arg(long, requires = "enable_alpha_plugins")]
    enable_exec: bool,
    /// How long a function may take
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    function_timeout: Duration,
    /// An environment variable for functions
    #[arg(short, long = "env", value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Refused: it is for functions in containers, which are not run
    #[arg(long, value_name = "MOUNT")]
    mount: Vec<String>,
    /// Refused: it is for functions in containers, which are not run
    #[arg(long)]
    network: bool,
    /// Refused: it is for functions in containers, which are not run
    #[arg(long, value_name = "NAME")]
    network_name: Option<String>,
    /// Refused: functions in Starlark are not run
    #[arg(long, hide = true)]
    enable_star: bool,
    /// Taken and not used: a program runs as the current user, and containers are not run
    #[arg(long)]
    as_current_user: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Restrictor {
    /// Only files in or below its own folder
    #[value(name = "LoadRestrictionsRootOnly", alias = "rootOnly")]
    RootOnly,
    /// Any file
    #[value(name = "LoadRestrictionsNone", alias = "none")]
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Order {
    /// By kind, namespaces first and webhooks last
    Legacy,
    /// As loaded
    None,
}

impl Flags {
    pub(super) fn managed_by_label(&self) -> bool {
        self.enable_managedby_label
            || std::env::var("KUSTOMIZE_ENABLE_MANAGEDBY_LABEL").is_ok_and(|value| value == "on")
    }

    /// What inflates charts, where they may be. Flags that say how are errors where they may not.
    pub(super) fn inflator(
        &self,
        charts: &Arc<dyn ChartSource>,
    ) -> Result<Option<Inflator>, Failure> {
        if self.enable_helm {
            let mut inflator = Inflator::offline(Some(charts));
            inflator.kube_version.clone_from(&self.helm_kube_version);
            inflator.api_versions.clone_from(&self.helm_api_versions);
            return Ok(Some(inflator));
        }
        for (flag, given) in [
            ("--helm-kube-version", !self.helm_kube_version.is_empty()),
            ("--helm-api-versions", !self.helm_api_versions.is_empty()),
        ] {
            if given {
                let message = format!("`{flag}` is for charts, which are not inflated");
                let error = Diagnostic::error("cli/no-charts", message);
                return Err(error
                    .help(format!("add `--enable-helm`, or drop `{flag}`"))
                    .into());
            }
        }
        Ok(None)
    }

    /// What runs functions, where they may run. Flags that only containers could use are errors: a
    /// function that counts on them would do something else without.
    pub(super) fn programs(&self) -> Result<Option<Programs>, Failure> {
        for (flag, given) in [
            ("--network", self.network),
            ("--network-name", self.network_name.is_some()),
            ("--mount", !self.mount.is_empty()),
        ] {
            if given {
                let message = format!("`{flag}` is for functions in containers, which are not run");
                let error = Diagnostic::error("cli/no-containers", message);
                return Err(error.help(format!("drop `{flag}`")).into());
            }
        }
        if self.enable_star {
            let error = Diagnostic::error("cli/no-starlark", "functions in Starlark are not run");
            return Err(error
                .help("drop `--enable-star`; kustomize 5.8 does not know it either")
                .into());
        }
        Ok(self.enable_exec.then(|| Programs {
            root: PathBuf::from("/"),
            environment: self.env.clone(),
            timeout: self.function_timeout,
        }))
    }

    /// Notes on flags that have no effect.
    pub(super) fn notes(&self) -> Vec<Diagnostic> {
        let unused = [
            (
                self.helm_command.is_some(),
                "`--helm-command` is not used: charts are rendered by trueup itself",
            ),
            (
                self.helm_debug,
                "`--helm-debug` is not used: errors of charts name the template and the line in any case",
            ),
            (
                self.as_current_user,
                "`--as-current-user` is not used: it is for containers, which are not run",
            ),
        ];
        unused
            .into_iter()
            .filter(|(given, _)| *given)
            .map(|(_, message)| Diagnostic::warning("cli/unused-flag", message))
            .collect()
    }
}
