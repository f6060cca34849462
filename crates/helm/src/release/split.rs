//! A rendered template into documents, and what Helm reads of each.

use std::{collections::BTreeMap, ops::Range};

use trueup_yaml::{Document, Kind, NodeId, Resolved, Schema, Source};

use crate::{error::Error, values::check_keys, yaml};

/// The documents of a text, as Helm finds them: at `---` at the start of a line, wherever that is; without
/// the white space around them, empty ones left out.
pub fn split(text: &str) -> Vec<&str> {
    let text = go_trim(text);
    let mut documents = Vec::new();
    let mut rest = text;
    let mut from = 0;
    // The pattern of Helm: `(?:^|\s*\n)---\s*`.
    while let Some(at) = find_separator(rest, from) {
        documents.push(go_trim(rest.get(..at).unwrap_or_default()));
        let after = rest.get(at..).unwrap_or_default();
        let after = after.trim_start_matches(is_regex_space);
        rest = after
            .strip_prefix("---")
            .unwrap_or(after)
            .trim_start_matches(is_regex_space);
        // What follows is no longer the start of the text: `^` cannot match again.
        from = 1;
    }
    documents.push(go_trim(rest));
    documents.retain(|document| !document.is_empty());
    documents
}

/// The ranges of a text that lie in a part of it, from the part's beginning.
pub(super) fn within(text: &str, part: &str, ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    if ranges.is_empty() {
        return Vec::new();
    }
    let from = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let to = from + part.len();
    ranges
        .iter()
        .filter(|range| range.start < to && range.end > from)
        .map(|range| range.start.max(from) - from..range.end.min(to) - from)
        .collect()
}

/// Where the next separator begins, its leading white space included.
fn find_separator(text: &str, from: usize) -> Option<usize> {
    if from == 0 && text.starts_with("---") {
        return Some(0);
    }
    let at = memfind(text, "\n---")?;
    let before = text.get(..at).unwrap_or_default();
    Some(before.trim_end_matches(is_regex_space).len())
}

fn memfind(text: &str, what: &str) -> Option<usize> {
    memchr::memmem::find(text.as_bytes(), what.as_bytes())
}

/// `\s` of Go's regular expressions.
fn is_regex_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0c' | '\r')
}

/// `strings.TrimSpace`.
fn go_trim(text: &str) -> &str {
    text.trim_matches(is_go_space)
}

/// The same at the end alone.
pub(super) fn go_trim_end(text: &str) -> &str {
    text.trim_end_matches(is_go_space)
}

fn is_go_space(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n' | '\x0b' | '\x0c' | '\r' | ' ' | '\u{85}' | '\u{a0}'
    ) || c.is_whitespace()
}

/// The template that a printed document names, without the chart.
pub(super) fn source(document: &str) -> Option<&str> {
    let (_, rest) = document.split_once("# Source: ")?;
    let line = rest.lines().next()?;
    let (_, path) = line.split_once('/')?;
    Some(path).filter(|path| !path.is_empty())
}

/// What Helm reads of a document.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) annotations: BTreeMap<String, String>,
}

impl Head {
    pub(super) fn read(path: &str, text: &str) -> Result<Self, Error> {
        let read = yaml::parse(&Source::new(path, text)).and_then(|doc| {
            // Only a bracket or a `?` makes a key that is a collection, and `<<` one that needs a mapping.
            let bytes = text.as_bytes();
            if memchr::memchr3(b'{', b'[', b'?', bytes).is_some()
                || memchr::memmem::find(bytes, b"<<").is_some()
            {
                check_keys(&doc, doc.root())?;
            }
            Ok(doc)
        });
        let doc = read.map_err(|error| {
            error
                .wrap(&format!("YAML parse error on {path}"))
                .help("the template printed this; `trueup helm template --debug` shows all of it")
        })?;
        let reader = Reader { doc: &doc, path };
        let root = doc.root();
        if doc.is_null(root) {
            return Ok(Self::default());
        }
        if doc.kind(root) != Kind::Mapping {
            return Err(reader.wrong(root, None, "releaseutil.SimpleHead"));
        }
        let mut head = Self {
            api_version: reader.text(root, "apiVersion", "apiVersion")?,
            kind: reader.text(root, "kind", "kind")?,
            ..Self::default()
        };
        let Some(metadata) = doc.get(root, "metadata").filter(|id| !doc.is_null(*id)) else {
            return Ok(head);
        };
        if doc.kind(metadata) != Kind::Mapping {
            return Err(reader.wrong(
                metadata,
                Some("metadata"),
                "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \
                 \"json:\\\"annotations\\\"\" }",
            ));
        }
        head.name = reader.text(metadata, "name", "metadata.name")?;
        let annotations = doc
            .get(metadata, "annotations")
            .filter(|id| !doc.is_null(*id));
        if let Some(annotations) = annotations {
            if doc.kind(annotations) != Kind::Mapping {
                return Err(reader.wrong(
                    annotations,
                    Some("metadata.annotations"),
                    "map[string]string",
                ));
            }
            for (key, value) in doc.entries(annotations) {
                if doc.kind(value) != Kind::Scalar {
                    return Err(reader.wrong(value, Some("metadata.annotations"), "string"));
                }
                let text = if doc.is_null(value) {
                    String::new()
                } else {
                    yaml::text(&doc, value)
                };
                head.annotations.insert(yaml::text(&doc, key), text);
            }
        }
        Ok(head)
    }
}

struct Reader<'d> {
    doc: &'d Document,
    path: &'d str,
}

impl Reader<'_> {
    fn text(&self, map: NodeId, key: &str, path: &str) -> Result<String, Error> {
        match self.doc.get(map, key) {
            Some(node) if self.doc.kind(node) != Kind::Scalar => {
                Err(self.wrong(node, Some(path), "string"))
            }
            Some(node) if !self.doc.is_null(node) => Ok(yaml::text(self.doc, node)),
            _ => Ok(String::new()),
        }
    }

    /// The message of Go's JSON decoder.
    fn wrong(&self, node: NodeId, field: Option<&str>, wanted: &str) -> Error {
        let found = match self.doc.kind(node) {
            Kind::Mapping => "object",
            Kind::Sequence => "array",
            _ => match self.doc.resolve(node, Schema::Sigs) {
                Resolved::Bool(_) => "bool",
                Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_) => "number",
                _ => "string",
            },
        };
        let place = match field {
            // Go names the struct that has the field, and that of the metadata has no name.
            Some(field) if field.contains('.') => format!("struct field .{field}"),
            Some(field) => format!("struct field SimpleHead.{field}"),
            None => "value".to_owned(),
        };
        let text = format!(
            "YAML parse error on {}: error unmarshaling JSON: while decoding JSON: json: cannot \
             unmarshal {found} into Go {place} of type {wanted}",
            self.path
        );
        let what = field.unwrap_or("the document");
        let finding = trueup_manifest::Diagnostic::error(
            "helm/no-object",
            format!(
                "`{}` printed no object: {what} is not as Kubernetes needs it",
                self.path
            ),
        )
        .at(self.doc.location(node))
        .help("see what the template prints for these values, and correct them or the template");
        Error::found(text, finding)
    }
}
