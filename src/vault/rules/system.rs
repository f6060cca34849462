//! The paths of the system itself and of its identity store.

use super::{
    FieldKind::{Bool, Duration, Int, Number, Pairs, Set, Text},
    Rules, data, whole,
};

/// An entity: a person or a machine, however they log in.
pub(in crate::vault) const ENTITY: Rules =
    data(&[("metadata", Pairs), ("policies", Set), ("disabled", Bool)]);

/// One login of an entity.
pub(in crate::vault) const ENTITY_ALIAS: Rules = data(&[("custom_metadata", Pairs)]);

/// A group of entities and groups.
pub(in crate::vault) const GROUP: Rules = Rules {
    fixed: &["type"],
    ..data(&[
        ("type", Text),
        ("metadata", Pairs),
        ("policies", Set),
        ("member_entity_ids", Set),
        ("member_group_ids", Set),
    ])
};

/// What an external group is called where it comes from.
pub(in crate::vault) const GROUP_ALIAS: Rules = data(&[]);

const RATE_LIMIT: Rules = whole(&[
    ("path", Text),
    ("role", Text),
    ("rate", Number),
    ("interval", Duration),
    ("block_interval", Duration),
    ("inheritable", Bool),
    ("group_by", Text),
    ("secondary_rate", Number),
]);

const LEASE_COUNT: Rules = whole(&[
    ("path", Text),
    ("role", Text),
    ("max_leases", Int),
    ("inheritable", Bool),
]);

/// The rules of a quota of a type.
pub(in crate::vault) fn quota(kind: &str) -> Option<Rules> {
    match kind {
        "rate-limit" => Some(RATE_LIMIT),
        "lease-count" => Some(LEASE_COUNT),
        _ => None,
    }
}
