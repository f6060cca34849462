//! Sprig's functions on strings, and the joining and splitting of them.

mod shape;
#[cfg(test)]
mod tests;
mod words;

use std::ops::Range;

use super::{
    bind::{ANY, INT, STRING, failed, print, quote, strings_of, text_of},
    runes::{first, map, runes, to_lower, to_upper},
};
use crate::{
    function::{Args, Functions, Signature},
    value::{Buffer, Map, Str, Type, Value},
};

const SS: Signature = Signature::of(&[STRING, STRING]);
const S: Signature = Signature::of(&[STRING]);
const IS: Signature = Signature::of(&[INT, STRING]);

pub(super) fn add(functions: &mut Functions) {
    add_case(functions);
    add_cuts(functions);
    add_quotes(functions);
    add_tests(functions);
    add_splits(functions);
}

/// A string out of any bytes.
fn bytes(bytes: Vec<u8>) -> Value {
    Value::Str(Str::from_bytes(bytes))
}

type Change = fn(&[u8]) -> Vec<u8>;

fn add_case(functions: &mut Functions) {
    let changes: [(&'static str, Change); 11] = [
        ("upper", |text| map(text, to_upper)),
        ("lower", |text| map(text, to_lower)),
        ("title", words::title),
        ("untitle", words::untitle),
        ("swapcase", words::swap_case),
        ("snakecase", |text| words::separated_case(text, '_')),
        ("kebabcase", |text| words::separated_case(text, '-')),
        ("camelcase", words::pascal_case),
        ("initials", words::initials),
        ("nospace", words::without_space),
        ("hello", |_| b"Hello!".to_vec()),
    ];
    for (name, change) in changes {
        let signature = if name == "hello" {
            Signature::of(&[])
        } else {
            S
        };
        functions.add(name, signature, move |call| {
            Ok(bytes(change(call.bytes(0))))
        });
    }
    functions.add("plural", Signature::of(&[STRING, STRING, INT]), |call| {
        Ok(Value::Str(call.string(usize::from(call.int(2) != 1))))
    });
}

/// A function that gives a part of its last argument.
fn add_cut(
    functions: &mut Functions,
    name: &'static str,
    signature: Signature,
    part: fn(Args<'_>, &[u8]) -> Result<Range<usize>, String>,
) {
    functions.add(name, signature, move |call| {
        let text = call.string(call.len().saturating_sub(1));
        let range = part(call.args(), text.as_bytes())?;
        Ok(Value::Str(if range == (0..text.len()) {
            text
        } else {
            text.slice(range)
        }))
    });
}

/// The range of `text` without the runes at either end that `drop` names.
fn trimmed(text: &[u8], drop: impl Fn(char) -> bool) -> Range<usize> {
    let mut start = 0;
    while let Some((rune, size)) = text.get(start..).and_then(first) {
        if !drop(rune) {
            break;
        }
        start += size;
    }
    let mut end = start;
    let mut at = start;
    for (rune, size) in runes(text.get(start..).unwrap_or_default()) {
        at += size;
        if !drop(rune) {
            end = at;
        }
    }
    start..end
}

fn add_cuts(functions: &mut Functions) {
    add_cut(functions, "trim", S, |_, text| {
        Ok(trimmed(text, char::is_whitespace))
    });
    for name in ["trimAll", "trimall"] {
        add_cut(functions, name, SS, |args, text| {
            let cut: Vec<char> = runes(args.bytes(0)).map(|(rune, _)| rune).collect();
            Ok(trimmed(text, |rune| cut.contains(&rune)))
        });
    }
    add_cut(functions, "trimPrefix", SS, |args, text| {
        let prefix = args.bytes(0);
        Ok(if text.starts_with(prefix) {
            prefix.len()
        } else {
            0
        }..text.len())
    });
    add_cut(functions, "trimSuffix", SS, |args, text| {
        let suffix = args.bytes(0);
        Ok(0..if text.ends_with(suffix) {
            text.len() - suffix.len()
        } else {
            text.len()
        })
    });
    add_cut(functions, "trunc", IS, |args, text| {
        Ok(shape::truncation(args.int(0), text.len()))
    });
    add_cut(
        functions,
        "substr",
        Signature::of(&[INT, INT, STRING]),
        |args, text| shape::substring(args.int(0), args.int(1), text.len()),
    );
    functions.add("abbrev", IS, |call| {
        let width = call.int(0);
        Ok(if width < 4 {
            call.value(1).clone()
        } else {
            bytes(shape::abbreviate(call.bytes(1), 0, width))
        })
    });
    functions.add("abbrevboth", Signature::of(&[INT, INT, STRING]), |call| {
        let (left, right) = (call.int(0), call.int(1));
        if right < 4 || left > 0 && right < 7 {
            return Ok(call.value(2).clone());
        }
        Ok(bytes(shape::abbreviate(call.bytes(2), left, right)))
    });
    functions.add("wrap", IS, |call| {
        Ok(bytes(shape::wrap(call.bytes(1), call.int(0), b"", false)))
    });
    functions.add("wrapWith", Signature::of(&[INT, STRING, STRING]), |call| {
        Ok(bytes(shape::wrap(
            call.bytes(2),
            call.int(0),
            call.bytes(1),
            true,
        )))
    });
    functions.add("repeat", IS, |call| {
        let count = repetitions(call.int(0))?;
        let text = call.string(1);
        let Some(size) = text
            .len()
            .checked_mul(count)
            .filter(|size| i64::try_from(*size).is_ok())
        else {
            return Err("strings: Repeat output length overflow".into());
        };
        call.context().spend((size / 32) as u64 + 1)?;
        Ok(bytes(text.as_bytes().repeat(count)))
    });
}

/// The count of Go's `strings.Repeat`.
fn repetitions(count: i64) -> Result<usize, String> {
    usize::try_from(count).map_err(|_| "strings: negative Repeat count".to_owned())
}

fn add_quotes(functions: &mut Functions) {
    functions.add("quote", Signature::variadic(&[], ANY), |call| {
        let mut out = Buffer::new();
        for value in call.all().iter().filter(|value| !value.is_nil()) {
            if !out.is_empty() {
                out.push_byte(b' ');
            }
            out.push_str(&quote(text_of(value).as_bytes()));
        }
        Ok(Value::Str(out.to_str()))
    });
    functions.add("squote", Signature::variadic(&[], ANY), |call| {
        let mut out = Buffer::new();
        for value in call.all().iter().filter(|value| !value.is_nil()) {
            out.push_str(if out.is_empty() { "'" } else { " '" });
            out.push_text(&print(value));
            out.push_byte(b'\'');
        }
        Ok(Value::Str(out.to_str()))
    });
    functions.add("cat", Signature::variadic(&[], ANY), |call| {
        let mut out = Buffer::new();
        for (at, value) in call
            .all()
            .iter()
            .filter(|value| !value.is_nil())
            .enumerate()
        {
            if at > 0 {
                out.push_byte(b' ');
            }
            out.push_text(&print(value));
        }
        Ok(Value::Str(out.to_str()))
    });
    functions.add("indent", IS, |call| {
        let mut out = Buffer::new();
        indent(call.int(0), &call.string(1), &mut out)?;
        call.context().spend((out.len() / 32) as u64)?;
        Ok(Value::Str(out.to_str()))
    });
    functions.add("nindent", IS, |call| {
        let mut out = Buffer::new();
        out.push_byte(b'\n');
        indent(call.int(0), &call.string(1), &mut out)?;
        call.context().spend((out.len() / 32) as u64)?;
        Ok(Value::Str(out.to_str()))
    });
    functions.add(
        "replace",
        Signature::of(&[STRING, STRING, STRING]),
        |call| {
            let (old, new, text) = (call.bytes(0), call.string(1), call.string(2));
            let mut out = Buffer::new();
            let mut from = 0;
            for at in matches(text.as_bytes(), old) {
                out.push_text(&text.slice(from..at));
                out.push_text(&new);
                from = at + old.len();
            }
            if from == 0 && out.is_empty() {
                return Ok(Value::Str(text));
            }
            out.push_text(&text.slice(from..text.len()));
            call.context().spend((out.len() / 32) as u64)?;
            Ok(Value::Str(out.to_str()))
        },
    );
}

fn indent(spaces: i64, text: &Str, out: &mut Buffer) -> Result<(), String> {
    let pad = " ".repeat(repetitions(spaces)?.min(1 << 24));
    let bytes = text.as_bytes();
    let mut secrets = text.secrets().iter().cloned().peekable();
    let mut from = 0;
    let ends = memchr::memchr_iter(b'\n', bytes).map(|at| at + 1);
    for to in ends.chain([bytes.len()]) {
        out.push_str(&pad);
        let moved = out.len() - from;
        out.push_bytes(bytes.get(from..to).unwrap_or_default());
        // What is secret over several lines is marked in each of them.
        while let Some(secret) = secrets.peek().filter(|secret| secret.start < to) {
            out.mark(secret.start.max(from) + moved..secret.end.min(to) + moved);
            if secret.end > to {
                break;
            }
            secrets.next();
        }
        from = to;
    }
    Ok(())
}

/// Where `old` stands in `text`, without overlaps; an empty one stands before each rune and at the end.
fn matches(text: &[u8], old: &[u8]) -> Vec<usize> {
    if old.is_empty() {
        let mut at = 0;
        let mut out = vec![0];
        for (_, size) in runes(text) {
            at += size;
            out.push(at);
        }
        return out;
    }
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(at) = find(text.get(from..).unwrap_or_default(), old) {
        out.push(from + at);
        from += at + old.len();
    }
    out
}

/// The first place of a text that is not empty.
pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let begin = *part.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|byte| *byte == begin)?;
        if text.get(at..)?.starts_with(part) {
            return Some(at);
        }
        from = at + 1;
    }
}

fn add_tests(functions: &mut Functions) {
    functions.add("contains", SS, |call| {
        Ok(Value::Bool(
            call.bytes(0).is_empty() || find(call.bytes(1), call.bytes(0)).is_some(),
        ))
    });
    functions.add("hasPrefix", SS, |call| {
        Ok(Value::Bool(call.bytes(1).starts_with(call.bytes(0))))
    });
    functions.add("hasSuffix", SS, |call| {
        Ok(Value::Bool(call.bytes(1).ends_with(call.bytes(0))))
    });
    functions.add("toString", Signature::of(&[ANY]), |call| {
        Ok(Value::Str(text_of(call.value(0))))
    });
    functions.add("toStrings", Signature::of(&[ANY]), |call| {
        Ok(Value::strings(strings_of(call.value(0))))
    });
}

fn add_splits(functions: &mut Functions) {
    functions.add("join", Signature::of(&[STRING, ANY]), |call| {
        let separator = call.string(0);
        let mut out = Buffer::new();
        for (at, item) in strings_of(call.value(1)).iter().enumerate() {
            if at > 0 {
                out.push_text(&separator);
            }
            out.push_text(item);
        }
        Ok(Value::Str(out.to_str()))
    });
    functions.add("sortAlpha", Signature::of(&[ANY]), |call| {
        let value = call.value(0);
        if super::bind::items(value).is_none() {
            return Ok(Value::strings([text_of(value)]));
        }
        let mut items = strings_of(value);
        items.sort();
        Ok(Value::strings(items))
    });
    functions.add("splitList", SS, |call| {
        Ok(Value::strings(split(&call.string(1), call.bytes(0), -1)))
    });
    functions.add("split", SS, |call| {
        Ok(numbered(split(&call.string(1), call.bytes(0), -1)))
    });
    functions.add("splitn", Signature::of(&[STRING, INT, STRING]), |call| {
        Ok(numbered(split(&call.string(2), call.bytes(0), call.int(1))))
    });
    functions.add("fail", S, |call| Err(failed(&call.string(0))));
}

/// Go's `strings.SplitN`; all parts for a negative count.
fn split(text: &Str, separator: &[u8], count: i64) -> Vec<Str> {
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    if limit == 0 {
        return Vec::new();
    }
    let (places, step) = if separator.is_empty() {
        // Between all runes; nothing out of nothing.
        let mut places = matches(text.as_bytes(), b"");
        places.pop();
        if places.is_empty() {
            return Vec::new();
        }
        (places.split_off(1), 0)
    } else {
        (matches(text.as_bytes(), separator), separator.len())
    };
    let mut out = Vec::with_capacity(places.len().min(limit) + 1);
    let mut from = 0;
    for at in places.into_iter().take(limit - 1) {
        out.push(text.slice(from..at));
        from = at + step;
    }
    out.push(text.slice(from..text.len()));
    out
}

/// Parts as Sprig's `split` gives them: `_0`, `_1` …
fn numbered(parts: Vec<Str>) -> Value {
    let entries = parts
        .into_iter()
        .enumerate()
        .map(|(at, part)| (Str::from(format!("_{at}")), Value::Str(part)));
    Value::Map(Map::typed(Type::String, entries.collect()))
}
