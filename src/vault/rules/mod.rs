//! What the fields of Vault's own paths hold.
//!
//! Vault takes unknown parameters without a word and forgets them (204, measured on 1.21.0 and on
//! `OpenBao` 2.7.2), so a typing error would look like success. These tables are what makes it an
//! error. They follow the path schemas of the engines, and the forms in which the server reads
//! values back.

mod auth;
mod secrets;
mod system;

pub(super) use self::{
    auth::{auth, role_folder as auth_role_folder},
    secrets::{TRANSIT, parts, role_folder as secrets_role_folder, secrets},
    system::{ENTITY, ENTITY_ALIAS, GROUP, GROUP_ALIAS, quota},
};
use super::normal::FieldKind::{self, Any, Bool, Duration, Int, Set, Text};

/// The fields that a kind of path knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Its fields.
    pub fields: &'static [(&'static str, FieldKind)],
    /// Older names and the ones that stand for them now.
    pub aliases: &'static [(&'static str, &'static str)],
    /// Fields that cannot be changed: another value means delete and create.
    pub fixed: &'static [&'static str],
    /// Flags that are raised in place, and lowered only by deleting and creating.
    pub stays_true: &'static [&'static str],
    /// Whether token fields (`token_ttl` and the like) are known too.
    pub tokens: bool,
    /// Whether a write replaces everything, so that what is left out falls back to its default.
    pub whole: bool,
    /// Fields that are given back under another name: a path of names with dots.
    pub reads: &'static [(&'static str, &'static str)],
}

impl Rules {
    /// What a field holds; none where there is no such field.
    pub(super) fn field(&self, name: &str) -> Option<FieldKind> {
        let own = self.fields.iter();
        let tokens = if self.tokens { TOKENS } else { &[] };
        let mut all = own.chain(tokens);
        all.find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// The name of today for a field.
    pub(super) fn canonical<'a>(&self, name: &'a str) -> &'a str {
        let own = self.aliases.iter();
        let tokens: &[(&str, &str)] = if self.tokens { TOKEN_ALIASES } else { &[] };
        let mut all = own.chain(tokens);
        all.find(|(alias, _)| *alias == name)
            .map_or(name, |(_, canonical)| canonical)
    }

    /// The names of all fields, for suggestions.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let tokens = if self.tokens { TOKENS } else { &[] };
        self.fields.iter().chain(tokens).map(|(name, _)| *name)
    }
}

/// Fields of every role that gives tokens.
const TOKENS: &[(&str, FieldKind)] = &[
    ("token_ttl", Duration),
    ("token_max_ttl", Duration),
    ("token_period", Duration),
    ("token_explicit_max_ttl", Duration),
    ("token_policies", Set),
    ("token_bound_cidrs", Set),
    ("token_no_default_policy", Bool),
    ("token_num_uses", Int),
    ("token_type", Text),
    ("alias_metadata", Any),
];

const TOKEN_ALIASES: &[(&str, &str)] = &[
    ("policies", "token_policies"),
    ("ttl", "token_ttl"),
    ("max_ttl", "token_max_ttl"),
    ("period", "token_period"),
    ("bound_cidrs", "token_bound_cidrs"),
    ("num_uses", "token_num_uses"),
];

const fn data(fields: &'static [(&'static str, FieldKind)]) -> Rules {
    Rules {
        fields,
        aliases: &[],
        fixed: &[],
        stays_true: &[],
        tokens: false,
        whole: false,
        reads: &[],
    }
}

/// As [`data`], where a write replaces everything.
const fn whole(fields: &'static [(&'static str, FieldKind)]) -> Rules {
    Rules {
        whole: true,
        ..data(fields)
    }
}

/// As [`data`], with the token fields.
const fn tokens(fields: &'static [(&'static str, FieldKind)]) -> Rules {
    Rules {
        tokens: true,
        ..data(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_names_of_token_fields_stand_for_those_of_today() {
        let rules = auth("aws", "role/x").unwrap();
        assert_eq!(rules.canonical("policies"), "token_policies");
        assert_eq!(rules.field("token_policies"), Some(Set));
        assert_eq!(rules.field("bound_iam_principle_arn"), None);
        assert!(!secrets("pki", "roles/x").unwrap().tokens);
    }
}
