//! Differential tests against Go's `text/template` and `fmt`, through the module in
//! `tests/go/template`. Seed and counts are printed; set `TRUEUP_TEMPLATE_SEED` and
//! `TRUEUP_TEMPLATE_CASES` for other or more templates.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test: it may panic, and says what it has done"
)]

mod functions;
mod generate;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use generate::{Case, Random};
use serde::Deserialize;
use trueup_gotemplate::{Functions, MissingKey, Options, Templates, Value};
use trueup_yaml::{Document, Source};

#[derive(Deserialize)]
struct Answer {
    output: String,
    error: String,
    panic: String,
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
            println!("SKIPPED: no `go` on the path, so Go's text/template was not asked");
            return None;
        }
        let module = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/go/template");
        let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("gotemplate-{name}"));
        let built = Command::new("go")
            .args(["build", "-mod=readonly", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(module)
            .status()
            .unwrap();
        assert!(built.success(), "tests/go/template does not build");
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

    fn ask(&mut self, case: &Case) -> Answer {
        let request = serde_json::json!({
            "templates": case.templates,
            "data": case.data,
            "missingkey": case.missing_key,
        });
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

fn data(json: &serde_json::Value) -> Value {
    let document = Document::parse_one(&Source::new("data.json", json.to_string())).unwrap();
    let document = Arc::new(document);
    Value::from_yaml(&document, document.root())
}

fn ours(case: &Case, functions: &Arc<Functions>) -> Result<String, String> {
    let mut set = Templates::new(Arc::clone(functions)).with_name("root");
    for (name, text) in &case.templates {
        set.parse(name, text).map_err(|error| error.to_string())?;
    }
    let options = Options {
        missing_key: match case.missing_key {
            "zero" => MissingKey::Zero,
            "error" => MissingKey::Error,
            _ => MissingKey::Invalid,
        },
        ..Options::default()
    };
    let output = set.execute(&case.templates[0].0, &data(&case.data), &options);
    output
        .map(|output| output.text)
        .map_err(|error| error.to_string())
}

/// Each run of U+FFFD as one: Go and Rust count broken UTF-8 differently.
fn runs(text: &str) -> String {
    let mut out = text.to_owned();
    while out.contains("\u{fffd}\u{fffd}") {
        out = out.replace("\u{fffd}\u{fffd}", "\u{fffd}");
    }
    out
}

fn compare(name: &str, default: u64, generate: impl Fn(&mut Random) -> Case) {
    let Some(mut go) = Go::start(name) else {
        return;
    };
    let seed = setting("TRUEUP_TEMPLATE_SEED", 1);
    let cases = setting("TRUEUP_TEMPLATE_CASES", default);
    println!("{name}: seed {seed}, {cases} cases");
    let functions = Arc::new(functions::functions());
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let (mut printed, mut failed, mut died) = (0, 0, 0);
    let mut differences = Vec::new();
    for _ in 0..cases {
        let case = generate(&mut random);
        let answer = go.ask(&case);
        if !answer.panic.is_empty() {
            died += 1;
            continue;
        }
        let wanted = if answer.error.is_empty() {
            printed += 1;
            Ok(runs(&answer.output))
        } else {
            failed += 1;
            Err(runs(&answer.error))
        };
        let got = ours(&case, &functions);
        let got = got.map(|text| runs(&text)).map_err(|text| runs(&text));
        if got != wanted {
            differences.push(format!(
                "{:?} missingkey={}\n  go   {wanted:?}\n  ours {got:?}",
                case.templates, case.missing_key
            ));
        }
    }
    println!("{name}: {printed} printed, {failed} failed, Go died of {died}");
    assert!(printed > cases / 10, "hardly any template printed anything");
    let shown = usize::try_from(setting("TRUEUP_TEMPLATE_SHOW", 10)).unwrap();
    for difference in differences.iter().take(shown) {
        println!("DIFFERS: {difference}");
    }
    assert!(
        differences.is_empty(),
        "{} of {cases} differ",
        differences.len()
    );
}

#[test]
fn random_templates_print_and_fail_as_in_go() {
    compare("templates", 2_000, generate::template);
}

#[test]
fn random_formats_print_as_in_go() {
    compare("formats", 2_000, generate::format);
}
