//! Kubernetes label selectors: `app=web,tier in (a,b),!legacy`.

use std::fmt;

/// A parsed selector; all its requirements must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Symbol(&'static str),
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) | Self::Symbol(text) => write!(f, "`{text}`"),
            Self::End => f.write_str("the end"),
        }
    }
}

impl LabelSelector {
    /// Reads the syntax of `kubectl -l`. An empty text selects everything.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser {
            tokens: tokens(text)?,
            at: 0,
        };
        let mut requirements = Vec::new();
        while parser.peek() != Token::End {
            requirements.push(parser.requirement()?);
            match parser.next() {
                Token::End => break,
                Token::Symbol(",") => match parser.peek() {
                    Token::Word(_) | Token::Symbol("!") => {}
                    found => return Err(format!("expected a label key after `,`, found {found}")),
                },
                found => return Err(format!("expected `,` or the end, found {found}")),
            }
        }
        Ok(Self { requirements })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    pub(crate) fn accepts(&self, labels: &[(&str, &str)]) -> bool {
        self.requirements.iter().all(|requirement| {
            let found = labels
                .iter()
                .find(|(key, _)| *key == requirement.key)
                .map(|(_, value)| *value);
            match (&requirement.test, found) {
                (Test::Exists, found) => found.is_some(),
                (Test::Absent, found) => found.is_none(),
                (Test::In(values), found) => {
                    found.is_some_and(|found| values.iter().any(|value| value == found))
                }
                (Test::NotIn(values), found) => {
                    found.is_none_or(|found| values.iter().all(|value| value != found))
                }
                (Test::Above(limit), found) => number(found).is_some_and(|found| found > *limit),
                (Test::Below(limit), found) => number(found).is_some_and(|found| found < *limit),
            }
        })
    }
}

fn number(text: Option<&str>) -> Option<i64> {
    text.and_then(|text| text.parse().ok())
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    const SYMBOLS: [&str; 9] = ["==", "!=", ")", ",", "!", "=", ">", "<", "("];
    let is_special = |c: char| "=!(),><".contains(c);
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', '\r', '\n']);
    while let Some(first) = rest.chars().next() {
        if is_special(first) {
            let symbol = SYMBOLS
                .into_iter()
                .find(|symbol| rest.starts_with(symbol))
                .ok_or_else(|| format!("`{first}` is not an operator"))?;
            tokens.push(Token::Symbol(symbol));
            rest = rest.strip_prefix(symbol).unwrap_or_default();
        } else {
            let end = rest
                .find(|c: char| is_special(c) || c.is_ascii_whitespace())
                .unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            tokens.push(Token::Word(word));
            rest = after;
        }
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        self.tokens.get(self.at).copied().unwrap_or(Token::End)
    }

    fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let absent = self.peek() == Token::Symbol("!");
        if absent {
            self.at += 1;
        }
        let key = match self.next() {
            Token::Word(key) => check_key(key)?.to_owned(),
            found => return Err(format!("expected a label key, found {found}")),
        };
        let test = match self.peek() {
            Token::End | Token::Symbol(",") if absent => Test::Absent,
            Token::End | Token::Symbol(",") => Test::Exists,
            _ if absent => Test::Absent,
            _ => self.test()?,
        };
        Ok(Requirement { key, test })
    }

    fn test(&mut self) -> Result<Test, String> {
        match self.next() {
            Token::Word("in") => self.list().map(Test::In),
            Token::Word("notin") => self.list().map(Test::NotIn),
            Token::Symbol("=" | "==") => Ok(Test::In(vec![self.value()?])),
            Token::Symbol("!=") => Ok(Test::NotIn(vec![self.value()?])),
            Token::Symbol(">") => self.limit().map(Test::Above),
            Token::Symbol("<") => self.limit().map(Test::Below),
            found => Err(format!(
                "expected `=`, `==`, `!=`, `in` or `notin`, found {found}"
            )),
        }
    }

    fn limit(&mut self) -> Result<i64, String> {
        let text = self.value()?;
        text.parse()
            .map_err(|_| format!("`{text}` must be a whole number after `>` or `<`"))
    }

    fn value(&mut self) -> Result<String, String> {
        match self.peek() {
            Token::End | Token::Symbol(",") => Ok(String::new()),
            Token::Word(text) => {
                self.at += 1;
                check_value(text).map(str::to_owned)
            }
            found @ Token::Symbol(_) => Err(format!("expected a label value, found {found}")),
        }
    }

    /// `(a,b)`; an empty piece is the empty value.
    fn list(&mut self) -> Result<Vec<String>, String> {
        match self.next() {
            Token::Symbol("(") => {}
            found => return Err(format!("expected `(`, found {found}")),
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                Token::Word(text) => {
                    values.push(check_value(text)?.to_owned());
                    match self.next() {
                        Token::Symbol(",") => {
                            if self.peek() == Token::Symbol(")") {
                                values.push(String::new());
                            }
                        }
                        Token::Symbol(")") => return Ok(values),
                        found => return Err(format!("expected `,` or `)`, found {found}")),
                    }
                }
                Token::Symbol(",") => values.push(String::new()),
                Token::Symbol(")") => {
                    if values.is_empty() {
                        values.push(String::new());
                    }
                    return Ok(values);
                }
                found => return Err(format!("expected a label value, found {found}")),
            }
        }
    }
}

/// A qualified name: an optional DNS subdomain and a slash, then up to 63 of letters, digits, `-_.`,
/// with a letter or digit at both ends.
fn check_key(key: &str) -> Result<&str, String> {
    let (prefix, name) = key
        .split_once('/')
        .map_or((None, key), |(p, n)| (Some(p), n));
    let prefix_fits = prefix.is_none_or(|prefix| {
        !prefix.is_empty()
            && prefix.len() <= 253
            && prefix.split('.').all(|label| {
                framed(
                    label,
                    |b| b.is_ascii_lowercase() || b.is_ascii_digit(),
                    b"-",
                )
            })
    });
    if prefix_fits && name.len() <= 63 && framed(name, |b| b.is_ascii_alphanumeric(), b"-_.") {
        Ok(key)
    } else {
        Err(format!("`{key}` is not a label key"))
    }
}

fn check_value(value: &str) -> Result<&str, String> {
    let fits = value.is_empty()
        || (value.len() <= 63 && framed(value, |b| b.is_ascii_alphanumeric(), b"-_."));
    if fits {
        Ok(value)
    } else {
        Err(format!("`{value}` is not a label value"))
    }
}

/// Whether a text is made of `edge` bytes, with `inner` ones allowed between them.
fn framed(text: &str, edge: impl Fn(u8) -> bool, inner: &[u8]) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|byte| edge(*byte))
        && bytes.last().is_some_and(|byte| edge(*byte))
        && bytes.iter().all(|byte| edge(*byte) || inner.contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_matches_as_kubectl_would() {
        let labels = [("app", "web"), ("tier", "a"), ("n", "5"), ("x.io/y", "")];
        for (text, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web, tier!=b", true),
            ("app = web", true),
            ("app=db", false),
            ("app", true),
            ("!app", false),
            ("!legacy", true),
            ("tier in (a,b)", true),
            ("tier notin (a,b)", false),
            ("legacy notin (a)", true),
            ("n>4,n<6", true),
            ("n>5", false),
            ("x.io/y=", true),
            ("x.io/y in ()", true),
            ("x.io/y in (,a)", true),
            ("in in (a)", false),
        ] {
            let selector = LabelSelector::parse(text).unwrap();
            assert_eq!(selector.accepts(&labels), expected, "{text}");
        }
    }

    #[test]
    fn a_malformed_selector_is_refused() {
        for text in [
            "app=web,",
            "=web",
            "app in a",
            "app in (a",
            "a=b=c",
            "a b",
            "-a",
            "app=we b",
            "n>x",
        ] {
            assert!(LabelSelector::parse(text).is_err(), "{text}");
        }
    }
}
