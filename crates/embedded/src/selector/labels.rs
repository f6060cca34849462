//! Label selectors in their text form, equality-based and set-based.

use serde_json::Value;

use crate::status::ApiError;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Greater(i64),
    Less(i64),
}

/// All requirements must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<(String, Operator)>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Symbol(&'static str),
}

impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let tokens = tokens(text);
        let mut parser = Parser {
            tokens: &tokens,
            at: 0,
        };
        parser
            .selector()
            .map(Self)
            .map_err(|why| ApiError::bad_request(format!("unable to parse requirement: {why}")))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels");
        let label = |key: &str| labels.and_then(|l| l.get(key)).and_then(Value::as_str);
        self.0
            .iter()
            .all(|(key, operator)| holds(operator, label(key)))
    }
}

fn holds(operator: &Operator, label: Option<&str>) -> bool {
    let number = || label.and_then(|value| value.parse::<i64>().ok());
    match operator {
        Operator::In(values) => label.is_some_and(|l| values.iter().any(|v| v == l)),
        Operator::NotIn(values) => !label.is_some_and(|l| values.iter().any(|v| v == l)),
        Operator::Exists => label.is_some(),
        Operator::Absent => label.is_none(),
        Operator::Greater(bound) => number().is_some_and(|n| n > *bound),
        Operator::Less(bound) => number().is_some_and(|n| n < *bound),
    }
}

const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            tokens.push(Token::Symbol(symbol));
            rest = rest.get(symbol.len()..).unwrap_or_default();
        } else {
            let end = rest
                .find(|c: char| c.is_whitespace() || "=!(),><".contains(c))
                .unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            tokens.push(Token::Word(word.to_owned()));
            rest = after;
        }
        rest = rest.trim_start();
    }
    tokens
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn selector(&mut self) -> Result<Vec<(String, Operator)>, String> {
        let mut requirements = Vec::new();
        if self.peek().is_none() {
            return Ok(requirements);
        }
        loop {
            requirements.push(self.requirement()?);
            match self.next() {
                None => return Ok(requirements),
                Some(Token::Symbol(",")) => {}
                Some(other) => {
                    return Err(format!(
                        "found '{}', expected: ',' or 'end of string'",
                        show(&other)
                    ));
                }
            }
        }
    }

    fn requirement(&mut self) -> Result<(String, Operator), String> {
        match self.next() {
            Some(Token::Symbol("!")) => match self.next() {
                Some(Token::Word(key)) => Ok((key, Operator::Absent)),
                other => Err(format!(
                    "found '{}', expected: identifier",
                    show_option(other.as_ref())
                )),
            },
            Some(Token::Word(key)) => {
                let operator = self.operator()?;
                Ok((key, operator))
            }
            other => Err(format!(
                "found '{}', expected: !, identifier, or 'end of string'",
                show_option(other.as_ref())
            )),
        }
    }

    fn operator(&mut self) -> Result<Operator, String> {
        match self.peek().cloned() {
            None | Some(Token::Symbol(",")) => return Ok(Operator::Exists),
            Some(Token::Symbol(symbol)) => {
                self.at += 1;
                let value = self.value();
                return match symbol {
                    "=" | "==" => Ok(Operator::In(vec![value])),
                    "!=" => Ok(Operator::NotIn(vec![value])),
                    ">" => number(&value).map(Operator::Greater),
                    "<" => number(&value).map(Operator::Less),
                    other => Err(format!(
                        "found '{other}', expected: in, notin, =, ==, !=, gt, lt"
                    )),
                };
            }
            Some(Token::Word(_)) => {}
        }
        match self.next() {
            Some(Token::Word(word)) if word == "in" => self.values().map(Operator::In),
            Some(Token::Word(word)) if word == "notin" => self.values().map(Operator::NotIn),
            Some(Token::Word(word)) if word == "gt" => number(&self.value()).map(Operator::Greater),
            Some(Token::Word(word)) if word == "lt" => number(&self.value()).map(Operator::Less),
            other => Err(format!(
                "found '{}', expected: in, notin, =, ==, !=, gt, lt",
                show_option(other.as_ref())
            )),
        }
    }

    /// An exact value, empty when none is written.
    fn value(&mut self) -> String {
        match self.peek().cloned() {
            Some(Token::Word(word)) => {
                self.at += 1;
                word
            }
            _ => String::new(),
        }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        let open = self.next();
        if open != Some(Token::Symbol("(")) {
            return Err(format!(
                "found '{}' expected: '('",
                show_option(open.as_ref())
            ));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value());
            match self.next() {
                Some(Token::Symbol(",")) => {}
                Some(Token::Symbol(")")) => return Ok(values),
                other => {
                    return Err(format!(
                        "found '{}', expected: ',' or ')'",
                        show_option(other.as_ref())
                    ));
                }
            }
        }
    }
}

fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| {
        format!("values[0][gt/lt]: Invalid value: {text:?}: for 'Gt', 'Lt' operators, the value must be an integer")
    })
}

fn show(token: &Token) -> &str {
    match token {
        Token::Word(word) => word,
        Token::Symbol(symbol) => symbol,
    }
}

fn show_option(token: Option<&Token>) -> &str {
    token.map_or("", show)
}
