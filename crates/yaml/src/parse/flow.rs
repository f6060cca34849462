//! Flow collections: `[…]` and `{…}`.

use super::anchor::Props;
use super::scan::{is_blank_or_end, is_flow_indicator};
use super::{Parsed, Parser};
use crate::comments::TokenKind;
use crate::error::Error;
use crate::node::{Kind, Node, NodeId, Style};

impl<'s> Parser<'s> {
    /// Reads a flow collection. Its properties are for the caller to apply; they are taken here to
    /// know an anchor that contains itself.
    pub(super) fn flow_collection(&mut self, props: Props<'s>) -> Parsed<NodeId> {
        self.enter()?;
        self.check_size()?;
        let open = self.pos;
        let mapping = self.peek() == b'{';
        let kind = if mapping {
            Kind::Mapping
        } else {
            Kind::Sequence
        };
        let id = self.build.add(Node::new(kind, Style::Flow), open);
        if props.anchor.is_some() {
            self.apply(id, props);
            self.open(id, props);
        }
        self.pos += 1;
        let token = if mapping {
            TokenKind::OpenMapping
        } else {
            TokenKind::OpenSequence
        };
        self.log(token, open);
        if mapping {
            self.flow_mapping(id, open)?;
        } else {
            self.flow_sequence(id, open)?;
        }
        self.log(TokenKind::Close, self.pos - 1);
        self.close(id);
        self.depth -= 1;
        Ok(id)
    }

    /// Passes blanks, comments and line breaks. The document must not end here.
    fn flow_space(&mut self, open: usize) -> Parsed<()> {
        self.next_content();
        if self.at_end() {
            return Err(self.unclosed_flow(open));
        }
        Ok(())
    }

    #[cold]
    fn unclosed_flow(&self, open: usize) -> Error {
        let (bracket, close) = match self.at(open) {
            b'[' => ('[', ']'),
            _ => ('{', '}'),
        };
        let error = self.error(
            open,
            open + 1,
            format!("the bracket `{bracket}` is not closed"),
        );
        error.with_help(format!("add `{close}`, or quote the value if it is text"))
    }

    fn flow_sequence(&mut self, id: NodeId, open: usize) -> Parsed<()> {
        let base = self.build.open_items.len();
        loop {
            self.flow_space(open)?;
            if self.peek() == b']' {
                self.pos += 1;
                break;
            }
            let item = self.flow_item(open)?;
            self.build.open_items.push(item);
            self.flow_space(open)?;
            if !self.flow_separator(b']', open)? {
                break;
            }
        }
        self.build.close_sequence(id, base);
        Ok(())
    }

    /// Passes `,` (true) or the closing bracket (false).
    fn flow_separator(&mut self, close: u8, open: usize) -> Parsed<bool> {
        match self.peek() {
            b',' => {
                self.pos += 1;
                self.log(TokenKind::Comma, self.pos - 1);
                Ok(true)
            }
            byte if byte == close => {
                self.pos += 1;
                Ok(false)
            }
            _ => Err(self.separator_error(close, open)),
        }
    }

    #[cold]
    fn separator_error(&self, close: u8, open: usize) -> Error {
        let close = char::from(close);
        let (line, _) = self.source.line_col(crate::source::saturating_u32(open));
        let error = self.error_here(format!(
            "expected `,` or `{close}` in the collection that starts on line {line}"
        ));
        let before = self.text.get(open..open + 2).unwrap_or("");
        if before == "{{" {
            error.with_help("quote a value that begins with a template: \"{{ … }}\"")
        } else {
            error.with_help(format!(
                "put a `,` between the items, or `{close}` after the last"
            ))
        }
    }

    /// Whether `:` stands here as the mark of a value. After a quoted key or a collection it needs no
    /// space (`adjacent`), as in JSON.
    fn is_flow_value(&self, adjacent: bool) -> bool {
        if self.peek() != b':' {
            return false;
        }
        let next = self.at(self.pos + 1);
        adjacent || is_blank_or_end(next) || is_flow_indicator(next)
    }

    /// An item of a flow sequence: a node, or a mapping of a single pair.
    fn flow_item(&mut self, open: usize) -> Parsed<NodeId> {
        let start = self.pos;
        if self.is_flow_question() {
            self.pos += 1;
            self.log(TokenKind::Question, start);
            self.flow_space(open)?;
            return self.single_pair(start, None, open);
        }
        let line = self.line_start;
        let (key, json) = self.flow_node(open)?;
        let (pos, line_start, indent) = (self.pos, self.line_start, self.indent);
        self.next_content();
        let same_line = self.line_start == line;
        if same_line && self.is_flow_value(json) {
            return self.single_pair(start, Some(key), open);
        }
        (self.pos, self.line_start, self.indent) = (pos, line_start, indent);
        Ok(key)
    }

    fn is_flow_question(&self) -> bool {
        let next = self.at(self.pos + 1);
        self.peek() == b'?' && (is_blank_or_end(next) || is_flow_indicator(next))
    }

    /// The mapping of one pair, at its `:` if the key is read already.
    fn single_pair(&mut self, start: usize, key: Option<NodeId>, open: usize) -> Parsed<NodeId> {
        self.enter()?;
        let map = self.build.add(Node::new(Kind::Mapping, Style::Flow), start);
        let base = self.build.open_entries.len();
        let implicit = key.is_some();
        let key = match key {
            Some(key) => key,
            None => self.flow_key(open)?.0,
        };
        let hash = self.build.hash_of(key, self.text);
        let value = self.flow_value(true, implicit.then_some(start), open)?;
        self.build.push_entry(key, hash, value);
        self.close_mapping(map, base)?;
        self.depth -= 1;
        Ok(map)
    }

    fn flow_mapping(&mut self, id: NodeId, open: usize) -> Parsed<()> {
        let base = self.build.open_entries.len();
        loop {
            self.flow_space(open)?;
            if self.peek() == b'}' {
                self.pos += 1;
                break;
            }
            let explicit = self.is_flow_question();
            if explicit {
                self.pos += 1;
                self.log(TokenKind::Question, self.pos - 1);
                self.flow_space(open)?;
            }
            let start = self.pos;
            let (key, json) = self.flow_key(open)?;
            let hash = self.build.hash_of(key, self.text);
            let value = self.flow_value(json, (!explicit).then_some(start), open)?;
            self.build.push_entry(key, hash, value);
            self.flow_space(open)?;
            if !self.flow_separator(b'}', open)? {
                break;
            }
        }
        self.close_mapping(id, base)
    }

    /// A key, which may be empty, and whether `:` may follow it without a space.
    fn flow_key(&mut self, open: usize) -> Parsed<(NodeId, bool)> {
        if self.is_flow_value(false) || matches!(self.peek(), b',' | b'}' | b']') {
            if self.peek() == b',' {
                return Err(self.extra_comma());
            }
            return Ok((self.null(self.pos, Props::default()), false));
        }
        self.flow_node(open)
    }

    #[cold]
    fn extra_comma(&self) -> Error {
        self.error_here("a `,` with nothing before it")
            .with_help("remove the extra `,`")
    }

    /// `: value`, or an empty value where there is no `:`. `key` is where an implicit key begins.
    fn flow_value(&mut self, json: bool, key: Option<usize>, open: usize) -> Parsed<NodeId> {
        let after_key = self.pos;
        self.flow_space(open)?;
        if !self.is_flow_value(json) {
            return Ok(self.null(after_key, Props::default()));
        }
        self.pos += 1;
        let kind = TokenKind::Colon(key.map(crate::source::saturating_u32));
        self.log(kind, self.pos - 1);
        let after = self.pos;
        self.flow_space(open)?;
        if matches!(self.peek(), b',' | b'}' | b']') {
            return Ok(self.null(after, Props::default()));
        }
        Ok(self.flow_node(open)?.0)
    }

    /// A node in flow context, and whether it is like JSON: quoted or a collection.
    fn flow_node(&mut self, open: usize) -> Parsed<(NodeId, bool)> {
        let mut props = Props::default();
        while matches!(self.peek(), b'&' | b'!') {
            let more = self.properties()?;
            props = self.join(props, more)?;
            self.flow_space(open)?;
        }
        let next = self.at(self.pos + 1);
        let (id, json) = match self.peek() {
            b'[' | b'{' => (self.flow_collection(props)?, true),
            b'"' | b'\'' => (self.quoted()?, true),
            b'*' if props.is_none() => (self.alias()?, false),
            b'*' => return Err(self.alias_props_error(self.pos)),
            b',' if props.is_none() => return Err(self.extra_comma()),
            b',' | b']' | b'}' => (self.null(self.pos, Props::default()), false),
            b':' if is_blank_or_end(next) || is_flow_indicator(next) => {
                (self.null(self.pos, Props::default()), false)
            }
            _ => (self.flow_plain()?, false),
        };
        if !props.is_none() {
            self.apply(id, props);
        }
        Ok((id, json))
    }
}
