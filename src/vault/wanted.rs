//! What a file wants a Vault to hold: one flat list of things at paths, in the order in which they
//! are brought about.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use trueup_yaml::Location;

use super::normal::FieldKind;
use crate::source::Secret;

/// One thing at a path.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The path below `/v1/`: `auth/aws/role/daft-service-role`. Mounts have the path at which they
    /// are listed: `auth/aws`, `aws`. Audit devices and policies have that of the API.
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
    /// The configuration of a mount, or of one of its parts.
    Config(Data),
    /// A role or another thing inside a mount.
    Role(Data),
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
}

/// Fields at a path.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// The fields in their one form, by the names of today.
    pub fields: BTreeMap<String, (FieldKind, Value)>,
    /// Fields that are written and never given back.
    pub secrets: BTreeMap<String, Secret>,
    /// Fields that cannot be changed in place.
    pub fixed: &'static [&'static str],
    /// Whether it may be deleted and created where one of those changes.
    pub may_replace: bool,
}

impl Data {
    /// The body of a request that writes everything.
    pub fn body(&self) -> Value {
        let mut body: Map<String, Value> = self
            .fields
            .iter()
            .map(|(name, (kind, value))| (name.clone(), wire(*kind, value)))
            .collect();
        for (name, secret) in &self.secrets {
            body.insert(name.clone(), secret.expose().into());
        }
        Value::Object(body)
    }
}

/// A value as the API takes it.
pub(super) fn wire(kind: FieldKind, value: &Value) -> Value {
    match kind {
        FieldKind::Json if !value.is_null() => Value::String(value.to_string()),
        _ => value.clone(),
    }
}

impl What {
    /// The step in which it is brought about; deletions go the other way round.
    pub fn step(&self) -> u8 {
        match self {
            Self::Audit(_) => 0,
            Self::Auth(_) | Self::Secrets(_) => 1,
            Self::Policy(_) => 2,
            Self::Config(_) => 3,
            Self::Role(_) => 4,
        }
    }

    /// The word for people.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Audit(_) => "audit device",
            Self::Auth(_) => "auth method",
            Self::Secrets(_) => "secrets engine",
            Self::Policy(_) => "policy",
            Self::Config(_) => "configuration",
            Self::Role(_) => "role",
        }
    }
}

/// In the order in which it is brought about.
pub(super) fn in_order(mut wanted: Vec<Wanted>) -> Vec<Wanted> {
    wanted.sort_by(|a, b| (a.what.step(), &a.path).cmp(&(b.what.step(), &b.path)));
    wanted
}
