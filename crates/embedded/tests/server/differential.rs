//! Random sequences of writes by several managers, sent to this server and to a real kube-apiserver: each
//! answer must be the same, with the same `managedFields`.
//!
//! Runs where `KUBEBUILDER_ASSETS` says where the real server is: a hundred sequences, or as many as
//! `TRUEUP_DIFFERENTIAL` says, from a fixed seed, or from `TRUEUP_SEED`.

use serde_json::{Value, json};

use crate::client::{APPLY, Client, JSON_PATCH, MERGE, STRATEGIC};
use crate::parity::{Side, mask};
use crate::real::Real;

const SEED: u64 = 20_261_121;
/// How many sequences each run of the tests sends.
const COUNT: u64 = 100;
const STEPS: usize = 6;
const GROUP: &str = "differential.io";

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn often(&mut self) -> bool {
        self.below(3) > 0
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let bound = u64::try_from(words.len()).unwrap();
        words[usize::try_from(self.below(bound)).unwrap()]
    }

    fn map(&mut self) -> Value {
        let pairs = (0..self.below(3)).map(|_| {
            (
                self.of(&["a", "b", "c"]).to_owned(),
                json!(self.of(&["1", "2"])),
            )
        });
        pairs.collect::<Vec<_>>().into_iter().collect()
    }

    /// Some of the keys, each once and in their order, with what `make` gives to them.
    fn some(&mut self, keys: &[&str], make: impl Fn(&mut Self, &str) -> Value) -> Value {
        let mut items = Vec::new();
        for key in keys {
            if self.often() {
                items.push(make(self, key));
            }
        }
        Value::Array(items)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Map,
    Deployment,
    Widget,
}

impl Kind {
    fn collection(self) -> String {
        match self {
            Self::Map => "/api/v1/namespaces/default/configmaps".to_owned(),
            Self::Deployment => "/apis/apps/v1/namespaces/default/deployments".to_owned(),
            Self::Widget => format!("/apis/{GROUP}/v1/namespaces/default/widgets"),
        }
    }

    fn object(self, name: &str, dice: &mut Dice) -> Value {
        let mut metadata = json!({"name": name});
        if dice.often() {
            metadata["labels"] = dice.map();
        }
        match self {
            Self::Map => {
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dice.map()})
            }
            Self::Deployment => {
                let env = |dice: &mut Dice, name: &str| json!({"name": name, "value": dice.of(&["1", "2"])});
                let container = |dice: &mut Dice, name: &str| {
                    let mut container = json!({"name": name, "image": dice.of(&["x:1", "x:2"])});
                    if dice.often() {
                        container["env"] = dice.some(&["A", "B", "C"], env);
                    }
                    if dice.often() {
                        container["args"] = dice.some(&["p", "q"], |_, word| json!(word));
                    }
                    container
                };
                let mut spec = json!({
                    "selector": {"matchLabels": {"app": "x"}},
                    "template": {
                        "metadata": {"labels": {"app": "x"}},
                        "spec": {"containers": [container(dice, "c")]},
                    },
                });
                if dice.often() {
                    spec["replicas"] = json!(dice.below(3));
                }
                if dice.often() {
                    spec["template"]["spec"]["initContainers"] = dice.some(&["i", "j"], container);
                }
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
            }
            Self::Widget => {
                let item =
                    |dice: &mut Dice, key: &str| json!({"key": key, "value": dice.of(&["1", "2"])});
                let mut spec = json!({"size": dice.below(3)});
                for (field, value) in [
                    ("items", dice.some(&["a", "b", "c"], item)),
                    ("set", dice.some(&["x", "y", "z"], |_, word| json!(word))),
                    ("atomic", dice.some(&["a", "b"], item)),
                    ("whole", dice.map()),
                    ("open", dice.map()),
                ] {
                    if dice.often() {
                        spec[field] = value;
                    }
                }
                let mut widget = json!({"apiVersion": format!("{GROUP}/v1"), "kind": "Widget", "metadata": metadata, "spec": spec});
                if dice.below(3) == 0 {
                    widget["status"] = json!({"seen": dice.below(3)});
                }
                widget
            }
        }
    }
}

struct Request {
    method: &'static str,
    path: String,
    content_type: &'static str,
    body: Value,
}

fn request(kind: Kind, name: &str, dice: &mut Dice) -> Request {
    let manager = dice.of(&["one", "two", "three"]);
    let mut body = kind.object(name, dice);
    let mut path = format!("{}/{name}", kind.collection());
    let choice = dice.below(10);
    let (method, content_type) = match choice {
        0..=4 => ("PATCH", APPLY),
        5 => ("PUT", "application/json"),
        6 => ("PATCH", JSON_PATCH),
        7 | 8 if kind != Kind::Widget && choice == 7 => ("PATCH", STRATEGIC),
        _ => ("PATCH", MERGE),
    };
    if kind == Kind::Widget && method == "PATCH" && content_type != JSON_PATCH && dice.below(5) == 0
    {
        path.push_str("/status");
    }
    if content_type == JSON_PATCH {
        body = json!([{"op": "add", "path": "/metadata/labels", "value": dice.map()}]);
    }
    path = format!("{path}?fieldManager={manager}");
    if content_type == APPLY && dice.below(2) == 0 {
        path.push_str("&force=true");
    }
    Request {
        method,
        path,
        content_type,
        body,
    }
}

fn definition() -> Value {
    let item = json!({"type": "object", "required": ["key"], "properties": {"key": {"type": "string"}, "value": {"type": "string"}}});
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let mut whole = texts.clone();
    whole["x-kubernetes-map-type"] = json!("atomic");
    let spec = json!({"type": "object", "properties": {
        "size": {"type": "integer"},
        "colour": {"type": "string", "default": "red"},
        "items": {"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key"]},
        "set": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        "atomic": {"type": "array", "items": item},
        "whole": whole,
        "open": texts,
    }});
    let schema = json!({"type": "object", "properties": {
        "spec": spec, "status": {"type": "object", "properties": {"seen": {"type": "integer"}}},
    }});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{GROUP}")},
        "spec": {
            "group": GROUP, "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema}}],
        },
    })
}

async fn define(side: &Side) {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    side.send(
        "POST",
        path,
        &[("content-type", "application/json")],
        &definition().to_string(),
    )
    .await;
    let list = Kind::Widget.collection();
    while side.send("GET", &list, &[], "").await["status"] != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // The schema that ownership goes by may come a moment after the kind is served.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
}

#[tokio::test]
async fn random_writes_are_answered_as_by_the_real_server() {
    let count = std::env::var("TRUEUP_DIFFERENTIAL").map_or(COUNT, |text| text.parse().unwrap());
    let Some(real) = Real::client() else {
        eprintln!("NOT RUN: KUBEBUILDER_ASSETS is not set");
        return;
    };
    let seed = std::env::var("TRUEUP_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(SEED);
    let (_server, client): (_, Client) = crate::start().await;
    let sides = [Side::Ours(client), Side::Real(real)];
    for side in &sides {
        define(side).await;
    }
    let mut wrong = Vec::new();
    for sequence in 0..count {
        let mut dice = Dice(seed.wrapping_add(sequence));
        let kind =
            [Kind::Map, Kind::Deployment, Kind::Widget][usize::try_from(dice.below(3)).unwrap()];
        let name = format!("o{sequence}");
        for step in 0..STEPS {
            let Request {
                method,
                path,
                content_type,
                body,
            } = request(kind, &name, &mut dice);
            let headers = [
                ("content-type", content_type),
                ("accept", "application/json"),
            ];
            let body = body.to_string();
            let ours = mask(
                sides[0].send(method, &path, &headers, &body).await,
                "",
                "\0",
            );
            let theirs = mask(
                sides[1].send(method, &path, &headers, &body).await,
                "",
                "\0",
            );
            if ours != theirs {
                wrong.push(format!("{sequence}.{step} {method} {path} {content_type} {body}\n  real {theirs}\n  ours {ours}"));
                break;
            }
        }
    }
    eprintln!("{count} sequences from seed {seed}: {} differ", wrong.len());
    assert!(
        wrong.is_empty(),
        "{} answers\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
