//! The built-in tables, read where they lie: a definition is a line, a type is a piece of it.

use std::{collections::HashMap, sync::LazyLock};

/// The group of kyaml's own schema of the kustomization file, which stays known beside a custom one.
const OWN_GROUP: &str = "kustomize.config.k8s.io/";

struct Table {
    /// The properties of each definition, as text.
    definitions: Vec<&'static str>,
    /// `version/kind` or `group/version/kind` to definition.
    kinds: HashMap<&'static str, usize>,
    /// The same to whether it is cluster-scoped.
    scopes: HashMap<&'static str, bool>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        definitions: Vec::new(),
        kinds: HashMap::new(),
        scopes: HashMap::new(),
    };
    for line in include_str!("builtin.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let (kinds, properties) = line.split_once('\t').unwrap_or((line, ""));
        for kind in kinds.split(',').filter(|kind| !kind.is_empty()) {
            table.kinds.insert(kind, table.definitions.len());
        }
        table.definitions.push(properties);
    }
    for line in include_str!("scopes.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let (scope, kind) = line.split_at_checked(1).unwrap_or(("", line));
        table.scopes.insert(kind, scope == "-");
    }
    table
});

fn key(api_version: &str, kind: &str) -> String {
    let mut key = String::with_capacity(api_version.len() + kind.len() + 1);
    key.push_str(api_version);
    key.push('/');
    key.push_str(kind);
    key
}

/// Whether a kind is known to live outside namespaces; an unknown one is taken to live in one.
pub(crate) fn cluster_scoped(api_version: &str, kind: &str) -> bool {
    TABLE
        .scopes
        .get(key(api_version, kind).as_str())
        .copied()
        .unwrap_or(false)
}

pub(super) fn scope_is_known(api_version: &str, kind: &str) -> bool {
    TABLE.scopes.contains_key(key(api_version, kind).as_str())
}

pub(super) fn of_kind(api_version: &str, kind: &str) -> Option<Type> {
    TABLE
        .kinds
        .get(key(api_version, kind).as_str())
        .copied()
        .map(Type::Object)
}

/// [`of_kind`] for the kinds of Kustomize alone.
pub(super) fn of_own_kind(api_version: &str, kind: &str) -> Option<Type> {
    of_kind(api_version, kind).filter(|_| api_version.starts_with(OWN_GROUP))
}

/// A type as the table writes it.
#[derive(Clone, Copy)]
pub(crate) enum Type {
    /// A definition by its number.
    Object(usize),
    /// A list or map: what follows the opening bracket.
    Text(&'static str),
}

impl Type {
    fn parse(text: &'static str) -> Self {
        text.parse().map_or(Self::Text(text), Self::Object)
    }

    pub(super) fn field(self, name: &str) -> Option<Self> {
        match self {
            Self::Object(definition) => TABLE
                .definitions
                .get(definition)?
                .split(';')
                .filter_map(|property| property.split_once(':'))
                .find(|(property, _)| *property == name)
                .map(|(_, of)| Self::parse(of)),
            Self::Text(text) => text.strip_prefix('{').map(Self::parse),
        }
    }

    fn list(self) -> Option<&'static str> {
        match self {
            Self::Text(text) => text.strip_prefix('['),
            Self::Object(_) => None,
        }
    }

    pub(super) fn items(self) -> Option<Self> {
        self.list()
            .map(|list| Self::parse(list.split('|').next().unwrap_or_default()))
    }

    pub(super) fn merge_keys(self) -> Option<Vec<&'static str>> {
        let mut parts = self.list()?.split('|').skip(1);
        let merges = parts.next()?.split(',').any(|strategy| strategy == "merge");
        merges.then(|| {
            let keys = parts.next().unwrap_or_default();
            keys.split(',').filter(|key| !key.is_empty()).collect()
        })
    }
}
