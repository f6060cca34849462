//! Names inside a Vault, and `spec.userRoles`.

use super::super::wanted::{Data, Wanted, What};
use crate::{
    config::{Field, Shape, Type, Value},
    vault::{normal::FieldKind, rules},
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
        Field::required("users", Type::List(&Type::Shape(&USER)), "The people."),
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

pub(super) fn users(value: Value<'_>) -> Option<Vec<Wanted>> {
    let fields = value.fields(&USER_ROLES)?;
    let text = |name: &'static str, default: &str| {
        let text = fields.optional(name).and_then(Value::text);
        text.map_or_else(|| default.to_owned(), |text| text.value)
    };
    let engine = text("engine", "aws");
    let template = text("nameTemplate", "userrole-{email}");
    let users = fields.required("users").and_then(Value::list)?;
    let users = users.into_iter().filter_map(|value| {
        let fields = value.fields(&USER)?;
        let email = fields.required("email").and_then(Value::text)?;
        let arn = fields.required("roleArn").and_then(Value::text)?;
        let role = template.replace("{email}", &email);
        if let Err((why, help)) = name_with_at(&role) {
            value.invalid(format!("the name of this role {why}"), help);
            return None;
        }
        let fixed = rules::secrets("aws", "roles/x").map(|rules| rules.fixed);
        let texts = |text: &str| serde_json::Value::from(vec![text]);
        let fields = [
            ("credential_type", (FieldKind::Text, "assumed_role".into())),
            ("role_arns", (FieldKind::Set, texts(&arn))),
        ];
        Some(Wanted {
            path: format!("{engine}/roles/{role}"),
            what: What::Role(Data {
                fields: fields
                    .into_iter()
                    .map(|(name, field)| (name.to_owned(), field))
                    .collect(),
                fixed: fixed.unwrap_or_default(),
                ..Data::default()
            }),
            location: value.location(),
        })
    });
    Some(users.collect())
}
