//! Arguments that make functions show what they do at the edges.

use trueup_gotemplate::{Kind, List, Signature, Str, Type, Value};

use crate::wire;

const TEXTS: [&[u8]; 46] = [
    b"",
    b" ",
    b"a",
    b"abc",
    b"hello world",
    b"Hello World",
    b"HTTPServer-name x",
    b"foo_bar-baz.qux",
    b"a,b,,c",
    b"a/b/../c",
    b"/abs//path/./x.tar.gz",
    b"..",
    b"v1.2.3",
    b"  padded\t\n",
    b"line1\nline2\n",
    b"\n\n",
    b"10",
    b"-7",
    b"0x1F",
    b"1_000",
    b"3.14",
    b"1e3",
    b"010",
    b"5.0",
    b"true",
    b"null",
    b"{\"a\": [1, 2.5, \"x\"]}",
    b"[1,",
    b"<a href=\"x\">&</a>",
    b"it's \"quoted\" \\ `back`",
    "h\u{e9}llo w\u{f6}rld".as_bytes(),
    "\u{df}\u{130}\u{1c6}x".as_bytes(),
    "\u{65e5}\u{672c}\u{8a9e} text".as_bytes(),
    "a\u{a0}b\u{85}c\u{2003}d".as_bytes(),
    b"bad\xffutf8\xc3",
    b"\xe2\x82",
    b"99999999999999999999",
    b"-9223372036854775808",
    b"aGVsbG8=",
    b"NBSWY3DP",
    b"!!",
    b"fooBAR2xx",
    b"Bld4Floor3rd",
    b"_x__y_",
    b"\x00\x01\x7f",
    "\u{1f600}emoji".as_bytes(),
];

const PATTERNS: [&[u8]; 48] = [
    b"",
    b"a",
    b"a*",
    b"[a-z]+",
    b"^\\w+$",
    b"(\\d+)-(\\d+)",
    b"(?i)hello",
    b"(?P<first>\\w)(?P<rest>\\w*)",
    b"\\s+",
    b"[^,]*",
    b"x{2,3}",
    b"x{,3}",
    b"a{1001}",
    b"(",
    b")",
    b"[",
    b"a**",
    b"*a",
    b"\\",
    b"\\8",
    b"\\pL+",
    b"\\p{Greek}",
    b"\\p{Foo}",
    b"[[:alpha:]_]",
    b"[[:foo:]]",
    b"(?=x)",
    b"(?<n>a)",
    b"(?P<1>a)",
    b"\\bfoo\\b",
    b"[]a]",
    b"[a&&b]",
    b"[\\d\\-x]",
    b"[z-a]",
    b"\\Q.*\\E",
    b"\\x41",
    b"\\x{263a}",
    b"(?s).",
    b"(?U)a+",
    b"a|b|",
    b"(a)(b)?",
    b"\\z",
    b"\\Z",
    b"[a-\\d]",
    b"(?i-s:x)",
    b"[^a-zA-Z0-9-_.]+",
    b"^[\\w-\\.]+$",
    b"[a--]",
    b"[+--]",
];

const REPLACEMENTS: [&[u8]; 12] = [
    b"",
    b"x",
    b"$1",
    b"${1}y",
    b"$1y",
    b"$first-${rest}",
    b"$$",
    b"$",
    b"${",
    b"$0$0",
    b"a$2b",
    b"\\1",
];

const VERSIONS: [&[u8]; 26] = [
    b"1.2.3",
    b"v1.2.3",
    b"1.2",
    b"1",
    b"1.2.3-alpha.1",
    b"1.2.3-alpha.10+b1",
    b"v1.31.2-eks-abc",
    b"0.0.3",
    b"0.2.9",
    b"2.0.0-0",
    b"01.2.3",
    b"1.2.3.4",
    b"",
    b"x",
    b"1.2.x",
    b"1.2.3-01",
    b"1.2.3-a..b",
    b"1.2.3+",
    b"99999999999999999999.0.0",
    b"10.20.30",
    b"1.2.3-rc.1",
    b"1.2.3-rc.1.2",
    b"1.31.0+k3s1",
    b"-1.2.3",
    b" 1.2.3",
    b"3.1.0",
];

const CONSTRAINTS: [&[u8]; 40] = [
    b"*",
    b"",
    b">=1.2",
    b">1.2",
    b"<2",
    b"<=1.2",
    b"~1.2",
    b"~1",
    b"~1.2.3",
    b"~>1.2.3",
    b"^1.2",
    b"^0.2",
    b"^0.0.3",
    b"^0",
    b"1.x",
    b"1.2.X",
    b"1.2.3",
    b"=1.2.3",
    b"!=1.2.3",
    b"!=1.x",
    b"!=1.2",
    b"1.2 - 1.4",
    b"1.2.3 - 2",
    b">=1.2, <2",
    b">=1.2 <2",
    b"<1 || >=1.2",
    b">=1.2.3-0",
    b"^1.2-0",
    b">1.2.3-alpha",
    b"=>1",
    b"=<2.0.0",
    b"1.2.3 || 2.0.0-0",
    b">= 1.2 , < 1.4",
    b"||",
    b">",
    b"1.2.3.4",
    b"~0.0.0",
    b"!=1.2.3-alpha.1",
    b">=v1.2 || x",
    b"foo",
];

const LAYOUTS: [&[u8]; 20] = [
    b"2006-01-02",
    b"2006-01-02T15:04:05Z07:00",
    b"Mon Jan _2 15:04:05 MST 2006",
    b"Monday, 02-Jan-06 15:04:05 MST",
    b"3:04PM",
    b"15:04:05.000",
    b"15:04:05.999999",
    b"2006-002",
    b"__2 Jan",
    b"_2006",
    b"05,000",
    b"January Janet 2",
    b"-0700 -07:00:00",
    b"Z070000",
    b"",
    b"plain",
    b"02/01/06 03:04:05 pm",
    b"Jan 2 2006 MST",
    b"2006-01-02 15:04:05 -0700",
    b".00 4 5",
];

const DATES: [&[u8]; 28] = [
    b"2020-03-04",
    b"2020-02-30",
    b"2020-13-01",
    b"2020-03-04T05:06:07Z",
    b"2020-03-04T05:06:07+02:30",
    b"2020-03-04T25:06:07Z",
    b"Wed Mar  4 05:06:07 UTC 2020",
    b"wed mar 4 05:06:07 EST 2020",
    b"Wednesday, 04-Mar-20 05:06:07 GMT+3",
    b"5:06PM",
    b"13:06PM",
    b"15:04:05.123",
    b"15:04:05.123456789",
    b"2020-366",
    b"2019-366",
    b" 64 Mar",
    b"05,123",
    b"",
    b"plain",
    b"04/03/20 05:06:07 pm",
    b"Mar 4 2020 CEST",
    b"2020-03-04 05:06:07 -0700",
    b"bad",
    b"2020-3-4",
    b"0000-01-01",
    b"2020-03-04 extra",
    b"-0730 +01:00:30",
    b"January Janet 2",
];

const ZONES: [&[u8]; 8] = [
    b"UTC",
    b"",
    b"Local",
    b"America/New_York",
    b"Asia/Kathmandu",
    b"europe/london",
    b"Bad/Zone",
    b"Europe/Berlin",
];

const DURATIONS: [&[u8]; 20] = [
    b"24h",
    b"1h30m",
    b"-1.5h",
    b"100ms",
    b"1us",
    b"2\xc2\xb5s",
    b"0",
    b"",
    b"5",
    b"1x",
    b".5s",
    b"1.s",
    b"9000h",
    b"400h",
    b"59s",
    b"+3m",
    b"9223372036854775807ns",
    b"1000000000h",
    b"-",
    b"1h 2m",
];

const URLS: [&[u8]; 30] = [
    b"http://user:pw@host:8080/p/a?q=1&r=a%20b#frag",
    b"mailto:x@y",
    b"https://[::1]:443/x",
    b"http://[fe80::1%25en0]/",
    b"//host/path",
    b"/path only",
    b"path:with/colon",
    b"http://a b/",
    b"http://host:port/",
    b"http://%zz/",
    b"HTTP://EXAMPLE.com/%7Efoo%2Fbar",
    b"?q",
    b"#f%20g",
    b"",
    b"*",
    b"http://h?",
    b":nope",
    b"http://u%40x@h/",
    b"file:///etc/passwd",
    b"http://h/a;b=c,d!$&'()*+",
    b"http://h/\x7f",
    b"http://1.2.3.4:80:90/",
    b"s3://bucket/key?x=y?z",
    b"http://[::1",
    b"http://x[::1]/",
    b"http://h/%",
    b"a/b:c",
    b"///x",
    b"http://h#",
    "http://h\u{f6}st/\u{fc}?\u{e4}".as_bytes(),
];

const JSONS: [&[u8]; 34] = [
    b"{}",
    b"[]",
    b"null",
    b"true",
    b"tru",
    b"nul1",
    b"12",
    b"-0",
    b"1.5e3",
    b"1e999",
    b"01",
    b"-",
    b"1.",
    b"1e",
    b"\"x\"",
    b"\"\\u00e9\\n\"",
    b"\"\\ud83d\\ude00\"",
    b"\"\\ud83d\"",
    b"\"\\x\"",
    b"\"\\u12G4\"",
    b"\"open",
    b"\"\x01\"",
    b"{\"a\":1,\"a\":2}",
    b"{a:1}",
    b"{\"a\" 1}",
    b"{\"a\":1 \"b\"}",
    b"[1 2]",
    b"[1,]",
    b"{\"a\":1,}",
    b"1 2",
    b"'x'",
    b" [ 1 , {\"k\": [null]} ] ",
    b"\"bad\xff\"",
    "\u{e9}".as_bytes(),
];

const INTEGERS: [i64; 22] = [
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    10,
    16,
    20,
    100,
    -1,
    -2,
    -3,
    -7,
    -100,
    2_147_483_648,
    i64::MAX,
    i64::MIN,
    1_583_298_367,
];

const FLOATS: [f64; 26] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1.5,
    2.5,
    -2.5,
    0.1,
    0.3,
    1e6,
    1e21,
    1e-7,
    123.5555,
    1.005,
    1e300,
    -1e300,
    5e-324,
    1e18,
    9.3e18,
    1e20,
    f64::MAX,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    16_777_217.0,
];

/// A small generator: the same seed gives the same calls everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap() % bound
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn text(&mut self) -> Vec<u8> {
        let mut text = self.of(&TEXTS).to_vec();
        if self.below(3) == 0 {
            text.extend(self.of(&TEXTS));
        }
        text
    }

    fn string_of(&mut self, name: &str, at: usize) -> Vec<u8> {
        let wild = self.below(10) == 0;
        let lower = name.to_lowercase();
        match at {
            _ if wild => self.text(),
            0 if name == "semver" => self.of(&VERSIONS).to_vec(),
            0 if name == "semverCompare" => self.of(&CONSTRAINTS).to_vec(),
            1 if name == "semverCompare" => self.of(&VERSIONS).to_vec(),
            0 if lower.contains("regex") && name != "regexQuoteMeta" => self.of(&PATTERNS).to_vec(),
            2 if lower.contains("regexreplace") => self.of(&REPLACEMENTS).to_vec(),
            0 if lower.ends_with("todate") => self.of(&LAYOUTS).to_vec(),
            1 if lower.ends_with("todate") => self.of(&DATES).to_vec(),
            0 if lower.contains("modify") => self.of(&DURATIONS).to_vec(),
            0 if lower.contains("date") => self.of(&LAYOUTS).to_vec(),
            1 | 2 if lower.contains("zone") => self.of(&ZONES).to_vec(),
            0 if name == "urlParse" => self.of(&URLS).to_vec(),
            0 if lower.ends_with("fromjson") => self.of(&JSONS).to_vec(),
            0 if name == "typeIs" || name == "typeIsLike" => self
                .of(&[
                    b"string".as_slice(),
                    b"int",
                    b"float64",
                    b"map[string]interface {}",
                    b"time.Time",
                    b"<nil>",
                ])
                .to_vec(),
            0 if name == "kindIs" => self
                .of(&[
                    b"string".as_slice(),
                    b"int",
                    b"slice",
                    b"map",
                    b"struct",
                    b"invalid",
                ])
                .to_vec(),
            0 if name == "b64dec" || name == "b32dec" => self.encoded(),
            1 if name == "decryptAES" => self.encoded(),
            0 if [
                "split",
                "splitList",
                "splitn",
                "join",
                "trimAll",
                "contains",
                "replace",
            ]
            .contains(&name) =>
            {
                self.of(&[b"".as_slice(), b",", b"a", b"l", b"/", b" ", b"\n"])
                    .to_vec()
            }
            1 if ["get", "hasKey", "unset", "set"].contains(&name) => self.key(),
            _ if ["pick", "omit", "pluck"].contains(&name) => self.key(),
            _ => self.text(),
        }
    }

    fn key(&mut self) -> Vec<u8> {
        self.of(&[
            b"a".as_slice(),
            b"b",
            b"c",
            b"scheme",
            b"host",
            b"path",
            b"userinfo",
            b"",
        ])
        .to_vec()
    }

    /// Nearly base64 or base32.
    fn encoded(&mut self) -> Vec<u8> {
        let length = self.below(20);
        (0..length)
            .map(|_| self.of(b"ABCDEFGHabc234567+/==\n\r"))
            .collect()
    }

    fn of_type(&mut self, of: Type, name: &str, at: usize) -> Value {
        match of {
            Type::String => Value::Str(Str::from_bytes(self.string_of(name, at))),
            Type::Bool => Value::Bool(self.below(2) == 0),
            Type::Number(Kind::Float64) => Value::Float(self.of(&FLOATS)),
            Type::Number(_) => {
                let bounded = [
                    "until",
                    "untilStep",
                    "seq",
                    "repeat",
                    "indent",
                    "nindent",
                    "round",
                ]
                .contains(&name);
                let number = self.of(&INTEGERS);
                Value::Int(if bounded && number.unsigned_abs() > 1000 {
                    number % 50
                } else {
                    number
                })
            }
            Type::Map(_) => self.map(2),
            Type::List(_) => self.list(2),
            Type::Named(_) => wire::time(self.of(&INTEGERS) % 10_000_000_000),
            _ => self.any_for(name, at),
        }
    }

    fn any_for(&mut self, name: &str, at: usize) -> Value {
        let lower = name.to_lowercase();
        let list_first = [
            "first",
            "last",
            "rest",
            "initial",
            "append",
            "push",
            "prepend",
            "reverse",
            "uniq",
            "compact",
            "without",
            "slice",
            "chunk",
            "concat",
            "sortalpha",
            "tostrings",
        ];
        let plain = lower.strip_prefix("must").unwrap_or(&lower);
        let often = self.below(8) != 0;
        match plain {
            "date" | "dateinzone" | "date_in_zone" | "htmldate" | "htmldateinzone" => {
                // What is no date is now, which nothing determines.
                let seconds = self.of(&INTEGERS) % 10_000_000_000;
                match self.below(3) {
                    0 => wire::time(seconds),
                    1 => Value::Int(seconds),
                    _ => Value::Int64(seconds),
                }
            }
            "duration" | "durationround" if often => match self.below(3) {
                0 => Value::Int64(self.of(&INTEGERS)),
                1 => Value::Str(Str::from_bytes(self.of(&DURATIONS))),
                _ => Value::Str(Str::from_bytes(self.text())),
            },
            // A time until now is no time that Go and we agree on.
            "durationround" => Value::Nil,
            "has" if at == 1 && often => self.list(2),
            "dig" if often && at == 2 => self.map(3),
            "dig" if often => Value::Str(Str::from_bytes(self.key())),
            _ if list_first.contains(&plain)
                && (at == 0 || plain == "concat" || plain == "chunk")
                && often =>
            {
                self.list(2)
            }
            _ => self.any(2),
        }
    }

    fn any(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 8 } else { 12 }) {
            0 => Value::Nil,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::Int(self.of(&INTEGERS)),
            3 => Value::Int64(self.of(&INTEGERS)),
            4 => Value::Float(self.of(&FLOATS)),
            5..=7 => Value::Str(Str::from_bytes(self.text())),
            8 => self.map(depth - 1),
            9 => Value::bytes(self.text()),
            10 => wire::time(self.of(&INTEGERS) % 10_000_000_000),
            _ => self.list(depth - 1),
        }
    }

    fn list(&mut self, depth: usize) -> Value {
        let length = self.below(5);
        match self.below(6) {
            0 => Value::strings((0..length).map(|_| Str::from_bytes(self.text()))),
            1 => {
                let items = (0..length)
                    .map(|_| Value::Int(self.of(&INTEGERS)))
                    .collect();
                Value::List(List::typed(Type::INT, items))
            }
            _ => Value::list((0..length).map(|_| self.any(depth)).collect::<Vec<_>>()),
        }
    }

    fn map(&mut self, depth: usize) -> Value {
        let length = self.below(4);
        Value::Map(
            (0..length)
                .map(|_| (Str::from_bytes(self.key()), self.any(depth)))
                .collect(),
        )
    }

    /// Arguments that a function takes.
    pub(crate) fn arguments(&mut self, name: &str, signature: Signature) -> Vec<Value> {
        let mut types = signature.fixed.to_vec();
        if let Some(rest) = signature.variadic {
            let more = if name == "dig" { 3 } else { self.below(4) };
            types.extend((0..more).map(|_| rest));
        }
        types
            .into_iter()
            .enumerate()
            .map(|(at, of)| self.of_type(of, name, at))
            .collect()
    }
}
