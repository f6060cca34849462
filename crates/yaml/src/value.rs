//! What a node is as JSON: scalars resolved by a schema, merge keys applied, keys as strings.
//!
//! Mirrors what Go's loaders decode into `interface{}` and what becomes of it in `encoding/json`:
//! `yaml.v3` for [`Schema::Kyaml`], `goyaml.v2` and `sigs.k8s.io/yaml` for [`Schema::Sigs`]. Serves
//! the emitters and serde; never changes a document.

use std::borrow::Cow;

use crate::document::{Document, resolve_untagged};
use crate::emit::float;
use crate::error::Error;
use crate::node::{Entry, HEAP, Kind, Node, NodeId, SIMPLE, STRING, Style, TAGGED};
use crate::resolve::{Resolved, Schema, is_plain_word, resolve_tagged, rfc3339};
use crate::source::Source;

/// A scalar of JSON. Floats may be infinite or not a number, which JSON cannot say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'d> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Str(Cow<'d, str>),
}

/// A key and the node of its value.
#[derive(Clone, Debug)]
pub(crate) struct Field<'d> {
    pub(crate) key: Cow<'d, str>,
    pub(crate) value: NodeId,
    /// The key was read as a plain text that prints as it is.
    pub(crate) simple: bool,
}

/// The most nodes that aliases left in a document may stand for, in one walk over it.
const MAX_ALIAS_NODES: u32 = 1_000_000;
/// The deepest walk; documents that were parsed are never so deep.
const MAX_DEPTH: u32 = 2_000;

/// A walk over a document as JSON, with bounds for aliases and depth.
pub(crate) struct Walk<'d> {
    pub(crate) doc: &'d Document,
    pub(crate) schema: Schema,
    /// The text of the first source, which most nodes lie in.
    first: &'d str,
    /// Whether values are read back from what `yaml.v3` prints, as kustomize reads its resources.
    reprint: bool,
    flow_depth: u32,
    depth: u32,
    alias_depth: u32,
    alias_nodes: u32,
}

impl<'d> Walk<'d> {
    pub(crate) fn new(doc: &'d Document, schema: Schema) -> Self {
        Self {
            doc,
            schema,
            first: doc.sources.first().map_or("", Source::text),
            reprint: false,
            flow_depth: 0,
            depth: 0,
            alias_depth: 0,
            alias_nodes: 0,
        }
    }

    /// A walk for kustomize: `RNode.MarshalJSON` prints the node and decodes the text again.
    pub(crate) fn reprinted(doc: &'d Document) -> Self {
        Self {
            reprint: true,
            ..Self::new(doc, Schema::Kyaml)
        }
    }

    /// Whether the walk is in a flow collection that would be reprinted.
    #[inline]
    pub(crate) fn in_flow(&self) -> bool {
        self.flow_depth > 0
    }

    /// A scalar's text.
    #[inline]
    pub(crate) fn text_of(&self, node: Node) -> &'d str {
        if node.has(HEAP) || node.source() != 1 {
            return self.doc.text_of(node);
        }
        let start = node.a as usize;
        self.first.get(start..start + node.b as usize).unwrap_or("")
    }

    /// The text of a scalar that was read as a plain text, prints as it is and is a string.
    #[inline]
    pub(crate) fn plain_word(&self, node: Node) -> Option<&'d str> {
        if !node.has(SIMPLE) || node.has_any(TAGGED | STRING) {
            return None;
        }
        Some(self.text_of(node)).filter(|text| is_plain_word(text))
    }

    /// The text of a scalar that is a string for its quotes or because it was made one.
    #[inline]
    pub(crate) fn quoted(&self, node: Node) -> Option<&'d str> {
        let is_string = node.has(STRING)
            || matches!(
                node.style(),
                Style::SingleQuoted | Style::DoubleQuoted | Style::Literal
            );
        (is_string && node.kind() == Kind::Scalar && !node.has(TAGGED) && self.alias_depth == 0)
            .then(|| self.text_of(node))
    }

    fn error(&self, id: NodeId, message: impl Into<String>) -> Error {
        Error::new(message, self.doc.place(id))
    }

    /// The node that `id` stands for, and its content. Every `enter` needs a `leave`.
    #[inline]
    pub(crate) fn enter(&mut self, id: NodeId) -> Result<(NodeId, Node), Error> {
        let node = self.doc.node(id);
        if node.kind() == Kind::Scalar && self.alias_depth == 0 {
            return Ok((id, node));
        }
        self.enter_slowly(id, node)
    }

    fn enter_slowly(&mut self, id: NodeId, node: Node) -> Result<(NodeId, Node), Error> {
        let is_alias = node.kind() == Kind::Alias;
        if is_alias {
            self.alias_depth += 1;
        }
        if self.alias_depth > 0 {
            self.alias_nodes += 1;
            if self.alias_nodes > MAX_ALIAS_NODES {
                return Err(self.error(id, "aliases multiply beyond bounds"));
            }
        }
        self.depth += 1;
        let (id, node) = if is_alias {
            let target = self.doc.target(id);
            (target, self.doc.node(target))
        } else {
            (id, node)
        };
        if self.reprint && (self.flow_depth > 0 || node.style() == Style::Flow) {
            self.flow_depth += 1;
        }
        if self.depth > MAX_DEPTH {
            return Err(self.error(id, "collections are nested too deep"));
        }
        Ok((id, node))
    }

    #[inline]
    pub(crate) fn leave(&mut self, id: NodeId) {
        let kind = self.doc.node(id).kind();
        if kind == Kind::Scalar && self.alias_depth == 0 {
            return;
        }
        if kind == Kind::Alias {
            self.alias_depth = self.alias_depth.saturating_sub(1);
        }
        self.depth = self.depth.saturating_sub(1);
        self.flow_depth = self.flow_depth.saturating_sub(1);
    }

    /// The value of a scalar node.
    #[inline]
    pub(crate) fn scalar(&self, id: NodeId, node: Node) -> Result<Scalar<'d>, Error> {
        let text = self.text_of(node);
        if self.reprint
            && let Some(value) = self.changed_by_printing(id, node, text)
        {
            return Ok(value);
        }
        if node.has(TAGGED) {
            return self.tagged(id, text);
        }
        self.json(id, resolve_untagged(node, text, self.schema))
    }

    /// The value of a scalar that `yaml.v3` does not print faithfully: one that is plain and no string
    /// comes back a string where it must be quoted, and folded text may change its breaks.
    fn changed_by_printing(&self, id: NodeId, node: Node, text: &'d str) -> Option<Scalar<'d>> {
        match node.style() {
            Style::Plain if node.has(TAGGED) && self.doc.tag(id) != Some("!") => None,
            Style::Plain if self.flow_depth > 0 && (text.is_empty() || text.contains(':')) => {
                Some(Scalar::Str(Cow::Borrowed(text)))
            }
            Style::Folded if self.flow_depth == 0 && self.doc.str(id).is_some() => {
                reprinted(text).map(|text| Scalar::Str(Cow::Owned(text)))
            }
            _ => None,
        }
    }

    #[cold]
    fn tagged(&self, id: NodeId, text: &'d str) -> Result<Scalar<'d>, Error> {
        let tag = self.doc.tag(id).unwrap_or("");
        let quoted = self.doc.style(id) != Style::Plain;
        let value = if quoted && matches!(tag, "!" | "!!str") {
            Some(Resolved::Str(text))
        } else {
            resolve_tagged(self.schema, tag, text)
        };
        match value {
            Some(value) => self.json(id, value),
            None => Err(self
                .error(id, format!("the value does not fit its tag `{tag}`"))
                .with_help("remove the tag, or write a value of that type")),
        }
    }

    #[inline]
    fn json(&self, id: NodeId, value: Resolved<'d>) -> Result<Scalar<'d>, Error> {
        Ok(match value {
            Resolved::Null => Scalar::Null,
            Resolved::Bool(b) => Scalar::Bool(b),
            Resolved::Int(n) => Scalar::Int(n),
            Resolved::Uint(n) => Scalar::Uint(n),
            Resolved::Float(n) => Scalar::Float(n),
            // As a value `<<` is but a text.
            Resolved::Merge => Scalar::Str(Cow::Borrowed("<<")),
            // yaml.v3 makes a `time.Time` of a timestamp, goyaml.v2 keeps its text.
            Resolved::Timestamp(text) if self.schema == Schema::Kyaml => match rfc3339(text) {
                Some(text) => Scalar::Str(Cow::Owned(text)),
                None => {
                    return Err(self.error(id, "the time zone of the timestamp is out of range"));
                }
            },
            Resolved::Str(text) | Resolved::Timestamp(text) => Scalar::Str(Cow::Borrowed(text)),
            Resolved::Binary(text) if self.schema == Schema::Json => {
                Scalar::Str(Cow::Borrowed(text))
            }
            Resolved::Binary(text) => match base64(text) {
                Some(bytes) => {
                    Scalar::Str(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()))
                }
                None => return Err(self.error(id, "the `!!binary` value is not base64")),
            },
        })
    }

    /// The fields of a mapping, in order of the document, merge keys applied. `root`: the mapping is
    /// the one that kustomize decodes into `map[string]interface{}`.
    pub(crate) fn fields(
        &mut self,
        node: Node,
        root: bool,
        out: &mut Vec<Field<'d>>,
    ) -> Result<(), Error> {
        let base = out.len();
        let entries = self.doc.entry_slice(node);
        out.reserve(entries.len());
        let mut plain = true;
        let mut merge = None;
        for entry in entries {
            let key = self.doc.node(entry.key);
            if key.has(SIMPLE) && !key.has_any(TAGGED | STRING) {
                let text = self.text_of(key);
                if is_plain_word(text) {
                    out.push(Field {
                        key: Cow::Borrowed(text),
                        value: entry.value,
                        simple: true,
                    });
                    continue;
                }
            }
            let is_plain = key.kind() == Kind::Scalar && !key.has(TAGGED);
            let text = if is_plain { self.text_of(key) } else { "" };
            let is_quoted = key.has(STRING) || !matches!(key.style(), Style::Plain | Style::Folded);
            if is_plain && is_quoted {
                self.push(out, Cow::Borrowed(text), entry);
                continue;
            }
            let folded = self.reprint && key.style() == Style::Folded;
            match (is_plain && !folded).then(|| resolve_untagged(key, text, self.schema)) {
                Some(Resolved::Str(text)) => self.push(out, Cow::Borrowed(text), entry),
                Some(Resolved::Merge) if self.schema == Schema::Kyaml => merge = Some(entry.value),
                Some(Resolved::Merge) if self.schema == Schema::Sigs => {
                    self.merge_over(entry.value, base, out)?;
                    plain = false;
                }
                _ => {
                    plain = false;
                    if self.is_tagged_merge(entry.key) {
                        merge = Some(entry.value);
                    } else if let Some(text) = self.key(entry.key, root)? {
                        self.upsert(out, base, text, entry.value);
                    }
                }
            }
        }
        if let Some(merge) = merge {
            self.merge_under(merge, base, root, out)?;
        }
        if !plain {
            dedupe(out, base);
        }
        Ok(())
    }

    #[inline]
    #[expect(clippy::unused_self, reason = "names the lifetime of the key")]
    fn push(&self, out: &mut Vec<Field<'d>>, key: Cow<'d, str>, entry: &Entry) {
        out.push(Field {
            key,
            value: entry.value,
            simple: false,
        });
    }

    #[expect(clippy::unused_self, reason = "names the lifetime of the key")]
    fn upsert(&self, out: &mut Vec<Field<'d>>, base: usize, key: Cow<'d, str>, value: NodeId) {
        let fields = out.get_mut(base..).unwrap_or(&mut []);
        match fields.iter_mut().find(|field| field.key == key) {
            Some(field) => field.value = value,
            None => out.push(Field {
                key,
                value,
                simple: false,
            }),
        }
    }

    fn is_tagged_merge(&self, key: NodeId) -> bool {
        self.doc.text(key) == Some("<<") && self.doc.tag(key) == Some("!!merge")
    }

    /// A key that is not a plain string, as a string. `None`: the loader drops the entry.
    #[cold]
    fn key(&mut self, id: NodeId, root: bool) -> Result<Option<Cow<'d, str>>, Error> {
        let (target, node) = self.enter(id)?;
        let result = self.key_text(target, node, root);
        self.leave(id);
        result
    }

    fn key_text(&self, id: NodeId, node: Node, root: bool) -> Result<Option<Cow<'d, str>>, Error> {
        if node.kind() != Kind::Scalar {
            let error = self.error(id, "a collection cannot be a key here");
            let place = error.location();
            let at = place.span.start as usize;
            let around = place.source.text().get(at.saturating_sub(1)..at + 1);
            let help = if around == Some("{{") {
                "quote a value that begins with a template: \"{{ … }}\""
            } else {
                "JSON, and so Kubernetes, knows keys that are strings only"
            };
            return Err(error.with_help(help));
        }
        let value = self.scalar(id, node)?;
        let text = self.text_of(node);
        if self.schema == Schema::Kyaml {
            return match value {
                Scalar::Null if self.reprint && text.is_empty() => Ok(Some(Cow::Borrowed(text))),
                Scalar::Str(text) if self.doc.str(id).is_some() => Ok(Some(text)),
                Scalar::Null if root => Ok(None),
                _ if root => Ok(Some(Cow::Borrowed(text))),
                _ => Err(self
                    .error(id, format!("the key `{text}` is not a string"))
                    .with_help(format!("quote it: \"{text}\""))),
            };
        }
        let mut out = String::new();
        match value {
            Scalar::Str(text) => return Ok(Some(text)),
            Scalar::Bool(b) => out.push_str(if b { "true" } else { "false" }),
            Scalar::Int(n) => out.push_str(&n.to_string()),
            Scalar::Float(n) => float::yaml_key(n, &mut out),
            Scalar::Null | Scalar::Uint(_) => {
                return Err(self
                    .error(id, format!("the key `{text}` cannot be a string"))
                    .with_help(format!("quote it: \"{text}\"")));
            }
        }
        Ok(Some(Cow::Owned(out)))
    }

    /// `yaml.v3`: merged keys come after all explicit ones and never replace a key.
    fn merge_under(
        &mut self,
        id: NodeId,
        base: usize,
        root: bool,
        out: &mut Vec<Field<'d>>,
    ) -> Result<(), Error> {
        let (target, node) = self.enter(id)?;
        match node.kind() {
            Kind::Mapping => self.merge_map_under(node, base, root, out)?,
            Kind::Sequence if target == id => {
                for item in self.doc.items(id) {
                    let (target, node) = self.enter(item)?;
                    if node.kind() != Kind::Mapping {
                        return Err(self.merge_error(target));
                    }
                    self.merge_map_under(node, base, root, out)?;
                    self.leave(item);
                }
            }
            _ => return Err(self.merge_error(id)),
        }
        self.leave(id);
        Ok(())
    }

    fn merge_map_under(
        &mut self,
        node: Node,
        base: usize,
        root: bool,
        out: &mut Vec<Field<'d>>,
    ) -> Result<(), Error> {
        let mut merged = Vec::new();
        self.fields(node, root, &mut merged)?;
        for field in merged {
            let have = out.get(base..).unwrap_or(&[]);
            if !have.iter().any(|other| other.key == field.key) {
                out.push(field);
            }
        }
        Ok(())
    }

    /// `goyaml.v2`: merged keys are set where the merge key stands; what is set later wins.
    fn merge_over(
        &mut self,
        id: NodeId,
        base: usize,
        out: &mut Vec<Field<'d>>,
    ) -> Result<(), Error> {
        let (target, node) = self.enter(id)?;
        let maps: Vec<NodeId> = match node.kind() {
            Kind::Mapping => vec![id],
            Kind::Sequence if target == id => self.doc.items(id).rev().collect(),
            _ => return Err(self.merge_error(id)),
        };
        self.leave(id);
        for map in maps {
            let (target, node) = self.enter(map)?;
            if node.kind() != Kind::Mapping {
                return Err(self.merge_error(target));
            }
            let mut merged = Vec::new();
            self.fields(node, false, &mut merged)?;
            for field in merged {
                self.upsert(out, base, field.key, field.value);
            }
            self.leave(map);
        }
        Ok(())
    }

    fn merge_error(&self, id: NodeId) -> Error {
        self.error(
            id,
            "the merge key `<<` needs a mapping or a list of mappings",
        )
        .with_help("give it an alias of a mapping, as in `<<: *defaults`")
    }
}

/// What comes back of a folded text: the emitter's own fold may move its breaks.
#[cold]
fn reprinted(text: &str) -> Option<String> {
    let mut doc = Document::empty_mapping();
    let value = doc.new_scalar(text, Style::Folded, None);
    doc.set(doc.root(), "a", value);
    let mut out = String::new();
    crate::emit::kyaml(&doc, doc.root(), &mut out);
    let read = Document::parse_one(&Source::new("folded", out)).ok()?;
    let value = read.get(read.root(), "a")?;
    read.text(value).map(str::to_owned)
}

/// Keeps the last value of equal keys, in the place of the first.
fn dedupe(fields: &mut Vec<Field<'_>>, base: usize) {
    let mut at = base + 1;
    while at < fields.len() {
        let (before, after) = fields.split_at_mut(at);
        let Some(field) = after.first() else {
            return;
        };
        let found = before
            .iter_mut()
            .skip(base)
            .find(|other| other.key == field.key);
        if let Some(first) = found {
            first.value = field.value;
            fields.remove(at);
        } else {
            at += 1;
        }
    }
}

/// Standard base64 with padding, as Go's `StdEncoding`: line breaks are passed over.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b'\n' | b'\r'))
        .collect();
    if !digits.len().is_multiple_of(4) {
        return None;
    }
    let body = digits
        .strip_suffix(b"==")
        .or_else(|| digits.strip_suffix(b"="))
        .unwrap_or(&digits);
    let mut out = Vec::with_capacity(body.len());
    let mut buffer = 0_u32;
    let mut bits = 0;
    for &digit in body {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        buffer = (buffer << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from((buffer >> bits) & 0xFF).unwrap_or(0));
        }
    }
    Some(out)
}
