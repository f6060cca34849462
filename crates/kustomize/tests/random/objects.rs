//! Random objects.

use super::{dice::Dice, styles};

pub const NAMES: [&str; 9] = [
    "web", "db", "cfg", "sa", "x-1", "default", "api", "c2", "d3",
];
pub const NAMESPACES: [&str; 4] = ["", "prod", "default", "dev"];

/// Kind, `apiVersion` and whether it is a workload.
pub const KINDS: [(&str, &str); 32] = [
    ("ConfigMap", "v1"),
    ("Deployment", "apps/v1"),
    ("Service", "v1"),
    ("Secret", "v1"),
    ("StatefulSet", "apps/v1"),
    ("CronJob", "batch/v1"),
    ("Pod", "v1"),
    ("Job", "batch/v1"),
    ("DaemonSet", "apps/v1"),
    ("Namespace", "v1"),
    ("ServiceAccount", "v1"),
    ("ClusterRole", "rbac.authorization.k8s.io/v1"),
    ("ClusterRoleBinding", "rbac.authorization.k8s.io/v1"),
    ("RoleBinding", "rbac.authorization.k8s.io/v1"),
    ("Role", "rbac.authorization.k8s.io/v1"),
    ("Ingress", "networking.k8s.io/v1"),
    ("HorizontalPodAutoscaler", "autoscaling/v2"),
    ("PersistentVolumeClaim", "v1"),
    ("PersistentVolume", "v1"),
    ("CustomResourceDefinition", "apiextensions.k8s.io/v1"),
    ("Widget", "example.com/v1alpha1"),
    (
        "ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1",
    ),
    ("APIService", "apiregistration.k8s.io/v1"),
    ("NetworkPolicy", "networking.k8s.io/v1"),
    ("PodDisruptionBudget", "policy/v1"),
    ("ReplicationController", "v1"),
    ("Widget", "example.com/v1alpha1"),
    (
        "MutatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1",
    ),
    ("StorageClass", "storage.k8s.io/v1"),
    ("ReplicaSet", "apps/v1"),
    ("ConfigMapList", "v1"),
    ("PodTemplate", "v1"),
];

pub fn name(dice: &mut Dice<'_>) -> &'static str {
    NAMES[dice.below(NAMES.len())]
}

/// A scalar as it may be written, of any type.
pub fn scalar(dice: &mut Dice<'_>) -> String {
    const PLAIN: [&str; 44] = [
        "a",
        "\"\"",
        "1",
        "true",
        "yes",
        "\"yes\"",
        "'1'",
        "null",
        "~",
        "1.5",
        "1.0",
        "1e3",
        "0x1F",
        "017",
        "0o17",
        "1_000",
        "-7",
        "+3",
        ".5",
        "2001-01-01",
        "2001-12-14t21:59:43.10-05:00",
        "12:30",
        "\"a\\tb\"",
        "'it''s'",
        "http://x.y/z?a=b&c",
        "a b",
        "é",
        "\"\\u263A\"",
        "\"#no comment\"",
        "on",
        "n",
        "=",
        "0.0",
        "-0",
        "9007199254740993",
        "12345678901234567890",
        "1e21",
        "1e-7",
        "$(VAR)",
        "x:y",
        "a  # comment",
        "!!str 5",
        "TRUE",
        "\"line\\nbreak\"",
    ];
    PLAIN[dice.below(PLAIN.len())].to_owned()
}

/// A string for sure, as labels need it.
pub fn string(dice: &mut Dice<'_>) -> String {
    const STRINGS: [&str; 12] = [
        "a",
        "b",
        "\"1\"",
        "\"true\"",
        "'null'",
        "\"\"",
        "v1",
        "x.y/z",
        "\"yes\"",
        "\"0x1\"",
        "a-b",
        "\"2001-01-01\"",
    ];
    STRINGS[dice.below(STRINGS.len())].to_owned()
}

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

fn labels(dice: &mut Dice<'_>, most: usize) -> String {
    let mut out = String::new();
    for key in ["app", "tier", "a.b/c"].iter().take(dice.few(most)) {
        out.push_str(&format!("{key}: {}\n", string(dice)));
    }
    out
}

fn metadata(dice: &mut Dice<'_>, name: &str, namespace: &str) -> String {
    let mut out = format!("name: {name}\n");
    if !namespace.is_empty() {
        out.push_str(&format!("namespace: {namespace}\n"));
    }
    for field in ["labels", "annotations"] {
        match dice.below(8) {
            0..=3 => {}
            4 => out.push_str(&format!("{field}: {{}}\n")),
            5 => out.push_str(&format!("{field}:\n")),
            _ => {
                let map = if field == "annotations" && dice.once_in(8) {
                    dice.pick(&[
                        "config.kubernetes.io/local-config: \"true\"\n",
                        "kustomize.config.k8s.io/needs-hash: \"true\"\n",
                        "kustomize.config.k8s.io/behavior: create\n",
                        "kustomize.config.k8s.io/needs-hash: \"true\"\nkustomize.config.k8s.io/behavior: create\n",
                        "config.kubernetes.io/origin: x\n",
                        "internal.config.kubernetes.io/index: \"5\"\n",
                        "config.kubernetes.io/index: \"3\"\nconfig.kubernetes.io/path: a.yaml\n",
                    ])
                    .to_owned()
                } else if field == "annotations" {
                    format!("note: {}\nother: {}\n", scalar(dice), string(dice))
                } else {
                    labels(dice, 3)
                };
                if !map.is_empty() {
                    out.push_str(&format!("{field}:\n{}", indent(&map, 2)));
                }
            }
        }
    }
    if dice.once_in(12) {
        out.push_str("creationTimestamp: null\n");
    }
    out
}

fn reference(dice: &mut Dice<'_>, kind: &str) -> String {
    match kind {
        "ConfigMap" => format!("configMapRef: {{name: {}}}", name(dice)),
        _ => format!("secretRef: {{name: {}}}", name(dice)),
    }
}

fn container(dice: &mut Dice<'_>, name_of: &str) -> String {
    const IMAGES: [&str; 7] = [
        "nginx",
        "nginx:1.2",
        "reg:5000/nginx@sha256:ab12",
        "reg/app:v1",
        "'app'",
        "reg/app:v1@sha256:ff",
        "app-x:1",
    ];
    let mut out = format!("name: {name_of}\n");
    if !dice.once_in(6) {
        out.push_str(&format!("image: {}\n", IMAGES[dice.below(IMAGES.len())]));
    }
    match dice.below(5) {
        0 | 1 => {}
        2 => out.push_str(&format!("args: [{}, \"$(VAR)\"]\n", string(dice))),
        3 => out.push_str("command:\n- sh\n- -c\n- |\n  echo $(VAR)\n  exit 0\n"),
        _ => out.push_str("args: null\n"),
    }
    if dice.once_in(3) {
        out.push_str("env:\n");
        for key in ["A", "B", "A"].iter().take(1 + dice.few(2)) {
            match dice.below(3) {
                0 => out.push_str(&format!("- name: {key}\n  value: {}\n", string(dice))),
                1 => out.push_str(&format!(
                    "- name: {key}\n  valueFrom:\n    configMapKeyRef: {{name: {}, key: k}}\n",
                    name(dice)
                )),
                _ => out.push_str(&format!("- name: {key}\n  value: \"$(VAR) $$(X)\"\n")),
            }
        }
    }
    if dice.once_in(3) {
        let kind = *dice.pick(&[&"ConfigMap", &"Secret"]);
        out.push_str(&format!("envFrom:\n- {}\n", reference(dice, kind)));
    }
    if dice.once_in(3) {
        out.push_str("ports:\n");
        for _ in 0..=dice.few(2) {
            out.push_str(&format!("- containerPort: {}\n", 80 + dice.below(3)));
            match dice.below(4) {
                0 => {}
                1 => out.push_str("  protocol: UDP\n"),
                2 => out.push_str("  protocol: TCP\n"),
                _ => out.push_str("  name: http\n"),
            }
        }
    }
    if dice.once_in(4) {
        out.push_str("volumeMounts:\n- name: v\n  mountPath: /v\n");
    }
    if dice.once_in(5) {
        out.push_str(&format!(
            "resources: {{limits: {{cpu: {}, memory: 64Mi}}}}\n",
            dice.pick(&["1", "\"1\"", "0.5", "100m"])
        ));
    }
    out
}

fn list_of(items: &[String]) -> String {
    let bodies = items.iter().map(|item| indent(item, 2));
    bodies.fold(String::new(), |out, body| {
        out + "- " + body.strip_prefix("  ").unwrap_or(&body)
    })
}

/// A pod's spec.
pub fn pod_spec(dice: &mut Dice<'_>) -> String {
    let mut out = String::new();
    let containers: Vec<String> = ["main", "side"]
        .iter()
        .take(1 + dice.few(1))
        .map(|name| container(dice, name))
        .collect();
    out.push_str(&format!("containers:\n{}", list_of(&containers)));
    if dice.once_in(6) {
        out.push_str(&format!(
            "initContainers:\n{}",
            list_of(&[container(dice, "init")])
        ));
    }
    if dice.once_in(3) {
        out.push_str(&format!("serviceAccountName: {}\n", name(dice)));
    }
    if dice.once_in(3) {
        out.push_str("volumes:\n");
        out.push_str(match dice.below(4) {
            0 => "- name: v\n  emptyDir: {}\n",
            1 => "- name: v\n  configMap: {name: cfg}\n",
            2 => "- name: v\n  secret:\n    secretName: web\n",
            _ => "- name: v\n  projected:\n    sources:\n    - configMap: {name: cfg}\n    - secret: {name: db}\n",
        });
    }
    if dice.once_in(6) {
        out.push_str("imagePullSecrets: [{name: web}]\n");
    }
    if dice.once_in(6) {
        out.push_str("tolerations:\n- key: a\n  operator: Exists\n- key: b\n");
    }
    if dice.once_in(8) {
        out.push_str("affinity:\n  podAntiAffinity:\n    requiredDuringSchedulingIgnoredDuringExecution:\n    - topologyKey: h\n      labelSelector: {matchLabels: {app: a}}\n");
    }
    if dice.once_in(10) {
        out.push_str("nodeSelector:\n");
    }
    out
}

fn template(dice: &mut Dice<'_>) -> String {
    let mut out = String::new();
    match dice.below(4) {
        0 => {}
        1 => out.push_str("metadata:\n  creationTimestamp: null\n"),
        _ => {
            let map = labels(dice, 2);
            if !map.is_empty() {
                out.push_str(&format!("metadata:\n  labels:\n{}", indent(&map, 4)));
            }
        }
    }
    out.push_str(&format!("spec:\n{}", indent(&pod_spec(dice), 2)));
    out
}

fn body(dice: &mut Dice<'_>, kind: &str) -> String {
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicationController" | "ReplicaSet" => {
            let mut out = "spec:\n".to_owned();
            if dice.once_in(2) {
                out.push_str(&format!("  replicas: {}\n", dice.pick(&["1", "2", "\"3\"", "null"])));
            }
            if dice.once_in(2) && kind != "ReplicationController" {
                out.push_str("  selector: {matchLabels: {app: a}}\n");
            }
            if kind == "StatefulSet" && dice.once_in(2) {
                out.push_str("  serviceName: web\n  volumeClaimTemplates:\n  - metadata: {name: d}\n    spec: {storageClassName: x-1}\n");
            }
            out.push_str(&format!("  template:\n{}", indent(&template(dice), 4)));
            out
        }
        "Job" => format!("spec:\n  template:\n{}", indent(&template(dice), 4)),
        "CronJob" => format!(
            "spec:\n  schedule: \"* * * * *\"\n  jobTemplate:\n    spec:\n      template:\n{}",
            indent(&template(dice), 8)
        ),
        "Pod" => format!("spec:\n{}", indent(&pod_spec(dice), 2)),
        "Service" => format!(
            "spec:\n  selector: {{app: a}}\n  ports:\n  - port: 80\n    targetPort: {}\n  - port: {}\n    name: b\n",
            dice.pick(&["http", "8080", "\"8080\""]),
            81 + dice.below(2)
        ),
        "ConfigMap" | "Secret" => {
            let mut out = String::new();
            match dice.below(6) {
                0 => {}
                1 => out.push_str("data: {}\n"),
                2 => out.push_str("data:\n"),
                3 => out.push_str("data:\n  conf.yaml: |\n    a: 1\n    b: [x, y]\n    # note\n    c: {d: e}\n  j: '{\"a\": {\"b\": 1}}'\n"),
                _ => out.push_str(&format!("data:\n  k: {}\n  l: {}\n", string(dice), scalar(dice))),
            }
            if dice.once_in(6) {
                out.push_str("immutable: true\n");
            }
            out
        }
        "RoleBinding" | "ClusterRoleBinding" => {
            let role = *dice.pick(&[&"Role", &"ClusterRole"]);
            let mut out = format!(
                "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {role}, name: {}}}\nsubjects:\n",
                name(dice)
            );
            for _ in 0..=dice.few(2) {
                out.push_str(&format!("- kind: ServiceAccount\n  name: {}\n", name(dice)));
                if dice.once_in(2) {
                    out.push_str(&format!("  namespace: {}\n", dice.pick(&["prod", "dev", "default"])));
                }
            }
            out
        }
        "Role" | "ClusterRole" => {
            "rules:\n- apiGroups: ['']\n  resources: [configmaps]\n  resourceNames: [cfg, web]\n".to_owned()
        }
        "Ingress" if dice.once_in(3) => "metadata2: x\nspec:\n  defaultBackend: {service: {name: api}}\n  ingressClassName: web\n  rules:\n  - host: $(VAR).x\n    http: {paths: [{path: /, backend: {serviceName: web, servicePort: 80}}]}\n".to_owned(),
        "Ingress" => "spec:\n  tls: [{secretName: web, hosts: [\"$(VAR)\"]}]\n  rules:\n  - http:\n      paths:\n      - backend: {service: {name: web, port: {number: 80}}}\n".to_owned(),
        "HorizontalPodAutoscaler" => "spec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n".to_owned(),
        "PersistentVolumeClaim" => "spec: {volumeName: db, storageClassName: x-1}\n".to_owned(),
        "CustomResourceDefinition" => "spec:\n  group: example.com\n  names: {kind: Widget, plural: widgets}\n  conversion: {webhook: {clientConfig: {service: {name: web, namespace: prod}}}}\n".to_owned(),
        "PodTemplate" => format!("template:\n{}", indent(&template(dice), 2)),
        "ConfigMapList" => format!(
            "items:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {{name: in-list-{}}}\n  data: {{k: {}}}\n",
            dice.below(9),
            string(dice)
        ),
        "StorageClass" => "provisioner: x\nparameters: {csi.storage.k8s.io/provisioner-secret-name: web}\n".to_owned(),
        "ServiceAccount" => dice
            .pick(&["", "secrets: [{name: web}, {name: db}]\n", "imagePullSecrets:\n- name: cfg\n"])
            .to_owned(),
        "PersistentVolume" => dice
            .pick(&["", "spec: {claimRef: {name: db, namespace: prod}, storageClassName: x-1, csi: {nodePublishSecretRef: {name: web, namespace: prod}}}\n"])
            .to_owned(),
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" if dice.once_in(2) => format!(
            "webhooks:\n- name: a.b.c\n  clientConfig: {{service: {{name: {}, namespace: {}}}}}\n- name: d.e.f\n  clientConfig: {{url: 'https://x'}}\n",
            name(dice),
            NAMESPACES[1 + dice.below(3)]
        ),
        "MutatingWebhookConfiguration" => "webhooks: []\n".to_owned(),
        "ValidatingWebhookConfiguration" => "webhooks:\n- name: a.b.c\n  clientConfig: {service: {name: web, namespace: prod}}\n".to_owned(),
        "APIService" => "spec: {service: {name: web, namespace: prod}}\n".to_owned(),
        "NetworkPolicy" => "spec:\n  podSelector: {matchLabels: {app: a}}\n  ingress: [{from: [{podSelector: {matchLabels: {app: b}}}]}]\n".to_owned(),
        "PodDisruptionBudget" => "spec: {selector: {matchLabels: {app: a}}}\n".to_owned(),
        "Widget" => {
            let mut out = "spec:\n".to_owned();
            for key in ["a", "b", "list", "nested"].iter().take(1 + dice.few(3)) {
                match *key {
                    "list" => out.push_str(&format!("  list: [{}, {{name: n, v: {}}}]\n", string(dice), string(dice))),
                    "nested" => out.push_str(&format!("  nested:\n    apiVersion: apps/v1\n    kind: Deployment\n    spec:\n      template:\n        spec:\n{}", indent(&pod_spec(dice), 10))),
                    key => out.push_str(&format!("  {key}: {}\n", scalar(dice))),
                }
            }
            for _ in 0..dice.few(2) {
                let odd = styles::oddities(dice);
                let key = odd.split(':').next().unwrap_or_default().to_owned();
                if !out.contains(&format!("{key}:")) {
                    out.push_str(&odd);
                }
            }
            out
        }
        _ => String::new(),
    }
}

/// One object.
pub fn object(dice: &mut Dice<'_>) -> String {
    let (kind, version) = KINDS[dice.below(KINDS.len())];
    let mut name = name(dice);
    // Mostly names that are free.
    while dice.knows(kind, name) && !dice.once_in(6) {
        name = NAMES[dice.below(NAMES.len())];
    }
    let mut out = String::new();
    if dice.once_in(10) {
        out.push_str("# a comment\n");
    }
    out.push_str(&format!("apiVersion: {version}\nkind: {kind}\nmetadata:\n"));
    let namespace = if dice.once_in(2) {
        NAMESPACES[dice.below(NAMESPACES.len())]
    } else {
        ""
    };
    out.push_str(&indent(&metadata(dice, name, namespace), 2));
    out.push_str(&body(dice, kind));
    dice.remember(kind, version, name, namespace);
    out
}

/// A file of objects.
pub fn file(dice: &mut Dice<'_>) -> String {
    let count = 1 + dice.few(2);
    let objects: Vec<String> = (0..count).map(|_| object(dice)).collect();
    if dice.once_in(15) {
        return format!("apiVersion: v1\nkind: List\nitems:\n{}", list_of(&objects));
    }
    objects.join("---\n")
}
