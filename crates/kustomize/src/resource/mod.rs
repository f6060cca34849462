//! The objects under work: a document with its present and former names.
//!
//! Flows in: documents from files and generators. Flows out: resources that later steps find by any
//! name they ever had. Upstream keeps this bookkeeping in annotations of the object while it builds;
//! here it lies beside the document, and what of it shows (an `annotations` map that exists, one that
//! a patch wipes) is reproduced.
//! It must never read files or print.

mod bookkeeping;
mod id;
mod labels;
mod select;
mod set;

use std::{borrow::Cow, sync::Arc};

use trueup_manifest::Origin;
use trueup_yaml::{Document, Kind, Location, NodeId};

pub(crate) use self::{
    bookkeeping::{Bookkeeping, Previous},
    id::{Gvk, Key, NO_NAMESPACE, ResId, split_api_version},
    labels::LabelSelector,
    select::{Matcher, Pattern, compile_regex},
    set::ResMap,
};
use crate::{accumulate::OriginNote, node, openapi::Schemas, trace::Snapshot};

/// The kustomizations that led to something, outermost first; shared by all that one of them loads.
pub(crate) type Chain = Arc<[Arc<str>]>;

/// What a generated object does to one of the same name that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// Not said: as [`Self::Create`].
    #[default]
    Unspecified,
    /// It must be new.
    Create,
    /// It takes the other's place.
    Replace,
    /// Its data is laid over the other's.
    Merge,
}

impl Behavior {
    /// Any other word counts as not said, as upstream has it.
    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "create" => Self::Create,
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Unspecified,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Merge => "merge",
        }
    }
}

/// One object under work.
#[derive(Clone)]
pub(crate) struct Resource {
    /// The object. After an edit that may change kind, name or namespace, [`Self::sync`] is due.
    pub(crate) doc: Document,
    /// What the build knows of it beyond the document.
    pub(crate) book: Bookkeeping,
    /// What each step left of it, in a build that is traced.
    pub(crate) history: Vec<Snapshot>,
    id: ResId,
    location: Option<Location>,
    chain: Chain,
}

impl Resource {
    pub(crate) fn new(mut doc: Document, chain: Chain, schemas: &Schemas) -> Self {
        let location = doc.location(doc.root());
        let book = Bookkeeping::take_from(&mut doc);
        let mut resource = Self {
            doc,
            book,
            history: Vec::new(),
            id: ResId::default(),
            location,
            chain,
        };
        resource.sync(schemas);
        resource
    }

    /// The root mapping.
    pub(crate) fn root(&self) -> NodeId {
        self.doc.root()
    }

    /// Its name now.
    pub(crate) fn id(&self) -> &ResId {
        &self.id
    }

    pub(crate) fn gvk(&self) -> &Gvk {
        &self.id.gvk
    }

    pub(crate) fn name(&self) -> &str {
        &self.id.name
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.id.namespace
    }

    /// Its names before, oldest first. Group and version are those of now.
    pub(crate) fn previous_ids(&self) -> impl Iterator<Item = ResId> + '_ {
        self.book.previous.iter().map(|previous| ResId {
            gvk: Gvk {
                group: Arc::clone(&self.id.gvk.group),
                version: Arc::clone(&self.id.gvk.version),
                kind: Arc::clone(&previous.kind),
            },
            name: Arc::clone(&previous.name),
            namespace: Arc::clone(&previous.namespace),
            cluster_scoped: false,
        })
    }

    /// Every name it ever had, oldest first, the present one last.
    pub(crate) fn any_ids(&self) -> impl Iterator<Item = ResId> + '_ {
        self.previous_ids()
            .chain(std::iter::once_with(|| self.id.clone()))
    }

    /// The name it was loaded under.
    pub(crate) fn original_id(&self) -> ResId {
        self.previous_ids()
            .next()
            .unwrap_or_else(|| self.id.clone())
    }

    /// Group, version and kind of [`Self::original_id`].
    pub(crate) fn original_gvk(&self) -> Cow<'_, Gvk> {
        match self.book.previous.first() {
            Some(first) if first.kind != self.id.gvk.kind => Cow::Owned(Gvk {
                group: Arc::clone(&self.id.gvk.group),
                version: Arc::clone(&self.id.gvk.version),
                kind: Arc::clone(&first.kind),
            }),
            _ => Cow::Borrowed(&self.id.gvk),
        }
    }

    /// The namespace it was loaded under, `default` where it named none.
    pub(crate) fn original_namespace(&self) -> Arc<str> {
        match self.book.previous.first() {
            Some(first) if !first.namespace.is_empty() => Arc::clone(&first.namespace),
            _ => self.original_id().effective_namespace().into(),
        }
    }

    /// Remembers the present name before it changes.
    pub(crate) fn remember_id(&mut self) {
        let namespace = self.id.effective_namespace();
        let namespace = if *namespace == *self.id.namespace {
            Arc::clone(&self.id.namespace)
        } else {
            Arc::from(namespace)
        };
        // A list may be without a name, and upstream notes no empty one.
        if !self.id.name.is_empty() {
            self.book.previous.push(Previous {
                name: Arc::clone(&self.id.name),
                namespace,
                kind: Arc::clone(&self.id.gvk.kind),
            });
        }
        self.note_in_annotations();
    }

    /// Notes where it came from.
    pub(crate) fn set_origin(&mut self, origin: Option<Arc<OriginNote>>) {
        if origin.is_some() {
            self.note_in_annotations();
        }
        self.book.origin = origin;
    }

    /// Upstream keeps its notes in the annotations: `metadata` is a map from then on, also that of a list
    /// that had none, and so are annotations that were null.
    fn note_in_annotations(&mut self) {
        let root = self.root();
        let Some(metadata) = self.doc.get(root, "metadata") else {
            let made = self.doc.new_mapping();
            self.doc.set(root, "metadata", made);
            return;
        };
        let map = self.doc.get(metadata, "annotations");
        self.book.noted_before_labels |= self.doc.get(metadata, "labels").is_none();
        for node in [Some(metadata), map].into_iter().flatten() {
            if self.doc.is_null(node) {
                let empty = self.doc.new_mapping();
                self.doc.replace(node, empty);
            }
        }
    }

    /// Asks other schemas than before whether its kind lives in namespaces.
    pub(crate) fn ask_scope(&mut self, schemas: &Schemas) {
        let api_version = node::value_at(&self.doc, &["apiVersion"]);
        let kind = node::value_at(&self.doc, &["kind"]);
        self.id.cluster_scoped = schemas.cluster_scoped(api_version, kind);
    }

    /// Reads kind, name and namespace again after the document was edited.
    pub(crate) fn sync(&mut self, schemas: &Schemas) {
        let Self { doc, id, .. } = self;
        let api_version = node::value_at(doc, &["apiVersion"]);
        let (group, version) = split_api_version(api_version);
        let kind = node::value_at(doc, &["kind"]);
        if *id.gvk.group != *group || *id.gvk.version != *version || *id.gvk.kind != *kind {
            id.gvk = Gvk::new(group, version, kind);
            id.cluster_scoped = schemas.cluster_scoped(api_version, kind);
        }
        let metadata = doc.get(doc.root(), "metadata");
        let meta_text = |field| {
            let found = metadata.and_then(|metadata| doc.get(metadata, field));
            // Null and collections count as absent.
            node::value(doc, found)
        };
        let name = meta_text("name");
        if *id.name != *name {
            id.name = name.into();
        }
        let namespace = meta_text("namespace");
        if *id.namespace != *namespace {
            id.namespace = namespace.into();
        }
    }

    /// Where the object was written; none for a generated one.
    pub(crate) fn location(&self) -> Option<Location> {
        self.location.clone()
    }

    /// The place of a node, or of the object where the node was made in memory.
    pub(crate) fn place(&self, node: NodeId) -> Option<Location> {
        self.doc.location(node).or_else(|| self.location())
    }

    /// Says where a generated object was asked for.
    pub(crate) fn set_location(&mut self, location: Option<Location>) {
        self.location = location;
    }

    /// For the outside: where it came from.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            location: self.location.clone(),
            chain: self.chain.to_vec(),
        }
    }

    /// Puts into the document what upstream would keep there, so that a JSON patch meets the same map
    /// of annotations. Undone by [`Self::hide_bookkeeping`].
    pub(crate) fn show_bookkeeping(&mut self) -> Shown {
        if !self.book.shows() {
            return Shown { marked: false };
        }
        let root = self.root();
        let metadata = self.doc.get(root, "metadata");
        let Some(metadata) = metadata.filter(|node| self.doc.kind(*node) == Kind::Mapping) else {
            return Shown { marked: false };
        };
        let map = match self.doc.get(metadata, "annotations") {
            Some(map) if self.doc.kind(map) == Kind::Mapping => map,
            _ => {
                let map = self.doc.new_mapping();
                self.doc.set(metadata, "annotations", map);
                map
            }
        };
        let marked = self.book.origin.is_some();
        if marked {
            let mark = self.doc.new_str("");
            self.doc.set(map, ORIGIN_ANNOTATION, mark);
        }
        Shown { marked }
    }

    /// Takes out again what [`Self::show_bookkeeping`] put in. Where a patch removed the origin, it is
    /// gone; annotations that are no map any more, or an empty one, go as upstream has them go, and those
    /// that stay are strings.
    pub(crate) fn hide_bookkeeping(&mut self, shown: &Shown) {
        let root = self.root();
        let Some(metadata) = self.doc.get(root, "metadata") else {
            return;
        };
        let map = self.doc.get(metadata, "annotations");
        if shown.marked {
            let found = map.and_then(|map| self.doc.remove(map, ORIGIN_ANNOTATION));
            if found.is_none() {
                self.book.origin = None;
                self.book.transformations.clear();
            }
        }
        if map.is_some_and(|map| self.doc.kind(map) != Kind::Mapping || self.doc.is_empty(map)) {
            self.doc.remove(metadata, "annotations");
        }
        self.annotations_to_text();
    }

    /// A copy of the document with the bookkeeping in its annotations, as upstream keeps it.
    pub(crate) fn with_bookkeeping(&self) -> Document {
        let mut doc = self.doc.clone();
        let root = doc.root();
        let annotations = self.book.annotations();
        if annotations.is_empty() {
            return doc;
        }
        let path = ["metadata", "annotations"];
        if let Ok(Some(map)) = node::lookup_create(&mut doc, root, &path, Kind::Mapping) {
            for (key, text) in annotations {
                let value = doc.new_str(&text);
                doc.set(map, &key, value);
            }
        }
        doc
    }

    /// Takes on what a function made of it. What upstream keeps in annotations is what the function
    /// left of it; the rest stays.
    pub(crate) fn become_as(&mut self, new: Self) {
        let old = std::mem::replace(&mut self.book, new.book);
        self.book.vars = old.vars;
        self.book.origin = old.origin;
        self.book.transformations = old.transformations;
        self.doc = new.doc;
        self.id = new.id;
    }

    /// Removes annotations, and the map of them once it is empty.
    pub(crate) fn drop_annotations(&mut self, keys: &[&str]) {
        let Some(metadata) = self.doc.get(self.root(), "metadata") else {
            return;
        };
        let Some(map) = self.doc.get(metadata, "annotations") else {
            return;
        };
        for key in keys {
            self.doc.remove(map, key);
        }
        if self.doc.is_empty(map) {
            self.doc.remove(metadata, "annotations");
        }
    }

    /// Takes from the annotations what a generator asks for. An error is what is no boolean.
    pub(crate) fn take_generator_options(&mut self) -> Result<(), String> {
        const HASH: &str = "kustomize.config.k8s.io/needs-hash";
        const BEHAVIOR: &str = "kustomize.config.k8s.io/behavior";
        let found = |name: &str| {
            let annotations = self.metadata_map("annotations").into_iter();
            let mut found = annotations.filter(|(key, _)| *key == name);
            found.next().map(|(_, text)| text.to_owned())
        };
        let (hash, behavior) = (found(HASH), found(BEHAVIOR));
        self.book.needs_hash = match hash.as_deref() {
            None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => false,
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => true,
            Some(other) => return Err(other.to_owned()),
        };
        self.book.behavior = Behavior::parse(&behavior.unwrap_or_default());
        self.drop_annotations(&[HASH, BEHAVIOR]);
        Ok(())
    }

    /// Takes out annotations that were null when something was put into them: to upstream they are still null, and
    /// a patch finds nothing there.
    pub(crate) fn lose_null_annotations(&mut self) {
        if std::mem::take(&mut self.book.null_annotations) {
            let metadata = self.doc.get(self.root(), "metadata");
            metadata.and_then(|metadata| self.doc.remove(metadata, "annotations"));
        }
    }

    /// Makes every annotation a string, as upstream does whenever it sets them as a whole.
    pub(crate) fn annotations_to_text(&mut self) {
        self.book.null_annotations = false;
        if let Some(map) = self.doc.at(self.root(), &["metadata", "annotations"])
            && self.doc.kind(map) == Kind::Mapping
        {
            bookkeeping::values_to_text(&mut self.doc, map);
        }
    }

    /// The texts of `metadata.labels` or `metadata.annotations`, as upstream reads them for a match.
    pub(crate) fn metadata_map(&self, field: &str) -> Vec<(&str, &str)> {
        let Some(map) = self.doc.at(self.root(), &["metadata", field]) else {
            return Vec::new();
        };
        self.doc
            .entries(map)
            .map(|(key, value)| {
                let text = |node| self.doc.text(node).unwrap_or_default();
                (text(key), text(value))
            })
            .collect()
    }
}

/// Where a build notes the origin of an object, when asked to.
pub(crate) const ORIGIN_ANNOTATION: &str = "config.kubernetes.io/origin";

/// What was put into a document for the time of a patch.
pub(crate) struct Shown {
    marked: bool,
}
