//! The scanner of `yaml.v3`, run over the tokens that our parser has logged: it adds the tokens that
//! stand for the structure, and finds the comments between tokens.

use std::collections::HashMap;

use super::{Token, TokenKind};

/// A place: byte offset, line from 0, column in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) index: i64,
    pub(super) line: i64,
    pub(super) column: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    StreamStart,
    StreamEnd,
    Directive,
    DocumentStart,
    DocumentEnd,
    SequenceStart,
    MappingStart,
    BlockEnd,
    Entry,
    Key,
    Value,
    FlowSequenceStart,
    FlowMappingStart,
    FlowEnd,
    FlowEntry,
    Alias,
    Anchor,
    Tag,
    Scalar,
}

/// A token as the parser of `yaml.v3` gets it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) start: Mark,
}

/// A comment that waits for the token it belongs to.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Where the scan that found it began.
    pub(super) scan: Mark,
    /// It belongs to the first token at or after this place.
    pub(super) token: Mark,
    pub(super) start: Mark,
    pub(super) end: Mark,
    pub(super) head: String,
    pub(super) line: String,
    pub(super) foot: String,
}

/// A token that would begin a key, if `:` follows on its line.
#[derive(Clone, Copy)]
struct SimpleKey {
    item: usize,
    mark: Mark,
}

/// The longest implicit key.
const MAX_KEY: i64 = 1024;

pub(super) struct Scanner<'s> {
    pub(super) bytes: &'s [u8],
    pub(super) text: &'s str,
    log: &'s [Token],
    /// The next token of the log.
    next: usize,
    pub(super) mark: Mark,
    pub(super) items: Vec<Item>,
    /// The next item that the parser takes.
    pub(super) head: usize,
    pub(super) found: Vec<Found>,
    pub(super) indent: i64,
    indents: Vec<i64>,
    pub(super) flow_level: usize,
    pub(super) simple_key_allowed: bool,
    simple_keys: Vec<Option<SimpleKey>>,
    by_item: HashMap<usize, usize>,
}

impl<'s> Scanner<'s> {
    pub(super) fn new(text: &'s str, log: &'s [Token]) -> Self {
        Self {
            bytes: text.as_bytes(),
            text,
            log,
            next: 0,
            mark: Mark::default(),
            items: vec![Item {
                kind: Kind::StreamStart,
                start: Mark::default(),
            }],
            head: 0,
            found: Vec::new(),
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            simple_keys: vec![None],
            by_item: HashMap::new(),
        }
    }

    /// The next item for the parser, after as much scanning as `yaml.v3` does before it hands it out:
    /// two more tokens, and until it is known whether the item begins a key.
    pub(super) fn peek(&mut self) -> Option<Item> {
        loop {
            let ended = self
                .items
                .last()
                .is_some_and(|item| item.kind == Kind::StreamEnd);
            let ahead = self.head + 2 < self.items.len();
            if ended || (ahead && !self.may_be_key(self.head)) {
                return self.items.get(self.head).copied();
            }
            self.fetch();
        }
    }

    fn may_be_key(&mut self, item: usize) -> bool {
        let Some(&level) = self.by_item.get(&item) else {
            return false;
        };
        self.simple_key(level).is_some()
    }

    /// The pending key at a flow level, if `:` may still come for it.
    fn simple_key(&mut self, level: usize) -> Option<SimpleKey> {
        let slot = self.simple_keys.get_mut(level)?;
        let key = (*slot)?;
        if key.mark.line < self.mark.line || key.mark.index + MAX_KEY < self.mark.index {
            *slot = None;
            return None;
        }
        Some(key)
    }

    pub(super) fn at(&self, index: i64) -> u8 {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.bytes.get(index))
            .copied()
            .unwrap_or(0)
    }

    /// Moves on to an offset, over any text.
    pub(super) fn advance(&mut self, to: u32) {
        let to = i64::from(to);
        while self.mark.index < to {
            if self.is_break(self.mark.index) {
                self.skip_line();
            } else {
                // Columns count characters.
                let continues = self.at(self.mark.index) & 0xC0 == 0x80;
                self.mark.index += 1;
                self.mark.column += i64::from(!continues);
            }
        }
    }

    pub(super) fn is_break(&self, index: i64) -> bool {
        matches!(self.at(index), b'\n' | b'\r')
    }

    pub(super) fn is_blank(&self, index: i64) -> bool {
        matches!(self.at(index), b' ' | b'\t')
    }

    pub(super) fn skip_line(&mut self) {
        if self.at(self.mark.index) == b'\r' && self.at(self.mark.index + 1) == b'\n' {
            self.mark.index += 1;
        }
        self.mark.index += 1;
        self.mark.line += 1;
        self.mark.column = 0;
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank(self.mark.index) {
            self.mark.index += 1;
            self.mark.column += 1;
        }
    }

    /// Line breaks since the last character that is no blank.
    pub(super) fn newlines(&self) -> i64 {
        let mut count = 0;
        let mut index = self.mark.index - 1;
        while index >= 0 && (self.is_blank(index) || self.is_break(index)) {
            let crlf = self.at(index) == b'\n' && index > 0 && self.at(index - 1) == b'\r';
            count += i64::from(self.is_break(index));
            index -= 1 + i64::from(crlf);
        }
        count
    }

    fn append(&mut self, kind: Kind, start: Mark) {
        self.items.push(Item { kind, start });
    }

    fn fetch(&mut self) {
        let scan_mark = self.mark;
        self.scan_to_next_token();
        self.unroll(self.mark.column, scan_mark);
        let Some(&token) = self.log.get(self.next) else {
            if self.mark.column != 0 {
                self.mark.column = 0;
                self.mark.line += 1;
            }
            self.unroll(-1, self.mark);
            self.append(Kind::StreamEnd, self.mark);
            return;
        };
        self.next += 1;
        // The log is of a text that we could read: whatever lies before the token is no token.
        self.advance(token.start);
        match token.kind {
            TokenKind::Directive => self.marker(Kind::Directive, token),
            TokenKind::DocumentStart => self.marker(Kind::DocumentStart, token),
            TokenKind::DocumentEnd => self.marker(Kind::DocumentEnd, token),
            _ => self.fetch_content(token),
        }
    }

    fn marker(&mut self, kind: Kind, token: Token) {
        self.unroll(-1, self.mark);
        self.remove_simple_key();
        self.simple_key_allowed = false;
        self.append(kind, self.mark);
        self.advance(token.end);
    }

    fn fetch_content(&mut self, token: Token) {
        let mut comment_mark = self.mark;
        let after = match token.kind {
            TokenKind::Colon(_) => self.flow_level == 0,
            TokenKind::Comma => self.flow_level > 0,
            _ => false,
        };
        if after && let Some(last) = self.items.last() {
            comment_mark = last.start;
        }
        let start = self.mark;
        match token.kind {
            TokenKind::OpenSequence | TokenKind::OpenMapping => self.fetch_open(token),
            TokenKind::Close => {
                self.remove_simple_key();
                self.flow_level = self.flow_level.saturating_sub(1);
                if self.simple_keys.len() > 1 {
                    self.simple_keys.pop();
                }
                self.simple_key_allowed = false;
                self.append(Kind::FlowEnd, start);
            }
            TokenKind::Comma => {
                self.remove_simple_key();
                self.simple_key_allowed = true;
                self.append(Kind::FlowEntry, start);
            }
            TokenKind::Entry => {
                self.roll(start.column, None, Kind::SequenceStart, start);
                self.remove_simple_key();
                self.simple_key_allowed = true;
                self.append(Kind::Entry, start);
            }
            TokenKind::Question => {
                self.roll(start.column, None, Kind::MappingStart, start);
                self.remove_simple_key();
                self.simple_key_allowed = self.flow_level == 0;
                self.append(Kind::Key, start);
            }
            TokenKind::Colon(key) => self.fetch_value(key),
            TokenKind::Alias => self.fetch_atom(Kind::Alias),
            TokenKind::Anchor => self.fetch_atom(Kind::Anchor),
            TokenKind::Tag => self.fetch_atom(Kind::Tag),
            TokenKind::BlockScalar => {
                self.remove_simple_key();
                self.simple_key_allowed = true;
                self.append(Kind::Scalar, start);
                self.scan_block_header(start);
            }
            _ => self.fetch_atom(Kind::Scalar),
        }
        self.advance(token.end);
        if token.kind == TokenKind::Plain {
            self.pass_white_after_plain();
        }
        if self
            .items
            .last()
            .is_some_and(|item| item.kind == Kind::Entry)
        {
            return;
        }
        self.scan_line_comment(comment_mark);
    }

    fn fetch_open(&mut self, token: Token) {
        self.save_simple_key();
        self.simple_keys.push(None);
        self.flow_level += 1;
        self.simple_key_allowed = true;
        let kind = if token.kind == TokenKind::OpenSequence {
            Kind::FlowSequenceStart
        } else {
            Kind::FlowMappingStart
        };
        self.append(kind, self.mark);
    }

    fn fetch_atom(&mut self, kind: Kind) {
        self.save_simple_key();
        self.simple_key_allowed = false;
        self.append(kind, self.mark);
    }

    fn fetch_value(&mut self, key: Option<u32>) {
        let level = self.simple_keys.len() - 1;
        let pending = self.simple_key(level);
        let start = key.map(i64::from);
        if let Some(pending) = pending.filter(|pending| start == Some(pending.mark.index)) {
            let item = Item {
                kind: Kind::Key,
                start: pending.mark,
            };
            self.items.insert(pending.item.min(self.items.len()), item);
            let at = Some(pending.item);
            self.roll(pending.mark.column, at, Kind::MappingStart, pending.mark);
            self.forget_simple_key(level);
            self.simple_key_allowed = false;
        } else {
            self.roll(self.mark.column, None, Kind::MappingStart, self.mark);
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.append(Kind::Value, self.mark);
    }

    /// A plain scalar takes the blanks and breaks after it.
    fn pass_white_after_plain(&mut self) {
        let line = self.mark.line;
        loop {
            self.skip_blanks();
            if !self.is_break(self.mark.index) {
                break;
            }
            self.skip_line();
        }
        if self.mark.line > line {
            self.simple_key_allowed = true;
        }
    }

    fn save_simple_key(&mut self) {
        if !self.simple_key_allowed {
            return;
        }
        self.remove_simple_key();
        let key = SimpleKey {
            item: self.items.len(),
            mark: self.mark,
        };
        let level = self.simple_keys.len() - 1;
        if let Some(slot) = self.simple_keys.last_mut() {
            *slot = Some(key);
        }
        self.by_item.insert(key.item, level);
    }

    fn remove_simple_key(&mut self) {
        self.forget_simple_key(self.simple_keys.len() - 1);
    }

    fn forget_simple_key(&mut self, level: usize) {
        if let Some(key) = self.simple_keys.get_mut(level).and_then(Option::take) {
            self.by_item.remove(&key.item);
        }
    }

    fn roll(&mut self, column: i64, at: Option<usize>, kind: Kind, start: Mark) {
        if self.flow_level > 0 || self.indent >= column {
            return;
        }
        self.indents.push(self.indent);
        self.indent = column;
        let at = at.unwrap_or(self.items.len()).min(self.items.len());
        self.items.insert(at, Item { kind, start });
    }

    /// Ends the blocks that are indented more than `column`. An end goes before the comments that
    /// belong to the block around.
    fn unroll(&mut self, column: i64, scan_mark: Mark) {
        if self.flow_level > 0 {
            return;
        }
        let mut block_mark = scan_mark;
        block_mark.index -= 1;
        while self.indent > column {
            let mut stop = block_mark.index;
            for comment in self.found.iter().rev() {
                if comment.end.index < stop {
                    break;
                }
                if comment.start.column == self.indent + 1 {
                    block_mark = comment.start;
                }
                stop = comment.scan.index;
            }
            self.append(Kind::BlockEnd, block_mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }
}
