//! Scalars and keys that loaders and emitters are known to trip over.

#[rustfmt::skip]
pub(crate) const SCALARS: &[&str] = &[
    "", "a", "nginx", "web-1", "x y", "true", "false", "True", "FALSE", "yes", "no", "on", "off",
    "y", "n", "Yes", "ON", "null", "Null", "~", "0", "1", "-1", "+1", "007", "017", "08", "0o17",
    "0x1F", "0b101", "0b-1", "1_000", "1__0", "_1", "1e3", "1E3", "1e+3", "1e-7", "1.5", "-1.5",
    ".5", "5.", "1e400", "-0", "-0.0", "0.1", "1e21", "1e20", "123456789.5", "100000", "1000000.5",
    "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
    "-9223372036854775809", ".inf", "-.inf", "+.inf", ".nan", ".NaN", "inf", "nan", "1:30", "1:60",
    "190:20:30", "12:30:45", "2001-01-01", "2001-1-1", "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43.10", "2001-12-14T21:59:43Z", "2001-02-30", "2024-02-29",
    "2001-12-14 21:59:43 -5", "=", "<<", "-", "--", "---", "--- a", "...", "- a", "-a", "?", "? a",
    "?a", ":", ": a", ":a", "a:", "a: b", "a:b", "a :b", "#", "#a", "a#", "a #b", "a#b", "!a",
    "!!str", "&a", "*a", "@a", "`a", "%a", "|", ">", "'", "\"", "it's", "\"q\"", "a\\b", "[", "]",
    "{", "}", ",", "a, b", "[a]", "{a: b}", "{{ x }}", " a", "a ", " ", "  ", "a  b", "\ta", "a\tb",
    "a\t", "\n", "a\n", "a\nb", "a\nb\n", "a\n\n", "a\n\nb", "\na", "\n\na\n", " a\nb", "a\n b\n",
    "a \nb\n", "a\n\n\nb\n\n", "a\n  b\n c\n", "\n a", "a\n#b\n", "a\n---\nb\n", "- a\n- b\n",
    "a: b\nc: d\n", "#!/bin/sh\nset -e\n", "{\n  \"a\": 1\n}\n", "\t\n", "a\tb\nc\n", "\tx\ny\n",
    "é", "日本語", "a\u{a0}b", "\u{feff}", "a\u{feff}b", "\u{85}", "a\u{85}b", "\u{2028}",
    "a\u{2028}b", "x\u{2029}\ny", "😀", "a😀b", "\u{0}", "\u{7}", "\u{1b}[0m", "\u{7f}", "\u{80}",
    "\u{fffd}", "\r", "a\rb", "a\r\nb", "0.0.0.0/0", "10.0.0.1", "1.2.3", "v1.2.3", "1Gi", "100m",
    "0.5", "50%", "http://a:80/b?c=d#e", "a=b", "--flag=x", "-c", "$(VAR)", "${VAR}",
    "*.example.com", "/dev/null", "kubernetes.io/x", "a/b", "MIIC+/==", "YWJj", "key with spaces",
    "a,b", "a]b", "a}b", "x: y: z", "trailing:", "  lead", "trail  ", "ends with #", "a # b",
    "the quick brown fox jumps over the lazy dog and then the quick brown fox jumps over the lazy dog again and again",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbb cccc",
    "it's the quick brown fox that jumps over the lazy dog: and then the quick brown fox   jumps  over it again, twice",
    "tabs\tand the quick brown fox jumps over the lazy dog and then the quick brown fox jumps over the lazy dog again ",
    "word word word word word word word word word word word word word word word word word word word word\nword word word word word word word word word word word word word word word word word word word word\n",
];

#[rustfmt::skip]
pub(crate) const KEYS: &[&str] = &[
    "a", "b", "c", "name", "metadata", "spec", "apiVersion", "kind", "a-b", "a.b/c", "a10", "a2",
    "a02", "A", "Z", "z", "_x", "1", "10", "2", "x y", "é", "日", "$ref", "app.kubernetes.io/name",
    "on", "yes", "y", "n", "true", "null", "1.5", "0x10", "2001-01-01", "k#", "q'", "a,b", "-k",
];
