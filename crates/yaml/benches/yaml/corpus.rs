//! A stream of Kubernetes objects as people write them: Deployment, Service, `ConfigMap`, Role and CRD,
//! about 1.4 KB a document. The same every time.

use std::fmt::Write as _;

/// At least `bytes` of documents, and their number.
pub(crate) fn stream(bytes: usize) -> (String, usize) {
    let mut out = String::with_capacity(bytes + 4096);
    let mut count = 0;
    while out.len() < bytes {
        if count > 0 {
            out.push_str("---\n");
        }
        let name = format!("service-{count}");
        match count % 5 {
            0 => deployment(&mut out, &name, count),
            1 => service(&mut out, &name, count),
            2 => config_map(&mut out, &name, count),
            3 => role(&mut out, &name),
            _ => definition(&mut out, &name),
        }
        count += 1;
    }
    (out, count)
}

fn head(out: &mut String, api: &str, kind: &str, name: &str) {
    let _ = write!(
        out,
        "apiVersion: {api}\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: team-a\n  labels:\n    \
         app.kubernetes.io/name: {name}\n    app.kubernetes.io/part-of: hub\n    \
         app.kubernetes.io/managed-by: trueup\n    tier: backend\n  annotations:\n    \
         prometheus.io/scrape: \"true\"\n    prometheus.io/port: '9090'\n    \
         example.com/owner: platform team <platform@example.com>\n"
    );
}

fn deployment(out: &mut String, name: &str, number: usize) {
    head(out, "apps/v1", "Deployment", name);
    let _ = write!(
        out,
        "spec:\n  replicas: {}\n  revisionHistoryLimit: 3\n  selector:\n    matchLabels:\n      \
         app.kubernetes.io/name: {name}\n  template:\n    metadata:\n      labels:\n        \
         app.kubernetes.io/name: {name}\n    spec:\n      serviceAccountName: {name}\n      containers:\n",
        number % 7 + 1
    );
    for container in ["main", "proxy"] {
        let _ = write!(
            out,
            "      - name: {container}\n        image: registry.example.com/team/{container}:v1.{number}.0\n        \
             imagePullPolicy: IfNotPresent\n        args: [\"--port=8080\", \"--log-level=info\"]\n        \
             ports:\n        - containerPort: 8080\n          name: http\n        env:\n        \
             - name: LOG_LEVEL\n          value: info # may be debug\n        - name: POD_NAME\n          \
             valueFrom:\n            fieldRef:\n              fieldPath: metadata.name\n        \
             resources:\n          requests: {{cpu: 100m, memory: 128Mi}}\n          limits:\n            \
             memory: 256Mi\n        readinessProbe:\n          httpGet:\n            path: /healthz\n            \
             port: http\n          periodSeconds: 10\n"
        );
    }
}

fn service(out: &mut String, name: &str, number: usize) {
    head(out, "v1", "Service", name);
    let _ = write!(
        out,
        "spec:\n  type: ClusterIP\n  clusterIP: None\n  sessionAffinity: None\n  selector:\n    \
         app.kubernetes.io/name: {name}\n  ports:\n"
    );
    for port in 0..8 {
        let _ = write!(
            out,
            "  - name: port-{port}\n    port: {}\n    protocol: TCP\n    targetPort: http-{port}\n    \
             appProtocol: kubernetes.io/h2c\n",
            8000 + number % 100 + port
        );
    }
}

fn config_map(out: &mut String, name: &str, number: usize) {
    head(out, "v1", "ConfigMap", name);
    out.push_str("data:\n  application.properties: |\n");
    for line in 0..12 {
        let _ = writeln!(out, "    server.option.{line}=value {line} of {number}");
    }
    out.push_str("  nginx.conf: |\n    server {\n      listen 8080;\n      location / {\n        proxy_pass http://backend:8080;\n      }\n    }\n");
    let _ = write!(
        out,
        "  MODE: production\n  DEBUG: \"false\"\n  MOTD: 'it''s a test'\n  URL: https://{name}.example.com/path?query=1\n  \
         DESCRIPTION: the configuration of a service that has some more words in one line\n"
    );
}

fn role(out: &mut String, name: &str) {
    head(out, "rbac.authorization.k8s.io/v1", "Role", name);
    out.push_str("rules:\n");
    for resource in ["pods", "services", "configmaps", "secrets", "deployments"] {
        let _ = write!(
            out,
            "- apiGroups:\n  - \"\"\n  - apps\n  resources:\n  - {resource}\n  - {resource}/status\n  verbs:\n  \
             - get\n  - list\n  - watch\n  - create\n  - update\n  - patch\n  - delete\n"
        );
    }
}

fn definition(out: &mut String, name: &str) {
    head(
        out,
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        name,
    );
    let _ = write!(
        out,
        "spec:\n  group: example.com\n  scope: Namespaced\n  names:\n    kind: Widget\n    plural: widgets\n  \
         versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      \
         openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n            \
         type: object\n            required: [size, colour]\n            properties:\n"
    );
    for property in ["size", "colour", "weight", "owner", "zone"] {
        let _ = write!(
            out,
            "              {property}:\n                type: string\n                description: The {property} of \
             the widget, as its maker gives it.\n                maxLength: 63\n                \
             minLength: 1\n"
        );
    }
}
