//! Random objects that refer to one another, as text.

use crate::random::Random;

pub(crate) const NAMES: &[&str] = &["web", "api", "db", "cache"];
pub(crate) const NAMESPACES: &[&str] = &["hub", "jobs"];

/// Values that a careless printer or reader takes for something else.
pub(crate) const VALUES: &[&str] = &[
    "plain",
    "\"true\"",
    "\"yes\"",
    "'0777'",
    "\"1e3\"",
    "\"\"",
    "'null'",
    "\"1_000\"",
    "\"12:30:45\"",
    "'2001-01-01'",
    "\"0x1f\"",
    "'- dash'",
    "'#hash'",
    "\" lead\"",
    "\"trail \"",
    "'a: b'",
    "\"tab\\there\"",
    "\"line\\nbreak\"",
    "\"line\\nbreak\\n\"",
    "'it''s'",
    "\"sn\\u00f6 \\u2603\"",
    "'{curly}'",
    "'*star'",
    "'!bang'",
    "'%percent'",
    "'@at'",
    "\"~\"",
    "\".5\"",
    "'+1'",
];

pub(crate) struct Object {
    pub(crate) kind: &'static str,
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) name: String,
    pub(crate) text: String,
}

/// One object of a random kind. Workloads and bindings refer to others by the names in [`NAMES`].
pub(crate) fn object(random: &mut Random) -> Object {
    let name = (*random.pick(NAMES)).to_owned();
    let (kind, group, version, body): (_, _, _, String) = match random.below(13) {
        0 | 1 => (
            "Deployment",
            "apps",
            "v1",
            workload(random, &name, "replicas: 2\n"),
        ),
        2 => {
            let extra = format!("serviceName: {}\n{}", random.pick(NAMES), claims(random));
            ("StatefulSet", "apps", "v1", workload(random, &name, &extra))
        }
        3 => ("DaemonSet", "apps", "v1", workload(random, &name, "")),
        4 | 5 => ("Service", "", "v1", service(random, &name)),
        6 => (
            "ConfigMap",
            "",
            "v1",
            format!("data:\n{}", pairs(random, 2, 1, 4)),
        ),
        7 => (
            "Secret",
            "",
            "v1",
            format!("type: Opaque\nstringData:\n{}", pairs(random, 2, 1, 3)),
        ),
        8 => ("ServiceAccount", "", "v1", String::new()),
        9 => (
            "RoleBinding",
            "rbac.authorization.k8s.io",
            "v1",
            binding(random),
        ),
        10 => ("Role", "rbac.authorization.k8s.io", "v1", role(random)),
        11 => ("CronJob", "batch", "v1", cron_job(random)),
        _ => (
            "HorizontalPodAutoscaler",
            "autoscaling",
            "v2",
            autoscaler(random),
        ),
    };
    let api_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let mut metadata = format!("  name: {name}\n");
    if random.chance(25) {
        metadata += &format!("  namespace: {}\n", random.pick(NAMESPACES));
    }
    if random.chance(40) {
        metadata += &format!("  labels:\n    app: {}\n", random.pick(NAMES));
    }
    if random.chance(25) {
        metadata += &format!("  annotations:\n{}", pairs(random, 4, 1, 2));
    }
    let text = format!("apiVersion: {api_version}\nkind: {kind}\nmetadata:\n{metadata}{body}");
    Object {
        kind,
        group,
        version,
        name,
        text,
    }
}

/// `count` lines `key: value` of awkward values, indented.
pub(crate) fn pairs(random: &mut Random, indent: usize, least: usize, most: usize) -> String {
    const KEYS: &[&str] = &["alpha", "beta", "a.b/c", "UPPER_CASE", "file.txt", "z"];
    let keys: Vec<&str> = random
        .some(KEYS, least, most)
        .into_iter()
        .copied()
        .collect();
    keys.iter()
        .map(|key| format!("{:indent$}{key}: {}\n", "", random.pick(VALUES)))
        .collect()
}

fn indented(text: &str, by: usize) -> String {
    text.lines()
        .map(|line| format!("{:by$}{line}\n", ""))
        .collect()
}

fn pod_spec(random: &mut Random) -> String {
    let mut spec = String::new();
    if random.chance(40) {
        spec += &format!("serviceAccountName: {}\n", random.pick(NAMES));
    }
    spec += "containers:\n";
    for container in random.some(&["main", "side"], 1, 2) {
        let image = random.pick(&[
            "nginx",
            "nginx:1.25",
            "registry.example.com:5000/team/app:v1",
            "busybox@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ]);
        spec += &format!("- name: {container}\n  image: {image}\n");
        if random.chance(40) {
            spec += &format!(
                "  env:\n  - name: FROM_MAP\n    valueFrom:\n      configMapKeyRef:\n        name: {}\n        key: alpha\n  - name: PLAIN\n    value: {}\n",
                random.pick(NAMES),
                random.pick(VALUES)
            );
        }
        if random.chance(30) {
            spec += &format!(
                "  envFrom:\n  - secretRef:\n      name: {}\n",
                random.pick(NAMES)
            );
        }
        if random.chance(40) {
            spec += "  ports:\n  - containerPort: 8080\n    name: http\n  - containerPort: 8443\n    protocol: TCP\n";
        }
        if random.chance(30) {
            spec += "  resources:\n    limits: {cpu: 500m, memory: 1Gi}\n    requests:\n      cpu: 0.1\n";
        }
        if random.chance(20) {
            spec += "  command: [sh, -c, \"echo hello; sleep 1\"]\n";
        }
    }
    if random.chance(40) {
        spec += &format!(
            "volumes:\n- name: config\n  configMap:\n    name: {}\n",
            random.pick(NAMES)
        );
        if random.chance(50) {
            spec += &format!(
                "- name: hidden\n  secret:\n    secretName: {}\n",
                random.pick(NAMES)
            );
        }
        if random.chance(30) {
            spec += "- name: scratch\n  emptyDir: {}\n";
        }
    }
    spec
}

fn workload(random: &mut Random, name: &str, extra: &str) -> String {
    format!(
        "spec:\n{}  selector:\n    matchLabels:\n      app: {name}\n  template:\n    metadata:\n      labels:\n        app: {name}\n    spec:\n{}",
        indented(extra, 2),
        indented(&pod_spec(random), 6)
    )
}

fn claims(random: &mut Random) -> String {
    if random.chance(50) {
        return String::new();
    }
    "volumeClaimTemplates:\n- metadata:\n    name: data\n  spec:\n    accessModes: [ReadWriteOnce]\n    resources:\n      requests:\n        storage: 10Gi\n".to_owned()
}

fn service(random: &mut Random, name: &str) -> String {
    let kind = random.pick(&["", "  type: NodePort\n", "  clusterIP: None\n"]);
    format!(
        "spec:\n{kind}  selector:\n    app: {name}\n  ports:\n  - port: 80\n    targetPort: http\n    name: http\n"
    )
}

fn binding(random: &mut Random) -> String {
    let namespace = if random.chance(50) {
        format!("  namespace: {}\n", random.pick(NAMESPACES))
    } else {
        String::new()
    };
    format!(
        "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: Role\n  name: {}\nsubjects:\n- kind: ServiceAccount\n  name: {}\n{namespace}",
        random.pick(NAMES),
        random.pick(NAMES)
    )
}

fn role(random: &mut Random) -> String {
    format!(
        "rules:\n- apiGroups: [\"\"]\n  resources: [pods, secrets]\n  resourceNames: [{}]\n  verbs: [get, list]\n",
        random.pick(NAMES)
    )
}

fn cron_job(random: &mut Random) -> String {
    format!(
        "spec:\n  schedule: \"*/5 * * * *\"\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: Never\n{}",
        indented(&pod_spec(random), 10)
    )
}

fn autoscaler(random: &mut Random) -> String {
    format!(
        "spec:\n  minReplicas: 1\n  maxReplicas: 5\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: {}\n",
        random.pick(NAMES)
    )
}
