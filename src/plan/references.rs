//! What an object names that must be there before it: namespaces, accounts, volumes, roles, classes.

use super::{action::Gate, view::View};

/// Something that an object needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    pub group: &'a str,
    pub kind: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
    pub gate: Gate,
    /// Whether the object cannot exist without it. A loop of references that can wait is broken, one
    /// of such that cannot is an error.
    pub strong: bool,
    pub why: &'static str,
}

impl<'a> Reference<'a> {
    fn weak(
        group: &'a str,
        kind: &'a str,
        namespace: &'a str,
        name: &'a str,
        why: &'static str,
    ) -> Self {
        Self {
            group,
            kind,
            namespace,
            name,
            gate: Gate::Applied,
            strong: false,
            why,
        }
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";

/// What an object names. `namespace` is its own.
pub(super) fn references<'a, V: View<'a>>(
    object: V,
    group: &str,
    kind: &str,
    namespace: &'a str,
) -> Vec<Reference<'a>> {
    let mut found = Found {
        namespace,
        references: Vec::new(),
    };
    if !namespace.is_empty() {
        let reference =
            Reference::weak("", "Namespace", "", namespace, "it lives in the namespace");
        found.references.push(Reference {
            strong: true,
            ..reference
        });
    }
    match (group, kind) {
        (RBAC, "RoleBinding" | "ClusterRoleBinding") => found.binding(object),
        ("", "ServiceAccount") => found.account(object),
        ("", "Secret") => found.token(object),
        ("", "PersistentVolumeClaim") => found.claim(object.get("spec")),
        ("networking.k8s.io", "Ingress") => found.ingress(object),
        ("autoscaling", _) => found.scaled(object),
        ("admissionregistration.k8s.io", _) => found.admission(object),
        ("apiregistration.k8s.io", "APIService") => {
            found.service(
                object.at(&["spec", "service"]),
                "it is served by the Service",
            );
        }
        _ => {
            if let Some(pod) = pod_spec(object, kind) {
                found.pod(pod);
                found.stateful(object);
            } else if group.contains('.') && !group.ends_with(".k8s.io") {
                found.custom(object.get("spec"), 0);
            }
        }
    }
    found.references
}

/// The pod that a workload runs.
pub(super) fn pod_spec<'a, V: View<'a>>(object: V, kind: &str) -> Option<V> {
    pod(object, kind)?.get("spec")
}

/// The pod's metadata and spec in a workload.
pub(super) fn pod<'a, V: View<'a>>(object: V, kind: &str) -> Option<V> {
    match kind {
        "Pod" => Some(object),
        "Deployment"
        | "ReplicaSet"
        | "StatefulSet"
        | "DaemonSet"
        | "Job"
        | "ReplicationController" => object.at(&["spec", "template"]),
        "CronJob" => object.at(&["spec", "jobTemplate", "spec", "template"]),
        "PodTemplate" => object.get("template"),
        _ => None,
    }
}

struct Found<'a> {
    namespace: &'a str,
    references: Vec<Reference<'a>>,
}

impl<'a> Found<'a> {
    /// A reference to an object in the same namespace.
    fn here(&mut self, group: &'a str, kind: &'a str, name: &'a str, why: &'static str) {
        if !name.is_empty() {
            self.references
                .push(Reference::weak(group, kind, self.namespace, name, why));
        }
    }

    /// A reference to an object without a namespace.
    fn cluster(&mut self, group: &'a str, kind: &'a str, name: &'a str, why: &'static str) {
        if !name.is_empty() {
            self.references
                .push(Reference::weak(group, kind, "", name, why));
        }
    }

    fn service<V: View<'a>>(&mut self, reference: Option<V>, why: &'static str) {
        let Some(reference) = reference else { return };
        let (namespace, name) = (
            reference.text_at(&["namespace"]),
            reference.text_at(&["name"]),
        );
        if !name.is_empty() {
            self.references
                .push(Reference::weak("", "Service", namespace, name, why));
        }
    }

    fn binding<V: View<'a>>(&mut self, object: V) {
        let role = object.text_at(&["roleRef", "name"]);
        match object.text_at(&["roleRef", "kind"]) {
            "Role" => self.here(RBAC, "Role", role, "it binds the role"),
            _ => self.cluster(RBAC, "ClusterRole", role, "it binds the role"),
        }
        for (namespace, name) in service_accounts(object, self.namespace) {
            let why = "it binds the service account";
            self.references
                .push(Reference::weak("", "ServiceAccount", namespace, name, why));
        }
    }

    fn account<V: View<'a>>(&mut self, object: V) {
        for key in ["imagePullSecrets", "secrets"] {
            for secret in object.items_at(&[key]) {
                self.here(
                    "",
                    "Secret",
                    secret.text_at(&["name"]),
                    "it lists the secret",
                );
            }
        }
    }

    /// The token controller deletes a token whose account is not there.
    fn token<V: View<'a>>(&mut self, object: V) {
        if object.text_at(&["type"]) != "kubernetes.io/service-account-token" {
            return;
        }
        let path = [
            "metadata",
            "annotations",
            "kubernetes.io/service-account.name",
        ];
        let name = object.text_at(&path);
        if !name.is_empty() {
            let why = "it is a token of the service account";
            let reference = Reference::weak("", "ServiceAccount", self.namespace, name, why);
            self.references.push(Reference {
                strong: true,
                ..reference
            });
        }
    }

    fn claim<V: View<'a>>(&mut self, spec: Option<V>) {
        let Some(spec) = spec else { return };
        let class = spec.text_at(&["storageClassName"]);
        self.cluster(
            "storage.k8s.io",
            "StorageClass",
            class,
            "it asks for the storage class",
        );
        self.cluster(
            "",
            "PersistentVolume",
            spec.text_at(&["volumeName"]),
            "it asks for the volume",
        );
    }

    fn ingress<V: View<'a>>(&mut self, object: V) {
        let Some(spec) = object.get("spec") else {
            return;
        };
        let class = spec.text_at(&["ingressClassName"]);
        self.cluster(
            "networking.k8s.io",
            "IngressClass",
            class,
            "it asks for the ingress class",
        );
        for tls in spec.items_at(&["tls"]) {
            self.here(
                "",
                "Secret",
                tls.text_at(&["secretName"]),
                "it shows the certificate",
            );
        }
        let why = "it leads to the Service";
        self.here(
            "",
            "Service",
            spec.text_at(&["defaultBackend", "service", "name"]),
            why,
        );
        for path in spec
            .items_at(&["rules"])
            .flat_map(|rule| rule.items_at(&["http", "paths"]))
        {
            self.here(
                "",
                "Service",
                path.text_at(&["backend", "service", "name"]),
                why,
            );
        }
    }

    fn scaled<V: View<'a>>(&mut self, object: V) {
        let Some(target) = object.at(&["spec", "scaleTargetRef"]) else {
            return;
        };
        let api_version = target.text_at(&["apiVersion"]);
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let (kind, name) = (target.text_at(&["kind"]), target.text_at(&["name"]));
        self.here(group, kind, name, "it scales the workload");
    }

    fn admission<V: View<'a>>(&mut self, object: V) {
        for webhook in object.items_at(&["webhooks"]) {
            let service = webhook.at(&["clientConfig", "service"]);
            self.service(service, "it calls the Service");
        }
        let group = "admissionregistration.k8s.io";
        let policy = object.text_at(&["spec", "policyName"]);
        self.cluster(
            group,
            "ValidatingAdmissionPolicy",
            policy,
            "it binds the policy",
        );
        self.cluster(
            group,
            "MutatingAdmissionPolicy",
            policy,
            "it binds the policy",
        );
    }

    fn pod<V: View<'a>>(&mut self, spec: V) {
        let account = spec.text_at(&["serviceAccountName"]);
        self.here(
            "",
            "ServiceAccount",
            account,
            "it runs as the service account",
        );
        for secret in spec.items_at(&["imagePullSecrets"]) {
            self.here(
                "",
                "Secret",
                secret.text_at(&["name"]),
                "it pulls images with the secret",
            );
        }
        let class = spec.text_at(&["priorityClassName"]);
        self.cluster(
            "scheduling.k8s.io",
            "PriorityClass",
            class,
            "it has the priority class",
        );
        let class = spec.text_at(&["runtimeClassName"]);
        self.cluster(
            "node.k8s.io",
            "RuntimeClass",
            class,
            "it runs in the runtime class",
        );
        for volume in spec.items_at(&["volumes"]) {
            self.volume(volume);
            for source in volume.items_at(&["projected", "sources"]) {
                self.projected(source);
            }
        }
        for key in ["initContainers", "containers", "ephemeralContainers"] {
            for container in spec.items_at(&[key]) {
                self.environment(container);
            }
        }
    }

    fn volume<V: View<'a>>(&mut self, volume: V) {
        let why = "it mounts it";
        self.here("", "ConfigMap", volume.text_at(&["configMap", "name"]), why);
        self.here("", "Secret", volume.text_at(&["secret", "secretName"]), why);
        let claim = volume.text_at(&["persistentVolumeClaim", "claimName"]);
        self.here("", "PersistentVolumeClaim", claim, why);
    }

    fn projected<V: View<'a>>(&mut self, source: V) {
        self.here(
            "",
            "ConfigMap",
            source.text_at(&["configMap", "name"]),
            "it mounts it",
        );
        self.here(
            "",
            "Secret",
            source.text_at(&["secret", "name"]),
            "it mounts it",
        );
    }

    fn environment<V: View<'a>>(&mut self, container: V) {
        let why = "its environment comes from it";
        for source in container.items_at(&["envFrom"]) {
            self.here(
                "",
                "ConfigMap",
                source.text_at(&["configMapRef", "name"]),
                why,
            );
            self.here("", "Secret", source.text_at(&["secretRef", "name"]), why);
        }
        for source in container
            .items_at(&["env"])
            .filter_map(|env| env.get("valueFrom"))
        {
            self.here(
                "",
                "ConfigMap",
                source.text_at(&["configMapKeyRef", "name"]),
                why,
            );
            self.here("", "Secret", source.text_at(&["secretKeyRef", "name"]), why);
        }
    }

    fn stateful<V: View<'a>>(&mut self, object: V) {
        let service = object.text_at(&["spec", "serviceName"]);
        self.here("", "Service", service, "its pods are named by the Service");
        for claim in object.items_at(&["spec", "volumeClaimTemplates"]) {
            self.claim(claim.get("spec"));
        }
    }

    /// The habit of custom resources: a field `…Ref` or `…Refs` with `kind` and `name`.
    fn custom<V: View<'a>>(&mut self, node: Option<V>, depth: usize) {
        const DEEPEST: usize = 6;
        let Some(node) = node.filter(|_| depth < DEEPEST) else {
            return;
        };
        for (key, value) in node.entries() {
            if key.ends_with("Ref") {
                self.custom_reference(value);
            } else if key.ends_with("Refs") {
                value.items().for_each(|item| self.custom_reference(item));
            } else {
                self.custom(Some(value), depth + 1);
            }
        }
        node.items()
            .for_each(|item| self.custom(Some(item), depth + 1));
    }

    fn custom_reference<V: View<'a>>(&mut self, reference: V) {
        let (kind, name) = (reference.text_at(&["kind"]), reference.text_at(&["name"]));
        if kind.is_empty() || name.is_empty() {
            return;
        }
        let api_version = reference.text_at(&["apiVersion"]);
        let group = match (
            reference.text_at(&["group"]),
            reference.text_at(&["apiGroup"]),
        ) {
            ("", "") => api_version.split_once('/').map_or("", |(group, _)| group),
            ("", group) | (group, _) => group,
        };
        let why = "it refers to it";
        match reference.text_at(&["namespace"]) {
            "" => self.here(group, kind, name, why),
            namespace => {
                self.references
                    .push(Reference::weak(group, kind, namespace, name, why));
            }
        }
        // The kind may belong to no namespace.
        self.cluster(group, kind, name, why);
    }
}

/// The service accounts that a binding names, as namespace and name.
pub(super) fn service_accounts<'a, V: View<'a>>(
    binding: V,
    namespace: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    binding
        .items_at(&["subjects"])
        .filter(|subject| subject.text_at(&["kind"]) == "ServiceAccount")
        .map(move |subject| match subject.text_at(&["namespace"]) {
            "" => (namespace, subject.text_at(&["name"])),
            other => (other, subject.text_at(&["name"])),
        })
}
