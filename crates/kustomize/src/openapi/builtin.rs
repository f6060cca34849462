//! The built-in tables, read where they lie: a definition is a line, a type is a piece of it.

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

/// The group of kyaml's own schema of the kustomization file, which stays known beside a custom one.
const OWN_GROUP: &str = "kustomize.config.k8s.io/";

struct Table {
    /// Name and properties of each definition, as text.
    definitions: Vec<(&'static str, &'static str)>,
    /// Definitions by name; filled when a schema file first refers to one.
    names: OnceLock<HashMap<&'static str, usize>>,
    /// `version/kind` or `group/version/kind` to definition.
    kinds: HashMap<&'static str, usize>,
    /// The same to whether it is cluster-scoped.
    scopes: HashMap<&'static str, bool>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        definitions: Vec::new(),
        names: OnceLock::new(),
        kinds: HashMap::new(),
        scopes: HashMap::new(),
    };
    for line in include_str!("builtin.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let mut parts = line.splitn(3, '\t');
        let mut part = || parts.next().unwrap_or_default();
        let (name, kinds, properties) = (part(), part(), part());
        for kind in kinds.split(',').filter(|kind| !kind.is_empty()) {
            table.kinds.insert(kind, table.definitions.len());
        }
        table.definitions.push((name, properties));
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

/// Whether a kind lives outside namespaces; none where the table does not know it.
pub(super) fn cluster_scoped(api_version: &str, kind: &str) -> Option<bool> {
    TABLE.scopes.get(key(api_version, kind).as_str()).copied()
}

/// The definition of this name.
pub(super) fn definition(name: &str) -> Option<Type> {
    let table = &*TABLE;
    let names = table.names.get_or_init(|| {
        table
            .definitions
            .iter()
            .enumerate()
            .map(|(at, (name, _))| (*name, at))
            .collect()
    });
    names.get(name).copied().map(Type::Object)
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

    /// The name of the definition that this is.
    pub(super) fn definition_name(self) -> Option<&'static str> {
        match self {
            Self::Object(definition) => TABLE.definitions.get(definition).map(|(name, _)| *name),
            Self::Text(_) => None,
        }
    }

    pub(super) fn field(self, name: &str) -> Option<Self> {
        match self {
            Self::Object(definition) => TABLE
                .definitions
                .get(definition)?
                .1
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
