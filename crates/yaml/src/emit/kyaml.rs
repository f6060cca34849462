//! Prints a document as kyaml's encoder does: `yaml.v3` with two spaces and compact sequences.
//!
//! Mirrors `(*encoder).node` of `go.yaml.in/yaml/v3` 3.0.5 and the states of its emitter: keys keep
//! their order, scalars their style where the text allows it, and comments their places.

use super::analyse::{Dialect, analyse, is_ascii_line, may_be_block};
use super::writer::{Place, Writer};
use crate::comments::Comments;
use crate::document::Document;
use crate::node::{ANCHORED, EXPLICIT_TAG, Kind, Node, NodeId, SIMPLE, STRING, Style, TAGGED};
use crate::resolve::{Resolved, Schema, resolve_plain};

pub(super) fn print(doc: &Document, id: NodeId, out: &mut String) {
    if id == doc.root {
        doc.preload();
    }
    let mut printer = Printer {
        doc,
        w: Writer::new(out, Dialect::V3),
        has_comments: !doc.extras.comments.is_empty() || !doc.extras.document.is_empty(),
        pending: Pending::default(),
    };
    printer.document(id);
}

/// Comments that wait for the place where they are printed.
#[derive(Default)]
struct Pending<'d> {
    head: &'d str,
    line: &'d str,
    foot: &'d str,
    /// The foot of the key before, printed after its value.
    tail: &'d str,
    /// The line comment of a key whose value is on the next lines.
    key_line: &'d str,
}

struct Printer<'d, 'o> {
    doc: &'d Document,
    w: Writer<'o>,
    has_comments: bool,
    pending: Pending<'d>,
}

/// What comes after a node, before the children of a collection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Nothing,
    Comments,
    /// In a flow collection the comma goes before the comments.
    CommaAndComments,
}

impl<'d> Printer<'d, '_> {
    fn document(&mut self, id: NodeId) {
        let whole = if id == self.doc.root && self.has_comments {
            Some(&self.doc.extras.document)
        } else {
            None
        };
        if let Some(comments) = whole.filter(|comments| !comments.head.is_empty()) {
            self.pending.head = &comments.head;
            self.head();
            self.w.put_break();
        }
        self.load(id, Part::Start, "");
        self.head();
        self.node(id, Place::Root, After::Comments);
        if let Some(comments) = whole
            && !comments.foot.is_empty()
        {
            self.pending.foot = &comments.foot;
        }
        self.w.foot_indent = 0;
        self.foot();
        self.w.foot_indent = -1;
        self.w.indent = -1;
        self.w.write_indent();
    }

    fn node(&mut self, id: NodeId, place: Place, after: After) {
        let node = self.doc.node(id);
        if node.kind() == Kind::Scalar {
            self.scalar(id, node, place);
            self.after(after);
            return;
        }
        if node.has(ANCHORED)
            && let Some(name) = self.doc.anchor(id)
        {
            let sign = if node.kind() == Kind::Alias { "*" } else { "&" };
            self.w.indicator(sign, true, false, false);
            self.w.out.push_str(name);
            self.w.indention = false;
        }
        if node.has(TAGGED)
            && let Some(tag) = self.collection_tag(id, node)
        {
            self.w.tag(tag);
        }
        self.after(after);
        let flow = self.w.flow_level > 0 || node.style() == Style::Flow || node.b == 0;
        match node.kind() {
            Kind::Sequence if flow => self.flow_sequence(id),
            Kind::Sequence => self.block_sequence(id, place),
            Kind::Mapping if flow => self.flow_mapping(id),
            Kind::Mapping => self.block_mapping(id),
            Kind::Scalar | Kind::Alias => {}
        }
    }

    fn after(&mut self, after: After) {
        if !self.has_comments || after == After::Nothing {
            return;
        }
        if after == After::CommaAndComments && self.pending.any_after() {
            self.w.indicator(",", false, false, false);
        }
        self.line();
        self.foot();
    }

    fn collection_tag(&self, id: NodeId, node: Node) -> Option<&'d str> {
        let implied = match node.kind() {
            Kind::Mapping => "!!map",
            Kind::Sequence => "!!seq",
            _ => "",
        };
        self.doc
            .tag(id)
            .filter(|tag| *tag != "!" && (node.has(EXPLICIT_TAG) || *tag != implied))
    }

    fn scalar(&mut self, id: NodeId, node: Node, place: Place) {
        let text = self.doc.text_of(node);
        if self.is_simple(node) && self.w.flow_level == 0 && text != "<<" {
            self.w.plain_line(text);
            return;
        }
        let (tag, force_quotes) = self.scalar_tag(id, node, text);
        let style = match node.style() {
            Style::Plain if text.contains('\n') => Style::Literal,
            Style::Plain if force_quotes => Style::DoubleQuoted,
            style => style,
        };
        let fits = match style {
            Style::DoubleQuoted => true,
            Style::SingleQuoted => is_ascii_line(text),
            Style::Literal | Style::Folded => {
                self.w.flow_level == 0
                    && place != Place::SimpleKey
                    && may_be_block(text, Dialect::V3)
            }
            _ => false,
        };
        let style = if fits {
            style
        } else {
            let allowed = analyse(text, Dialect::V3);
            self.w.choose(style, text.is_empty(), allowed, place)
        };
        if node.has(ANCHORED)
            && let Some(name) = self.doc.anchor(id)
        {
            self.w.indicator("&", true, false, false);
            self.w.out.push_str(name);
            self.w.indention = false;
        }
        if let Some(tag) = tag {
            self.w.tag(tag);
        }
        if self.w.scalar(text, style, place, self.pending.line) {
            self.pending.line = "";
        }
    }

    /// Whether a plain text can be printed in block context with no look at it.
    #[inline]
    #[expect(clippy::unused_self, reason = "reads as a question about the node")]
    fn is_simple(&self, node: Node) -> bool {
        node.has(SIMPLE) && !node.has_any(STRING | ANCHORED | TAGGED)
    }

    /// The tag to print, and whether quotes must say that the text is a string.
    fn scalar_tag(&self, id: NodeId, node: Node, text: &str) -> (Option<&'d str>, bool) {
        let plain = node.style() == Style::Plain;
        // The encoder's own resolution does not know `<<`.
        let implied = |text| match resolve_plain(Schema::Kyaml, text) {
            Resolved::Merge => "!!str",
            value => value.tag(),
        };
        // `yaml.v3` does not heed the non-specific tag.
        if node.has(TAGGED)
            && let Some(tag) = self.doc.tag(id).filter(|tag| *tag != "!")
        {
            let tag = Some(tag);
            if node.has(EXPLICIT_TAG) {
                return (tag, false);
            }
            return (tag.filter(|tag| *tag != implied(text)), false);
        }
        if !plain {
            return (None, false);
        }
        if node.has(STRING) {
            return (None, implied(text) != "!!str");
        }
        ((text == "<<").then_some("!!merge"), false)
    }

    fn block_sequence(&mut self, id: NodeId, place: Place) {
        let compact = place == Place::Mapping && (self.w.at_line_start() || !self.w.indention);
        let outer = self.w.enter(false, compact);
        for item in self.doc.items(id) {
            self.load(item, Part::Start, "");
            self.head();
            self.w.write_indent();
            self.w.indicator("-", true, false, true);
            self.node(item, Place::Item, After::Comments);
        }
        self.load(id, Part::End, "");
        self.w.indent = outer;
    }

    fn block_mapping(&mut self, id: NodeId) {
        let outer = self.w.enter(false, false);
        let mut tail = "";
        for (key, value) in self.doc.entries(id) {
            self.load(key, Part::Key, tail);
            tail = self.foot_of(key);
            self.head();
            self.w.write_indent();
            if !self.pending.line.is_empty() {
                self.pending.key_line = std::mem::take(&mut self.pending.line);
            }
            if self.is_simple_key(key) {
                self.node(key, Place::SimpleKey, After::Nothing);
                self.w.indicator(":", false, false, false);
            } else {
                self.w.indicator("?", true, false, true);
                self.node(key, Place::Mapping, After::Nothing);
                self.w.write_indent();
                self.w.indicator(":", true, false, true);
            }
            self.load(value, Part::Start, "");
            self.key_line(value);
            self.node(value, Place::Mapping, After::Comments);
        }
        self.load(id, Part::End, tail);
        self.head();
        self.w.indent = outer;
    }

    /// The line comment of a key goes to a scalar value, or before an indented block.
    fn key_line(&mut self, value: NodeId) {
        if self.pending.key_line.is_empty() {
            return;
        }
        match self.doc.kind(value) {
            Kind::Scalar if self.pending.line.is_empty() => {
                self.pending.line = std::mem::take(&mut self.pending.key_line);
            }
            Kind::Sequence | Kind::Mapping if self.doc.style(value) != Style::Flow => {
                let line = std::mem::take(&mut self.pending.key_line);
                self.pending.key_line = std::mem::replace(&mut self.pending.line, line);
                self.line();
                std::mem::swap(&mut self.pending.key_line, &mut self.pending.line);
            }
            _ => {}
        }
    }

    #[inline]
    fn is_simple_key(&self, id: NodeId) -> bool {
        let node = self.doc.node(id);
        (self.is_simple(node) && node.b <= 128) || self.is_short_key(id, node)
    }

    fn is_short_key(&self, id: NodeId, node: Node) -> bool {
        let anchor = self.doc.anchor(id).map_or(0, str::len);
        let text = match node.kind() {
            Kind::Alias => return anchor <= 128,
            Kind::Scalar => {
                let text = self.doc.text_of(node);
                if analyse(text, Dialect::V3).multiline {
                    return false;
                }
                text.len()
            }
            Kind::Sequence | Kind::Mapping if node.b > 0 => return false,
            Kind::Sequence | Kind::Mapping => 0,
        };
        let tag = match node.kind() {
            Kind::Scalar => self.scalar_tag(id, node, self.doc.text_of(node)).0,
            _ => self.collection_tag(id, node),
        };
        anchor + tag.map_or(0, str::len) + text <= 128
    }

    fn flow_sequence(&mut self, id: NodeId) {
        self.w.indicator("[", true, true, false);
        let outer = self.w.enter(true, false);
        self.w.flow_level += 1;
        let mut comma = false;
        for item in self.doc.items(id) {
            if comma {
                self.w.indicator(",", false, false, false);
            }
            self.load(item, Part::Start, "");
            self.head();
            if self.w.at_line_start() {
                self.w.write_indent();
            }
            comma = !self.pending.any_after();
            self.node(item, Place::Item, After::CommaAndComments);
        }
        self.load(id, Part::End, "");
        self.w.flow_level -= 1;
        self.w.indent = outer;
        if self.w.at_line_start() {
            self.w.write_indent();
        }
        self.w.indicator("]", false, false, false);
        self.line();
        self.foot();
    }

    fn flow_mapping(&mut self, id: NodeId) {
        self.w.indicator("{", true, true, false);
        let outer = self.w.enter(true, false);
        self.w.flow_level += 1;
        let mut comma = false;
        let mut first = true;
        let mut tail = "";
        for (key, value) in self.doc.entries(id) {
            if comma {
                self.w.indicator(",", false, false, false);
            }
            self.load(key, Part::Key, tail);
            tail = self.foot_of(key);
            self.head();
            if self.w.at_line_start() {
                self.w.write_indent();
            }
            if self.is_simple_key(key) {
                self.node(key, Place::SimpleKey, After::Nothing);
                self.w.indicator(":", false, false, false);
            } else {
                self.w.indicator("?", true, false, false);
                self.node(key, Place::Mapping, After::Nothing);
                self.w.indicator(":", true, false, false);
            }
            self.load(value, Part::Start, "");
            comma = !self.pending.any_after();
            first = false;
            self.node(value, Place::Mapping, After::CommaAndComments);
        }
        self.load(id, Part::End, tail);
        let open = !self.pending.head.is_empty()
            || !self.pending.foot.is_empty()
            || !self.pending.tail.is_empty();
        if open && !first && comma {
            self.w.indicator(",", false, false, false);
        }
        self.head();
        self.w.flow_level -= 1;
        self.w.indent = outer;
        self.w.indicator("}", false, false, false);
        self.line();
        self.foot();
    }
}

static NONE: Comments = Comments {
    head: String::new(),
    line: String::new(),
    foot: String::new(),
};

/// Which of a node's comments an event of the emitter carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Start,
    /// As `Start`, for a key: its foot waits until after the value.
    Key,
    End,
}

impl Pending<'_> {
    fn any_after(&self) -> bool {
        !(self.line.is_empty() && self.foot.is_empty() && self.tail.is_empty())
    }
}

impl<'d> Printer<'d, '_> {
    /// Takes the comments of a node that come with the start or the end of it.
    fn load(&mut self, id: NodeId, part: Part, tail: &'d str) {
        if !self.has_comments {
            return;
        }
        let set = |slot: &mut &'d str, text: &'d str| {
            if !text.is_empty() {
                *slot = text;
            }
        };
        let comments = self.doc.comments(id).unwrap_or(&NONE);
        let kind = self.doc.kind(id);
        let collection = matches!(kind, Kind::Sequence | Kind::Mapping);
        if part == Part::End {
            set(&mut self.pending.line, &comments.line);
            set(&mut self.pending.foot, &comments.foot);
            set(&mut self.pending.tail, tail);
            return;
        }
        set(&mut self.pending.head, &comments.head);
        if matches!(kind, Kind::Scalar | Kind::Mapping) {
            set(&mut self.pending.tail, tail);
        }
        if !collection {
            set(&mut self.pending.line, &comments.line);
            if part == Part::Start {
                set(&mut self.pending.foot, &comments.foot);
            }
        }
    }

    fn foot_of(&self, key: NodeId) -> &'d str {
        self.doc.comments(key).map_or("", |comments| &comments.foot)
    }

    fn head(&mut self) {
        if !self.has_comments {
            return;
        }
        let tail = std::mem::take(&mut self.pending.tail);
        if !tail.is_empty() {
            self.w.write_indent();
            self.w.comment(tail);
            self.w.foot_indent = self.w.indent.max(0);
        }
        let head = std::mem::take(&mut self.pending.head);
        if !head.is_empty() {
            self.w.write_indent();
            self.w.comment(head);
        }
    }

    fn line(&mut self) {
        let line = std::mem::take(&mut self.pending.line);
        if !line.is_empty() {
            self.w.line_comment(line);
        }
    }

    fn foot(&mut self) {
        let foot = std::mem::take(&mut self.pending.foot);
        if !foot.is_empty() {
            self.w.write_indent();
            self.w.comment(foot);
            self.w.foot_indent = self.w.indent.max(0);
        }
    }
}
