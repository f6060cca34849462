//! Text to tokens.

use crate::fmt::{is_digit, is_letter, is_print, quote};
use crate::template::Delims;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A mistake; the token's text says which.
    Error,
    Bool,
    /// A character such as a comma.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    /// `.name`
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    // Keywords.
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    fn is_keyword(self) -> bool {
        self as u8 >= Self::Block as u8
    }
}

/// A token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'t> {
    pub(super) kind: Kind,
    /// Which of the lexer's mistakes an error is.
    mistake: u16,
    pub(super) pos: usize,
    pub(super) text: &'t str,
}

impl Item<'_> {
    /// What stands for a token where there is none yet.
    pub(super) const NONE: Self = Self {
        kind: Kind::Eof,
        mistake: 0,
        pos: 0,
        text: "",
    };

    /// As Go's messages show it; mistakes are told by [`Lexer::mistake`].
    pub(super) fn show(&self) -> String {
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            kind if kind.is_keyword() => format!("<{}>", self.text),
            _ if self.text.len() > 10 => {
                let head: String = self.text.chars().take(10).collect();
                format!("{}...", quote(head.as_bytes()))
            }
            _ => quote(self.text.as_bytes()),
        }
    }
}

/// The scanner.
pub(super) struct Lexer<'t> {
    input: &'t str,
    left: &'t str,
    right: &'t str,
    /// Whether the right delimiter is the usual one.
    ends_in_braces: bool,
    pos: usize,
    start: usize,
    inside_action: bool,
    paren_depth: u32,
    break_ok: bool,
    continue_ok: bool,
    mistakes: Vec<String>,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(
        input: &'t str,
        delims: &'t Delims,
        has_function: &dyn Fn(&str) -> bool,
    ) -> Self {
        let or = |delim: &'t String, default: &'t str| match delim.as_str() {
            "" => default,
            delim => delim,
        };
        Self {
            input,
            left: or(&delims.left, "{{"),
            right: or(&delims.right, "}}"),
            ends_in_braces: matches!(delims.right.as_str(), "" | "}}"),
            pos: 0,
            start: 0,
            inside_action: false,
            paren_depth: 0,
            break_ok: !has_function("break"),
            continue_ok: !has_function("continue"),
            mistakes: Vec::new(),
        }
    }

    /// The next token.
    pub(super) fn next_item(&mut self) -> Item<'t> {
        if self.inside_action {
            return self.action();
        }
        self.text()
    }

    fn rest(&self) -> &'t str {
        self.input.get(self.pos..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        match self.input.as_bytes().get(self.pos) {
            Some(&byte) if byte.is_ascii() => Some(char::from(byte)),
            _ => self.rest().chars().next(),
        }
    }

    /// Moves behind letters and digits.
    fn skip_alphanumeric(&mut self) {
        let bytes = self.input.as_bytes().get(self.pos..).unwrap_or_default();
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_');
        let length = bytes.iter().position(|byte| !plain(*byte));
        self.pos += length.unwrap_or(bytes.len());
        if bytes
            .get(length.unwrap_or(bytes.len()))
            .is_none_or(u8::is_ascii)
        {
            return;
        }
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.pos += next.map_or(0, char::len_utf8);
        next
    }

    fn accept(&mut self, valid: &str) -> bool {
        let is_valid = self.peek().is_some_and(|c| valid.contains(c));
        if is_valid {
            self.next();
        }
        is_valid
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }

    fn pending(&self) -> &'t str {
        self.input.get(self.start..self.pos).unwrap_or_default()
    }

    fn emit(&mut self, kind: Kind) -> Item<'t> {
        let item = Item {
            kind,
            mistake: 0,
            pos: self.start,
            text: self.pending(),
        };
        self.start = self.pos;
        item
    }

    fn ignore(&mut self) {
        self.start = self.pos;
    }

    /// A mistake ends the text.
    fn error(&mut self, message: String) -> Item<'t> {
        let pos = self.start;
        self.input = "";
        self.pos = 0;
        self.start = 0;
        let mistake = u16::try_from(self.mistakes.len()).unwrap_or(u16::MAX);
        self.mistakes.push(message);
        Item {
            kind: Kind::Error,
            mistake,
            pos,
            text: "",
        }
    }

    /// What is wrong at a token that is an error.
    pub(super) fn mistake(&self, item: &Item<'_>) -> &str {
        let told = self.mistakes.get(usize::from(item.mistake));
        told.map_or("", String::as_str)
    }

    /// Plain text up to an action. Comments are passed over.
    fn text(&mut self) -> Item<'t> {
        loop {
            let Some(length) = find(self.rest(), self.left) else {
                self.pos = self.input.len();
                let kind = if self.pos > self.start {
                    Kind::Text
                } else {
                    Kind::Eof
                };
                return self.emit(kind);
            };
            self.pos += length;
            let text = self.pending();
            let after = self
                .input
                .get(self.pos + self.left.len()..)
                .unwrap_or_default();
            let trimmed = if has_left_trim_marker(after) {
                text.trim_end_matches(is_space)
            } else {
                text
            };
            if !trimmed.is_empty() {
                let at = self.pos;
                self.pos = self.start + trimmed.len();
                let item = self.emit(Kind::Text);
                self.pos = at;
                self.ignore();
                return item;
            }
            self.ignore();
            if let Some(item) = self.left_delim() {
                return item;
            }
        }
    }

    /// The left delimiter; `None` for a comment, which is passed over.
    fn left_delim(&mut self) -> Option<Item<'t>> {
        self.pos += self.left.len();
        let marker = if has_left_trim_marker(self.rest()) {
            2
        } else {
            0
        };
        let after = self.rest().get(marker..).unwrap_or_default();
        if after.starts_with("/*") {
            self.pos += marker;
            self.ignore();
            return self.comment();
        }
        let item = self.emit(Kind::LeftDelim);
        self.inside_action = true;
        self.pos += marker;
        self.ignore();
        self.paren_depth = 0;
        Some(item)
    }

    /// Passes over a comment and its right delimiter; a token only where it is not closed well.
    fn comment(&mut self) -> Option<Item<'t>> {
        self.pos += 2;
        let Some(length) = find(self.rest(), "*/") else {
            return Some(self.error("unclosed comment".to_owned()));
        };
        self.pos += length + 2;
        let Some(trims) = self.at_right_delim() else {
            return Some(self.error("comment ends before closing delimiter".to_owned()));
        };
        self.after_right_delim(trims);
        self.ignore();
        None
    }

    /// Whether a right delimiter is next, and if so whether it has a trim marker.
    #[inline]
    fn at_right_delim(&self) -> Option<bool> {
        if !self.ends_in_braces {
            return self.right_delim_here();
        }
        match self.input.as_bytes().get(self.pos..)? {
            [b'}', b'}', ..] => Some(false),
            [b' ' | b'\t' | b'\r' | b'\n', b'-', b'}', b'}', ..] => Some(true),
            _ => None,
        }
    }

    fn right_delim_here(&self) -> Option<bool> {
        let rest = self.input.as_bytes().get(self.pos..).unwrap_or_default();
        let right = self.right.as_bytes();
        match rest {
            [b' ' | b'\t' | b'\r' | b'\n', b'-', after @ ..] if after.starts_with(right) => {
                Some(true)
            }
            _ => rest.starts_with(right).then_some(false),
        }
    }

    /// Moves behind the right delimiter and the space that it trims.
    fn after_right_delim(&mut self, trims: bool) {
        if trims {
            self.pos += 2;
        }
        self.pos += self.right.len();
        if trims {
            let rest = self.rest();
            self.pos += rest.len() - rest.trim_start_matches(is_space).len();
        }
    }

    fn right_delim(&mut self, trims: bool) -> Item<'t> {
        if trims {
            self.pos += 2;
            self.ignore();
        }
        self.pos += self.right.len();
        let item = self.emit(Kind::RightDelim);
        if trims {
            let rest = self.rest();
            self.pos += rest.len() - rest.trim_start_matches(is_space).len();
            self.ignore();
        }
        self.inside_action = false;
        item
    }

    fn action(&mut self) -> Item<'t> {
        if let Some(trims) = self.at_right_delim() {
            if self.paren_depth == 0 {
                return self.right_delim(trims);
            }
            return self.error("unclosed left paren".to_owned());
        }
        let Some(c) = self.next() else {
            return self.error("unclosed action".to_owned());
        };
        match c {
            _ if is_space(c) => {
                self.pos -= c.len_utf8();
                self.space()
            }
            '=' => self.emit(Kind::Assign),
            ':' if self.next() == Some('=') => self.emit(Kind::Declare),
            ':' => self.error("expected :=".to_owned()),
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted(b'"', "unterminated quoted string", Kind::String),
            '\'' => self.quoted(b'\'', "unterminated character constant", Kind::CharConstant),
            '`' => self.raw_string(),
            '$' if self.at_terminator() => self.emit(Kind::Variable),
            '$' => self.name(Kind::Variable),
            '.' if !self.peek().is_some_and(|c| c.is_ascii_digit()) && !self.rest().is_empty() => {
                if self.at_terminator() {
                    return self.emit(Kind::Dot);
                }
                self.name(Kind::Field)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.pos -= c.len_utf8();
                self.number()
            }
            _ if is_alphanumeric(c) => {
                self.pos -= c.len_utf8();
                self.identifier()
            }
            '(' => {
                self.paren_depth += 1;
                self.emit(Kind::LeftParen)
            }
            ')' if self.paren_depth == 0 => self.error("unexpected right paren".to_owned()),
            ')' => {
                self.paren_depth -= 1;
                self.emit(Kind::RightParen)
            }
            _ if c.is_ascii() && is_print(c) => self.emit(Kind::Char),
            _ => self.error(format!(
                "unrecognized character in action: {}",
                code_point(c)
            )),
        }
    }

    /// A run of spaces, less one that belongs to a trim marker.
    fn space(&mut self) -> Item<'t> {
        let rest = self.input.as_bytes().get(self.pos..).unwrap_or_default();
        let count = rest.iter().position(|byte| !is_space(char::from(*byte)));
        let count = count.unwrap_or(rest.len());
        self.pos += count - 1;
        if self.at_right_delim() == Some(true) {
            if count == 1 {
                return self.right_delim(true);
            }
        } else {
            self.pos += 1;
        }
        self.emit(Kind::Space)
    }

    fn identifier(&mut self) -> Item<'t> {
        self.skip_alphanumeric();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let kind = match self.pending() {
            "block" => Kind::Block,
            "break" if self.break_ok => Kind::Break,
            "continue" if self.continue_ok => Kind::Continue,
            "define" => Kind::Define,
            "else" => Kind::Else,
            "end" => Kind::End,
            "if" => Kind::If,
            "range" => Kind::Range,
            "nil" => Kind::Nil,
            "template" => Kind::Template,
            "with" => Kind::With,
            "true" | "false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.emit(kind)
    }

    /// The name after `.` or `$`.
    fn name(&mut self, kind: Kind) -> Item<'t> {
        self.skip_alphanumeric();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.emit(kind)
    }

    fn bad_character(&mut self) -> Item<'t> {
        let c = self.peek().map_or_else(String::new, code_point);
        self.error(format!("bad character {c}"))
    }

    /// Whether what is next may follow a name.
    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(c) => is_space(c) || self.at_right_delim() == Some(false),
        }
    }

    fn quoted(&mut self, mark: u8, unterminated: &str, kind: Kind) -> Item<'t> {
        loop {
            // All that ends or escapes is of one byte.
            let rest = self.input.as_bytes().get(self.pos..).unwrap_or_default();
            let plain = memchr::memchr3(mark, b'\\', b'\n', rest);
            self.pos += plain.unwrap_or(rest.len());
            match self.next() {
                Some('\\') if !matches!(self.next(), None | Some('\n')) => {}
                None | Some('\n' | '\\') => return self.error(unterminated.to_owned()),
                Some(c) if c == char::from(mark) => return self.emit(kind),
                Some(_) => {}
            }
        }
    }

    fn raw_string(&mut self) -> Item<'t> {
        match find(self.rest(), "`") {
            Some(length) => {
                self.pos += length + 1;
                self.emit(Kind::RawString)
            }
            None => self.error("unterminated raw quoted string".to_owned()),
        }
    }

    /// A number, not checked closely: the parser does.
    fn number(&mut self) -> Item<'t> {
        if !self.scan_number() {
            return self.bad_number();
        }
        if !matches!(self.peek(), Some('+' | '-')) {
            return self.emit(Kind::Number);
        }
        if !self.scan_number() || !self.pending().ends_with('i') {
            return self.bad_number();
        }
        self.emit(Kind::Complex)
    }

    fn bad_number(&mut self) -> Item<'t> {
        let text = quote(self.pending().as_bytes());
        self.error(format!("bad number syntax: {text}"))
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &str = "0123456789_";
        const HEX: &str = "0123456789abcdefABCDEF_";
        self.accept("+-");
        let mut digits = DECIMAL;
        if self.accept("0") {
            if self.accept("xX") {
                digits = HEX;
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        let has_exponent = match digits {
            DECIMAL => self.accept("eE"),
            HEX => self.accept("pP"),
            _ => false,
        };
        if has_exponent {
            self.accept("+-");
            self.accept_run(DECIMAL);
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

fn find(text: &str, what: &str) -> Option<usize> {
    let first = *what.as_bytes().first()?;
    let bytes = text.as_bytes();
    let starts = memchr::memchr_iter(first, bytes);
    let is_there = |at: &usize| {
        bytes
            .get(*at..)
            .is_some_and(|rest| rest.starts_with(what.as_bytes()))
    };
    starts.into_iter().find(is_there)
}

/// `U+002D '-'`, as Go's `%#U`.
fn code_point(c: char) -> String {
    let code = format!("U+{:04X}", u32::from(c));
    if is_print(c) {
        format!("{code} '{c}'")
    } else {
        code
    }
}

pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii() && (is_letter(c) || is_digit(c))
}

fn has_left_trim_marker(text: &str) -> bool {
    matches!(text.as_bytes(), [b'-', b' ' | b'\t' | b'\r' | b'\n', ..])
}
