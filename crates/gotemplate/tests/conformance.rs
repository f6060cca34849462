//! Every plain `text/template` case of the conformance corpus, with Go's output or Go's whole error.

#![expect(clippy::unwrap_used, reason = "a broken corpus may stop the test")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value as Json;
use trueup_gotemplate::{Functions, MissingKey, Options, Templates, Value};
use trueup_yaml::{Document, Source};

/// The corpus: `$TRUEUP_CONFORMANCE`, or `shared/conformance` beside a folder above.
fn corpus() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("TRUEUP_CONFORMANCE") {
        return Some(path.into());
    }
    let above = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    above
        .ancestors()
        .map(|folder| folder.join("shared/conformance"))
        .find(|folder| folder.is_dir())
}

fn data(json: Option<&Json>) -> Value {
    let Some(json) = json else {
        return Value::Nil;
    };
    let text = json.to_string();
    let document = Document::parse_one(&Source::new("data.json", text)).unwrap();
    let document = Arc::new(document);
    Value::from_yaml(&document, document.root())
}

fn run(case: &Json) -> Result<String, String> {
    let mut set = Templates::new(Arc::new(Functions::new())).with_name("t");
    let parsed = set.parse("t", case["template"].as_str().unwrap());
    parsed.map_err(|error| error.to_string())?;
    for (name, text) in case["templates"].as_object().into_iter().flatten() {
        let parsed = set.parse(name, text.as_str().unwrap());
        parsed.map_err(|error| error.to_string())?;
    }
    let options = Options {
        missing_key: match case["missingkey"].as_str() {
            Some("zero") => MissingKey::Zero,
            Some("error") => MissingKey::Error,
            _ => MissingKey::Invalid,
        },
        ..Options::default()
    };
    match set.execute("t", &data(case.get("data")), &options) {
        Ok(output) => Ok(output.text),
        Err(error) => {
            assert!(
                !error.frames().is_empty(),
                "an error without a place: {error}"
            );
            Err(error.to_string())
        }
    }
}

#[test]
fn plain_templates_print_and_fail_as_in_go() {
    let Some(corpus) = corpus() else {
        eprintln!(
            "\n*** NO CONFORMANCE CORPUS: set TRUEUP_CONFORMANCE; nothing was compared ***\n"
        );
        return;
    };
    let text = std::fs::read_to_string(corpus.join("helm/gotemplate.json")).unwrap();
    let corpus: Json = serde_json::from_str(&text).unwrap();
    let mut groups: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut differences = Vec::new();
    let cases = corpus["cases"].as_array().unwrap().iter();
    for case in cases.filter(|case| case["engine"] == "go") {
        let wanted = match case["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(case["expected"].as_str().unwrap().to_owned()),
        };
        let got = run(case);
        let group = groups.entry(case["group"].as_str().unwrap()).or_default();
        group.1 += 1;
        if got == wanted {
            group.0 += 1;
        } else {
            let id = case["id"].as_str().unwrap();
            let template = &case["template"];
            differences.push(format!(
                "{id}: {template}\n  want {wanted:?}\n  got  {got:?}"
            ));
        }
    }
    for (group, (right, all)) in &groups {
        println!("{group:>24}: {right} of {all}");
    }
    assert!(groups.len() > 10, "the corpus has hardly any cases");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
