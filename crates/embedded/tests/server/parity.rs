//! The same requests as were sent to a real kube-apiserver, and its answers.
//!
//! `tests/parity/*.yaml` are the requests, `tests/parity/*.answers.json` what kube-apiserver 1.36.3
//! answered, with everything that differs from run to run masked. To ask the real server anew and see whether
//! it still answers so (`compare`), or to keep its answers (`record`):
//!
//! ```sh
//! export KUBEBUILDER_ASSETS=$(tests/servers/build.sh)
//! TRUEUP_PARITY=compare cargo test -p trueup-embedded --test server parity
//! ```
//!
//! A step with `differs` says why this server answers otherwise, and must.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::real::Real;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    #[serde(default)]
    name: String,
    #[serde(rename = "GET")]
    get: Option<String>,
    #[serde(rename = "POST")]
    post: Option<String>,
    #[serde(rename = "PUT")]
    put: Option<String>,
    #[serde(rename = "PATCH")]
    patch: Option<String>,
    #[serde(rename = "DELETE")]
    delete: Option<String>,
    /// The body, or its text.
    body: Option<Value>,
    raw: Option<String>,
    /// `Content-Type`, where it is not the method's usual one.
    #[serde(rename = "type")]
    content_type: Option<String>,
    accept: Option<String>,
    /// Variables to set from the answer, by path.
    #[serde(default)]
    keep: BTreeMap<String, String>,
    /// Paths left out of the comparison.
    #[serde(default)]
    ignore: Vec<String>,
    /// Asked again until this holds.
    until: Option<Until>,
    /// Not compared at all.
    #[serde(default)]
    quiet: u8,
    /// Why the answer differs from the real one.
    differs: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Until {
    at: String,
    is: Value,
}

impl Step {
    fn target(&self) -> (&'static str, &str) {
        let rows = [
            ("GET", &self.get),
            ("POST", &self.post),
            ("PUT", &self.put),
            ("PATCH", &self.patch),
            ("DELETE", &self.delete),
        ];
        let found = rows
            .into_iter()
            .find_map(|(method, path)| Some((method, path.as_deref()?)));
        found.unwrap_or_else(|| panic!("a step without a request: {self:?}"))
    }

    fn title(&self) -> String {
        let (method, path) = self.target();
        format!("{} {method} {path}", self.name).trim().to_owned()
    }
}

/// Where requests go.
pub(crate) enum Side {
    Ours(Client),
    Real(Real),
}

impl Side {
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Value {
        let body = body.to_owned();
        let answer = match self {
            Self::Ours(client) => client.send(method, path, headers, body).await,
            Self::Real(client) => client.send(method, path, headers, body).await,
        };
        let answer = answer.unwrap();
        let kind = answer.headers["content-type"].to_str().unwrap().to_owned();
        shape(
            answer.status.as_u16(),
            &kind,
            answer.warnings(),
            &answer.body,
        )
    }
}

fn shape(status: u16, kind: &str, mut warnings: Vec<String>, body: &[u8]) -> Value {
    warnings.sort();
    let mut body: Value = serde_json::from_slice(body)
        .unwrap_or_else(|_| json!({"text": String::from_utf8_lossy(body)}));
    // The real server goes through a map of managers: the conflicts with them come in any order.
    if let Some(causes) = body
        .pointer_mut("/details/causes")
        .and_then(Value::as_array_mut)
        && causes
            .iter()
            .all(|cause| cause["reason"] == "FieldManagerConflict")
    {
        causes.sort_by_key(ToString::to_string);
    }
    by_manager(&mut body);
    json!({"status": status, "type": kind, "warnings": warnings, "body": body})
}

/// Entries of one operation come by time, to the second: as fast as the requests were sent. So it is in an
/// object, in each item of a list, and in each row of a table.
fn by_manager(body: &mut Value) {
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    match body {
        Value::Object(map) => {
            if let Some(entries) = map.get_mut("managedFields").and_then(Value::as_array_mut) {
                entries.sort_by_key(|entry| {
                    ["operation", "manager", "apiVersion", "subresource"]
                        .map(|field| text(entry, field))
                });
            }
            let parts = ["metadata", "items", "rows", "object"];
            for part in parts {
                map.get_mut(part).into_iter().for_each(by_manager);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(by_manager),
        _ => {}
    }
}

/// Names that hold another value every time.
const MASKED: [&str; 9] = [
    "lastPhaseTransitionTime",
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "time",
    "deletionTimestamp",
    "lastTransitionTime",
    "lastUpdateTime",
    "continue",
];

pub(crate) fn mask(value: Value, key: &str, run: &str) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key.clone(), mask(value, &key, run)))
            .collect(),
        Value::Array(items) => items.into_iter().map(|item| mask(item, "", run)).collect(),
        Value::String(text) if MASKED.contains(&key) && !text.is_empty() => {
            json!(format!("<{key}>"))
        }
        // What columns are for is said at length by the real server only.
        Value::String(_) if key == "description" => json!(""),
        Value::String(text) if is_age(&text) => json!("<age>"),
        Value::String(text)
            if text.len() == 20 && text.ends_with('Z') && text.starts_with("20") =>
        {
            json!("<time>")
        }
        Value::String(text) => json!(mask_uids(&text.replace(run, "RUN"))),
        other => other,
    }
}

/// `5s`, `3h2m` and the like.
fn is_age(text: &str) -> bool {
    let units = text.chars().filter(|c| "smhdy".contains(*c)).count();
    (1..=2).contains(&units)
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(['s', 'm', 'h', 'd', 'y'])
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || "smhdy".contains(c))
}

/// UIDs within messages.
fn mask_uids(text: &str) -> String {
    const SHAPE: [usize; 5] = [8, 4, 4, 4, 12];
    let is_uid = |word: &str| {
        let parts: Vec<&str> = word.split('-').collect();
        parts.len() == SHAPE.len()
            && parts.iter().zip(SHAPE).all(|(part, length)| {
                part.len() == length && part.chars().all(|c| c.is_ascii_hexdigit())
            })
    };
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_hexdigit() || c == '-' {
            word.push(c);
            continue;
        }
        out.push_str(if is_uid(&word) { "<uid>" } else { &word });
        word.clear();
        out.push(c);
    }
    out.pop();
    out
}

fn drop_path(value: &mut Value, path: &str) {
    let Some((parent, last)) = path.rsplit_once('/') else {
        return;
    };
    if let Some(map) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
        map.remove(last);
    }
}

/// Sends the steps of a file and returns the answers, masked.
async fn play(side: &Side, steps: &[Step], run: &str) -> Vec<Value> {
    let mut variables: BTreeMap<String, String> =
        BTreeMap::from([("run".to_owned(), run.to_owned())]);
    let mut answers = Vec::new();
    for step in steps {
        let (method, path) = step.target();
        let fill = |text: &str| {
            variables
                .iter()
                .fold(text.to_owned(), |text, (name, value)| {
                    text.replace(&format!("${{{name}}}"), value)
                })
        };
        let body = match (&step.body, &step.raw) {
            (Some(body), _) => fill(&body.to_string()),
            (None, raw) => raw.clone().unwrap_or_default(),
        };
        let usual = if method == "PATCH" {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let headers = [
            (
                "content-type",
                step.content_type.as_deref().unwrap_or(usual),
            ),
            ("user-agent", "parity/1"),
            (
                "accept",
                step.accept.as_deref().unwrap_or("application/json"),
            ),
        ];
        let path = fill(path);
        let mut answer = side.send(method, &path, &headers, &body).await;
        if let Some(until) = &step.until {
            for _ in 0..200 {
                if answer["body"].pointer(&until.at) == Some(&until.is) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
                answer = side.send(method, &path, &headers, &body).await;
            }
        }
        for (name, at) in &step.keep {
            let value = answer["body"]
                .pointer(at)
                .and_then(Value::as_str)
                .unwrap_or("?");
            variables.insert(name.clone(), value.to_owned());
        }
        let mut answer = mask(answer, "", run);
        for path in &step.ignore {
            drop_path(&mut answer, &format!("/body{path}"));
        }
        answers.push(if step.quiet > 0 { Value::Null } else { answer });
    }
    answers
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity")
}

fn answers_of(requests: &Path) -> PathBuf {
    requests.with_extension("answers.json")
}

/// One answer a line, so that a change of one reads as one.
fn write(path: &Path, steps: &[Step], answers: &[Value]) {
    let lines: Vec<String> = steps
        .iter()
        .zip(answers)
        .map(|(step, answer)| json!({"step": step.title(), "answer": answer}).to_string())
        .collect();
    std::fs::write(path, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
}

async fn compare(name: &str) {
    let requests = folder().join(format!("{name}.yaml"));
    let steps: Vec<Step> =
        serde_yaml::from_str(&std::fs::read_to_string(&requests).unwrap()).unwrap();
    let path = answers_of(&requests);
    // `record` or `compare`
    let wish = std::env::var("TRUEUP_PARITY").unwrap_or_default();
    let real = if wish.is_empty() {
        None
    } else {
        let client = Real::client().expect("KUBEBUILDER_ASSETS is not set");
        Some(play(&Side::Real(client), &steps, "runrun").await)
    };
    if let Some(real) = &real
        && wish == "record"
    {
        write(&path, &steps, real);
    }
    let mut recorded: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    for recorded in &mut recorded {
        if let Some(body) = recorded.pointer_mut("/answer/body") {
            by_manager(body);
        }
    }
    let (_server, client) = crate::start().await;
    let ours = play(&Side::Ours(client), &steps, "runrun").await;
    assert_eq!(
        recorded.len(),
        steps.len(),
        "{name}: record the answers again"
    );
    let mut wrong = Vec::new();
    for ((step, recorded), real) in steps.iter().zip(&recorded).zip(real.iter().flatten()) {
        // Where answers differ by what changes from run to run, only that they do is compared.
        if recorded["answer"] != *real && step.differs.is_none() {
            let (step, answer) = (&recorded["step"], &recorded["answer"]);
            wrong.push(format!(
                "{step}: recorded otherwise\n  then {answer}\n  now  {real}"
            ));
        }
    }
    for ((step, recorded), ours) in steps.iter().zip(&recorded).zip(&ours) {
        assert_eq!(
            recorded["step"],
            step.title().as_str(),
            "{name}: record the answers again"
        );
        let same = recorded["answer"] == *ours;
        if same == step.differs.is_some() {
            let said = step.differs.as_deref().map_or(String::new(), |why| {
                format!("\n  it does not differ any more: {why}")
            });
            wrong.push(format!(
                "{}{said}\n  real {}\n  ours {ours}",
                step.title(),
                recorded["answer"]
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{name}: {} answers\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn names_preconditions_patches_and_lists_are_answered_as_by_the_real_server() {
    compare("basics").await;
}

#[tokio::test]
async fn what_is_refused_at_creation_is_refused_as_by_the_real_server() {
    compare("refused").await;
}

#[tokio::test]
async fn fields_that_do_not_change_are_kept_as_by_the_real_server() {
    compare("immutable").await;
}

#[tokio::test]
async fn custom_objects_are_served_as_by_the_real_server() {
    compare("custom").await;
}

#[tokio::test]
async fn ownership_is_kept_and_contested_as_by_the_real_server() {
    compare("ownership").await;
}

#[tokio::test]
async fn objects_are_defaulted_and_printed_as_by_the_real_server() {
    compare("tables").await;
}
