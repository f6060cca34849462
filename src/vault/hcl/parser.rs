//! The grammar: objects of keys and values, lists, and no expressions.

use super::lexer::{Failure, Kind, Token, tokens};

/// How deep values may lie in one another.
const DEEPEST: usize = 64;

/// `key = value` or `key "label" { … }`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::vault) struct Item {
    /// The key, with the byte at which it begins.
    pub key: (String, usize),
    /// The labels after it.
    pub labels: Vec<(String, usize)>,
    /// Its value.
    pub value: Value,
    /// Where the value begins.
    pub at: usize,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::vault) enum Value {
    /// A text.
    Text(String),
    /// A number as it is written.
    Number(String),
    /// `true` or `false`.
    Bool(bool),
    /// A list, each item with its place.
    List(Vec<(Self, usize)>),
    /// An object.
    Object(Vec<Item>),
}

impl Value {
    /// The same value as JSON, objects with their labels as further levels.
    pub(in crate::vault) fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => serde_json::from_str(number)
                .unwrap_or_else(|_| serde_json::Value::from(number.as_str())),
            Self::Bool(flag) => (*flag).into(),
            Self::List(items) => items.iter().map(|(item, _)| item.json()).collect(),
            Self::Object(items) => {
                let entries = items.iter().map(|item| {
                    let labels = item.labels.iter().rev();
                    let value = labels.fold(
                        item.value.json(),
                        |value, (label, _)| serde_json::json!({ label: value }),
                    );
                    (item.key.0.clone(), value)
                });
                serde_json::Value::Object(entries.collect())
            }
        }
    }
}

/// Reads a text.
pub(in crate::vault) fn parse(text: &str) -> Result<Vec<Item>, Failure> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        next: 0,
        end: text.len(),
    };
    let items = parser.items(None, 0)?;
    Ok(items)
}

struct Parser<'a> {
    tokens: &'a [Token],
    next: usize,
    end: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<&'a Token> {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn is_sign(&self, sign: char) -> bool {
        self.peek()
            .is_some_and(|token| token.kind == Kind::Sign(sign))
    }

    /// Items up to the closing sign, or to the end of the text.
    fn items(&mut self, opened: Option<usize>, depth: usize) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::new();
        loop {
            while !items.is_empty() && self.is_sign(',') {
                self.next += 1;
            }
            match (self.peek(), opened) {
                (None, None) => return Ok(items),
                (None, Some(at)) => return Err((at, "this `{` is never closed".to_owned())),
                (Some(token), Some(_)) if token.kind == Kind::Sign('}') => {
                    self.next += 1;
                    return Ok(items);
                }
                (Some(_), _) => items.push(self.item(depth)?),
            }
        }
    }

    fn item(&mut self, depth: usize) -> Result<Item, Failure> {
        let mut keys = Vec::new();
        loop {
            let Some(token) = self.take() else {
                return Err((self.end, "a value is missing at the end".to_owned()));
            };
            match &token.kind {
                Kind::Ident(text) | Kind::Text(text) => keys.push((text.clone(), token.at)),
                Kind::Bool(flag) => keys.push((flag.to_string(), token.at)),
                Kind::Sign('=') if keys.len() == 1 => break,
                Kind::Sign('=') if keys.len() > 1 => {
                    return Err((token.at, "`{` is expected here, not `=`".to_owned()));
                }
                Kind::Sign('{') if !keys.is_empty() => {
                    self.next -= 1;
                    break;
                }
                Kind::Sign(sign) => return Err((token.at, format!("`{sign}` cannot stand here"))),
                Kind::Number(number) => {
                    return Err((token.at, format!("`{number}` cannot be a key")));
                }
            }
        }
        let mut keys = keys.into_iter();
        let key = keys.next().unwrap_or_default();
        let (value, at) = self.value(depth + 1)?;
        Ok(Item {
            key,
            labels: keys.collect(),
            value,
            at,
        })
    }

    fn value(&mut self, depth: usize) -> Result<(Value, usize), Failure> {
        let Some(token) = self.take() else {
            return Err((self.end, "a value is missing at the end".to_owned()));
        };
        if depth > DEEPEST {
            return Err((token.at, "this lies too deep".to_owned()));
        }
        let value = match &token.kind {
            Kind::Text(text) => Value::Text(text.clone()),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Bool(flag) => Value::Bool(*flag),
            Kind::Sign('{') => Value::Object(self.items(Some(token.at), depth)?),
            Kind::Sign('[') => Value::List(self.list(token.at, depth)?),
            Kind::Ident(word) => {
                return Err((
                    token.at,
                    format!("`{word}` is no value: texts are in quotes"),
                ));
            }
            Kind::Sign(sign) => return Err((token.at, format!("`{sign}` is no value"))),
        };
        Ok((value, token.at))
    }

    fn list(&mut self, opened: usize, depth: usize) -> Result<Vec<(Value, usize)>, Failure> {
        let mut items = Vec::new();
        loop {
            if self.is_sign(']') {
                self.next += 1;
                return Ok(items);
            }
            if self.peek().is_none() {
                return Err((opened, "this `[` is never closed".to_owned()));
            }
            items.push(self.value(depth + 1)?);
            match self.peek() {
                Some(token) if token.kind == Kind::Sign(',') => self.next += 1,
                Some(token) if token.kind == Kind::Sign(']') => {}
                Some(token) => {
                    return Err((token.at, "`,` or `]` is expected here".to_owned()));
                }
                None => return Err((opened, "this `[` is never closed".to_owned())),
            }
        }
    }
}
