//! Sprig's functions on regular expressions: Go's `regexp` by way of the `regex` crate.

mod syntax;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    collections::HashMap,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    bind::{INT, STRING, quote, shown},
    runes::runes,
};
use crate::{
    error::Error,
    function::{Functions, Signature},
    value::{Buffer, List, Str, Type, Value},
};

const SS: Signature = Signature::of(&[STRING, STRING]);
const SSI: Signature = Signature::of(&[STRING, STRING, INT]);
const SSS: Signature = Signature::of(&[STRING, STRING, STRING]);

/// How many compiled expressions are kept.
const CACHED: usize = 512;

/// A compiled expression.
struct Regex(regex::Regex);

/// Where the groups of one match are; the whole match first.
type Match = Vec<Option<Range<usize>>>;

/// A text to match on. Bytes that are not UTF-8 are U+FFFD to Go's matcher, each of them.
struct Subject<'t> {
    text: Cow<'t, str>,
    /// Where the text's bytes stand in what was given; empty where they stand as they are.
    places: Vec<usize>,
}

impl<'t> Subject<'t> {
    fn new(given: &'t Str) -> Self {
        if let Some(text) = given.as_utf8() {
            return Self {
                text: Cow::Borrowed(text),
                places: Vec::new(),
            };
        }
        let (mut text, mut places, mut at) = (String::new(), Vec::new(), 0);
        for (rune, size) in runes(given.as_bytes()) {
            text.push(rune);
            places.resize(text.len(), at);
            at += size;
        }
        places.push(at);
        Self {
            text: Cow::Owned(text),
            places,
        }
    }

    fn place(&self, range: Range<usize>) -> Range<usize> {
        let at = |at: usize| self.places.get(at).copied().unwrap_or(at);
        at(range.start)..at(range.end)
    }
}

impl Regex {
    fn compile(expression: &[u8]) -> Result<Self, String> {
        let fail = |what: &str, part: &str| format!("error parsing regexp: {what}: `{part}`");
        let text = std::str::from_utf8(expression).map_err(|error| {
            fail(
                "invalid UTF-8",
                &shown(expression.get(error.valid_up_to()..).unwrap_or_default()),
            )
        })?;
        let translated = syntax::translate(text).map_err(|(what, part)| fail(what, &part))?;
        Ok(Self(
            regex::Regex::new(&translated).map_err(|_| fail("expression too large", text))?,
        ))
    }

    fn is_match(&self, text: &Str) -> bool {
        self.0.is_match(&Subject::new(text).text)
    }

    /// All matches with their groups.
    fn matches(&self, text: &Str) -> Vec<Match> {
        let subject = Subject::new(text);
        let groups = |found: regex::Captures<'_>| {
            found
                .iter()
                .map(|group| group.map(|group| subject.place(group.range())))
                .collect()
        };
        self.0.captures_iter(&subject.text).map(groups).collect()
    }

    /// The places of at most `limit` matches.
    fn places(&self, text: &Str, limit: usize) -> Vec<Range<usize>> {
        let subject = Subject::new(text);
        self.0
            .find_iter(&subject.text)
            .take(limit)
            .map(|found| subject.place(found.range()))
            .collect()
    }

    /// The number of a group by its name.
    fn group(&self, name: &str) -> Option<usize> {
        let own = format!("n_{name}");
        self.0.capture_names().position(|known| known == Some(&own))
    }

    /// Appends what a replacement's `$1`, `${name}` and `$$` come to for one match.
    fn expand(&self, template: &Str, text: &Str, found: &Match, out: &mut Buffer) {
        let bytes = template.as_bytes();
        let mut from = 0;
        while let Some(dollar) = bytes
            .get(from..)
            .and_then(|rest| rest.iter().position(|byte| *byte == b'$'))
        {
            let at = from + dollar;
            out.push_text(&template.slice(from..at));
            let rest = bytes.get(at + 1..).unwrap_or_default();
            if rest.first() == Some(&b'$') {
                out.push_byte(b'$');
                from = at + 2;
                continue;
            }
            let Some((name, length)) = reference(rest) else {
                out.push_byte(b'$');
                from = at + 1;
                continue;
            };
            let group = match index(name) {
                Some(number) => Some(number),
                None => self.group(name),
            };
            if let Some(range) = group.and_then(|group| found.get(group).cloned().flatten()) {
                out.push_text(&text.slice(range));
            }
            from = at + 1 + length;
        }
        out.push_text(&template.slice(from..bytes.len()));
    }

    fn replace(&self, text: &Str, replacement: &Str, expand: bool) -> Str {
        let mut out = Buffer::new();
        let mut from = 0;
        for found in self.matches(text) {
            let Some(Some(whole)) = found.first().cloned() else {
                continue;
            };
            out.push_text(&text.slice(from..whole.start));
            if expand {
                self.expand(replacement, text, &found, &mut out);
            } else {
                out.push_text(replacement);
            }
            from = whole.end;
        }
        out.push_text(&text.slice(from..text.len()));
        out.to_str()
    }

    fn split(&self, text: &Str, count: i64, empty_expression: bool) -> Option<Vec<Str>> {
        let limit = usize::try_from(count).unwrap_or(usize::MAX);
        if limit == 0 {
            return None;
        }
        if !empty_expression && text.is_empty() {
            return Some(vec![text.clone()]);
        }
        let mut out = Vec::new();
        let (mut from, mut end) = (0, 0);
        for found in self.places(text, limit) {
            if out.len() == limit - 1 {
                break;
            }
            end = found.start;
            // An empty match at the very beginning splits nothing off.
            if found.end != 0 {
                out.push(text.slice(from..end));
            }
            from = found.end;
        }
        if end != text.len() {
            out.push(text.slice(from..text.len()));
        }
        Some(out)
    }
}

/// The name after a dollar and the bytes it takes up.
fn reference(text: &[u8]) -> Option<(&str, usize)> {
    let (inner, braces) = match text.strip_prefix(b"{") {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let length: usize = super::runes::runes(inner)
        .take_while(|(rune, _)| {
            *rune == '_' || super::runes::is_letter(*rune) || super::runes::is_digit(*rune)
        })
        .map(|(_, size)| size)
        .sum();
    let name = inner
        .get(..length)
        .and_then(|name| std::str::from_utf8(name).ok())
        .filter(|name| !name.is_empty())?;
    if braces && inner.get(length) != Some(&b'}') {
        return None;
    }
    Some((name, length + if braces { 2 } else { 0 }))
}

/// The number that a name is, without leading zeros.
fn index(name: &str) -> Option<usize> {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit())
        && (name.len() == 1 || !name.starts_with('0'));
    if digits && name.len() <= 8 {
        name.parse().ok()
    } else {
        None
    }
}

/// The expressions compiled so far; templates use the same few again and again.
#[derive(Default)]
struct Cache(Mutex<HashMap<Vec<u8>, Arc<Regex>>>);

impl Cache {
    fn get(&self, expression: &[u8]) -> Result<Arc<Regex>, String> {
        if let Some(known) = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(expression)
        {
            return Ok(Arc::clone(known));
        }
        let compiled = Arc::new(Regex::compile(expression)?);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CACHED {
            known.clear();
        }
        known.insert(expression.to_vec(), Arc::clone(&compiled));
        Ok(compiled)
    }
}

/// Adds a function on a compiled expression under its name, where a bad one panics, and its `must` name.
fn add_pair(
    functions: &mut Functions,
    cache: &Arc<Cache>,
    (name, must): (&'static str, &'static str),
    signature: Signature,
    body: fn(&Regex, crate::function::Args<'_>) -> Value,
) {
    for (name, panics) in [(name, true), (must, false)] {
        let cache = Arc::clone(cache);
        functions.add(name, signature, move |call| {
            let expression = call.string(0);
            let regex = cache.get(expression.as_bytes()).map_err(|error| {
                Error::new(if panics {
                    format!("regexp: Compile({}): {error}", quoted(&expression))
                } else {
                    error
                })
            })?;
            // Matching is linear in the text.
            let size = call.bytes(1).len();
            call.context().spend((size / 64) as u64 + 1)?;
            Ok(body(&regex, call.args()))
        });
    }
}

/// As Go shows an expression that does not compile: in backquotes where it can be.
fn quoted(expression: &Str) -> String {
    let plain = |c: char| c != '`' && c != '\u{feff}' && c != '\x7f' && (c >= ' ' || c == '\t');
    match expression.as_utf8() {
        Some(text) if text.chars().all(plain) => format!("`{text}`"),
        _ => quote(expression.as_bytes()),
    }
}

pub(super) fn add(functions: &mut Functions) {
    let cache = Arc::new(Cache::default());
    for (name, quiet) in [("regexMatch", true), ("mustRegexMatch", false)] {
        let cache = Arc::clone(&cache);
        functions.add(name, SS, move |call| match cache.get(call.bytes(0)) {
            Ok(regex) => Ok(Value::Bool(regex.is_match(&call.string(1)))),
            Err(_) if quiet => Ok(Value::Bool(false)),
            Err(error) => Err(error.into()),
        });
    }
    add_pair(
        functions,
        &cache,
        ("regexFindAll", "mustRegexFindAll"),
        SSI,
        |regex, args| {
            let text = args.string(1);
            let limit = usize::try_from(args.int(2)).unwrap_or(usize::MAX);
            let found = regex.places(&text, limit);
            if found.is_empty() {
                return Value::List(List::nil(Type::String));
            }
            Value::strings(found.into_iter().map(|place| text.slice(place)))
        },
    );
    add_pair(
        functions,
        &cache,
        ("regexFind", "mustRegexFind"),
        SS,
        |regex, args| {
            let text = args.string(1);
            Value::Str(
                regex
                    .places(&text, 1)
                    .into_iter()
                    .next()
                    .map(|place| text.slice(place))
                    .unwrap_or_default(),
            )
        },
    );
    add_pair(
        functions,
        &cache,
        ("regexReplaceAll", "mustRegexReplaceAll"),
        SSS,
        |regex, args| Value::Str(regex.replace(&args.string(1), &args.string(2), true)),
    );
    add_pair(
        functions,
        &cache,
        ("regexReplaceAllLiteral", "mustRegexReplaceAllLiteral"),
        SSS,
        |regex, args| Value::Str(regex.replace(&args.string(1), &args.string(2), false)),
    );
    add_pair(
        functions,
        &cache,
        ("regexSplit", "mustRegexSplit"),
        SSI,
        |regex, args| match regex.split(&args.string(1), args.int(2), args.bytes(0).is_empty()) {
            Some(parts) => Value::strings(parts),
            None => Value::List(List::nil(Type::String)),
        },
    );
    functions.add("regexQuoteMeta", Signature::of(&[STRING]), |call| {
        let mut out = Vec::with_capacity(call.bytes(0).len() + 8);
        for byte in call.bytes(0) {
            if br"\.+*?()|[]{}^$".contains(byte) {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        Ok(Value::Str(Str::from_bytes(out)))
    });
}
