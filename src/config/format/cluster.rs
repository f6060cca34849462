//! `spec.cluster` of an Environment file.

use crate::config::{
    cluster::{ClusterRef, Eks},
    decode::{Field, Shape, Type, Value},
};

pub(super) const CLUSTER: Shape = Shape {
    name: "a cluster",
    title: "Cluster",
    about: "The cluster to keep true. Exactly one of the fields is given.",
    fields: &[
        Field::optional(
            "kubeconfig",
            Type::Shape(&KUBECONFIG),
            "A context of a kubeconfig file on the machine that runs trueup.",
        ),
        Field::optional(
            "inCluster",
            Type::Shape(&EMPTY_IN_CLUSTER),
            "The cluster in which trueup runs, by the service account of its pod.",
        ),
        Field::optional(
            "embedded",
            Type::Shape(&EMPTY_EMBEDDED),
            "The API server inside trueup: nothing to install, nothing outlives the process. For \
             demos and tests.",
        ),
        Field::optional("eks", Type::Shape(&EKS), "A cluster of Amazon EKS.").not_built(),
    ],
    one_of: &["kubeconfig", "inCluster", "embedded", "eks"],
    example: "kubeconfig: {context: cluster-dev}",
};

const KUBECONFIG: Shape = Shape {
    name: "a kubeconfig reference",
    title: "Kubeconfig",
    about: "The flags `--kubeconfig` and `--context` of the command line win over both.",
    fields: &[
        Field::optional(
            "path",
            Type::Text("a path on the machine that runs trueup; `~/` is the home folder"),
            "The file. Where it is not set: `$KUBECONFIG`, then `~/.kube/config`.",
        ),
        Field::optional(
            "context",
            Type::Text("the name of a context"),
            "The context. Where it is not set: the current context of the file.",
        ),
    ],
    one_of: &[],
    example: r"path: ~/.kube/config
context: cluster-dev",
};

const EMPTY_IN_CLUSTER: Shape = Shape {
    name: "`inCluster`",
    title: "InCluster",
    about: "It has no fields: write `inCluster: {}`.",
    fields: &[],
    one_of: &[],
    example: "{}",
};

const EMPTY_EMBEDDED: Shape = Shape {
    name: "`embedded`",
    title: "Embedded",
    about: "It has no fields: write `embedded: {}`.",
    fields: &[],
    one_of: &[],
    example: "{}",
};

const EKS: Shape = Shape {
    name: "an EKS cluster",
    title: "Eks",
    about: "A cluster that somebody else made; trueup never creates or deletes one.",
    fields: &[
        Field::required(
            "name",
            Type::Text("the name of a cluster"),
            "The name of the cluster.",
        ),
        Field::required(
            "region",
            Type::Text("an AWS region"),
            "The region it is in.",
        ),
        Field::optional(
            "profile",
            Type::Text("a profile"),
            "The profile of the AWS configuration to use.",
        ),
        Field::optional(
            "assumeRole",
            Type::Shape(&ASSUME_ROLE),
            "The role to assume first.",
        ),
    ],
    one_of: &[],
    example: r"name: sandbox
region: us-west-2
profile: dev",
};

const ASSUME_ROLE: Shape = Shape {
    name: "`assumeRole`",
    title: "AssumeRole",
    about: "",
    fields: &[Field::required(
        "roleArn",
        Type::Text("an ARN"),
        "The ARN of the role.",
    )],
    one_of: &[],
    example: "roleArn: arn:aws:iam::123456789012:role/deploy",
};

pub(super) fn decode(value: Value<'_>) -> Option<ClusterRef> {
    let fields = value.fields(&CLUSTER)?;
    let (which, value) = fields.choice()?;
    match which {
        "kubeconfig" => {
            let fields = value.fields(&KUBECONFIG)?;
            Some(ClusterRef::Kubeconfig {
                path: fields.optional("path").and_then(Value::text),
                context: fields.optional("context").and_then(Value::text),
            })
        }
        "inCluster" => value
            .fields(&EMPTY_IN_CLUSTER)
            .map(|_| ClusterRef::InCluster),
        "embedded" => value.fields(&EMPTY_EMBEDDED).map(|_| ClusterRef::Embedded),
        _ => {
            let fields = value.fields(&EKS)?;
            let name = fields.required("name").and_then(Value::text);
            let region = fields.required("region").and_then(Value::text);
            let profile = fields.optional("profile").and_then(Value::text);
            let role_arn = fields
                .optional("assumeRole")
                .and_then(|value| value.fields(&ASSUME_ROLE))
                .and_then(|fields| fields.required("roleArn"))
                .and_then(Value::text);
            Some(ClusterRef::Eks(Box::new(Eks {
                name: name?,
                region: region?,
                profile,
                role_arn,
            })))
        }
    }
}
