//! `Chart.yaml`, `requirements.yaml` and their locks.

use std::{collections::BTreeMap, sync::Arc};

use trueup_yaml::{Document, Kind, NodeId, Resolved, Schema};

use crate::{error::Error, go, yaml};

/// `Chart.yaml`, as templates see it in `.Chart`.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    /// `name`; the alias for a dependency that has one.
    pub name: Arc<str>,
    /// `home`.
    pub home: String,
    /// `sources`.
    pub sources: Vec<String>,
    /// `version`.
    pub version: String,
    /// `description`.
    pub description: String,
    /// `keywords`.
    pub keywords: Vec<String>,
    /// `maintainers`.
    pub maintainers: Vec<Maintainer>,
    /// `icon`.
    pub icon: String,
    /// `apiVersion`: `v1` or `v2`.
    pub api_version: String,
    /// `condition`.
    pub condition: String,
    /// `tags`.
    pub tags: String,
    /// `appVersion`.
    pub app_version: String,
    /// `deprecated`.
    pub deprecated: bool,
    /// `annotations`.
    pub annotations: BTreeMap<String, String>,
    /// `kubeVersion`: the constraint on the cluster's version.
    pub kube_version: String,
    /// `dependencies`; none where the field is absent, which Helm tells from an empty list.
    pub dependencies: Option<Vec<Dependency>>,
    /// `type`: `application` or `library`; empty is an application.
    pub kind: String,
}

/// One of `maintainers`.
#[derive(Clone, Debug, Default)]
pub struct Maintainer {
    /// `name`.
    pub name: String,
    /// `email`.
    pub email: String,
    /// `url`.
    pub url: String,
}

/// A chart that another depends on.
#[derive(Clone, Debug, Default)]
pub struct Dependency {
    /// `name`.
    pub name: String,
    /// `version`: a range, or the version itself in a lock.
    pub version: String,
    /// `repository`.
    pub repository: String,
    /// `condition`: paths of values, the first boolean one decides.
    pub condition: String,
    /// `tags`.
    pub tags: Vec<String>,
    /// Whether conditions and tags let it in.
    pub enabled: bool,
    /// `import-values`.
    pub import_values: Vec<Import>,
    /// `alias`.
    pub alias: String,
}

/// One of `import-values`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Import {
    /// The name of a table below `exports` of the dependency, put at the parent's top.
    Export(String),
    /// A path in the dependency's values and one in the parent's.
    Table {
        /// The path in the dependency.
        child: String,
        /// The path in the parent.
        parent: String,
    },
}

/// `Chart.lock` or `requirements.lock`: the versions that were chosen.
#[derive(Clone, Debug, Default)]
pub struct Lock {
    /// A hash of the dependencies it was made for: `sha256:…`.
    pub digest: String,
    /// The dependencies with their versions.
    pub dependencies: Vec<Dependency>,
}

impl Metadata {
    /// Takes over what a document sets, as Go decodes into a struct that holds values already.
    pub(super) fn read(&mut self, doc: &Document) -> Result<(), Error> {
        let root = doc.root();
        let reader = Reader { doc };
        if doc.is_null(root) {
            return Ok(());
        }
        reader.mapping(root, "chart.Metadata")?;
        for (key, value) in doc.entries(root) {
            let key = doc.text(key).unwrap_or_default();
            if doc.is_null(value) {
                continue;
            }
            match key {
                "name" => self.name = reader.text(value, key)?.into(),
                "home" => self.home = reader.text(value, key)?,
                "sources" => self.sources = reader.texts(value, key)?,
                "version" => self.version = reader.text(value, key)?,
                "description" => self.description = reader.text(value, key)?,
                "keywords" => self.keywords = reader.texts(value, key)?,
                "maintainers" => {
                    self.maintainers = reader.list(value, key, Reader::maintainer)?;
                }
                "icon" => self.icon = reader.text(value, key)?,
                "apiVersion" => self.api_version = reader.text(value, key)?,
                "condition" => self.condition = reader.text(value, key)?,
                "tags" => self.tags = reader.text(value, key)?,
                "appVersion" => self.app_version = reader.text(value, key)?,
                "deprecated" => self.deprecated = reader.flag(value, key)?,
                "annotations" => self.annotations = reader.annotations(value)?,
                "kubeVersion" => self.kube_version = reader.text(value, key)?,
                "dependencies" => {
                    self.dependencies = Some(reader.list(value, key, Reader::dependency)?);
                }
                "type" => self.kind = reader.text(value, key)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Refuses what Helm refuses, and cleans texts as it does.
    pub(super) fn validate(&mut self) -> Result<(), Error> {
        let refuse = |text: String| {
            Err(Error::new("helm/metadata", format!("validation: {text}"))
                .help("correct `Chart.yaml`"))
        };
        self.clean();
        for (value, field) in [
            (&self.api_version, "apiVersion"),
            (&self.name.to_string(), "name"),
        ] {
            if value.is_empty() {
                return refuse(format!("chart.metadata.{field} is required"));
            }
        }
        if matches!(&*self.name, "." | "..") {
            let name = go::quote(&self.name);
            return refuse(format!("chart.metadata.name {name} is not allowed"));
        }
        if self.name.contains('/') {
            let name = go::quote(&self.name);
            return refuse(format!("chart.metadata.name {name} is invalid"));
        }
        if self.version.is_empty() {
            return refuse("chart.metadata.version is required".to_owned());
        }
        if !crate::version::is_version(&self.version) {
            let version = go::quote(&self.version);
            return refuse(format!("chart.metadata.version {version} is invalid"));
        }
        if !matches!(&*self.kind, "" | "application" | "library") {
            return refuse("chart.metadata.type must be application or library".to_owned());
        }
        let mut seen: Vec<&str> = Vec::new();
        for dependency in self.dependencies.iter().flatten() {
            let alias = &dependency.alias;
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            if !alias.chars().all(allowed) {
                let name = go::quote(&dependency.name);
                return refuse(format!(
                    "dependency {name} has disallowed characters in the alias"
                ));
            }
            let key = if alias.is_empty() {
                &dependency.name
            } else {
                alias
            };
            if seen.contains(&key.as_str()) {
                let key = go::quote(key);
                return refuse(format!("more than one dependency with name or alias {key}"));
            }
            seen.push(key);
        }
        Ok(())
    }

    fn clean(&mut self) {
        self.name = clean(&self.name).into();
        for text in [
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            *text = clean(text);
        }
        for text in self.sources.iter_mut().chain(&mut self.keywords) {
            *text = clean(text);
        }
        for maintainer in &mut self.maintainers {
            for text in [
                &mut maintainer.name,
                &mut maintainer.email,
                &mut maintainer.url,
            ] {
                *text = clean(text);
            }
        }
        for dependency in self.dependencies.iter_mut().flatten() {
            for text in [
                &mut dependency.name,
                &mut dependency.version,
                &mut dependency.repository,
                &mut dependency.condition,
            ] {
                *text = clean(text);
            }
            for tag in &mut dependency.tags {
                *tag = clean(tag);
            }
        }
    }
}

/// White space becomes a blank, other control characters go.
fn clean(text: &str) -> String {
    text.chars()
        .filter_map(|c| {
            if c.is_whitespace() {
                Some(' ')
            } else {
                (!c.is_control()).then_some(c)
            }
        })
        .collect()
}

impl Lock {
    pub(super) fn read(doc: &Document) -> Result<Self, Error> {
        let mut lock = Self::default();
        let root = doc.root();
        let reader = Reader { doc };
        for (key, value) in doc.entries(root) {
            match doc.text(key).unwrap_or_default() {
                "digest" if !doc.is_null(value) => lock.digest = reader.text(value, "digest")?,
                "dependencies" if !doc.is_null(value) => {
                    lock.dependencies = reader.list(value, "dependencies", Reader::dependency)?;
                }
                _ => {}
            }
        }
        Ok(lock)
    }
}

/// Reads typed fields with the messages of Go's JSON decoder.
struct Reader<'d> {
    doc: &'d Document,
}

impl Reader<'_> {
    fn wrong(&self, node: NodeId, path: &str, wanted: &str) -> Error {
        let found = match self.doc.kind(node) {
            Kind::Mapping => "object",
            Kind::Sequence => "array",
            _ => match self.doc.resolve(node, Schema::Sigs) {
                Resolved::Bool(_) => "bool",
                Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_) => "number",
                _ => "string",
            },
        };
        let text = format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go \
             struct field Metadata.{path} of type {wanted}"
        );
        let finding = trueup_manifest::Diagnostic::error(
            "helm/metadata",
            format!(
                "`{path}` must be {}, not {}",
                go_type(wanted),
                json_type(found)
            ),
        )
        .at(self.doc.location(node));
        Error::found(text, finding)
    }

    fn mapping(&self, node: NodeId, wanted: &str) -> Result<(), Error> {
        if self.doc.kind(node) == Kind::Mapping {
            return Ok(());
        }
        let found = if self.doc.kind(node) == Kind::Sequence {
            "array"
        } else {
            "string"
        };
        let text = format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go \
             value of type {wanted}"
        );
        let finding =
            trueup_manifest::Diagnostic::error("helm/metadata", "the file must be a mapping")
                .at(self.doc.location(node));
        Err(Error::found(text, finding))
    }

    /// A text; numbers and booleans are written out, as `sigs.k8s.io/yaml` does for string fields.
    fn text(&self, node: NodeId, path: &str) -> Result<String, Error> {
        if self.doc.kind(node) != Kind::Scalar {
            return Err(self.wrong(node, path, "string"));
        }
        Ok(yaml::text(self.doc, node))
    }

    fn flag(&self, node: NodeId, path: &str) -> Result<bool, Error> {
        match self.doc.resolve(node, Schema::Sigs) {
            Resolved::Bool(flag) if self.doc.kind(node) == Kind::Scalar => Ok(flag),
            _ => Err(self.wrong(node, path, "bool")),
        }
    }

    fn list<T>(
        &self,
        node: NodeId,
        path: &str,
        read: impl Fn(&Self, NodeId) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        if self.doc.kind(node) != Kind::Sequence {
            return Err(self.wrong(node, path, "[]string"));
        }
        self.doc.items(node).map(|item| read(self, item)).collect()
    }

    fn texts(&self, node: NodeId, path: &str) -> Result<Vec<String>, Error> {
        self.list(node, path, |reader, item| {
            if reader.doc.is_null(item) {
                Ok(String::new())
            } else {
                reader.text(item, path)
            }
        })
    }

    fn annotations(&self, node: NodeId) -> Result<BTreeMap<String, String>, Error> {
        if self.doc.kind(node) != Kind::Mapping {
            return Err(self.wrong(node, "annotations", "map[string]string"));
        }
        self.doc
            .entries(node)
            .map(|(key, value)| {
                let text = if self.doc.is_null(value) {
                    String::new()
                } else {
                    self.text(value, "annotations")?
                };
                Ok((yaml::text(self.doc, key), text))
            })
            .collect()
    }

    fn maintainer(&self, node: NodeId) -> Result<Maintainer, Error> {
        if self.doc.is_null(node) {
            return Err(Error::new(
                "helm/metadata",
                "validation: maintainers must not contain empty or null nodes",
            ));
        }
        let field = |name: &str| match self.doc.get(node, name) {
            Some(value) if !self.doc.is_null(value) => self.text(value, name),
            _ => Ok(String::new()),
        };
        Ok(Maintainer {
            name: field("name")?,
            email: field("email")?,
            url: field("url")?,
        })
    }

    fn dependency(&self, node: NodeId) -> Result<Dependency, Error> {
        if self.doc.is_null(node) {
            return Err(Error::new(
                "helm/metadata",
                "validation: dependencies must not contain empty or null nodes",
            ));
        }
        let get = |name: &str| {
            self.doc
                .get(node, name)
                .filter(|value| !self.doc.is_null(*value))
        };
        let field = |name: &str| match get(name) {
            Some(value) => self.text(value, &format!("dependencies.{name}")),
            None => Ok(String::new()),
        };
        Ok(Dependency {
            name: field("name")?,
            version: field("version")?,
            repository: field("repository")?,
            condition: field("condition")?,
            tags: match get("tags") {
                Some(tags) => self.texts(tags, "dependencies.tags")?,
                None => Vec::new(),
            },
            enabled: match get("enabled") {
                Some(value) => self.flag(value, "dependencies.enabled")?,
                None => false,
            },
            import_values: match get("import-values") {
                Some(list) => self
                    .list(list, "dependencies.import-values", Self::import)?
                    .into_iter()
                    .flatten()
                    .collect(),
                None => Vec::new(),
            },
            alias: field("alias")?,
        })
    }

    /// One of `import-values`; what is neither a text nor a mapping has no effect in Helm.
    fn import(&self, node: NodeId) -> Result<Option<Import>, Error> {
        Ok(match self.doc.kind(node) {
            Kind::Mapping => {
                let field = |name: &str| match self.doc.get(node, name) {
                    Some(value) if !self.doc.is_null(value) => self.text(value, name),
                    _ => Ok("<nil>".to_owned()),
                };
                Some(Import::Table {
                    child: field("child")?,
                    parent: field("parent")?,
                })
            }
            Kind::Scalar => match self.doc.resolve(node, Schema::Sigs) {
                Resolved::Str(text) => Some(Import::Export(text.to_owned())),
                _ => None,
            },
            _ => None,
        })
    }
}

fn go_type(wanted: &str) -> &'static str {
    match wanted {
        "string" => "text",
        "bool" => "`true` or `false`",
        "map[string]string" => "a mapping",
        _ => "a list",
    }
}

fn json_type(found: &str) -> &'static str {
    match found {
        "object" => "a mapping",
        "array" => "a list",
        "bool" => "a boolean",
        "number" => "a number",
        _ => "text",
    }
}
