//! What a file wants a Vault to hold: one flat list of things at paths, in the order in which they
//! are brought about.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use trueup_yaml::Location;

use super::{normal::FieldKind, rules::Rules};
use crate::source::Secret;

/// One thing at a path.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The path below `/v1/`: `auth/aws/role/daft-service-role`. Mounts have the path at which they
    /// are listed: `auth/aws`, `aws`. Audit devices and policies have that of the API. What has no
    /// path of its own, such as the alias of an entity, has one that says where it belongs.
    pub path: String,
    /// What is to be there.
    pub what: What,
    /// Where it is written.
    pub location: Option<Location>,
}

/// What is to be at a path.
#[derive(Clone, Debug)]
pub enum What {
    /// An audit device.
    Audit(Mount),
    /// An auth method.
    Auth(Mount),
    /// A secrets engine.
    Secrets(Mount),
    /// A policy's text.
    Policy(String),
    /// Fields.
    Data(Class, Data),
}

/// What kind of thing fields make up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The configuration of a mount, or of one of its parts.
    Config,
    /// A connection of a mount to something outside.
    Connection,
    /// A role or another thing inside a mount.
    Role,
    /// What of a thing inside a mount has a path of its own.
    Setting,
    /// Rules that generated passwords follow.
    PasswordPolicy,
    /// A limit on requests or leases.
    Quota,
    /// Anything else.
    Object,
    /// A person or a machine.
    Entity,
    /// One of their logins.
    EntityAlias,
    /// A group, with how many groups lie below it.
    Group(u8),
    /// What a group is called elsewhere.
    GroupAlias,
    /// A secret that is put there once.
    InitialValue,
}

/// Something that is mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// Its type.
    pub kind: String,
    /// What it is for; none leaves the server's own.
    pub description: Option<String>,
    /// Options of its type.
    pub options: BTreeMap<String, String>,
    /// How it is tuned: names as in the API, values in their one form.
    pub tune: BTreeMap<String, (FieldKind, Value)>,
    /// Whether it may be deleted, with all it holds, when the file no longer names it.
    pub may_delete: bool,
    /// Whether it may be replaced, with all it holds, where its type changes.
    pub may_replace: bool,
    /// Whether it may become another version of its type, from which there is no way back.
    pub may_upgrade: bool,
    /// Where it was before.
    pub moved_from: Option<String>,
}

/// Fields at a path.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// The fields in their one form, by the names of today.
    pub fields: BTreeMap<String, (FieldKind, Value)>,
    /// Fields that are written and never given back.
    pub secrets: BTreeMap<String, Secret>,
    /// What is known of the path.
    pub(super) rules: Option<Rules>,
    /// Whether it may be deleted and created where a field changes that cannot be changed in place.
    pub may_replace: bool,
    /// Where it is read, if not at its own path.
    pub read_from: Option<String>,
    /// The field that is not empty where it is there, if reading alone does not tell.
    pub there_if: Option<&'static str>,
}

impl Data {
    /// Fields of a path that is known.
    pub(super) fn of(rules: Rules) -> Self {
        Self {
            rules: Some(rules),
            ..Self::default()
        }
    }

    /// Where it is read.
    pub(super) fn origin<'a>(&'a self, path: &'a str) -> &'a str {
        self.read_from.as_deref().unwrap_or(path)
    }

    /// The body of a request that writes everything.
    pub fn body(&self) -> Map<String, Value> {
        let mut body: Map<String, Value> = self
            .fields
            .iter()
            .map(|(name, (kind, value))| (name.clone(), wire(*kind, value)))
            .collect();
        for (name, secret) in &self.secrets {
            body.insert(name.clone(), secret.expose().into());
        }
        body
    }
}

/// A value as the API takes it.
pub(super) fn wire(kind: FieldKind, value: &Value) -> Value {
    match kind {
        FieldKind::Json if !value.is_null() => Value::String(value.to_string()),
        _ => value.clone(),
    }
}

/// What is never ours: mounts that come with a server, those of Vault 2.0 among them.
pub(super) const BUILT_IN_MOUNTS: [&str; 5] = [
    "sys",
    "identity",
    "cubbyhole",
    "agent-registry",
    "auth/token",
];

/// Policies that come with a server.
pub(super) const BUILT_IN_POLICIES: [&str; 3] = ["root", "default", "default-ceiling"];

impl Class {
    /// Every class, a group for all groups.
    const ALL: [Self; 12] = [
        Self::Config,
        Self::Connection,
        Self::Role,
        Self::Setting,
        Self::PasswordPolicy,
        Self::Quota,
        Self::Object,
        Self::Entity,
        Self::EntityAlias,
        Self::Group(0),
        Self::GroupAlias,
        Self::InitialValue,
    ];

    /// The word for people, and for the ledger.
    pub fn word(self) -> &'static str {
        match self {
            Self::Config => "configuration",
            Self::Connection => "connection",
            Self::Role => "role",
            Self::Setting => "setting",
            Self::PasswordPolicy => "password policy",
            Self::Quota => "quota",
            Self::Object => "object",
            Self::Entity => "entity",
            Self::EntityAlias => "entity alias",
            Self::Group(_) => "group",
            Self::GroupAlias => "group alias",
            Self::InitialValue => "initial value",
        }
    }

    /// The class of a word.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }

    /// The step in which it is brought about.
    pub(super) fn step(self) -> u8 {
        match self {
            Self::PasswordPolicy => 2,
            Self::Config | Self::Connection => 3,
            Self::Role | Self::Object => 4,
            Self::Setting | Self::Quota | Self::Entity | Self::InitialValue => 5,
            Self::EntityAlias => 6,
            // A group comes after those that are in it.
            Self::Group(depth) => depth.saturating_add(6).min(254),
            Self::GroupAlias => 255,
        }
    }

    /// Whether one that we made is deleted where the file no longer names it. Configuration goes with
    /// its mount, and what may be somebody's only copy of a secret is not deleted by anybody's commit.
    pub(super) fn is_pruned(self) -> bool {
        !matches!(self, Self::Config | Self::Setting | Self::InitialValue)
    }
}

impl What {
    /// The step in which it is brought about; deletions go the other way round.
    pub fn step(&self) -> u8 {
        match self {
            Self::Audit(_) => 0,
            Self::Auth(_) | Self::Secrets(_) => 1,
            Self::Policy(_) => 2,
            Self::Data(class, _) => class.step(),
        }
    }

    /// The word for people.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Audit(_) => "audit device",
            Self::Auth(_) => "auth method",
            Self::Secrets(_) => "secrets engine",
            Self::Policy(_) => "policy",
            Self::Data(class, _) => class.word(),
        }
    }
}

impl What {
    /// What the ledger calls it: of a mount also whether it may be deleted.
    pub(super) fn ledger_word(&self) -> String {
        match self {
            Self::Auth(mount) | Self::Secrets(mount) if mount.may_delete => {
                format!("{} (may be deleted)", self.word())
            }
            _ => self.word().to_owned(),
        }
    }

    /// The names of its fields, where it is made of fields that are known.
    pub(super) fn field_names(&self) -> Option<BTreeSet<String>> {
        match self {
            Self::Data(_, data) if data.rules.is_some() => {
                Some(data.fields.keys().cloned().collect())
            }
            _ => None,
        }
    }
}

/// In the order in which it is brought about.
pub(super) fn in_order(mut wanted: Vec<Wanted>) -> Vec<Wanted> {
    wanted.sort_by(|a, b| (a.what.step(), &a.path).cmp(&(b.what.step(), &b.path)));
    wanted
}
