//! Finding objects by patterns of kind, name and namespace, by labels and annotations.

use regex::{Regex, RegexBuilder};

use super::{Gvk, LabelSelector, ResId, Resource};

/// The most memory a compiled pattern may take, in bytes.
const REGEX_LIMIT: usize = 1 << 20;

/// Compiles a regular expression within bounds.
pub(crate) fn compile_regex(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .size_limit(REGEX_LIMIT)
        .dfa_size_limit(REGEX_LIMIT)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
            error => error
                .to_string()
                .lines()
                .last()
                .unwrap_or_default()
                .trim()
                .to_owned(),
        })
}

/// One part of a selector.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    Any,
    Literal(String),
    Regex(Regex),
}

impl Pattern {
    /// An empty text is any; a text without special characters is itself; else a regular expression
    /// that must match the whole.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::Any);
        }
        if regex::escape(text) == text
            || text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        {
            return Ok(Self::Literal(text.to_owned()));
        }
        compile_regex(&format!("^(?:{text})$")).map(Self::Regex)
    }

    pub(crate) fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(literal) => literal == text,
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

/// A selector with its patterns compiled.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    pub(crate) group: Pattern,
    pub(crate) version: Pattern,
    pub(crate) kind: Pattern,
    pub(crate) name: Pattern,
    pub(crate) namespace: Pattern,
    pub(crate) labels: LabelSelector,
    pub(crate) annotations: LabelSelector,
}

impl Matcher {
    pub(crate) fn accepts_gvk(&self, gvk: &Gvk) -> bool {
        self.kind.accepts(&gvk.kind)
            && self.group.accepts(&gvk.group)
            && self.version.accepts(&gvk.version)
    }

    /// Whether one id matches in all parts, the namespace as written.
    pub(crate) fn accepts_id(&self, id: &ResId) -> bool {
        self.accepts_gvk(&id.gvk)
            && self.name.accepts(&id.name)
            && self.namespace.accepts(&id.namespace)
    }

    /// Whether every part of the id pattern is empty.
    pub(crate) fn is_any_id(&self) -> bool {
        [
            &self.group,
            &self.version,
            &self.kind,
            &self.name,
            &self.namespace,
        ]
        .iter()
        .all(|pattern| matches!(pattern, Pattern::Any))
    }

    /// Whether labels or annotations are asked for.
    pub(crate) fn has_metadata(&self) -> bool {
        !self.labels.is_empty() || !self.annotations.is_empty()
    }

    pub(crate) fn accepts_metadata(&self, resource: &Resource) -> bool {
        (self.labels.is_empty() || self.labels.accepts(&resource.metadata_map("labels")))
            && (self.annotations.is_empty()
                || self
                    .annotations
                    .accepts(&resource.metadata_map("annotations")))
    }

    /// Whether a patch with this target applies: present or original name and namespace, present kind.
    pub(crate) fn accepts(&self, resource: &Resource) -> bool {
        let id = resource.id();
        if !self.accepts_gvk(&id.gvk) {
            return false;
        }
        let original = || resource.original_id();
        let name = matches!(self.name, Pattern::Any)
            || self.name.accepts(&id.name)
            || self.name.accepts(&original().name);
        let namespace = matches!(self.namespace, Pattern::Any)
            || self.namespace.accepts(id.effective_namespace())
            || self.namespace.accepts(original().effective_namespace());
        name && namespace && self.accepts_metadata(resource)
    }
}
