//! Taking a TOML text apart, with the errors of `BurntSushi/toml` and the line that it names.

use trueup_gotemplate::{Value, fmt};

use super::decode::{Clash, Table};

/// How deep arrays and inline tables may nest.
const DEPTH: usize = 250;

/// Reads a text from its beginning to its end.
pub(super) struct Reader<'t> {
    pub(super) text: &'t [u8],
    pub(super) at: usize,
    /// From 1; the line of the byte that is read next.
    pub(super) line: usize,
    /// The table that is open.
    context: Vec<String>,
    /// The key whose value is being read.
    current: Vec<String>,
    depth: usize,
}

fn dotted(path: &[String]) -> String {
    let bare = |part: &String| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    let parts = path.iter().map(|part| {
        if bare(part) {
            part.clone()
        } else {
            fmt::quote(part.as_bytes())
        }
    });
    parts.collect::<Vec<_>>().join(".")
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Self {
            text,
            at: 0,
            line: 1,
            context: Vec::new(),
            current: Vec::new(),
            depth: 0,
        }
    }

    /// The whole text, into the root table.
    pub(super) fn document(&mut self, root: &mut Table) -> Result<(), String> {
        self.check_bytes()?;
        loop {
            self.blanks_and_lines();
            match self.peek() {
                None => return Ok(()),
                Some(b'[') => self.table(root)?,
                Some(_) => self.pair(root)?,
            }
            self.blanks();
            match self.peek() {
                None | Some(b'\n' | b'\r' | b'#') => {}
                Some(_) => {
                    let found = self.shown();
                    return Err(self.error(format!(
                        "expected a top-level item to end with a newline, comment, or EOF, but got {found} instead"
                    )));
                }
            }
        }
    }

    /// Bytes that may stand nowhere.
    fn check_bytes(&mut self) -> Result<(), String> {
        let bad = |text: &[u8]| text.split(|byte| *byte == b'\n').count();
        if let Err(error) = std::str::from_utf8(self.text) {
            let at = error.valid_up_to();
            self.line = bad(self.text.get(..at).unwrap_or_default());
            let byte = self.text.get(at).copied().unwrap_or_default();
            return Err(self.error(format!("invalid UTF-8 byte: 0x{byte:02x}")));
        }
        let control = |(at, byte): &(usize, &u8)| match **byte {
            b'\t' | b'\n' => false,
            b'\r' => self.text.get(at + 1) != Some(&b'\n'),
            byte => byte < b' ' || byte == 0x7f,
        };
        if let Some((at, byte)) = self.text.iter().enumerate().find(control) {
            self.line = bad(self.text.get(..at).unwrap_or_default());
            return Err(self.error(format!(
                "TOML files cannot contain control characters: '0x{byte:02x}'"
            )));
        }
        Ok(())
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        self.line += usize::from(byte == b'\n');
        Some(byte)
    }

    pub(super) fn take(&mut self, prefix: &[u8]) -> bool {
        let taken = self
            .text
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(prefix));
        if taken {
            for _ in prefix {
                self.bump();
            }
        }
        taken
    }

    /// The run of bytes that `fits`.
    pub(super) fn run(&mut self, fits: impl Fn(u8) -> bool) -> &'t [u8] {
        let from = self.at;
        while self.peek().is_some_and(&fits) {
            self.bump();
        }
        self.text.get(from..self.at).unwrap_or_default()
    }

    fn blanks(&mut self) {
        self.run(|byte| matches!(byte, b' ' | b'\t'));
    }

    /// Blanks, line ends and comments.
    fn blanks_and_lines(&mut self) {
        loop {
            self.run(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
            if self.peek() != Some(b'#') {
                return;
            }
            self.run(|byte| byte != b'\n');
        }
    }

    /// The character that is read next, as `%q` shows it.
    pub(super) fn shown(&self) -> String {
        let rest = self
            .text
            .get(self.at..)
            .and_then(|rest| std::str::from_utf8(rest).ok())
            .unwrap_or_default();
        match rest.chars().next() {
            None => r"'\x00'".into(),
            Some('\'') => r"'\''".into(),
            Some('"') => "'\"'".into(),
            Some(found) => {
                let quoted = fmt::quote(found.to_string().as_bytes());
                format!("'{}'", quoted.trim_matches('"'))
            }
        }
    }

    /// An error at the place that is read; at the end of the text the last line that is not empty.
    pub(super) fn error(&self, message: impl AsRef<str>) -> String {
        let ended = self.at >= self.text.len() && self.text.ends_with(b"\n");
        let line = if ended { self.line - 1 } else { self.line };
        let key = [self.context.as_slice(), &self.current].concat();
        let message = message.as_ref();
        if key.is_empty() {
            return format!("toml: line {line}: {message}");
        }
        let key = fmt::quote(dotted(&key).as_bytes());
        format!("toml: line {line} (last key {key}): {message}")
    }

    fn clash(&self, clash: &Clash, path: &[String]) -> String {
        let whole = dotted(path);
        self.error(match clash {
            Clash::Defined => format!("Key '{whole}' has already been defined."),
            Clash::NoArray => {
                format!("Key '{whole}' was already created and cannot be used as an array.")
            }
            Clash::NoTable(steps) => {
                let part = dotted(path.get(..*steps).unwrap_or(path));
                format!("Key '{part}' was already created as a hash.")
            }
        })
    }

    fn table(&mut self, root: &mut Table) -> Result<(), String> {
        self.bump();
        let array = self.peek() == Some(b'[');
        if array {
            self.bump();
        }
        let mut path = Vec::new();
        loop {
            self.blanks();
            path.push(match self.peek() {
                None | Some(b']') => {
                    return Err(
                        self.error("unexpected end of table name (table names cannot be empty)")
                    );
                }
                Some(b'.') => {
                    return Err(
                        self.error("unexpected table separator (table names cannot be empty)")
                    );
                }
                Some(_) => self.name()?,
            });
            self.blanks();
            match self.peek() {
                Some(b'.') => self.bump(),
                Some(b']') => break,
                _ => {
                    let found = self.shown();
                    return Err(self.error(format!(
                        "expected '.' or ']' to end table name, but got {found} instead"
                    )));
                }
            };
        }
        self.bump();
        if array {
            if self.peek() != Some(b']') {
                let found = self.shown();
                return Err(self.error(format!(
                    "expected end of table array name delimiter ']', but got {found} instead"
                )));
            }
            self.bump();
        }
        let opened = if array {
            root.open_array(&path)
        } else {
            root.open(&path)
        };
        opened.map_err(|clash| self.clash(&clash, &path))?;
        self.context = path;
        Ok(())
    }

    fn name(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(b'"') => {
                self.bump();
                self.basic_string()
            }
            Some(b'\'') => {
                self.bump();
                self.raw_string()
            }
            _ => {
                let bare =
                    self.run(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
                Ok(String::from_utf8_lossy(bare).into_owned())
            }
        }
    }

    /// A key up to and with its equals sign.
    fn key(&mut self) -> Result<Vec<String>, String> {
        match self.peek() {
            None | Some(b'=') => return Err(self.error("unexpected '=': key name appears blank")),
            Some(b'.') => return Err(self.error("unexpected '.': keys cannot start with a '.'")),
            Some(_) => {}
        }
        let mut path = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                None | Some(b'=') => return Err(self.error("unexpected '='")),
                Some(b'.') => return Err(self.error("unexpected '.'")),
                Some(_) => path.push(self.name()?),
            }
            self.blanks();
            match self.peek() {
                Some(b'.') => {
                    self.bump();
                }
                Some(b'=') => {
                    self.bump();
                    return Ok(path);
                }
                None => return Err(self.error("unexpected EOF; expected key separator '='")),
                Some(_) => {
                    let found = self.shown();
                    return Err(self.error(format!("expected '.' or '=', but got {found} instead")));
                }
            }
        }
    }

    /// `key = value` in the open table.
    fn pair(&mut self, root: &mut Table) -> Result<(), String> {
        let path = self.key()?;
        let line = self.line;
        self.current.clone_from(&path);
        let value = self.value()?;
        let table = root
            .walk(&self.context)
            .map_err(|clash| self.clash(&clash, &self.context))?;
        let set = table.set(&path, value);
        if let Err(clash) = set {
            let whole = [self.context.as_slice(), &path].concat();
            let at = std::mem::replace(&mut self.line, line);
            let steps = match clash {
                Clash::NoTable(steps) => Clash::NoTable(steps + self.context.len()),
                other => other,
            };
            let error = self.clash(&steps, &whole);
            self.line = at;
            return Err(error);
        }
        self.current.clear();
        Ok(())
    }

    fn value(&mut self) -> Result<Value, String> {
        self.blanks();
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.error("values nest too deep"));
        }
        let value = match self.peek() {
            None => return Err(self.error("unexpected EOF; expected value")),
            Some(b'[') => self.array()?,
            Some(b'{') => self.inline_table()?,
            Some(b'"') => {
                let long = self.take(b"\"\"\"");
                Value::from(if long {
                    self.long_string()?
                } else {
                    self.bump();
                    self.basic_string()?
                })
            }
            Some(b'\'') => {
                let long = self.take(b"'''");
                Value::from(if long {
                    self.long_raw_string()?
                } else {
                    self.bump();
                    self.raw_string()?
                })
            }
            Some(b'.') => return Err(self.error("floats must start with a digit, not '.'")),
            Some(b'0'..=b'9' | b'-' | b'+') => self.number_or_date()?,
            Some(_) => self.word()?,
        };
        self.depth -= 1;
        Ok(value)
    }

    fn word(&mut self) -> Result<Value, String> {
        for (word, float) in [(b"inf", f64::INFINITY), (b"nan", f64::NAN)] {
            if self.take(word) {
                return Ok(Value::Float(float));
            }
        }
        let rest = self
            .text
            .get(self.at..)
            .and_then(|rest| std::str::from_utf8(rest).ok())
            .unwrap_or_default();
        let word: String = rest.chars().take_while(|c| c.is_alphabetic()).collect();
        if word.is_empty() {
            let found = self.shown();
            return Err(self.error(format!("expected value but found {found} instead")));
        }
        self.take(word.as_bytes());
        match word.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            word => {
                let found = fmt::quote(word.as_bytes());
                Err(self.error(format!("expected value but found {found} instead")))
            }
        }
    }

    fn array(&mut self) -> Result<Value, String> {
        self.bump();
        let mut items = Vec::new();
        loop {
            self.blanks_and_lines();
            match self.peek() {
                Some(b',') => return Err(self.error("unexpected comma")),
                Some(b']') => break,
                _ => items.push(self.value()?),
            }
            self.blanks_and_lines();
            match self.peek() {
                Some(b',') => {
                    self.bump();
                }
                Some(b']') => break,
                _ => {
                    let found = self.rune_or_end();
                    return Err(self.error(format!(
                        "expected a comma (',') or array terminator (']'), but got {found}"
                    )));
                }
            }
        }
        self.bump();
        Ok(Value::list(items))
    }

    pub(super) fn rune_or_end(&self) -> String {
        let rest = self
            .text
            .get(self.at..)
            .and_then(|rest| std::str::from_utf8(rest).ok())
            .unwrap_or_default();
        rest.chars()
            .next()
            .map_or_else(|| "end of file".into(), |found| format!("'{found}'"))
    }

    fn inline_table(&mut self) -> Result<Value, String> {
        self.bump();
        let outer = (self.context.clone(), std::mem::take(&mut self.current));
        self.context.extend(outer.1.iter().cloned());
        let mut table = Table::default();
        loop {
            self.blanks_and_lines();
            match self.peek() {
                Some(b',') => return Err(self.error("unexpected comma")),
                Some(b'}') => break,
                _ => {}
            }
            let path = self.key()?;
            self.current.clone_from(&path);
            let value = self.value()?;
            let whole = [self.context.as_slice(), &path].concat();
            table
                .set(&path, value)
                .map_err(|clash| self.clash(&clash, &whole))?;
            self.current.clear();
            self.blanks_and_lines();
            match self.peek() {
                Some(b',') => {
                    self.bump();
                }
                Some(b'}') => break,
                _ => {
                    let found = self.rune_or_end();
                    return Err(self.error(format!(
                        "expected a comma or an inline table terminator '}}', but got {found} instead"
                    )));
                }
            }
        }
        self.bump();
        (self.context, self.current) = outer;
        Ok(Value::Map(table.into_map()))
    }
}
