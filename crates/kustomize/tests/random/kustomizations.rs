//! Random kustomization files and trees of them.

use std::collections::BTreeMap;

use super::{
    charts,
    dice::Dice,
    objects::{NAMESPACES, file, name, string},
    patches, plugins, replacements, schemas, styles,
};

pub type Files = BTreeMap<String, String>;

pub fn indent(text: &str, by: usize) -> String {
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
    let layers = dice.below(4);
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
    let mut below = vec!["../middle".to_owned()];
    if dice.once_in(5) {
        // The same base on two ways.
        kustomization(dice, files, "side", &["../base".to_owned()], false);
        below.push("../side".to_owned());
    }
    kustomization(dice, files, "top", &below, false);
    if layers == 2 {
        return "top".to_owned();
    }
    kustomization(dice, files, "roof", &["../top".to_owned()], false);
    "roof".to_owned()
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
        let text = file(dice);
        files.insert(format!("{dir}/{path}"), styles::restyle(dice, text));
        resources.push(path);
    }
    if !resources.is_empty() {
        out.push_str(if !component && dice.once_in(20) && !bases.is_empty() {
            "bases:\n"
        } else {
            "resources:\n"
        });
        for path in resources {
            out.push_str(&format!("- {path}\n"));
        }
    }
    // Before the other fields, which may then name the objects of a chart.
    if dice.charts && !component && (bases.is_empty() || dice.once_in(4)) {
        charts::field(dice, files, dir, &mut out);
    }
    for _ in 0..=dice.few(4) {
        field(dice, files, dir, component, &mut out);
    }
    if !component && dice.once_in(5) {
        let path = format!("{dir}-component");
        let below = if dice.once_in(4) {
            // A component with resources of an overlay of its own.
            kustomization(dice, files, &format!("{dir}-of"), &[], false);
            vec![format!("../{dir}-of")]
        } else {
            Vec::new()
        };
        kustomization(dice, files, &path, &below, true);
        out.push_str(&format!("components: [../{path}]\n"));
    }
    let name = *dice.pick(&[
        &"kustomization.yaml",
        &"kustomization.yaml",
        &"kustomization.yml",
        &"Kustomization",
    ]);
    let out = if dice.once_in(3) {
        styles::restyle(dice, out)
    } else {
        out
    };
    files.insert(format!("{dir}/{name}"), out);
}

/// Adds a field, unless it is there already.
fn field(dice: &mut Dice<'_>, files: &mut Files, dir: &str, component: bool, out: &mut String) {
    let mut part = String::new();
    match dice.below(34) {
        0 => part.push_str(dice.pick(&["namePrefix: p-\n", "namePrefix: Up.\n", "namePrefix: \"1\"\n"])),
        1 => part.push_str("nameSuffix: -s\n"),
        2 => part.push_str(&format!("namespace: {}\n", NAMESPACES[1 + dice.below(3)])),
        3 => part.push_str(&format!("commonLabels: {{app: {}, team: {}}}\n", string(dice), string(dice))),
        4 => part.push_str(&format!("commonAnnotations: {{note: {}, a.b/c: {}}}\n", string(dice), string(dice))),
        5 => labels(dice, &mut part),
        6 => images(dice, &mut part),
        7 => {
            let Some(of) = dice.object_of("Deployment").map(|object| object.name) else { return };
            part.push_str(&format!("replicas:\n- {{name: {of}, count: {}}}\n", dice.below(5)));
            if let Some(of) = dice.object_of("StatefulSet").filter(|_| dice.once_in(2)) {
                part.push_str(&format!("- {{name: {}, count: {}}}\n", of.name, dice.below(5)));
            }
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
            let text = patches::strategic(dice);
            files.insert(format!("{dir}/sm.yaml"), styles::restyle(dice, text));
            part.push_str(&format!("patchesStrategicMerge:\n- sm.yaml\n- |-\n{}", indent(&patches::strategic(dice), 2)));
        }
        16 => {
            let of = dice.object().map_or_else(|| name(dice).to_owned(), |of| of.name);
            part.push_str(&format!(
                "patchesJson6902:\n- target: {{version: v1, kind: {}, name: {of}}}\n  patch: |-\n{}",
                dice.pick(&["ConfigMap", "Deployment", "Service"]),
                indent(&patches::json(dice), 4)
            ));
        }
        17..=19 => {
            let Some(list) = replacements::list(dice, files, dir) else { return };
            part.push_str(&format!("replacements:\n{list}"));
        }
        20 => vars(dice, &mut part),
        21 => part.push_str(&format!(
            "sortOptions: {{order: {}}}\n",
            dice.pick(&[
                "fifo",
                "legacy",
                "legacy, legacySortOptions: {orderFirst: [Service, Deployment], orderLast: [ConfigMap]}",
                "legacy, legacySortOptions: {orderFirst: [Widget], orderLast: [Widget, Namespace]}",
                "legacy, legacySortOptions: {orderLast: [Service, Secret]}",
                "legacy, legacySortOptions: {}",
            ])
        )),
        22 => metadata(dice, &mut part),
        23..=25 => plugins::field(dice, files, dir, "transformers", &mut part),
        26 | 27 => plugins::field(dice, files, dir, "generators", &mut part),
        28 => plugins::field(dice, files, dir, "validators", &mut part),
        29 => schemas::crds(dice, files, dir, &mut part),
        30 => schemas::openapi(dice, files, dir, &mut part),
        31 => part.push_str(dice.pick(&[
            "metadata: {name: k, namespace: ns, labels: {a: b}, annotations: {c: d}}\n",
            "imageTags: [{name: nginx, newTag: old}]\n",
            "resources: []\n",
            "helmGlobals: {chartHome: charts}\n",
        ])),
        _ => schemas::configurations(dice, files, dir, &mut part),
    }
    let key = part.split(':').next().unwrap_or_default().to_owned();
    let known = format!("\n{out}").contains(&format!("\n{key}:"));
    // The sort order of anything but the outermost is not looked at, and fine to be there.
    let misplaced = component && key == "buildMetadata";
    if !known && !misplaced {
        out.push_str(&part);
    }
}

fn metadata(dice: &mut Dice<'_>, out: &mut String) {
    let chosen: Vec<&str> = [
        "originAnnotations",
        "transformerAnnotations",
        "managedByLabel",
    ]
    .into_iter()
    .filter(|_| !dice.once_in(2))
    .collect();
    out.push_str(&format!("buildMetadata: [{}]\n", chosen.join(", ")));
}

fn vars(dice: &mut Dice<'_>, out: &mut String) {
    out.push_str("vars:\n");
    for name in ["VAR", "X", "OTHER"].iter().take(1 + dice.few(2)) {
        let Some(of) = dice.object() else {
            out.clear();
            return;
        };
        out.push_str(&format!(
            "- name: {name}\n  objref:\n    apiVersion: {}\n    kind: {}\n    name: {}\n",
            of.version, of.kind, of.name
        ));
        if !of.namespace.is_empty() && !dice.once_in(3) {
            out.push_str(&format!("    namespace: {}\n", of.namespace));
        }
        if !dice.once_in(3) {
            out.push_str(&format!(
                "  fieldref: {{fieldPath: \"{}\"}}\n",
                dice.pick(&[
                    "metadata.name",
                    "metadata.namespace",
                    "data.k",
                    "spec.ports[0].port",
                    "spec.template.spec.containers[0].image",
                    "spec.replicas",
                    "metadata.labels",
                    "spec",
                ])
            ));
        }
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
            3 => out.push_str("  newName: nn\n  newTag: \"1.0\"\n"),
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
