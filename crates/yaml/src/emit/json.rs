//! Prints a value as compact JSON, as Go's `encoding/json` does.

use std::fmt::Write as _;

use super::{JsonOptions, float};
use crate::document::Document;
use crate::error::Error;
use crate::node::{Kind, Node, NodeId};
use crate::resolve::Schema;
use crate::value::{Field, Scalar, Walk};

pub(super) fn print(
    doc: &Document,
    id: NodeId,
    schema: Schema,
    options: JsonOptions,
    out: &mut String,
) -> Result<(), Error> {
    if id == doc.root {
        doc.preload();
    }
    let start = out.len();
    let mut printer = Printer {
        walk: Walk::new(doc, schema),
        options,
        fields: Vec::new(),
        out,
    };
    let result = printer.node(id, false);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

pub(super) fn check(doc: &Document, id: NodeId, schema: Schema) -> Result<(), Error> {
    if id == doc.root {
        doc.preload();
    }
    let mut checker = Checker {
        walk: Walk::new(doc, schema),
        fields: Vec::new(),
    };
    checker.node(id)
}

/// A printer that prints nothing: most scalars and mappings cannot be wrong and are passed over.
struct Checker<'d> {
    walk: Walk<'d>,
    fields: Vec<Field<'d>>,
}

impl Checker<'_> {
    fn node(&mut self, id: NodeId) -> Result<(), Error> {
        let doc = self.walk.doc;
        let node = doc.node(id);
        if self.walk.plain_word(node).is_some() || self.walk.quoted(node).is_some() {
            return Ok(());
        }
        let (target, node) = self.walk.enter(id)?;
        match node.kind() {
            Kind::Scalar => match self.walk.scalar(target, node)? {
                Scalar::Float(n) if !n.is_finite() => return Err(not_json(doc, target)),
                _ => {}
            },
            Kind::Sequence => {
                for &item in doc.item_slice(node) {
                    self.node(item)?;
                }
            }
            Kind::Mapping => self.mapping(node)?,
            Kind::Alias => {}
        }
        self.walk.leave(id);
        Ok(())
    }

    fn mapping(&mut self, node: Node) -> Result<(), Error> {
        let doc = self.walk.doc;
        let entries = doc.entry_slice(node);
        if entries
            .iter()
            .all(|entry| self.walk.plain_word(doc.node(entry.key)).is_some())
        {
            return entries.iter().try_for_each(|entry| self.node(entry.value));
        }
        let base = self.fields.len();
        self.walk.fields(node, false, &mut self.fields)?;
        for at in base..self.fields.len() {
            if let Some(value) = self.fields.get(at).map(|field| field.value) {
                self.node(value)?;
            }
        }
        self.fields.truncate(base);
        Ok(())
    }
}

#[cold]
fn not_json(doc: &Document, id: NodeId) -> Error {
    let message = "infinities and not-a-number cannot be JSON";
    Error::new(message, doc.place(id))
}

struct Printer<'d, 'o> {
    walk: Walk<'d>,
    options: JsonOptions,
    fields: Vec<Field<'d>>,
    out: &'o mut String,
}

impl Printer<'_, '_> {
    fn node(&mut self, id: NodeId, root: bool) -> Result<(), Error> {
        let (target, node) = self.walk.enter(id)?;
        match node.kind() {
            Kind::Scalar => {
                let scalar = self.walk.scalar(target, node)?;
                self.scalar(target, &scalar)?;
            }
            Kind::Sequence => {
                self.out.push('[');
                let doc = self.walk.doc;
                for (at, &item) in doc.item_slice(node).iter().enumerate() {
                    if at > 0 {
                        self.out.push(',');
                    }
                    self.node(item, false)?;
                }
                self.out.push(']');
            }
            Kind::Mapping => {
                let base = self.fields.len();
                self.walk.fields(node, root, &mut self.fields)?;
                self.mapping(base)?;
            }
            Kind::Alias => {}
        }
        self.walk.leave(id);
        Ok(())
    }

    fn mapping(&mut self, base: usize) -> Result<(), Error> {
        if self.options.sort_keys
            && let Some(fields) = self.fields.get_mut(base..)
        {
            fields.sort_by(|a, b| a.key.cmp(&b.key));
        }
        self.out.push('{');
        for at in base..self.fields.len() {
            let Some(field) = self.fields.get_mut(at) else {
                break;
            };
            let value = field.value;
            let key = std::mem::take(&mut field.key);
            if at > base {
                self.out.push(',');
            }
            self.string(&key);
            self.out.push(':');
            self.node(value, false)?;
        }
        self.out.push('}');
        self.fields.truncate(base);
        Ok(())
    }

    fn scalar(&mut self, id: NodeId, scalar: &Scalar<'_>) -> Result<(), Error> {
        // Writing to a string cannot fail.
        let _ = match scalar {
            Scalar::Null => self.out.write_str("null"),
            Scalar::Bool(b) => write!(self.out, "{b}"),
            Scalar::Int(n) => write!(self.out, "{n}"),
            Scalar::Uint(n) => write!(self.out, "{n}"),
            Scalar::Float(n) => {
                return float::json(*n, self.out).ok_or_else(|| not_json(self.walk.doc, id));
            }
            Scalar::Str(text) => {
                self.string(text);
                Ok(())
            }
        };
        Ok(())
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        let html = self.options.escape_html;
        let special = |b: u8| {
            matches!(b, b'"' | b'\\' | 0..=0x1F | 0xE2) || (html && matches!(b, b'<' | b'>' | b'&'))
        };
        let mut rest = text;
        while let Some(at) = rest.bytes().position(special) {
            let (before, after) = rest.split_at(at);
            self.out.push_str(before);
            let c = after.chars().next().unwrap_or(' ');
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{C}' => self.out.push_str("\\f"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                // Other characters that begin with the byte of U+2028 and U+2029.
                '\u{80}'.. if !matches!(c, '\u{2028}' | '\u{2029}') => self.out.push(c),
                _ => {
                    // Writing to a string cannot fail.
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
            }
            rest = after.get(c.len_utf8()..).unwrap_or("");
        }
        self.out.push_str(rest);
        self.out.push('"');
    }
}
