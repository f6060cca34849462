//! The built-in tables, read where they lie: a definition is a line, a type is a piece of it.

use std::sync::{LazyLock, OnceLock};

use crate::HashMap;

/// The group of kyaml's own schema of the kustomization file, which stays known beside a custom one.
const OWN_GROUP: &str = "kustomize.config.k8s.io/";

struct Table {
    /// Name and properties of each definition, as text.
    definitions: Vec<(&'static str, &'static str)>,
    /// Definitions by name; filled when a schema file first refers to one.
    names: OnceLock<HashMap<&'static str, usize>>,
    /// `version/kind` or `group/version/kind` to definition.
    kinds: HashMap<&'static str, usize>,
}

/// `version/kind` or `group/version/kind` to whether it is cluster-scoped. Apart from the definitions,
/// which only a strategic merge asks for.
static SCOPES: LazyLock<HashMap<&'static str, bool>> = LazyLock::new(|| {
    rows(include_str!("scopes.txt"))
        .map(|row| {
            let (scope, kind) = row.split_at_checked(1).unwrap_or(("", row));
            (kind, scope == "-")
        })
        .collect()
});

/// The lines of a table, comments left out.
fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', table.as_bytes())
        .filter_map(move |end| table.get(std::mem::replace(&mut start, end + 1)..end))
        .filter(|row| !row.starts_with('#'))
}

/// A row up to the next tab, and what follows it.
fn cell(row: &'static str) -> (&'static str, &'static str) {
    memchr::memchr(b'\t', row.as_bytes())
        .and_then(|at| Some((row.get(..at)?, row.get(at + 1..)?)))
        .unwrap_or((row, ""))
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        definitions: Vec::new(),
        names: OnceLock::new(),
        kinds: HashMap::default(),
    };
    for row in rows(include_str!("builtin.txt")) {
        let (name, row) = cell(row);
        let (kinds, properties) = cell(row);
        for kind in kinds.split(',').filter(|kind| !kind.is_empty()) {
            table.kinds.insert(kind, table.definitions.len());
        }
        table.definitions.push((name, properties));
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
    SCOPES.get(key(api_version, kind).as_str()).copied()
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
