//! What a build knows of an object beyond its document: former names, prefixes, what a generator
//! asked for.

use std::sync::Arc;

use trueup_yaml::{Document, NodeId, Style};

use super::Behavior;
use crate::{accumulate::OriginNote, node};

/// A former name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Previous {
    pub(crate) name: Arc<str>,
    pub(crate) namespace: Arc<str>,
    pub(crate) kind: Arc<str>,
}

/// Beside the document, out of the reach of patches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bookkeeping {
    /// Former names, oldest first.
    pub(crate) previous: Vec<Previous>,
    /// Prefixes added so far, innermost first.
    pub(crate) prefixes: Vec<Arc<str>>,
    /// Suffixes added so far, innermost first.
    pub(crate) suffixes: Vec<Arc<str>>,
    /// What a generator asked for.
    pub(crate) behavior: Behavior,
    /// Made by a generator, whatever it asked for.
    pub(crate) generated: bool,
    /// Whether the name gets a hash of the content.
    pub(crate) needs_hash: bool,
    /// The annotations were null when a transformer put the first entry into them, and nothing has written
    /// them as a whole since: upstream then adds each entry anew and never looks for an old one.
    pub(crate) null_annotations: bool,
    /// A patch or a replacement was at it, and may have left a scalar where a reference looks for a map.
    pub(crate) reshaped: bool,
    /// Upstream's notes stand before the labels: those came later.
    pub(crate) noted_before_labels: bool,
    /// Made by a chart: the namespace transformer leaves it alone.
    pub(crate) from_chart: bool,
    /// Names of vars that read from this object.
    pub(crate) vars: Vec<Arc<str>>,
    /// Where it came from, when `buildMetadata` asks.
    pub(crate) origin: Option<Arc<OriginNote>>,
    /// What changed it, when `buildMetadata` asks.
    pub(crate) transformations: Vec<Arc<OriginNote>>,
}

const PREFIX: &str = "internal.config.kubernetes.io/";
/// Bookkeeping of other tools, which upstream drops from the output too.
const DROPPED: [&str; 3] = [
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
];
/// Bookkeeping of upstream that an input may bring along, and that is dropped from the output.
const KNOWN: [&str; 16] = [
    "previousKinds",
    "previousNames",
    "previousNamespaces",
    "prefixes",
    "suffixes",
    "refBy",
    "generatorBehavior",
    "needsHashSuffix",
    "allowNameChange",
    "allowKindChange",
    "helm-generated",
    "path",
    "index",
    "seqindent",
    "id",
    "annotations-migration-resource-id",
];

impl Bookkeeping {
    /// Moves upstream's bookkeeping annotations of an input out of the document.
    pub(super) fn take_from(doc: &mut Document) -> Self {
        let mut book = Self::default();
        let Some(map) = doc.at(doc.root(), &["metadata", "annotations"]) else {
            return book;
        };
        let ours: Vec<(String, String)> = doc
            .entries(map)
            .map(|(key, value)| {
                (
                    doc.text(key).unwrap_or_default(),
                    node::value(doc, Some(value)),
                )
            })
            .filter(|(key, _)| is_bookkeeping(key))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        if ours.is_empty() {
            return book;
        }
        let list = |name: &str| -> Vec<Arc<str>> {
            ours.iter()
                .find(|(key, _)| key.strip_prefix(PREFIX) == Some(name))
                .map(|(_, value)| value.split(',').map(Arc::from).collect())
                .unwrap_or_default()
        };
        let (names, namespaces, kinds) = (
            list("previousNames"),
            list("previousNamespaces"),
            list("previousKinds"),
        );
        book.previous = names
            .into_iter()
            .zip(namespaces)
            .zip(kinds)
            .map(|((name, namespace), kind)| Previous {
                name,
                namespace,
                kind,
            })
            .collect();
        book.prefixes = list("prefixes");
        book.suffixes = list("suffixes");
        book.behavior = list("generatorBehavior")
            .first()
            .map_or_else(Behavior::default, |word| Behavior::parse(word));
        book.generated = !list("generatorBehavior").is_empty();
        book.needs_hash = list("needsHashSuffix")
            .first()
            .is_some_and(|word| **word == *"enabled");
        book.from_chart = list("helm-generated")
            .first()
            .is_some_and(|word| **word == *"true");
        for (key, _) in &ours {
            doc.remove(map, key);
        }
        book
    }

    /// What upstream keeps in annotations of the document, as a function gets to see it.
    pub(super) fn annotations(&self) -> Vec<(String, String)> {
        let list = |name: &str, texts: &mut dyn Iterator<Item = &Arc<str>>| {
            let joined = texts.map(|text| &**text).collect::<Vec<_>>().join(",");
            (!joined.is_empty()).then(|| (format!("{PREFIX}{name}"), joined))
        };
        let word = |name: &str, word: &str, set: bool| {
            set.then(|| (format!("{PREFIX}{name}"), word.to_owned()))
        };
        let previous = || self.previous.iter();
        [
            list("previousKinds", &mut previous().map(|one| &one.kind)),
            list("previousNames", &mut previous().map(|one| &one.name)),
            list(
                "previousNamespaces",
                &mut previous().map(|one| &one.namespace),
            ),
            list("prefixes", &mut self.prefixes.iter()),
            list("suffixes", &mut self.suffixes.iter()),
            word("generatorBehavior", self.behavior.name(), self.generated),
            word("needsHashSuffix", "enabled", self.needs_hash),
            word("helm-generated", "true", self.from_chart),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether upstream's document would hold an `annotations` map on account of this.
    pub(crate) fn shows(&self) -> bool {
        !self.previous.is_empty()
            || !self.prefixes.is_empty()
            || !self.suffixes.is_empty()
            || self.generated
            || self.needs_hash
            || self.from_chart
            || self.origin.is_some()
    }

    /// What is left after a patch wiped the annotations: nothing of what upstream keeps there.
    pub(crate) fn wipe(&mut self) {
        *self = Self {
            vars: std::mem::take(&mut self.vars),
            reshaped: self.reshaped,
            ..Self::default()
        };
    }

    /// What an object that replaces or merges into another takes over from it: all but the hash, which
    /// both must want.
    pub(crate) fn inherit(&mut self, other: &Self) {
        let (wants_hash, origin) = (self.needs_hash, self.origin.take());
        *self = other.clone();
        self.needs_hash = wants_hash && other.needs_hash;
        if origin.is_some() {
            self.origin = origin;
        }
    }
}

fn is_bookkeeping(key: &str) -> bool {
    key.strip_prefix(PREFIX)
        .is_some_and(|name| KNOWN.contains(&name))
        || DROPPED.contains(&key)
}

/// Every value becomes the text it was written as, in a node of its own, and every key too: without its
/// quotes it may be no string any more, and is refused when it is printed.
pub(super) fn values_to_text(doc: &mut Document, map: NodeId) {
    let pairs: Vec<(NodeId, NodeId)> = doc.entries(map).collect();
    let fresh: Vec<(NodeId, NodeId)> = pairs
        .into_iter()
        .map(|(key, value)| (plain_key(doc, key), string_of(doc, value)))
        .collect();
    doc.set_pairs(map, &fresh);
}

fn plain_key(doc: &mut Document, key: NodeId) -> NodeId {
    let text = doc.text(key).unwrap_or_default();
    if Document::reads_as_string(text) {
        return key;
    }
    let text = text.to_owned();
    doc.new_scalar(&text, Style::Plain, None)
}

fn string_of(doc: &mut Document, value: NodeId) -> NodeId {
    // The style goes too: of a folded text it would show, for those are printed and read once more.
    if doc.str(value).is_some() && doc.tag(value).is_none() && doc.style(value) != Style::Folded {
        return doc.duplicate(value);
    }
    let text = doc.text(value).unwrap_or_default().to_owned();
    doc.new_str(&text)
}
