//! `spec.server` and references to secrets.

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
    /// The pods of a `StatefulSet`, each by itself.
    Pods(PodsAt),
}

/// The pods of a `StatefulSet`.
#[derive(Clone, Debug)]
pub struct PodsAt {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub stateful_set: String,
    /// The port on which each pod answers.
    pub port: u16,
    /// Whether it answers by TLS.
    pub tls: bool,
    /// Which way the pods are reached.
    pub via: Via,
}

/// Which way pods are reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// By their addresses inside the cluster, and through the API server outside of it.
    #[default]
    Auto,
    /// By their addresses.
    PodIp,
    /// Through the API server.
    PortForward,
}

/// How TLS is verified.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// A file of CA certificates on this machine; the system's where it is not set.
    pub ca_file: Option<Spanned<String>>,
    /// A Secret of the cluster that holds them.
    pub ca_secret: Option<SecretKey>,
    /// The name that certificates must be for; that of the address where it is not set.
    pub server_name: Option<String>,
}

/// An entry of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretKey {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The entry.
    pub key: String,
}

impl Server {
    /// Whether one of the servers is one of those of another.
    pub(super) fn is_also(&self, other: &Self) -> bool {
        let shared = match (&self.address, &other.address) {
            (Address::Urls(mine), Address::Urls(theirs)) => mine
                .iter()
                .any(|url| theirs.iter().any(|other| other.value == url.value)),
            (Address::Pods(mine), Address::Pods(theirs)) => {
                mine.namespace == theirs.namespace && mine.stateful_set == theirs.stateful_set
            }
            _ => false,
        };
        shared && self.namespace == other.namespace
    }
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

pub(super) const SERVER: Shape = Shape {
    name: "a server",
    title: "Server",
    about: "How the servers of the Vault are reached. Shares go to each server by itself, so an address \
            that a load balancer answers is of no use here.",
    fields: &[
        Field::optional(
            "addresses",
            Type::List(&Type::Text("a URL such as `https://vault-0.vault:8200`")),
            "The address of each server, the one to initialise first.",
        ),
        Field::optional(
            "kubernetes",
            Type::Shape(&PODS),
            "The pods of a `StatefulSet` of the environment's cluster. A pod that is restarted is unsealed by \
             the daemon as soon as it answers again.",
        ),
        Field::default("tls", Type::Shape(&TLS), "{}", "How TLS is verified."),
        Field::optional(
            "namespace",
            Type::Text("a namespace of the Vault"),
            "The namespace inside the Vault, in the editions that have them.",
        ),
    ],
    one_of: &["addresses", "kubernetes"],
    example: "addresses: [\"https://vault-0.vault:8200\"]",
};

const PODS: Shape = Shape {
    name: "`kubernetes`",
    title: "VaultPods",
    about: "Each pod is spoken to by itself, never through a Service: a share is meant for one server.",
    fields: &[
        Field::required("namespace", Type::Text("a namespace"), "The namespace."),
        Field::default(
            "statefulSet",
            Type::Text("a name"),
            "vault",
            "The name of the `StatefulSet`. Its pod 0 is the one to initialise; the others join it where the \
             storage is raft.",
        ),
        Field::default(
            "port",
            Type::Count("1 to 65535"),
            "8200",
            "The port on which each pod answers.",
        ),
        Field::default(
            "scheme",
            Type::Words(&["https", "http"]),
            "https",
            "How it answers there.",
        ),
        Field::default(
            "via",
            Type::Words(&["auto", "podIP", "portForward"]),
            "auto",
            "How a pod is reached: by its own address, or by a connection through the API server. `auto` takes \
             the address where trueup runs inside the cluster, and the API server elsewhere.",
        ),
    ],
    one_of: &[],
    example: "{namespace: vault, statefulSet: vault}",
};

const TLS: Shape = Shape {
    name: "`tls`",
    title: "Tls",
    about: "TLS is always verified.",
    fields: &[
        Field::optional(
            "caFile",
            Type::Text("a path on the machine that runs trueup"),
            "A file with the CA certificates to trust, in PEM. Where neither it nor `caSecret` is set: those of \
             the system.",
        ),
        Field::optional(
            "caSecret",
            Type::Shape(&SECRET_KEY),
            "An entry of a Secret of the environment's cluster that holds them.",
        ),
        Field::optional(
            "serverName",
            Type::Text("a host name"),
            "The name that the certificate of each server must be for. For pods it is \
             `POD.SERVICE.NAMESPACE.svc` where it is not set, with the Service that the `StatefulSet` names; for \
             addresses it is their host.",
        ),
    ],
    one_of: &[],
    example: "caFile: /etc/vault/ca.crt",
};

const SECRET_KEY: Shape = Shape {
    name: "an entry of a Secret",
    title: "SecretKey",
    about: "",
    fields: &[
        Field::required("namespace", Type::Text("a namespace"), "The namespace."),
        Field::required("name", Type::Text("a name"), "The name of the Secret."),
        Field::default("key", Type::Text("a key"), "ca.crt", "The entry."),
    ],
    one_of: &[],
    example: "{namespace: vault, name: vault-tls, key: ca.crt}",
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
    let (which, at) = fields.choice()?;
    let address = match which {
        "addresses" => {
            let urls: Vec<Option<Spanned<Url>>> = at.list()?.into_iter().map(url).collect();
            if urls.is_empty() {
                at.invalid("`addresses` is empty", "name at least one server");
                return None;
            }
            urls.into_iter()
                .collect::<Option<Vec<_>>>()
                .map(Address::Urls)
        }
        _ => pods(at).map(Address::Pods),
    };
    let tls = match fields.optional("tls") {
        Some(value) => Some(tls(value)?),
        None => None,
    };
    let namespace = fields.optional("namespace").and_then(Value::text);
    Some(Server {
        address: address?,
        tls: tls.unwrap_or_default(),
        namespace: namespace.map(|name| name.value).unwrap_or_default(),
    })
}

fn pods(value: Value<'_>) -> Option<PodsAt> {
    let fields = value.fields(&PODS)?;
    let namespace = fields.required("namespace").and_then(Value::text);
    let stateful_set = fields.optional("statefulSet").and_then(Value::text);
    let port = match fields.optional("port") {
        Some(value) => u16::try_from(value.count(1, 65_535)?).ok()?,
        None => 8200,
    };
    let words = [("https", true), ("http", false)];
    let tls = fields
        .optional("scheme")
        .and_then(|value| value.word(&words));
    let words = [
        ("auto", Via::Auto),
        ("podIP", Via::PodIp),
        ("portForward", Via::PortForward),
    ];
    let via = fields.optional("via").and_then(|value| value.word(&words));
    Some(PodsAt {
        namespace: namespace?.value,
        stateful_set: stateful_set.map_or_else(|| "vault".to_owned(), |name| name.value),
        port,
        tls: tls.unwrap_or(true),
        via: via.unwrap_or_default(),
    })
}

fn tls(value: Value<'_>) -> Option<Tls> {
    let fields = value.fields(&TLS)?;
    let ca_secret = match fields.optional("caSecret") {
        Some(value) => Some(secret_key(value)?),
        None => None,
    };
    let tls = Tls {
        ca_file: fields.optional("caFile").and_then(Value::text),
        ca_secret,
        server_name: fields
            .optional("serverName")
            .and_then(Value::text)
            .map(|name| name.value),
    };
    if tls.ca_file.is_some() && tls.ca_secret.is_some() {
        value.invalid(
            "`caFile` and `caSecret` exclude one another",
            "keep one of them",
        );
    }
    Some(tls)
}

fn secret_key(value: Value<'_>) -> Option<SecretKey> {
    let fields = value.fields(&SECRET_KEY)?;
    let namespace = fields.required("namespace").and_then(Value::text);
    let name = fields.required("name").and_then(Value::text);
    let key = fields.optional("key").and_then(Value::text);
    Some(SecretKey {
        namespace: namespace?.value,
        name: name?.value,
        key: key.map_or_else(|| "ca.crt".to_owned(), |key| key.value),
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
