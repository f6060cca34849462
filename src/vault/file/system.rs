//! `spec.policies`, `spec.passwordPolicies`, `spec.quotas` and `spec.objects`.

use trueup_manifest::{Diagnostic, Tree};
use trueup_yaml::{Location, Source, Span};

use super::{data, roles};
use crate::{
    config::{Field, Shape, Type, Value},
    vault::{
        hcl,
        normal::FieldKind,
        rules,
        wanted::{BUILT_IN_POLICIES, Class, Data, Wanted, What},
    },
};

pub(super) const POLICY_FILE: Shape = Shape {
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

pub(super) const QUOTA: Shape = Shape {
    name: "a quota",
    title: "Quota",
    about: "A limit on requests or leases. Without a `path` it is one for all of the server, and trueup's own \
            requests count too.",
    fields: &[
        Field::required("name", Type::Text("a name"), "Its name."),
        Field::required(
            "type",
            Type::Words(&["rate-limit", "lease-count"]),
            "What it limits. Leases only in Vault Enterprise.",
        ),
        Field::optional(
            "path",
            Type::Text("the path of a mount, or one in it"),
            "What it is about.",
        ),
        Field::optional("role", Type::Text("a role"), "The role that it is about."),
        Field::optional(
            "rate",
            Type::Scalar,
            "Of `rate-limit`: how many requests in an interval.",
        ),
        Field::optional(
            "interval",
            Type::Scalar,
            "Of `rate-limit`: how long an interval is. Where it is not set: a second.",
        ),
        Field::optional(
            "blockInterval",
            Type::Scalar,
            "Of `rate-limit`: how long one who breaks it is shut out.",
        ),
        Field::optional(
            "maxLeases",
            Type::Scalar,
            "Of `lease-count`: how many leases.",
        ),
        Field::optional(
            "inheritable",
            Type::Bool,
            "Whether it holds in namespaces below.",
        ),
    ],
    one_of: &[],
    example: "{name: logins, type: rate-limit, path: auth/userpass, rate: 50}",
};

pub(super) const OBJECT: Shape = Shape {
    name: "an object",
    title: "Object",
    about: "",
    fields: &[
        Field::required("path", Type::Text("a path below `/v1/`"), "Where it is."),
        Field::required("data", Type::Map(&Type::Any), "Its fields."),
        Field::default(
            "compare",
            Type::Shape(&COMPARE),
            "{}",
            "How its fields are compared, where that is not as they are written.",
        ),
    ],
    one_of: &[],
    example: "{path: auth/ldap/groups/data, data: {policies: [read]}, compare: {sets: [policies]}}",
};

const COMPARE: Shape = Shape {
    name: "`compare`",
    title: "Compare",
    about: "",
    fields: &[
        Field::default(
            "durations",
            Type::List(&Type::Text("a field")),
            "[]",
            "Spans of time: `1h` and `3600` are the same.",
        ),
        Field::default(
            "sets",
            Type::List(&Type::Text("a field")),
            "[]",
            "Texts whose order means nothing.",
        ),
        Field::default(
            "json",
            Type::List(&Type::Text("a field")),
            "[]",
            "JSON in a text.",
        ),
        Field::default(
            "ignore",
            Type::List(&Type::Text("a field")),
            "[]",
            "Written with the others, and never compared.",
        ),
    ],
    one_of: &[],
    example: "{durations: [token_ttl], sets: [token_policies]}",
};

/// Rates under which a quota for all of a server may lock trueup itself out.
const FEW: f64 = 50.0;

/// A text in the file, or in a file that it names; with what finds places in it.
fn text(value: Value<'_>, tree: &dyn Tree) -> Option<(String, Place)> {
    if value.is_scalar() {
        return Some((value.text()?.value, Place::Inline(value.location())));
    }
    let path = value
        .fields(&POLICY_FILE)?
        .required("file")
        .and_then(Value::path)?;
    let text = tree
        .read(&path.value)
        .map(|bytes| String::from_utf8(bytes.to_vec()));
    let shown = tree.display(&path.value);
    let Ok(Ok(text)) = text else {
        value.invalid(
            format!("`{shown}` cannot be read as text"),
            "name a file of the repository",
        );
        return None;
    };
    Some((text, Place::File(shown)))
}

/// Where a text is written.
enum Place {
    /// In the file itself.
    Inline(Option<Location>),
    /// In a file of its own.
    File(String),
}

impl Place {
    /// The place of a byte of the text.
    fn of(&self, text: &str, at: usize) -> Option<Location> {
        match self {
            Self::File(shown) => Some(Location {
                source: Source::new(shown.clone(), text.to_owned()),
                span: span(at, at + 1),
            }),
            Self::Inline(location) => {
                let location = location.clone()?;
                let at = within(&location, text, at);
                Some(match at {
                    Some(at) => Location {
                        span: span(at, at + 1),
                        ..location
                    },
                    None => location,
                })
            }
        }
    }
}

fn span(start: usize, end: usize) -> Span {
    let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span {
        start: short(start),
        end: short(end),
    }
}

/// The byte of a source at which a byte of a text is written there: on the same line of a block, or
/// in the same line where the text is one.
fn within(location: &Location, text: &str, at: usize) -> Option<usize> {
    let start = location.span.start as usize;
    let written = location.source.text().get(start..)?;
    let before = text.get(..at)?;
    let line = before.matches('\n').count();
    let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
    let wanted = text.lines().nth(line)?;
    // A block begins in the line after the one with its sign.
    let is_block = written.starts_with(['|', '>']);
    let skipped = line + usize::from(is_block);
    let lines = written.split_inclusive('\n').take(skipped);
    let line_start: usize = lines.map(str::len).sum();
    let found = written.get(line_start..)?.lines().next()?.find(wanted)?;
    Some(start + line_start + found + column)
}

/// A policy, by its name.
pub(super) fn policy(name: &str, value: Value<'_>, tree: &dyn Tree) -> Option<Wanted> {
    let (text, place) = text(value, tree)?;
    if name != name.to_lowercase() {
        value.invalid(
            format!(
                "Vault keeps the names of policies in lower case, so `{name}` never comes back"
            ),
            format!("write `{}`", name.to_lowercase()),
        );
        return None;
    }
    if BUILT_IN_POLICIES.contains(&name) {
        value.invalid(
            format!("the policy `{name}` is the server's own"),
            "give yours another name",
        );
        return None;
    }
    let faults = hcl::policy::faults(&text);
    for fault in &faults {
        value.report(
            Diagnostic::error("vault/policy", &fault.message)
                .at(place.of(&text, fault.at))
                .help(&fault.help),
        );
    }
    faults.is_empty().then(|| Wanted {
        path: format!("sys/policies/acl/{name}"),
        what: What::Policy(text),
        location: value.location(),
    })
}

/// A password policy, by its name.
pub(super) fn password_policy(name: &str, value: Value<'_>, tree: &dyn Tree) -> Option<Wanted> {
    if let Err((why, help)) = roles::name(name) {
        value.invalid(format!("the name of this password policy {why}"), help);
        return None;
    }
    let (text, place) = text(value, tree)?;
    if let Err((at, message)) = hcl::parse(&text) {
        value.report(
            Diagnostic::error("vault/policy", message)
                .at(place.of(&text, at))
                .help("write it as `length = 20` and `rule \"charset\" { charset = \"abc\" }`"),
        );
        return None;
    }
    let mut data = Data::default();
    data.fields
        .insert("policy".to_owned(), (FieldKind::Hcl, text.into()));
    Some(Wanted {
        path: format!("sys/policies/password/{name}"),
        what: What::Data(Class::PasswordPolicy, data),
        location: value.location(),
    })
}

/// A quota.
pub(super) fn quota(value: Value<'_>) -> Option<Wanted> {
    let fields = value.fields(&QUOTA)?;
    let name = fields
        .required("name")
        .and_then(|value| value.text_where(roles::name))?;
    let kinds = [("rate-limit", "rate-limit"), ("lease-count", "lease-count")];
    let kind = fields
        .required("type")
        .and_then(|value| value.word(&kinds))?;
    let rules = rules::quota(kind)?;
    let mut data = Data::of(rules);
    for (name, api) in [
        ("path", "path"),
        ("role", "role"),
        ("rate", "rate"),
        ("interval", "interval"),
        ("blockInterval", "block_interval"),
        ("maxLeases", "max_leases"),
        ("inheritable", "inheritable"),
    ] {
        let Some(value) = fields.optional(name) else {
            continue;
        };
        let Some(of) = rules.field(api) else {
            value.invalid(
                format!("`{name}` means nothing for a quota of the type `{kind}`"),
                "remove it",
            );
            continue;
        };
        let literal = value.literal()?.text;
        match crate::vault::normal::normal(of, &literal.into()) {
            Ok(form) => {
                data.fields.insert(api.to_owned(), (of, form));
            }
            Err(expected) => {
                value.invalid(
                    format!("`{name}` must be {expected}"),
                    "write `50`, or `1m`",
                );
            }
        }
    }
    // The server shows paths of mounts with a slash.
    if let Some((_, path)) = data.fields.get_mut("path")
        && let Some(text) = path.as_str().filter(|text| !text.is_empty())
    {
        *path = format!("{}/", text.trim_matches('/')).into();
    }
    lock_out(value, &data);
    Some(Wanted {
        path: format!("sys/quotas/{kind}/{}", name.value),
        what: What::Data(Class::Quota, data),
        location: value.location(),
    })
}

/// A quota for all of a server counts our own requests too, those that would mend it among them.
fn lock_out(value: Value<'_>, data: &Data) {
    let rate = data.fields.get("rate").and_then(|(_, rate)| rate.as_f64());
    if let Some(rate) = rate.filter(|rate| *rate < FEW && !data.fields.contains_key("path")) {
        value.report(
            Diagnostic::warning(
                "vault/tight-quota",
                format!("{rate} requests for all of the server may lock out those who run it"),
            )
            .at(value.location())
            .help("give it a `path`, or a rate of 50 and more"),
        );
    }
}

/// Anything else.
pub(super) fn object(value: Value<'_>) -> Option<Wanted> {
    let fields = value.fields(&OBJECT)?;
    let path = fields.required("path").and_then(Value::text)?;
    let mut none = Vec::new();
    let mut data: Data = fields
        .required("data")
        .and_then(|value| data(value, &path, None, &mut none))?;
    if let Some(compare) = fields.optional("compare") {
        let fields = compare.fields(&COMPARE)?;
        for (name, kind) in [
            ("durations", FieldKind::Duration),
            ("sets", FieldKind::Set),
            ("json", FieldKind::Json),
            ("ignore", FieldKind::Passing),
        ] {
            let named = fields.optional(name).and_then(Value::texts);
            for field in named.unwrap_or_default() {
                let Some(entry) = data.fields.get_mut(&field.value) else {
                    compare.invalid(
                        format!("`{}` is compared, but is not in `data`", field.value),
                        "correct its name, or remove it",
                    );
                    return None;
                };
                match crate::vault::normal::normal(kind, &entry.1) {
                    Ok(form) => *entry = (kind, form),
                    Err(expected) => {
                        compare.invalid(
                            format!("`{}` must be {expected}", field.value),
                            "correct its value, or how it is compared",
                        );
                        return None;
                    }
                }
            }
        }
    }
    Some(Wanted {
        path: path.trim_matches('/').trim_start_matches("v1/").to_owned(),
        what: What::Data(Class::Object, data),
        location: value.location(),
    })
}
