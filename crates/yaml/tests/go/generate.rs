//! Random YAML texts: values with nasty scalars, written in random styles, and mutations of them.

use std::fmt::Write as _;

use crate::corpus::{KEYS, SCALARS};

/// A small random number generator, so that a seed gives the same texts everywhere (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

pub(crate) enum Value {
    Scalar(String),
    Sequence(Vec<Self>),
    Mapping(Vec<(String, Self)>),
}

pub(crate) fn value(r: &mut Random, depth: usize) -> Value {
    let roll = r.below(100);
    if depth == 0 || roll < 45 {
        return Value::Scalar(scalar(r));
    }
    let len = r.below(5);
    if roll < 65 {
        return Value::Sequence((0..len).map(|_| value(r, depth - 1)).collect());
    }
    let mut fields: Vec<(String, Value)> = Vec::new();
    for _ in 0..len {
        let key = r.pick(KEYS).to_owned();
        if !fields.iter().any(|(have, _)| *have == key) {
            let value = value(r, depth - 1);
            fields.push((key, value));
        }
    }
    Value::Mapping(fields)
}

fn scalar(r: &mut Random) -> String {
    if r.chance(75) {
        return r.pick(SCALARS).to_owned();
    }
    // A few corpus scalars run together.
    (0..=r.below(3)).map(|_| r.pick(SCALARS)).collect()
}

/// Writes a value as a document, at random in any style that may hold it.
pub(crate) fn write(r: &mut Random, value: &Value) -> String {
    let comments = r.chance(20);
    write_with(r, value, comments)
}

/// As `write`, with or without comments.
pub(crate) fn write_with(r: &mut Random, value: &Value, comments: bool) -> String {
    let mut writer = Writer {
        out: String::new(),
        anchors: 0,
        complete: Vec::new(),
        step: if r.chance(80) { 2 } else { 1 + r.below(4) },
        wide: r.chance(30),
        flow_percent: if r.chance(70) { 10 } else { 40 },
        comments,
    };
    if comments && r.chance(30) {
        let top = ["# top\n", "# top\n\n", "# top\n\n# second\n", "\n# top\n"];
        writer.out.push_str(r.pick(&top));
    }
    if r.chance(15) {
        writer.out.push_str("---\n");
    }
    writer.block(r, value, 0, true);
    if r.chance(20) {
        // The last line needs no end.
        writer.out.pop();
    }
    writer.out
}

struct Writer {
    out: String,
    /// Anchors so far, and those whose nodes are complete.
    anchors: usize,
    complete: Vec<String>,
    step: usize,
    wide: bool,
    flow_percent: usize,
    comments: bool,
}

impl Writer {
    fn indent(&mut self, n: usize) {
        self.out.push_str(&" ".repeat(n));
    }

    /// Ends a line, at random with a comment, and with comments and empty lines after it.
    fn end(&mut self, r: &mut Random) {
        if self.comments && r.chance(15) {
            self.out.push_str(r.pick(&[" # note", " #", "   # a: b"]));
        }
        self.out.push('\n');
        if !self.comments {
            return;
        }
        while r.chance(12) {
            if r.chance(40) {
                self.out.push('\n');
                continue;
            }
            let indent = r.below(4) * self.step.min(3);
            self.indent(indent);
            self.out
                .push_str(r.pick(&["# whole line\n", "#\n", "#x: y\n", "# - z\n"]));
        }
    }

    /// Writes a value after an indicator (or at the root), and the line break after it.
    fn block(&mut self, r: &mut Random, value: &Value, indent: usize, root: bool) {
        let first = self.anchors;
        self.block_node(r, value, indent, root);
        // What has been anchored in this node, and the node itself, can be referred to.
        for number in first + 1..=self.anchors {
            for name in [format!("a{number}"), format!("b{number}")] {
                if self.out.contains(&format!("&{name}")) && !self.complete.contains(&name) {
                    self.complete.push(name);
                }
            }
        }
    }

    fn block_node(&mut self, r: &mut Random, value: &Value, indent: usize, root: bool) {
        if !self.complete.is_empty() && r.chance(4) {
            let name = self.complete[r.below(self.complete.len())].clone();
            self.out.push_str(" *");
            self.out.push_str(&name);
            self.end(r);
            return;
        }
        let property = if r.chance(8) {
            Some(self.property(r))
        } else {
            None
        };
        let gap = |out: &mut String| {
            if !root {
                out.push(' ');
            }
        };
        match value {
            Value::Sequence(items) if !items.is_empty() && !r.chance(self.flow_percent) => {
                if let Some(property) = &property {
                    gap(&mut self.out);
                    self.out.push_str(property);
                }
                if !root || property.is_some() {
                    self.end(r);
                }
                for item in items {
                    self.indent(indent);
                    self.out.push('-');
                    self.item(r, item, indent);
                }
            }
            Value::Mapping(fields) if !fields.is_empty() && !r.chance(self.flow_percent) => {
                if let Some(property) = &property {
                    gap(&mut self.out);
                    self.out.push_str(property);
                }
                if !root || property.is_some() {
                    self.end(r);
                }
                self.fields(r, fields, indent, false);
            }
            Value::Scalar(text) => {
                gap(&mut self.out);
                if let Some(property) = &property {
                    self.out.push_str(property);
                    self.out.push(' ');
                }
                // The indentation of the parent decides that of a block scalar.
                let at = if root { self.step } else { indent.max(1) };
                if !self.block_scalar(r, text, at) {
                    self.flow_scalar(r, text, false);
                    self.end(r);
                }
            }
            _ => {
                gap(&mut self.out);
                if let Some(property) = &property {
                    self.out.push_str(property);
                    self.out.push(' ');
                }
                self.flow(r, value);
                self.end(r);
            }
        }
    }

    fn item(&mut self, r: &mut Random, item: &Value, indent: usize) {
        match item {
            Value::Mapping(fields) if !fields.is_empty() && r.chance(70) => {
                self.out.push(' ');
                self.fields(r, fields, indent + 2, true);
            }
            Value::Sequence(items) if !items.is_empty() && r.chance(40) => {
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.indent(indent + 1);
                    }
                    self.out.push_str(" -");
                    self.item(r, item, indent + 2);
                }
            }
            _ => self.block(r, item, indent + self.step.max(1), false),
        }
    }

    fn fields(&mut self, r: &mut Random, fields: &[(String, Value)], indent: usize, inline: bool) {
        for (at, (key, value)) in fields.iter().enumerate() {
            if at > 0 || !inline {
                self.indent(indent);
            }
            if at > 0 && !self.complete.is_empty() && r.chance(6) {
                let name = self.complete[r.below(self.complete.len())].clone();
                let _ = writeln!(self.out, "<<: {}", r.pick(&["*", "[*"]).to_owned() + &name);
                if self.out.ends_with(&format!("[*{name}\n")) {
                    self.out.pop();
                    self.out.push_str("]\n");
                }
                self.indent(indent);
            }
            self.flow_scalar(r, key, true);
            self.out.push(':');
            let inner = match value {
                Value::Sequence(_) if !self.wide => indent,
                _ => indent + self.step,
            };
            self.block(r, value, inner, false);
        }
    }

    fn property(&mut self, r: &mut Random) -> String {
        self.anchors += 1;
        match r.below(8) {
            0..=2 => format!("&a{}", self.anchors),
            3 => "!local".to_owned(),
            4 => format!("&b{} !local", self.anchors),
            5 => "!".to_owned(),
            6 => r
                .pick(&[
                    "!!str",
                    "!!int",
                    "!!float",
                    "!!bool",
                    "!!null",
                    "!!timestamp",
                ])
                .to_owned(),
            _ => r
                .pick(&[
                    "!!binary",
                    "!!map",
                    "!!seq",
                    "!!set",
                    "!<tag:x,1:y>",
                    "!a%21b",
                    "!!merge",
                ])
                .to_owned(),
        }
    }

    fn flow(&mut self, r: &mut Random, value: &Value) {
        match value {
            Value::Scalar(text) => self.flow_scalar(r, text, false),
            Value::Sequence(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.out.push_str(r.pick(&[", ", ",", " , "]));
                    }
                    self.flow(r, item);
                }
                self.out.push(']');
            }
            Value::Mapping(fields) => {
                self.out.push('{');
                for (at, (key, value)) in fields.iter().enumerate() {
                    if at > 0 {
                        self.out.push_str(r.pick(&[", ", ",", " , "]));
                    }
                    self.flow_scalar(r, key, false);
                    self.out.push_str(": ");
                    self.flow(r, value);
                }
                self.out.push('}');
            }
        }
    }

    /// A literal or folded scalar; false if the text or the dice are against it.
    fn block_scalar(&mut self, r: &mut Random, text: &str, indent: usize) -> bool {
        let odd = |c: char| {
            c != '\n' && c != '\t' && (c < ' ' || c == '\u{7f}' || (c > '~' && !c.is_alphabetic()))
        };
        if !text.contains('\n') && r.chance(85) || text.contains(odd) || text.is_empty() {
            return false;
        }
        if text.starts_with([' ', '\n', '\t']) || text.trim_end_matches('\n').is_empty() {
            return false;
        }
        let chomp = if !text.ends_with('\n') {
            "-"
        } else if text.ends_with("\n\n") {
            "+"
        } else {
            r.pick(&["", "+"])
        };
        self.out.push_str(if r.chance(70) { "|" } else { ">" });
        self.out.push_str(chomp);
        self.out.push('\n');
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            if !line.is_empty() {
                self.indent(indent);
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
        true
    }

    fn flow_scalar(&mut self, r: &mut Random, text: &str, _key: bool) {
        let control = |c: char| {
            c < ' '
                || c == '\u{7f}'
                || ('\u{80}'..'\u{a0}').contains(&c)
                || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}')
        };
        let plain = !text.contains(control)
            && !text.contains([',', '[', ']', '{', '}'])
            && !text.starts_with([
                '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', ' ', '?', ':', '-', ',',
            ])
            && !text.starts_with("...")
            && !text.contains(": ")
            && !text.contains(" #")
            && !text.ends_with([' ', ':'])
            && !text.is_empty();
        if plain && r.chance(75) {
            self.out.push_str(text);
        } else if !text.contains(control) && r.chance(40) {
            self.out.push('\'');
            self.out.push_str(&text.replace('\'', "''"));
            self.out.push('\'');
        } else {
            self.out.push('"');
            for c in text.chars() {
                match c {
                    '"' | '\\' => {
                        self.out.push('\\');
                        self.out.push(c);
                    }
                    '\n' => self.out.push_str("\\n"),
                    '\t' if r.chance(50) => self.out.push_str("\\t"),
                    c if control(c) || c > '\u{ffff}' => {
                        let _ = write!(self.out, "\\U{:08x}", u32::from(c));
                    }
                    c => self.out.push(c),
                }
            }
            self.out.push('"');
        }
    }
}

/// Changes a few bytes of a text.
pub(crate) fn mutate(r: &mut Random, text: &str) -> String {
    const SPICE: &[&str] = &[
        ":", ": ", "-", "- ", " ", "  ", "#", " #", "\n", "\t", "'", "\"", "[", "]", "{", "}", "|",
        ">", "&a ", "*a", "!", "%", "@", ",", "?", "? ", "~", "\r\n", "---\n", "...\n", "a", "0",
        "\\", "<<: ", "|-\n", ">+\n", "\n\n", "!!str ", "!!int ", "!!float ",
    ];
    let mut chars: Vec<String> = text.chars().map(String::from).collect();
    for _ in 0..=r.below(3) {
        let at = r.below(chars.len() + 1);
        match r.below(4) {
            0 if at < chars.len() => {
                chars.remove(at);
            }
            1 if at < chars.len() => r.pick(SPICE).clone_into(&mut chars[at]),
            2 if at < chars.len() => {
                let end = (at + 1 + r.below(8)).min(chars.len());
                let copy = chars[at..end].to_vec();
                let to = r.below(chars.len() + 1);
                chars.splice(to..to, copy);
            }
            _ => chars.insert(at, r.pick(SPICE).to_owned()),
        }
    }
    chars.concat()
}
