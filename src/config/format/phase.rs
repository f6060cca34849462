//! `spec.phases` of an Environment file.

use super::{chart_tls, reconcile::LEAST, substitute};
use crate::config::{
    decode::{Field, Fields, Shape, Type, Value},
    names,
    phase::{Content, FileFrom, Helm, Phase, ValuesFrom, ValuesHolder, VaultRef},
};

pub(super) const PHASE: Shape = Shape {
    name: "a phase",
    title: "Phase",
    about: "A unit of ordering and of failure. It owns nothing: moving an object from one phase to \
            another never deletes it. Exactly one of `kustomize`, `manifests`, `helm`, `vault` and \
            `processes` is given.",
    fields: &[
        Field::required(
            "name",
            Type::Text("lower-case letters, digits, `-` and `_`; at most 63"),
            "Its name, unique in the environment.",
        ),
        Field::optional("kustomize", Type::Shape(&KUSTOMIZE), "A kustomization."),
        Field::optional("manifests", Type::Shape(&MANIFESTS), "Plain manifests."),
        Field::optional("helm", Type::Shape(&HELM), "A Helm chart."),
        Field::optional("vault", Type::Shape(&VAULT), "The Vault bootstrap."),
        Field::optional("processes", Type::Shape(&PROCESSES), "Processes.").not_built(),
        Field::optional(
            "dependsOn",
            Type::List(&Type::Text("the name of a phase")),
            "The phases it waits for. Where it is not set it waits for the phase before it in the \
             list; `[]` waits for none. Phases that do not wait for one another run side by side.",
        ),
        Field::optional(
            "timeout",
            Type::Duration,
            "How long it may take to become healthy. Where it is not set: `reconcile.timeout`.",
        ),
        Field::default(
            "wait",
            Type::Bool,
            "true",
            "Whether those that depend on it wait until its objects are healthy. With `false` they \
             wait until its objects are applied.",
        ),
        Field::default(
            "atomic",
            Type::Bool,
            "false",
            "Whether nothing of it is written unless the server takes all of it in a dry run, made when the \
             phases before it are done. What the server can only judge once something else of the phase is \
             there, such as objects in a new namespace or of a new kind, is not tried: put namespaces and \
             CRDs into a phase before. A chart with hooks cannot be atomic.",
        ),
        Field::default(
            "substitute",
            Type::Either(
                &Type::Bool,
                &Type::List(&Type::Shape(&substitute::SUBSTITUTE)),
            ),
            "false",
            "In which of its objects `${name}` is replaced by the value of a variable: none, all, \
             or those that fit one of the rules. See [Variables](#variables).",
        ),
    ],
    one_of: &["kustomize", "manifests", "helm", "vault", "processes"],
    example: r"name: hub
kustomize: {path: overlays/cluster_dev}
dependsOn: [pre]
timeout: 10m",
};

const KUSTOMIZE: Shape = Shape {
    name: "`kustomize`",
    title: "Kustomize",
    about: "Renders exactly what `kustomize build` prints.",
    fields: &[
        Field::required(
            "path",
            Type::Path,
            "The folder that holds the kustomization file.",
        ),
        Field::default(
            "loadRestrictor",
            Type::Words(&["rootOnly", "none"]),
            "rootOnly",
            "Whether files outside that folder may be read by it, as `--load-restrictor` of \
             kustomize. Nothing outside the repository can be read either way.",
        ),
        Field::default(
            "valuesFrom",
            Type::List(&Type::Shape(&FILE_FROM)),
            "[]",
            "Values of a Vault that are files of the kustomization, for `files` and `envs` of its generators to read.",
        ),
    ],
    one_of: &[],
    example: "path: overlays/cluster_dev",
};

const FILE_FROM: Shape = Shape {
    name: "a file from a Vault",
    title: "FileFrom",
    about: "A value of a Vault that is a file which lies in no repository. It is masked wherever it gets to: in plans, \
            diffs, reports, events and errors. Where no Vault is asked (`trueup render`, `diff --base`), the file holds \
            `REDACTED`, or nothing where no `key` is named.",
    fields: &[
        Field::required(
            "vault",
            Type::Text("a path in the Vault"),
            "Where it is, as people name it: `secret/hub/auth0`, of either version of a KV engine, or any other path that \
             can be read and makes no lease.",
        ),
        Field::optional(
            "phase",
            Type::Text("a phase"),
            "The `vault` phase whose Vault it is. Where it is not set: the only one of the environment.",
        ),
        Field::optional(
            "key",
            Type::Text("a key"),
            "The value at that path. Where it is not set, the file holds all of them in lines of `NAME=value`, as `envs` \
             of a generator takes them.",
        ),
        Field::required(
            "file",
            Type::Path,
            "The file that it becomes. None of that name may be in the repository.",
        ),
    ],
    one_of: &[],
    example: "{vault: secret/hub/auth0, key: client_secret, file: overlays/dev/client-secret}",
};

const VAULT_PHASE: Field = Field::optional(
    "phase",
    Type::Text("a phase"),
    "With `vault`: the `vault` phase whose Vault it is. Where it is not set: the only one of the environment.",
);

const MANIFESTS: Shape = Shape {
    name: "`manifests`",
    title: "Manifests",
    about: "Manifests as they are written.",
    fields: &[Field::required(
        "path",
        Type::Path,
        "A file, or a folder: all its `*.yaml`, `*.yml` and `*.json` files and those of the \
         folders below it, in the order of their paths. Hidden files and folders are left out.",
    )],
    one_of: &[],
    example: "path: bases/crds/ingressroutes.yaml",
};

const HELM: Shape = Shape {
    name: "`helm`",
    title: "Helm",
    about: "Renders a chart as `helm template` 3.22 does and applies what it prints. Helm itself keeps no \
            record of it: the environment owns the objects as it owns all others. See the guide \
            [Helm charts](../guides/helm.md).",
    fields: &[
        Field::required(
            "chart",
            Type::Path,
            "The folder of the chart, or a packed chart (`.tgz`); with `repo` the name of the chart. What it \
             depends on must lie in its `charts/`.",
        ),
        Field::optional(
            "repo",
            Type::Text(
                "an address: `https://…`, `oci://…`; or `@name` of Helm's file of repositories",
            ),
            "The repository or registry that has the chart. What was fetched once is kept on this machine; a chart \
             beside your files needs no network at all.",
        ),
        Field::optional(
            "version",
            Type::Text("a version"),
            "With `repo`: the exact version of the chart.",
        ),
        Field::optional(
            "tls",
            Type::Shape(&chart_tls::TLS),
            "With `repo`: whom to trust where the chart is fetched.",
        ),
        Field::required(
            "release",
            Type::Text("a name; may hold variables: `ray-${cluster}`"),
            "The name of the release, unique in its namespace.",
        ),
        Field::optional(
            "namespace",
            Type::Text("a name; may hold variables"),
            "The namespace of the release, and of its objects that name none. Where it is not set: \
             `default`.",
        ),
        Field::default(
            "createNamespace",
            Type::Bool,
            "false",
            "Whether the namespace is one of the objects. It is kept when the phase goes.",
        ),
        Field::default(
            "values",
            Type::List(&Type::Path),
            "[]",
            "Values files; a later one wins over an earlier one.",
        ),
        Field::optional(
            "inline",
            Type::Any,
            "Values over those of the files, as a mapping. `${name}` is replaced by the value of a \
             variable.",
        ),
        Field::default(
            "valuesFrom",
            Type::List(&Type::Shape(&VALUES_FROM)),
            "[]",
            "Values that Secrets and ConfigMaps of the cluster, a Vault or sealed files hold, over all others; later ones win.",
        ),
        Field::default(
            "includeCRDs",
            Type::Bool,
            "true",
            "Whether the definitions in the chart's `crds/` are applied, and kept up to date.",
        ),
        Field::default(
            "hooks",
            Type::Bool,
            "true",
            "Whether install and upgrade hooks are run: before and after the other objects, by \
             weight, at most once for what the release renders to. Tests and hooks of other events never are.",
        ),
        Field::optional(
            "kubeVersion",
            Type::Text("a version"),
            "The version that the chart takes the cluster to have, and no cluster is asked what it serves. Where it is \
             not set: what the cluster says; 1.37 where none is asked.",
        ),
        Field::default(
            "apiVersions",
            Type::List(&Type::Text("`group/version` or `group/version/Kind`")),
            "[]",
            "APIs that the chart takes the cluster to serve, besides those that it does.",
        ),
        Field::default(
            "patches",
            Type::List(&Type::Any),
            "[]",
            "Patches on what the chart prints, each as in `patches` of a kustomization, with the \
             patch written out.",
        ),
        Field::default(
            "skipSchemaValidation",
            Type::Bool,
            "false",
            "Whether the values are left unchecked where the chart has a `values.schema.json`.",
        ),
        Field::default(
            "cleanupOnFail",
            Type::Bool,
            "false",
            "Whether the objects that a run has created of the release are deleted again by that run where the release \
             fails: something of it cannot be applied, a hook fails, or with `wait` something does not become healthy. \
             What was there before stays as it is by then, hooks stay to be looked at, and so does what prune would \
             not take. The next run creates them anew.",
        ),
    ],
    one_of: &[],
    example: r"chart: bases/vault/chart
release: vault
namespace: vault
values: [bases/vault/values.yaml]
inline: {server: {ha: {replicas: 3}}}",
};

const VALUES_FROM: Shape = Shape {
    name: "`valuesFrom`",
    title: "ValuesFrom",
    about: "A Secret or a ConfigMap of the cluster, a path in a Vault, or a file that SOPS sealed, that holds values. What a \
            Secret or a Vault holds, and what is sealed in such a file, is masked wherever it gets to: in plans, diffs, reports, \
            events and errors. An object must be there before the environment is rendered, so it is none of the environment's \
            own on the first run; a Vault may be brought up by a phase before. Where nothing is asked (`trueup render`, `diff \
            --base`), `REDACTED` stands for it. Exactly one of `secret`, `configMap`, `vault` and `sops` is given.",
    fields: &[
        Field::optional("secret", Type::Text("a name"), "The name of a Secret."),
        Field::optional(
            "configMap",
            Type::Text("a name"),
            "The name of a ConfigMap.",
        ),
        Field::optional(
            "vault",
            Type::Text("a path in the Vault"),
            "Where it is in the Vault, as people name it: `secret/hub/auth0`, of either version of a KV engine, or any \
             other path that can be read and makes no lease.",
        ),
        VAULT_PHASE,
        Field::optional(
            "sops",
            Type::Path,
            "A file of the repository that SOPS sealed to age recipients: YAML, JSON or lines of `NAME=value` (`.env`). The \
             identity that opens it is found where `sops` finds it: `SOPS_AGE_KEY`, `SOPS_AGE_KEY_FILE`, `sops/age/keys.txt` \
             in the folder of configuration. One that was changed without SOPS is refused.",
        ),
        Field::optional(
            "namespace",
            Type::Text("a name; may hold variables"),
            "The namespace of the object. Where it is not set: that of the release.",
        ),
        Field::optional(
            "key",
            Type::Text("a key"),
            "The key in its `data`. Where it is not set: `values.yaml`, all that is at the path of a Vault, and all of a \
             file.",
        ),
        Field::optional(
            "targetPath",
            Type::Text("a path as in `--set`"),
            "The value that becomes the text, whatever the text looks like. Where it is not set, the text is a mapping \
             of values, as in a file.",
        ),
        Field::default(
            "optional",
            Type::Bool,
            "false",
            "Whether nothing is said where the object, the file or the key is missing.",
        ),
    ],
    one_of: &["secret", "configMap", "vault", "sops"],
    example: r"secret: auth0
key: client_secret
targetPath: jupyterhub.hub.config.Auth0OAuthenticator.client_secret",
};

const VAULT: Shape = Shape {
    name: "`vault`",
    title: "Vault",
    about: "",
    fields: &[Field::required(
        "path",
        Type::Path,
        "The file that describes the bootstrap.",
    )],
    one_of: &[],
    example: "path: environments/cluster_dev/vault.yaml",
};

const PROCESSES: Shape = Shape {
    name: "`processes`",
    title: "Processes",
    about: "",
    fields: &[Field::required(
        "path",
        Type::Path,
        "The folder of the files of the processes.",
    )],
    one_of: &[],
    example: "path: environments/cluster_dev/processes",
};

const RESTRICTORS: [(&str, bool); 2] = [("rootOnly", false), ("none", true)];

pub(super) fn decode(value: Value<'_>) -> Option<Phase> {
    let fields = value.fields(&PHASE)?;
    let name = fields
        .required("name")
        .and_then(|value| value.text_where(names::name));
    let content = decode_content(&fields);
    let depends_on = fields.optional("dependsOn").and_then(Value::texts);
    let timeout = fields
        .optional("timeout")
        .and_then(|value| value.duration(LEAST));
    let wait = fields
        .optional("wait")
        .and_then(Value::bool)
        .unwrap_or(true);
    let atomic = fields
        .optional("atomic")
        .and_then(|value| Some((value, value.bool()?)));
    if let (Some((value, true)), Some(Content::Vault { .. })) = (atomic, &content) {
        value.invalid(
            "a `vault` phase cannot be `atomic`",
            "remove `atomic`: a Vault takes changes one by one",
        );
    }
    let substitute = fields
        .optional("substitute")
        .and_then(substitute::decode)
        .unwrap_or_default();
    Some(Phase {
        name: name?,
        location: fields.location(),
        content: content?,
        depends_on,
        timeout,
        wait,
        atomic: atomic.is_some_and(|(_, atomic)| atomic),
        substitute,
    })
}

fn decode_content(fields: &Fields<'_>) -> Option<Content> {
    let (which, value) = fields.choice()?;
    let path = |shape| value.fields(shape)?.required("path")?.path();
    match which {
        "kustomize" => {
            let fields = value.fields(&KUSTOMIZE)?;
            let path = fields.required("path").and_then(Value::path);
            let load_anywhere = fields
                .optional("loadRestrictor")
                .and_then(|value| value.word(&RESTRICTORS))
                .unwrap_or(false);
            let files = fields.optional("valuesFrom").and_then(Value::list);
            let files = files.unwrap_or_default().into_iter();
            Some(Content::Kustomize {
                path: path?,
                load_anywhere,
                values_from: files.filter_map(decode_file_from).collect(),
            })
        }
        "manifests" => Some(Content::Manifests {
            path: path(&MANIFESTS)?,
        }),
        "vault" => Some(Content::Vault {
            path: path(&VAULT)?,
        }),
        "processes" => Some(Content::Processes {
            path: path(&PROCESSES)?,
        }),
        _ => decode_helm(value).map(|helm| Content::Helm(Box::new(helm))),
    }
}

fn decode_helm(value: Value<'_>) -> Option<Helm> {
    let fields = value.fields(&HELM)?;
    let flag = |name, default| {
        fields
            .optional(name)
            .and_then(Value::bool)
            .unwrap_or(default)
    };
    let list = |name| {
        fields
            .optional(name)
            .and_then(Value::list)
            .unwrap_or_default()
    };
    let chart = fields.required("chart").and_then(Value::path);
    let release = fields.required("release").and_then(Value::text);
    let namespace = fields.optional("namespace").and_then(Value::text);
    let inline = fields.optional("inline").and_then(|value| {
        let mapping = value.entries()?;
        (!mapping.is_empty()).then(|| value.any())
    });
    let repo = fields.optional("repo");
    let version = fields.optional("version");
    match (&repo, &version) {
        (Some(repo), None) => repo.invalid(
            "a chart of a repository needs its `version`",
            "write the exact version, so that everyone renders the same",
        ),
        (None, Some(version)) => version.invalid(
            "`version` is for a chart of a repository, and there is no `repo`",
            "remove it: the chart that lies there is taken",
        ),
        _ => {}
    }
    let tls = fields.optional("tls");
    if let (None, Some(tls)) = (&repo, &tls) {
        tls.invalid(
            "`tls` is for a chart of a repository, and there is no `repo`",
            "remove it: the chart that lies there is taken",
        );
    }
    let version = version.and_then(|value| {
        let version = value.text()?;
        let is_exact = trueup_helm::repository::is_version(&version.value);
        if !is_exact {
            value.invalid(
                "this is no exact version",
                "write the exact version, so that everyone renders the same",
            );
        }
        is_exact.then_some(version)
    });
    let helm = Helm {
        chart: chart?,
        repo: repo.and_then(Value::text),
        version,
        tls: tls.and_then(chart_tls::decode),
        release: release?,
        namespace,
        create_namespace: flag("createNamespace", false),
        values: list("values").into_iter().filter_map(Value::path).collect(),
        inline,
        values_from: list("valuesFrom")
            .into_iter()
            .filter_map(decode_values_from)
            .collect(),
        include_crds: flag("includeCRDs", true),
        hooks: flag("hooks", true),
        kube_version: fields.optional("kubeVersion").and_then(Value::text),
        api_versions: fields
            .optional("apiVersions")
            .and_then(Value::texts)
            .unwrap_or_default(),
        patches: list("patches").into_iter().map(Value::any).collect(),
        skip_schema: flag("skipSchemaValidation", false),
        cleanup_on_fail: flag("cleanupOnFail", false),
    };
    Some(helm)
}

fn decode_file_from(value: Value<'_>) -> Option<FileFrom> {
    let fields = value.fields(&FILE_FROM)?;
    let named = fields.optional("phase").and_then(Value::text);
    let key = fields.optional("key").and_then(Value::text);
    let path = fields.required("vault").and_then(Value::text);
    let file = fields.required("file").and_then(Value::path);
    Some(FileFrom {
        path: path?,
        vault: VaultRef::new(named),
        key,
        file: file?,
    })
}

fn decode_values_from(value: Value<'_>) -> Option<ValuesFrom> {
    let fields = value.fields(&VALUES_FROM)?;
    let choice = fields.choice();
    let optional = fields.optional("optional").and_then(Value::bool);
    let namespace = fields.optional("namespace").and_then(Value::text);
    let phase = fields.optional("phase").and_then(Value::text);
    let target_path = fields.optional("targetPath").and_then(Value::text);
    let key = fields.optional("key").and_then(Value::text);
    let (which, name) = choice?;
    let holder = match which {
        "secret" => ValuesHolder::Secret,
        "configMap" => ValuesHolder::ConfigMap,
        "sops" => ValuesHolder::Sops,
        _ => ValuesHolder::Vault,
    };
    let of_cluster = matches!(holder, ValuesHolder::Secret | ValuesHolder::ConfigMap);
    let of_vault = holder == ValuesHolder::Vault;
    if !of_cluster && namespace.is_some() || !of_vault && phase.is_some() {
        value.invalid(
            "`namespace` is of objects of the cluster, `phase` of a Vault",
            "remove the one that does not fit",
        );
    }
    if !of_cluster && target_path.is_some() && key.is_none() {
        let of = if of_vault {
            "at that path of the Vault"
        } else {
            "in the file"
        };
        value.invalid(
            format!("`targetPath` takes one value, and all that is {of} is meant"),
            "name the `key`, or remove `targetPath`",
        );
    }
    let name = if holder == ValuesHolder::Sops {
        name.path()?.map(|path| path.to_string())
    } else {
        name.text()?
    };
    Some(ValuesFrom {
        holder,
        name,
        vault: VaultRef::new(phase),
        namespace,
        key,
        target_path,
        optional: optional.unwrap_or(false),
    })
}
