//! Numbers, dates and times.

use trueup_gotemplate::{Value, fmt, sprig};

use super::read::Reader;

impl<'t> Reader<'t> {
    pub(super) fn number_or_date(&mut self) -> Result<Value, String> {
        let from = self.at;
        if matches!(self.peek(), Some(b'-' | b'+')) {
            self.bump();
            for (word, float) in [(b"inf", f64::INFINITY), (b"nan", f64::NAN)] {
                if self.take(word) {
                    return Ok(Value::Float(if self.text.get(from) == Some(&b'-') {
                        -float
                    } else {
                        float
                    }));
                }
            }
            if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                let found = self.shown();
                return Err(self.error(format!("expected a digit but got {found}")));
            }
        }
        let text = self.run(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'+' | b':')
        });
        let text = self.with_time(text);
        let text = std::str::from_utf8(text).unwrap_or_default();
        let bytes = text.as_bytes();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        if matches!(
            (digits, bytes.get(digits)),
            (4, Some(b'-')) | (2, Some(b':'))
        ) {
            return self.date(text);
        }
        let whole = self
            .text
            .get(from..self.at)
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or(text);
        let based = matches!(bytes, [b'0', b'x' | b'o' | b'b', ..]);
        if !based && text.contains(['.', 'e', 'E']) {
            self.float(whole)
        } else {
            self.integer(whole)
        }
    }

    /// A date may go on after one blank with the time of day.
    fn with_time(&mut self, date: &'t [u8]) -> &'t [u8] {
        let from = self.at - date.len();
        let rest = self.text.get(self.at..).unwrap_or_default();
        if date.len() == 10 && date.get(4) == Some(&b'-') && matches!(rest, [b' ', b'0'..=b'9', ..])
        {
            self.bump();
            self.run(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b':')
            });
        }
        self.text.get(from..self.at).unwrap_or_default()
    }

    fn date(&self, text: &str) -> Result<Value, String> {
        const LAYOUTS: [&str; 6] = [
            "2006-01-02T15:04:05Z07:00",
            "2006-01-02T15:04:05",
            "2006-01-02",
            "15:04:05",
            "2006-01-02T15:04Z07:00",
            "2006-01-02T15:04",
        ];
        let text = text.replace(['t', ' '], "T").replace('z', "Z");
        let read = LAYOUTS
            .iter()
            .chain(&["15:04"])
            .find_map(|layout| sprig::Time::parse(layout, &text).ok());
        read.map(Value::object).ok_or_else(|| {
            let shown = fmt::quote(text.as_bytes());
            self.error(format!("invalid datetime: {shown}"))
        })
    }

    fn check_digits(&self, kind: &str, text: &str) -> Result<(), String> {
        let shown = || fmt::quote(text.as_bytes());
        let parts = text
            .split(['.', 'e', 'E'])
            .filter(|part| kind == "float" && !part.is_empty());
        let parts: Vec<&str> = if kind == "float" {
            parts.collect()
        } else {
            vec![text]
        };
        let placed = |part: &&str| {
            let bytes = part.as_bytes();
            let fits = bytes.windows(2).all(|pair| pair != b"__");
            fits && !bytes.ends_with(b"_") && !bytes.starts_with(b"_")
        };
        if !parts.iter().all(placed) {
            return Err(self.error(format!(
                "Invalid {kind} {}: underscores must be surrounded by digits",
                shown()
            )));
        }
        let digits = parts
            .first()
            .copied()
            .unwrap_or_default()
            .trim_start_matches(['-', '+'])
            .as_bytes();
        if matches!(digits, [b'0', b'0'..=b'9' | b'_', ..]) {
            return Err(self.error(format!(
                "Invalid {kind} {}: cannot have leading zeroes",
                shown()
            )));
        }
        Ok(())
    }

    fn integer(&self, text: &str) -> Result<Value, String> {
        self.check_digits("integer", text)?;
        let plain = text.replace('_', "");
        let (digits, base) = match plain.get(..2) {
            Some("0x") => (plain.get(2..), 16),
            Some("0o") => (plain.get(2..), 8),
            Some("0b") => (plain.get(2..), 2),
            _ => (Some(plain.as_str()), 10),
        };
        let digits = digits.unwrap_or_default();
        i64::from_str_radix(digits, base).map(Value::Int64).map_err(|error| match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                self.error(format!("{text} is out of range for int64"))
            }
            _ => {
                let wrong = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or_default();
                let shown = text.get(wrong..).and_then(|rest| rest.chars().next()).unwrap_or_default();
                self.error(format!(
                    "expected a top-level item to end with a newline, comment, or EOF, but got '{shown}' instead"
                ))
            }
        })
    }

    fn float(&self, text: &str) -> Result<Value, String> {
        self.check_digits("float", text)?;
        let shown = fmt::quote(text.as_bytes());
        let dotless = text
            .bytes()
            .zip(text.bytes().skip(1))
            .any(|(dot, next)| dot == b'.' && !next.is_ascii_digit());
        if dotless || text.ends_with('.') {
            return Err(self.error(format!(
                "Invalid float {shown}: '.' must be followed by one or more digits"
            )));
        }
        match text.replace('_', "").parse::<f64>() {
            Ok(float) if float.is_finite() => Ok(Value::Float(float)),
            Ok(_) => Err(self.error(format!("{text} is out of range for float64"))),
            Err(_) => Err(self.error(format!("Invalid float value: {shown}"))),
        }
    }
}
