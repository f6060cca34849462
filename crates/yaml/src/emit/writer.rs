//! The output side of libyaml's emitter: indentation, indicators and scalars, as both Go packages
//! print them. Knows nothing of documents; the walkers in `kyaml` and `sigs` drive it.

use super::analyse::{Allowed, Dialect, is_ascii_line, is_break, is_printable};
use crate::node::Style;

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Root,
    Item,
    /// A key written on one line.
    SimpleKey,
    /// A key after `? `, or a value.
    Mapping,
}

pub(super) struct Writer<'o> {
    pub(super) out: &'o mut String,
    pub(super) dialect: Dialect,
    /// Of the collection we are in; -1 before the root.
    pub(super) indent: i32,
    pub(super) flow_level: u32,
    /// The last character written was a space, or stands for one.
    pub(super) whitespace: bool,
    /// The line has nothing but indentation, `-`, `?` and `:` so far.
    pub(super) indention: bool,
    /// An empty line goes before content at this indentation, after a foot comment.
    pub(super) foot_indent: i32,
    /// Where in `out` the current line starts.
    line_start: usize,
}

/// A line break and the indentation that nearly every line has at most.
const LINE: &str = "\n                               ";
const SPACES: &str = "                                                                ";
const WIDTH: usize = 80;

impl<'o> Writer<'o> {
    pub(super) fn new(out: &'o mut String, dialect: Dialect) -> Self {
        let line_start = out.len();
        Self {
            out,
            dialect,
            indent: -1,
            flow_level: 0,
            whitespace: true,
            indention: true,
            foot_indent: -1,
            line_start,
        }
    }

    /// Bytes on the line so far; characters as well while it has nothing but indentation.
    #[inline]
    fn width(&self) -> usize {
        self.out.len() - self.line_start
    }

    /// Characters on the line so far.
    fn column(&self) -> usize {
        self.out
            .get(self.line_start..)
            .map_or(0, |line| line.chars().count())
    }

    #[inline]
    pub(super) fn at_line_start(&self) -> bool {
        self.out.len() == self.line_start
    }

    #[inline]
    pub(super) fn put_break(&mut self) {
        self.out.push('\n');
        self.line_start = self.out.len();
        if self.dialect == Dialect::V3 {
            self.indention = true;
        }
    }

    #[inline]
    pub(super) fn write_indent(&mut self) {
        let indent = usize::try_from(self.indent).unwrap_or(0);
        if !self.indention && self.foot_indent < 0 && indent < LINE.len() {
            // The usual case: a new line. One copy of fixed length, cut to what is wanted.
            let start = self.out.len() + 1;
            self.out.push_str(LINE);
            self.out.truncate(start + indent);
            self.line_start = start;
            self.whitespace = true;
            self.indention = true;
            return;
        }
        if self.indention {
            let column = self.width();
            if column > indent || (column == indent && !self.whitespace) {
                self.put_break();
            }
        } else {
            self.put_break();
        }
        if self.foot_indent >= 0 && usize::try_from(self.foot_indent) == Ok(indent) {
            self.put_break();
        }
        let mut missing = indent.saturating_sub(self.width());
        while missing > 0 {
            let step = missing.min(SPACES.len());
            self.out.push_str(SPACES.get(..step).unwrap_or(SPACES));
            missing -= step;
        }
        self.whitespace = true;
        if self.dialect == Dialect::V2 {
            self.indention = true;
        }
        self.foot_indent = -1;
    }

    /// Writes an indicator, after a space where it needs one.
    #[inline]
    pub(super) fn indicator(
        &mut self,
        text: &str,
        need_whitespace: bool,
        is_whitespace: bool,
        is_indention: bool,
    ) {
        if need_whitespace && !self.whitespace {
            self.out.push(' ');
        }
        self.out.push_str(text);
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }

    /// Sets the indentation of a collection in the current one; returns that of the current one.
    /// A block sequence that is a mapping's value is not indented.
    #[inline]
    pub(super) fn enter(&mut self, flow: bool, same: bool) -> i32 {
        let outer = self.indent;
        self.indent = match outer {
            ..0 if flow => 2,
            ..0 => 0,
            _ if same => outer,
            _ => outer + 2,
        };
        outer
    }

    /// `!tag` in the shortest form; takes the short form of the default handles.
    pub(super) fn tag(&mut self, tag: &str) {
        if !self.whitespace {
            self.out.push(' ');
        }
        let (open, suffix, close) = if let Some(suffix) = tag.strip_prefix("!!") {
            ("!!", suffix, "")
        } else if let Some(suffix) = tag.strip_prefix('!') {
            ("!", suffix, "")
        } else {
            ("!<", tag, ">")
        };
        self.out.push_str(open);
        for byte in suffix.bytes() {
            let as_is = byte.is_ascii_alphanumeric() || b";/?:@&=+$,_.~*'()[]-".contains(&byte);
            if as_is {
                self.out.push(char::from(byte));
            } else {
                self.out.push('%');
                push_hex(self.out, u32::from(byte), 2);
            }
        }
        self.out.push_str(close);
        self.whitespace = false;
        self.indention = false;
    }

    /// The style that the text and the place allow.
    #[inline]
    pub(super) fn choose(
        &self,
        style: Style,
        empty: bool,
        allowed: Allowed,
        place: Place,
    ) -> Style {
        let flow = self.flow_level > 0;
        let simple_key = place == Place::SimpleKey;
        let mut style = style;
        if simple_key && allowed.multiline {
            style = Style::DoubleQuoted;
        }
        if style == Style::Plain {
            let plain = if flow {
                allowed.flow_plain
            } else {
                allowed.block_plain
            };
            if !plain || (empty && (flow || simple_key)) {
                style = Style::SingleQuoted;
            }
        }
        if style == Style::SingleQuoted && !allowed.single_quoted {
            style = Style::DoubleQuoted;
        }
        if matches!(style, Style::Literal | Style::Folded) && (!allowed.block || flow || simple_key)
        {
            style = Style::DoubleQuoted;
        }
        style
    }

    /// Writes a scalar in a style that is allowed. `line` is the comment at the end of its first line,
    /// which only a block scalar takes here; whether it did is returned.
    #[inline]
    pub(super) fn scalar(&mut self, text: &str, style: Style, place: Place, line: &str) -> bool {
        let breaks = place != Place::SimpleKey;
        if style == Style::Plain && !self.may_fold(text, breaks) && !text.is_empty() {
            self.plain_line(text);
            return false;
        }
        let outer = self.enter(true, false);
        let mut took = false;
        match style {
            Style::Plain | Style::Flow | Style::Block => self.plain(text, breaks),
            Style::SingleQuoted => self.single_quoted(text, breaks),
            Style::DoubleQuoted => self.double_quoted(text, breaks),
            Style::Literal => {
                self.literal(text, line);
                took = true;
            }
            Style::Folded => {
                self.folded(text, line);
                took = true;
            }
        }
        self.indent = outer;
        took
    }

    /// A key that is a plain text without breaks, and its colon.
    #[inline]
    pub(super) fn key(&mut self, text: &str) {
        if !self.whitespace {
            self.out.push(' ');
        }
        self.out.push_str(text);
        self.out.push(':');
        self.whitespace = false;
        self.indention = false;
    }

    /// A plain text without breaks that stays on the line.
    #[inline]
    pub(super) fn plain_line(&mut self, text: &str) {
        if !self.whitespace {
            self.out.push(' ');
        }
        self.out.push_str(text);
        self.whitespace = false;
        self.indention = false;
    }

    /// Whether a line so long may have to be folded at a space.
    #[inline]
    pub(super) fn may_fold(&self, text: &str, breaks: bool) -> bool {
        breaks
            && self.dialect == Dialect::V2
            && self.width() + text.len() > WIDTH
            && text.contains(' ')
    }

    fn folds_here(&self, breaks: bool, after_space: bool) -> bool {
        breaks && !after_space && self.dialect == Dialect::V2 && self.column() > WIDTH
    }

    fn plain(&mut self, text: &str, breaks: bool) {
        let needs_space = !text.is_empty() || self.dialect == Dialect::V2;
        if needs_space && !self.whitespace {
            self.out.push(' ');
        }
        let mut after_space = false;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c == ' ' {
                if self.folds_here(breaks, after_space) && chars.peek() != Some(&' ') {
                    self.write_indent();
                } else {
                    self.out.push(c);
                }
                after_space = true;
            } else {
                self.out.push(c);
                self.indention = false;
                after_space = false;
            }
        }
        if needs_space {
            self.whitespace = false;
        }
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str, breaks: bool) {
        self.indicator("'", true, false, false);
        if !self.may_fold(text, breaks) && is_ascii_line(text) && !text.contains('\'') {
            self.out.push_str(text);
            self.close_quote("'");
            return;
        }
        let mut after_space = false;
        let mut after_break = false;
        let last = text.len().saturating_sub(1);
        for (at, c) in text.char_indices() {
            if c == ' ' {
                let inner = at > 0 && at < last && text.as_bytes().get(at + 1) != Some(&b' ');
                if inner && self.folds_here(breaks, after_space) {
                    self.write_indent();
                } else {
                    self.out.push(c);
                }
                after_space = true;
            } else if is_break(c) {
                if !after_break && c == '\n' {
                    self.put_break();
                }
                self.text_break(c);
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                if c == '\'' {
                    self.out.push('\'');
                }
                self.out.push(c);
                self.indention = false;
                after_space = false;
                after_break = false;
            }
        }
        self.close_quote("'");
    }

    fn close_quote(&mut self, quote: &str) {
        self.out.push_str(quote);
        self.whitespace = false;
        self.indention = false;
    }

    /// A line break of the text itself.
    fn text_break(&mut self, c: char) {
        if c == '\n' {
            self.put_break();
        } else {
            self.out.push(c);
            self.line_start = self.out.len();
        }
        self.indention = true;
    }

    fn double_quoted(&mut self, text: &str, breaks: bool) {
        self.indicator("\"", true, false, false);
        if is_ascii_line(text)
            && !self.may_fold(text, breaks)
            && memchr::memchr2(b'"', b'\\', text.as_bytes()).is_none()
        {
            self.out.push_str(text);
            self.close_quote("\"");
            return;
        }
        // Both emitters look for a byte-order mark at the start of the text whatever the character.
        let all = text.starts_with('\u{FEFF}');
        let last = text.len().saturating_sub(1);
        let mut after_space = false;
        for (at, c) in text.char_indices() {
            if all || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                self.escape(c);
                after_space = false;
            } else if c == ' ' {
                if at > 0 && at < last && self.folds_here(breaks, after_space) {
                    self.write_indent();
                    if text.as_bytes().get(at + 1) == Some(&b' ') {
                        self.out.push('\\');
                    }
                } else {
                    self.out.push(c);
                }
                after_space = true;
            } else {
                self.out.push(c);
                after_space = false;
            }
        }
        self.close_quote("\"");
    }

    fn escape(&mut self, c: char) {
        self.out.push('\\');
        let short = match c {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{B}' => 'v',
            '\u{C}' => 'f',
            '\r' => 'r',
            '\u{1B}' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{A0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = u32::from(c);
                let (letter, digits) = match code {
                    0..=0xFF => ('x', 2),
                    0x100..=0xFFFF => ('u', 4),
                    _ => ('U', 8),
                };
                self.out.push(letter);
                push_hex(self.out, code, digits);
                return;
            }
        };
        self.out.push(short);
    }

    fn block_hints(&mut self, text: &str) {
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.indicator("2", false, false, false);
        }
        let mut last = text.chars().rev();
        let ends_in_break = last.next().is_some_and(is_break);
        if !ends_in_break {
            self.indicator("-", false, false, false);
        } else if last.next().is_none_or(is_break) {
            self.indicator("+", false, false, false);
        }
    }

    /// The end of a block scalar's first line.
    fn end_header(&mut self, line: &str) {
        if line.is_empty() {
            self.put_break();
        } else {
            self.line_comment(line);
        }
        self.indention = true;
        self.whitespace = true;
    }

    fn literal(&mut self, text: &str, line: &str) {
        self.indicator("|", true, false, false);
        self.block_hints(text);
        self.end_header(line);
        if text.is_ascii() {
            for line in text.split_inclusive('\n') {
                let content = line.strip_suffix('\n').unwrap_or(line);
                if !content.is_empty() {
                    self.write_indent();
                    self.out.push_str(content);
                    self.indention = false;
                }
                if content.len() < line.len() {
                    self.text_break('\n');
                }
            }
            return;
        }
        for piece in text.split_inclusive(is_break) {
            let content = piece.trim_end_matches(is_break);
            if !content.is_empty() {
                self.write_indent();
                self.out.push_str(content);
                self.indention = false;
            }
            if let Some(c) = piece.chars().next_back().filter(|&c| is_break(c)) {
                self.text_break(c);
            }
        }
    }

    fn folded(&mut self, text: &str, line: &str) {
        self.indicator(">", true, false, false);
        self.block_hints(text);
        self.end_header(line);
        let mut after_break = true;
        let mut leading_spaces = true;
        // The emitters look at the start of the whole text, not at what follows the break.
        let start = text.trim_start_matches(is_break);
        let start_blank = start.is_empty() || start.starts_with([' ', '\t', '\0']);
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if is_break(c) {
                if !after_break && !leading_spaces && c == '\n' && !start_blank {
                    self.put_break();
                }
                self.text_break(c);
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                    leading_spaces = c == ' ' || c == '\t';
                }
                let fold = !after_break && c == ' ' && chars.peek() != Some(&' ');
                if fold && self.folds_here(true, false) {
                    self.write_indent();
                } else {
                    self.out.push(c);
                }
                self.indention = false;
                after_break = false;
            }
        }
    }

    /// A comment after content on the line.
    pub(super) fn line_comment(&mut self, comment: &str) {
        if !self.whitespace {
            self.out.push(' ');
        }
        self.comment(comment);
    }

    /// The lines of a comment, each at the current indentation.
    pub(super) fn comment(&mut self, comment: &str) {
        let mut after_break = false;
        let mut pound = false;
        for c in comment.chars() {
            if is_break(c) {
                self.text_break(c);
                after_break = true;
                pound = false;
                continue;
            }
            if after_break {
                self.write_indent();
            }
            if !pound {
                if c != '#' {
                    self.out.push_str("# ");
                }
                pound = true;
            }
            self.out.push(c);
            self.indention = false;
            after_break = false;
        }
        if !after_break {
            self.put_break();
        }
        self.whitespace = true;
    }
}

fn push_hex(out: &mut String, code: u32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = (code >> (place * 4)) & 0xF;
        let c = char::from_digit(digit, 16).unwrap_or('0');
        out.push(c.to_ascii_uppercase());
    }
}
