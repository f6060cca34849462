//! The whole file.

use std::collections::HashMap;

use trueup_manifest::{Diagnostic, Tree};

use super::{Bootstrap, mounts, roles, server};
use crate::{
    config::{Field, Fields, Shape, Type, Value, check_kind},
    vault::{
        init::Init,
        wanted::{Data, Wanted, What, in_order},
    },
};

/// What becomes of the first token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RootToken {
    /// It is revoked when the bootstrap is done.
    #[default]
    Revoke,
    /// It stays in the key store, sealed.
    Store,
}

/// What happens to things that the file no longer names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PruneMode {
    /// Those that trueup made are deleted.
    #[default]
    Owned,
    /// Nothing is deleted.
    None,
}

/// The file.
pub const BOOTSTRAP: Shape = Shape {
    name: "a VaultBootstrap",
    title: "VaultBootstrap",
    about: "How a Vault goes from an empty server to a configured one. A phase of an Environment names the \
            file: `vault: {path: environments/dev/vault.yaml}`.",
    fields: &[
        Field::required(
            "apiVersion",
            Type::Word("trueup.dev/v1"),
            "The version of the format.",
        ),
        Field::required("kind", Type::Word("VaultBootstrap"), "What the file is."),
        Field::required("metadata", Type::Shape(&METADATA), "Its name."),
        Field::required("spec", Type::Shape(&SPEC), "What it says."),
    ],
    one_of: &[],
    example: r"apiVersion: trueup.dev/v1
kind: VaultBootstrap
metadata: {name: vault}
spec:
  server: {addresses: ['https://vault-0.vault:8200']}
  init: {shares: 5, threshold: 3}
  keys:
    age: {path: vault-keys.age, recipients: [age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq]}
    identityFrom: {file: /etc/trueup/age.key}
  secretsEngines: [{type: aws}]",
};

const METADATA: Shape = Shape {
    name: "`metadata`",
    title: "Metadata",
    about: "",
    fields: &[Field::required(
        "name",
        Type::Text("a name"),
        "The name of the Vault.",
    )],
    one_of: &[],
    example: "name: vault",
};

const SPEC: Shape = Shape {
    name: "`spec`",
    title: "Spec",
    about: "",
    fields: &[
        Field::required(
            "server",
            Type::Shape(&server::SERVER),
            "How the servers are reached.",
        ),
        Field::optional(
            "init",
            Type::Shape(&INIT),
            "How it is initialised. Without it, that is left to others, and one that is not is an error.",
        ),
        Field::optional(
            "keys",
            Type::Shape(&server::KEYS),
            "Where the keys are kept, and beside them the ledger of what trueup made. Without it trueup \
             neither initialises, unseals nor configures.",
        ),
        Field::default(
            "rootToken",
            Type::Words(&["revoke", "store"]),
            "revoke",
            "What becomes of the first token once everything is configured. Later runs make one of the \
             shares, and revoke it when they are done.",
        ),
        Field::optional(
            "tokenFrom",
            Type::Shape(&server::REFERENCE),
            "A token to configure with, instead of one that the shares make. It is not revoked.",
        ),
        Field::default(
            "audit",
            Type::List(&Type::Shape(&mounts::AUDIT)),
            "[]",
            "Audit devices.",
        ),
        Field::default(
            "authMethods",
            Type::List(&Type::Shape(&mounts::AUTH)),
            "[]",
            "Auth methods.",
        ),
        Field::default(
            "secretsEngines",
            Type::List(&Type::Shape(&mounts::SECRETS)),
            "[]",
            "Secrets engines.",
        ),
        Field::default(
            "policies",
            Type::Map(&Type::Either(
                &Type::Text("the text of a policy"),
                &Type::Shape(&POLICY_FILE),
            )),
            "{}",
            "Policies by their names: their text, or the file that holds it.",
        ),
        Field::optional(
            "userRoles",
            Type::Shape(&roles::USER_ROLES),
            "A role of the AWS engine a person.",
        ),
        Field::default(
            "objects",
            Type::List(&Type::Shape(&OBJECT)),
            "[]",
            "Anything else, by its path. Every field is compared as it is written.",
        ),
        Field::default(
            "prune",
            Type::Words(&["owned", "none"]),
            "owned",
            "What happens to policies, roles and audit devices that trueup made and the file no longer \
             names. What trueup did not make is never deleted.",
        ),
    ],
    one_of: &[],
    example: "server: {addresses: ['https://vault-0.vault:8200']}",
};

const INIT: Shape = Shape {
    name: "`init`",
    title: "Init",
    about: "",
    fields: &[
        Field::default(
            "shares",
            Type::Count("1 to 255"),
            "5",
            "How many shares the key is split into.",
        ),
        Field::default(
            "threshold",
            Type::Count("1 to 255"),
            "3",
            "How many of them open it.",
        ),
    ],
    one_of: &[],
    example: "{shares: 5, threshold: 3}",
};

const POLICY_FILE: Shape = Shape {
    name: "a policy's file",
    title: "PolicyFile",
    about: "",
    fields: &[Field::required(
        "file",
        Type::Path,
        "A file of the repository.",
    )],
    one_of: &[],
    example: "file: policies/read.hcl",
};

const OBJECT: Shape = Shape {
    name: "an object",
    title: "Object",
    about: "",
    fields: &[
        Field::required("path", Type::Text("a path below `/v1/`"), "Where it is."),
        Field::required("data", Type::Map(&Type::Any), "Its fields."),
    ],
    one_of: &[],
    example: "{path: sys/quotas/rate-limit/all, data: {rate: 100}}",
};

pub(super) fn decode(value: Value<'_>, tree: &dyn Tree) -> Option<Bootstrap> {
    let fields = value.fields(&BOOTSTRAP)?;
    check_kind(&fields, "VaultBootstrap");
    let name = fields
        .required("metadata")
        .and_then(|value| value.fields(&METADATA))
        .and_then(|fields| fields.required("name"))
        .and_then(Value::text);
    let spec = fields.required("spec")?;
    let fields = spec.fields(&SPEC)?;
    let server = fields.required("server").and_then(server::decode);
    let init = match fields.optional("init") {
        Some(value) => Some(init(value)?),
        None => None,
    };
    let keys = match fields.optional("keys") {
        Some(value) => Some(server::decode_keys(value)?),
        None => None,
    };
    if let (Some(_), None) = (&init, &keys) {
        spec.invalid(
            "`init` makes keys, but nothing says where they are kept",
            "add `keys`, or remove `init`",
        );
    }
    let words = [("revoke", RootToken::Revoke), ("store", RootToken::Store)];
    let root_token = fields
        .optional("rootToken")
        .and_then(|value| value.word(&words));
    let token = match fields.optional("tokenFrom") {
        Some(value) => Some(server::reference(value)?),
        None => None,
    };
    let words = [("owned", PruneMode::Owned), ("none", PruneMode::None)];
    let prune = fields
        .optional("prune")
        .and_then(|value| value.word(&words));
    let mut secrets = Vec::new();
    let wanted = all_wanted(&fields, tree, &mut secrets);
    refuse_twice(&wanted, spec);
    if keys.is_none() && !wanted.is_empty() {
        spec.invalid(
            "what is declared here needs `keys`: the ledger of what trueup made lies beside them",
            "add `keys`; with `tokenFrom` and without `init` the keys themselves stay with others",
        );
    }
    Some(Bootstrap {
        name: name?.value,
        server: server?,
        init,
        keys,
        root_token: root_token.unwrap_or_default(),
        token,
        wanted: in_order(wanted),
        secrets,
        prune: prune.unwrap_or_default(),
        location: value.location(),
    })
}

fn init(value: Value<'_>) -> Option<Init> {
    let fields = value.fields(&INIT)?;
    let count = |name: &'static str, default: u32| match fields.optional(name) {
        Some(value) => value.count(1, 255),
        None => Some(default),
    };
    let (shares, threshold) = (count("shares", 5)?, count("threshold", 3)?);
    if threshold > shares {
        value.invalid(
            format!("{threshold} of {shares} shares can never come together"),
            "`threshold` is at most `shares`",
        );
        return None;
    }
    Some(Init {
        shares: shares.into(),
        threshold: threshold.into(),
    })
}

fn all_wanted(
    fields: &Fields<'_>,
    tree: &dyn Tree,
    secrets: &mut Vec<(String, String, server::Reference)>,
) -> Vec<Wanted> {
    let list = |name: &'static str| {
        fields
            .optional(name)
            .and_then(Value::list)
            .unwrap_or_default()
    };
    let mut wanted: Vec<Wanted> = list("audit")
        .into_iter()
        .filter_map(mounts::audit)
        .collect();
    for value in list("authMethods") {
        wanted.extend(mounts::auth(value, secrets).unwrap_or_default());
    }
    for value in list("secretsEngines") {
        wanted.extend(mounts::secrets(value, secrets).unwrap_or_default());
    }
    let policies = fields.optional("policies").and_then(Value::entries);
    for (name, value) in policies.unwrap_or_default() {
        wanted.extend(policy(&name, value, tree));
    }
    if let Some(value) = fields.optional("userRoles") {
        wanted.extend(roles::users(value).unwrap_or_default());
    }
    for value in list("objects") {
        wanted.extend(object(value));
    }
    wanted
}

fn policy(name: &str, value: Value<'_>, tree: &dyn Tree) -> Option<Wanted> {
    let text = if value.is_scalar() {
        value.text()?.value
    } else {
        let path = value
            .fields(&POLICY_FILE)?
            .required("file")
            .and_then(Value::path)?;
        let text = tree
            .read(&path.value)
            .map(|bytes| String::from_utf8(bytes.to_vec()));
        let Ok(Ok(text)) = text else {
            value.invalid(
                format!("`{}` cannot be read as text", tree.display(&path.value)),
                "name a file of the repository",
            );
            return None;
        };
        text
    };
    if name != name.to_lowercase() {
        value.invalid(
            format!(
                "Vault keeps the names of policies in lower case, so `{name}` never comes back"
            ),
            format!("write `{}`", name.to_lowercase()),
        );
        return None;
    }
    if matches!(name, "root" | "default" | "default-ceiling") {
        value.invalid(
            format!("the policy `{name}` is the server's own"),
            "give yours another name",
        );
        return None;
    }
    Some(Wanted {
        path: format!("sys/policies/acl/{name}"),
        what: What::Policy(text),
        location: value.location(),
    })
}

fn object(value: Value<'_>) -> Option<Wanted> {
    let fields = value.fields(&OBJECT)?;
    let path = fields.required("path").and_then(Value::text)?;
    let mut none = Vec::new();
    let data: Data = fields
        .required("data")
        .and_then(|value| super::data(value, &path, None, &mut none))?;
    Some(Wanted {
        path: path.trim_matches('/').trim_start_matches("v1/").to_owned(),
        what: What::Role(data),
        location: value.location(),
    })
}

/// Two declarations of one path would undo one another for ever.
fn refuse_twice(wanted: &[Wanted], spec: Value<'_>) {
    let mut seen: HashMap<&str, &Wanted> = HashMap::new();
    for one in wanted {
        if let Some(first) = seen.insert(&one.path, one) {
            let at = first
                .location
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            spec.report(
                Diagnostic::error(
                    "vault/declared-twice",
                    format!("`{}` is declared twice, first at {at}", one.path),
                )
                .at(one.location.clone())
                .help("keep one of them"),
            );
        }
    }
}
