//! Runs the binary in a repository made for one test.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// A repository in a folder of its own, gone when the value is.
pub(crate) struct Repo {
    dir: tempfile::TempDir,
}

/// What a run of the binary came to.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Repo {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// A repository with one environment `dev` of one phase `all` with one ConfigMap `web`.
    pub(crate) fn small() -> Self {
        let phases = "    - {name: all, manifests: {path: plain}}\n";
        Self::new()
            .with("environments/dev.yaml", &environment("dev", phases))
            .with("plain/web.yaml", &config_map("web"))
    }

    pub(crate) fn with(self, path: &str, text: &str) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Runs `trueup` in the repository, as in CI: no terminal, no settings of this machine.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_in("", arguments)
    }

    /// [`Self::run`] in a folder of the repository.
    pub(crate) fn run_in(&self, folder: &str, arguments: &[&str]) -> Ran {
        let output = command(&self.path().join(folder))
            .args(arguments)
            .output()
            .unwrap();
        Ran::new(&output)
    }

    pub(crate) fn command(&self) -> Command {
        command(self.path())
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command.current_dir(folder);
    for name in ["RUST_LOG", "NO_COLOR", "KUBECONFIG", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    command
}

impl Ran {
    fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Everything a person sees, for a golden.
    pub(crate) fn transcript(&self) -> String {
        format!(
            "exit code: {}\n--- stdout ---\n{}--- stderr ---\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

pub(crate) fn environment(name: &str, phases: &str) -> String {
    format!(
        "apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {{name: {name}}}\nspec:\n  \
         cluster: {{embedded: {{}}}}\n  phases:\n{phases}"
    )
}

pub(crate) fn config_map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  a: b\n")
}
