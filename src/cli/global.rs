//! The flags that every command takes.

use std::{io::IsTerminal, path::PathBuf};

use clap::{ArgAction, Args, ValueEnum};

use super::exit::Failure;
use crate::{
    cluster::Access,
    pipeline::Fetch,
    telemetry::{self, Logging},
};

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// The repository; by default the nearest folder from here upwards that has `environments/`
    #[arg(short = 'C', long = "repo", global = true, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(super) repo: Option<PathBuf>,
    /// The kubeconfig file, in place of the environment's
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    kubeconfig: Option<PathBuf>,
    /// The kubeconfig context, in place of the environment's
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,
    /// Fetch nothing that Git repositories or web servers hold: take what earlier runs left on this
    /// machine
    #[arg(long, global = true)]
    offline: bool,
    /// Whether to use colour; `auto` does on a terminal where `NO_COLOR` is not set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// Say more of what is done; twice for debugging, three times for the libraries too
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// How log lines are written
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl Global {
    /// How fresh what lies elsewhere has to be.
    pub(super) fn fetch(&self) -> Fetch {
        if self.offline {
            Fetch::Kept
        } else {
            Fetch::Newest
        }
    }

    /// Whether nothing is fetched.
    pub(super) fn is_offline(&self) -> bool {
        self.offline
    }

    /// Whether to use colour on a stream.
    pub(super) fn color(&self, stream: &impl IsTerminal) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                stream.is_terminal() && !set("NO_COLOR") && !dumb
            }
        }
    }

    /// The cluster that the flags name, in place of what an environment says.
    pub(super) fn cluster_override(&self) -> Option<Access> {
        let path = self
            .kubeconfig
            .as_ref()
            .map(|path| path.display().to_string());
        let context = self.context.clone();
        (path.is_some() || context.is_some()).then_some(Access::Kubeconfig { path, context })
    }

    /// Sends log lines to standard error. `usual` is what is logged where the flags ask for no more.
    pub(super) fn start_logging(&self, usual: &str) -> Result<(), Failure> {
        let by_flag = match self.verbose {
            0 => usual,
            1 => "warn,kube_client=off,trueup=info",
            2 => "warn,kube_client=off,trueup=debug",
            _ => "debug",
        };
        let by_environment = std::env::var("RUST_LOG")
            .ok()
            .filter(|filter| !filter.is_empty());
        let logging = Logging {
            format: match self.log_format {
                LogFormat::Text => telemetry::LogFormat::Text,
                LogFormat::Json => telemetry::LogFormat::Json,
            },
            filter: Some(by_environment.unwrap_or_else(|| by_flag.to_owned())),
        };
        telemetry::logging::init(&logging)
            .map_err(|error| Failure::new("cli/logging", error.to_string()))
    }
}
