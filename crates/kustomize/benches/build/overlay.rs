//! An overlay over a base of N objects, as `gen_overlay.py` of the conformance corpus makes it, in
//! memory: Deployments, Services and config maps in a file each, namespace, prefix, labels, images,
//! patches, and generated config maps that the Deployments refer to.

use std::fmt::Write as _;

use trueup_manifest::{MemoryTree, TreePath};

/// The tree and the overlay in it.
pub(crate) fn tree(objects: usize) -> (MemoryTree, TreePath) {
    let mut tree = MemoryTree::new();
    let mut add = |path: &str, text: &str| tree.add(path, text).expect("the path is plain");
    let generated = (objects / 20).max(1);
    let mut base = "resources:\n".to_owned();
    for number in 0..objects - generated {
        let (kind, text) = match number % 3 {
            0 => ("deployment", deployment(number, number % generated)),
            1 => ("service", service(number)),
            _ => ("configmap", config_map(number)),
        };
        let name = format!("{kind}-{number}.yaml");
        add(&format!("base/{name}"), &text);
        let _ = writeln!(base, "- {name}");
    }
    add("base/kustomization.yaml", &base);
    let mut overlay = "namespace: perf\nnamePrefix: perf-\nresources: [../base]\nlabels:\n- pairs: {team: perf, env: test}\n  includeSelectors: true\n\
        images:\n- {name: registry.example.com/team/app, newName: mirror.local/app, newTag: '9.9'}\npatches:\n\
        - patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: app-0}\n    spec: {replicas: 3}\n\
        - target: {kind: Deployment, name: app-0}\n  patch: |-\n    - {op: add, path: /spec/template/metadata/annotations, value: {patched: 'yes'}}\n\
        configMapGenerator:\n"
        .to_owned();
    for number in 0..generated {
        let _ = writeln!(
            overlay,
            "- {{name: gen-{number}, literals: [INDEX={number}, MODE=generated]}}"
        );
    }
    add("overlay/kustomization.yaml", &overlay);
    (tree, TreePath::new("overlay").expect("the path is plain"))
}

fn deployment(number: usize, generated: usize) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  labels:\n    app: app-{number}\nspec:\n  \
         replicas: 1\n  selector:\n    matchLabels:\n      app: app-{number}\n  template:\n    metadata:\n      labels:\n        \
         app: app-{number}\n    spec:\n      containers:\n      - name: main\n        \
         image: registry.example.com/team/app:1.0\n        args: [\"--port=8080\", \"--name=app-{number}\"]\n        \
         ports:\n        - containerPort: 8080\n          name: http\n        envFrom:\n        - configMapRef:\n            \
         name: gen-{generated}\n        env:\n        - name: INDEX\n          value: \"{number}\"\n        resources:\n          \
         requests: {{cpu: 10m, memory: 32Mi}}\n          limits: {{cpu: 100m, memory: 64Mi}}\n"
    )
}

fn service(number: usize) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: app-{number}\nspec:\n  selector:\n    app: app-{number}\n  ports:\n  \
         - name: http\n    port: 80\n    targetPort: http\n"
    )
}

fn config_map(number: usize) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: conf-{number}\ndata:\n  app.properties: |\n    index={number}\n    \
         colour=green\n  mode: \"on\"\n"
    )
}
