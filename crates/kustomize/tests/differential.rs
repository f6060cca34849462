//! Random kustomizations build as the real kustomize builds them.
//!
//! The real one answers through `kustomize-oracle` in `$KUBEBUILDER_ASSETS` (see
//! `tests/servers/build.sh`). `SEED` and `SAMPLES` choose another run than the usual one; the
//! seed of each failure is printed, with the smallest files that still fail. `QUESTIONS` names a file
//! of other trees to compare, a line of JSON each as the oracle takes it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::format_push_string,
    clippy::cast_possible_truncation,
    reason = "a test says what is wrong by failing"
)]

mod corpus;
mod random;

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use random::{
    Sample,
    compare::{self, Sides},
};
use trueup_kustomize::{Options, build};
use trueup_manifest::{MemoryTree, TreePath};

struct Oracle {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Option<Self> {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from)?;
        let path = assets.join("kustomize-oracle");
        if !path.is_file() {
            return None;
        }
        let mut process = Command::new(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Some(Self {
            process,
            input,
            output,
        })
    }

    fn ask(&mut self, sample: &Sample) -> Result<String, String> {
        let question = serde_json::json!({"files": sample.files, "target": sample.target});
        writeln!(self.input, "{question}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&line).expect("an answer");
        match answer.get("error").and_then(serde_json::Value::as_str) {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer
                .get("output")
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
                .to_owned()),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn ours(sample: &Sample) -> Result<String, String> {
    let mut tree = MemoryTree::new();
    for (path, text) in &sample.files {
        tree.add(path, text).unwrap();
    }
    let dir = TreePath::new(&sample.target).unwrap();
    match build(&tree, &dir, &Options::default()) {
        Ok(built) => Ok(built.to_yaml()),
        Err(findings) => Err(findings.to_string()),
    }
}

impl Sides for Oracle {
    fn theirs(&mut self, sample: &Sample) -> Result<String, String> {
        self.ask(sample)
    }

    fn ours(&mut self, sample: &Sample) -> Result<String, String> {
        ours(sample)
    }
}

#[test]
fn random_kustomizations_build_as_upstream_builds_them() {
    let Some(mut oracle) = Oracle::start() else {
        eprintln!("\n*** NO ORACLE: set KUBEBUILDER_ASSETS; nothing was compared ***\n");
        return;
    };
    compare::run(&mut oracle, 400, Sample::from);
}

/// Trees that somebody else wrote down, such as those of upstream's own tests.
#[test]
fn recorded_kustomizations_build_as_upstream_builds_them() {
    let Some(path) = std::env::var_os("QUESTIONS") else {
        println!("QUESTIONS names no file of recorded trees; nothing to compare");
        return;
    };
    let mut oracle = Oracle::start().expect("QUESTIONS needs KUBEBUILDER_ASSETS");
    let (mut built, mut refused, mut failed) = (0, 0, 0);
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let question: serde_json::Value = serde_json::from_str(line).unwrap();
        let sample = Sample {
            files: serde_json::from_value(question["files"].clone()).unwrap(),
            target: question["target"].as_str().unwrap().to_owned(),
        };
        match compare::difference(&mut oracle, &sample) {
            None if ours(&sample).is_ok() => built += 1,
            None => refused += 1,
            Some(difference) => {
                failed += 1;
                let name = question["name"].as_str().unwrap_or_default();
                println!("\n##### {name}\n{}\n{difference}", sample.show());
            }
        }
    }
    println!("\n{built} built alike, {refused} refused alike, {failed} differ");
    assert_eq!(failed, 0, "differences from upstream, see above");
}
