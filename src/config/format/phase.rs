//! `spec.phases` of an Environment file.

use super::{reconcile::LEAST, substitute};
use crate::config::{
    decode::{Field, Fields, Shape, Type, Value},
    names,
    phase::{Content, Helm, Phase},
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
        Field::optional("helm", Type::Shape(&HELM), "A Helm chart.").not_built(),
        Field::optional("vault", Type::Shape(&VAULT), "The Vault bootstrap.").not_built(),
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
    ],
    one_of: &[],
    example: "path: overlays/cluster_dev",
};

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
    about: "",
    fields: &[
        Field::required("chart", Type::Path, "The folder of the chart."),
        Field::required("release", Type::Text("a name"), "The name of the release."),
        Field::optional(
            "namespace",
            Type::Text("a name"),
            "The namespace of the release.",
        ),
        Field::default(
            "values",
            Type::List(&Type::Path),
            "[]",
            "Values files; a later one wins over an earlier one.",
        ),
    ],
    one_of: &[],
    example: r"chart: bases/vault/chart
release: vault
namespace: vault
values: [values.yaml]",
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
            Some(Content::Kustomize {
                path: path?,
                load_anywhere,
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
        _ => {
            let fields = value.fields(&HELM)?;
            let chart = fields.required("chart").and_then(Value::path);
            let release = fields.required("release").and_then(Value::text);
            let namespace = fields.optional("namespace").and_then(Value::text);
            let values = fields
                .optional("values")
                .and_then(Value::list)
                .unwrap_or_default();
            let values = values.into_iter().filter_map(Value::path).collect();
            Some(Content::Helm(Box::new(Helm {
                chart: chart?,
                release: release?,
                namespace,
                values,
            })))
        }
    }
}
