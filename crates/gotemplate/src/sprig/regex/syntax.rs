//! Go's regular expressions in the syntax of the `regex` crate, or the error that Go's parser has for them.
//!
//! Both match leftmost-first in linear time; what differs is spelling: classes that are ASCII in Go, brackets and
//! set operators inside classes, octal escapes, counts that are no counts.

use std::str::Chars;

/// The most copies that a count may ask for.
const MAX_REPEAT: u32 = 1000;

/// Go's words for what is wrong, and the part of the expression that is meant.
pub(super) type SyntaxError = (&'static str, String);

const MISSING_ARGUMENT: &str = "missing argument to repetition operator";
const INVALID_PERL: &str = "invalid or unsupported Perl syntax";
const INVALID_ESCAPE: &str = "invalid escape sequence";
const INVALID_RANGE: &str = "invalid character class range";
const MISSING_BRACKET: &str = "missing closing ]";
const NAMED_CAPTURE: &str = "invalid named capture";

/// Translates an expression.
pub(super) fn translate(expression: &str) -> Result<String, SyntaxError> {
    let mut parser = Parser {
        whole: expression,
        rest: expression.chars(),
        out: String::with_capacity(expression.len() + 16),
        depth: 0,
        repeatable: false,
        names: Vec::new(),
    };
    let mut last_repeat: Option<&str> = None;
    while let Some(next) = parser.peek() {
        let before = parser.rest.as_str();
        match next {
            '*' | '+' | '?' => {
                parser.rest.next();
                parser.repeat(before, last_repeat, &next.to_string())?;
                last_repeat = last_repeat.or(Some(before));
                continue;
            }
            '{' => {
                if let Some((count, after)) = count(before) {
                    parser.rest = after.chars();
                    let text = before.get(..before.len() - after.len()).unwrap_or_default();
                    if !count.is_valid() {
                        return Err(("invalid repeat count", text.to_owned()));
                    }
                    parser.repeat(before, last_repeat, text)?;
                    last_repeat = last_repeat.or(Some(before));
                    continue;
                }
                parser.literal();
            }
            '(' => parser.open()?,
            ')' => parser.close()?,
            '|' => {
                parser.copy();
                parser.repeatable = false;
            }
            '[' => {
                parser.class()?;
                parser.repeatable = true;
            }
            '\\' => parser.escape()?,
            '^' | '$' | '.' => parser.copy(),
            _ => parser.literal(),
        }
        last_repeat = None;
    }
    if parser.depth > 0 {
        return Err(("missing closing )", expression.to_owned()));
    }
    Ok(parser.out)
}

/// A count of repetitions; a bound that is no number of 32 bits is the largest one.
struct Count {
    least: u32,
    /// Nothing where there is no upper bound.
    most: Option<u32>,
}

impl Count {
    fn is_valid(&self) -> bool {
        self.least <= self.most.unwrap_or(self.least)
            && self.most.unwrap_or(self.least) <= MAX_REPEAT
    }
}

/// `{3}`, `{3,}` or `{3,5}` and what follows; anything else in braces is text.
fn count(text: &str) -> Option<(Count, &str)> {
    fn number(text: &str) -> Option<(u32, &str)> {
        let end = text.find(|c: char| !c.is_ascii_digit())?;
        let (digits, rest) = text.split_at_checked(end)?;
        // A leading zero makes it text.
        if digits.is_empty() || digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        Some((digits.parse().unwrap_or(u32::MAX), rest))
    }
    let (least, rest) = number(text.strip_prefix('{')?)?;
    if let Some(after) = rest.strip_prefix('}') {
        return Some((
            Count {
                least,
                most: Some(least),
            },
            after,
        ));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(after) = rest.strip_prefix('}') {
        return Some((Count { least, most: None }, after));
    }
    let (most, rest) = number(rest)?;
    Some((
        Count {
            least,
            most: Some(most),
        },
        rest.strip_prefix('}')?,
    ))
}

struct Parser<'e> {
    whole: &'e str,
    rest: Chars<'e>,
    out: String,
    depth: usize,
    /// Whether something stands before that can be repeated.
    repeatable: bool,
    names: Vec<&'e str>,
}

impl<'e> Parser<'e> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    /// The text from `from` to where reading stands.
    fn since(&self, from: &'e str) -> String {
        from.get(..from.len() - self.rest.as_str().len())
            .unwrap_or_default()
            .to_owned()
    }

    fn copy(&mut self) {
        self.out.extend(self.rest.next());
        self.repeatable = true;
    }

    fn literal(&mut self) {
        if let Some(literal) = self.rest.next() {
            push_literal(&mut self.out, literal);
        }
        self.repeatable = true;
    }

    /// After a repetition was read: `before` begins at it, `last` at one directly before it.
    fn repeat(
        &mut self,
        before: &'e str,
        last: Option<&'e str>,
        spelled: &str,
    ) -> Result<(), SyntaxError> {
        let lazy = self.peek() == Some('?');
        if lazy {
            self.rest.next();
        }
        if let Some(last) = last {
            return Err(("invalid nested repetition operator", self.since(last)));
        }
        if !self.repeatable {
            return Err((MISSING_ARGUMENT, self.since(before)));
        }
        self.out.push_str(spelled);
        if lazy {
            self.out.push('?');
        }
        Ok(())
    }

    fn open(&mut self) -> Result<(), SyntaxError> {
        let group = self.rest.as_str();
        self.rest.next();
        if self.peek() != Some('?') {
            self.out.push('(');
            self.depth += 1;
            self.repeatable = false;
            return Ok(());
        }
        self.rest.next();
        let after = self.rest.as_str();
        let named = after.strip_prefix("P<").or_else(|| after.strip_prefix('<'));
        if let Some(named) = named {
            let Some(end) = named.find('>') else {
                return Err((NAMED_CAPTURE, group.to_owned()));
            };
            let (name, rest) = named.split_at_checked(end).unwrap_or_default();
            let capture = || {
                group
                    .get(..group.len() - rest.len() + 1)
                    .unwrap_or(group)
                    .to_owned()
            };
            if name.is_empty() || !name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) {
                return Err((NAMED_CAPTURE, capture()));
            }
            if self.names.contains(&name) {
                return Err(("duplicate capture group name", name.to_owned()));
            }
            self.names.push(name);
            // Go's names may begin with a digit.
            self.out.extend(["(?P<n_", name, ">"]);
            self.rest = rest.chars();
            self.rest.next();
            self.depth += 1;
            self.repeatable = false;
            return Ok(());
        }
        self.flags(group)
    }

    /// `i`, `m`, `s`, `U` on and off, for the rest of the group or for one of its own.
    fn flags(&mut self, group: &'e str) -> Result<(), SyntaxError> {
        let (mut on, mut off) = (String::new(), String::new());
        let (mut negative, mut seen) = (false, false);
        loop {
            let flag = self.rest.next();
            match flag {
                Some(flag @ ('i' | 'm' | 's' | 'U')) => {
                    seen = true;
                    on.retain(|known| known != flag);
                    let set = if negative { &mut off } else { &mut on };
                    if !set.contains(flag) {
                        set.push(flag);
                    }
                }
                Some('-') if !negative => {
                    negative = true;
                    seen = false;
                }
                Some(end @ (':' | ')')) if !negative || seen => {
                    let spelled = if off.is_empty() {
                        on
                    } else {
                        format!("{on}-{off}")
                    };
                    if end == ':' {
                        self.out.extend(["(?", &spelled, ":"]);
                        self.depth += 1;
                        self.repeatable = false;
                    } else if !spelled.is_empty() {
                        self.out.extend(["(?", &spelled, ")"]);
                    }
                    return Ok(());
                }
                _ => return Err((INVALID_PERL, self.since(group))),
            }
        }
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        if self.depth == 0 {
            return Err(("unexpected )", self.whole.to_owned()));
        }
        self.depth -= 1;
        self.copy();
        Ok(())
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        let from = self.rest.as_str();
        self.repeatable = true;
        let mut ahead = self.rest.clone();
        ahead.next();
        let spelled = match ahead.next() {
            Some('A') => r"\A",
            Some('z') => r"\z",
            Some('b') => r"(?-u:\b)",
            Some('B') => r"(?-u:\B)",
            Some('Q') => {
                let text = ahead.as_str();
                let (quoted, rest) = text.split_once(r"\E").unwrap_or((text, ""));
                quoted
                    .chars()
                    .for_each(|literal| push_literal(&mut self.out, literal));
                self.rest = rest.chars();
                return Ok(());
            }
            _ => {
                if self.group_escape(from)? {
                    return Ok(());
                }
                let literal = self.character(from)?;
                push_literal(&mut self.out, literal);
                return Ok(());
            }
        };
        self.rest = ahead;
        self.out.push_str(spelled);
        Ok(())
    }

    /// A class of its own: `\d`, `\pL` and the like; says whether there was one.
    fn group_escape(&mut self, from: &'e str) -> Result<bool, SyntaxError> {
        let mut ahead = self.rest.clone();
        ahead.next();
        let Some(letter) = ahead.next() else {
            return Ok(false);
        };
        let (members, negated) = match letter {
            'd' => ("0-9", false),
            'D' => ("0-9", true),
            's' => (r"\t\n\x0c\r ", false),
            'S' => (r"\t\n\x0c\r ", true),
            'w' => ("0-9A-Za-z_", false),
            'W' => ("0-9A-Za-z_", true),
            'p' | 'P' => return self.property(from, letter == 'P').map(|()| true),
            _ => return Ok(false),
        };
        self.rest = ahead;
        let not = if negated { "^" } else { "" };
        self.out.extend(["[", not, members, "]"]);
        Ok(true)
    }

    fn property(&mut self, from: &'e str, mut negated: bool) -> Result<(), SyntaxError> {
        self.rest.next();
        self.rest.next();
        let mut name = match self.rest.next() {
            Some('{') => {
                let text = self.rest.as_str();
                let Some(end) = text.find('}') else {
                    return Err((INVALID_RANGE, from.to_owned()));
                };
                let (name, rest) = text.split_at_checked(end).unwrap_or_default();
                self.rest = rest.chars();
                self.rest.next();
                name.to_owned()
            }
            Some(letter) => letter.to_string(),
            None => return Err((INVALID_RANGE, from.to_owned())),
        };
        if let Some(rest) = name.strip_prefix('^') {
            negated = !negated;
            name = rest.to_owned();
        }
        let class = format!(r"\{}{{{name}}}", if negated { 'P' } else { 'p' });
        if name.contains(['=', ':', '!']) || regex::Regex::new(&class).is_err() {
            return Err((INVALID_RANGE, self.since(from)));
        }
        self.out.push_str(&class);
        Ok(())
    }

    /// The one character that an escape stands for.
    fn character(&mut self, from: &'e str) -> Result<char, SyntaxError> {
        self.rest.next();
        let Some(letter) = self.rest.next() else {
            return Err(("trailing backslash at end of expression", String::new()));
        };
        Ok(match letter {
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            // A digit alone would be a reference back, which there is not.
            '1'..='7' if !self.peek().is_some_and(|next| next.is_digit(8)) => {
                return Err((INVALID_ESCAPE, self.since(from)));
            }
            '0'..='7' => {
                let mut code = letter.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|next| next.to_digit(8)) else {
                        break;
                    };
                    self.rest.next();
                    code = code * 8 + digit;
                }
                char::from_u32(code).unwrap_or_default()
            }
            'x' => self.hexadecimal(from)?,
            letter if letter.is_ascii() && !letter.is_ascii_alphanumeric() => letter,
            _ => return Err((INVALID_ESCAPE, self.since(from))),
        })
    }

    fn hexadecimal(&mut self, from: &'e str) -> Result<char, SyntaxError> {
        let mut code = 0;
        let braces = self.peek() == Some('{');
        if braces {
            self.rest.next();
            let mut digits = 0;
            loop {
                match self.rest.next() {
                    Some('}') if digits > 0 => break,
                    Some(digit) if digit.is_ascii_hexdigit() => {
                        code = code * 16 + digit.to_digit(16).unwrap_or_default();
                        digits += 1;
                        if code > 0x0010_ffff {
                            return Err((INVALID_ESCAPE, self.since(from)));
                        }
                    }
                    _ => return Err((INVALID_ESCAPE, self.since(from))),
                }
            }
        } else {
            for _ in 0..2 {
                match self.rest.next().and_then(|digit| digit.to_digit(16)) {
                    Some(digit) => code = code * 16 + digit,
                    None => return Err((INVALID_ESCAPE, self.since(from))),
                }
            }
        }
        char::from_u32(code).ok_or_else(|| (INVALID_ESCAPE, self.since(from)))
    }

    /// A bracket expression.
    fn class(&mut self) -> Result<(), SyntaxError> {
        let from = self.rest.as_str();
        self.rest.next();
        self.out.push('[');
        if self.peek() == Some('^') {
            self.copy();
        }
        let mut first = true;
        loop {
            let item = self.rest.as_str();
            match self.peek() {
                None => return Err((MISSING_BRACKET, from.to_owned())),
                Some(']') if !first => {
                    self.rest.next();
                    self.out.push(']');
                    return Ok(());
                }
                Some('[') if item.starts_with("[:") && item.contains(":]") => self.posix(item)?,
                Some('\\') if self.group_escape(item)? => {}
                Some(_) => self.range(item, from)?,
            }
            first = false;
        }
    }

    fn posix(&mut self, item: &'e str) -> Result<(), SyntaxError> {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print",
            "punct", "space", "upper", "word", "xdigit",
        ];
        let end = item.find(":]").map_or(item.len(), |at| at + 2);
        let (class, rest) = item.split_at_checked(end).unwrap_or((item, ""));
        let name = class.trim_start_matches("[:").trim_end_matches(":]");
        if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err((INVALID_RANGE, class.to_owned()));
        }
        self.rest = rest.chars();
        self.out.push_str(class);
        Ok(())
    }

    /// One character of a class, or a range of them.
    fn range(&mut self, item: &'e str, class: &'e str) -> Result<(), SyntaxError> {
        let low = self.class_character(class)?;
        let after = self.rest.as_str();
        let mut high = low;
        if after.starts_with('-') && !after.starts_with("-]") && after.len() > 1 {
            self.rest.next();
            high = self.class_character(class)?;
            if high < low {
                return Err((INVALID_RANGE, self.since(item)));
            }
        }
        push_literal(&mut self.out, low);
        if high != low {
            self.out.push('-');
            push_literal(&mut self.out, high);
        }
        Ok(())
    }

    fn class_character(&mut self, class: &'e str) -> Result<char, SyntaxError> {
        match self.peek() {
            None => Err((MISSING_BRACKET, class.to_owned())),
            Some('\\') => self.character(self.rest.as_str()),
            Some(plain) => {
                self.rest.next();
                Ok(plain)
            }
        }
    }
}

/// A character that stands for itself, wherever.
fn push_literal(out: &mut String, literal: char) {
    if literal.is_ascii_alphanumeric() || literal == '_' || !literal.is_ascii() {
        out.push(literal);
    } else {
        let digit = |value: u32| char::from_digit(value, 16).unwrap_or('0');
        let code = u32::from(literal);
        out.extend(['\\', 'x', digit(code >> 4), digit(code & 15)]);
    }
}
