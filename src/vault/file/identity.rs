//! `spec.identity`: who there is, however they log in.

use std::collections::BTreeMap;

use serde_json::json;
use trueup_manifest::Diagnostic;

use super::{in_path, mounts::sound_path, roles};
use crate::{
    config::{Field, Fields, Shape, Spanned, Type, Value},
    vault::{
        normal::{FieldKind, normal},
        references::written,
        rules::{self, Rules},
        wanted::{Class, Data, Wanted, What},
    },
};

pub(super) const IDENTITY: Shape = Shape {
    name: "`identity`",
    title: "Identity",
    about: "Who there is, however they log in.",
    fields: &[
        Field::default(
            "entities",
            Type::List(&Type::Shape(&ENTITY)),
            "[]",
            "People and machines.",
        ),
        Field::default(
            "entityAliases",
            Type::List(&Type::Shape(&ENTITY_ALIAS)),
            "[]",
            "Their logins.",
        ),
        Field::default(
            "groups",
            Type::List(&Type::Shape(&GROUP)),
            "[]",
            "Groups of them.",
        ),
        Field::default(
            "groupAliases",
            Type::List(&Type::Shape(&GROUP_ALIAS)),
            "[]",
            "What external groups are called where they come from.",
        ),
    ],
    one_of: &[],
    example: r"entities: [{name: jay}]
entityAliases: [{entity: jay, mount: userpass, name: jay}]",
};

const NAME: Field = Field::required("name", Type::Text("a name"), "Its name.");

const POLICIES: Field = Field::optional(
    "policies",
    Type::List(&Type::Text("the name of a policy")),
    "The policies that it gives.",
);

const METADATA: Field = Field::optional(
    "metadata",
    Type::Map(&Type::Scalar),
    "What else is to be known of it.",
);

const MOUNT: Field = Field::required(
    "mount",
    Type::Text("the path of an auth method"),
    "The auth method.",
);

const ENTITY: Shape = Shape {
    name: "an entity",
    title: "Entity",
    about: "",
    fields: &[
        NAME,
        POLICIES,
        METADATA,
        Field::optional("disabled", Type::Bool, "Whether its tokens are of no use."),
    ],
    one_of: &[],
    example: "{name: jay, policies: [read], metadata: {team: data}}",
};

const ENTITY_ALIAS: Shape = Shape {
    name: "an entity alias",
    title: "EntityAlias",
    about: "",
    fields: &[
        Field::required(
            "entity",
            Type::Text("the name of an entity"),
            "Whose it is.",
        ),
        MOUNT,
        Field::required(
            "name",
            Type::Text("a name"),
            "What the auth method calls them.",
        ),
        METADATA,
    ],
    one_of: &[],
    example: "{entity: jay, mount: userpass, name: jay}",
};

const GROUP: Shape = Shape {
    name: "a group",
    title: "Group",
    about: "",
    fields: &[
        NAME,
        Field::default(
            "type",
            Type::Words(&["internal", "external"]),
            "internal",
            "Whether its members are listed here, or come from an auth method.",
        ),
        POLICIES,
        METADATA,
        Field::optional(
            "entities",
            Type::List(&Type::Text("the name of an entity")),
            "The entities in it.",
        ),
        Field::optional(
            "groups",
            Type::List(&Type::Text("the name of a group")),
            "The groups in it.",
        ),
    ],
    one_of: &[],
    example: "{name: data, policies: [read], entities: [jay]}",
};

const GROUP_ALIAS: Shape = Shape {
    name: "a group alias",
    title: "GroupAlias",
    about: "",
    fields: &[
        Field::required(
            "group",
            Type::Text("the name of a group"),
            "The external group.",
        ),
        MOUNT,
        Field::required(
            "name",
            Type::Text("a name"),
            "What the auth method calls it.",
        ),
    ],
    one_of: &[],
    example: "{group: data, mount: oidc, name: data-team}",
};

/// All of it.
pub(super) fn decode(value: Value<'_>) -> Option<Vec<Wanted>> {
    let fields = value.fields(&IDENTITY)?;
    let list = |name: &'static str| {
        let list = fields.optional(name).and_then(Value::list);
        list.unwrap_or_default()
    };
    let mut wanted: Vec<Wanted> = list("entities").into_iter().filter_map(entity).collect();
    let aliases = list("entityAliases").into_iter();
    wanted.extend(aliases.filter_map(|value| alias(value, &ENTITY_ALIAS, "entity")));
    wanted.extend(groups(list("groups")));
    let aliases = list("groupAliases").into_iter();
    wanted.extend(aliases.filter_map(|value| alias(value, &GROUP_ALIAS, "group")));
    Some(wanted)
}

/// A name that can stand in a path.
fn named(fields: &Fields<'_>, field: &'static str) -> Option<String> {
    let value = fields.required(field)?;
    let name = value.text_where(roles::name_with_at)?;
    Some(name.value)
}

/// Fields of the API under the names of the file, in their one form.
fn common(fields: &Fields<'_>, rules: Rules, names: &[(&'static str, &str)]) -> Option<Data> {
    let mut data = Data::of(rules);
    for (name, api) in names {
        let Some(value) = fields.optional(name) else {
            continue;
        };
        let kind = rules.field(api)?;
        match normal(kind, &super::json(value)?) {
            Ok(form) => {
                data.fields.insert((*api).to_owned(), (kind, form));
            }
            Err(expected) => {
                value.invalid(format!("`{name}` must be {expected}"), "see its reference");
                return None;
            }
        }
    }
    Some(data)
}

const COMMON: [(&str, &str); 2] = [("policies", "policies"), ("metadata", "metadata")];

fn entity(value: Value<'_>) -> Option<Wanted> {
    let fields = value.fields(&ENTITY)?;
    let name = named(&fields, "name")?;
    let mut data = common(&fields, rules::ENTITY, &COMMON)?;
    if let Some(disabled) = fields.optional("disabled") {
        let disabled = disabled.bool()?;
        data.fields
            .insert("disabled".to_owned(), (FieldKind::Bool, disabled.into()));
    }
    Some(Wanted {
        path: format!("identity/entity/name/{name}"),
        what: What::Data(Class::Entity, data),
        location: value.location(),
    })
}

/// An alias of an entity or a group, which has no name of its own on the server: its path here says
/// whose it is, where, and what it is called there.
fn alias(value: Value<'_>, shape: &'static Shape, of: &'static str) -> Option<Wanted> {
    let fields = value.fields(shape)?;
    let owner = named(&fields, of)?;
    let mount = fields.required("mount").and_then(sound_path)?;
    let mount = mount.strip_prefix("auth/").unwrap_or(&mount);
    let name = fields.required("name").and_then(Value::text)?.value;
    let (class, mut data) = if of == "entity" {
        let names = [("metadata", "custom_metadata")];
        let data = common(&fields, rules::ENTITY_ALIAS, &names)?;
        (Class::EntityAlias, data)
    } else {
        (Class::GroupAlias, Data::of(rules::GROUP_ALIAS))
    };
    let accessor = written("accessor", &format!("auth/{mount}"));
    for (field, text) in [
        ("name", name.clone()),
        ("mount_accessor", accessor),
        ("canonical_id", written(of, &owner)),
    ] {
        data.fields
            .insert(field.to_owned(), (FieldKind::Passing, text.into()));
    }
    Some(Wanted {
        path: format!(
            "identity/{of}/name/{owner}/alias/auth/{mount}/{}",
            in_path(&name)
        ),
        what: What::Data(class, data),
        location: value.location(),
    })
}

/// A group as it is read, before it is known how many lie below it.
struct Group<'a> {
    value: Value<'a>,
    name: String,
    data: Data,
    members: Vec<Spanned<String>>,
}

fn groups(list: Vec<Value<'_>>) -> Vec<Wanted> {
    let groups: Vec<Group<'_>> = list.into_iter().filter_map(group).collect();
    let by_name: BTreeMap<&str, &Group<'_>> = groups
        .iter()
        .map(|group| (group.name.as_str(), group))
        .collect();
    let mut wanted = Vec::new();
    for group in &groups {
        let Some(depth) = depth(group, &by_name, groups.len()) else {
            group.value.report(
                Diagnostic::error(
                    "vault/group-in-itself",
                    format!("the group `{}` is in itself", group.name),
                )
                .at(group.value.location())
                .help("take one of the groups out of the other"),
            );
            continue;
        };
        wanted.push(Wanted {
            path: format!("identity/group/name/{}", group.name),
            what: What::Data(Class::Group(depth), group.data.clone()),
            location: group.value.location(),
        });
    }
    wanted
}

/// How many groups lie below a group at most; none where it is in itself.
fn depth(group: &Group<'_>, by_name: &BTreeMap<&str, &Group<'_>>, left: usize) -> Option<u8> {
    let mut deepest = 0_u8;
    for member in &group.members {
        if let Some(member) = by_name.get(member.value.as_str()) {
            let below = depth(member, by_name, left.checked_sub(1)?)?;
            deepest = deepest.max(below.saturating_add(1));
        }
    }
    Some(deepest)
}

fn group(value: Value<'_>) -> Option<Group<'_>> {
    let fields = value.fields(&GROUP)?;
    let name = named(&fields, "name")?;
    let mut data = common(&fields, rules::GROUP, &COMMON)?;
    let words = [("internal", "internal"), ("external", "external")];
    let kind = match fields.optional("type") {
        Some(value) => value.word(&words)?,
        None => "internal",
    };
    data.fields
        .insert("type".to_owned(), (FieldKind::Text, kind.into()));
    let mut members = Vec::new();
    for (field, api, of) in [
        ("entities", "member_entity_ids", "entity"),
        ("groups", "member_group_ids", "group"),
    ] {
        let Some(listed) = fields.optional(field) else {
            continue;
        };
        if kind == "external" {
            listed.invalid(
                format!(
                    "the members of an external group come from its auth method, not from `{field}`"
                ),
                "remove them, or make the group internal",
            );
            return None;
        }
        let names = listed.texts()?;
        let ids: Vec<String> = names.iter().map(|name| written(of, name)).collect();
        data.fields
            .insert(api.to_owned(), (FieldKind::Set, json!(ids)));
        if of == "group" {
            members = names;
        }
    }
    Some(Group {
        value,
        name,
        data,
        members,
    })
}
