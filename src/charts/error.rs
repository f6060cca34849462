//! Why a chart cannot be had.

use trueup_manifest::Diagnostic;

use super::Wanted;

/// Why a chart cannot be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChartError {
    /// It may not be fetched, and is not kept.
    #[error("the chart `{}` {} of `{}` was never fetched on this machine", wanted.name, wanted.range, wanted.repository)]
    NotKept {
        /// The chart.
        wanted: Wanted,
    },
    /// The repository has none of that name or version.
    #[error("`{}` has no chart `{}` {}", wanted.repository, wanted.name, wanted.range)]
    None {
        /// The chart.
        wanted: Wanted,
        /// What there is instead.
        instead: String,
    },
    /// A repository that Helm's file does not name.
    #[error("`{0}` names no repository that Helm's file of repositories has")]
    Alias(String),
    /// No connection, no answer in time.
    #[error("`{url}` cannot be reached: {reason}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
    /// What was given for TLS is of no use.
    #[error("{0}")]
    Tls(String),
    /// The server refused.
    #[error("`{url}` answered {status}")]
    Server {
        /// Where.
        url: String,
        /// The code.
        status: u16,
    },
    /// Somebody else's bytes.
    #[error("`{url}` has the digest `{found}`, and must have `{expected}`")]
    Digest {
        /// Where.
        url: String,
        /// What it has.
        found: String,
        /// What it must have.
        expected: String,
    },
    /// More than the limit allows.
    #[error("`{url}` is larger than {limit} bytes")]
    TooLarge {
        /// Where.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// A version or a range that is none.
    #[error("{0}")]
    Version(String),
    /// An index that is none, or a registry's answer that makes no sense.
    #[error("{0}")]
    Unreadable(String),
    /// Our own fault.
    #[error("{0}")]
    Internal(String),
}

impl ChartError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::NotKept { wanted } => format!(
                "run it once without `--offline`; or vendor the chart: `trueup helm dependency build`, or put \
                 `{}-VERSION.tgz` into `charts/`, and commit it",
                wanted.name
            ),
            Self::None { instead, .. } if !instead.is_empty() => instead.clone(),
            Self::None { .. } => "look at the versions that the repository has".to_owned(),
            Self::Alias(_) => "`helm repo add` adds it; or write the repository's address".to_owned(),
            Self::Server { status: 401 | 403, .. } => {
                "log in: `docker login`, `helm registry login`, or `helm repo add --username`".to_owned()
            }
            Self::Unreachable { .. } => {
                "check the address and the network; or vendor the chart with `trueup helm dependency build`, and commit it"
                    .to_owned()
            }
            Self::Digest { .. } => {
                "somebody has put another archive in its place, or it was cut short: fetch it again, and ask whose it is"
                    .to_owned()
            }
            _ => return None,
        })
    }
}

impl From<&ChartError> for Diagnostic {
    fn from(error: &ChartError) -> Self {
        let finding = Self::error("helm/chart-source", error.to_string());
        match error.help() {
            Some(help) => finding.help(help),
            None => finding,
        }
    }
}
