//! Random kustomizations build as the real kustomize builds them.
//!
//! The real one answers through `kustomize-oracle` in `$KUBEBUILDER_ASSETS` (see
//! `tests/servers/build.sh`). `SEED` and `SAMPLES` choose another run than the usual one; the
//! seed of each failure is printed, with the smallest files that still fail.

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

use random::{Sample, dice::Seed};
use trueup_kustomize::{Options, build};
use trueup_manifest::{MemoryTree, TreePath};

/// How many choices a sample may take.
const CHOICES: usize = 600;

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
        Ok(built) => Ok(mask(&built.to_yaml())),
        Err(findings) => Err(findings.to_string()),
    }
}

/// The version in `managed-by` is that of the program.
fn mask(text: &str) -> String {
    text.lines()
        .map(|line| match line.split_once("managed-by: kustomize-") {
            Some((before, _)) => format!("{before}managed-by: kustomize-X\n"),
            None => format!("{line}\n"),
        })
        .collect()
}

/// How the two differ; none where they agree.
fn difference(oracle: &mut Oracle, sample: &Sample) -> Option<String> {
    match (oracle.ask(sample).map(|text| mask(&text)), ours(sample)) {
        (Ok(expected), Ok(found)) if expected == found => None,
        (Ok(expected), Ok(found)) => {
            let at = corpus::first_difference(&expected, &found);
            Some(format!("{at}\n=== expected\n{expected}=== found\n{found}"))
        }
        (Err(_), Err(_)) => None,
        // Known, and said so: upstream hashes its own bookkeeping of YAML nodes there.
        (Ok(_), Err(findings)) if findings.contains("[kustomize/hash-kind]") => None,
        (Ok(expected), Err(findings)) => Some(format!(
            "refused here: {findings}\n=== expected\n{expected}"
        )),
        // Upstream falls over: whatever is done here is fine.
        (Err(error), Ok(_)) if error.starts_with("panic") => None,
        (Err(error), Ok(found)) => Some(format!(
            "built here, but upstream says: {error}\n=== found\n{found}"
        )),
    }
}

/// The class of a difference, so that shrinking does not wander from one to another.
fn class(difference: &str) -> &str {
    if difference.starts_with("line") {
        "bytes"
    } else {
        difference.split(':').next().unwrap_or_default()
    }
}

/// Makes choices fewer and smaller as long as the sample still fails alike.
fn shrink(oracle: &mut Oracle, mut choices: Vec<u16>) -> Vec<u16> {
    let first = difference(oracle, &Sample::from(&choices)).unwrap_or_default();
    let wanted = class(&first).to_owned();
    let mut fails = |choices: &[u16]| {
        difference(oracle, &Sample::from(choices)).is_some_and(|found| class(&found) == wanted)
    };
    let mut step = choices.len() / 2;
    while step > 0 {
        let mut at = 0;
        while at < choices.len() {
            let end = (at + step).min(choices.len());
            let mut shorter = choices.clone();
            shorter.drain(at..end);
            if fails(&shorter) {
                choices = shorter;
                continue;
            }
            let mut zeroed = choices.clone();
            zeroed[at..end].fill(0);
            if zeroed != choices && fails(&zeroed) {
                choices = zeroed;
            }
            at = end;
        }
        step /= 2;
    }
    choices
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn random_kustomizations_build_as_upstream_builds_them() {
    let Some(mut oracle) = Oracle::start() else {
        eprintln!("\n*** NO ORACLE: set KUBEBUILDER_ASSETS; nothing was compared ***\n");
        return;
    };
    let start = number("SEED", 1);
    let samples = number("SAMPLES", 400);
    println!("SEED={start} SAMPLES={samples}");
    let (mut built, mut refused, mut failed) = (0, 0, 0);
    for seed in start..start + samples {
        let choices = Seed::new(seed).choices(CHOICES);
        let sample = Sample::from(&choices);
        if difference(&mut oracle, &sample).is_none() {
            match ours(&sample) {
                Ok(_) => built += 1,
                Err(findings) => {
                    refused += 1;
                    if std::env::var_os("REFUSALS").is_some() {
                        println!("refused: {findings}");
                    }
                }
            }
            continue;
        }
        failed += 1;
        let small = Sample::from(&shrink(&mut oracle, choices));
        let difference = difference(&mut oracle, &small).unwrap_or_default();
        println!(
            "\n##### SEED={seed} SAMPLES=1\n{}\n{difference}",
            small.show()
        );
        if failed >= number("FAILURES", 3) {
            break;
        }
    }
    println!("\n{built} built alike, {refused} refused alike, {failed} differ");
    assert_eq!(failed, 0, "differences from upstream, see above");
}
