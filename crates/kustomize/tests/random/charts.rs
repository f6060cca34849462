//! Random charts, and random ways to have a kustomization inflate them.

use super::{
    dice::Dice,
    kustomizations::{Files, indent},
};

/// Values as a chart or a user may write them, as lines of a mapping.
const VALUES: [&str; 16] = [
    "replicas: 2\n",
    "replicas: 3\nimage: {repository: nginx, tag: \"1.0\"}\n",
    "image:\n  tag: 1.10\n",
    "image: {repository: reg:5000/app, tag: null}\n",
    "image: null\n",
    "list: [a, b]\n",
    "list:\n- name: x\n  value: 1\n- name: y\n",
    "list: []\n",
    "deep: {a: {b: {c: 1, d: two}}}\n",
    "deep:\n  a:\n    b:\n      c: null\n      e: 1e3\n",
    "deep: {a: text}\n",
    "flag: true\nother: \"true\"\n",
    "flag: yes\nother: 0x10\n",
    "text: |\n  two\n  lines\n",
    "sub: {enabled: true, word: own}\n",
    "global: {g: 1}\nsub: {word: null}\n",
];

const CHARTS: [&str; 3] = ["app", "lib-x", "db"];

/// What the template of every chart prints: all that it is told.
const CONFIG: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-config
  namespace: {{ .Release.Namespace }}
  labels: {{- include "labels" . | nindent 4 }}
data:
  values: {{ toJson .Values | quote }}
  release: "{{ .Release.Service }} {{ .Release.IsInstall }} {{ .Release.Revision }}"
  kube: {{ semverCompare "=1.27.3 || =1.31.0" .Capabilities.KubeVersion.Version | quote }}
  monitors: {{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" | quote }}
  chart: {{ .Chart.Name }}-{{ .Chart.Version }}
"#;

const DEPLOYMENT: &str = r#"{{- if .Values.image }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: {{- include "labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas | default 1 }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      containers:
      - name: main
        image: {{ printf "%s:%v" (.Values.image.repository | default "nginx") (.Values.image.tag | default .Chart.AppVersion) }}
        envFrom: [{configMapRef: {name: {{ .Release.Name }}-config}}]
{{- end }}
"#;

const LABELS: &str = r#"{{- define "labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}
"#;

const SERVICES: &str = r#"{{- range $i, $port := list 80 443 }}
---
# a service of {{ $.Release.Name }}
apiVersion: v1
kind: Service
metadata: {name: "{{ $.Release.Name }}-{{ $i }}"}
spec: {ports: [{port: {{ $port }}}], selector: {app: {{ $.Release.Name }}}}
{{- end }}
"#;

const HOOK: &str = r#"apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-hook
  annotations: {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": "5"}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: busybox}]}}}
"#;

const TEST: &str = r#"apiVersion: v1
kind: Pod
metadata:
  name: "{{ .Release.Name }}-test"
  annotations: {"helm.sh/hook": test}
spec: {restartPolicy: Never, containers: [{name: main, image: busybox, command: [{{ .Values.word | default "true" }}]}]}
"#;

const CRD: &str = r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec: {group: example.com, scope: Namespaced, names: {kind: Widget, plural: widgets}}
";

/// Adds `helmCharts`, the deprecated form of it, or generators that do the same, with the charts themselves.
pub fn field(dice: &mut Dice<'_>, files: &mut Files, dir: &str, out: &mut String) {
    let home = if dice.once_in(4) {
        "vendored"
    } else {
        "charts"
    };
    if dice.once_in(8) {
        old_field(dice, files, dir, out);
        return;
    }
    if home != "charts" || dice.once_in(6) {
        out.push_str(&format!("helmGlobals: {{chartHome: {home}}}\n"));
    }
    let mut list = String::new();
    for index in 0..=dice.few(1) {
        let name = *dice.pick(&[&CHARTS[0], &CHARTS[1], &CHARTS[2]]);
        chart(dice, files, &format!("{dir}/{home}/{name}"), name);
        let entry = entry(dice, files, dir, name, index);
        list.push_str(&format!("- {}", indent(&entry, 2).trim_start()));
    }
    if dice.once_in(6) {
        let name = CHARTS[dice.below(3)];
        chart(dice, files, &format!("{dir}/{home}/{name}"), name);
        let entry = entry(dice, files, dir, name, 7);
        let config = format!(
            "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {{name: inflate}}\nchartHome: {home}\n{entry}"
        );
        out.push_str(&format!("generators:\n- |-\n{}", indent(&config, 2)));
    }
    out.push_str(&format!("helmCharts:\n{list}"));
}

/// `helmChartInflationGenerator`, deprecated.
fn old_field(dice: &mut Dice<'_>, files: &mut Files, dir: &str, out: &mut String) {
    let name = CHARTS[dice.below(3)];
    chart(dice, files, &format!("{dir}/charts/{name}"), name);
    let release = format!("old-{}", dir.len());
    out.push_str(&format!(
        "helmChartInflationGenerator:\n- chartName: {name}\n  releaseName: {release}\n"
    ));
    remember(dice, &release, "");
    if dice.once_in(2) {
        let text = values(dice);
        files.insert(format!("{dir}/old.yaml"), text);
        out.push_str("  values: old.yaml\n");
    }
    if dice.once_in(2) {
        let text = values(dice);
        out.push_str(&format!("  valuesLocal:\n{}", indent(&text, 4)));
        out.push_str(dice.pick(&["", "  valuesMerge: merge\n", "  valuesMerge: replace\n"]));
    }
}

fn values(dice: &mut Dice<'_>) -> String {
    let mut out = String::new();
    for _ in 0..=dice.few(3) {
        let text = VALUES[dice.below(VALUES.len())];
        let key = |line: &str| {
            let top = !line.starts_with([' ', '-']);
            top.then(|| line.split(':').next().unwrap_or_default().to_owned())
        };
        let known: Vec<String> = out.lines().filter_map(key).collect();
        if !text.lines().filter_map(key).any(|key| known.contains(&key)) {
            out.push_str(text);
        }
    }
    out
}

/// One item of `helmCharts`.
fn entry(dice: &mut Dice<'_>, files: &mut Files, dir: &str, name: &str, index: usize) -> String {
    let mut out = format!("name: {name}\n");
    let namespace = *dice.pick(&[&"", &"", &"prod", &"dev"]);
    let release = format!(
        "{}{}-{index}",
        dice.pick(&["rel-", "web", "r.x"]),
        dir.len()
    );
    if dice.once_in(10) {
        out.push_str("version: 1.2.3\n");
    }
    match dice.below(8) {
        0 => {
            out.push_str(&format!(
                "nameTemplate: '{}'\n",
                dice.pick(&[
                    "named",
                    "{{ \"UP\" | lower }}",
                    "{{ printf \"%s-%d\" \"n\" 3 }}"
                ])
            ));
        }
        1 => out.push_str(&format!("releaseName: {release}\nnameTemplate: over\n")),
        _ => {
            out.push_str(&format!("releaseName: {release}\n"));
            remember(dice, &release, namespace);
        }
    }
    if !namespace.is_empty() {
        out.push_str(&format!("namespace: {namespace}\n"));
    }
    if dice.once_in(2) {
        let text = values(dice);
        out.push_str(&format!("valuesInline:\n{}", indent(&text, 2)));
    }
    if dice.once_in(3) {
        let text = values(dice);
        files.insert(format!("{dir}/values-{index}.yaml"), text);
        out.push_str(&format!("valuesFile: values-{index}.yaml\n"));
    }
    out.push_str(dice.pick(&[
        "",
        "",
        "valuesMerge: override\n",
        "valuesMerge: merge\n",
        "valuesMerge: replace\n",
    ]));
    if dice.once_in(3) {
        let mut names = Vec::new();
        for more in 0..=dice.few(1) {
            let text = values(dice);
            files.insert(format!("{dir}/more-{index}-{more}.yaml"), text);
            names.push(format!("more-{index}-{more}.yaml"));
        }
        out.push_str(&format!("additionalValuesFiles: [{}]\n", names.join(", ")));
    }
    for flag in ["includeCRDs", "skipHooks", "skipTests"] {
        if dice.once_in(3) {
            out.push_str(&format!("{flag}: true\n"));
        }
    }
    if dice.once_in(4) {
        out.push_str(dice.pick(&[
            "apiVersions: [monitoring.coreos.com/v1]\n",
            "apiVersions:\n- example.com/v1/Widget\n- monitoring.coreos.com/v1\n",
        ]));
    }
    if dice.once_in(4) {
        out.push_str(dice.pick(&["kubeVersion: 1.27.3\n", "kubeVersion: v1.31.0\n"]));
    }
    out
}

/// Objects that every chart has.
fn remember(dice: &mut Dice<'_>, release: &str, namespace: &str) {
    let namespace = if namespace.is_empty() {
        "default"
    } else {
        namespace
    };
    dice.remember("ConfigMap", "v1", &format!("{release}-config"), namespace);
}

/// Writes a chart, unless it is there.
fn chart(dice: &mut Dice<'_>, files: &mut Files, folder: &str, name: &str) {
    if files.contains_key(&format!("{folder}/Chart.yaml")) {
        return;
    }
    let mut head = format!("apiVersion: v2\nname: {name}\nversion: 1.2.3\nappVersion: \"0.9\"\n");
    let mut add = |path: &str, text: &str| {
        files.insert(format!("{folder}/{path}"), text.to_owned());
    };
    add("templates/_helpers.tpl", LABELS);
    add("templates/config.yaml", CONFIG);
    if !dice.once_in(3) {
        add("templates/deployment.yaml", DEPLOYMENT);
    }
    if dice.once_in(3) {
        add("templates/services.yaml", SERVICES);
    }
    if dice.once_in(3) {
        add("templates/hook.yaml", HOOK);
    }
    if dice.once_in(3) {
        add("templates/tests/test.yaml", TEST);
    }
    if dice.once_in(3) {
        add("crds/widgets.yaml", CRD);
    }
    if dice.once_in(4) {
        add(
            "templates/NOTES.txt",
            "Have fun with {{ .Release.Name }}.\n",
        );
    }
    if dice.once_in(4) {
        head.push_str("dependencies:\n- {name: sub, version: \"*\", condition: sub.enabled}\n");
        add(
            "charts/sub/Chart.yaml",
            "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
        );
        add("charts/sub/values.yaml", "word: sub\n");
        add(
            "charts/sub/templates/secret.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: sub}\nstringData: {values: {{ toJson .Values | quote }}}\n",
        );
    }
    add("Chart.yaml", &head);
    let text = if dice.once_in(12) {
        String::new()
    } else {
        values(dice)
    };
    files.insert(format!("{folder}/values.yaml"), text);
}
