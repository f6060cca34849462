//! Random replacements, with every option of sources and targets.

use super::{
    dice::Dice,
    kustomizations::{Files, indent},
    objects::string,
    patches,
};

/// Items of `replacements`; none where there is nothing to read from.
pub fn list(dice: &mut Dice<'_>, files: &mut Files, dir: &str) -> Option<String> {
    let mut out = String::new();
    for index in 0..=dice.few(1) {
        let item = item(dice)?;
        match dice.below(6) {
            0 => {
                let path = format!("repl{index}.yaml");
                files.insert(format!("{dir}/{path}"), item);
                out.push_str(&format!("- path: {path}\n"));
            }
            1 => {
                let path = format!("repl{index}.yaml");
                files.insert(
                    format!("{dir}/{path}"),
                    as_item(&item) + &as_item(&self::item(dice)?),
                );
                out.push_str(&format!("- path: {path}\n"));
            }
            _ => out.push_str(&as_item(&item)),
        }
    }
    Some(out)
}

fn as_item(text: &str) -> String {
    format!("- {}", &indent(text, 2)[2..])
}

fn item(dice: &mut Dice<'_>) -> Option<String> {
    let mut out = source(dice)?;
    out.push_str("targets:\n");
    for _ in 0..=dice.few(1) {
        out.push_str(&as_item(&target(dice)));
    }
    Some(out)
}

fn source(dice: &mut Dice<'_>) -> Option<String> {
    if dice.once_in(8) {
        return Some(format!("sourceValue: {}\n", string(dice)));
    }
    let of = dice.object()?;
    let path = match of.kind.as_str() {
        "ConfigMap" | "Secret" => *dice.pick(&[
            &"data.k",
            &"metadata.name",
            &"data",
            &"data.j",
            &"metadata.labels",
            &"data.l",
            &"data.[conf.yaml]",
            &"data.conf\\\\.yaml",
        ]),
        "Deployment" | "StatefulSet" | "DaemonSet" => *dice.pick(&[
            &"metadata.name",
            &"spec.template.spec.containers.0.image",
            &"spec.template.spec.containers.[name=main].image",
            &"spec.template.spec.containers.[name=main].env.[name=A].value",
            &"spec.replicas",
            &"spec.template",
            &"spec.template.spec.containers",
            &"metadata.labels.app",
        ]),
        "Service" => *dice.pick(&[
            &"spec.ports.0.port",
            &"metadata.name",
            &"spec.ports.[name=b].port",
            &"spec.selector",
            &"spec.ports",
        ]),
        "Widget" => *dice.pick(&[
            &"spec.a",
            &"spec.list",
            &"spec.list.0",
            &"spec",
            &"spec.b",
            &"spec.nested",
        ]),
        _ => *dice.pick(&[
            &"metadata.name",
            &"metadata.namespace",
            &"metadata.labels",
            &"kind",
            &"metadata.annotations.note",
        ]),
    };
    let mut out = format!("source:\n  kind: {}\n  name: {}\n", of.kind, of.name);
    if !of.namespace.is_empty() && !dice.once_in(4) {
        out.push_str(&format!("  namespace: {}\n", of.namespace));
    }
    let (group, version) = of.version.split_once('/').unwrap_or(("", &of.version));
    if dice.once_in(4) {
        out.push_str(&format!("  version: {version}\n"));
    }
    if dice.once_in(4) && !group.is_empty() {
        out.push_str(&format!("  group: {group}\n"));
    }
    if !dice.once_in(8) {
        out.push_str(&format!("  fieldPath: \"{path}\"\n"));
    }
    match dice.below(6) {
        0 => out.push_str(&format!(
            "  options: {{delimiter: \"{}\", index: {}}}\n",
            dice.pick(&[":", "-", "/", ".", "://"]),
            *dice.pick(&[&"0", &"1", &"-1", &"2"])
        )),
        1 if dice.once_in(2) => out.push_str("  options: {create: true, encoding: base64}\n"),
        _ => {}
    }
    Some(out)
}

fn target(dice: &mut Dice<'_>) -> String {
    const PATHS: [&str; 30] = [
        "metadata.annotations.note",
        "data.k",
        "data.[conf.yaml].a",
        "data.j.a.b",
        "spec.template.spec.containers.0.image",
        "spec.template.spec.containers.*.image",
        "spec.template.spec.containers.[name=ma].name",
        "spec.template.spec.containers.[name=main].env.[name=A].value",
        "spec.new.deep",
        "spec.ports.0.port",
        "spec.list.2",
        "metadata.labels.app",
        "spec.replicas",
        "metadata.name",
        "metadata.namespace",
        "spec.list.-",
        "spec.list.*",
        "spec.template.spec.containers.[name=new].image",
        "spec.template.spec.containers.[name=main].env.*.value",
        "metadata.annotations.[a.b/c]",
        "metadata.annotations.a\\\\.b/d",
        "spec.template.metadata.labels.[a.b/c]",
        "spec.template.spec.volumes.[name=v].configMap.name",
        "spec.*.x",
        "spec",
        "spec.template.spec.containers.[image=nginx].image",
        "spec.ports.[port=80].targetPort",
        "spec.list.[name=n].v",
        "data.[conf.yaml].c.d",
        "spec.template.spec.containers.1",
    ];
    let mut out = format!("select: {}\n", patches::plain_target(dice));
    if dice.once_in(4) {
        out.push_str(&format!("reject: [{}", patches::plain_target(dice)));
        if dice.once_in(3) {
            out.push_str(&format!(", {}", patches::plain_target(dice)));
        }
        out.push_str("]\n");
    }
    if !dice.once_in(15) {
        out.push_str("fieldPaths:\n");
        for _ in 0..=dice.few(2) {
            out.push_str(&format!("- \"{}\"\n", PATHS[dice.below(PATHS.len())]));
        }
    }
    match dice.below(6) {
        0 | 1 => {}
        2 | 3 => out.push_str("options: {create: true}\n"),
        4 => out.push_str(&format!(
            "options: {{delimiter: \"{}\", index: {}}}\n",
            dice.pick(&[":", "-", "/"]),
            *dice.pick(&[&"0", &"1", &"-1", &"9", &"2"])
        )),
        _ => out.push_str("options: {create: true, delimiter: \":\", index: 1}\n"),
    }
    out
}
