//! The corpus' cases of Sprig's functions, run on the engine alone: a report for each family.

#![expect(clippy::unwrap_used, reason = "a broken corpus may stop the test")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value as Json;
use trueup_gotemplate::{Functions, Options, Templates, Value, sprig};
use trueup_yaml::{Document, Source};

/// The corpus: `$TRUEUP_CONFORMANCE`, or `shared/conformance` beside a folder above.
fn corpus() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("TRUEUP_CONFORMANCE") {
        return Some(path.into());
    }
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/conformance"))
        .find(|folder| folder.is_dir())
}

fn data(values: Option<&str>) -> Value {
    let text = values
        .filter(|text| !text.trim().is_empty())
        .unwrap_or("{}");
    let document =
        Arc::new(Document::parse_one(&Source::new("values.yaml", text.to_owned())).unwrap());
    Value::map([("Values", Value::from_yaml(&document, document.root()))])
}

fn run(case: &Json, functions: &Arc<Functions>) -> Result<String, String> {
    const NAME: &str = "conf/templates/t.yaml";
    let mut set = Templates::new(Arc::clone(functions)).with_name("gotpl");
    set.parse(NAME, case["template"].as_str().unwrap())
        .map_err(|error| as_helm(&error.to_string()))?;
    let output = set.execute(NAME, &data(case["values"].as_str()), &Options::default());
    // Helm prints a missing value as nothing.
    output
        .map(|output| output.text.replace("<no value>", ""))
        .map_err(|error| error.to_string())
}

/// Helm's words for a template that cannot be parsed.
fn as_helm(error: &str) -> String {
    let (place, reason) = error
        .strip_prefix("template: ")
        .unwrap()
        .split_once(": ")
        .unwrap();
    format!("parse error at ({place}): {reason}")
}

#[test]
fn every_sprig_case_that_needs_no_chart_is_as_in_go() {
    let Some(corpus) = corpus() else {
        println!("SKIPPED: no conformance corpus; set TRUEUP_CONFORMANCE");
        return;
    };
    let text = std::fs::read_to_string(corpus.join("helm/gotemplate.json")).unwrap();
    let all: Json = serde_json::from_str(&text).unwrap();
    let mut functions = Functions::new();
    sprig::add(&mut functions);
    let functions = Arc::new(functions);
    // What is the chart's own belongs to Helm's engine.
    let of_chart = [
        ".Chart",
        ".Release",
        ".Files",
        ".Capabilities",
        "typeOf .Values }}",
    ];
    let mut families: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in all["cases"].as_array().unwrap() {
        let group = case["group"].as_str().unwrap();
        let template = case["template"].as_str().unwrap();
        if !group.starts_with("sprig-") || of_chart.iter().any(|part| template.contains(part)) {
            continue;
        }
        let (same, total) = families.entry(group).or_default();
        *total += 1;
        let expected = match case["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(case["expected"].as_str().unwrap().to_owned()),
        };
        let given = run(case, &functions);
        if given == expected {
            *same += 1;
        } else {
            wrong.push(format!(
                "{}: {template}\n  ours {given:?}\n  go   {expected:?}",
                case["id"]
            ));
        }
    }
    for (family, (same, total)) in &families {
        println!("{family}: {same} of {total}");
    }
    assert!(families.len() >= 8, "the corpus has lost its Sprig cases");
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
