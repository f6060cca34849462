//! `spec.server`, `spec.keys` and references to secrets.

use trueup_yaml::Location;
use url::Url;

use crate::config::{Field, Shape, Spanned, Type, Value};

/// How the servers of a Vault are reached.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where they are.
    pub address: Address,
    /// How TLS is verified.
    pub tls: Tls,
    /// The namespace inside the Vault, of the editions that have them.
    pub namespace: String,
}

/// Where the servers are.
#[derive(Clone, Debug)]
pub enum Address {
    /// The addresses of all servers, each of its own: never one that is shared.
    Urls(Vec<Spanned<Url>>),
}

/// How TLS is verified.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// A file of CA certificates on this machine; the system's where it is not set.
    pub ca_file: Option<Spanned<String>>,
}

/// Where a secret text is found. The file that names it never holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A variable of the environment of the process.
    Env(String),
    /// A file on this machine.
    File(String),
}

impl Reference {
    /// Where it is found, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Env(name) => format!("the variable `{name}`"),
            Self::File(path) => format!("`{path}`"),
        }
    }
}

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
}

pub(super) const SERVER: Shape = Shape {
    name: "a server",
    title: "Server",
    about: "How the servers of the Vault are reached. Shares go to each server by itself, so an address \
            that a load balancer answers is of no use here.",
    fields: &[
        Field::required(
            "addresses",
            Type::List(&Type::Text("a URL such as `https://vault-0.vault:8200`")),
            "The address of each server, the one to initialise first.",
        ),
        Field::default("tls", Type::Shape(&TLS), "{}", "How TLS is verified."),
        Field::optional(
            "namespace",
            Type::Text("a namespace of the Vault"),
            "The namespace inside the Vault, in the editions that have them.",
        ),
    ],
    one_of: &[],
    example: "addresses: [\"https://vault-0.vault:8200\"]",
};

const TLS: Shape = Shape {
    name: "`tls`",
    title: "Tls",
    about: "TLS is always verified.",
    fields: &[Field::optional(
        "caFile",
        Type::Text("a path on the machine that runs trueup"),
        "A file with the CA certificates to trust, in PEM. Where it is not set: those of the system.",
    )],
    one_of: &[],
    example: "caFile: /etc/vault/ca.crt",
};

pub(super) const KEYS: Shape = Shape {
    name: "`keys`",
    title: "Keys",
    about: "Where the keys are kept: always sealed to age recipients. Exactly one store is given.",
    fields: &[
        Field::optional(
            "age",
            Type::Shape(&AGE),
            "A file on the machine that runs trueup.",
        ),
        Field::optional(
            "identityFrom",
            Type::Shape(&REFERENCE),
            "The age identity that opens the keys. Without it trueup can neither initialise nor unseal.",
        ),
    ],
    one_of: &["age"],
    example: r"age: {path: secrets/vault-keys.age, recipients: [age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq]}
identityFrom: {file: /etc/trueup/age.key}",
};

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
        Field::required(
            "recipients",
            Type::List(&Type::Text("an age recipient: `age1…`")),
            "Whom the keys are sealed to.",
        ),
    ],
    one_of: &[],
    example: "{path: vault-keys.age, recipients: [age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq]}",
};

pub(super) const REFERENCE: Shape = Shape {
    name: "a reference to a secret",
    title: "Reference",
    about: "Where a secret is found. Exactly one of the fields is given; the secret itself never stands \
            in a file of the repository.",
    fields: &[
        Field::optional(
            "env",
            Type::Text("the name of a variable"),
            "A variable of the environment of the process.",
        ),
        Field::optional(
            "file",
            Type::Text("a path on the machine that runs trueup"),
            "A file. One newline at its end is dropped.",
        ),
    ],
    one_of: &["env", "file"],
    example: "file: /etc/trueup/age.key",
};

pub(super) fn decode(value: Value<'_>) -> Option<Server> {
    let fields = value.fields(&SERVER)?;
    let addresses = fields.required("addresses").and_then(|value| {
        let urls: Vec<Option<Spanned<Url>>> = value.list()?.into_iter().map(url).collect();
        if urls.is_empty() {
            value.invalid("`addresses` is empty", "name at least one server");
            return None;
        }
        urls.into_iter().collect::<Option<Vec<_>>>()
    });
    let tls = fields.optional("tls").and_then(|value| {
        let fields = value.fields(&TLS)?;
        Some(Tls {
            ca_file: fields.optional("caFile").and_then(Value::text),
        })
    });
    let namespace = fields.optional("namespace").and_then(Value::text);
    Some(Server {
        address: Address::Urls(addresses?),
        tls: tls.unwrap_or_default(),
        namespace: namespace.map(|name| name.value).unwrap_or_default(),
    })
}

fn url(value: Value<'_>) -> Option<Spanned<Url>> {
    let text = value.text()?;
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Some(value.spanned(url))
        }
        _ => {
            value.invalid(
                format!("`{}` is no address of a Vault", text.value),
                "write it as `https://vault-0.vault:8200`",
            );
            None
        }
    }
}

pub(super) fn decode_keys(value: Value<'_>) -> Option<KeysAt> {
    let fields = value.fields(&KEYS)?;
    let identity = match fields.optional("identityFrom") {
        Some(value) => Some(reference(value)?),
        None => None,
    };
    let (_, store) = fields.choice()?;
    let age = store.fields(&AGE)?;
    let path = age.required("path").and_then(Value::text);
    let recipients = age.required("recipients").and_then(Value::texts);
    Some(KeysAt {
        store: Store::File(path?.value),
        recipients: recipients?.into_iter().map(|one| one.value).collect(),
        identity,
        location: value.location(),
    })
}

pub(super) fn reference(value: Value<'_>) -> Option<Reference> {
    if value.is_scalar() {
        // Whatever stands there was meant to be secret.
        value.hide();
        value.invalid(
            "a secret must not stand in this file",
            "say where it is found: `{env: NAME}` or `{file: PATH}`",
        );
        return None;
    }
    let fields = value.fields(&REFERENCE)?;
    let (which, value) = fields.choice()?;
    let text = value.text()?.value;
    Some(match which {
        "env" => Reference::Env(text),
        _ => Reference::File(text),
    })
}
