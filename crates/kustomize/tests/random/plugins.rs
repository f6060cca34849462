//! Random generators, transformers and validators that are configured in objects of their own.

use super::{
    dice::Dice,
    kustomizations::{Files, indent},
    objects::{NAMESPACES, name, string},
    patches, replacements, schemas,
};

/// Adds `generators`, `transformers` or `validators`: objects inline, in files of one or several
/// documents, or in a folder with a kustomization of its own.
pub fn field(dice: &mut Dice<'_>, files: &mut Files, dir: &str, field: &str, out: &mut String) {
    out.push_str(&format!("{field}:\n"));
    for index in 0..=dice.few(2) {
        let text = match field {
            "generators" => generator(dice, files, dir),
            "validators" => validator(dice, files, dir),
            _ => transformer(dice, files, dir, &format!("tr{index}")),
        };
        match dice.below(5) {
            0 | 1 => out.push_str(&format!("- |-\n{}", indent(&text, 2))),
            2 => {
                let path = format!("{field}{index}.yaml");
                files.insert(format!("{dir}/{path}"), text);
                out.push_str(&format!("- {path}\n"));
            }
            3 => {
                let other = if field == "generators" {
                    generator(dice, files, dir)
                } else {
                    transformer(dice, files, dir, &format!("second{index}"))
                };
                let path = format!("{field}{index}.yaml");
                files.insert(format!("{dir}/{path}"), format!("{text}---\n{other}"));
                out.push_str(&format!("- {path}\n"));
            }
            _ => {
                let folder = format!("{field}{index}");
                files.insert(format!("{dir}/{folder}/it.yaml"), text);
                let mut inner = "resources: [it.yaml]\n".to_owned();
                if dice.once_in(4) {
                    inner.push_str("namePrefix: cfg-\n");
                }
                files.insert(format!("{dir}/{folder}/kustomization.yaml"), inner);
                out.push_str(&format!("- {folder}\n"));
            }
        }
    }
}

fn header(kind: &str, name: &str, dice: &mut Dice<'_>) -> String {
    let mut out = format!("apiVersion: builtin\nkind: {kind}\nmetadata:\n  name: {name}\n");
    match dice.below(8) {
        0 => out.push_str("  namespace: trns\n"),
        1 => out.push_str("  labels: {own: label}\n  annotations: {own: annotation}\n"),
        _ => {}
    }
    out
}

/// One generator of any kind.
fn generator(dice: &mut Dice<'_>, files: &mut Files, dir: &str) -> String {
    let kind = *dice.pick(&[
        &"ConfigMapGenerator",
        &"SecretGenerator",
        &"IAMPolicyGenerator",
    ]);
    let of = format!("made-{}-{}", dir.len(), dice.below(90));
    let mut out = header(kind, &of, dice);
    if kind == "IAMPolicyGenerator" {
        out.push_str("cloud: gke\nkubernetesService:\n  name: k8s-sa\n");
        if dice.once_in(2) {
            out.push_str("  namespace: prod\n");
        }
        out.push_str("serviceAccount: {name: gsa, projectId: proj}\n");
        return out;
    }
    let made = kind.trim_end_matches("Generator");
    match dice.below(30) {
        0 => out.push_str("behavior: create\n"),
        1 => out.push_str("behavior: merge\n"),
        _ => dice.remember(made, "v1", &of, ""),
    }
    if !dice.once_in(5) {
        out.push_str(&format!(
            "literals: [k={}, n=5]\n",
            string(dice).trim_matches(['"', '\''])
        ));
    }
    if dice.once_in(3) {
        files.insert(format!("{dir}/gen.txt"), "a\nb: c\n".to_owned());
        out.push_str(dice.pick(&[
            "files: [gen.txt]\n",
            "files:\n- x.conf=gen.txt\n- gen.txt\n",
        ]));
    }
    if dice.once_in(4) {
        files.insert(format!("{dir}/gen.env"), "A=1\n#B=2\nC = x \n".to_owned());
        out.push_str(dice.pick(&["envs: [gen.env]\n", "env: gen.env\n"]));
    }
    if made == "Secret" && dice.once_in(3) {
        out.push_str("type: example.com/kind\n");
    }
    if dice.once_in(2) {
        out.push_str(&format!(
            "options:\n  disableNameSuffixHash: {}\n  immutable: {}\n  labels: {{o: {}}}\n",
            dice.once_in(2),
            dice.once_in(3),
            string(dice)
        ));
    }
    out
}

/// Transformers that leave objects as they are, mostly.
fn validator(dice: &mut Dice<'_>, files: &mut Files, dir: &str) -> String {
    match dice.below(6) {
        0 => {
            header("LabelTransformer", "validator", dice)
                + "labels: {validated-by: me}\nfieldSpecs: [{path: metadata/labels, create: true}]\n"
        }
        1 => {
            header("ImageTagTransformer", "validator", dice)
                + "imageTag: {name: no-such-image, newTag: x}\n"
        }
        2 => {
            header("PrefixTransformer", "validator", dice)
                + "prefix: \"\"\nfieldSpecs: [{path: metadata/name}]\n"
        }
        3 => header("AnnotationsTransformer", "validator", dice) + "annotations: {}\n",
        4 => {
            header("ValueAddTransformer", "validator", dice)
                + "value: x\ntargets: [{fieldPath: spec/none, selector: {kind: Nothing}}]\n"
        }
        _ => transformer(dice, files, dir, "validator"),
    }
}

/// One transformer of any kind.
fn transformer(dice: &mut Dice<'_>, files: &mut Files, dir: &str, name_of: &str) -> String {
    let (kind, body) = match dice.below(15) {
        0 => (
            "PrefixTransformer",
            format!("prefix: t-\n{}", schemas::specs(dice, "metadata/name")),
        ),
        1 => (
            "SuffixTransformer",
            format!("suffix: -t\n{}", schemas::specs(dice, "metadata/name")),
        ),
        2 => (
            "PrefixSuffixTransformer",
            format!(
                "prefix: t-\nsuffix: -u\n{}",
                schemas::specs(dice, "metadata/name")
            ),
        ),
        3 => (
            "LabelTransformer",
            format!(
                "labels: {{t: {}, u: yes, v: 5}}\n{}",
                string(dice),
                schemas::specs(dice, "metadata/labels")
            ),
        ),
        4 => (
            "AnnotationsTransformer",
            format!(
                "annotations: {{t: {}, n: 1.0}}\n{}",
                string(dice),
                schemas::specs(dice, "metadata/annotations")
            ),
        ),
        5 => return namespace(dice, name_of),
        6 => (
            "ImageTagTransformer",
            format!(
                "imageTag: {{name: {}, {}}}\n{}",
                dice.pick(&["nginx", "reg/app", "app"]),
                dice.pick(&[
                    "newTag: t",
                    "newName: other/name",
                    "digest: sha256:cd",
                    "tagSuffix: -y",
                    "newName: nn, newTag: '1'"
                ]),
                schemas::specs(dice, "spec/containers[]/image")
            ),
        ),
        7 => ("PatchTransformer", patch(dice, files, dir)),
        8 => (
            "PatchStrategicMergeTransformer",
            strategic(dice, files, dir),
        ),
        9 => ("PatchJson6902Transformer", json(dice, files, dir)),
        10 => {
            let of = dice
                .object_of("Deployment")
                .map_or_else(|| name(dice).to_owned(), |of| of.name);
            (
                "ReplicaCountTransformer",
                format!(
                    "replica: {{name: {of}, count: {}}}\n{}",
                    dice.below(9),
                    schemas::specs(dice, "spec/replicas")
                ),
            )
        }
        11 => {
            let Some(list) = replacements::list(dice, files, dir) else {
                return header("HashTransformer", name_of, dice);
            };
            ("ReplacementTransformer", format!("replacements:\n{list}"))
        }
        12 | 13 => return value_add(dice, files, dir, name_of),
        _ => ("HashTransformer", String::new()),
    };
    header(kind, name_of, dice) + &body
}

fn namespace(dice: &mut Dice<'_>, name: &str) -> String {
    let mut out = format!(
        "apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: {{name: {name}, namespace: {}}}\n",
        NAMESPACES[1 + dice.below(3)]
    );
    if dice.once_in(3) {
        out.push_str("unsetOnly: true\n");
    }
    if dice.once_in(2) {
        out.push_str(&format!(
            "setRoleBindingSubjects: {}\n",
            dice.pick(&["defaultOnly", "allServiceAccounts", "none"])
        ));
    }
    if dice.once_in(2) {
        out.push_str(dice.pick(&[
            "fieldSpecs: [{path: metadata/name, kind: Namespace, create: true}]\n",
            "fieldSpecs: [{path: metadata/namespace, create: true}]\n",
            "fieldSpecs:\n- {path: metadata/namespace, create: true}\n- {path: spec/ns, kind: Widget, create: true}\n- {path: subjects, kind: RoleBinding}\n",
            "fieldSpecs: [{path: subjects, kind: RoleBinding, group: rbac.authorization.k8s.io}, {path: 'spec/service/namespace', group: apiregistration.k8s.io, kind: APIService, create: true}]\n",
        ]));
    }
    out
}

fn patch(dice: &mut Dice<'_>, files: &mut Files, dir: &str) -> String {
    let is_json = dice.once_in(2);
    let text = if is_json {
        patches::json(dice)
    } else {
        patches::strategic(dice)
    };
    let mut out = String::new();
    if dice.once_in(3) {
        let path = format!("tp{}.yaml", dice.below(3));
        files.insert(format!("{dir}/{path}"), text);
        out.push_str(&format!("path: {path}\n"));
    } else {
        out.push_str(&format!("patch: |-\n{}", indent(&text, 2)));
    }
    if is_json || dice.once_in(2) {
        out.push_str(&format!("target: {}\n", patches::target(dice)));
    }
    if dice.once_in(4) {
        out.push_str(dice.pick(&[
            "options: {allowNameChange: true}\n",
            "options: {allowKindChange: true}\n",
            "options: {allowNameChange: true, allowKindChange: true}\n",
        ]));
    }
    out
}

fn strategic(dice: &mut Dice<'_>, files: &mut Files, dir: &str) -> String {
    let mut out = String::new();
    if dice.once_in(2) {
        let mut text = patches::strategic(dice);
        if dice.once_in(3) {
            text = format!("{text}---\n{}", patches::strategic(dice));
        }
        files.insert(format!("{dir}/tsm.yaml"), text);
        out.push_str("paths: [tsm.yaml]\n");
        if dice.once_in(2) {
            return out;
        }
    }
    out.push_str(&format!(
        "patches: |-\n{}",
        indent(&patches::strategic(dice), 2)
    ));
    out
}

fn json(dice: &mut Dice<'_>, files: &mut Files, dir: &str) -> String {
    let Some(of) = dice.object() else {
        return format!(
            "target: {{version: v1, kind: ConfigMap, name: {}}}\njsonOp: '[]'\n",
            name(dice)
        );
    };
    let (group, version) = of.version.split_once('/').unwrap_or(("", &of.version));
    let mut out = format!(
        "target:\n  version: {version}\n  kind: {}\n  name: {}\n",
        of.kind, of.name
    );
    if !group.is_empty() && !dice.once_in(5) {
        out.push_str(&format!("  group: {group}\n"));
    }
    if !of.namespace.is_empty() && !dice.once_in(5) {
        out.push_str(&format!("  namespace: {}\n", of.namespace));
    }
    let text = patches::json(dice);
    if dice.once_in(2) {
        files.insert(format!("{dir}/tj.yaml"), text);
        out.push_str("path: tj.yaml\n");
    } else {
        out.push_str(&format!("jsonOp: |-\n{}", indent(&text, 2)));
    }
    out
}

fn value_add(dice: &mut Dice<'_>, files: &mut Files, dir: &str, name: &str) -> String {
    let mut out = header("ValueAddTransformer", name, dice);
    if !dice.once_in(5) {
        out.push_str(&format!(
            "value: {}\n",
            dice.pick(&["added", "\" spaced \"", "\"v 5\"", "x/y"])
        ));
    }
    let mut targets = "targets:\n".to_owned();
    for _ in 0..=dice.few(2) {
        targets.push_str(&format!(
            "- fieldPath: {}\n",
            dice.pick(&[
                "metadata/namespace",
                "spec/path",
                "metadata/annotations/added",
                "metadata/name",
                "spec/list/0",
                "data/k"
            ])
        ));
        if dice.once_in(2) {
            targets.push_str(&format!("  filePathPosition: {}\n", dice.below(4)));
        }
        if !dice.once_in(3) {
            targets.push_str(&format!("  selector: {}\n", patches::target(dice)));
        }
    }
    if dice.once_in(4) {
        files.insert(format!("{dir}/targets.yaml"), targets);
        out.push_str("targetFilePath: targets.yaml\n");
    } else {
        out.push_str(&targets);
    }
    out
}
