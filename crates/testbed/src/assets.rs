//! The programs of real servers, and how they are run.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The folder with the programs.
#[derive(Clone, Debug)]
pub struct Assets(PathBuf);

impl Assets {
    /// What `KUBEBUILDER_ASSETS` names; none where it is not set.
    pub fn find() -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os("KUBEBUILDER_ASSETS")?);
        let found = folder.join("kube-apiserver").exists() && folder.join("etcd").exists();
        assert!(found, "KUBEBUILDER_ASSETS holds no etcd and kube-apiserver");
        Some(Self(folder))
    }

    /// A program; none where the folder does not hold it.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let program = self.0.join(name);
        program.exists().then_some(program)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// A program that ends when this value goes, or this process, however that ends.
#[derive(Debug)]
pub struct Program {
    /// Held for the pipe to the shell that looks after the program.
    _keeper: Child,
}

impl Program {
    /// Starts a program that writes to `NAME.log` in `folder`. A shell holds the other end of a pipe, and
    /// when the pipe breaks it kills the program (at once: an API server whose etcd is gone would wait for
    /// it for ever, and nothing here is worth keeping) and removes the folder.
    pub fn start(program: &Path, arguments: &[String], folder: &Path) -> Self {
        const KEEPER: &str = r#"folder=$1; shift
"$@" >"$folder/$(basename "$1").log" 2>&1 & child=$!
read -r _; kill -9 "$child"; wait "$child"; rm -rf "$folder""#;
        let mut command = Command::new("sh");
        command
            .args(["-c", KEEPER, "keeper"])
            .arg(folder)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            command.env_remove(proxy);
        }
        Self {
            _keeper: command.spawn().unwrap(),
        }
    }
}

/// Waits, at most two minutes.
pub(crate) fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_there() {
        assert!(
            started.elapsed() < Duration::from_mins(2),
            "{what} did not come"
        );
        thread::sleep(Duration::from_millis(100));
    }
}
