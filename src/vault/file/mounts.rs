//! `spec.audit`, `spec.authMethods` and `spec.secretsEngines`.

use std::collections::BTreeMap;

use super::{Reference, data, roles};
use crate::{
    config::{Field, Fields, Shape, Type, Value},
    vault::{
        normal::{FieldKind, normal},
        rules::{self, Rules},
        wanted::{Mount, Wanted, What},
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
    ],
    one_of: &[],
    example: "{defaultLeaseTtl: 1h, maxLeaseTtl: 24h}",
};

const TUNED: [(&str, &str, FieldKind); 3] = [
    ("defaultLeaseTtl", "default_lease_ttl", FieldKind::Duration),
    ("maxLeaseTtl", "max_lease_ttl", FieldKind::Duration),
    ("listingVisibility", "listing_visibility", FieldKind::Text),
];

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
    "Whether it may be deleted and made anew where its type changes.",
);

pub(super) const AUTH: Shape = Shape {
    name: "an auth method",
    title: "AuthMethod",
    about: "Types with tables of their parameters: `aws`, `approle`, `kubernetes` and `userpass`. Of other \
            types the mount itself can be declared.",
    fields: &[
        Field::required(
            "type",
            Type::Text("the type of an auth method"),
            "Its type.",
        ),
        Field::optional(
            "path",
            Type::Text("a path"),
            "Where it is mounted. Where it is not set: its type.",
        ),
        Field::optional("description", Type::Text("text"), "What it is for."),
        Field::default("tune", Type::Shape(&TUNE), "{}", "How it is tuned."),
        Field::default(
            "config",
            Type::Map(&Type::Any),
            "{}",
            "Its configuration: of `aws` that of `config/client`, of `kubernetes` that of `config`.",
        ),
        Field::default(
            "identity",
            Type::Map(&Type::Any),
            "{}",
            "Of `aws`: `config/identity`.",
        ),
        Field::default(
            "roles",
            Type::Map(&Type::Any),
            "{}",
            "Its roles (of `userpass` its users) by their names, with the parameters of Vault's own API.",
        ),
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
    about: "Types with tables of their parameters: `aws`, `kv` (version 2) and `transit`. Of other types the \
            mount itself can be declared.",
    fields: &[
        Field::required(
            "type",
            Type::Text("the type of a secrets engine"),
            "Its type.",
        ),
        Field::optional(
            "path",
            Type::Text("a path"),
            "Where it is mounted. Where it is not set: its type.",
        ),
        Field::optional("description", Type::Text("text"), "What it is for."),
        Field::default(
            "options",
            Type::Map(&Type::Scalar),
            "{}",
            "Options such as the `version` of `kv`.",
        ),
        Field::default("tune", Type::Shape(&TUNE), "{}", "How it is tuned."),
        Field::default(
            "config",
            Type::Map(&Type::Any),
            "{}",
            "Its configuration: of `aws` the parts `root` and `lease`, of `kv` that of `config`.",
        ),
        Field::default(
            "roles",
            Type::Map(&Type::Any),
            "{}",
            "Its roles (of `transit` its keys) by their names, with the parameters of Vault's own API.",
        ),
        DELETION_POLICY,
        ALLOW_REPLACE,
    ],
    one_of: &[],
    example: r"{type: kv, path: secret, options: {version: '2'}}",
};

type Secrets = Vec<(String, String, Reference)>;

pub(super) fn audit(value: Value<'_>) -> Option<Wanted> {
    let fields = value.fields(&AUDIT)?;
    let path = fields.required("path").and_then(Value::text)?;
    let kind = fields.required("type").and_then(Value::text)?;
    let mount = Mount {
        kind: kind.value,
        description: fields
            .optional("description")
            .and_then(Value::text)
            .map(|text| text.value),
        options: options(&fields),
        ..Mount::default()
    };
    Some(Wanted {
        path: format!("sys/audit/{}", path.trim_matches('/')),
        what: What::Audit(mount),
        location: value.location(),
    })
}

fn options(fields: &Fields<'_>) -> BTreeMap<String, String> {
    let entries = fields.optional("options").and_then(Value::entries);
    entries
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, value)| Some((name.value, value.literal()?.text)))
        .collect()
}

fn mount(fields: &Fields<'_>, kind: &str) -> Mount {
    let policy = fields
        .optional("deletionPolicy")
        .and_then(|value| value.word(&[("keep", false), ("delete", true)]));
    Mount {
        kind: kind.to_owned(),
        description: fields
            .optional("description")
            .and_then(Value::text)
            .map(|text| text.value),
        options: BTreeMap::new(),
        tune: fields.optional("tune").and_then(tune).unwrap_or_default(),
        may_delete: policy.unwrap_or(false),
        may_replace: fields
            .optional("allowReplace")
            .and_then(Value::bool)
            .unwrap_or(false),
    }
}

fn tune(value: Value<'_>) -> Option<BTreeMap<String, (FieldKind, serde_json::Value)>> {
    let fields = value.fields(&TUNE)?;
    let mut tune = BTreeMap::new();
    for (name, api, kind) in TUNED {
        let Some(value) = fields.optional(name) else {
            continue;
        };
        let words = [("hidden", ()), ("unauth", ())];
        if kind == FieldKind::Text && value.word(&words).is_none() {
            continue;
        }
        let Some(literal) = value.literal() else {
            continue;
        };
        match normal(kind, &literal.text.clone().into()) {
            Ok(normal) => {
                tune.insert(api.to_owned(), (kind, normal));
            }
            Err(expected) => value.invalid(
                format!("`{name}` must be {expected}, but is `{}`", literal.text),
                "write it as `1h`",
            ),
        }
    }
    Some(tune)
}

/// An auth method with all that it holds.
pub(super) fn auth(value: Value<'_>, secrets: &mut Secrets) -> Option<Vec<Wanted>> {
    let fields = value.fields(&AUTH)?;
    let kind = fields.required("type").and_then(Value::text)?.value;
    let path = path(&fields, &kind)?;
    let here = format!("auth/{path}");
    let mut wanted = vec![Wanted {
        path: here.clone(),
        what: What::Auth(mount(&fields, &kind)),
        location: value.location(),
    }];
    let config = match kind.as_str() {
        "aws" => Some("config/client"),
        "kubernetes" => Some("config"),
        _ => None,
    };
    part(
        &fields,
        "config",
        &here,
        config,
        |rest| rules::auth(&kind, rest),
        &mut wanted,
        secrets,
    );
    let identity = (kind == "aws").then_some("config/identity");
    part(
        &fields,
        "identity",
        &here,
        identity,
        |rest| rules::auth(&kind, rest),
        &mut wanted,
        secrets,
    );
    let folder = rules::auth_role_folder(&kind);
    inside(
        &fields,
        &here,
        folder,
        |rest| rules::auth(&kind, rest),
        &mut wanted,
        secrets,
    );
    Some(wanted)
}

/// A secrets engine with all that it holds.
pub(super) fn secrets(value: Value<'_>, secrets: &mut Secrets) -> Option<Vec<Wanted>> {
    let fields = value.fields(&SECRETS)?;
    let kind = fields.required("type").and_then(Value::text)?.value;
    let path = path(&fields, &kind)?;
    let mut mounted = mount(&fields, &kind);
    mounted.options = options(&fields);
    let mut wanted = vec![Wanted {
        path: path.clone(),
        what: What::Secrets(mounted),
        location: value.location(),
    }];
    if kind == "aws" {
        // Two parts of one configuration, each with a path of its own.
        for (name, value) in fields
            .optional("config")
            .and_then(Value::entries)
            .unwrap_or_default()
        {
            let rest = format!("config/{}", name.value);
            match rules::secrets(&kind, &rest) {
                Some(rules) => push(
                    value,
                    format!("{path}/{rest}"),
                    &rules,
                    true,
                    &mut wanted,
                    secrets,
                ),
                None => value.invalid(
                    format!("`{}` is no part of the configuration of `aws`", name.value),
                    "write `root` or `lease`",
                ),
            }
        }
    } else {
        let config = (kind == "kv").then_some("config");
        part(
            &fields,
            "config",
            &path,
            config,
            |rest| rules::secrets(&kind, rest),
            &mut wanted,
            secrets,
        );
    }
    let folder = rules::secrets_role_folder(&kind);
    inside(
        &fields,
        &path,
        folder,
        |rest| rules::secrets(&kind, rest),
        &mut wanted,
        secrets,
    );
    Some(wanted)
}

fn path(fields: &Fields<'_>, kind: &str) -> Option<String> {
    let Some(value) = fields.optional("path") else {
        return Some(kind.to_owned());
    };
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

/// One part of a mount with a path of its own.
fn part(
    fields: &Fields<'_>,
    name: &'static str,
    here: &str,
    rest: Option<&str>,
    rules: impl Fn(&str) -> Option<Rules>,
    wanted: &mut Vec<Wanted>,
    secrets: &mut Secrets,
) {
    let Some(value) = fields.optional(name) else {
        return;
    };
    match rest.and_then(|rest| Some((rest, rules(rest)?))) {
        Some((rest, rules)) => push(
            value,
            format!("{here}/{rest}"),
            &rules,
            true,
            wanted,
            secrets,
        ),
        None => value.invalid(
            format!("`{name}` is not known for this type"),
            "declare it under `objects`, with its path",
        ),
    }
}

fn inside(
    fields: &Fields<'_>,
    here: &str,
    folder: Option<&str>,
    rules: impl Fn(&str) -> Option<Rules>,
    wanted: &mut Vec<Wanted>,
    secrets: &mut Secrets,
) {
    let Some(value) = fields.optional("roles") else {
        return;
    };
    let Some(folder) = folder else {
        value.invalid(
            "the roles of this type are not known",
            "declare each under `objects`, with its path",
        );
        return;
    };
    for (name, value) in value.entries().unwrap_or_default() {
        let checked = if folder == "roles" {
            roles::name_with_at(&name)
        } else {
            roles::name(&name)
        };
        if let Err((why, help)) = checked {
            value.invalid(format!("the name of this role {why}"), help);
            continue;
        }
        // Vault keeps the names of most roles in lower case.
        let kept = if folder == "roles" {
            name.value.clone()
        } else {
            name.value.to_lowercase()
        };
        let rest = format!("{folder}/{kept}");
        if let Some(rules) = rules(&rest) {
            push(
                value,
                format!("{here}/{rest}"),
                &rules,
                false,
                wanted,
                secrets,
            );
        }
    }
}

fn push(
    value: Value<'_>,
    path: String,
    rules: &Rules,
    config: bool,
    wanted: &mut Vec<Wanted>,
    secrets: &mut Secrets,
) {
    let Some(data) = data(value, &path, Some(rules), secrets) else {
        return;
    };
    let what = if config {
        What::Config(data)
    } else {
        What::Role(data)
    };
    wanted.push(Wanted {
        path,
        what,
        location: value.location(),
    });
}
