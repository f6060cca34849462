//! Random patches, mostly for objects that may be there.

use super::{
    dice::{Dice, Object},
    objects::{KINDS, NAMESPACES, name, pod_spec, scalar, string},
};

fn kind(dice: &mut Dice<'_>) -> (&'static str, &'static str) {
    // Mostly the kinds that samples hold most of.
    if dice.once_in(3) {
        KINDS[dice.below(KINDS.len())]
    } else {
        KINDS[dice.below(5)]
    }
}

fn indent(text: &str, by: usize) -> String {
    let pad = " ".repeat(by);
    text.lines()
        .fold(String::new(), |out, line| out + &pad + line + "\n")
}

/// A strategic merge patch.
pub fn strategic(dice: &mut Dice<'_>) -> String {
    let object = dice.object().unwrap_or_else(|| {
        let (kind, version) = kind(dice);
        Object {
            kind: kind.into(),
            version: version.into(),
            name: name(dice).into(),
            namespace: String::new(),
        }
    });
    let Object {
        kind,
        version,
        name,
        namespace,
    } = object;
    let mut out = format!("apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n");
    if !namespace.is_empty() && !dice.once_in(10) {
        out.push_str(&format!("  namespace: {namespace}\n"));
    }
    match dice.below(7) {
        0..=2 => {}
        3 => out.push_str(&format!(
            "  labels: {{app: {}, new: {}}}\n",
            string(dice),
            string(dice)
        )),
        4 => out.push_str("  annotations: {note: null, other: b}\n"),
        5 => out.push_str("  labels: null\n"),
        _ => out.push_str("  annotations:\n    $patch: replace\n    only: one\n"),
    }
    if dice.once_in(12) {
        out.push_str("$patch: delete\n");
        return out;
    }
    match kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => {
            out.push_str("spec:\n");
            match dice.below(6) {
                0 => out.push_str(&format!("  replicas: {}\n", dice.pick(&["3", "null", "\"4\""]))),
                1 => out.push_str("  template:\n    spec:\n      containers:\n      - name: main\n        image: patched:1\n      - name: added\n        image: b\n"),
                2 => out.push_str("  template:\n    spec:\n      containers:\n      - name: side\n        $patch: delete\n"),
                3 => out.push_str("  template:\n    spec:\n      containers:\n      - name: main\n        env:\n        - name: B\n          value: patched\n        - name: C\n          value: \"1\"\n        ports:\n        - containerPort: 80\n          name: patched\n"),
                4 => out.push_str("  template:\n    $patch: replace\n    spec:\n      containers: [{name: only}]\n"),
                _ => out.push_str(&format!("  template:\n    spec:\n{}", indent(&pod_spec(dice), 6))),
            }
        }
        "ConfigMap" | "Secret" => match dice.below(4) {
            0 => out.push_str(&format!(
                "data: {{k: {}, m: {}}}\n",
                string(dice),
                string(dice)
            )),
            1 => out.push_str("data: null\n"),
            2 => out.push_str("data: {k: null}\n"),
            _ => out.push_str(&format!(
                "data:\n  $patch: replace\n  z: {}\n",
                string(dice)
            )),
        },
        "Service" => out.push_str(
            "spec:\n  ports:\n  - port: 80\n    nodePort: 30000\n  - port: 82\n    protocol: UDP\n",
        ),
        _ => out.push_str(&format!(
            "spec:\n  a: {}\n  list: [{}]\n",
            scalar(dice),
            string(dice)
        )),
    }
    out
}

/// A JSON patch in YAML or JSON.
pub fn json(dice: &mut Dice<'_>) -> String {
    const PATHS: [&str; 16] = [
        "/metadata/labels/app",
        "/metadata/annotations/note",
        "/metadata/name",
        "/spec/replicas",
        "/spec/template/spec/containers/0/image",
        "/spec/template/spec/containers/-",
        "/spec/template/spec/containers/0/env/0",
        "/data/k",
        "/data",
        "/metadata/annotations",
        "/spec/template/metadata/labels/a~1b",
        "/spec/template/spec/containers/-1/name",
        "/spec",
        "/metadata/labels",
        "/kind",
        "/spec/ports/1",
    ];
    // Operations that fit most objects.
    const SAFE: [(&str, &str); 9] = [
        ("add", "/metadata/annotations/note"),
        ("add", "/metadata/labels"),
        ("replace", "/metadata/name"),
        ("add", "/spec"),
        ("add", "/extra"),
        ("replace", "/metadata/annotations"),
        ("add", "/metadata/annotations/a~1b"),
        ("copy", "/metadata/annotations/copied"),
        ("replace", "/metadata/annotations/none"),
    ];
    let mut out = String::new();
    let as_json = dice.once_in(5);
    let mut operations = Vec::new();
    for _ in 0..=dice.few(2) {
        let (op, path) = if dice.once_in(4) {
            let op = *dice.pick(&[&"add", &"replace", &"remove", &"test", &"copy", &"move"]);
            (op, PATHS[dice.below(PATHS.len())])
        } else {
            SAFE[dice.below(SAFE.len())]
        };
        let value = match dice.below(5) {
            0 => "x".to_owned(),
            1 => "{\"a\": \"b\", \"n\": 5}".to_owned(),
            2 => "[1, \"two\"]".to_owned(),
            3 if !as_json => scalar(dice),
            _ => "\"3\"".to_owned(),
        };
        let value = if as_json && value == "x" {
            "\"x\"".to_owned()
        } else {
            value
        };
        let from = if dice.once_in(4) {
            PATHS[dice.below(PATHS.len())]
        } else {
            "/metadata/name"
        };
        // What upstream keeps in annotations while it builds would be copied out.
        let from = if from == "/metadata/annotations" {
            "/metadata/name"
        } else {
            from
        };
        // An object that lost its name is refused by upstream, or not, by chance.
        let from = if op == "move" && from == "/metadata/name" {
            "/data/k"
        } else {
            from
        };
        let is_map = matches!(path, "/metadata/annotations" | "/metadata/labels");
        let value = if is_map && value.starts_with('[') {
            "{\"a\": \"b\"}".to_owned()
        } else {
            value
        };
        operations.push((op, path, value, from));
    }
    if as_json {
        let items: Vec<String> = operations
            .iter()
            .map(|(op, path, value, from)| {
                format!("{{\"op\": \"{op}\", \"path\": \"{path}\", \"value\": {value}, \"from\": \"{from}\"}}")
            })
            .collect();
        return format!("[{}]\n", items.join(", "));
    }
    for (op, path, value, from) in operations {
        out.push_str(&format!("- op: {op}\n  path: {path}\n"));
        match op {
            "remove" => {}
            "copy" | "move" => out.push_str(&format!("  from: {from}\n")),
            _ => out.push_str(&format!("  value: {value}\n")),
        }
    }
    out
}

/// A target of a patch.
pub fn target(dice: &mut Dice<'_>) -> String {
    let object = dice.object().unwrap_or_else(|| {
        let (kind, version) = kind(dice);
        Object {
            kind: kind.into(),
            version: version.into(),
            name: name(dice).into(),
            namespace: String::new(),
        }
    });
    let Object {
        kind,
        version,
        name: of,
        ..
    } = object;
    match dice.below(8) {
        0 => format!("{{kind: {kind}}}"),
        1 => format!("{{kind: {kind}, name: {of}}}"),
        2 => "{name: w.*}".to_owned(),
        3 => "{labelSelector: \"app=a\"}".to_owned(),
        4 => format!(
            "{{kind: {kind}, namespace: {}}}",
            NAMESPACES[1 + dice.below(3)]
        ),
        5 => format!(
            "{{version: {}, name: {}}}",
            version.rsplit('/').next().unwrap_or("v1"),
            of
        ),
        6 => "{annotationSelector: \"note\"}".to_owned(),
        _ => "{kind: Deploy.*|Config.*, labelSelector: \"!tier\"}".to_owned(),
    }
}

/// A target by identity alone, as replacements take it.
pub fn plain_target(dice: &mut Dice<'_>) -> String {
    let Some(of) = dice.object() else {
        return target(dice);
    };
    let (group, version) = of.version.split_once('/').unwrap_or(("", &of.version));
    match dice.below(8) {
        0 | 1 => format!("{{kind: {}, name: {}}}", of.kind, of.name),
        2 => format!("{{kind: {}}}", of.kind),
        3 => format!("{{name: {}}}", of.name),
        4 => format!(
            "{{group: \"{group}\", version: {version}, kind: {}}}",
            of.kind
        ),
        5 => format!(
            "{{namespace: {}}}",
            if of.namespace.is_empty() {
                "default"
            } else {
                &of.namespace
            }
        ),
        6 => format!("{{version: {version}}}"),
        _ => target(dice),
    }
}
