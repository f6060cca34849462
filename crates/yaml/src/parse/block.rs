//! Block nodes: what stands after an indicator or on lines of its own.
//!
//! Every reader of a block node begins after the indicator before it and ends at the next content
//! outside the node, which is always at the start of a line or at the end of the document.

use super::anchor::Props;
use super::scan::{COLON, FLOW, HASH, JOIN, WORD, class, is_blank_or_end, is_break_or_end};
use super::{Parsed, Parser};
use crate::comments::TokenKind;
use crate::error::Error;
use crate::node::{Kind, Node, NodeId, Style, Text};
use crate::source::saturating_u32;

/// What a block node belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// The root, after `---` or at the start.
    Document,
    /// The value after `key:`.
    Value,
    /// An item after `- `: a collection may start on the line.
    Item,
    /// A key after `? ` or its value after `: `: likewise.
    Explicit,
}

/// The longest implicit key, in characters.
const MAX_KEY: usize = 1024;

impl<'s> Parser<'s> {
    /// The node after an indicator, in a collection at column `n` (-1 for the root).
    pub(super) fn block_node(&mut self, n: i32, context: Context) -> Parsed<NodeId> {
        let after = self.pos;
        let tab = self.skip_blanks();
        if is_break_or_end(self.peek()) || self.is_comment() {
            self.next_content();
            return self.fresh_node(n, context, Props::default(), after);
        }
        let compact = matches!(context, Context::Item | Context::Explicit);
        match self.peek() {
            b'-' | b'?' | b':' if is_blank_or_end(self.at(self.pos + 1)) => {
                if !compact {
                    return Err(self.indicator_error());
                }
                if tab {
                    return Err(self.tab_error());
                }
                let column = self.column();
                self.collection(column, Props::default())
            }
            b'|' | b'>' => self.block_scalar(n, Props::default()),
            b'&' | b'!' => {
                let column = self.column();
                let props = self.properties()?;
                if is_break_or_end(self.peek()) || self.is_comment() {
                    let after = self.pos;
                    self.next_content();
                    return self.fresh_node(n, context, props, after);
                }
                self.after_properties(
                    n,
                    (compact && !tab).then_some(column),
                    Props::default(),
                    props,
                )
            }
            _ => {
                let column = self.column();
                self.scalar_or_mapping(
                    n,
                    (compact && !tab).then_some(column),
                    Props::default(),
                    Props::default(),
                )
            }
        }
    }

    /// A `-`, `?` or `:` after `key:` or `---` on the same line.
    fn indicator_error(&self) -> Error {
        if self.peek() == b'-' {
            return self
                .error_here("a `- ` item is not allowed on this line")
                .with_help("start the list on a new line, or quote the value");
        }
        self.nested_mapping_error()
    }

    /// The node at the next content, which stands on a line of its own. `after` is where an empty
    /// node would be.
    pub(super) fn fresh_node(
        &mut self,
        n: i32,
        context: Context,
        props: Props<'s>,
        after: usize,
    ) -> Parsed<NodeId> {
        let column = i32::try_from(self.indent).unwrap_or(i32::MAX);
        let same = column == n
            && matches!(context, Context::Value | Context::Explicit)
            && self.is_indicator(b'-');
        if self.at_end() || !(column > n || same) {
            return Ok(self.null(after, props));
        }
        match self.peek() {
            b'-' | b'?' | b':' if is_blank_or_end(self.at(self.pos + 1)) => {
                if self.tab_indent {
                    return Err(self.tab_error());
                }
                self.collection(self.indent, props)
            }
            b'|' | b'>' => self.block_scalar(n, props),
            b'&' | b'!' => {
                let inner = self.properties()?;
                if is_break_or_end(self.peek()) || self.is_comment() {
                    let after = self.pos;
                    self.next_content();
                    let props = self.join(props, inner)?;
                    return self.fresh_node(n, context, props, after);
                }
                let column = self.indent;
                self.after_properties(n, Some(column), props, inner)
            }
            _ => {
                let column = self.indent;
                self.scalar_or_mapping(n, Some(column), props, Props::default())
            }
        }
    }

    /// What follows properties on the same line.
    fn after_properties(
        &mut self,
        n: i32,
        key_column: Option<usize>,
        outer: Props<'s>,
        inner: Props<'s>,
    ) -> Parsed<NodeId> {
        match self.peek() {
            b'-' | b'?' if is_blank_or_end(self.at(self.pos + 1)) => Err(self
                .error_here("a block collection must start on the line after its tag or anchor")),
            b'|' | b'>' => {
                let props = self.join(outer, inner)?;
                self.block_scalar(n, props)
            }
            _ => self.scalar_or_mapping(n, key_column, outer, inner),
        }
    }

    /// An empty node.
    pub(super) fn null(&mut self, at: usize, props: Props<'s>) -> NodeId {
        let text = Text {
            start: saturating_u32(at),
            len: 0,
            heap: false,
        };
        let id = self.build.scalar(Style::Plain, text, at);
        if !props.is_none() {
            self.apply(id, props);
        }
        id
    }

    /// A sequence or mapping that begins with an indicator.
    fn collection(&mut self, column: usize, props: Props<'s>) -> Parsed<NodeId> {
        if self.peek() == b'-' {
            return self.sequence(column, props);
        }
        let map = self.begin_mapping(self.pos, props)?;
        self.mapping(map, column, None, props)
    }

    fn sequence(&mut self, column: usize, props: Props<'s>) -> Parsed<NodeId> {
        self.enter()?;
        self.check_size()?;
        let id = self
            .build
            .add(Node::new(Kind::Sequence, Style::Block), self.pos);
        if !props.is_none() {
            self.apply(id, props);
            self.open(id, props);
        }
        let base = self.build.open_items.len();
        let n = i32::try_from(column).unwrap_or(i32::MAX);
        loop {
            self.pos += 1;
            self.log(TokenKind::Entry, self.pos - 1);
            let item = self.item(n)?;
            self.build.open_items.push(item);
            if self.at_end() || self.indent < column {
                break;
            }
            if self.indent > column || self.tab_indent {
                return Err(self.unexpected_content(n));
            }
            if !self.is_indicator(b'-') {
                // A mapping may go on here whose value this sequence is.
                break;
            }
        }
        self.build.close_sequence(id, base);
        self.close(id);
        self.depth -= 1;
        Ok(id)
    }

    /// An item after its `-`, the usual ones first: a plain scalar, or a mapping with a plain key.
    #[inline]
    fn item(&mut self, n: i32) -> Parsed<NodeId> {
        if let Some(item) = self.simple_value(n) {
            return Ok(item);
        }
        if self.peek() == b' ' {
            self.pos += 1;
            let (start, column) = (self.pos, self.column());
            if let Some(key) = self.simple_key() {
                let map = self.begin_mapping(start, Props::default())?;
                return self.mapping(map, column, Some(key), Props::default());
            }
            self.pos = start - 1;
        }
        self.block_node(n, Context::Item)
    }

    fn begin_mapping(&mut self, at: usize, props: Props<'s>) -> Parsed<NodeId> {
        self.enter()?;
        self.check_size()?;
        let id = self.build.add(Node::new(Kind::Mapping, Style::Block), at);
        if !props.is_none() {
            self.apply(id, props);
            self.open(id, props);
        }
        Ok(id)
    }

    /// The entries of a block mapping at a column; the first key may have been read already, up to
    /// its `:`.
    fn mapping(
        &mut self,
        map: NodeId,
        column: usize,
        mut first: Option<(NodeId, u32)>,
        props: Props<'s>,
    ) -> Parsed<NodeId> {
        let base = self.build.open_entries.len();
        let n = i32::try_from(column).unwrap_or(i32::MAX);
        loop {
            let (key, hash, value) = match first.take() {
                Some((key, hash)) => (key, hash, self.value(n)?),
                None => self.mapping_entry(n)?,
            };
            self.build.push_entry(key, hash, value);
            if self.at_end() || self.indent < column {
                break;
            }
            if self.indent > column || self.tab_indent {
                return Err(self.unexpected_content(n));
            }
        }
        self.close_mapping(map, base)?;
        if !props.is_none() {
            self.close(map);
        }
        self.depth -= 1;
        Ok(map)
    }

    pub(super) fn close_mapping(&mut self, map: NodeId, base: usize) -> Parsed<()> {
        match self.build.close_mapping(map, base, self.text) {
            Ok(()) => Ok(()),
            Err((first, second)) => Err(self.duplicate_error(first, second)),
        }
    }

    #[cold]
    fn duplicate_error(&self, first: NodeId, second: NodeId) -> Error {
        let node = self.build.node(second);
        let key: String = self.build.text(node, self.text).chars().take(60).collect();
        let start = node.at as usize;
        let end = start + key.len();
        let (line, _) = self.source.line_col(self.build.node(first).at);
        self.error(
            start,
            end,
            format!("the key `{key}` is set twice, first on line {line}"),
        )
        .with_help("keep one of the two")
    }

    /// A key and its value on a line of the mapping at column `n`.
    #[inline]
    fn mapping_entry(&mut self, n: i32) -> Parsed<(NodeId, u32, NodeId)> {
        if let Some((key, hash)) = self.simple_key() {
            return Ok((key, hash, self.value(n)?));
        }
        if self.is_indicator(b'?') {
            return self.explicit_entry(n);
        }
        if self.is_indicator(b':') {
            let key = self.null(self.pos, Props::default());
            let hash = self.build.hash_of(key, self.text);
            self.pos += 1;
            self.log(TokenKind::Colon(None), self.pos - 1);
            return Ok((key, hash, self.block_node(n, Context::Value)?));
        }
        if self.is_indicator(b'-') {
            return Err(self
                .error_here("a `- ` item is not allowed between the keys of a mapping")
                .with_help("indent the list below its key, or remove the `-`"));
        }
        let start = self.pos;
        let props = if matches!(self.peek(), b'&' | b'!') {
            self.properties()?
        } else {
            Props::default()
        };
        let (key, is_key) = self.key_atom(start, props)?;
        if !is_key {
            return Err(self.missing_colon(start));
        }
        let hash = self.build.hash_of(key, self.text);
        self.colon_after(start);
        Ok((key, hash, self.block_node(n, Context::Value)?))
    }

    /// Passes the `:` after the implicit key that begins at `start`.
    fn colon_after(&mut self, start: usize) {
        self.pos += 1;
        let kind = TokenKind::Colon(Some(saturating_u32(start)));
        self.log(kind, self.pos - 1);
    }

    /// The value after `key:`.
    #[inline]
    fn value(&mut self, n: i32) -> Parsed<NodeId> {
        match self.simple_value(n) {
            Some(value) => Ok(value),
            None => self.block_node(n, Context::Value),
        }
    }

    fn explicit_entry(&mut self, n: i32) -> Parsed<(NodeId, u32, NodeId)> {
        self.pos += 1;
        self.log(TokenKind::Question, self.pos - 1);
        let key = self.block_node(n, Context::Explicit)?;
        let hash = self.build.hash_of(key, self.text);
        let column = i32::try_from(self.indent).unwrap_or(i32::MAX);
        let value = if !self.at_end() && column == n && self.is_indicator(b':') && !self.tab_indent
        {
            self.pos += 1;
            self.log(TokenKind::Colon(None), self.pos - 1);
            self.block_node(n, Context::Explicit)?
        } else {
            self.null(self.pos, Props::default())
        };
        Ok((key, hash, value))
    }

    /// The usual key: a plain word with its `:` right after it. Nothing is taken if it is not one.
    #[inline]
    fn simple_key(&mut self) -> Option<(NodeId, u32)> {
        let start = self.pos;
        let rest = self.bytes.get(start..)?;
        if class(*rest.first()?) & WORD == 0 || self.log.is_some() {
            return None;
        }
        let len = rest
            .iter()
            .position(|&byte| class(byte) & (WORD | JOIN) == 0)?;
        if *rest.get(len)? != b':' || len > MAX_KEY || !is_blank_or_end(self.at(start + len + 1)) {
            return None;
        }
        let hash = crate::hash::key_hash(self.build.seed, rest.get(..len)?);
        let id = self.build.plain(start, len, true);
        self.pos = start + len + 1;
        Some((id, hash))
    }

    /// The usual value: after one space a plain scalar to the end of the line, followed by a line
    /// with content that is not indented more. Nothing is taken if it is not one.
    #[inline]
    fn simple_value(&mut self, n: i32) -> Option<NodeId> {
        let start = self.pos + 1;
        let rest = self.bytes.get(start..)?;
        if self.peek() != b' ' || class(*rest.first()?) & WORD == 0 || self.log.is_some() {
            return None;
        }
        let mut end = None;
        let mut last = 0;
        for (at, &byte) in rest.iter().enumerate() {
            let class = class(byte);
            let goes_on = class & !(WORD | JOIN) == 0
                || (class == COLON && !is_blank_or_end(*rest.get(at + 1)?))
                || (class == FLOW)
                || (class == HASH && last != b' ');
            if !goes_on {
                // A trailing blank or colon takes the long way.
                if byte != b'\n' || last == b' ' {
                    return None;
                }
                end = Some(at);
                break;
            }
            last = byte;
        }
        // The last line of a text may have no end.
        let len = end?;
        let line_start = start + len + 1;
        let next = self.bytes.get(line_start..)?;
        let indent = next.iter().position(|&byte| byte != b' ')?;
        let first = *next.get(indent)?;
        let ends =
            i32::try_from(indent).ok()? <= n && !matches!(first, b'\n' | b'\r' | b'\t' | b'#');
        if !ends {
            return None;
        }
        let id = self.build.plain(start, len, true);
        self.line_start = line_start;
        self.indent = indent;
        self.tab_indent = false;
        self.pos = line_start + indent;
        Some(id)
    }

    /// A scalar, alias or flow collection that may be a key: it is one if `:` follows it on the line
    /// where it began. Stops at that `:`, or after the atom's first line if it is plain.
    fn key_atom(&mut self, start: usize, props: Props<'s>) -> Parsed<(NodeId, bool)> {
        let line = self.line_start;
        let id = match self.peek() {
            b'*' => self.alias()?,
            b'"' | b'\'' => self.quoted()?,
            b'[' | b'{' => self.flow_collection(props)?,
            b':' if is_blank_or_end(self.at(self.pos + 1)) => self.null(self.pos, Props::default()),
            _ => self.plain_first_line()?,
        };
        if !props.is_none() {
            self.check_alias_props(id, props)?;
            self.apply(id, props);
        }
        let after = self.pos;
        if self.line_start != line {
            return Ok((id, false));
        }
        self.skip_blanks();
        if self.is_indicator(b':') {
            if self.pos - start > MAX_KEY {
                self.check_key_length(start)?;
            }
            return Ok((id, true));
        }
        self.pos = after;
        Ok((id, false))
    }

    fn check_alias_props(&self, id: NodeId, props: Props<'s>) -> Parsed<()> {
        if self.at(props.start) != b'*' && self.build.node(id).kind() == Kind::Alias {
            return Err(self.alias_props_error(props.start));
        }
        Ok(())
    }

    #[cold]
    pub(super) fn alias_props_error(&self, at: usize) -> Error {
        self.error(at, at + 1, "an alias has no anchor or tag of its own")
            .with_help("put it on the node that the alias stands for")
    }

    fn check_key_length(&self, start: usize) -> Parsed<()> {
        let key = self.text.get(start..self.pos).unwrap_or("");
        if key.chars().count() > MAX_KEY {
            return Err(self
                .error(start, start + 1, "a key is longer than 1024 characters")
                .with_help("write it as `? key` with `: value` on the next line"));
        }
        Ok(())
    }

    /// A scalar or flow collection, or the block mapping whose first key it is. `key_column` is the
    /// column of that mapping where one may begin. `outer` are properties on a line before.
    fn scalar_or_mapping(
        &mut self,
        n: i32,
        key_column: Option<usize>,
        outer: Props<'s>,
        inner: Props<'s>,
    ) -> Parsed<NodeId> {
        let start = if inner.is_none() {
            self.pos
        } else {
            inner.start
        };
        let tab = self.tab_indent;
        if self.peek() == b'*' && !(outer.is_none() && inner.is_none()) && outer.is_none() {
            return Err(self.alias_props_error(self.pos));
        }
        let plain = self.starts_plain();
        let (id, is_key) = self.key_atom(start, inner)?;
        if is_key {
            let Some(column) = key_column else {
                return Err(self.nested_mapping_error());
            };
            if tab && column == self.indent {
                return Err(self.tab_error());
            }
            self.colon_after(start);
            let hash = self.build.hash_of(id, self.text);
            let map = self.begin_mapping(start, outer)?;
            return self.mapping(map, column, Some((id, hash)), outer);
        }
        if !outer.is_none() {
            if self.build.node(id).kind() == Kind::Alias || self.at(start) == b'*' {
                return Err(self.alias_props_error(start));
            }
            let both = self.join(outer, inner)?;
            self.apply(id, both);
        }
        if plain {
            self.plain_rest(id, n)?;
        } else {
            self.finish_line()?;
        }
        Ok(id)
    }

    /// Whether a plain scalar begins here, by its first byte.
    fn starts_plain(&self) -> bool {
        !matches!(self.peek(), b'*' | b'"' | b'\'' | b'[' | b'{') && !self.is_indicator(b':')
    }

    /// A line that should be `key: value` and has no `: `.
    pub(super) fn missing_colon(&self, start: usize) -> Error {
        let line = self.text.get(start..).unwrap_or("");
        let line = line.split(['\n', '\r']).next().unwrap_or("").trim_end();
        let end = start + line.len();
        let error = self.error(start, end, "expected `key: value`, found no `: `");
        if line.starts_with("{{") {
            return error.with_help("a template must be rendered before it is YAML; or quote it");
        }
        error.with_help(if line.contains(':') {
            "put a space after the colon"
        } else {
            "add `:` after the key, or indent the line if it goes on the value above"
        })
    }
}
