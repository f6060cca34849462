//! Samples built by two sides, and what differs made small.

use std::collections::BTreeMap;

use super::{Sample, dice::Seed};
use crate::corpus::first_difference;

/// How many choices a sample may take.
const CHOICES: usize = 1200;

/// Upstream and this program: what each prints for a sample, or why it refuses it.
pub trait Sides {
    fn theirs(&mut self, sample: &Sample) -> Result<String, String>;
    fn ours(&mut self, sample: &Sample) -> Result<String, String>;
}

/// Draws `$SAMPLES` samples from `$SEED` on and fails with those that differ, `$FAILURES` of them at most.
pub fn run(sides: &mut impl Sides, usual: u64, draw: impl Fn(&[u16]) -> Sample) {
    let start = number("SEED", 1);
    let samples = number("SAMPLES", usual);
    println!("SEED={start} SAMPLES={samples}");
    let (mut built, mut refused, mut failed) = (0, 0, 0);
    for seed in start..start + samples {
        let choices = Seed::new(seed).choices(CHOICES);
        let drawn = draw(&choices);
        let whole = repaired(sides, &drawn);
        let drawn_differs = difference(sides, &drawn).is_some();
        let sample = if drawn_differs { drawn } else { whole };
        if !drawn_differs && difference(sides, &sample).is_none() {
            match sides.ours(&sample) {
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
        let small = shrink(sides, &sample);
        let difference = difference(sides, &small).unwrap_or_default();
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
pub fn difference(sides: &mut impl Sides, sample: &Sample) -> Option<String> {
    match (
        sides.theirs(sample).map(|text| mask(&text)),
        sides.ours(sample).map(|text| mask(&text)),
    ) {
        (Ok(expected), Ok(found)) if expected == found => None,
        (Ok(expected), Ok(found)) => {
            let at = first_difference(&expected, &found);
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
fn shrink(sides: &mut impl Sides, sample: &Sample) -> Sample {
    let first = difference(sides, sample).unwrap_or_default();
    let wanted = class(&first).to_owned();
    let mut fails = |lines: &[Line]| {
        let sample = assemble(&sample.target, lines);
        difference(sides, &sample).is_some_and(|found| class(&found) == wanted)
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
    let mut files = BTreeMap::new();
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
fn repaired(sides: &mut impl Sides, sample: &Sample) -> Sample {
    if sides.theirs(sample).is_ok() {
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
    if sides.theirs(&without(&dropped)).is_err() {
        return sample.clone();
    }
    for at in 0..dropped.len() {
        dropped[at] = false;
        if sides.theirs(&without(&dropped)).is_err() {
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
