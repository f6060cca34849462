//! Names inside a Vault, and `spec.userRoles`.

use trueup_manifest::{Diagnostic, Tree};
use trueup_yaml::{Document, Source};

use crate::{
    config::{Decoder, Field, Shape, Type, Value},
    vault::{
        normal::FieldKind,
        rules,
        wanted::{Class, Data, Wanted, What},
    },
};

pub(super) const USER_ROLES: Shape = Shape {
    name: "`userRoles`",
    title: "UserRoles",
    about: "A role of the AWS engine for each person, as data: what would otherwise be one \
            `vault write aws/roles/userrole-… credential_type=assumed_role role_arns=…` each.",
    fields: &[
        Field::default(
            "engine",
            Type::Text("the path of an AWS secrets engine"),
            "aws",
            "Where the roles are.",
        ),
        Field::default(
            "nameTemplate",
            Type::Text("text with `{email}` in it"),
            "userrole-{email}",
            "The name of each role.",
        ),
        Field::default(
            "users",
            Type::List(&Type::Shape(&USER)),
            "[]",
            "The people.",
        ),
        Field::optional(
            "usersFrom",
            Type::Path,
            "A folder with a file for each further person, each with the same two fields.",
        ),
    ],
    one_of: &[],
    example: r"users:
  - {email: jay@example.com, roleArn: arn:aws:iam::111122223333:role/jay}",
};

const USER: Shape = Shape {
    name: "a user",
    title: "User",
    about: "",
    fields: &[
        Field::required("email", Type::Text("an address"), "Their mail address."),
        Field::required(
            "roleArn",
            Type::Text("an ARN"),
            "The role that they may assume.",
        ),
    ],
    one_of: &[],
    example: "{email: jay@example.com, roleArn: arn:aws:iam::111122223333:role/jay}",
};

/// What Vault takes for the name of most things.
pub(super) fn name(text: &str) -> Result<(), (String, String)> {
    named(text, false)
}

/// What Vault takes for the name of a role of the AWS engine.
pub(super) fn name_with_at(text: &str) -> Result<(), (String, String)> {
    named(text, true)
}

fn named(text: &str, at: bool) -> Result<(), (String, String)> {
    let inner = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c) || (at && c == '@');
    let edge = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let good = text.chars().all(inner)
        && text.chars().next().is_some_and(edge)
        && text.chars().next_back().is_some_and(edge);
    if good {
        return Ok(());
    }
    Err((
        format!("is no name that Vault takes: `{text}`"),
        "use letters, digits, `_`, `-` and `.`, and begin and end with a letter or digit"
            .to_owned(),
    ))
}

pub(super) fn users(value: Value<'_>, tree: &dyn Tree) -> Option<Vec<Wanted>> {
    let fields = value.fields(&USER_ROLES)?;
    let text = |name: &'static str, default: &str| {
        let text = fields.optional(name).and_then(Value::text);
        text.map_or_else(|| default.to_owned(), |text| text.value)
    };
    let engine = text("engine", "aws");
    let template = text("nameTemplate", "userrole-{email}");
    let listed = fields.optional("users").and_then(Value::list);
    let listed = listed.unwrap_or_default().into_iter();
    let mut wanted: Vec<Wanted> = listed
        .filter_map(|value| user(value, &engine, &template))
        .collect();
    if let Some(from) = fields.optional("usersFrom") {
        wanted.extend(from_files(from, tree, &engine, &template)?);
    }
    if wanted.is_empty() && !fields.has_unknown() {
        value.invalid("`userRoles` names nobody", "add `users` or `usersFrom`");
    }
    Some(wanted)
}

/// The people of a folder, a file each.
fn from_files(
    value: Value<'_>,
    tree: &dyn Tree,
    engine: &str,
    template: &str,
) -> Option<Vec<Wanted>> {
    let folder = value.path()?;
    let shown = tree.display(&folder.value);
    let Ok(entries) = tree.list(&folder.value) else {
        value.invalid(
            format!("`{shown}` is no folder that can be read"),
            "name a folder of the repository",
        );
        return None;
    };
    let mut wanted = Vec::new();
    for (name, _) in entries {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        if !matches!(extension, Some("yaml" | "yml" | "json")) {
            continue;
        }
        let path = folder.value.join(&name).ok()?;
        let text = tree.read(&path).ok();
        let text = text.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        let source = Source::new(tree.display(&path), text.unwrap_or_default());
        let documents = match Document::parse(&source) {
            Ok(documents) => documents,
            Err(errors) => {
                for error in errors {
                    value.report(Diagnostic::from(error));
                }
                continue;
            }
        };
        for document in &documents {
            let decoder = Decoder::new(document);
            wanted.extend(user(decoder.root("a user"), engine, template));
            for finding in decoder.finish() {
                value.report(finding);
            }
        }
    }
    Some(wanted)
}

fn user(value: Value<'_>, engine: &str, template: &str) -> Option<Wanted> {
    let fields = value.fields(&USER)?;
    let email = fields.required("email").and_then(Value::text)?;
    let arn = fields.required("roleArn").and_then(Value::text)?;
    let role = template.replace("{email}", &email);
    if let Err((why, help)) = name_with_at(&role) {
        value.invalid(format!("the name of this role {why}"), help);
        return None;
    }
    let mut data = Data::of(rules::secrets("aws", "roles/x")?);
    for (name, kind, form) in [
        ("credential_type", FieldKind::Text, "assumed_role".into()),
        ("role_arns", FieldKind::Set, vec![arn.value].into()),
    ] {
        data.fields.insert(name.to_owned(), (kind, form));
    }
    Some(Wanted {
        path: format!("{engine}/roles/{role}"),
        what: What::Data(Class::Role, data),
        location: value.location(),
    })
}
