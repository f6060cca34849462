//! Differential tests against Go: the loaders and emitters of `go.yaml.in/yaml/v3` as kyaml uses it and
//! of `sigs.k8s.io/yaml`, through the module in `tests/go/yaml`. Seed and counts are printed; set
//! `TRUEUP_YAML_SEED` and `TRUEUP_YAML_CASES` for other or more texts.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test: it may panic, and says what it has done"
)]

mod corpus;
mod generate;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use generate::{Random, Value};
use serde::Deserialize;
use trueup_yaml::{
    Document, DuplicateKeys, NodeId, ParseOptions, Resolved, Schema, Source, Style, emit,
};

#[derive(Deserialize)]
struct Answer {
    v3: Stream,
    sigs: Sigs,
}

#[derive(Deserialize)]
struct Stream {
    docs: Vec<Doc>,
    error: String,
}

#[derive(Deserialize)]
struct Doc {
    kyaml: String,
    kyaml_error: String,
    json: String,
    json_error: String,
    kustomize: String,
    kustomize_error: String,
}

#[derive(Deserialize)]
struct Sigs {
    json: String,
    yaml: String,
    error: String,
    yaml_error: String,
}

/// The Go program, built once for a test and asked line by line.
struct Go {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Go {
    /// `None`, said loudly, where there is no Go.
    fn start(name: &str) -> Option<Self> {
        if Command::new("go").arg("version").output().is_err() {
            println!("SKIPPED: no `go` on the path, so Go's YAML packages were not asked");
            return None;
        }
        let module = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/go/yaml");
        let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("goyaml-{name}"));
        let built = Command::new("go")
            .args(["build", "-mod=readonly", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(module)
            .status()
            .unwrap();
        assert!(built.success(), "tests/go/yaml does not build");
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Some(Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        })
    }

    fn ask(&mut self, text: &str, comments: bool) -> Answer {
        let request = serde_json::json!({"text": text, "comments": comments});
        writeln!(self.input, "{request}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

#[derive(Default)]
struct Tally {
    same: usize,
    /// Texts that we take and Go does not, and the other way round.
    ours_only: Vec<String>,
    go_only: Vec<String>,
    wrong: Vec<String>,
}

impl Tally {
    fn equal(&mut self, what: &str, text: &str, ours: &str, go: &str) {
        // Go escapes what base64 holds and is not UTF-8; we print the character.
        if ours == go || ours == go.replace("\\ufffd", "\u{fffd}") {
            self.same += 1;
        } else {
            self.wrong.push(format!(
                "{what} of {text:?}\n  ours {ours:?}\n  go   {go:?}"
            ));
        }
    }

    /// Two results, where an empty error means success.
    fn outcome(&mut self, what: &str, text: &str, ours: Result<String, String>, go: (&str, &str)) {
        match (ours, go.1.is_empty()) {
            (Ok(ours), true) => self.equal(what, text, &ours, go.0),
            (Ok(ours), false) => self
                .ours_only
                .push(format!("{what} of {text:?}: {ours:?}, go: {}", go.1)),
            (Err(error), true) => self
                .go_only
                .push(format!("{what} of {text:?}: {error}, go: {:?}", go.0)),
            (Err(_), false) => self.same += 1,
        }
    }
}

fn print(result: Result<(), trueup_yaml::Error>, out: String) -> Result<String, String> {
    result.map(|()| out).map_err(|error| format!("{error:?}"))
}

/// What libyaml, under both Go loaders, reads otherwise than the specification.
fn is_known_difference(text: &str) -> Option<&'static str> {
    let flow = |c: char| matches!(c, ',' | '[' | ']' | '{' | '}');
    let after = |sign: char, test: &dyn Fn(&str) -> bool| {
        text.match_indices(sign)
            .any(|(at, _)| test(&text[at + 1..]))
    };
    let name_char = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let odd_name = |rest: &str| {
        rest.trim_start_matches(name_char)
            .starts_with([':', '?', '%', '@', '`'])
    };
    if after('&', &odd_name) || after('*', &odd_name) {
        return Some("a name of an anchor ends at any sign");
    }
    if text.contains(['[', '{']) {
        if after('?', &|rest| !rest.starts_with([' ', '\n'])) {
            return Some("`?` in a flow collection needs no space");
        }
        if after(':', &|rest| rest.starts_with(flow)) {
            return Some("`:` before a flow indicator belongs to a plain scalar");
        }
    }
    let tag_has_flow = |rest: &str| {
        rest.split_whitespace()
            .next()
            .is_some_and(|tag| tag.contains(flow))
    };
    if after('!', &tag_has_flow) {
        return Some("a tag may hold flow indicators");
    }
    None
}

fn check(text: &str, answer: &Answer, tally: &mut Tally) {
    let source = Source::new("t", text);
    let kept = ParseOptions {
        expand_aliases: false,
        duplicate_keys: DuplicateKeys::LastWins,
        ..ParseOptions::default()
    };
    match (
        Document::parse_with(&source, &kept),
        answer.v3.error.is_empty(),
    ) {
        (Err(errors), true) => tally
            .go_only
            .push(format!("yaml.v3 of {text:?}: {:?}", errors[0])),
        (Err(_), false) => tally.same += 1,
        (Ok(_), false) => tally
            .ours_only
            .push(format!("yaml.v3 of {text:?}: {}", answer.v3.error)),
        // libyaml wants a block scalar at the root to be indented.
        (Ok(docs), true)
            if docs
                .iter()
                .any(|doc| matches!(doc.style(doc.root()), Style::Literal | Style::Folded)) =>
        {
            return;
        }
        (Ok(docs), true) => {
            let counts = (docs.len().to_string(), answer.v3.docs.len().to_string());
            tally.equal("number of documents", text, &counts.0, &counts.1);
            for (doc, go) in docs.iter().zip(&answer.v3.docs) {
                compare_v3(text, doc, go, tally);
            }
        }
    }
    let last = ParseOptions {
        duplicate_keys: DuplicateKeys::LastWins,
        ..ParseOptions::default()
    };
    // goyaml.v2 reads the first document only, even where what follows is no YAML.
    if !answer.v3.error.is_empty() || answer.v3.docs.len() > 1 {
        return;
    }
    let sigs = &answer.sigs;
    match Document::parse_with(&source, &last) {
        Err(errors) if sigs.error.is_empty() => {
            tally
                .go_only
                .push(format!("sigs of {text:?}: {:?}", errors[0]));
        }
        Err(_) => tally.same += 1,
        Ok(docs) => {
            let null = Document::parse_one(&Source::new("null", "null")).unwrap();
            let doc = docs.first().unwrap_or(&null);
            // Keys of one text but different tags differ for goyaml.v2.
            let tagged_twice = !doc.duplicate_keys().is_empty() && text.contains("!!");
            if tagged_twice || has_colliding_keys(doc, doc.root()) {
                return;
            }
            let mut out = String::new();
            let result = emit::json(doc, doc.root(), Schema::Sigs, &mut out);
            tally.outcome(
                "sigs json",
                text,
                print(result, out),
                (&sigs.json, &sigs.error),
            );
            let mut out = String::new();
            let error = format!("{}{}", sigs.error, sigs.yaml_error);
            let result = emit::sigs(doc, doc.root(), &mut out);
            tally.outcome("sigs yaml", text, print(result, out), (&sigs.yaml, &error));
        }
    }
}

/// Whether keys that differ for goyaml.v2 become one in JSON, as `1` and `"1"`: which of them wins is
/// left to the order of a Go map.
fn has_colliding_keys(doc: &Document, id: NodeId) -> bool {
    let mut keys: Vec<String> = doc
        .entries(id)
        .map(|(key, _)| match doc.resolve(key, Schema::Sigs) {
            Resolved::Bool(b) => b.to_string(),
            Resolved::Int(n) => n.to_string(),
            Resolved::Float(n) => n.to_string(),
            _ => doc.text(key).unwrap_or_default().to_owned(),
        })
        .collect();
    keys.sort();
    keys.windows(2).any(|pair| pair[0] == pair[1])
        || doc
            .entries(id)
            .any(|(_, value)| has_colliding_keys(doc, value))
        || doc.items(id).any(|item| has_colliding_keys(doc, item))
}

fn compare_v3(text: &str, doc: &Document, go: &Doc, tally: &mut Tally) {
    // A node of yaml.v3 may have a key twice: it is refused when decoded only.
    if !doc.duplicate_keys().is_empty() {
        return;
    }
    let mut out = String::new();
    emit::kyaml(doc, doc.root(), &mut out);
    tally.outcome("kyaml", text, Ok(out), (&go.kyaml, &go.kyaml_error));
    let mut out = String::new();
    let result = emit::json(doc, doc.root(), Schema::Kyaml, &mut out);
    tally.outcome(
        "v3 json",
        text,
        print(result, out),
        (&go.json, &go.json_error),
    );
    let mut out = String::new();
    let result = emit::kustomize(doc, doc.root(), &mut out);
    tally.outcome(
        "kustomize",
        text,
        print(result, out),
        (&go.kustomize, &go.kustomize_error),
    );
}

fn report(name: &str, tally: &Tally) {
    let shown = usize::try_from(setting("TRUEUP_YAML_SHOW", 10)).unwrap();
    println!(
        "{name}: {} comparisons equal, {} differ, {} accepted by us alone, {} by Go alone",
        tally.same,
        tally.wrong.len(),
        tally.ours_only.len(),
        tally.go_only.len()
    );
    for (title, list) in [
        ("DIFFERS", &tally.wrong),
        ("ONLY OURS", &tally.ours_only),
        ("ONLY GO", &tally.go_only),
    ] {
        for line in list.iter().take(shown) {
            println!("{title}: {line}");
        }
    }
}

#[test]
fn written_values_read_and_print_as_in_go() {
    let Some(mut go) = Go::start("values") else {
        return;
    };
    let seed = setting("TRUEUP_YAML_SEED", 1);
    let cases = setting("TRUEUP_YAML_CASES", 3000);
    println!("seed {seed}, {cases} texts");
    let mut random = Random(seed);
    let mut tally = Tally::default();
    for _ in 0..cases {
        let value = generate::value(&mut random, 4);
        let text = generate::write(&mut random, &value);
        let answer = go.ask(&text, false);
        check(&text, &answer, &mut tally);
    }
    report("written values", &tally);
    assert!(tally.wrong.is_empty());
    assert!(tally.go_only.is_empty());
}

#[test]
fn mutated_texts_that_both_take_mean_the_same() {
    let Some(mut go) = Go::start("mutations") else {
        return;
    };
    let seed = setting("TRUEUP_YAML_SEED", 1);
    let cases = setting("TRUEUP_YAML_CASES", 3000);
    println!("seed {seed}, {cases} texts");
    let mut random = Random(seed ^ 0xABCD);
    let mut skipped = 0;
    let mut tally = Tally::default();
    for _ in 0..cases {
        let value = generate::value(&mut random, 3);
        let text = generate::write(&mut random, &value);
        let text = generate::mutate(&mut random, &text);
        if is_known_difference(&text).is_some() {
            skipped += 1;
            continue;
        }
        let answer = go.ask(&text, false);
        check(&text, &answer, &mut tally);
    }
    println!("{skipped} texts with a known difference left out");
    report("mutated texts", &tally);
    assert!(tally.wrong.is_empty());
}

#[test]
fn comments_belong_to_the_nodes_that_go_gives_them_to() {
    let Some(mut go) = Go::start("comments") else {
        return;
    };
    let seed = setting("TRUEUP_YAML_SEED", 1);
    let cases = setting("TRUEUP_YAML_CASES", 3000);
    println!("seed {seed}, {cases} texts");
    let mut random = Random(seed ^ 0xC0);
    let mut tally = Tally::default();
    for _ in 0..cases {
        let value = generate::value(&mut random, 4);
        let text = generate::write_with(&mut random, &value, true);
        let answer = go.ask(&text, true);
        check_comments(&text, &answer, &mut tally);
    }
    for text in more_texts() {
        let answer = go.ask(&text, true);
        check_comments(&text, &answer, &mut tally);
    }
    report("comments", &tally);
    assert!(tally.wrong.is_empty());
}

/// Texts from a file with a JSON array of strings, if `TRUEUP_YAML_TEXTS` names one.
fn more_texts() -> Vec<String> {
    let Ok(path) = std::env::var("TRUEUP_YAML_TEXTS") else {
        return Vec::new();
    };
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What kyaml prints with comments.
fn check_comments(text: &str, answer: &Answer, tally: &mut Tally) {
    let options = ParseOptions {
        expand_aliases: false,
        keep_comments: true,
        ..ParseOptions::default()
    };
    let Ok(docs) = Document::parse_with(&Source::new("t", text), &options) else {
        return;
    };
    for (doc, go) in docs.iter().zip(&answer.v3.docs) {
        let mut out = String::new();
        emit::kyaml(doc, doc.root(), &mut out);
        tally.outcome("kyaml", text, Ok(out), (&go.kyaml, &go.kyaml_error));
    }
}

#[test]
fn every_nasty_scalar_prints_as_in_go() {
    let Some(mut go) = Go::start("scalars") else {
        return;
    };
    let mut tally = Tally::default();
    for scalar in corpus::SCALARS {
        let value = Value::Mapping(vec![
            ("a".into(), Value::Scalar((*scalar).into())),
            (
                "b".into(),
                Value::Sequence(vec![Value::Scalar((*scalar).into())]),
            ),
            ((*scalar).into(), Value::Scalar("c".into())),
        ]);
        for seed in 0..12 {
            let text = generate::write(&mut Random(seed), &value);
            let answer = go.ask(&text, false);
            check(&text, &answer, &mut tally);
        }
    }
    report("nasty scalars", &tally);
    assert!(tally.wrong.is_empty());
    assert!(tally.go_only.is_empty());
}
