//! `spec.keys`: where the keys are kept.

use trueup_yaml::Location;

use super::server::{REFERENCE, Reference, reference};
use crate::config::{Field, Shape, Type, Value};

/// Where keys are kept, and what opens them.
#[derive(Clone, Debug)]
pub struct KeysAt {
    /// The store.
    pub store: Store,
    /// The age recipients that the keys are sealed to.
    pub recipients: Vec<String>,
    /// The age identity that opens them here.
    pub identity: Option<Reference>,
    /// Where it is written.
    pub location: Option<Location>,
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
            "identityFrom",
            Type::Shape(&REFERENCE),
            "The age identity that opens the keys. Without it trueup can neither initialise nor unseal.",
        ),
    ],
    one_of: &["age", "kubernetesSecret"],
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

pub(super) fn decode(value: Value<'_>) -> Option<KeysAt> {
    let fields = value.fields(&KEYS)?;
    let identity = match fields.optional("identityFrom") {
        Some(value) => Some(reference(value)?),
        None => None,
    };
    let (which, at) = fields.choice()?;
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
        recipients: recipients.into_iter().map(|one| one.value).collect(),
        identity,
        location: value.location(),
    })
}
