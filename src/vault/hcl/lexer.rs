//! The tokens of HCL, version 1: the language of policies.

/// A token, with the byte at which it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it begins.
    pub at: usize,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A bare word.
    Ident(String),
    /// A quoted text, or a heredoc.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// `true` or `false`.
    Bool(bool),
    /// One of `{}[]=,`.
    Sign(char),
}

/// What is wrong, and at which byte.
pub(super) type Failure = (usize, String);

/// All tokens of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Failure> {
    let mut lexer = Lexer { text, at: 0 };
    let mut all = Vec::new();
    while let Some(token) = lexer.next()? {
        all.push(token);
    }
    Ok(all)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Result<Option<Token>, Failure> {
        self.skip()?;
        let at = self.at;
        let Some(first) = self.rest().chars().next() else {
            return Ok(None);
        };
        let kind = match first {
            '{' | '}' | '[' | ']' | '=' | ',' => {
                self.at += 1;
                Kind::Sign(first)
            }
            '"' => self.quoted()?,
            '<' if self.rest().starts_with("<<") => self.heredoc()?,
            '-' | '+' | '.' | '0'..='9' => self.number()?,
            c if c.is_alphabetic() || c == '_' => self.word(),
            other => return Err((at, format!("`{other}` cannot stand here"))),
        };
        Ok(Some(Token { kind, at }))
    }

    /// White space and comments.
    fn skip(&mut self) -> Result<(), Failure> {
        loop {
            let rest = self.rest();
            let bare = rest.trim_start();
            self.at += rest.len() - bare.len();
            let bare = self.rest();
            if bare.starts_with('#') || bare.starts_with("//") {
                self.at += bare.find('\n').unwrap_or(bare.len());
            } else if bare.starts_with("/*") {
                let end = bare.find("*/");
                let end = end.ok_or_else(|| (self.at, "this comment has no end".to_owned()))?;
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn word(&mut self) -> Kind {
        let part = |c: char| c.is_alphanumeric() || "_-.".contains(c);
        let rest = self.rest();
        let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default().to_owned();
        self.at += end;
        match word.as_str() {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            _ => Kind::Ident(word),
        }
    }

    fn number(&mut self) -> Result<Kind, Failure> {
        let part = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let rest = self.rest();
        let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let number = rest.get(..end).unwrap_or_default().to_owned();
        let hex = number.strip_prefix("0x");
        let hex = hex.and_then(|digits| i64::from_str_radix(digits, 16).ok());
        if hex.is_none() && number.parse::<f64>().is_err() {
            return Err((self.at, format!("`{number}` is no number")));
        }
        self.at += end;
        Ok(Kind::Number(hex.map_or(number, |hex| hex.to_string())))
    }

    /// A text in quotes. What stands in `${…}` is part of it as it is, quotes included.
    fn quoted(&mut self) -> Result<Kind, Failure> {
        let start = self.at;
        let unended = || (start, "this text has no closing quote".to_owned());
        let mut text = String::new();
        let mut depth = 0_usize;
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' if depth == 0 => {
                    self.at += at + 1;
                    return Ok(Kind::Text(text));
                }
                '\n' if depth == 0 => return Err(unended()),
                '$' if chars.peek().is_some_and(|(_, next)| *next == '{') => {
                    depth += 1;
                    chars.next();
                    text.push_str("${");
                    continue;
                }
                '{' if depth > 0 => depth += 1,
                '}' if depth > 0 => depth -= 1,
                '\\' if depth == 0 => {
                    let (_, escaped) = chars.next().ok_or_else(unended)?;
                    text.push(match escaped {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        '"' | '\\' => escaped,
                        'u' => {
                            let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                            u32::from_str_radix(&digits, 16)
                                .ok()
                                .and_then(char::from_u32)
                                .ok_or_else(|| {
                                    (start + at, format!("`\\u{digits}` is no character"))
                                })?
                        }
                        other => {
                            return Err((start + at, format!("`\\{other}` means nothing")));
                        }
                    });
                    continue;
                }
                _ => {}
            }
            text.push(c);
        }
        Err(unended())
    }

    /// `<<NAME` or `<<-NAME`, lines, `NAME`. With the dash the least indentation is taken off.
    fn heredoc(&mut self) -> Result<Kind, Failure> {
        let start = self.at;
        let unended = || (start, "this text has no end mark".to_owned());
        let rest = self.rest();
        let (head, body) = rest.split_once('\n').ok_or_else(unended)?;
        let name = head.trim_start_matches('<');
        let (dedents, name) = match name.strip_prefix('-') {
            Some(name) => (true, name.trim()),
            None => (false, name.trim()),
        };
        let mut lines = Vec::new();
        let mut length = head.len() + 1;
        for line in body.split_inclusive('\n') {
            length += line.len();
            if line.trim() == name {
                // The end of the mark's own line is white space that follows.
                let read = length;
                let least = lines.iter().filter(|line: &&&str| !line.trim().is_empty());
                let indent = |line: &&str| line.len() - line.trim_start().len();
                let least = least.map(indent).min().unwrap_or(0);
                let text = lines
                    .iter()
                    .map(|line| {
                        if dedents {
                            line.get(least..).unwrap_or("\n")
                        } else {
                            line
                        }
                    })
                    .collect();
                self.at += read;
                return Ok(Kind::Text(text));
            }
            lines.push(line);
        }
        Err(unended())
    }
}
