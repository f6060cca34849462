//! Random templates, formats and data.

use serde_json::{Value as Json, json};

/// A small generator of numbers.
pub(super) struct Random(pub(super) u64);

/// One question.
pub(super) struct Case {
    pub(super) templates: Vec<(String, String)>,
    pub(super) data: Json,
    pub(super) missing_key: &'static str,
}

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % n
    }

    /// True once in `n` times.
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

#[rustfmt::skip]
const NAMES: &[&str] = &[
    "a", "b", "m", "l", "s", "n", "i", "f", "t", "e", "missing", "deep", "é", "big", "neg",
];
#[rustfmt::skip]
const TEXTS: &[&str] = &[
    "x", " ", "\n", " \n\t ", "text", "a: b\n", "{", "}", "}}", "é☃", "- ", "\"", "$", "\r\n",
];
#[rustfmt::skip]
const LITERALS: &[&str] = &[
    "0", "1", "2", "-1", "3", "10", "0x1F", "0b101", "0o17", "017", "1_000", "1.5", "-0.0",
    "1e3", "1e6", "1e21", ".5", "1.", "0x1p-2", "1E-7", "1i", "1+2i", "-2.5i", "'a'", r"'\n'",
    "'é'", r"'\x41'", "true", "false", r#""""#, r#""a""#, r#""x\ty""#,
    r#""k""#, r#""é\u2603""#, r#""\xff""#, "`raw`", r"`r\aw`", r#""zz""#, r#""b""#, r#""a.b""#,
    r#""<&'\">""#, r#"" ""#, "100", "1e-5", "123456789.0", "1_0.5", "0x_1", "0_1",
];
#[rustfmt::skip]
const BAD_LITERALS: &[&str] = &[
    "nil", "08", "9223372036854775808", "18446744073709551616", "1e400", "1__0", "'ab'", "0x",
    "''", r#""\q""#, r"'\''", "1.2.3", "+", "-", "0b2", "1e", "0x1.8", "1_", r#""\ud800""#,
    "0xG", "+1",
];
/// Name, fewest and most arguments that it likes; those that take anything come first.
#[rustfmt::skip]
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("and", 1, 3), ("or", 1, 3), ("not", 1, 1), ("print", 0, 4), ("println", 0, 3),
    ("html", 1, 2), ("js", 1, 2), ("urlquery", 1, 2), ("same", 1, 1), ("list", 0, 3),
    ("strs", 0, 0), ("nums", 0, 0), ("smap", 0, 0), ("len", 1, 1), ("index", 1, 3),
    ("slice", 1, 4), ("eq", 2, 3), ("ne", 2, 2), ("lt", 2, 2), ("le", 2, 2), ("gt", 2, 2),
    ("ge", 2, 2), ("call", 1, 2), ("long", 1, 1), ("octet", 1, 1), ("bytes", 1, 1),
    ("typed", 4, 4), ("vari", 1, 3), ("size", 1, 1), ("count", 1, 1), ("words", 1, 1),
    ("fails", 1, 1), ("dies", 1, 1),
];
const SAFE: usize = 13;
/// Calls that succeed, as they stand.
#[rustfmt::skip]
const CALLS: &[&str] = &[
    "index .l 0", "index .l 1", r#"index .m "b" "k""#, r#"index .m "zz""#, "len .l", "len .m",
    r#"len "é""#, "slice .l 1 2", "slice .l 1", r#"slice "abc" 1"#, r#"slice "é☃" 1"#,
    "slice .l 0 4", "eq .i 3.0", "eq 1 2 1", r#"ne "a" "b""#, "lt 1 2", "ge 1.5 .f", "eq .n nil",
    "eq .missing nil", r#"gt "b" "a""#, "long 5", "long .big", "octet 300", r#"bytes "é""#,
    r#"typed "a" 1 1 true"#, r#"vari "a" 1 2"#, "size .m", "count .l", "count list",
    "words strs", "words nil", "index strs 0", "index nums 2", r#"index smap "k""#,
    "(index .l 3).a", "(same .m).b.k", "smap.k", r#"printf "%v %d" .i 1"#, r#"printf "%q" .l"#,
    r#"printf "%T" .m"#, r#"printf "%#v" .deep"#, r#"printf "%x" "é""#, r#"printf "%5.1f|" .f"#,
    r#"printf "%s" (bytes "é")"#, r#"eq (bytes "a") nil"#, "lt (octet 1) 2", "eq (octet 1) 1",
    r#"index "abc" 1"#, r#"include "u" ."#,
];
#[rustfmt::skip]
const VERBS: &[&str] = &[
    "v", "d", "s", "q", "x", "X", "t", "f", "g", "e", "E", "G", "F", "b", "o", "O", "c", "U",
    "T", "%", "w", "z", "é", "v", "s", "d",
];

fn data(random: &mut Random) -> Json {
    let numbers = [0.0, 1.0, -3.5, 1e6, 1e21, 123_456_789.0, 0.1, 1e-7, 2.0];
    let number = numbers[random.below(numbers.len())];
    let text = random.pick(&[
        "",
        "str",
        "two words",
        "é☃",
        "<a href=\"x\">'&</a>",
        "1",
        "\u{1}",
    ]);
    json!({
        "a": number,
        "b": random.one_in(2),
        "s": text,
        "n": null,
        "i": 3, "f": 1.5, "t": true, "e": "", "neg": -7, "big": 1_000_000, "é": "accent",
        "m": {"a": 1, "b": {"k": "v", "n": null}, "s": text, "z": [], "x.y": 1},
        "l": [1, text, null, {"a": number, "s": "in"}, [2, "b"]],
        "deep": {"m": {"l": [{"a": {"b": "bottom"}}], "n": null}, "l": [], "e": {}},
    })
}

/// A template that makes use of all the language, now and then with a mistake in it.
pub(super) fn template(random: &mut Random) -> Case {
    let mut writer = Writer {
        random,
        variables: vec!["$".to_owned()],
        loops: 0,
        out: String::new(),
        fuel: 40,
    };
    writer.list(3);
    if writer.random.one_in(3) {
        writer.define();
    }
    let text = std::mem::take(&mut writer.out);
    let text = if random.one_in(8) {
        mutated(random, &text)
    } else {
        text
    };
    let mut templates = vec![("t".to_owned(), text)];
    for name in ["u", "v-d"] {
        let mut writer = Writer {
            random,
            variables: vec!["$".to_owned()],
            loops: 0,
            out: String::new(),
            fuel: 8,
        };
        writer.list(1);
        let text = std::mem::take(&mut writer.out);
        // Nothing may call itself.
        let text = text
            .replace("template", "print")
            .replace("include", "print");
        templates.push((name.to_owned(), text.replace("block", "print")));
    }
    let data = data(random);
    let missing_key = random.pick(&["default", "default", "zero", "error"]);
    Case {
        templates,
        data,
        missing_key,
    }
}

/// `printf` with a format of all sorts and arguments that may fit.
pub(super) fn format(random: &mut Random) -> Case {
    let mut format = String::new();
    for _ in 0..=random.below(3) {
        format.push_str(random.pick(&["", "a", " ", "é"]));
        format.push('%');
        for _ in 0..random.below(3) {
            format.push_str(random.pick(&["#", "0", "+", "-", " "]));
        }
        if random.one_in(12) {
            format.push_str(random.pick(&["[1]", "[2]", "[3]", "[9]", "[x]", "[", "[]", "[0]"]));
        }
        if random.one_in(2) {
            format.push_str(random.pick(&["1", "5", "12", "*", "30"]));
        }
        if random.one_in(3) {
            format.push_str(random.pick(&[".", ".0", ".1", ".3", ".10", ".*", ".20"]));
        }
        if random.one_in(20) {
            format.push_str(random.pick(&["[1]", "[2]"]));
        }
        if !random.one_in(40) {
            format.push_str(random.pick(VERBS));
        }
    }
    let mut text = format!("{{{{ printf {}", serde_json::to_string(&format).unwrap());
    for _ in 0..random.below(4) {
        let argument = match random.below(4) {
            0 => format!(".{}", random.pick(NAMES)),
            1 => random
                .pick(&[
                    "strs",
                    "nums",
                    "smap",
                    "(long 5.0)",
                    "(octet 200)",
                    "(bytes .s)",
                    "(list)",
                    "(list nil 1 \"a\" (bytes \"b\"))",
                    "$",
                    "(index .l 3)",
                    "(list .f strs)",
                ])
                .to_owned(),
            2 if random.one_in(4) => "9223372036854775807".to_owned(),
            _ => random.pick(LITERALS).to_owned(),
        };
        text.push(' ');
        text.push_str(&argument);
    }
    text.push_str(" }}");
    Case {
        templates: vec![("t".to_owned(), text)],
        data: data(random),
        missing_key: "default",
    }
}

/// One or two characters changed.
fn mutated(random: &mut Random, text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(2) {
        let at = random.below(chars.len() + 1);
        let c = random
            .pick(&[
                "{", "}", "\"", "`", "'", "(", ")", "|", ".", "$", ":", "=", ",", "-", " ", "\n",
                "é", "0", "x", "\\", "/", "*", "@", "\u{1}",
            ])
            .chars()
            .next()
            .unwrap();
        match random.below(3) {
            0 if at < chars.len() => drop(chars.remove(at)),
            1 if at < chars.len() => chars[at] = c,
            _ => chars.insert(at, c),
        }
    }
    chars.into_iter().collect()
}

struct Writer<'r> {
    random: &'r mut Random,
    variables: Vec<String>,
    loops: u32,
    out: String,
    fuel: u32,
}

impl Writer<'_> {
    fn list(&mut self, depth: u32) {
        for _ in 0..=self.random.below(3) {
            if self.fuel == 0 {
                return;
            }
            self.fuel -= 1;
            self.statement(depth);
        }
    }

    fn statement(&mut self, depth: u32) {
        match self.random.below(if depth == 0 { 8 } else { 14 }) {
            0 | 1 => self.out.push_str(self.random.pick(TEXTS)),
            2 => self.declare(),
            3 if self.loops > 0 => {
                let word = self.random.pick(&["break", "continue"]);
                self.action(word);
            }
            4 if self.random.one_in(3) => {
                let comment = self.random.pick(&[
                    "{{/* c */}}",
                    "{{- /* c */ -}}",
                    "{{/* a\n }} */}}",
                    "{{- /*c*/}}",
                ]);
                self.out.push_str(comment);
            }
            8 | 9 => self.branch("if", depth),
            10 => self.branch("with", depth),
            11 | 12 => self.branch("range", depth),
            13 => self.call_template(),
            _ => {
                let pipe = self.pipe(3);
                self.action(&pipe);
            }
        }
    }

    fn action(&mut self, inner: &str) {
        let left = self.random.pick(&["{{", "{{ ", "{{- ", "{{-\n", "{{  "]);
        let right = self
            .random
            .pick(&["}}", " }}", " -}}", "\n-}}", "  -}}", "\t}}"]);
        self.out.push_str(left);
        self.out.push_str(inner);
        self.out.push_str(right);
    }

    fn declare(&mut self) {
        let name = self.random.pick(&["$x", "$y", "$z"]).to_owned();
        let is_known = self.variables.contains(&name);
        let sign = if is_known && self.random.one_in(2) {
            "="
        } else {
            ":="
        };
        let sign = if self.random.one_in(30) { "=" } else { sign };
        let pipe = self.pipe(2);
        let space = self.random.pick(&[" ", ""]);
        self.action(&format!("{name}{space}{sign} {pipe}"));
        self.variables.push(name);
    }

    fn branch(&mut self, word: &str, depth: u32) {
        let known = self.variables.len();
        let pipe = match (word, self.random.below(4)) {
            ("range", 0) => self
                .random
                .pick(&[
                    ".l",
                    ".m",
                    "3",
                    ".deep.m.l",
                    "strs",
                    "smap",
                    "(bytes \"ab\")",
                    "$",
                ])
                .to_owned(),
            _ => self.pipe(2),
        };
        let pipe = match self.random.below(8) {
            0 => {
                self.variables.push("$w".to_owned());
                format!("$w := {pipe}")
            }
            1 if word == "range" => {
                self.variables.extend(["$i".to_owned(), "$e".to_owned()]);
                format!("$i, $e := {pipe}")
            }
            2 if word == "range" && self.random.one_in(2) => format!("$x, $y = {pipe}"),
            _ => pipe,
        };
        self.action(&format!("{word} {pipe}"));
        self.loops += u32::from(word == "range");
        self.list(depth - 1);
        self.loops -= u32::from(word == "range");
        if self.random.one_in(3) {
            let chained = self.random.one_in(2) && word != "range";
            if chained {
                let pipe = self.pipe(2);
                self.action(&format!("else {word} {pipe}"));
                self.list(depth - 1);
            }
            self.action("else");
            self.list(depth - 1);
        }
        self.action("end");
        self.variables.truncate(known);
    }

    fn call_template(&mut self) {
        let name = self
            .random
            .pick(&["\"u\"", "\"v-d\"", "`u`", "\"u\"", "\"v-d\"", "\"nope\""])
            .to_owned();
        let pipe = self.pipe(1);
        match self.random.below(4) {
            0 => self.action(&format!("template {name}")),
            1 => self.action(&format!("include {name} ({pipe})")),
            2 if self.random.one_in(4) => {
                self.action(&format!("block \"blk\" {pipe}"));
                self.out.push_str("in block");
                self.action(".");
                self.action("end");
            }
            _ => self.action(&format!("template {name} {pipe}")),
        }
    }

    fn define(&mut self) {
        let name = self.random.pick(&["\"u\"", "\"d\"", "\"t\""]).to_owned();
        self.action(&format!("define {name}"));
        self.out.push_str(self.random.pick(TEXTS));
        self.action("end");
    }

    fn pipe(&mut self, depth: u32) -> String {
        let mut out = self.command(depth);
        while self.random.one_in(5) {
            out.push_str(self.random.pick(&[" | ", "|", " |\n"]));
            let (name, fewest, _) = self.function();
            out.push_str(name);
            for _ in 1..fewest {
                out.push(' ');
                out.push_str(&self.operand(depth.saturating_sub(1)));
            }
        }
        out
    }

    fn function(&mut self) -> (&'static str, usize, usize) {
        let among = if self.random.one_in(4) {
            FUNCTIONS.len()
        } else {
            SAFE
        };
        FUNCTIONS[self.random.below(among)]
    }

    fn command(&mut self, depth: u32) -> String {
        if self.random.one_in(4) {
            return self.random.pick(CALLS).to_owned();
        }
        if depth == 0 || self.random.one_in(2) {
            let mut out = self.operand(depth);
            if self.random.one_in(150) {
                out.push(' ');
                out.push_str(&self.operand(0));
            }
            return out;
        }
        let (name, fewest, most) = self.function();
        let mut count = fewest + self.random.below(most - fewest + 1);
        if self.random.one_in(60) {
            count = self.random.below(4);
        }
        let mut out = name.to_owned();
        for _ in 0..count {
            out.push_str(self.random.pick(&[" ", " ", "  ", "\n"]));
            out.push_str(&self.operand(depth - 1));
        }
        out
    }

    fn operand(&mut self, depth: u32) -> String {
        match self.random.below(if depth == 0 { 8 } else { 10 }) {
            0 | 1 if self.random.one_in(60) => self.random.pick(BAD_LITERALS).to_owned(),
            0 | 1 => self.random.pick(LITERALS).to_owned(),
            2 => ".".to_owned(),
            3 => {
                let at = self.random.below(self.variables.len());
                let mut out = self.variables[at].clone();
                if self.random.one_in(200) {
                    "$nope".clone_into(&mut out);
                }
                if self.random.one_in(2) {
                    out.push_str(&self.fields());
                }
                out
            }
            8 => {
                let inner = self.pipe(depth - 1);
                let fields = if self.random.one_in(4) {
                    self.fields()
                } else {
                    String::new()
                };
                format!("({inner}){fields}")
            }
            9 => {
                let (name, fewest, _) = self.function();
                if fewest > 0 && !self.random.one_in(40) {
                    return self.fields();
                }
                name.to_owned()
            }
            _ => self.fields(),
        }
    }

    fn fields(&mut self) -> String {
        let known = [
            ".m.b",
            ".m.b.k",
            ".m.b.n",
            ".deep.m.l",
            ".deep.m.n",
            ".m.s",
            ".l",
            ".m.z",
            ".deep.e",
        ];
        if self.random.one_in(3) {
            return self.random.pick(&known).to_owned();
        }
        let mut out = format!(".{}", self.random.pick(NAMES));
        while self.random.one_in(4) {
            out.push('.');
            out.push_str(self.random.pick(NAMES));
        }
        out
    }
}
