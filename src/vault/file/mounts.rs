//! `spec.audit`, `spec.authMethods` and `spec.secretsEngines`.

use std::collections::BTreeMap;

use super::{Reference, data, roles};
use crate::{
    config::{Field, Fields, Shape, Type, Value},
    vault::{
        normal::{FieldKind, normal},
        rules::{self, Rules},
        wanted::{BUILT_IN_MOUNTS, Class, Mount, Wanted, What},
    },
};

pub(super) const AUDIT: Shape = Shape {
    name: "an audit device",
    title: "Audit",
    about: "",
    fields: &[
        Field::required("path", Type::Text("a path"), "Where it is mounted."),
        Field::required(
            "type",
            Type::Text("`file`, `socket` or `syslog`"),
            "Its type.",
        ),
        Field::optional("description", Type::Text("text"), "What it is for."),
        Field::default(
            "options",
            Type::Map(&Type::Scalar),
            "{}",
            "The options of its type.",
        ),
    ],
    one_of: &[],
    example: "{path: file, type: file, options: {file_path: stdout}}",
};

pub(super) const TUNE: Shape = Shape {
    name: "`tune`",
    title: "Tune",
    about: "",
    fields: &[
        Field::optional(
            "defaultLeaseTtl",
            Type::Scalar,
            "How long leases last unless asked otherwise.",
        ),
        Field::optional("maxLeaseTtl", Type::Scalar, "How long leases last at most."),
        Field::optional(
            "listingVisibility",
            Type::Words(&["hidden", "unauth"]),
            "Whether it is listed to those who have not logged in.",
        ),
        Field::optional(
            "tokenType",
            Type::Words(&["default-service", "default-batch", "service", "batch"]),
            "Of an auth method: the type of the tokens that it gives.",
        ),
        Field::optional(
            "auditNonHmacRequestKeys",
            Type::List(&Type::Text("a key")),
            "Keys of requests that the audit log holds in clear.",
        ),
        Field::optional(
            "auditNonHmacResponseKeys",
            Type::List(&Type::Text("a key")),
            "Keys of answers that the audit log holds in clear.",
        ),
        Field::optional(
            "passthroughRequestHeaders",
            Type::List(&Type::Text("a header")),
            "Headers of requests that the plugin sees.",
        ),
        Field::optional(
            "allowedResponseHeaders",
            Type::List(&Type::Text("a header")),
            "Headers that the plugin may answer with.",
        ),
    ],
    one_of: &[],
    example: "{defaultLeaseTtl: 1h, maxLeaseTtl: 24h}",
};

/// Names in the file, names in the API, and what they hold.
const TUNED: [(&str, &str, FieldKind); 8] = [
    ("defaultLeaseTtl", "default_lease_ttl", FieldKind::Duration),
    ("maxLeaseTtl", "max_lease_ttl", FieldKind::Duration),
    ("listingVisibility", "listing_visibility", FieldKind::Text),
    ("tokenType", "token_type", FieldKind::Text),
    (
        "auditNonHmacRequestKeys",
        "audit_non_hmac_request_keys",
        FieldKind::Set,
    ),
    (
        "auditNonHmacResponseKeys",
        "audit_non_hmac_response_keys",
        FieldKind::Set,
    ),
    (
        "passthroughRequestHeaders",
        "passthrough_request_headers",
        FieldKind::Set,
    ),
    (
        "allowedResponseHeaders",
        "allowed_response_headers",
        FieldKind::Set,
    ),
];

const PATH: Field = Field::optional(
    "path",
    Type::Text("a path"),
    "Where it is mounted. Where it is not set: its type.",
);

const DESCRIPTION: Field = Field::optional("description", Type::Text("text"), "What it is for.");

const TUNE_FIELD: Field = Field::default("tune", Type::Shape(&TUNE), "{}", "How it is tuned.");

const MOVED_FROM: Field = Field::optional(
    "movedFrom",
    Type::Text("a path"),
    "Where it was mounted before. It is moved with all that it holds, once; its leases are revoked.",
);

const DELETION_POLICY: Field = Field::default(
    "deletionPolicy",
    Type::Words(&["keep", "delete"]),
    "keep",
    "Whether it is deleted, with all that it holds, when this file no longer names it.",
);

const ALLOW_REPLACE: Field = Field::default(
    "allowReplace",
    Type::Bool,
    "false",
    "Whether it may be deleted and made anew, with all that it holds, where its type changes or its \
     version goes back.",
);

pub(super) const AUTH: Shape = Shape {
    name: "an auth method",
    title: "AuthMethod",
    about: "Types with tables of their parameters: `aws`, `approle`, `cert`, `jwt`, `kubernetes`, `oidc` and \
            `userpass`. Of other types the mount itself can be declared.",
    fields: &[
        Field::required(
            "type",
            Type::Text("the type of an auth method"),
            "Its type.",
        ),
        PATH,
        DESCRIPTION,
        TUNE_FIELD,
        Field::default(
            "config",
            Type::Map(&Type::Any),
            "{}",
            "Its configuration: of `aws` that of `config/client`, of `cert`, `jwt`, `kubernetes` and `oidc` \
             that of `config`.",
        ),
        Field::default(
            "identity",
            Type::Map(&Type::Any),
            "{}",
            "Of `aws`: `config/identity`.",
        ),
        Field::default(
            "sts",
            Type::Map(&Type::Any),
            "{}",
            "Of `aws`: `config/sts`, by account.",
        ),
        Field::default(
            "roles",
            Type::Map(&Type::Any),
            "{}",
            "Its roles (of `userpass` its users, of `cert` its certificates) by their names, with the \
             parameters of Vault's own API.",
        ),
        MOVED_FROM,
        DELETION_POLICY,
        ALLOW_REPLACE,
    ],
    one_of: &[],
    example: r"type: aws
roles:
  reader: {auth_type: iam, policies: [read], bound_iam_principal_arn: arn:aws:iam::111122223333:role/reader}",
};

pub(super) const SECRETS: Shape = Shape {
    name: "a secrets engine",
    title: "SecretsEngine",
    about: "Types with tables of their parameters: `aws`, `database`, `kv`, `pki`, `ssh` and `transit`. Of \
            other types the mount itself can be declared.",
    fields: &[
        Field::required(
            "type",
            Type::Text("the type of a secrets engine"),
            "Its type.",
        ),
        PATH,
        DESCRIPTION,
        Field::default(
            "options",
            Type::Map(&Type::Scalar),
            "{}",
            "Options such as the `version` of `kv`.",
        ),
        TUNE_FIELD,
        Field::default(
            "config",
            Type::Map(&Type::Any),
            "{}",
            "Its configuration: of `kv` that of `config` (version 2). Of others its parts: of `aws` `root` and \
             `lease`, of `pki` `root` (a certificate authority that is made once), `urls`, `crl`, `cluster` \
             and `acme`, of `ssh` `ca`, of `transit` `keys`; of `database` its connections by their names.",
        ),
        Field::default(
            "roles",
            Type::Map(&Type::Any),
            "{}",
            "Its roles (of `transit` its keys) by their names, with the parameters of Vault's own API.",
        ),
        MOVED_FROM,
        DELETION_POLICY,
        ALLOW_REPLACE,
        Field::default(
            "allowUpgrade",
            Type::Bool,
            "false",
            "Whether a `kv` of version 1 may become one of version 2: there is no way back, and clients \
             read other paths from then on.",
        ),
    ],
    one_of: &[],
    example: r"{type: kv, path: secret, options: {version: '2'}}",
};

type Secrets = Vec<(String, String, Reference)>;

/// The rules of the paths below a mount of a type, by what follows its own.
type RulesOf = fn(&str, &str) -> Option<Rules>;

pub(super) fn audit(value: Value<'_>) -> Option<Wanted> {
    let fields = value.fields(&AUDIT)?;
    let path = fields.required("path").and_then(Value::text)?;
    let kind = fields.required("type").and_then(Value::text)?;
    let mount = Mount {
        kind: kind.value,
        description: description(&fields),
        options: options(&fields),
        ..Mount::default()
    };
    Some(Wanted {
        path: format!("sys/audit/{}", path.trim_matches('/')),
        what: What::Audit(mount),
        location: value.location(),
    })
}

fn description(fields: &Fields<'_>) -> Option<String> {
    let text = fields.optional("description").and_then(Value::text);
    text.map(|text| text.value)
}

fn options(fields: &Fields<'_>) -> BTreeMap<String, String> {
    let entries = fields.optional("options").and_then(Value::entries);
    entries
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, value)| Some((name.value, value.literal()?.text)))
        .collect()
}

/// What auth methods and secrets engines have in common.
fn mount(fields: &Fields<'_>, kind: &str, prefix: &str) -> Mount {
    let policy = fields
        .optional("deletionPolicy")
        .and_then(|value| value.word(&[("keep", false), ("delete", true)]));
    let replaces = fields.optional("allowReplace").and_then(Value::bool);
    let moved_from = fields.optional("movedFrom").and_then(sound_path);
    Mount {
        kind: kind.to_owned(),
        description: description(fields),
        options: BTreeMap::new(),
        tune: fields.optional("tune").and_then(tune).unwrap_or_default(),
        may_delete: policy.unwrap_or(false),
        may_replace: replaces.unwrap_or(false),
        may_upgrade: false,
        moved_from: moved_from.map(|path| format!("{prefix}{path}")),
    }
}

fn tune(value: Value<'_>) -> Option<BTreeMap<String, (FieldKind, serde_json::Value)>> {
    let fields = value.fields(&TUNE)?;
    let mut tune = BTreeMap::new();
    for (name, api, kind) in TUNED {
        let Some(value) = fields.optional(name) else {
            continue;
        };
        let words: &[(&str, ())] = match name {
            "listingVisibility" => &[("hidden", ()), ("unauth", ())],
            "tokenType" => &[
                ("default-service", ()),
                ("default-batch", ()),
                ("service", ()),
                ("batch", ()),
            ],
            _ => &[],
        };
        if !words.is_empty() && value.word(words).is_none() {
            continue;
        }
        let written = if kind == FieldKind::Set {
            value.texts().map(|texts| {
                let texts = texts.into_iter().map(|text| text.value);
                texts.collect::<serde_json::Value>()
            })
        } else {
            value.literal().map(|literal| literal.text.into())
        };
        let Some(written) = written else {
            continue;
        };
        match normal(kind, &written) {
            Ok(normal) => {
                tune.insert(api.to_owned(), (kind, normal));
            }
            Err(expected) => value.invalid(
                format!("`{name}` must be {expected}, but is {written}"),
                "write it as `1h`",
            ),
        }
    }
    Some(tune)
}

/// A mount that is being read, and what is found in it.
struct Inside<'a> {
    fields: Fields<'a>,
    kind: String,
    /// Its path as it is listed.
    here: String,
    /// The rules of the paths below it, by what follows its own.
    rules: RulesOf,
    wanted: Vec<Wanted>,
    secrets: &'a mut Secrets,
}

/// An auth method with all that it holds.
pub(super) fn auth(value: Value<'_>, secrets: &mut Secrets) -> Option<Vec<Wanted>> {
    let fields = value.fields(&AUTH)?;
    let kind = fields.required("type").and_then(Value::text)?.value;
    let here = format!("auth/{}", path(&fields, &kind)?);
    let what = What::Auth(mount(&fields, &kind, "auth/"));
    let mut inside = Inside::new(value, fields, (kind, here, rules::auth), what, secrets)?;
    let aws = inside.kind == "aws";
    inside.part("config", Some(if aws { "config/client" } else { "config" }));
    inside.part("identity", aws.then_some("config/identity"));
    inside.named("sts", aws.then_some("config/sts"), Class::Role);
    let folder = rules::auth_role_folder(&inside.kind);
    inside.named("roles", folder, Class::Role);
    Some(inside.wanted)
}

/// A secrets engine with all that it holds.
pub(super) fn secrets(value: Value<'_>, secrets: &mut Secrets) -> Option<Vec<Wanted>> {
    let fields = value.fields(&SECRETS)?;
    let kind = fields.required("type").and_then(Value::text)?.value;
    let here = path(&fields, &kind)?;
    let mut mounted = mount(&fields, &kind, "");
    mounted.options = options(&fields);
    mounted.may_upgrade = fields
        .optional("allowUpgrade")
        .and_then(Value::bool)
        .unwrap_or(false);
    let what = What::Secrets(mounted);
    let mut inside = Inside::new(value, fields, (kind, here, rules::secrets), what, secrets)?;
    match rules::parts(&inside.kind) {
        Some(parts) => inside.parts(parts),
        None if inside.kind == "database" => {
            inside.named("config", Some("config"), Class::Connection);
        }
        None => inside.part("config", Some("config")),
    }
    let folder = rules::secrets_role_folder(&inside.kind);
    inside.named("roles", folder, Class::Role);
    Some(inside.wanted)
}

impl<'a> Inside<'a> {
    fn new(
        value: Value<'a>,
        fields: Fields<'a>,
        (kind, here, rules): (String, String, RulesOf),
        what: What,
        secrets: &'a mut Secrets,
    ) -> Option<Self> {
        if BUILT_IN_MOUNTS.contains(&here.as_str()) {
            value.invalid(
                format!("`{here}` is the server's own"),
                "give yours another path; what lies in it can be declared under `objects`",
            );
            return None;
        }
        Some(Self {
            wanted: vec![Wanted {
                path: here.clone(),
                what,
                location: value.location(),
            }],
            fields,
            kind,
            here,
            rules,
            secrets,
        })
    }

    /// One part with a path of its own.
    fn part(&mut self, name: &'static str, rest: Option<&str>) {
        let Some(value) = self.fields.optional(name) else {
            return;
        };
        let known = rest.and_then(|rest| Some((rest, (self.rules)(&self.kind, rest)?)));
        match known {
            Some((rest, rules)) => self.push(value, rest, &rules, Class::Config),
            None => value.invalid(
                format!("`{name}` is not known for this type"),
                "declare it under `objects`, with its path",
            ),
        }
    }

    /// The parts of one configuration, each with a path of its own.
    fn parts(&mut self, parts: &[(&str, &str)]) {
        let entries = self.fields.optional("config").and_then(Value::entries);
        for (name, value) in entries.unwrap_or_default() {
            let part = parts.iter().find(|(part, _)| *part == name.value);
            let known = part.and_then(|(_, rest)| Some((rest, (self.rules)(&self.kind, rest)?)));
            let Some((rest, rules)) = known else {
                let names: Vec<&str> = parts.iter().map(|(part, _)| *part).collect();
                value.invalid(
                    format!(
                        "`{}` is no part of the configuration of `{}`",
                        name.value, self.kind
                    ),
                    format!("write one of `{}`", names.join("`, `")),
                );
                continue;
            };
            self.push(value, rest, &rules, Class::Config);
        }
    }

    /// Things by their names, in a folder.
    fn named(&mut self, field: &'static str, folder: Option<&str>, class: Class) {
        let Some(value) = self.fields.optional(field) else {
            return;
        };
        let Some(folder) = folder else {
            value.invalid(
                format!("`{field}` of this type are not known"),
                "declare each under `objects`, with its path",
            );
            return;
        };
        for (name, value) in value.entries().unwrap_or_default() {
            let aws = self.kind == "aws" && folder == "roles";
            let checked = if aws {
                roles::name_with_at(&name)
            } else {
                roles::name(&name)
            };
            if let Err((why, help)) = checked {
                value.invalid(format!("the name of this {} {why}", class.word()), help);
                continue;
            }
            // Vault keeps the names of most roles in lower case.
            let lowers = matches!(folder, "role" | "users" | "certs");
            let kept = if lowers {
                name.value.to_lowercase()
            } else {
                name.value.clone()
            };
            let rest = format!("{folder}/{kept}");
            let Some(rules) = (self.rules)(&self.kind, &rest) else {
                continue;
            };
            if self.kind == "transit" {
                self.key(value, &rest, &rules);
            } else {
                self.push(value, &rest, &rules, class);
            }
        }
    }

    /// A transit key: what it is, and at a path of its own what of it can be changed.
    fn key(&mut self, value: Value<'_>, rest: &str, rules: &Rules) {
        let settings = format!("{rest}/config");
        let Some(of_settings) = (self.rules)(&self.kind, &settings) else {
            return;
        };
        let path = format!("{}/{rest}", self.here);
        let Some(mut key) = data(value, &path, Some(&rules::TRANSIT), self.secrets) else {
            return;
        };
        let mut changeable = key.clone();
        key.fields.retain(|name, _| rules.field(name).is_some());
        key.rules = Some(*rules);
        changeable
            .fields
            .retain(|name, _| of_settings.field(name).is_some());
        changeable.rules = Some(of_settings);
        changeable.read_from = Some(path.clone());
        let location = value.location();
        if !changeable.fields.is_empty() {
            self.wanted.push(Wanted {
                path: format!("{}/{settings}", self.here),
                what: What::Data(Class::Setting, changeable),
                location: location.clone(),
            });
        }
        self.wanted.push(Wanted {
            path,
            what: What::Data(Class::Role, key),
            location,
        });
    }

    fn push(&mut self, value: Value<'_>, rest: &str, rules: &Rules, class: Class) {
        let path = format!("{}/{rest}", self.here);
        let Some(mut data) = data(value, &path, Some(rules), self.secrets) else {
            return;
        };
        if rest == "root/generate/internal" {
            // It is there where the engine has an issuer at all.
            data.read_from = Some(format!("{}/config/issuers", self.here));
            data.there_if = Some("default");
        }
        self.wanted.push(Wanted {
            path,
            what: What::Data(class, data),
            location: value.location(),
        });
    }
}

fn path(fields: &Fields<'_>, kind: &str) -> Option<String> {
    match fields.optional("path") {
        Some(value) => sound_path(value),
        None => Some(kind.to_owned()),
    }
}

/// The path of a mount.
pub(super) fn sound_path(value: Value<'_>) -> Option<String> {
    let text = value.text()?;
    let path = text.trim_matches('/');
    let sound = path.split('/').all(|part| roles::name(part).is_ok());
    if !sound {
        value.invalid(
            format!("`{}` is no path that Vault takes", text.value),
            "use letters, digits, `_`, `-` and `.`, with `/` between",
        );
    }
    sound.then(|| path.to_owned())
}
