//! Which styles a scalar's text allows, as libyaml's emitter in both Go packages decides.

/// Which of the two emitters: they differ in tabs and in folding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `go.yaml.in/yaml/v2`: folds long lines, escapes tabs.
    V2,
    /// `go.yaml.in/yaml/v3`: never folds, keeps tabs in block scalars.
    V3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowed {
    pub(super) multiline: bool,
    pub(super) flow_plain: bool,
    pub(super) block_plain: bool,
    pub(super) single_quoted: bool,
    pub(super) block: bool,
}

const ALL: Allowed = Allowed {
    multiline: false,
    flow_plain: true,
    block_plain: true,
    single_quoted: true,
    block: true,
};

/// Bytes that say nothing anywhere but at the start.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
static QUIET: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0x20;
    while i < 0x7F {
        #[expect(clippy::cast_possible_truncation, reason = "below 127")]
        let byte = i as u8;
        table[i] = !matches!(byte, b',' | b'?' | b'[' | b']' | b'{' | b'}' | b':' | b'#');
        i += 1;
    }
    table
};

#[inline]
pub(super) fn analyse(text: &str, dialect: Dialect) -> Allowed {
    let bytes = text.as_bytes();
    let quiet = |b: &u8| QUIET.get(*b as usize).copied().unwrap_or(false);
    let starts_with_indicator = matches!(
        bytes,
        [] | [b'.', b'.', b'.', ..]
            | [
                b'#' | b'&'
                    | b'*'
                    | b'!'
                    | b'|'
                    | b'>'
                    | b'\''
                    | b'"'
                    | b'%'
                    | b'@'
                    | b'`'
                    | b' '
                    | b'-',
                ..
            ]
    );
    if !starts_with_indicator && bytes.last() != Some(&b' ') && bytes.iter().all(quiet) {
        return ALL;
    }
    examine(text, dialect)
}

/// Whether the text has nothing but printable ASCII: then single quotes may hold it.
#[inline]
pub(super) fn is_ascii_line(text: &str) -> bool {
    text.bytes()
        .fold(true, |all, b| all & (0x20..0x7F).contains(&b))
}

/// Whether a block scalar may hold the text: the answer of `analyse` at less cost.
pub(super) fn may_be_block(text: &str, dialect: Dialect) -> bool {
    let odd = |b: u8| {
        !((0x20..0x7F).contains(&b) || b == b'\n' || (b == b'\t' && dialect == Dialect::V3))
    };
    if text.bytes().fold(false, |any, b| any | odd(b)) {
        return analyse(text, dialect).block;
    }
    let bytes = text.as_bytes();
    !bytes.is_empty()
        && bytes.last() != Some(&b' ')
        && !memchr::memchr_iter(b'\n', bytes).any(|at| at > 0 && bytes.get(at - 1) == Some(&b' '))
}

/// What a pass over the characters has seen.
#[derive(Default)]
struct Seen {
    block_indicators: bool,
    flow_indicators: bool,
    line_breaks: bool,
    special: bool,
    tabs: bool,
    /// A space or break at either end.
    edge: bool,
    trailing_space: bool,
    break_space: bool,
    space_break: bool,
}

#[inline(never)]
fn examine(text: &str, dialect: Dialect) -> Allowed {
    if text.is_empty() {
        return Allowed {
            flow_plain: false,
            block: false,
            ..ALL
        };
    }
    let seen = look(text, dialect);
    let mut allowed = Allowed {
        multiline: seen.line_breaks,
        ..ALL
    };
    if seen.edge || seen.line_breaks {
        allowed.flow_plain = false;
        allowed.block_plain = false;
    }
    if seen.trailing_space {
        allowed.block = false;
    }
    if seen.break_space || seen.space_break || seen.tabs || seen.special {
        allowed.flow_plain = false;
        allowed.block_plain = false;
        allowed.single_quoted = false;
    }
    if seen.space_break || seen.special {
        allowed.block = false;
    }
    if seen.flow_indicators {
        allowed.flow_plain = false;
    }
    if seen.block_indicators {
        allowed.block_plain = false;
    }
    allowed
}

fn look(text: &str, dialect: Dialect) -> Seen {
    let marker = text.starts_with("---") || text.starts_with("...");
    let mut seen = Seen {
        block_indicators: marker,
        flow_indicators: marker,
        ..Seen::default()
    };
    let mut preceded = true;
    let mut previous_space = false;
    let mut previous_break = false;
    for (at, c) in text.char_indices() {
        let next = text.as_bytes().get(at + c.len_utf8()).copied();
        let last = next.is_none();
        let followed = matches!(next, None | Some(b' ' | b'\t'));
        indicators(&mut seen, c, at == 0, preceded, followed);
        if c == '\t' && dialect == Dialect::V3 {
            seen.tabs = true;
        } else if !is_printable(c) {
            seen.special = true;
        }
        if c == ' ' {
            seen.edge |= at == 0 || last;
            seen.trailing_space |= last;
            seen.break_space |= previous_break;
            previous_space = true;
            previous_break = false;
        } else if is_break(c) {
            seen.line_breaks = true;
            seen.edge |= at == 0 || last;
            seen.space_break |= previous_space;
            previous_space = false;
            previous_break = true;
        } else {
            previous_space = false;
            previous_break = false;
        }
        preceded = matches!(c, ' ' | '\t' | '\0') || is_break(c);
    }
    seen
}

fn indicators(seen: &mut Seen, c: char, first: bool, preceded: bool, followed: bool) {
    let (flow, block) = match c {
        ',' | '[' | ']' | '{' | '}' => (true, first),
        '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => (first, first),
        '#' => (first || preceded, first || preceded),
        '?' => (true, first && followed),
        ':' => (true, followed),
        '-' => (first && followed, first && followed),
        _ => (false, false),
    };
    seen.flow_indicators |= flow;
    seen.block_indicators |= block;
}

/// As the emitters see it: characters beyond the basic plane are not printable.
pub(super) fn is_printable(c: char) -> bool {
    matches!(c,
        '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}')
}

/// Line breaks of YAML 1.1.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
