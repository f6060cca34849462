//! `spec.prune`: what happens to what the file does not name.

use crate::config::{Field, Shape, Type, Value, reconcile::DeletionBudget};

/// What happens to what the file does not name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prune {
    /// What is deleted.
    pub mode: PruneMode,
    /// The words for things that stay.
    protected: Vec<&'static str>,
    /// How much goes at most where everything goes that is not named.
    budget: DeletionBudget,
}

/// What is deleted of what the file does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PruneMode {
    /// What trueup made.
    #[default]
    Owned,
    /// Nothing.
    None,
    /// Whatever a file can declare, whoever made it.
    Exclusive,
}

impl Default for Prune {
    fn default() -> Self {
        Self {
            mode: PruneMode::Owned,
            protected: Vec::new(),
            budget: DeletionBudget {
                count: Some(5),
                percent: Some(20),
            },
        }
    }
}

impl Prune {
    /// Whether a thing of this word is deleted.
    pub(in crate::vault) fn takes(&self, word: &str) -> bool {
        self.mode != PruneMode::None && !self.protected.contains(&word)
    }

    /// Whether what others made goes too.
    pub(in crate::vault) fn is_exclusive(&self) -> bool {
        self.mode == PruneMode::Exclusive
    }

    /// How many of `all` may go at once; none where there is no limit.
    pub(in crate::vault) fn limit(&self, all: usize) -> Option<usize> {
        self.budget.limit(all).filter(|_| self.is_exclusive())
    }
}

/// What can be kept from being deleted: the names in the file, and the words for what they are.
const PROTECTED: [(&str, &[&str]); 9] = [
    ("auditDevices", &["audit device"]),
    ("authMethods", MOUNTS[0]),
    ("secretsEngines", MOUNTS[1]),
    ("policies", &["policy"]),
    ("passwordPolicies", &["password policy"]),
    ("roles", &["role", "connection"]),
    (
        "identity",
        &["entity", "entity alias", "group", "group alias"],
    ),
    ("quotas", &["quota"]),
    ("objects", &["object"]),
];

/// What data goes with.
const MOUNTS: [&[&str]; 2] = [&["auth method"], &["secrets engine"]];

pub(super) const PRUNE: Shape = Shape {
    name: "`prune`",
    title: "Prune",
    about: "",
    fields: &[
        Field::default(
            "mode",
            Type::Words(&["owned", "none", "exclusive"]),
            "owned",
            "`owned` deletes what trueup made and the file no longer names. `exclusive` deletes whatever the file \
             does not name, whoever made it: mounts, policies, password policies, audit devices, quotas, groups, and \
             roles within the mounts that it names. Entities, keys of `transit` and values stay, and so does what \
             comes with a server and what the token comes from that trueup works with.",
        ),
        Field::default(
            "allowExclusive",
            Type::Bool,
            "false",
            "Has to be `true` for `exclusive`: what others made is not asked about.",
        ),
        Field::default(
            "maxDeletes",
            Type::Shape(&MOST),
            "{count: 5, percent: 20}",
            "Of `exclusive`: how much goes at most in one run. Where more would, nothing is deleted, and it is an error \
             that names it all.",
        ),
        Field::optional(
            "protect",
            Type::List(&Type::Words(&[
                "auditDevices",
                "authMethods",
                "secretsEngines",
                "policies",
                "passwordPolicies",
                "roles",
                "identity",
                "quotas",
                "objects",
            ])),
            "Kinds of things that stay. Where it is not set: none with `owned`, which keeps a mount anyway without \
             `deletionPolicy: delete`; `[authMethods, secretsEngines]` with `exclusive`.",
        ),
    ],
    one_of: &[],
    example: "{protect: [identity, policies]}",
};

const MOST: Shape = Shape {
    name: "`maxDeletes`",
    title: "MaxDeletes",
    about: "Both limits hold where both are given.",
    fields: &[
        Field::optional(
            "count",
            Type::Count("a whole number from 0"),
            "So many things.",
        ),
        Field::optional(
            "percent",
            Type::Count("a whole number from 0 to 100"),
            "So many percent of what the Vault has of such things.",
        ),
    ],
    one_of: &[],
    example: "{count: 10, percent: 50}",
};

pub(super) fn decode(value: Value<'_>) -> Option<Prune> {
    let mut prune = Prune::default();
    if value.is_scalar() {
        prune.mode = value.word(&[("owned", PruneMode::Owned), ("none", PruneMode::None)])?;
        return Some(prune);
    }
    let fields = value.fields(&PRUNE)?;
    if let Some(mode) = fields.optional("mode") {
        prune.mode = mode.word(&[
            ("owned", PruneMode::Owned),
            ("none", PruneMode::None),
            ("exclusive", PruneMode::Exclusive),
        ])?;
    }
    let allowed = fields.optional("allowExclusive").and_then(Value::bool);
    if prune.is_exclusive() && allowed != Some(true) {
        value.invalid(
            "`exclusive` deletes what others made, and nothing says that it may",
            "add `allowExclusive: true`, or leave out `mode`",
        );
        return None;
    }
    if let Some(most) = fields.optional("maxDeletes") {
        let most = most.fields(&MOST)?;
        let percent = most
            .optional("percent")
            .and_then(|value| value.count(0, 100));
        prune.budget = DeletionBudget {
            count: most
                .optional("count")
                .and_then(|value| value.count(0, u32::MAX)),
            percent: percent.and_then(|percent| u8::try_from(percent).ok()),
        };
    }
    prune.protected = match fields.optional("protect") {
        Some(listed) => {
            let listed = listed.list()?.into_iter();
            let words = listed.filter_map(|one| one.word(&PROTECTED));
            words.flatten().copied().collect()
        }
        None if prune.is_exclusive() => MOUNTS.concat(),
        None => Vec::new(),
    };
    Some(prune)
}
