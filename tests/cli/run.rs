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

    /// Writes a file anew.
    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.path().join(path), text).unwrap();
    }

    /// Commits all files, as the first commit of the branch `main` or on top of what is checked out.
    pub(crate) fn commit(&self, message: &str) {
        let options = &mut git2::RepositoryInitOptions::new();
        let repository = git2::Repository::init_opts(self.path(), options.initial_head("main"));
        let repository = repository.unwrap();
        let mut index = repository.index().unwrap();
        index
            .add_all(["*"], git2::IndexAddOption::DEFAULT, None)
            .unwrap();
        index.update_all(["*"], None).unwrap();
        index.write().unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let author = git2::Signature::new("a", "a@example.com", &git2::Time::new(0, 0)).unwrap();
        let parent = repository
            .head()
            .ok()
            .map(|head| head.peel_to_commit().unwrap());
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        repository
            .commit(Some("HEAD"), &author, &author, message, &tree, &parents)
            .unwrap();
    }

    /// Makes a branch at what is checked out, and stands on it.
    pub(crate) fn branch(&self, name: &str) {
        let repository = git2::Repository::open(self.path()).unwrap();
        let head = repository.head().unwrap().peel_to_commit().unwrap();
        repository.branch(name, &head, true).unwrap();
        repository.set_head(&format!("refs/heads/{name}")).unwrap();
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

    /// [`Self::run`] with both streams going to one file, in the order of what is written.
    pub(crate) fn run_merged(&self, arguments: &[&str]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        let append = || {
            fs::OpenOptions::new()
                .append(true)
                .open(file.path())
                .unwrap()
        };
        let status = command(self.path())
            .args(arguments)
            .stdout(append())
            .stderr(append())
            .status();
        assert!(status.unwrap().success());
        fs::read_to_string(file.path()).unwrap()
    }

    /// [`Self::run`] within limits that a shell sets (`ulimit -f 1`). What would be too much for a file is an
    /// error for the program, as on a full disk, and does not end it.
    pub(crate) fn run_within(&self, limits: &str, arguments: &[&str]) -> Ran {
        let own = command(self.path());
        let mut shell = Command::new("sh");
        let script = format!("trap '' XFSZ; {limits}; exec \"$@\"");
        shell
            .args(["-c", &script, "sh"])
            .arg(own.get_program())
            .args(arguments);
        shell.current_dir(self.path());
        for (name, value) in own.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Ran::new(&shell.output().unwrap())
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
    command
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join(".cache"));
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
