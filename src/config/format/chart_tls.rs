//! `tls` of a `helm` phase: whom to trust where its chart is fetched.

use std::path::PathBuf;

use crate::config::{
    decode::{Field, Shape, Type, Value},
    phase::RepositoryTls,
};

const FILE: Type = Type::Text("a path on the machine that runs trueup");

pub(super) const TLS: Shape = Shape {
    name: "`tls`",
    title: "RepositoryTls",
    about: "Whom to trust, and who we are, where the chart of `repo` is fetched. Where it is not set: what Helm's file of \
            repositories says of that repository, and what this machine trusts.",
    fields: &[
        Field::optional(
            "caFile",
            FILE,
            "The authorities that may sign the server's certificate, in PEM, in place of the system's.",
        ),
        Field::optional(
            "certFile",
            FILE,
            "Our certificate, in PEM, with `keyFile`. Registries (`oci://`) are shown none.",
        ),
        Field::optional(
            "keyFile",
            FILE,
            "The private key of our certificate, in PEM.",
        ),
        Field::default(
            "insecureSkipTLSVerify",
            Type::Bool,
            "false",
            "Whether any certificate is taken for the server's.",
        ),
    ],
    one_of: &[],
    example: "caFile: /etc/trueup/charts-ca.pem",
};

pub(super) fn decode(value: Value<'_>) -> Option<RepositoryTls> {
    let fields = value.fields(&TLS)?;
    let file = |name| {
        let text = fields.optional(name).and_then(Value::text)?;
        Some(PathBuf::from(text.value))
    };
    let tls = RepositoryTls {
        ca_file: file("caFile"),
        cert_file: file("certFile"),
        key_file: file("keyFile"),
        unverified: fields
            .optional("insecureSkipTLSVerify")
            .and_then(Value::bool)
            .unwrap_or(false),
    };
    if tls.cert_file.is_some() != tls.key_file.is_some() {
        value.invalid(
            "`certFile` and `keyFile` go together",
            "name both, or neither",
        );
    }
    if tls.unverified && tls.ca_file.is_some() {
        value.invalid(
            "`caFile` is of no use with `insecureSkipTLSVerify`",
            "remove one of them",
        );
    }
    Some(tls)
}
