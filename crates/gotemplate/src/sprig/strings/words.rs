//! Words and their case: what the Go libraries `xstrings` 1.5.0 and `goutils` 1.1.1 do for Sprig.

use crate::sprig::runes::{
    first, is_letter, is_lower, is_number, is_punct, is_title, is_upper, map, push, runes,
    to_lower, to_title, to_upper,
};

fn is_connector(rune: char) -> bool {
    rune == '-' || rune == '_' || rune.is_whitespace()
}

/// A letter, but of no script that is written without case or spaces between words.
fn is_alphabet(rune: char) -> bool {
    is_letter(rune)
        && !matches!(rune, '\u{4e00}'..='\u{9fcc}' | '\u{3400}'..='\u{4d85}' | '\u{20000}'..='\u{2b81d}')
}

/// `http_server` to `HttpServer`; connectors at the ends and all but one of a run of them stay.
pub(super) fn pascal_case(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = runes(text).map(|(rune, _)| rune);
    let mut last = None;
    let mut began_upper = false;
    for rune in rest.by_ref() {
        last = Some(rune);
        if !is_connector(rune) {
            began_upper = is_upper(rune);
            last = Some(to_upper(rune));
            break;
        }
        push(&mut out, rune);
    }
    let Some(mut current) = last else { return out };
    let mut more = rest.peekable();
    if more.peek().is_none() {
        // A single rune; connectors alone come out with the last one doubled, as in the original.
        push(&mut out, current);
        return out;
    }
    for rune in more {
        let before = std::mem::replace(&mut current, rune);
        if is_connector(rune) && is_connector(before) {
            push(&mut out, before);
        } else if is_connector(before) {
            began_upper = is_upper(rune);
            current = to_upper(rune);
        } else {
            if began_upper {
                if is_upper(rune) {
                    current = to_lower(rune);
                } else {
                    began_upper = false;
                }
            }
            push(&mut out, before);
        }
    }
    push(&mut out, current);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punct,
    Other,
}

/// `HTTPServer-name` to `http_server_name`, with `connector` between the words.
pub(super) fn separated_case(text: &[u8], connector: char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    let (mut kind, mut word, mut rest) = next_word(text);
    let joins = |kind| !matches!(kind, Word::Connector | Word::Punct);
    let joins_number = |kind| joins(kind) && kind != Word::Invalid;
    while !rest.is_empty() {
        if kind != Word::Connector {
            write_word(&mut out, kind, word, connector);
        }
        let (before, before_word) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match before {
            Word::Number => {
                while matches!(kind, Word::Alphabet | Word::Number) {
                    write_word(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if joins_number(kind) {
                    push(&mut out, connector);
                }
            }
            Word::Connector => write_word(&mut out, before, before_word, connector),
            Word::Punct => {}
            _ if kind != Word::Number => {
                if joins(kind) {
                    push(&mut out, connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind == Word::Alphabet {
                    // Lowercase letters after a number belong to it: `HTTP2xx` is `http_2xx`.
                    push(&mut out, connector);
                    write_word(&mut out, Word::Number, number, connector);
                    while matches!(kind, Word::Alphabet | Word::Number) {
                        write_word(&mut out, kind, word, connector);
                        (kind, word, rest) = next_word(rest);
                    }
                    if joins_number(kind) {
                        push(&mut out, connector);
                    }
                } else {
                    // Otherwise the number belongs to what stands before it: `Bld4Floor` is `bld4_floor`.
                    write_word(&mut out, Word::Number, number, connector);
                    if joins(kind) {
                        push(&mut out, connector);
                    }
                }
            }
        }
    }
    write_word(&mut out, kind, word, connector);
    out
}

fn write_word(out: &mut Vec<u8>, kind: Word, word: &[u8], connector: char) {
    if !matches!(kind, Word::Upper | Word::Connector) {
        out.extend_from_slice(word);
        return;
    }
    for (rune, _) in runes(word) {
        if is_connector(rune) {
            push(out, connector);
        } else if is_upper(rune) {
            push(out, to_lower(rune));
        } else {
            push(out, rune);
        }
    }
}

/// The next valid rune and the bytes up to its end; at the end of the text `before` and the bytes left.
fn next_valid(text: &[u8], before: char) -> (char, usize) {
    let mut size = 0;
    while let Some((rune, width)) = text.get(size..).and_then(first) {
        size += width;
        if rune != char::REPLACEMENT_CHARACTER {
            return (rune, size);
        }
    }
    (before, size)
}

/// The length of the run of runes that `fits`, from `at` on; `last` is the rune before it.
fn run(
    text: &[u8],
    mut at: usize,
    mut last: char,
    fits: impl Fn(char) -> bool,
) -> (usize, char, usize) {
    let mut width = 0;
    while at < text.len() {
        let (rune, size) = next_valid(text.get(at..).unwrap_or_default(), last);
        last = rune;
        if size == 0 || !fits(rune) {
            break;
        }
        width = size;
        at += size;
    }
    (at, last, width)
}

/// The first word of a text and what is left.
fn next_word(text: &[u8]) -> (Word, &[u8], &[u8]) {
    if text.is_empty() {
        return (Word::Invalid, text, text);
    }
    let (rune, size) = next_valid(text, char::REPLACEMENT_CHARACTER);
    let lower = |rune| is_alphabet(rune) && !is_upper(rune);
    let (kind, end) = match rune {
        char::REPLACEMENT_CHARACTER => (Word::Invalid, size),
        _ if is_connector(rune) => (Word::Connector, run(text, size, rune, is_connector).0),
        _ if is_punct(rune) => (Word::Punct, run(text, size, rune, is_punct).0),
        _ if is_upper(rune) => (Word::Upper, upper_word(text, size, rune)),
        _ if is_alphabet(rune) => (Word::Alphabet, run(text, size, rune, lower).0),
        _ if is_number(rune) => (Word::Number, run(text, size, rune, is_number).0),
        _ => {
            let other = |rune| {
                !is_connector(rune) && !is_alphabet(rune) && !is_number(rune) && !is_punct(rune)
            };
            (Word::Other, run(text, size, rune, other).0)
        }
    };
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    (kind, word, rest)
}

/// The end of a word that begins with an uppercase letter: `HTTP` in `HTTPServer`, `Server` in `ServerName`.
fn upper_word(text: &[u8], at: usize, rune: char) -> usize {
    if at >= text.len() {
        return at;
    }
    let (second, size) = next_valid(text.get(at..).unwrap_or_default(), rune);
    if is_upper(second) {
        let (end, last, width) = run(text, at + size, second, is_upper);
        let width = if width == 0 { size } else { width };
        // The last capital begins the next word where a small letter follows it.
        return if end < text.len() && is_alphabet(last) {
            end - width
        } else {
            end
        };
    }
    if is_alphabet(second) {
        return run(text, at + size, second, |rune| {
            is_alphabet(rune) && !is_upper(rune)
        })
        .0;
    }
    at
}

/// `goutils.SwapCase`: small letters that begin a word become title case.
pub(super) fn swap_case(text: &[u8]) -> Vec<u8> {
    let mut after_space = true;
    map(text, |rune| {
        if is_upper(rune) || is_title(rune) {
            after_space = false;
            to_lower(rune)
        } else if is_lower(rune) {
            if std::mem::replace(&mut after_space, false) {
                to_title(rune)
            } else {
                to_upper(rune)
            }
        } else {
            after_space = rune.is_whitespace();
            rune
        }
    })
}

/// The first letter of each word made small.
pub(super) fn untitle(text: &[u8]) -> Vec<u8> {
    let mut begins = true;
    map(text, |rune| {
        if rune.is_whitespace() {
            begins = true;
            rune
        } else if std::mem::replace(&mut begins, false) {
            to_lower(rune)
        } else {
            rune
        }
    })
}

/// Go's `strings.Title`.
pub(super) fn title(text: &[u8]) -> Vec<u8> {
    let mut before = ' ';
    map(text, |rune| {
        let begins = match before {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => false,
            '\0'..='\x7f' => true,
            other if is_letter(other) || crate::sprig::runes::is_digit(other) => false,
            other => other.is_whitespace(),
        };
        before = rune;
        if begins { to_title(rune) } else { rune }
    })
}

/// The first byte of each word. The original takes bytes for runes, so letters beyond ASCII come out mangled.
pub(super) fn initials(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut gap = true;
    for rune in text.iter().map(|byte| char::from(*byte)) {
        if rune.is_whitespace() {
            gap = true;
        } else if std::mem::replace(&mut gap, false) {
            push(&mut out, rune);
        }
    }
    out
}

/// The text without white space; bytes are taken for runes as in [`initials`] where there is any.
pub(super) fn without_space(text: &[u8]) -> Vec<u8> {
    let solid: Vec<char> = text
        .iter()
        .map(|byte| char::from(*byte))
        .filter(|rune| !rune.is_whitespace())
        .collect();
    if solid.len() == text.len() {
        return text.to_vec();
    }
    solid.into_iter().collect::<String>().into_bytes()
}
