//! The Go program in `tests/go/schema`, which answers with the published Kubernetes modules.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

pub(crate) struct Oracle {
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

static BINARY: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Builds the program once. `None`, said loudly, where Go is absent.
fn binary() -> Option<&'static PathBuf> {
    BINARY
        .get_or_init(|| {
            if Command::new("go").arg("version").output().is_err() {
                super::say(
                    "!!! NOT TESTED AGAINST THE REAL LIBRARY: there is no `go` on this machine",
                );
                return None;
            }
            let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/go/schema");
            let binary = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("schema-oracle");
            let status = Command::new("go")
                .args(["build", "-o"])
                .arg(&binary)
                .arg(".")
                .current_dir(source)
                .status()
                .unwrap();
            assert!(status.success(), "the Go program does not build");
            Some(binary)
        })
        .as_ref()
}

impl Oracle {
    /// Starts the program; `None` where Go is absent.
    pub(crate) fn start() -> Option<Self> {
        let mut child = Command::new(binary()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            _child: child,
        })
    }

    /// Asks one question.
    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.input, "{request}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?} to {request}"))
    }
}
