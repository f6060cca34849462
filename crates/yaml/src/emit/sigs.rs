//! Prints a value as `sigs.k8s.io/yaml` does: through JSON to `goyaml.v2`'s encoder.
//!
//! Keys are sorted, styles and comments are those of the encoder alone, long lines fold at 80.
//! Mirrors `encode.go` and `emitterc.go` of `go.yaml.in/yaml/v2` 2.4.4.

use super::analyse::{Dialect, analyse, is_ascii_line, may_be_block};
use super::writer::{Place, Writer};
use super::{float, order};
use crate::document::Document;
use crate::error::Error;
use crate::node::{Entry, Kind, Node, NodeId, SIMPLE, STRING, Style, TAGGED};
use crate::resolve::{Number, Resolved, Schema, is_base60, is_plain_word, number, resolve_plain};
use crate::value::{Field, Scalar, Walk};

/// Prints the node that a walk sees. A resource of kustomize is decoded into a map.
pub(super) fn print(
    doc: &Document,
    id: NodeId,
    walk: Walk<'_>,
    resource: bool,
    out: &mut String,
) -> Result<(), Error> {
    if resource && doc.kind(doc.target(id)) == Kind::Scalar {
        if !doc.is_null(doc.target(id)) {
            return Err(Error::new("a resource must be a mapping", doc.place(id)));
        }
        let mut written = String::new();
        super::kyaml(doc, id, &mut written);
        out.push_str(if written.trim().is_empty() {
            "{}\n"
        } else {
            "null\n"
        });
        return Ok(());
    }
    if id == doc.root {
        doc.preload();
    }
    let start = out.len();
    let mut printer = Printer {
        walk,
        w: Writer::new(out, Dialect::V2),
        fields: Vec::new(),
        number: String::new(),
    };
    let result = printer.node(id, Place::Root, resource);
    printer.w.indent = -1;
    printer.w.write_indent();
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// The most entries that are sorted without an allocation.
const MOST_SORTED: usize = 24;
/// The longest key that is printed without `? `.
const LONGEST_KEY: usize = 128;

/// Whether entries whose keys are all plain texts that print as they are lie in order; none where a
/// key is anything else.
fn are_sorted(walk: &Walk<'_>, entries: &[Entry]) -> Option<bool> {
    let mut before: Option<&str> = None;
    let mut sorted = true;
    for entry in entries {
        let key = walk.plain_word(walk.doc.node(entry.key))?;
        if key.len() > LONGEST_KEY {
            return None;
        }
        sorted = sorted && before.is_none_or(|before| order::compare(before, key).is_le());
        before = Some(key);
    }
    before.map(|_| sorted)
}

/// The entries in order; none where there are too many.
fn sorted_few(walk: &Walk<'_>, entries: &[Entry]) -> Option<[Entry; MOST_SORTED]> {
    let mut places = [*entries.first()?; MOST_SORTED];
    let slots = places.get_mut(..entries.len())?;
    slots.copy_from_slice(entries);
    let text = |entry: &Entry| walk.text_of(walk.doc.node(entry.key));
    sort_few(slots, |a, b| order::compare(text(a), text(b)).is_gt());
    Some(places)
}

/// Sorts by insertion: stable, and as content with an order that is not transitive as with any.
fn sort_few<T: Copy>(items: &mut [T], after: impl Fn(&T, &T) -> bool) {
    for end in 1..items.len() {
        let (done, rest) = items.split_at(end);
        let Some(new) = rest.first().copied() else {
            return;
        };
        let stays = done.iter().rposition(|item| !after(item, &new));
        let at = stays.map_or(0, |stays| stays + 1);
        if let Some(range) = items.get_mut(at..=end) {
            range.rotate_right(1);
        }
    }
}

/// Whether a plain text is a boolean or a whole number just as both are printed.
#[inline]
fn is_canonical(text: &str) -> bool {
    match text.as_bytes() {
        [b'0'] | b"true" | b"false" => true,
        [b'1'..=b'9', rest @ ..] => rest.len() < 18 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

struct Printer<'d, 'o> {
    walk: Walk<'d>,
    w: Writer<'o>,
    /// Fields of the mappings that are being printed.
    fields: Vec<Field<'d>>,
    number: String,
}

impl Printer<'_, '_> {
    fn node(&mut self, id: NodeId, place: Place, root: bool) -> Result<(), Error> {
        let node = self.walk.doc.node(id);
        if self.simple_scalar(node) {
            return Ok(());
        }
        if let Some(text) = self.walk.quoted(node) {
            return self.string(text, place, id);
        }
        let (target, node) = self.walk.enter(id)?;
        match node.kind() {
            Kind::Scalar => self.scalar(target, node, place)?,
            Kind::Sequence => self.sequence(node, place)?,
            Kind::Mapping => self.mapping(node, root)?,
            Kind::Alias => {}
        }
        self.walk.leave(id);
        Ok(())
    }

    fn sequence(&mut self, node: Node, place: Place) -> Result<(), Error> {
        let doc = self.walk.doc;
        let items = doc.item_slice(node);
        if items.is_empty() {
            self.w.indicator("[", true, true, false);
            self.w.indicator("]", false, false, false);
            return Ok(());
        }
        let outer = self
            .w
            .enter(false, place == Place::Mapping && !self.w.indention);
        for &item in items {
            self.w.write_indent();
            self.w.indicator("-", true, false, true);
            self.node(item, Place::Item, false)?;
        }
        self.w.indent = outer;
        Ok(())
    }

    fn mapping(&mut self, node: Node, root: bool) -> Result<(), Error> {
        let doc = self.walk.doc;
        let entries = doc.entry_slice(node);
        match are_sorted(&self.walk, entries) {
            Some(true) => return self.entries(entries),
            Some(false) => {
                if let Some(sorted) = sorted_few(&self.walk, entries) {
                    return self.entries(sorted.get(..entries.len()).unwrap_or(entries));
                }
            }
            None => {}
        }
        let base = self.fields.len();
        self.walk.fields(node, root, &mut self.fields)?;
        let fields = self.fields.get_mut(base..).unwrap_or(&mut []);
        if fields.is_empty() {
            self.w.indicator("{", true, true, false);
            self.w.indicator("}", false, false, false);
            return Ok(());
        }
        if !fields.is_sorted_by(|a, b| order::compare(&a.key, &b.key).is_le()) {
            sort(fields);
        }
        let end = self.fields.len();
        let outer = self.w.enter(false, false);
        for at in base..end {
            let Some(field) = self.fields.get_mut(at) else {
                break;
            };
            let (value, field_is_simple) = (field.value, field.simple);
            let key = std::mem::take(&mut field.key);
            self.w.write_indent();
            if field_is_simple && key.len() <= LONGEST_KEY {
                self.w.key(&key);
            } else {
                self.key(&key, value)?;
            }
            self.node(value, Place::Mapping, false)?;
        }
        self.fields.truncate(base);
        self.w.indent = outer;
        Ok(())
    }

    /// The entries of a mapping whose keys are plain words, in the order of the slice.
    fn entries(&mut self, entries: &[Entry]) -> Result<(), Error> {
        let doc = self.walk.doc;
        let outer = self.w.enter(false, false);
        for entry in entries {
            self.w.write_indent();
            self.w.key(self.walk.text_of(doc.node(entry.key)));
            self.node(entry.value, Place::Mapping, false)?;
        }
        self.w.indent = outer;
        Ok(())
    }

    fn key(&mut self, key: &str, value: NodeId) -> Result<(), Error> {
        if key.contains('\u{85}') {
            let message = "a key with the character U+0085 cannot be printed";
            return Err(Error::new(message, self.walk.doc.place(value)));
        }
        let simple = key.len() <= LONGEST_KEY
            && (is_ascii_line(key) || !analyse(key, Dialect::V2).multiline);
        if simple {
            self.string(key, Place::SimpleKey, value)?;
            self.w.indicator(":", false, false, false);
        } else {
            self.w.indicator("?", true, false, true);
            self.string(key, Place::Mapping, value)?;
            self.w.write_indent();
            self.w.indicator(":", true, false, true);
        }
        Ok(())
    }

    /// The usual scalar: a plain text that is a string, a boolean or a whole number and prints as it is.
    /// False if it is not one.
    #[inline]
    fn simple_scalar(&mut self, node: Node) -> bool {
        if !node.has(SIMPLE) || node.has_any(TAGGED | STRING) {
            return false;
        }
        let text = self.walk.text_of(node);
        let as_is = if is_plain_word(text) {
            !self.w.may_fold(text, true)
        } else {
            // One that was given quotes is a string.
            node.style() == Style::Plain && is_canonical(text)
        };
        if !as_is || self.walk.in_flow() {
            return false;
        }
        self.w.plain_line(text);
        true
    }

    fn scalar(&mut self, id: NodeId, node: Node, place: Place) -> Result<(), Error> {
        match self.walk.scalar(id, node)? {
            Scalar::Null => self.w.plain_line("null"),
            Scalar::Bool(true) => self.w.plain_line("true"),
            Scalar::Bool(false) => self.w.plain_line("false"),
            Scalar::Int(n) => self.int(n),
            Scalar::Uint(n) => {
                let text = n.to_string();
                self.w.plain_line(&text);
            }
            Scalar::Float(n) => self.float(id, n)?,
            Scalar::Str(text) => self.string(&text, place, id)?,
        }
        Ok(())
    }

    fn int(&mut self, n: i64) {
        use std::fmt::Write as _;
        self.number.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.number, "{n}");
        self.w.plain_line(&self.number);
    }

    /// JSON has one kind of number: a whole float within its fixed notation comes back an integer.
    fn float(&mut self, id: NodeId, n: f64) -> Result<(), Error> {
        self.number.clear();
        if float::json(n, &mut self.number).is_none() {
            let message = "infinities and not-a-number cannot be JSON, and so not YAML through it";
            return Err(Error::new(message, self.walk.doc.place(id)));
        }
        match number(Schema::Sigs, &self.number) {
            Some(Number::Int(n)) => self.int(n),
            Some(Number::Uint(_)) | None => self.w.plain_line(&self.number),
            Some(Number::Float(n)) => {
                self.number.clear();
                float::yaml(n, &mut self.number);
                self.w.plain_line(&self.number);
            }
        }
        Ok(())
    }

    /// `stringv` of the encoder.
    #[inline]
    fn string(&mut self, text: &str, place: Place, id: NodeId) -> Result<(), Error> {
        if is_ascii_line(text) {
            self.ascii_line(text, place);
            return Ok(());
        }
        if text.contains('\u{85}') {
            let folded = fold_next_lines(text);
            return self.string(&folded, place, id);
        }
        if place != Place::SimpleKey && text.contains('\n') && may_be_block(text, Dialect::V2) {
            self.w.scalar(text, Style::Literal, place, "");
            return Ok(());
        }
        let style = if text.contains('\n') {
            Style::Literal
        } else if matches!(
            resolve_plain(Schema::Sigs, text),
            Resolved::Str(_) | Resolved::Merge
        ) && !is_base60(text)
        {
            Style::Plain
        } else {
            Style::DoubleQuoted
        };
        let allowed = analyse(text, Dialect::V2);
        if !allowed.block && text.contains(is_forbidden) {
            let message = "control characters are not allowed";
            return Err(Error::new(message, self.walk.doc.place(id)));
        }
        let style = self.w.choose(style, text.is_empty(), allowed, place);
        self.w.scalar(text, style, place, "");
        Ok(())
    }
}

impl Printer<'_, '_> {
    /// A string of printable ASCII: single quotes may hold it where it cannot be plain.
    fn ascii_line(&mut self, text: &str, place: Place) {
        let style = if is_canonical(text)
            || !matches!(
                resolve_plain(Schema::Sigs, text),
                Resolved::Str(_) | Resolved::Merge
            )
            || is_base60(text)
        {
            Style::DoubleQuoted
        } else if analyse(text, Dialect::V2).block_plain {
            Style::Plain
        } else {
            Style::SingleQuoted
        };
        self.w.scalar(text, style, place, "");
    }
}

/// JSON prints U+0085 as it is, and the loader behind `JSONToYAML` takes it for a line break to fold.
#[cold]
fn fold_next_lines(text: &str) -> String {
    let mut out = String::new();
    let mut breaks = 0;
    for (at, line) in text.split('\u{85}').enumerate() {
        let last = text.split('\u{85}').count() - 1 == at;
        let line = if at > 0 {
            line.trim_start_matches(' ')
        } else {
            line
        };
        let line = if last {
            line
        } else {
            line.trim_end_matches(' ')
        };
        if at > 0 {
            breaks += 1;
        }
        if line.is_empty() && !last {
            continue;
        }
        match breaks {
            0 => {}
            1 => out.push(' '),
            _ => (1..breaks).for_each(|_| out.push('\n')),
        }
        breaks = 0;
        out.push_str(line);
    }
    out
}

/// Characters that JSON prints as they are and the reader behind `JSONToYAML` refuses.
fn is_forbidden(c: char) -> bool {
    matches!(c, '\u{7F}'..='\u{84}' | '\u{86}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Go's order of keys is not transitive for odd keys, where the standard library's sort of more than
/// twenty elements may panic: a plain merge sort takes any order.
fn sort(fields: &mut [Field<'_>]) {
    if fields.len() <= 20 {
        fields.sort_by(|a, b| order::compare(&a.key, &b.key));
        return;
    }
    let (left, right) = fields.split_at_mut(fields.len() / 2);
    sort(left);
    sort(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let from = if order::compare(&a.key, &b.key).is_le() {
            &mut left
        } else {
            &mut right
        };
        merged.extend(from.next().cloned());
    }
    merged.extend(left.chain(right).cloned());
    fields.clone_from_slice(&merged);
}
