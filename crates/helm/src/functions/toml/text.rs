//! The four kinds of strings.

use trueup_gotemplate::fmt;

use super::read::Reader;

impl Reader<'_> {
    pub(super) fn raw_string(&mut self) -> Result<String, String> {
        let text = self.run(|byte| !matches!(byte, b'\'' | b'\n' | b'\r'));
        match self.peek() {
            Some(b'\'') => {
                self.bump();
                Ok(String::from_utf8_lossy(text).into_owned())
            }
            Some(_) => Err(self.error("strings cannot contain newlines")),
            None => Err(self.error("unexpected EOF; expected \"'\"")),
        }
    }

    pub(super) fn basic_string(&mut self) -> Result<String, String> {
        let mut out = Vec::new();
        loop {
            if matches!(self.peek(), Some(b'\n' | b'\r')) {
                return Err(self.error("strings cannot contain newlines"));
            }
            match self.bump() {
                None => return Err(self.error("unexpected EOF; expected '\"'")),
                Some(b'"') => return Ok(String::from_utf8_lossy(&out).into_owned()),
                Some(b'\\') => self.escape(&mut out)?,
                Some(byte) => out.push(byte),
            }
        }
    }

    /// After three quotes: what stands before the next three, of which more than three end it.
    pub(super) fn long_raw_string(&mut self) -> Result<String, String> {
        if !self.take(b"\n") {
            self.take(b"\r\n");
        }
        let from = self.at;
        loop {
            self.run(|byte| byte != b'\'');
            if self.peek().is_none() {
                return Err(self.error("unexpected EOF; expected \"'''\""));
            }
            let quotes = self.run(|byte| byte == b'\'').len();
            if quotes > 5 {
                return Err(self.error("unexpected \"''''''\""));
            }
            if quotes >= 3 {
                let text = self.text.get(from..self.at - 3).unwrap_or_default();
                return Ok(String::from_utf8_lossy(text).into_owned());
            }
        }
    }

    pub(super) fn long_string(&mut self) -> Result<String, String> {
        if !self.take(b"\n") {
            self.take(b"\r\n");
        }
        let mut out = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.error("unexpected EOF; expected '\"\"\"'")),
                Some(b'"') => {
                    let quotes = self.run(|byte| byte == b'"').len();
                    if quotes > 5 {
                        return Err(self.error("unexpected '\"\"\"\"\"\"'"));
                    }
                    if quotes >= 3 {
                        out.extend(std::iter::repeat_n(b'"', quotes - 3));
                        return Ok(String::from_utf8_lossy(&out).into_owned());
                    }
                    out.extend(std::iter::repeat_n(b'"', quotes));
                }
                Some(b'\\') => {
                    self.bump();
                    let (at, line) = (self.at, self.line);
                    // A backslash before a line's end takes all white space after it along.
                    let blank = self.run(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
                    if !blank.contains(&b'\n') {
                        (self.at, self.line) = (at, line);
                        self.escape(&mut out)?;
                    }
                }
                Some(_) => out.extend(self.bump()),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let letter = self.peek();
        let digits = match letter {
            Some(b'x') => ("two", 'x', 2),
            Some(b'u') => ("four", 'u', 4),
            Some(b'U') => ("eight", 'U', 8),
            Some(simple) => {
                out.push(match simple {
                    b'b' => 8,
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'f' => 12,
                    b'r' => b'\r',
                    b'e' => 0x1b,
                    plain @ (b'"' | b'\\') => plain,
                    b' ' | b'\t' => {
                        let shown = char::from(simple);
                        return Err(self.error(format!("invalid escape: '\\{shown}'")));
                    }
                    _ => {
                        let shown = self.rune_or_end();
                        return Err(self.error(format!(
                            "invalid escape in string '\\{}'",
                            shown.trim_matches('\'')
                        )));
                    }
                });
                self.bump();
                return Ok(());
            }
            None => return Err(self.error("invalid escape in string '\\\0'")),
        };
        self.bump();
        let (count, name, length) = digits;
        let from = self.at;
        for _ in 0..length {
            if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                let got = fmt::quote(self.text.get(from..=self.at).unwrap_or_default());
                return Err(self.error(format!(
                    "expected {count} hexadecimal digits after '\\{name}', but got {got} instead"
                )));
            }
            self.bump();
        }
        let text = self
            .text
            .get(from..self.at)
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or_default();
        let rune = u32::from_str_radix(text, 16).ok().and_then(char::from_u32);
        let rune = rune.ok_or_else(|| {
            self.error(format!("Escaped character '\\u{text}' is not valid UTF-8."))
        })?;
        out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }
}
