//! Log lines on standard error: text for people, JSON for collectors.

use std::{io::IsTerminal, panic};

use tracing_subscriber::{EnvFilter, fmt::format::FmtSpan, util::SubscriberInitExt};

use super::TelemetryError;

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How and how much to log.
#[derive(Clone, Debug, Default)]
pub struct Logging {
    /// Text or JSON.
    pub format: LogFormat,
    /// What to log, in the syntax of `RUST_LOG` (`info`, `trueup=debug,kube=info`). Where it is not
    /// set: ours at `info`, libraries at `warn`.
    pub filter: Option<String>,
}

/// What is logged unless asked for otherwise: ours from `info` up, libraries from `warn` up. kube logs
/// every refused request as an error without saying which; ours says it with the object's name.
const DEFAULT_FILTER: &str = "warn,kube_client=off,trueup=info";

/// The library that carries forwarded connections, and how it is kept silent whatever is asked for.
const WIRE: &str = "tungstenite";
const SILENT: &str = "tungstenite=off";

/// Sends every event of the process to standard error, and panics with them. Once in a process.
pub fn init(logging: &Logging) -> Result<(), TelemetryError> {
    let filter = filter(logging)?;
    let color = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE);
    let set = match logging.format {
        LogFormat::Text => builder
            .with_ansi(color)
            .with_target(false)
            .finish()
            .try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .finish()
            .try_init(),
    };
    set.map_err(|_| TelemetryError::AlreadySet)?;
    log_panics();
    Ok(())
}

fn filter(logging: &Logging) -> Result<EnvFilter, TelemetryError> {
    let text = logging
        .filter
        .as_deref()
        .filter(|text| !text.trim().is_empty());
    let text = text.unwrap_or(DEFAULT_FILTER);
    // What is forwarded to pods may be shares and tokens, and this library logs each frame as it is.
    let asked = text.split(',');
    let asked = asked.filter(|part| !part.trim().starts_with(WIRE));
    let mut all: Vec<&str> = asked.collect();
    all.push(SILENT);
    EnvFilter::try_new(all.join(",")).map_err(|error| TelemetryError::Filter {
        filter: text.to_owned(),
        reason: error.to_string(),
    })
}

/// A panic is a bug: it is logged like any other error, with its place, and goes on to end its task.
fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("no message");
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(error = message, place, "panic");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forwarded_to_pods_is_never_logged() {
        for text in [
            "trace",
            "tungstenite=trace",
            "info,tungstenite::protocol=trace",
        ] {
            let logging = Logging {
                filter: Some(text.to_owned()),
                ..Logging::default()
            };
            let filter = filter(&logging).unwrap().to_string();
            assert!(filter.contains("tungstenite=off"), "{filter}");
            assert!(!filter.contains("tungstenite=trace"), "{filter}");
            assert!(!filter.contains("protocol"), "{filter}");
        }
    }

    #[test]
    fn a_filter_that_does_not_parse_is_named() {
        let logging = Logging {
            filter: Some("trueup=loudly".to_owned()),
            ..Logging::default()
        };
        let error = filter(&logging).unwrap_err().to_string();
        assert!(
            error.starts_with("`trueup=loudly` is not a log filter: "),
            "{error}"
        );
    }

    #[test]
    fn an_empty_filter_is_the_default_one() {
        for text in [None, Some(String::new()), Some("  ".to_owned())] {
            let found = filter(&Logging {
                filter: text,
                ..Logging::default()
            })
            .unwrap();
            assert_eq!(
                found.to_string(),
                EnvFilter::new(format!("{DEFAULT_FILTER},{SILENT}")).to_string()
            );
        }
    }
}
