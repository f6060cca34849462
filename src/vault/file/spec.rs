//! The whole file.

use std::collections::HashMap;

use trueup_manifest::{Diagnostic, Tree};

use super::{Bootstrap, identity, initial, keys, login, mounts, prune, roles, server, system};
use crate::{
    config::{Field, Fields, Shape, Type, Value, check_kind},
    vault::{
        init::Init,
        wanted::{Wanted, in_order},
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
            Type::Shape(&keys::KEYS),
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
        Field::optional(
            "auth",
            Type::Shape(&login::AUTH),
            "How trueup logs in on later runs. Without it, each run makes a token of the shares.",
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
                &Type::Shape(&system::POLICY_FILE),
            )),
            "{}",
            "Policies by their names: their text, or the file that holds it. `${accessor(auth/aws)}` in one \
             stands for the accessor of that mount.",
        ),
        Field::optional(
            "userRoles",
            Type::Shape(&roles::USER_ROLES),
            "A role of the AWS engine a person.",
        ),
        Field::optional(
            "identity",
            Type::Shape(&identity::IDENTITY),
            "Who there is, however they log in.",
        ),
        Field::default(
            "quotas",
            Type::List(&Type::Shape(&system::QUOTA)),
            "[]",
            "Limits on requests and leases.",
        ),
        Field::default(
            "passwordPolicies",
            Type::Map(&Type::Either(
                &Type::Text("the text of a password policy"),
                &Type::Shape(&system::POLICY_FILE),
            )),
            "{}",
            "Rules that generated passwords follow, by their names: their text, or the file that holds it.",
        ),
        Field::default(
            "initialValues",
            Type::List(&Type::Shape(&initial::INITIAL)),
            "[]",
            "Secrets that are put into a KV engine once.",
        ),
        Field::default(
            "objects",
            Type::List(&Type::Shape(&system::OBJECT)),
            "[]",
            "Anything else, by its path. Fields are compared as they are written unless `compare` says \
             otherwise.",
        ),
        Field::default(
            "verify",
            Type::List(&Type::Shape(&login::CHECK)),
            "[]",
            "What has to work once everything is configured.",
        ),
        Field::default(
            "prune",
            Type::Either(
                &Type::Words(&["owned", "none"]),
                &Type::Shape(&prune::PRUNE),
            ),
            "owned",
            "What happens to what the file does not name. With `owned` only what trueup made is deleted; an \
             initial value never is.",
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
        Field::default(
            "holders",
            Type::List(&Type::Path),
            "[]",
            "Files of the repository with the OpenPGP public keys of those who hold the shares, one a share. Each \
             share is then sealed to its holder by the Vault itself, and trueup cannot unseal: it says so, and \
             whom to ask. What it keeps of the shares is of no use without their holders.",
        ),
    ],
    one_of: &[],
    example: "{shares: 5, threshold: 3}",
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
        Some(value) => Some(init(value, tree)?),
        None => None,
    };
    let keys = match fields.optional("keys") {
        Some(value) => Some(keys::decode(value)?),
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
    let prune = fields.optional("prune").and_then(prune::decode);
    let (mut secrets, mut sealed) = (Vec::new(), Vec::new());
    let mut wanted = all_wanted(&fields, tree, &mut secrets, &mut sealed);
    let auth = match fields.optional("auth") {
        Some(value) => Some(login::auth(value, &mut wanted)?),
        None => None,
    };
    let checks = fields.optional("verify").and_then(Value::list);
    let checks: Vec<Option<login::Check>> = checks
        .unwrap_or_default()
        .into_iter()
        .map(login::check)
        .collect();
    initial::versions(&mut wanted);
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
        auth,
        verify: checks.into_iter().collect::<Option<Vec<_>>>()?,
        token,
        wanted: in_order(wanted),
        secrets,
        sealed,
        prune: prune.unwrap_or_default(),
        location: value.location(),
    })
}

fn init(value: Value<'_>, tree: &dyn Tree) -> Option<Init> {
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
    let files = match fields.optional("holders") {
        Some(value) => value.list()?,
        None => Vec::new(),
    };
    let holders: Vec<Option<String>> = files.iter().map(|file| holder(*file, tree)).collect();
    if !holders.is_empty() && u32::try_from(holders.len()) != Ok(shares) {
        value.invalid(
            format!("there are {shares} shares for {} holders", holders.len()),
            "name one holder a share",
        );
        return None;
    }
    Some(Init {
        shares: shares.into(),
        threshold: threshold.into(),
        holders: holders.into_iter().collect::<Option<Vec<_>>>()?,
    })
}

/// The public key in a file, as Vault takes it: the base64 that its armour holds.
fn holder(value: Value<'_>, tree: &dyn Tree) -> Option<String> {
    let path = value.path()?;
    let bytes = tree.read(&path.value).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    let key = text.as_deref().and_then(armoured);
    if key.is_none() {
        value.invalid(
            format!("`{}` holds no armoured OpenPGP public key", path.value),
            "`gpg --armor --export NAME` writes one",
        );
    }
    key
}

fn armoured(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("-----BEGIN PGP PUBLIC KEY BLOCK-----")?;
    let (inside, _) = rest.split_once("-----END PGP PUBLIC KEY BLOCK-----")?;
    // Headers end with an empty line; the checksum begins with `=`.
    let (_, body) = inside
        .split_once("\n\n")
        .or_else(|| inside.split_once("\r\n\r\n"))?;
    let lines = body.lines().map(str::trim);
    let key: String = lines.take_while(|line| !line.starts_with('=')).collect();
    (!key.is_empty()).then_some(key)
}

fn all_wanted(
    fields: &Fields<'_>,
    tree: &dyn Tree,
    secrets: &mut Vec<(String, String, server::Reference)>,
    sealed: &mut Vec<initial::Sealed>,
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
    let named = |name: &'static str| {
        let entries = fields.optional(name).and_then(Value::entries);
        entries.unwrap_or_default()
    };
    for (name, value) in named("policies") {
        wanted.extend(system::policy(&name, value, tree));
    }
    for (name, value) in named("passwordPolicies") {
        wanted.extend(system::password_policy(&name, value, tree));
    }
    if let Some(value) = fields.optional("userRoles") {
        wanted.extend(roles::users(value, tree).unwrap_or_default());
    }
    if let Some(value) = fields.optional("identity") {
        wanted.extend(identity::decode(value).unwrap_or_default());
    }
    wanted.extend(list("quotas").into_iter().filter_map(system::quota));
    for value in list("initialValues") {
        wanted.extend(initial::decode(value, tree, secrets, sealed));
    }
    wanted.extend(list("objects").into_iter().filter_map(system::object));
    wanted
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
