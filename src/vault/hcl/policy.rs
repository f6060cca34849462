//! What an ACL policy and a password policy say, whatever way they are written.

use serde_json::{Map, Value as Json, json};
use trueup_manifest::nearest;

use super::{Item, Value, parse};
use crate::vault::normal::{FieldKind, normal as one_form};

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::vault) struct Fault {
    /// The byte at which it is.
    pub at: usize,
    /// What it is.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Keys of a path's rules: those of Vault 1.21 and of `OpenBao` 2.
const KEYS: [&str; 15] = [
    "allowed_parameters",
    "capabilities",
    "comment",
    "control_group",
    "denied_parameters",
    "expiration",
    "list_scan_response_keys_filter_path",
    "max_wrapping_ttl",
    "mfa_methods",
    "min_wrapping_ttl",
    "pagination_limit",
    "policy",
    "required_parameters",
    "response_keys_filter_path",
    "subscribe_event_types",
];

/// What a path may be allowed: of Vault 1.21, and `scan` of `OpenBao` 2.
const CAPABILITIES: [&str; 11] = [
    "create",
    "delete",
    "deny",
    "list",
    "patch",
    "read",
    "recover",
    "scan",
    "subscribe",
    "sudo",
    "update",
];

/// Every fault of an ACL policy that can be told without a server.
pub(in crate::vault) fn faults(text: &str) -> Vec<Fault> {
    if text.trim_start().starts_with('{') {
        return json_faults(text);
    }
    let items = match parse(text) {
        Ok(items) => items,
        Err((at, message)) => {
            return vec![Fault {
                at,
                message,
                help: "write it as `path \"secret/data/app\" { capabilities = [\"read\"] }`"
                    .to_owned(),
            }];
        }
    };
    let mut faults = Vec::new();
    for item in &items {
        match (item.key.0.as_str(), &item.value) {
            ("name", Value::Text(_)) => {}
            ("path", Value::Object(rules)) if item.labels.len() == 1 => {
                path_faults(item, rules, &mut faults);
            }
            ("path", _) => faults.push(Fault {
                at: item.key.1,
                message: "`path` takes one path in quotes and its rules in braces".to_owned(),
                help: "write it as `path \"secret/data/app\" { capabilities = [\"read\"] }`"
                    .to_owned(),
            }),
            (other, _) => faults.push(unknown(other, item.key.1, &["path"], "a policy")),
        }
    }
    faults
}

/// The place in a policy that is JSON is what the parser of JSON says; the rest is the server's.
fn json_faults(text: &str) -> Vec<Fault> {
    let Err(error) = serde_json::from_str::<Json>(text) else {
        return Vec::new();
    };
    let before = text.split_inclusive('\n').take(error.line() - 1);
    let at = before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    vec![Fault {
        at: at.min(text.len()),
        message: "this policy begins as JSON, and is none".to_owned(),
        help: "check its braces, commas and quotes".to_owned(),
    }]
}

fn unknown(word: &str, at: usize, known: &[&str], of: &str) -> Fault {
    let help = match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of `{}`", known.join("`, `")),
    };
    Fault {
        at,
        message: format!("`{word}` means nothing in {of}"),
        help,
    }
}

fn path_faults(item: &Item, rules: &[Item], faults: &mut Vec<Fault>) {
    if let Some((path, at)) = item.labels.first() {
        let wrong = if path.contains("+*") {
            Some((
                "`+*` is forbidden",
                "use `+` for one part, or `*` at the end",
            ))
        } else if path.matches("{{").count() != path.matches("}}").count() {
            Some((
                "`{{` and `}}` do not come in pairs",
                "write `{{identity.entity.id}}`",
            ))
        } else {
            None
        };
        faults.extend(wrong.map(|(what, help)| Fault {
            at: *at,
            message: format!("`{path}` is no path of a policy: {what}"),
            help: help.to_owned(),
        }));
    }
    let mut seen: Vec<&str> = Vec::new();
    for rule in rules {
        let key = rule.key.0.as_str();
        if !KEYS.contains(&key) {
            faults.push(unknown(key, rule.key.1, &KEYS, "the rules of a path"));
        } else if seen.contains(&key) {
            faults.push(Fault {
                at: rule.key.1,
                message: format!("`{key}` is there twice"),
                help: "keep one of them".to_owned(),
            });
        }
        seen.push(key);
        match (key, &rule.value) {
            ("capabilities", Value::List(items)) => {
                for (capability, at) in items {
                    let word = match capability {
                        Value::Text(word) => word.as_str(),
                        _ => "",
                    };
                    if !CAPABILITIES.contains(&word) {
                        faults.push(unknown(word, *at, &CAPABILITIES, "`capabilities`"));
                    }
                }
            }
            ("capabilities", _) => faults.push(Fault {
                at: rule.at,
                message: "`capabilities` is a list".to_owned(),
                help: "write it as `[\"read\", \"list\"]`".to_owned(),
            }),
            ("policy", Value::Text(word)) if old(word).is_none() => {
                let words = ["deny", "read", "write", "sudo"];
                faults.push(unknown(word, rule.at, &words, "`policy`"));
            }
            _ => {}
        }
    }
}

/// What the old word stands for.
fn old(word: &str) -> Option<&'static [&'static str]> {
    match word {
        "deny" => Some(&["deny"]),
        "read" => Some(&["read", "list"]),
        "write" => Some(&["create", "read", "update", "delete", "list"]),
        "sudo" => Some(&["create", "read", "update", "delete", "list", "sudo"]),
        _ => None,
    }
}

/// The one form of an ACL policy; none where it cannot be read.
pub(in crate::vault) fn normal(text: &str) -> Option<Json> {
    let mut paths: Vec<(String, Json)> = if text.trim_start().starts_with('{') {
        let all: Json = serde_json::from_str(text).ok()?;
        let paths = all.get("path")?.as_object()?;
        paths
            .iter()
            .map(|(path, rules)| Some((path.clone(), rules.as_object()?.clone())))
            .collect::<Option<Vec<_>>>()?
    } else {
        parse(text)
            .ok()?
            .into_iter()
            .filter(|item| item.key.0 == "path")
            .map(|item| {
                let rules = item.value.json().as_object()?.clone();
                Some((item.labels.first()?.0.clone(), rules))
            })
            .collect::<Option<Vec<_>>>()?
    }
    .into_iter()
    .map(|(path, rules)| (path.trim_start_matches('/').to_owned(), rule(rules)))
    .collect();
    // Paths have no order; the rules of one that is there twice do.
    paths.sort_by(|a, b| a.0.cmp(&b.0));
    Some(json!(paths))
}

/// The one form of a path's rules.
fn rule(rules: Map<String, Json>) -> Json {
    let mut form = Map::new();
    for (key, value) in rules {
        let value = match key.as_str() {
            // It says nothing to the server.
            "comment" => continue,
            "policy" => {
                let words = value.as_str().and_then(old).unwrap_or_default();
                form.insert("capabilities".to_owned(), set(&json!(words)));
                continue;
            }
            "capabilities" => set(&value),
            "required_parameters" | "mfa_methods" | "subscribe_event_types" => {
                one_form(FieldKind::Set, &value).unwrap_or(value)
            }
            "min_wrapping_ttl" | "max_wrapping_ttl" => {
                one_form(FieldKind::Duration, &value).unwrap_or(value)
            }
            "allowed_parameters" | "denied_parameters" => match value {
                Json::Object(all) => {
                    let lower = all.into_iter();
                    Json::Object(lower.map(|(name, of)| (name.to_lowercase(), of)).collect())
                }
                other => other,
            },
            _ => value,
        };
        form.insert(key, value);
    }
    Json::Object(form)
}

/// Capabilities: `deny` stands above all others.
fn set(value: &Json) -> Json {
    let set = one_form(FieldKind::Set, value).unwrap_or_default();
    let denies = set
        .as_array()
        .is_some_and(|all| all.contains(&"deny".into()));
    if denies { json!(["deny"]) } else { set }
}

/// The one form of any other text in HCL, such as a password policy: blocks in their order.
pub(in crate::vault) fn tree(text: &str) -> Option<Json> {
    let items = parse(text).ok()?;
    let all = items.iter().map(|item| {
        let labels: Vec<&str> = item
            .labels
            .iter()
            .map(|(label, _)| label.as_str())
            .collect();
        json!([item.key.0, labels, item.value.json()])
    });
    Some(all.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_that_mean_the_same_have_one_form() {
        let same = [
            "path \"a/*\" { capabilities = [\"read\", \"list\"] }",
            "# who\npath \"a/*\" {\n  // why\n  capabilities = [\n    \"list\",\n    \"read\",\n  ]\n}\n",
            "path \"/a/*\" { policy = \"read\" }",
            "{\"path\": {\"a/*\": {\"capabilities\": [\"list\", \"read\"]}}}",
            "path \"a/*\" { capabilities = [\"read\", \"list\"] comment = \"for x\" }",
        ];
        for text in same {
            assert_eq!(faults(text), [], "{text}");
            assert_eq!(normal(text), normal(same[0]), "{text}");
        }
        let two = "path \"b\" { capabilities=[\"read\"] min_wrapping_ttl = \"60s\" }\n\
                   path \"a\" { allowed_parameters = { \"Foo\" = [] } }";
        let turned = "path \"a\" { allowed_parameters { foo = [] } }\n\
                      path \"b\" { min_wrapping_ttl = \"1m\", capabilities=[\"read\"] }";
        assert_eq!(normal(two), normal(turned));
        for other in [
            "path \"a/*\" { capabilities = [\"read\"] }",
            "path \"a/+\" { capabilities = [\"read\", \"list\"] }",
            "",
        ] {
            assert_ne!(normal(other), normal(same[0]), "{other}");
        }
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        for (text, word, message) in [
            (
                "path \"a\" { capabilities = [\"raed\"] }",
                "\"raed\"",
                "`raed` means nothing",
            ),
            (
                "path \"a\" { capabilitys = [\"read\"] }",
                "capabilitys",
                "`capabilitys` means nothing",
            ),
            (
                "path \"a\" { capabilities = \"read\" }",
                "\"read\"",
                "is a list",
            ),
            (
                "path \"a\" { capabilities = [\"read\" }",
                "}",
                "`,` or `]` is expected",
            ),
            (
                "path \"a\" {\n capabilities = [\"read\"]",
                "{",
                "never closed",
            ),
            ("path \"a+*\" {}", "\"a+*\"", "`+*` is forbidden"),
            ("path \"a/{{x\" {}", "\"a/", "do not come in pairs"),
            (
                "paths \"a\" {}",
                "paths",
                "`paths` means nothing in a policy",
            ),
            ("path \"a\" = {}", "=", "`{` is expected"),
            (
                "path \"a\" { policy = \"wirte\" }",
                "\"wirte\"",
                "`wirte` means nothing",
            ),
            ("path \"a { }", "\"a {", "no closing quote"),
            (
                "path \"a\" { capabilities = [read] }",
                "read",
                "texts are in quotes",
            ),
            ("/* open", "/*", "no end"),
            ("{\"path\": }", "}", "is none"),
        ] {
            let found = faults(text);
            let fault = found.first().unwrap_or_else(|| panic!("no fault: {text}"));
            assert!(fault.message.contains(message), "{text}: {fault:?}");
            assert_eq!(Some(fault.at), text.find(word), "{text}: {fault:?}");
        }
    }

    #[test]
    fn a_heredoc_and_escapes_are_read() {
        let text = "rule = <<-E\n    a\n     b\n  E\nx = \"a\\\"\\n\\u0041${\"q\"}\"\nn = -0x10\n";
        assert_eq!(tree("a = 1"), Some(json!([["a", [], 1]])));
        let found = parse(text);
        // A sign before a hexadecimal number is no number.
        assert!(found.is_err());
        let text = text.replace("-0x10", "0x10");
        assert_eq!(
            tree(&text),
            Some(json!([
                ["rule", [], "a\n b\n"],
                ["x", [], "a\"\nA${\"q\"}"],
                ["n", [], 16]
            ]))
        );
    }
}
