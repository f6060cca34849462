//! Node properties (`&anchor`, `!tag`), aliases and directives.

use super::scan::{is_blank_or_end, is_flow_indicator};
use super::{Parsed, Parser};
use crate::comments::TokenKind;
use crate::node::{
    ANCHORED, COMMENTED, EXPLICIT_TAG, Entry, INDEXED, Kind, Node, NodeId, Style, TAGGED, Text,
};
use crate::source::saturating_u32;

/// What stands before a node.
#[derive(Clone, Copy, Default)]
pub(super) struct Props<'s> {
    pub(super) anchor: Option<&'s str>,
    pub(super) tag: Option<Text>,
    /// Where the first of them begins.
    pub(super) start: usize,
}

impl Props<'_> {
    pub(super) fn is_none(&self) -> bool {
        self.anchor.is_none() && self.tag.is_none()
    }
}

impl<'s> Parser<'s> {
    /// Reads `&anchor` and `!tag`, in any order, on one line.
    pub(super) fn properties(&mut self) -> Parsed<Props<'s>> {
        let mut props = Props {
            start: self.pos,
            ..Props::default()
        };
        loop {
            let start = self.pos;
            match self.peek() {
                b'&' if props.anchor.is_some() => {
                    return Err(self.error_here("a node has one anchor at most"));
                }
                b'&' => {
                    props.anchor = Some(self.anchor_name("anchor")?);
                    self.log(TokenKind::Anchor, start);
                }
                b'!' if props.tag.is_some() => {
                    return Err(self.error_here("a node has one tag at most"));
                }
                b'!' => {
                    props.tag = Some(self.tag()?);
                    self.log(TokenKind::Tag, start);
                }
                _ => return Ok(props),
            }
            self.skip_blanks();
        }
    }

    /// Joins properties that stand on two lines.
    pub(super) fn join(&self, a: Props<'s>, b: Props<'s>) -> Parsed<Props<'s>> {
        if a.anchor.is_some() && b.anchor.is_some() {
            return Err(self.error(b.start, b.start + 1, "a node has one anchor at most"));
        }
        if a.tag.is_some() && b.tag.is_some() {
            return Err(self.error(b.start, b.start + 1, "a node has one tag at most"));
        }
        Ok(Props {
            anchor: a.anchor.or(b.anchor),
            tag: a.tag.or(b.tag),
            start: if a.is_none() { b.start } else { a.start },
        })
    }

    /// The name after `&` or `*`.
    fn anchor_name(&mut self, what: &str) -> Parsed<&'s str> {
        let start = self.pos + 1;
        self.pos = start;
        while !is_blank_or_end(self.peek()) && !is_flow_indicator(self.peek()) {
            self.pos += 1;
        }
        match self.text.get(start..self.pos) {
            Some(name) if !name.is_empty() => Ok(name),
            _ => {
                let error = self.error(
                    start - 1,
                    start,
                    format!("the name of the {what} is missing"),
                );
                Err(error.with_help("quote a value that begins with `&` or `*`"))
            }
        }
    }

    /// Reads a tag; its short form goes to the heap.
    fn tag(&mut self) -> Parsed<Text> {
        let start = self.pos;
        let heap = self.build.heap.len();
        if self.at(start + 1) == b'<' {
            let rest = self.text.get(start + 2..).unwrap_or("");
            let line = rest.split(['\n', '\r']).next().unwrap_or("");
            let Some(len) = line.find('>') else {
                return Err(self.error(start, start + 2, "the tag `!<` lacks its `>`"));
            };
            self.pos = start + 2 + len + 1;
            self.push_tag(line.get(..len).unwrap_or(""), start)?;
        } else {
            self.pos += 1;
            while !is_blank_or_end(self.peek()) && !is_flow_indicator(self.peek()) {
                self.pos += 1;
            }
            let whole = self.text.get(start..self.pos).unwrap_or("");
            if whole == "!" {
                self.build.heap.push('!');
            } else {
                let second = whole.get(1..).and_then(|rest| rest.find('!'));
                let (handle, suffix) = whole.split_at(second.map_or(1, |at| at + 2));
                if suffix.is_empty() {
                    return Err(self.error(start, self.pos, "the tag has no suffix"));
                }
                let prefix = self.tag_prefix(handle, start)?;
                self.build.heap.push_str(prefix);
                self.push_tag(suffix, start)?;
            }
        }
        if !is_blank_or_end(self.peek()) && !is_flow_indicator(self.peek()) {
            return Err(self.error_here("a tag needs a space after it"));
        }
        Ok(self.shorten(heap))
    }

    fn tag_prefix(&self, handle: &str, start: usize) -> Parsed<&'s str> {
        if let Some((_, prefix)) = self.handles.iter().find(|(name, _)| *name == handle) {
            return Ok(prefix);
        }
        match handle {
            "!" => Ok("!"),
            "!!" => Ok(LONG),
            _ => {
                let end = start + handle.len();
                let error = self.error(start, end, "the tag handle is not defined");
                Err(error.with_help("define it by a `%TAG` line before `---`, or quote the value"))
            }
        }
    }

    /// Appends a tag's text, with `%` escapes undone.
    fn push_tag(&mut self, text: &str, start: usize) -> Parsed<()> {
        if text.contains(['!', '\\', '"', '^', '`', '|', '<', '>']) && !text.starts_with('!') {
            return Err(self.error(
                start,
                self.pos,
                "the tag has a character that tags may not have",
            ));
        }
        if !text.contains('%') {
            self.build.heap.push_str(text);
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let value = digit().zip(digit()).map(|(high, low)| high * 16 + low);
                match value.and_then(|value| u8::try_from(value).ok()) {
                    Some(byte) => bytes.push(byte),
                    None => {
                        return Err(self.error(
                            start,
                            self.pos,
                            "a `%` escape needs two hex digits",
                        ));
                    }
                }
            } else {
                bytes.push(byte);
            }
        }
        match String::from_utf8(bytes) {
            Ok(text) => self.build.heap.push_str(&text),
            Err(_) => {
                return Err(self.error(start, self.pos, "the tag's `%` escapes are not UTF-8"));
            }
        }
        Ok(())
    }

    /// Turns the tag at the end of the heap to its short form.
    fn shorten(&mut self, heap: usize) -> Text {
        let long = self.build.heap.get(heap..).unwrap_or("");
        if let Some(rest) = long.strip_prefix(LONG) {
            let short = format!("!!{rest}");
            self.build.heap.truncate(heap);
            self.build.heap.push_str(&short);
        }
        self.build.heap_since(heap)
    }

    /// Gives properties to a node.
    pub(super) fn apply(&mut self, id: NodeId, props: Props<'s>) {
        if let Some(tag) = props.tag {
            self.build.set_tag(id, tag);
        }
        if let Some(name) = props.anchor {
            self.anchors.insert(name, id);
            if !self.expand_aliases {
                let text = self.store(name);
                self.build.set_anchor(id, text);
            }
        }
    }

    fn store(&mut self, text: &str) -> Text {
        let heap = self.build.heap.len();
        self.build.heap.push_str(text);
        self.build.heap_since(heap)
    }

    /// A collection that aliases inside it may not refer to.
    pub(super) fn open(&mut self, id: NodeId, props: Props<'s>) {
        if props.anchor.is_some() {
            self.open.push(id);
        }
    }

    pub(super) fn close(&mut self, id: NodeId) {
        if self.open.last() == Some(&id) {
            self.open.pop();
        }
    }

    /// Reads `*name`.
    pub(super) fn alias(&mut self) -> Parsed<NodeId> {
        let start = self.pos;
        let name = self.anchor_name("alias")?;
        self.log(TokenKind::Alias, start);
        let Some(&target) = self.anchors.get(name) else {
            return Err(self
                .error(start, self.pos, "the alias has no anchor before it")
                .with_help("define the anchor with `&` before its use, or quote a value that begins with `*`"));
        };
        if self.open.contains(&target) {
            return Err(self.error(start, self.pos, "the anchor contains itself"));
        }
        if self.expand_aliases {
            return self.copy(target, start);
        }
        let mut node = Node::new(Kind::Alias, Style::Plain);
        node.a = target.0;
        let id = self.build.add(node, start);
        let text = self.store(name);
        self.build.set_anchor(id, text);
        Ok(id)
    }

    /// A copy of a complete node and all below it; places stay those of the original.
    fn copy(&mut self, id: NodeId, at: usize) -> Parsed<NodeId> {
        self.alias_nodes += 1;
        let limit = self.options.max_alias_nodes;
        if self.alias_nodes > limit {
            return Err(self
                .error(
                    at,
                    self.pos,
                    format!("aliases add more than {limit} nodes to the document"),
                )
                .with_help("aliases of aliases multiply; write the repeated parts once"));
        }
        let mut node = self.build.node(id);
        for flag in [ANCHORED, COMMENTED, TAGGED, EXPLICIT_TAG, INDEXED] {
            node.put(flag, false);
        }
        let copy = NodeId(saturating_u32(self.build.nodes.len()));
        self.build.nodes.push(node);
        self.check_size()?;
        if let Some(&tag) = crate::document::row(&self.build.extras.tags, id) {
            self.build.set_tag(copy, tag);
        }
        if node.is_collection() {
            self.enter()?;
            self.copy_children(node, copy, at)?;
            self.depth -= 1;
        }
        Ok(copy)
    }

    fn copy_children(&mut self, node: Node, copy: NodeId, at: usize) -> Parsed<()> {
        let (start, len) = (node.a as usize, node.b as usize);
        match node.kind() {
            Kind::Scalar | Kind::Alias => {}
            Kind::Sequence => {
                let base = self.build.open_items.len();
                for at_item in start..start + len {
                    if let Some(&item) = self.build.items.get(at_item) {
                        let item = self.copy(item, at)?;
                        self.build.open_items.push(item);
                    }
                }
                self.build.close_sequence(copy, base);
            }
            Kind::Mapping => {
                let base = self.build.open_entries.len();
                for at_entry in start..start + len {
                    if let Some(&Entry { hash, key, value }) = self.build.entries.get(at_entry) {
                        let key = self.copy(key, at)?;
                        let value = self.copy(value, at)?;
                        self.build.push_entry(key, hash, value);
                    }
                }
                self.close_mapping(copy, base)?;
            }
        }
        Ok(())
    }

    /// Reads a line that begins with `%`.
    pub(super) fn directive(&mut self) -> Parsed<()> {
        let start = self.pos;
        self.skip_line();
        // `yaml.v3` knows no other directives, and ends the line's token before a comment.
        self.log(TokenKind::Directive, start);
        let line = self.text.get(start..self.pos).unwrap_or("");
        let line = line.split(" #").next().unwrap_or("");
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
        let name = words.next().unwrap_or("");
        let arguments: Vec<&'s str> = words.collect();
        match (name, arguments.as_slice()) {
            ("%YAML", [version]) if is_version(version) => {
                if self.handles.iter().any(|(name, _)| *name == "%YAML") {
                    return Err(self.error(
                        start,
                        self.pos,
                        "a document has one `%YAML` line at most",
                    ));
                }
                self.handles.push(("%YAML", version));
                Ok(())
            }
            ("%YAML", _) => Err(self
                .error(start, self.pos, "the `%YAML` line does not name a version")
                .with_help("write `%YAML 1.2`")),
            ("%TAG", [handle, prefix]) if is_handle(handle) => {
                if self.handles.iter().any(|(name, _)| name == handle) {
                    let message = format!("the tag handle `{handle}` is defined twice");
                    return Err(self.error(start, self.pos, message));
                }
                self.handles.push((handle, prefix));
                Ok(())
            }
            ("%TAG", _) => Err(self
                .error(
                    start,
                    self.pos,
                    "the `%TAG` line needs a handle and a prefix",
                )
                .with_help("write `%TAG !e! tag:example.com,2026:`")),
            // Reserved directives are passed over, as the specification asks.
            _ => Ok(()),
        }
    }
}

const LONG: &str = "tag:yaml.org,2002:";

fn is_version(text: &str) -> bool {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    text.split_once('.')
        .is_some_and(|(major, minor)| major == "1" && digits(minor))
}

fn is_handle(text: &str) -> bool {
    let inner = text
        .strip_prefix('!')
        .map(|rest| rest.strip_suffix('!').unwrap_or(rest));
    inner.is_some_and(|inner| {
        (text.len() == 1 || text.ends_with('!'))
            && inner
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}
