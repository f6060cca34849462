//! Random kustomizations render to what the real kustomize prints for them.
//!
//! The answers come from `kustomize-oracle` (`tests/servers/build.sh` builds it; `KUBEBUILDER_ASSETS`
//! names its folder). `TRUEUP_CASES` sets how many cases, `TRUEUP_SEED` where they begin, and
//! `TRUEUP_REPORT` names a file for all differences.

#[path = "differential/layers.rs"]
mod layers;
#[path = "differential/objects.rs"]
mod objects;
#[path = "differential/random.rs"]
mod random;

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use trueup_kustomize::{Options, build};
use trueup_manifest::{MemoryTree, TreePath};

struct Oracle {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Option<Self> {
        let path = PathBuf::from(env::var_os("KUBEBUILDER_ASSETS")?).join("kustomize-oracle");
        let mut child = Command::new(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let questions = child.stdin.take()?;
        let answers = BufReader::new(child.stdout.take()?);
        Some(Self {
            child,
            questions,
            answers,
        })
    }

    /// What kustomize prints, or its error.
    fn ask(&mut self, case: &layers::Case) -> Result<String, String> {
        let question = serde_json::json!({"files": case.files, "target": case.target});
        writeln!(self.questions, "{question}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&line).unwrap();
        match answer.get("error").and_then(serde_json::Value::as_str) {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["output"].as_str().unwrap_or_default().to_owned()),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ours(case: &layers::Case) -> Result<String, String> {
    let mut tree = MemoryTree::new();
    for (path, text) in &case.files {
        tree.add(path, text).unwrap();
    }
    build(
        &tree,
        &TreePath::new(&case.target).unwrap(),
        &Options::default(),
    )
    .map(|build| build.to_yaml())
    .map_err(|diagnostics| diagnostics.render(false))
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn describe(seed: u64, case: &layers::Case, wrong: &str) -> String {
    let files: String = case
        .files
        .iter()
        .map(|(path, text)| format!("--- {path}\n{text}"))
        .collect();
    format!("seed {seed}, build {}\n{files}=== {wrong}\n", case.target)
}

#[test]
fn random_kustomizations_render_as_kustomize_renders_them() {
    let Some(mut oracle) = Oracle::start() else {
        eprintln!("!! absent: kustomize-oracle (KUBEBUILDER_ASSETS); nothing was compared");
        return;
    };
    let (first, count) = (number("TRUEUP_SEED", 1), number("TRUEUP_CASES", 500));
    let (mut rendered, mut refused, mut wrong) = (0, 0, Vec::new());
    for seed in first..first + count {
        let case = layers::case(seed);
        match (oracle.ask(&case), ours(&case)) {
            (Ok(theirs), Ok(ours)) if theirs == ours => rendered += 1,
            (Err(_), Err(_)) => refused += 1,
            (Ok(theirs), Ok(ours)) => {
                let difference = similar_lines(&theirs, &ours);
                wrong.push(describe(
                    seed,
                    &case,
                    &format!("output differs (-theirs +ours)\n{difference}"),
                ));
            }
            (Ok(_), Err(error)) => {
                wrong.push(describe(
                    seed,
                    &case,
                    &format!("only we refuse it:\n{error}"),
                ));
            }
            (Err(error), Ok(_)) => {
                wrong.push(describe(
                    seed,
                    &case,
                    &format!("only kustomize refuses it:\n{error}"),
                ));
            }
        }
    }
    eprintln!(
        "{count} random kustomizations from seed {first}: {rendered} equal, {refused} refused by both, {} different",
        wrong.len()
    );
    if let Some(report) = env::var_os("TRUEUP_REPORT") {
        std::fs::write(report, wrong.join("\n")).unwrap();
    }
    assert!(
        wrong.is_empty(),
        "{} differ; the first:\n{}",
        wrong.len(),
        wrong[0]
    );
}

/// The lines that differ, in order, marked with whose they are.
fn similar_lines(theirs: &str, ours: &str) -> String {
    similar::TextDiff::from_lines(theirs, ours)
        .unified_diff()
        .context_radius(2)
        .to_string()
}
