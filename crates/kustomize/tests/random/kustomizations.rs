//! Random kustomization files and trees of them.

use std::collections::BTreeMap;

use super::{
    dice::Dice,
    objects::{NAMESPACES, file, name, string},
    patches,
};

type Files = BTreeMap<String, String>;

fn indent(text: &str, by: usize) -> String {
    let pad = " ".repeat(by);
    text.lines()
        .map(|line| {
            if line.is_empty() {
                "\n".to_owned()
            } else {
                format!("{pad}{line}\n")
            }
        })
        .collect()
}

/// A tree of kustomizations; gives the directory to build.
pub fn tree(dice: &mut Dice<'_>, files: &mut Files) -> String {
    let layers = dice.below(3);
    kustomization(dice, files, "base", &[], false);
    if layers == 0 {
        return "base".to_owned();
    }
    let mut below = vec!["../base".to_owned()];
    if dice.once_in(4) {
        kustomization(dice, files, "other", &[], false);
        below.push("../other".to_owned());
    }
    kustomization(dice, files, "middle", &below, false);
    if layers == 1 {
        return "middle".to_owned();
    }
    kustomization(dice, files, "top", &["../middle".to_owned()], false);
    "top".to_owned()
}

fn kustomization(
    dice: &mut Dice<'_>,
    files: &mut Files,
    dir: &str,
    bases: &[String],
    component: bool,
) {
    let mut out = String::new();
    if component {
        out.push_str("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n");
    } else if dice.once_in(3) {
        out.push_str("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n");
    }
    let own = if bases.is_empty() && !component {
        1 + dice.few(2)
    } else {
        usize::from(dice.once_in(3))
    };
    let mut resources: Vec<String> = bases.to_vec();
    for index in 0..own {
        let path = format!("r{index}.yaml");
        files.insert(format!("{dir}/{path}"), file(dice));
        resources.push(path);
    }
    if !resources.is_empty() {
        out.push_str("resources:\n");
        for path in resources {
            out.push_str(&format!("- {path}\n"));
        }
    }
    for _ in 0..=dice.few(3) {
        field(dice, files, dir, component, &mut out);
    }
    if !component && dice.once_in(5) {
        let path = format!("{dir}-component");
        kustomization(dice, files, &path, &[], true);
        out.push_str(&format!("components: [../{path}]\n"));
    }
    files.insert(format!("{dir}/kustomization.yaml"), out);
}

/// Adds a field, unless it is there already.
fn field(dice: &mut Dice<'_>, files: &mut Files, dir: &str, component: bool, out: &mut String) {
    let mut part = String::new();
    match dice.below(24) {
        0 => part.push_str("namePrefix: p-\n"),
        1 => part.push_str("nameSuffix: -s\n"),
        2 => part.push_str(&format!("namespace: {}\n", NAMESPACES[1 + dice.below(3)])),
        3 => part.push_str(&format!("commonLabels: {{app: {}, team: {}}}\n", string(dice), string(dice))),
        4 => part.push_str(&format!("commonAnnotations: {{note: {}}}\n", string(dice))),
        5 => labels(dice, &mut part),
        6 => images(dice, &mut part),
        7 => {
            let Some(of) = dice.object_of("Deployment").map(|object| object.name) else { return };
            part.push_str(&format!("replicas: [{{name: {of}, count: {}}}]\n", dice.below(5)));
        }
        8 | 9 => generator(dice, files, dir, "configMapGenerator", &mut part),
        10 => generator(dice, files, dir, "secretGenerator", &mut part),
        11 => part.push_str(&format!(
            "generatorOptions: {{disableNameSuffixHash: {}, labels: {{g: {}}}, annotations: {{m: x}}, immutable: {}}}\n",
            dice.once_in(2),
            string(dice),
            dice.once_in(2)
        )),
        12..=14 => patch_list(dice, files, dir, &mut part),
        15 => {
            files.insert(format!("{dir}/sm.yaml"), patches::strategic(dice));
            part.push_str(&format!("patchesStrategicMerge:\n- sm.yaml\n- |-\n{}", indent(&patches::strategic(dice), 2)));
        }
        16 => part.push_str(&format!(
            "patchesJson6902:\n- target: {{version: v1, kind: ConfigMap, name: {}}}\n  patch: |-\n{}",
            name(dice),
            indent(&patches::json(dice), 4)
        )),
        17 | 18 => replacements(dice, &mut part),
        19 => {
            let kind = dice.pick(&["ConfigMap", "Service"]).to_owned();
            let Some(of) = dice.object_of(&kind).map(|object| object.name) else { return };
            part.push_str(&format!(
            "vars:\n- name: VAR\n  objref: {{apiVersion: v1, kind: {kind}, name: {of}}}\n  fieldref: {{fieldPath: {}}}\n",
            dice.pick(&["metadata.name", "metadata.namespace", "data.k", "spec.ports[0].port"])
            ));
        }
        20 => part.push_str(&format!(
            "sortOptions: {{order: {}}}\n",
            dice.pick(&["fifo", "legacy", "legacy, legacySortOptions: {orderFirst: [Service, Deployment], orderLast: [ConfigMap]}"])
        )),
        21 => part.push_str(&format!(
            "buildMetadata: [{}]\n",
            dice.pick(&["originAnnotations", "transformerAnnotations", "managedByLabel, originAnnotations, transformerAnnotations"])
        )),
        22 => transformers(dice, files, dir, &mut part),
        _ => configurations(dice, files, dir, &mut part),
    }
    let key = part.split(':').next().unwrap_or_default().to_owned();
    let known = format!("\n{out}").contains(&format!("\n{key}:"));
    // The sort order of anything but the outermost is not looked at, and fine to be there.
    let misplaced = component && key == "buildMetadata";
    if !known && !misplaced {
        out.push_str(&part);
    }
}

fn labels(dice: &mut Dice<'_>, out: &mut String) {
    out.push_str("labels:\n");
    for _ in 0..=dice.few(1) {
        out.push_str(&format!("- pairs: {{tier: {}}}\n", string(dice)));
        match dice.below(5) {
            0 => {}
            1 => out.push_str("  includeSelectors: true\n"),
            2 => out.push_str("  includeTemplates: true\n"),
            3 => out.push_str("  includeTemplates: true\n  includeVolumeClaimTemplates: true\n"),
            _ => {
                out.push_str(
                    "  fields: [{path: spec/custom/labels, create: true, kind: Widget}]\n",
                );
            }
        }
    }
}

fn images(dice: &mut Dice<'_>, out: &mut String) {
    out.push_str("images:\n");
    for _ in 0..=dice.few(1) {
        out.push_str(&format!(
            "- name: {}\n",
            dice.pick(&["nginx", "reg/app", "reg:5000/nginx", "app", "reg/.*"])
        ));
        match dice.below(7) {
            0 => out.push_str("  newTag: v9\n"),
            1 => out.push_str("  newName: other/name\n"),
            2 => out.push_str("  digest: sha256:abc\n"),
            3 => out.push_str("  newName: n\n  newTag: \"1.0\"\n"),
            4 => out.push_str("  tagSuffix: -x\n"),
            5 => out.push_str("  newTag: v9\n  digest: sha256:abc\n"),
            _ => {}
        }
    }
}

fn generator(dice: &mut Dice<'_>, files: &mut Files, dir: &str, field: &str, out: &mut String) {
    out.push_str(&format!("{field}:\n"));
    for _ in 0..=dice.few(1) {
        let kind = if field == "secretGenerator" {
            "Secret"
        } else {
            "ConfigMap"
        };
        let old = if dice.once_in(2) {
            dice.object_of(kind)
        } else {
            None
        };
        let (of, namespace) = match &old {
            Some(old) => (old.name.clone(), old.namespace.clone()),
            None => (
                format!("gen-{}-{}", dir.len(), dice.below(50)),
                String::new(),
            ),
        };
        out.push_str(&format!("- name: {of}\n"));
        if !namespace.is_empty() {
            out.push_str(&format!("  namespace: {namespace}\n"));
        }
        if old.is_some() {
            out.push_str(&format!(
                "  behavior: {}\n",
                dice.pick(&["merge", "replace"])
            ));
        } else if dice.once_in(20) {
            out.push_str(&format!(
                "  behavior: {}\n",
                dice.pick(&["create", "merge", "replace"])
            ));
        } else {
            dice.remember(kind, "v1", &of, &namespace);
        }
        if !dice.once_in(4) {
            out.push_str(&format!(
                "  literals: [k={}, \"q='quoted'\", e=]\n",
                dice.pick(&["v", "1", "true", "a=b", "é", "<&>"])
            ));
        }
        if dice.once_in(3) {
            files.insert(
                format!("{dir}/f.txt"),
                dice.pick(&[
                    "text\n",
                    "",
                    "two\nlines\n",
                    "tab\there ",
                    "  lead\n",
                    "a: b\n\n\n",
                    "trail \nx",
                ])
                .to_owned(),
            );
            out.push_str(dice.pick(&["  files: [f.txt]\n", "  files: [g.conf=f.txt]\n"]));
        }
        if dice.once_in(4) {
            files.insert(
                format!("{dir}/e.env"),
                "# comment\nA=1\n\n B = two \nC\nD='q'\n".to_owned(),
            );
            out.push_str(dice.pick(&["  envs: [e.env]\n", "  env: e.env\n"]));
        }
        if field == "secretGenerator" && dice.once_in(3) {
            out.push_str("  type: kubernetes.io/tls\n");
        }
        if dice.once_in(4) {
            out.push_str(&format!(
                "  options: {{disableNameSuffixHash: {}, labels: {{o: {}}}}}\n",
                dice.once_in(2),
                string(dice)
            ));
        }
    }
}

fn patch_list(dice: &mut Dice<'_>, files: &mut Files, dir: &str, out: &mut String) {
    out.push_str("patches:\n");
    for index in 0..=dice.few(1) {
        let is_json = dice.once_in(2);
        let text = if is_json {
            patches::json(dice)
        } else {
            patches::strategic(dice)
        };
        if dice.once_in(2) {
            files.insert(format!("{dir}/p{index}.yaml"), text);
            out.push_str(&format!("- path: p{index}.yaml\n"));
        } else {
            out.push_str(&format!("- patch: |-\n{}", indent(&text, 4)));
        }
        if is_json || dice.once_in(3) {
            out.push_str(&format!("  target: {}\n", patches::target(dice)));
        }
        if dice.once_in(5) {
            out.push_str(dice.pick(&[
                "  options: {allowNameChange: true}\n",
                "  options: {allowKindChange: true}\n",
            ]));
        }
    }
}

fn replacements(dice: &mut Dice<'_>, out: &mut String) {
    out.push_str("replacements:\n");
    for _ in 0..=dice.few(1) {
        let kind = *dice.pick(&[&"ConfigMap", &"Deployment", &"Service"]);
        let path = match kind {
            "ConfigMap" => *dice.pick(&[
                &"data.k",
                &"metadata.name",
                &"data",
                &"data.j",
                &"metadata.labels",
            ]),
            "Deployment" => *dice.pick(&[
                &"metadata.name",
                &"spec.template.spec.containers.0.image",
                &"spec.template.spec.containers.[name=main].image",
                &"spec.replicas",
                &"spec.template",
            ]),
            _ => *dice.pick(&[
                &"spec.ports.0.port",
                &"metadata.name",
                &"spec.ports.[name=b].port",
                &"spec.selector",
            ]),
        };
        let Some(of) = dice.object_of(kind).map(|object| object.name) else {
            out.clear();
            return;
        };
        out.push_str(&format!(
            "- source: {{kind: {kind}, name: {of}, fieldPath: \"{path}\""
        ));
        if dice.once_in(4) {
            out.push_str(&format!(
                ", options: {{delimiter: \"{}\", index: {}}}",
                dice.pick(&[":", "-", "/"]),
                dice.below(3)
            ));
        }
        out.push_str("}\n  targets:\n");
        for _ in 0..=dice.few(1) {
            out.push_str(&format!("  - select: {}\n", patches::target(dice)));
            if dice.once_in(4) {
                out.push_str(&format!("    reject: [{}]\n", patches::target(dice)));
            }
            out.push_str(&format!(
                "    fieldPaths: [\"{}\"]\n",
                dice.pick(&[
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
                ])
            ));
            match dice.below(5) {
                0 | 1 => {}
                2 => out.push_str("    options: {create: true}\n"),
                3 => out.push_str(&format!(
                    "    options: {{delimiter: \"{}\", index: {}}}\n",
                    dice.pick(&[":", "-"]),
                    *dice.pick(&[&"0", &"1", &"-1", &"9"])
                )),
                _ => out.push_str("    options: {create: true, delimiter: \":\", index: 1}\n"),
            }
        }
    }
}

fn transformers(dice: &mut Dice<'_>, files: &mut Files, dir: &str, out: &mut String) {
    let body = match dice.below(9) {
        0 => "kind: PrefixTransformer\nprefix: t-\nfieldSpecs: [{path: metadata/name}]\n".to_owned(),
        1 => format!("kind: LabelTransformer\nlabels: {{t: {}, u: yes, v: 5}}\nfieldSpecs: [{{path: metadata/labels, create: true}}]\n", string(dice)),
        2 => format!("kind: AnnotationsTransformer\nannotations: {{t: {}}}\nfieldSpecs: [{{path: metadata/annotations, create: true}}, {{path: spec/x/y, create: true, kind: Widget}}]\n", string(dice)),
        3 => format!("kind: NamespaceTransformer\nunsetOnly: {}\nsetRoleBindingSubjects: {}\nfieldSpecs: [{{path: metadata/name, kind: Namespace}}]\n", dice.once_in(2), dice.pick(&["defaultOnly", "allServiceAccounts", "none"])),
        4 => "kind: ImageTagTransformer\nimageTag: {name: nginx, newTag: t}\nfieldSpecs: [{path: spec/nested/spec/template/spec/containers[]/image}]\n".to_owned(),
        5 => format!("kind: PatchTransformer\npatch: |-\n{}target: {}\n", indent(&patches::json(dice), 2), patches::target(dice)),
        6 => format!("kind: PatchStrategicMergeTransformer\npatches: |-\n{}", indent(&patches::strategic(dice), 2)),
        7 => format!("kind: ReplicaCountTransformer\nreplica: {{name: {}, count: 7}}\nfieldSpecs: [{{path: spec/replicas, create: true, kind: Deployment}}]\n", name(dice)),
        _ => "kind: SuffixTransformer\nsuffix: -t\nfieldSpecs: [{path: metadata/name, kind: ConfigMap}]\n".to_owned(),
    };
    let text = format!("apiVersion: builtin\n{body}metadata: {{name: tr, namespace: trns}}\n");
    if dice.once_in(2) {
        files.insert(format!("{dir}/t.yaml"), text);
        out.push_str("transformers: [t.yaml]\n");
    } else {
        out.push_str(&format!("transformers:\n- |-\n{}", indent(&text, 2)));
    }
}

fn configurations(dice: &mut Dice<'_>, files: &mut Files, dir: &str, out: &mut String) {
    let text = match dice.below(5) {
        0 => {
            "nameReference:\n- kind: ConfigMap\n  version: v1\n  fieldSpecs:\n  - {path: spec/a, kind: Widget}\n"
        }
        1 => "varReference:\n- {path: spec/a, kind: Widget}\n- {path: data}\n",
        2 => "namePrefix:\n- {path: spec/a, kind: Widget}\n",
        3 => "images:\n- {path: spec/a, kind: Widget}\n",
        _ => {
            "commonLabels:\n- {path: spec/custom/labels, create: true, kind: Widget}\nnamespace:\n- {path: spec/ns, create: true, kind: Widget}\n"
        }
    };
    files.insert(format!("{dir}/c.yaml"), text.to_owned());
    out.push_str("configurations: [c.yaml]\n");
}
