//! The parser: one character after the other, writing values as it goes.

use trueup_gotemplate::{List, Map, Value};

use crate::{go, values};

/// The highest index of a list: Helm's bound against lists that eat all memory.
const MAX_INDEX: i64 = 65_536;
/// The most `.` in one key.
const MAX_NESTING: usize = 30;

/// The most indices in one key. Helm has no such bound; its stack grows instead.
const MAX_INDICES: usize = 250;

/// How values are read.
pub(super) enum Flavour<'r> {
    Typed,
    Strings,
    Json,
    Literal,
    Files(&'r mut dyn FnMut(&str) -> Result<Value, String>),
}

/// Why parsing stopped.
enum Stop {
    /// At the end of the text, which is how it ends well.
    End,
    Failed(String),
}

type Outcome<T> = Result<T, Stop>;

pub(super) struct Parser<'t, 'r> {
    rest: &'t str,
    flavour: Flavour<'r>,
    /// The indices of the key that is being read.
    indices: usize,
}

fn failed<T>(text: impl Into<String>) -> Outcome<T> {
    Err(Stop::Failed(text.into()))
}

impl<'t, 'r> Parser<'t, 'r> {
    pub(super) fn new(text: &'t str, flavour: Flavour<'r>) -> Self {
        Self {
            rest: text,
            flavour,
            indices: 0,
        }
    }

    pub(super) fn run(mut self, into: &Map) -> Result<(), String> {
        loop {
            self.indices = 0;
            match self.key(into, 0) {
                Ok(()) => {}
                Err(Stop::End) => return Ok(()),
                Err(Stop::Failed(text)) => return Err(text),
            }
        }
    }

    fn literal(&self) -> bool {
        matches!(self.flavour, Flavour::Literal)
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    /// The text up to one of the stops, which is taken, too; none where the text ends before.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        while let Some(c) = self.next() {
            if stops.contains(&c) {
                return (text, Some(c));
            }
            if c == '\\' && !self.literal() {
                match self.next() {
                    Some(escaped) => text.push(escaped),
                    None => return (text, None),
                }
            } else {
                text.push(c);
            }
        }
        (text, None)
    }

    fn key(&mut self, data: &Map, nesting: usize) -> Outcome<()> {
        let stops: &[char] = if self.literal() {
            &['=', '[', '.']
        } else {
            &['=', '[', ',', '.']
        };
        let (key, stop) = self.until(stops);
        match stop {
            None if key.is_empty() => Err(Stop::End),
            None => failed(format!("key {} has no value", go::quote(&key))),
            Some('[') => self.indexed(data, &key, nesting),
            Some('=') => self.assign(data, &key),
            Some(',') => {
                set(data, &key, Value::from(""));
                failed(format!(
                    "key {} has no value (cannot end with ,)",
                    go::quote(&key)
                ))
            }
            Some(_) => self.nested(data, &key, nesting + 1),
        }
    }

    fn indexed(&mut self, data: &Map, key: &str, nesting: usize) -> Outcome<()> {
        let index = self.index()?;
        let mut list = match data.get(key) {
            None => Vec::new(),
            Some(Value::List(list)) => list.items().to_vec(),
            Some(other) => return conversion(&other, "[]interface {}"),
        };
        let outcome = self.item(&mut list, index, nesting);
        set(data, key, Value::List(list.into_iter().collect::<List>()));
        outcome
    }

    fn nested(&mut self, data: &Map, key: &str, nesting: usize) -> Outcome<()> {
        if nesting > MAX_NESTING {
            return failed(format!(
                "value name nested level is greater than maximum supported nested level of \
                 {MAX_NESTING}"
            ));
        }
        let inner = match data.get(key) {
            None => Map::new(),
            Some(Value::Map(map)) => map,
            Some(other) => return conversion(&other, "map[string]interface {}"),
        };
        let outcome = self.key(&inner, nesting);
        if outcome.is_ok() && inner.is_empty() {
            return failed(format!("key map {} has no value", go::quote(key)));
        }
        if !inner.is_empty() {
            set(data, key, Value::Map(inner));
        }
        outcome
    }

    fn assign(&mut self, data: &Map, key: &str) -> Outcome<()> {
        match self.flavour {
            Flavour::Literal => {
                let text = std::mem::take(&mut self.rest);
                set(data, key, Value::from(text));
                Ok(())
            }
            Flavour::Json => {
                if self.skip_blank() {
                    set(data, key, Value::Nil);
                    return Ok(());
                }
                let value = self.json()?;
                set(data, key, value);
                self.skip_blank();
                Ok(())
            }
            _ if self.rest.is_empty() => {
                set(data, key, Value::from(""));
                Err(Stop::End)
            }
            _ if self.rest.starts_with('{') => {
                let list = self.list()?;
                set(data, key, list);
                Ok(())
            }
            _ => {
                let (text, _) = self.until(&[',']);
                match self.typed(&text) {
                    Ok(value) => {
                        set(data, key, value);
                        Ok(())
                    }
                    Err(stop) => {
                        set(data, key, Value::Nil);
                        Err(stop)
                    }
                }
            }
        }
    }

    fn index(&mut self) -> Outcome<i64> {
        let (text, stop) = self.until(&[']']);
        if stop.is_none() {
            return failed("error parsing index: EOF");
        }
        let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return failed(format!(
                "error parsing index: strconv.Atoi: parsing {}: invalid syntax",
                go::quote(&text)
            ));
        }
        text.parse().or_else(|_| {
            failed(format!(
                "error parsing index: strconv.Atoi: parsing {}: value out of range",
                go::quote(&text)
            ))
        })
    }

    /// What follows an index.
    fn item(&mut self, list: &mut Vec<Value>, index: i64, nesting: usize) -> Outcome<()> {
        if index < 0 {
            return failed(format!("negative {index} index not allowed"));
        }
        self.indices += 1;
        if self.indices > MAX_INDICES {
            return failed(format!("a key has more than {MAX_INDICES} indices"));
        }
        let (text, stop) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            return failed(format!(
                "unexpected data at end of array index: {}",
                go::quote(&text)
            ));
        }
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        match stop {
            None => Err(Stop::End),
            Some('=') => {
                let value = self.item_value(list, index)?;
                if let Some(value) = value {
                    set_index(list, index, value)?;
                }
                Ok(())
            }
            Some('[') => {
                let next = self.index()?;
                let mut inner = match list.get(at) {
                    None | Some(Value::Nil) => Vec::new(),
                    Some(Value::List(list)) => list.items().to_vec(),
                    Some(other) => return conversion(other, "[]interface {}"),
                };
                self.item(&mut inner, next, nesting)?;
                set_index(list, index, Value::List(inner.into_iter().collect()))
            }
            Some(_) => {
                let inner = match list.get_mut(at) {
                    Some(Value::Map(map)) => map.clone(),
                    Some(other) => {
                        let map = Map::new();
                        *other = Value::Map(map.clone());
                        map
                    }
                    None => Map::new(),
                };
                self.key(&inner, nesting)?;
                set_index(list, index, Value::Map(inner))
            }
        }
    }

    /// The value after `[0]=`; none where it was set already.
    fn item_value(&mut self, list: &mut Vec<Value>, index: i64) -> Outcome<Option<Value>> {
        match self.flavour {
            Flavour::Literal => {
                let text = std::mem::take(&mut self.rest);
                Ok(Some(Value::from(text)))
            }
            Flavour::Json => {
                if self.skip_blank() {
                    return Ok(Some(Value::Nil));
                }
                let value = self.json()?;
                set_index(list, index, value)?;
                self.skip_blank();
                Ok(None)
            }
            _ if self.rest.is_empty() => Ok(Some(Value::from(""))),
            _ if self.rest.starts_with('{') => self.list().map(Some),
            _ => {
                let (text, _) = self.until(&[',']);
                self.typed(&text).map(Some)
            }
        }
    }

    /// Skips white space and one comma; whether the value was empty.
    fn skip_blank(&mut self) -> bool {
        let trimmed = self.rest.trim_start();
        self.rest = trimmed;
        match trimmed.strip_prefix(',') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => trimmed.is_empty(),
        }
    }

    fn json(&mut self) -> Outcome<Value> {
        let mut values =
            serde_json::Deserializer::from_str(self.rest).into_iter::<serde_json::Value>();
        match values.next() {
            Some(Ok(value)) => {
                self.rest = self.rest.get(values.byte_offset()..).unwrap_or_default();
                Ok(values::from_json(&value))
            }
            Some(Err(error)) => {
                let first = self.rest.trim_start().chars().next().unwrap_or_default();
                let begins = matches!(first, '{' | '[' | '"' | '-' | 't' | 'f' | 'n')
                    || first.is_ascii_digit();
                failed(if error.is_eof() {
                    "unexpected EOF".to_owned()
                } else if begins {
                    error.to_string()
                } else {
                    format!("invalid character '{first}' looking for beginning of value")
                })
            }
            None => failed("EOF"),
        }
    }

    /// `{a,b}`.
    fn list(&mut self) -> Outcome<Value> {
        self.next();
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            let Some(stop) = stop else {
                return failed("list must terminate with '}'");
            };
            items.push(self.typed(&text)?);
            if stop == '}' {
                if let Some(rest) = self.rest.strip_prefix(',') {
                    self.rest = rest;
                }
                return Ok(Value::list(items));
            }
        }
    }

    fn typed(&mut self, text: &str) -> Outcome<Value> {
        match &mut self.flavour {
            Flavour::Typed => Ok(typed(text)),
            Flavour::Files(read) => read(text).map_err(Stop::Failed),
            _ => Ok(Value::from(text)),
        }
    }
}

/// The message of Go's failed type assertion.
fn conversion<T>(value: &Value, wanted: &str) -> Outcome<T> {
    let found = match value {
        Value::Nil => "nil".into(),
        other => other.type_name(),
    };
    failed(format!(
        "unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}"
    ))
}

fn set(data: &Map, key: &str, value: Value) {
    if !key.is_empty() {
        data.insert(key, value);
    }
}

fn set_index(list: &mut Vec<Value>, index: i64, value: Value) -> Outcome<()> {
    if index < 0 {
        return failed(format!("negative {index} index not allowed"));
    }
    if index > MAX_INDEX {
        return failed(format!(
            "index of {index} is greater than maximum supported index of {MAX_INDEX}"
        ));
    }
    let at = usize::try_from(index).unwrap_or_default();
    if list.len() <= at {
        list.resize(at + 1, Value::Nil);
    }
    if let Some(slot) = list.get_mut(at) {
        *slot = value;
    }
    Ok(())
}

fn typed(text: &str) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return Value::Bool(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Value::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return Value::Nil;
    }
    if text == "0" {
        return Value::Int64(0);
    }
    if !text.starts_with('0')
        && let Ok(number) = text.parse::<i64>()
    {
        return Value::Int64(number);
    }
    Value::from(text)
}
