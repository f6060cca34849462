//! `Chart.lock`: the versions that were chosen for a chart's dependencies.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use trueup_gotemplate::sprig::{Layout, encode_json};
use trueup_gotemplate::{Map, Value};

use crate::{
    chart::{Chart, Dependency, Import},
    error::Error,
};

/// A dependency with the version that was chosen for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Its name.
    pub name: String,
    /// The repository that it is of; empty for one that lies in `charts/`.
    pub repository: String,
    /// The version.
    pub version: String,
}

/// The text of the lock of a chart, with the time that it was made, in RFC 3339.
pub fn lock_file(chart: &Chart, locked: &[Locked], generated: &str) -> String {
    let mut text = String::from("dependencies:\n");
    let quoted = |value: &str| {
        // A scalar is printed as Helm prints it, quotes where they are needed.
        let map: Map = [("v".into(), Value::from(value))].into_iter().collect();
        let line = crate::functions::to_yaml(&Value::Map(map)).unwrap_or_default();
        line.trim_start_matches("v: ").to_owned()
    };
    for Locked {
        name,
        repository,
        version,
    } in locked
    {
        let _ = writeln!(
            text,
            "- name: {}\n  repository: {}\n  version: {}",
            quoted(name),
            quoted(repository),
            quoted(version)
        );
    }
    if locked.is_empty() {
        "dependencies: []\n".clone_into(&mut text);
    }
    let digest = digest(chart, locked);
    let _ = writeln!(text, "digest: {digest}\ngenerated: \"{generated}\"");
    text
}

/// Refuses a lock that was made for other dependencies than the chart has.
pub fn check_lock(chart: &Chart) -> Result<Vec<Locked>, Error> {
    let Some(lock) = &chart.lock else {
        return Ok(Vec::new());
    };
    let locked: Vec<Locked> = lock
        .dependencies
        .iter()
        .map(|dependency| Locked {
            name: dependency.name.clone(),
            repository: dependency.repository.clone(),
            version: dependency.version.clone(),
        })
        .collect();
    // Helm 2 made its locks in another way, which no chart of today needs any more.
    if digest(chart, &locked) == lock.digest {
        return Ok(locked);
    }
    let (lock, list) = if chart.metadata.api_version == "v1" {
        ("requirements.lock", "requirements.yaml")
    } else {
        ("Chart.lock", "Chart.yaml")
    };
    let text = format!(
        "the lock file ({lock}) is out of sync with the dependencies file ({list}). Please update the dependencies"
    );
    Err(Error::new("helm/lock", text)
        .help("`trueup helm dependency update` chooses versions anew and writes the lock"))
}

/// Helm's hash of what a chart asks for and what was chosen: of both lists as Go writes them in JSON.
fn digest(chart: &Chart, locked: &[Locked]) -> String {
    let wanted = chart.metadata.dependencies.iter().flatten().map(written);
    let chosen = locked.iter().map(|locked| {
        let parts = [
            ("name", Some(&locked.name)),
            (
                "version",
                Some(&locked.version).filter(|version| !version.is_empty()),
            ),
            ("repository", Some(&locked.repository)),
        ];
        let parts = parts
            .into_iter()
            .filter_map(|(key, value)| Some((key, json(&Value::from(value?.as_str())))));
        object(parts)
    });
    let list = |items: Vec<String>| format!("[{}]", items.join(","));
    let text = format!("[{},{}]", list(wanted.collect()), list(chosen.collect()));
    format!("sha256:{:x}", Sha256::digest(text))
}

fn json(value: &Value) -> String {
    let layout = Layout {
        escape_html: true,
        indent: false,
    };
    encode_json(value, layout).map_or_else(|_| String::new(), |text| text.to_text().into_owned())
}

fn object(parts: impl Iterator<Item = (&'static str, String)>) -> String {
    let parts: Vec<String> = parts
        .map(|(key, value)| format!("\"{key}\":{value}"))
        .collect();
    format!("{{{}}}", parts.join(","))
}

/// A dependency as `encoding/json` writes Helm's struct: in the order of its fields, empty ones left out.
fn written(dependency: &Dependency) -> String {
    let text = |value: &str| json(&Value::from(value));
    let some = |value: &str| (!value.is_empty()).then(|| text(value));
    let list = |items: Vec<String>| (!items.is_empty()).then(|| format!("[{}]", items.join(",")));
    let imports = dependency.import_values.iter().map(|import| match import {
        Import::Export(name) => text(name),
        Import::Table { child, parent } => {
            format!("{{\"child\":{},\"parent\":{}}}", text(child), text(parent))
        }
    });
    let parts = [
        ("name", Some(text(&dependency.name))),
        ("version", some(&dependency.version)),
        ("repository", Some(text(&dependency.repository))),
        ("condition", some(&dependency.condition)),
        (
            "tags",
            list(dependency.tags.iter().map(|tag| text(tag)).collect()),
        ),
        ("enabled", dependency.enabled.then(|| "true".to_owned())),
        ("import-values", list(imports.collect())),
        ("alias", some(&dependency.alias)),
    ];
    object(
        parts
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?))),
    )
}
