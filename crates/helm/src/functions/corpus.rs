//! The corpus' function cases, run through the whole engine: a report for each family.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::Value as Json;
use trueup_manifest::{MemoryTree, TreePath};

use crate::{Capabilities, Error, Limits, Overlay, ReleaseInfo, Values, chart, engine, values};

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

/// The chart of a case: what they have in common, and its own files.
fn tree(case: &Json, metadata: &str) -> MemoryTree {
    let mut tree = MemoryTree::new();
    let mut add = |path: &str, text: &str| tree.add(path, text).unwrap();
    add("Chart.yaml", metadata);
    add(
        "values.yaml",
        case["chartValues"].as_str().unwrap_or_default(),
    );
    add("templates/t.yaml", case["template"].as_str().unwrap());
    for key in ["templates", "files"] {
        for (path, text) in case[key].as_object().into_iter().flatten() {
            let inside = key == "templates" && !path.contains('/');
            let path = if inside {
                format!("templates/{path}")
            } else {
                path.clone()
            };
            add(&path, text.as_str().unwrap());
        }
    }
    tree
}

fn run(case: &Json, metadata: &str) -> Result<String, Error> {
    let chart = chart::load_dir(&tree(case, metadata), &TreePath::root())?;
    let mut overlay = Overlay::default();
    if let Some(values) = case["values"].as_str() {
        overlay
            .files
            .push(Values::parse("values.yaml", values.as_bytes())?);
    }
    let mut capabilities = Capabilities::default()
        .with_kube_version(case["kubeVersion"].as_str().unwrap_or("v1.31.2"))?;
    let more = case["apiVersions"].as_array().into_iter().flatten();
    capabilities = capabilities.with_api_versions(more.map(|version| version.as_str().unwrap()));
    let release = ReleaseInfo {
        name: "rel".into(),
        namespace: "ns".into(),
        is_upgrade: case["isUpgrade"].as_bool() == Some(true),
        revision: 1,
    };
    let set = overlay.merged(&mut |path| Err(format!("no file `{path}`")))?;
    let facts = engine::Facts {
        release: &release,
        capabilities: capabilities.to_value(),
        values: values::coalesce(&chart, &set, &mut Vec::new())?,
        overlay: &overlay,
        chart: &chart,
        strict: case["strict"] == true,
    };
    let mut rendered =
        engine::render(&chart, &facts, engine::Beside::default(), Limits::default())?;
    Ok(rendered
        .remove("conf/templates/t.yaml")
        .unwrap_or_default()
        .text)
}

#[test]
fn every_function_case_is_as_in_helm() {
    let Some(corpus) = corpus() else {
        println!("SKIPPED: no conformance corpus; set TRUEUP_CONFORMANCE");
        return;
    };
    let text = std::fs::read_to_string(corpus.join("helm/gotemplate.json")).unwrap();
    let all: Json = serde_json::from_str(&text).unwrap();
    let metadata = all["meta"]["chartYaml"].as_str().unwrap();
    let mut families: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in all["cases"].as_array().unwrap() {
        if case["engine"] != "helm" {
            continue;
        }
        let (same, total) = families.entry(case["group"].as_str().unwrap()).or_default();
        *total += 1;
        let expected = match case["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(case["expected"].as_str().unwrap().to_owned()),
        };
        // The corpus read values by the library, whose type has a name; the command line's has none.
        let given = run(case, metadata).map_err(|error| {
            let text = error.text();
            match text.strip_suffix("Go value of type map[string]interface {}") {
                Some(front) if !text.contains("executing") => {
                    format!("{front}Go value of type chartutil.Values")
                }
                _ => text.to_owned(),
            }
        });
        if given == expected {
            *same += 1;
        } else {
            let (id, template) = (&case["id"], &case["template"]);
            wrong.push(format!(
                "{id}: {template}\n  ours {given:?}\n  go   {expected:?}"
            ));
        }
    }
    for (family, (same, total)) in &families {
        println!("{family}: {same} of {total}");
    }
    assert!(
        families.len() >= 20,
        "the corpus has lost its function cases"
    );
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
