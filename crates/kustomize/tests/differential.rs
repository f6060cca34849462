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

use random::{Sample, dice::Seed};
use trueup_kustomize::{Options, build};
use trueup_manifest::{MemoryTree, TreePath};

/// How many choices a sample may take.
const CHOICES: usize = 1200;

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

/// Drops lines as long as the sample still fails alike: whole files, then ever smaller pieces.
fn shrink(oracle: &mut Oracle, sample: &Sample) -> Sample {
    let first = difference(oracle, sample).unwrap_or_default();
    let wanted = class(&first).to_owned();
    let mut fails = |lines: &[Line]| {
        let sample = assemble(&sample.target, lines);
        difference(oracle, &sample).is_some_and(|found| class(&found) == wanted)
    };
    let mut lines = disassemble(sample);
    let mut step = lines.len() / 2;
    while step > 0 {
        let mut at = 0;
        while at < lines.len() {
            let end = (at + step).min(lines.len());
            let mut shorter = lines.clone();
            shorter.drain(at..end);
            if fails(&shorter) {
                lines = shorter;
            } else {
                at = end;
            }
        }
        step /= 2;
    }
    assemble(&sample.target, &lines)
}

/// A line and the file it is of.
type Line = (String, String);

fn disassemble(sample: &Sample) -> Vec<Line> {
    let lines = sample.files.iter().flat_map(|(path, text)| {
        let lines = text.split_inclusive('\n');
        lines.map(|line| (path.clone(), line.to_owned()))
    });
    lines.collect()
}

fn assemble(target: &str, lines: &[Line]) -> Sample {
    let mut files = std::collections::BTreeMap::new();
    for (path, line) in lines {
        files
            .entry(path.clone())
            .or_insert_with(String::new)
            .push_str(line);
    }
    Sample {
        files,
        target: target.to_owned(),
    }
}

/// The sample without those fields of its kustomizations that upstream refuses; as it is where that
/// does not help. Every second random tree or so has something wrong in it.
fn repaired(oracle: &mut Oracle, sample: &Sample) -> Sample {
    if oracle.ask(sample).is_ok() {
        return sample.clone();
    }
    let lines = disassemble(sample);
    // Each field but `resources` as its range of lines; those of upper layers come last.
    let mut fields: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, (path, line)) in lines.iter().enumerate() {
        let is_ours = path.to_lowercase().contains("/kustomization") && !path.contains("ators0");
        let begins = line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '"' || c == '\'');
        let keeps = ["resources", "bases", "apiVersion", "kind", "\"kind"];
        let same_file = at > 0 && lines[at - 1].0 == *path;
        if is_ours && begins && !keeps.iter().any(|field| line.starts_with(field)) {
            fields.push(at..at + 1);
        } else if let Some(last) = fields.last_mut()
            && same_file
            && !begins
            && last.end == at
        {
            last.end = at + 1;
        }
    }
    let without = |dropped: &[bool]| {
        let gone = |at: usize| {
            let mut ranges = fields.iter().zip(dropped);
            ranges.any(|(range, dropped)| *dropped && range.contains(&at))
        };
        let kept = lines.iter().enumerate().filter(|(at, _)| !gone(*at));
        let kept: Vec<Line> = kept.map(|(_, line)| line.clone()).collect();
        assemble(&sample.target, &kept)
    };
    let mut dropped = vec![true; fields.len()];
    if oracle.ask(&without(&dropped)).is_err() {
        return sample.clone();
    }
    for at in 0..dropped.len() {
        dropped[at] = false;
        if oracle.ask(&without(&dropped)).is_err() {
            dropped[at] = true;
        }
    }
    without(&dropped)
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
        let drawn = Sample::from(&choices);
        let whole = repaired(&mut oracle, &drawn);
        let drawn_differs = difference(&mut oracle, &drawn).is_some();
        let sample = if drawn_differs { drawn } else { whole };
        if !drawn_differs && difference(&mut oracle, &sample).is_none() {
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
        let small = shrink(&mut oracle, &sample);
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
        match difference(&mut oracle, &sample) {
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
