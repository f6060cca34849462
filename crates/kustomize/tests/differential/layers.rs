//! Random kustomizations over random objects: bases, components and overlays that use every field.

use std::collections::BTreeMap;

use crate::{
    objects::{NAMES, NAMESPACES, Object, VALUES, object, pairs},
    random::Random,
};

/// Files by path, and the folder to build.
pub(crate) struct Case {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) target: String,
}

/// The case of a seed: one or two bases, perhaps a component, and up to two overlays over them.
pub(crate) fn case(seed: u64) -> Case {
    let mut random = Random::new(seed);
    let mut files = BTreeMap::new();
    let mut objects = Vec::new();
    let mut below = Vec::new();
    for index in 0..1 + random.below(2) {
        let folder = format!("base{index}");
        base(&mut random, &mut files, &mut objects, &folder);
        below.push(format!("../{folder}"));
    }
    let component = random.chance(25).then(|| {
        let mut text = fields(&mut random, &mut files, &objects, "component", 3);
        if text.is_empty() {
            text.push_str("commonAnnotations:\n  by: component\n");
        }
        files.insert(
            "component/kustomization.yaml".to_owned(),
            format!("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n{text}"),
        );
        "../component".to_owned()
    });
    let overlays = 1 + random.below(2);
    for index in 0..overlays {
        let folder = format!("overlay{index}");
        let mut text = String::from("resources:\n");
        for path in &below {
            text += &format!("- {path}\n");
        }
        if index == 0
            && let Some(component) = &component
        {
            text += &format!("components:\n- {component}\n");
        }
        text += &fields(&mut random, &mut files, &objects, &folder, 6);
        files.insert(format!("{folder}/kustomization.yaml"), text);
        below = vec![format!("../{folder}")];
    }
    Case {
        files,
        target: format!("overlay{}", overlays - 1),
    }
}

fn base(
    random: &mut Random,
    files: &mut BTreeMap<String, String>,
    objects: &mut Vec<Object>,
    folder: &str,
) {
    let mut text = String::from("resources:\n");
    let mut here: Vec<Object> = Vec::new();
    for _ in 0..2 + random.below(6) {
        let next = object(random);
        // Most bases are free of duplicates; a few keep one, which must be refused.
        let taken = here
            .iter()
            .chain(objects.iter())
            .any(|other| other.kind == next.kind && other.name == next.name);
        if !taken || random.chance(1) {
            here.push(next);
        }
    }
    for (index, object) in here.iter().enumerate() {
        let file = format!(
            "{}-{}-{index}.yaml",
            object.kind.to_lowercase(),
            object.name
        );
        text += &format!("- {file}\n");
        files.insert(format!("{folder}/{file}"), object.text.clone());
    }
    objects.append(&mut here);
    text += &fields(random, files, objects, folder, 2);
    files.insert(format!("{folder}/kustomization.yaml"), text);
}

type Field = fn(&mut Random, &mut BTreeMap<String, String>, &[Object], &str) -> String;

const FIELDS: &[Field] = &[
    |random, _, _, _| format!("namespace: {}\n", random.pick(NAMESPACES)),
    |random, _, _, _| format!("namePrefix: {}-\n", random.pick(&["dev", "p"])),
    |random, _, _, _| format!("nameSuffix: -{}\n", random.pick(&["v2", "s"])),
    |random, _, _, _| format!("commonLabels:\n  team: {}\n", random.pick(NAMES)),
    |random, _, _, _| format!("commonAnnotations:\n{}", pairs(random, 2, 1, 2)),
    labels,
    images,
    replicas,
    config_map_generator,
    secret_generator,
    generator_options,
    strategic_patches,
    json_patches,
    replacements,
    vars,
    |random, _, _, _| {
        format!(
            "sortOptions:\n  order: {}\n",
            random.pick(&["fifo", "legacy"])
        )
    },
    |_, _, _, _| "buildMetadata: [originAnnotations, managedByLabel]\n".to_owned(),
];

fn fields(
    random: &mut Random,
    files: &mut BTreeMap<String, String>,
    objects: &[Object],
    folder: &str,
    most: usize,
) -> String {
    let chosen: Vec<Field> = random.some(FIELDS, 0, most).into_iter().copied().collect();
    chosen
        .into_iter()
        .map(|field| field(random, files, objects, folder))
        .collect()
}

fn labels(random: &mut Random, _: &mut BTreeMap<String, String>, _: &[Object], _: &str) -> String {
    format!(
        "labels:\n- pairs:\n    tier: {}\n  includeSelectors: {}\n  includeTemplates: {}\n",
        random.pick(NAMES),
        random.chance(50),
        random.chance(50)
    )
}

fn images(random: &mut Random, _: &mut BTreeMap<String, String>, _: &[Object], _: &str) -> String {
    let name = random.pick(&["nginx", "registry.example.com:5000/team/app", "busybox"]);
    let change = random.pick(&[
        "newTag: v9",
        "newTag: \"1.20\"",
        "newName: mirror.example.com/x",
        "digest: sha256:abc",
        "newName: other\n  newTag: latest",
    ]);
    format!("images:\n- name: {name}\n  {change}\n")
}

fn replicas(
    random: &mut Random,
    _: &mut BTreeMap<String, String>,
    objects: &[Object],
    _: &str,
) -> String {
    let scalable: Vec<&Object> = objects
        .iter()
        .filter(|object| matches!(object.kind, "Deployment" | "StatefulSet"))
        .collect();
    let name = match scalable.is_empty() || random.chance(5) {
        true => "nothing-of-this-name",
        false => random.pick(&scalable).name.as_str(),
    };
    format!("replicas:\n- name: {name}\n  count: {}\n", random.below(9))
}

/// A generator's body. Each kind of source appears at most once.
fn generator(random: &mut Random, files: &mut BTreeMap<String, String>, folder: &str) -> String {
    let mut text = String::new();
    if random.chance(60) {
        text += "  literals:\n";
        for key in random.some(&["one", "two", "three"], 1, 3) {
            text += &format!(
                "  - {key}={}\n",
                random.pick(&["1", "yes", "a b", "x=y", "\"q\""])
            );
        }
    }
    if random.chance(40) {
        let content = *random.pick(&[
            "plain\n",
            "no newline",
            "two\nlines\n",
            " lead\ttab\n",
            "",
            "é☃\n",
        ]);
        files.insert(format!("{folder}/content.txt"), content.to_owned());
        text += *random.pick(&[
            "  files:\n  - content.txt\n",
            "  files:\n  - key.md=content.txt\n",
        ]);
    }
    if random.chance(30) {
        files.insert(
            format!("{folder}/vars.env"),
            "A=1\n# comment\nB=two words\nC=\n".to_owned(),
        );
        text += "  envs:\n  - vars.env\n";
    }
    if random.chance(30) {
        text += &format!(
            "  options:\n    disableNameSuffixHash: {}\n    labels:\n      generated: \"true\"\n",
            random.chance(50)
        );
    }
    text
}

fn config_map_generator(
    random: &mut Random,
    files: &mut BTreeMap<String, String>,
    objects: &[Object],
    folder: &str,
) -> String {
    let known = objects.iter().find(|object| object.kind == "ConfigMap");
    let (name, behavior) = match known {
        Some(object) if random.chance(30) => (
            object.name.clone(),
            random.pick(&["  behavior: merge\n", "  behavior: replace\n"]),
        ),
        _ => (format!("{}-{folder}", random.pick(NAMES)), &""),
    };
    let body = generator(random, files, folder);
    format!("configMapGenerator:\n- name: {name}\n{behavior}{body}")
}

fn secret_generator(
    random: &mut Random,
    files: &mut BTreeMap<String, String>,
    _: &[Object],
    folder: &str,
) -> String {
    let body = generator(random, files, folder);
    let kind = random.pick(&["", "  type: kubernetes.io/tls\n"]);
    format!(
        "secretGenerator:\n- name: {}-secret-{folder}\n{kind}{body}",
        random.pick(NAMES)
    )
}

fn generator_options(
    random: &mut Random,
    _: &mut BTreeMap<String, String>,
    _: &[Object],
    _: &str,
) -> String {
    random
        .pick(&[
            "generatorOptions:\n  disableNameSuffixHash: true\n",
            "generatorOptions:\n  immutable: true\n  annotations:\n    note: made\n",
            "generatorOptions:\n  labels:\n    made: \"yes\"\n",
        ])
        .to_string()
}

fn head(object: &Object) -> String {
    let api_version = if object.group.is_empty() {
        object.version.to_owned()
    } else {
        format!("{}/{}", object.group, object.version)
    };
    format!(
        "apiVersion: {api_version}\nkind: {}\nmetadata:\n  name: {}\n",
        object.kind, object.name
    )
}

fn is_workload(object: &Object) -> bool {
    matches!(object.kind, "Deployment" | "StatefulSet" | "DaemonSet")
}

fn strategic_patches(
    random: &mut Random,
    files: &mut BTreeMap<String, String>,
    objects: &[Object],
    folder: &str,
) -> String {
    let object = random.pick(objects);
    let body = if is_workload(object) {
        match random.below(5) {
            0 => "spec:\n  template:\n    spec:\n      containers:\n      - name: main\n        image: patched:1\n        env:\n        - name: ADDED\n          value: \"1\"\n".to_owned(),
            1 => "spec:\n  template:\n    spec:\n      containers:\n      - name: side\n        $patch: delete\n".to_owned(),
            2 => "spec:\n  template:\n    spec:\n      $patch: replace\n      containers:\n      - name: only\n        image: only\n".to_owned(),
            3 => "spec:\n  template:\n    spec:\n      volumes:\n      - name: config\n        emptyDir: {}\n        configMap: null\n      tolerations:\n      - key: dedicated\n        operator: Exists\n".to_owned(),
            _ => "spec:\n  template:\n    spec:\n      containers:\n      - name: main\n        ports:\n        - containerPort: 8080\n          name: web\n        - containerPort: 9090\n".to_owned(),
        }
    } else if object.kind == "ConfigMap" {
        format!("data:\n{}", pairs(random, 2, 1, 2))
    } else {
        match random.below(3) {
            0 => "$patch: delete\n".to_owned(),
            _ => String::new(),
        }
    };
    let mut text = head(object);
    if random.chance(40) {
        text += &format!("  labels:\n    patched: {}\n", random.pick(VALUES));
    }
    text += &body;
    let file = format!("patch-{}.yaml", object.kind.to_lowercase());
    files.insert(format!("{folder}/{file}"), text);
    match random.below(3) {
        0 => format!("patches:\n- path: {file}\n"),
        1 => format!(
            "patches:\n- path: {file}\n  target:\n    kind: {}\n    name: {}\n",
            object.kind,
            random.pick(&[object.name.as_str(), ".*", "w.*|api"])
        ),
        _ => format!("patchesStrategicMerge:\n- {file}\n"),
    }
}

fn json_patches(
    random: &mut Random,
    _: &mut BTreeMap<String, String>,
    objects: &[Object],
    _: &str,
) -> String {
    let object = random.pick(objects);
    let operation = random.pick(&[
        "op: add\n      path: /metadata/annotations\n      value: {by: json}",
        "op: add\n      path: /metadata/labels/x\n      value: \"1\"",
        "op: replace\n      path: /metadata/name\n      value: renamed",
        "op: remove\n      path: /spec",
        "op: test\n      path: /kind\n      value: Deployment",
        "op: add\n      path: /spec/template/spec/containers/-\n      value: {name: third, image: third}",
        "op: replace\n      path: /spec/template/spec/containers/0/image\n      value: first:2",
        "op: copy\n      from: /metadata/name\n      path: /metadata/labels",
        "op: move\n      from: /metadata/labels\n      path: /metadata/annotations",
    ]);
    let target = match random.below(3) {
        0 => format!("kind: {}", object.kind),
        1 => format!("name: {}", object.name),
        _ => "labelSelector: app=web".to_owned(),
    };
    format!("patches:\n- target:\n    {target}\n  patch: |-\n    - {operation}\n")
}

fn replacements(
    random: &mut Random,
    _: &mut BTreeMap<String, String>,
    objects: &[Object],
    _: &str,
) -> String {
    let source = random.pick(objects);
    let workloads: Vec<&Object> = objects
        .iter()
        .filter(|object| is_workload(object))
        .collect();
    let target = match workloads.is_empty() || random.chance(10) {
        true => random.pick(objects),
        false => *random.pick(&workloads),
    };
    let field = random.pick(&["metadata.name", "metadata.labels.app", "kind"]);
    let (path, options) = random.pick(&[
        (
            "metadata.annotations.copied",
            "      options:\n        create: true\n",
        ),
        ("spec.template.spec.containers.[name=main].image", ""),
        ("spec.template.spec.containers.*.image", ""),
        (
            "metadata.labels.app",
            "      options:\n        delimiter: \"-\"\n        index: 0\n",
        ),
        ("metadata.name", ""),
    ]);
    format!(
        "replacements:\n- source:\n    kind: {}\n    name: {}\n    fieldPath: {field}\n  targets:\n  - select:\n      kind: {}\n    fieldPaths:\n    - {path}\n{}",
        source.kind,
        source.name,
        target.kind,
        options
            .replace("      ", "    ")
            .replace("      delim", "      delim")
    )
}

fn vars(
    random: &mut Random,
    _: &mut BTreeMap<String, String>,
    objects: &[Object],
    _: &str,
) -> String {
    let object = random.pick(objects);
    let api_version = if object.group.is_empty() {
        object.version.to_owned()
    } else {
        format!("{}/{}", object.group, object.version)
    };
    format!(
        "vars:\n- name: SOME_NAME\n  objref:\n    apiVersion: {api_version}\n    kind: {}\n    name: {}\n",
        object.kind, object.name
    )
}
