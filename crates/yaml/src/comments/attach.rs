//! The parser and the node builder of `yaml.v3`, run over our documents: they hand the comments that
//! the scanner finds to the nodes.

use super::scan::{Item, Kind, Scanner};
use super::{Comments, Token};
use crate::document::Document;
use crate::node::{self, NodeId, Style};

/// Gives the comments of a text to its documents.
pub(crate) fn attach(text: &str, log: &[Token], documents: &mut [Document]) {
    let mut reader = Reader {
        scanner: Scanner::new(text, log),
        next_comment: 0,
        head: String::new(),
        line: String::new(),
        foot: String::new(),
        stem: None,
    };
    reader.skip();
    for (index, document) in documents.iter_mut().enumerate() {
        if reader.document(document, index == 0).is_none() {
            return;
        }
    }
}

struct Reader<'s> {
    scanner: Scanner<'s>,
    next_comment: usize,
    /// Comments that wait for the next event.
    head: String,
    line: String,
    foot: String,
    /// The head comment of a collection in a sequence, which goes to the collection.
    stem: Option<String>,
}

/// `None`: the tokens are not those that `yaml.v3` would see here.
type Step<T> = Option<T>;

impl Reader<'_> {
    fn peek(&mut self) -> Step<Item> {
        let item = self.scanner.peek()?;
        self.unfold(item);
        Some(item)
    }

    fn skip(&mut self) {
        self.scanner.head += 1;
    }

    fn skip_if(&mut self, kind: Kind) -> Step<()> {
        if self.peek()?.kind != kind {
            return None;
        }
        self.skip();
        Some(())
    }

    /// Takes the comments at and before a token.
    fn unfold(&mut self, item: Item) {
        while let Some(found) = self.scanner.found.get_mut(self.next_comment) {
            if item.start.index < found.token.index {
                return;
            }
            // No heads on ends.
            if !found.head.is_empty() && item.kind == Kind::BlockEnd {
                return;
            }
            append(&mut self.head, &found.head);
            append(&mut self.foot, &found.foot);
            append(&mut self.line, &found.line);
            *found = super::scan::Found::default();
            self.next_comment += 1;
        }
    }

    /// The comments for an event.
    fn take(&mut self) -> Comments {
        self.stem = None;
        Comments {
            head: std::mem::take(&mut self.head),
            line: std::mem::take(&mut self.line),
            foot: std::mem::take(&mut self.foot),
        }
    }

    fn document(&mut self, doc: &mut Document, first: bool) -> Step<()> {
        let mut item = self.peek()?;
        while !first && item.kind == Kind::DocumentEnd {
            self.skip();
            item = self.peek()?;
        }
        while item.kind == Kind::Directive {
            self.skip();
            item = self.peek()?;
        }
        let mut whole = Comments::default();
        if item.kind == Kind::DocumentStart {
            self.skip();
        } else if first {
            whole.head = self.split_document_head();
        }
        let item = self.peek()?;
        let ends = matches!(
            item.kind,
            Kind::Directive | Kind::DocumentStart | Kind::DocumentEnd | Kind::StreamEnd
        );
        if !ends {
            self.node(doc, doc.root(), true, false)?;
        }
        if self.peek()?.kind == Kind::DocumentEnd {
            self.skip();
        }
        let end = self.take();
        whole.foot = if end.foot.is_empty() {
            end.head
        } else {
            end.foot
        };
        doc.extras.document = whole;
        Some(())
    }

    /// The part of the head comment before its last empty line belongs to the document.
    fn split_document_head(&mut self) -> String {
        let at = if self.head.ends_with('\n') {
            self.head.len() - 1
        } else {
            match self.head.rfind("\n\n") {
                Some(at) => at,
                None => return String::new(),
            }
        };
        let rest = self.head.get(at..).unwrap_or("");
        let rest = rest.trim_start_matches('\n').to_owned();
        let mut document = std::mem::replace(&mut self.head, rest);
        document.truncate(at);
        document
    }

    fn node(&mut self, doc: &mut Document, id: NodeId, block: bool, indentless: bool) -> Step<()> {
        let mut item = self.peek()?;
        if item.kind == Kind::Alias {
            let comments = self.take();
            doc.set_comments(id, Some(comments));
            self.skip();
            return Some(());
        }
        while matches!(item.kind, Kind::Anchor | Kind::Tag) {
            self.skip();
            item = self.peek()?;
        }
        match item.kind {
            Kind::Entry if indentless => self.sequence(doc, id, false),
            Kind::Scalar => {
                let comments = self.take();
                doc.set_comments(id, Some(comments));
                self.skip();
                Some(())
            }
            Kind::FlowSequenceStart => self.flow_sequence(doc, id),
            Kind::FlowMappingStart => self.flow_mapping(doc, id),
            Kind::SequenceStart if block => {
                self.take_stem(doc, id);
                self.skip();
                self.sequence(doc, id, true)
            }
            Kind::MappingStart if block => {
                self.take_stem(doc, id);
                self.skip();
                self.mapping(doc, id)
            }
            // An empty node with properties.
            _ if doc.kind(id) == node::Kind::Scalar => Some(()),
            _ => None,
        }
    }

    fn take_stem(&mut self, doc: &mut Document, id: NodeId) {
        if let Some(head) = self.stem.take() {
            let comments = Comments {
                head,
                ..Comments::default()
            };
            doc.set_comments(id, Some(comments));
        }
    }

    /// The entries of a block sequence, after its start if it has one.
    fn sequence(&mut self, doc: &mut Document, id: NodeId, has_end: bool) -> Step<()> {
        for item in doc.items(id).collect::<Vec<_>>() {
            if self.peek()?.kind != Kind::Entry {
                return None;
            }
            let before = self.head.len();
            self.skip();
            self.split_stem(before)?;
            let kind = self.peek()?.kind;
            let empty = matches!(kind, Kind::Entry | Kind::BlockEnd)
                || (!has_end && matches!(kind, Kind::Key | Kind::Value));
            if !empty {
                self.node(doc, item, true, false)?;
            }
        }
        if has_end {
            self.skip_if(Kind::BlockEnd)?;
        } else {
            self.peek()?;
        }
        Some(())
    }

    /// A head comment before the `-` of a collection goes to the collection, not to its first child.
    fn split_stem(&mut self, len: usize) -> Step<()> {
        if len == 0 {
            return Some(());
        }
        if !matches!(self.peek()?.kind, Kind::SequenceStart | Kind::MappingStart) {
            return Some(());
        }
        let rest = self.head.get(len + 1..).unwrap_or("").to_owned();
        let mut stem = std::mem::replace(&mut self.head, rest);
        stem.truncate(len);
        self.stem = Some(stem);
        Some(())
    }

    fn mapping(&mut self, doc: &mut Document, id: NodeId) -> Step<()> {
        let mut last_key = None;
        for (key, value) in doc.entries(id).collect::<Vec<_>>() {
            match self.peek()?.kind {
                Kind::Key => {
                    self.skip();
                    let next = self.peek()?.kind;
                    if !matches!(next, Kind::Key | Kind::Value | Kind::BlockEnd) {
                        self.node(doc, key, true, true)?;
                    }
                }
                // `: value` with no key, which `yaml.v3` does not read.
                Kind::Value => {}
                _ => return None,
            }
            if let Some(last) = last_key {
                move_foot(doc, key, last);
            }
            if self.peek()?.kind == Kind::Value {
                self.skip();
                let next = self.peek()?.kind;
                if !matches!(next, Kind::Key | Kind::Value | Kind::BlockEnd) {
                    self.node(doc, value, true, true)?;
                }
            }
            if foot(doc, key).is_empty() {
                move_foot(doc, value, key);
            }
            last_key = Some(key);
        }
        if self.peek()?.kind != Kind::BlockEnd {
            return None;
        }
        let end = self.take();
        self.skip();
        end_collection(doc, id, end);
        if let Some(last) = last_key
            && !foot(doc, id).is_empty()
        {
            move_foot(doc, id, last);
        }
        Some(())
    }

    fn flow_sequence(&mut self, doc: &mut Document, id: NodeId) -> Step<()> {
        let comments = self.take();
        doc.set_comments(id, Some(comments));
        self.skip();
        for (index, item) in doc.items(id).collect::<Vec<_>>().into_iter().enumerate() {
            self.peek()?;
            if index > 0 {
                self.skip_if(Kind::FlowEntry)?;
            }
            if self.peek()?.kind == Kind::Key {
                self.skip();
                self.pair(doc, item)?;
            } else {
                self.node(doc, item, false, false)?;
            }
        }
        self.flow_end(doc, id)
    }

    fn flow_end(&mut self, doc: &mut Document, id: NodeId) -> Step<()> {
        if self.peek()?.kind == Kind::FlowEntry {
            self.skip();
        }
        if self.peek()?.kind != Kind::FlowEnd {
            return None;
        }
        let end = self.take();
        self.skip();
        end_collection(doc, id, end);
        Some(())
    }

    /// The mapping of one pair in a flow sequence, after its key mark.
    fn pair(&mut self, doc: &mut Document, id: NodeId) -> Step<()> {
        let (key, value) = doc.entries(id).next()?;
        if doc.style(id) != Style::Flow {
            return None;
        }
        self.flow_child(doc, key)?;
        if self.peek()?.kind == Kind::Value {
            self.skip();
            self.flow_child(doc, value)?;
        }
        if foot(doc, key).is_empty() {
            move_foot(doc, value, key);
        }
        Some(())
    }

    /// A key or value in a flow collection, which may be empty.
    fn flow_child(&mut self, doc: &mut Document, id: NodeId) -> Step<()> {
        let kind = self.peek()?.kind;
        if matches!(kind, Kind::Value | Kind::FlowEntry | Kind::FlowEnd) {
            return Some(());
        }
        self.node(doc, id, false, false)
    }

    fn flow_mapping(&mut self, doc: &mut Document, id: NodeId) -> Step<()> {
        let comments = self.take();
        doc.set_comments(id, Some(comments));
        self.skip();
        for (index, (key, value)) in doc.entries(id).collect::<Vec<_>>().into_iter().enumerate() {
            self.peek()?;
            if index > 0 {
                self.skip_if(Kind::FlowEntry)?;
            }
            let marked = self.peek()?.kind == Kind::Key;
            if marked {
                self.skip();
            }
            self.flow_child(doc, key)?;
            let next = self.peek()?.kind;
            if next == Kind::Value {
                self.skip();
                self.flow_child(doc, value)?;
            }
            if foot(doc, key).is_empty() {
                move_foot(doc, value, key);
            }
        }
        self.flow_end(doc, id)
    }
}

fn append(to: &mut String, more: &str) {
    if more.is_empty() {
        return;
    }
    if !to.is_empty() {
        to.push('\n');
    }
    to.push_str(more);
}

fn foot(doc: &Document, id: NodeId) -> &str {
    doc.comments(id).map_or("", |comments| &comments.foot)
}

/// Moves a foot comment, if there is one.
fn move_foot(doc: &mut Document, from: NodeId, to: NodeId) {
    let Some(comments) = doc
        .comments(from)
        .filter(|comments| !comments.foot.is_empty())
    else {
        return;
    };
    let mut comments = comments.clone();
    let foot = std::mem::take(&mut comments.foot);
    doc.set_comments(from, Some(comments));
    let mut target = doc.comments(to).cloned().unwrap_or_default();
    target.foot = foot;
    doc.set_comments(to, Some(target));
}

/// Line and foot comments of a collection are those of its end.
fn end_collection(doc: &mut Document, id: NodeId, end: Comments) {
    let head = doc
        .comments(id)
        .map_or_else(String::new, |comments| comments.head.clone());
    doc.set_comments(id, Some(Comments { head, ..end }));
}
