//! `spec.keys`: where the keys are kept.

use trueup_yaml::Location;

use super::server::{REFERENCE, Reference, reference};
use crate::{
    aws::Provider,
    config::{Field, Shape, Type, Value},
};

/// Where keys are kept, and what opens them.
#[derive(Clone, Debug)]
pub struct KeysAt {
    /// The store.
    pub store: Store,
    /// What seals them.
    pub seal: Seal,
    /// Where it is written.
    pub location: Option<Location>,
}

/// What seals the keys.
#[derive(Clone, Debug)]
pub enum Seal {
    /// age.
    Age {
        /// The recipients that they are sealed to.
        recipients: Vec<String>,
        /// The identity that opens them here.
        identity: Option<Reference>,
    },
    /// A key of AWS KMS.
    Kms {
        /// Its id, ARN or alias.
        key: String,
        /// Its region.
        region: String,
        /// Who asks for it.
        provider: Provider,
    },
}

/// A store.
#[derive(Clone, Debug)]
pub enum Store {
    /// A file on this machine.
    File(String),
    /// Secrets of the environment's cluster.
    Secret {
        /// Their namespace.
        namespace: String,
        /// The name of the first; the others begin with it.
        name: String,
    },
    /// Objects of S3, in the region of the key that seals them.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key of the first; the others begin with it.
        key: String,
    },
}

impl Store {
    /// Where it is, for people.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::File(path) => path.clone(),
            Self::Secret { namespace, name } => format!("Secret {namespace}/{name}"),
            Self::S3 { bucket, key } => format!("s3://{bucket}/{key}"),
        }
    }
}

pub(super) const KEYS: Shape = Shape {
    name: "`keys`",
    title: "Keys",
    about: "Where the keys are kept: always sealed. Exactly one store is given.",
    fields: &[
        Field::optional(
            "age",
            Type::Shape(&AGE),
            "A file on the machine that runs trueup.",
        ),
        Field::optional(
            "kubernetesSecret",
            Type::Shape(&SECRET),
            "Secrets of the environment's cluster. What is in them is sealed to age recipients: who may read \
             Secrets does not have the keys.",
        ),
        Field::optional(
            "awsKms",
            Type::Shape(&KMS),
            "A file of this machine or an object of S3, sealed under a key of AWS KMS.",
        ),
        Field::optional(
            "identityFrom",
            Type::Shape(&REFERENCE),
            "The age identity that opens the keys. Without it trueup can neither initialise nor unseal. `awsKms` \
             needs none.",
        ),
    ],
    one_of: &["age", "kubernetesSecret", "awsKms"],
    example: r"age: {path: secrets/vault-keys.age, recipients: [age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq]}
identityFrom: {file: /etc/trueup/age.key}",
};

const RECIPIENTS: Field = Field::required(
    "recipients",
    Type::List(&Type::Text("an age recipient: `age1…`")),
    "Whom the keys are sealed to.",
);

const AGE: Shape = Shape {
    name: "`age`",
    title: "Age",
    about: "The journal of the bootstrap and the ledger of what was made lie beside the file.",
    fields: &[
        Field::required(
            "path",
            Type::Text("a path on the machine that runs trueup"),
            "The file.",
        ),
        RECIPIENTS,
    ],
    one_of: &[],
    example: "{path: vault-keys.age, recipients: [age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq]}",
};

const SECRET: Shape = Shape {
    name: "`kubernetesSecret`",
    title: "KeysSecret",
    about: "The keys are in the Secret `NAME`, the journal of the bootstrap in `NAME-journal`, the ledger of what \
            was made in `NAME-ledger`. Keep them in a namespace that does not go with the Vault.",
    fields: &[
        Field::default(
            "namespace",
            Type::Text("a namespace"),
            "kube-system",
            "The namespace.",
        ),
        Field::required("name", Type::Text("a name"), "The name of the Secret."),
        RECIPIENTS,
    ],
    one_of: &[],
    example: "{namespace: trueup-system, name: vault-keys, recipients: [age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq]}",
};

const KMS: Shape = Shape {
    name: "`awsKms`",
    title: "KeysKms",
    about: "Each text is sealed with a key of its own, which KMS makes and only KMS can open again. trueup needs \
            `kms:GenerateDataKey` and `kms:Decrypt`; for S3 also `s3:GetObject`, `s3:PutObject` and `s3:DeleteObject`. \
            Give either `path` or `s3`.",
    fields: &[
        Field::required("keyId", Type::Text("an id, ARN or alias"), "The key."),
        Field::required(
            "region",
            Type::Text("a region"),
            "The region of the key, and of the bucket.",
        ),
        Field::optional(
            "path",
            Type::Text("a path on the machine that runs trueup"),
            "The file. The journal and the ledger lie beside it.",
        ),
        Field::optional(
            "s3",
            Type::Shape(&S3),
            "The object. The journal and the ledger lie beside it. Writes are conditional: of two processes that \
             write at once only one does.",
        ),
        Field::optional(
            "profile",
            Type::Text("a profile"),
            "A profile of the credentials file. Without it: variables, the role of a pod, the default profile.",
        ),
        Field::optional(
            "assumeRole",
            Type::Text("the ARN of a role"),
            "A role to assume first.",
        ),
    ],
    one_of: &[],
    example: "{keyId: alias/vault, region: us-west-2, s3: {bucket: keys, key: vault/keys}}",
};

const S3: Shape = Shape {
    name: "`s3`",
    title: "KeysS3",
    about: "",
    fields: &[
        Field::required("bucket", Type::Text("a bucket"), "The bucket."),
        Field::required("key", Type::Text("a key"), "The key of the object."),
    ],
    one_of: &[],
    example: "{bucket: keys, key: vault/keys}",
};

fn kms(value: Value<'_>) -> Option<(Store, Seal)> {
    let fields = value.fields(&KMS)?;
    let text = |name: &'static str| fields.required(name).and_then(Value::text);
    let (key, region) = (text("keyId"), text("region"));
    let store = match (fields.optional("path"), fields.optional("s3")) {
        (Some(path), None) => Store::File(path.text()?.value),
        (None, Some(at)) => {
            let at = at.fields(&S3)?;
            let bucket = at.required("bucket").and_then(Value::text);
            let key = at.required("key").and_then(Value::text);
            Store::S3 {
                bucket: bucket?.value,
                key: key?.value.trim_matches('/').to_owned(),
            }
        }
        _ => {
            value.invalid(
                "`awsKms` says how keys are sealed, and not where they are kept",
                "give either `path` or `s3`",
            );
            return None;
        }
    };
    let optional = |name: &'static str| {
        let text = fields.optional(name).and_then(Value::text);
        text.map(|text| text.value)
    };
    let seal = Seal::Kms {
        key: key?.value,
        region: region?.value,
        provider: Provider {
            profile: optional("profile"),
            assume_role: optional("assumeRole"),
        },
    };
    Some((store, seal))
}

pub(super) fn decode(value: Value<'_>) -> Option<KeysAt> {
    let fields = value.fields(&KEYS)?;
    let identity = match fields.optional("identityFrom") {
        Some(value) => Some(reference(value)?),
        None => None,
    };
    let (which, at) = fields.choice()?;
    if which == "awsKms" {
        let (store, seal) = kms(at)?;
        return Some(KeysAt {
            store,
            seal,
            location: value.location(),
        });
    }
    let (store, recipients) = if which == "age" {
        let fields = at.fields(&AGE)?;
        let path = fields.required("path").and_then(Value::text);
        let recipients = fields.required("recipients").and_then(Value::texts);
        (Store::File(path?.value), recipients?)
    } else {
        let fields = at.fields(&SECRET)?;
        let namespace = fields.optional("namespace").and_then(Value::text);
        let name = fields.required("name").and_then(Value::text);
        let recipients = fields.required("recipients").and_then(Value::texts);
        let store = Store::Secret {
            namespace: namespace.map_or_else(|| "kube-system".to_owned(), |name| name.value),
            name: name?.value,
        };
        (store, recipients?)
    };
    Some(KeysAt {
        store,
        seal: Seal::Age {
            recipients: recipients.into_iter().map(|one| one.value).collect(),
            identity,
        },
        location: value.location(),
    })
}
