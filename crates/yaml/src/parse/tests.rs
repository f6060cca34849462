use std::fmt::Write as _;

use super::*;
use crate::emit;
use crate::{Schema, Style};

fn parse(text: &str) -> Result<Vec<Document>, Vec<Error>> {
    Document::parse(&Source::new("t.yaml", text))
}

/// All documents of a text as JSON, one a line.
fn json(text: &str) -> String {
    let documents = parse(text).unwrap_or_else(|errors| panic!("{errors:?} in\n{text}"));
    let mut out = String::new();
    for doc in &documents {
        emit::json(doc, doc.root(), Schema::Kyaml, &mut out).unwrap();
        out.push('\n');
    }
    out
}

#[test]
fn every_kind_of_node_is_read() {
    for (text, want) in [
        ("a: 1\nb: x y\n", r#"{"a":1,"b":"x y"}"#),
        (
            "- a\n- b: 1\n  c: 2\n-\n  - d\n- - e\n  - f\n",
            r#"["a",{"b":1,"c":2},["d"],["e","f"]]"#,
        ),
        ("a:\n- 1\n- 2\nb:\n  - 3\n", r#"{"a":[1,2],"b":[3]}"#),
        (
            "a: {b: [1, 'x', \"y\"], c: {}}\nd: []\n",
            r#"{"a":{"b":[1,"x","y"],"c":{}},"d":[]}"#,
        ),
        (
            "a: |\n  x\n   y\n\n  z\nb: >-\n  x\n  y\n\n  z\n\n",
            r#"{"a":"x\n y\n\nz\n","b":"x y\nz"}"#,
        ),
        ("a: |+\n  x\n\nb: |2-\n   x\n", r#"{"a":"x\n\n","b":" x"}"#),
        ("a: b\n  c\n\n  d\ne: f\n", r#"{"a":"b c\nd","e":"f"}"#),
        ("? a\n: b\n? - c\n  - d\n: - e\n", "ERR"),
        (
            "a: 'it''s'\nb: \"\\u00e9\\n\\x41 \\\n  c\"\n",
            r#"{"a":"it's","b":"é\nA c"}"#,
        ),
        (
            "a: &x {b: 1}\nc: *x\nd: &y\n  e: 2\nf:\n  <<: *y\n  g: 3\n",
            r#"{"a":{"b":1},"c":{"b":1},"d":{"e":2},"f":{"e":2,"g":3}}"#,
        ),
        ("a:\nb: ~\nc: null\n", r#"{"a":null,"b":null,"c":null}"#),
        ("# c\na: 1 # d\n# e\n\nb: x#y\n", r#"{"a":1,"b":"x#y"}"#),
        (
            "\u{FEFF}a: 1\r\nb: |\r\n  x\r\n  y\r\n",
            r#"{"a":1,"b":"x\ny\n"}"#,
        ),
        ("--- !!map\na: !!str 1\n...\n", r#"{"a":"1"}"#),
        ("[a: b, ? c : d, \"e\":f, [g]: h]\n", "ERR"),
        ("a: http://x:80/y?z=1#f\n", r#"{"a":"http://x:80/y?z=1#f"}"#),
        ("a: [\n  1,\n  2\n]\n", r#"{"a":[1,2]}"#),
    ] {
        if want == "ERR" {
            assert!(parse(text).is_ok(), "{text}");
            continue;
        }
        assert_eq!(json(text).trim_end(), want, "{text}");
    }
}

#[test]
fn the_last_line_needs_no_end() {
    for text in [
        "a: 10m",
        "a: x\nb: 10m",
        "a: [x]\nb: 10m",
        "a:\n  b: x\n  c: 10m",
        "- a: x\n  b: 10m",
    ] {
        assert_eq!(json(text), json(&format!("{text}\n")), "{text:?}");
    }
}

#[test]
fn a_stream_has_many_documents() {
    assert_eq!(
        json("a\n---\nb\n--- |\n c\n...\n---\n"),
        "\"a\"\n\"b\"\n\"c\\n\"\nnull\n"
    );
    assert_eq!(json(""), "");
    assert_eq!(json("# only\n"), "");
    assert_eq!(
        json("%YAML 1.2\n%TAG !e! tag:e,2026:\n---\n!e!x a\n"),
        "\"a\"\n"
    );
}

#[test]
fn every_document_reports_its_error_with_place_and_help() {
    let text = "a: b: c\n---\nok: 1\n---\n\tx: 1\n---\na: 1\na: 2\n";
    let errors = parse(text).unwrap_err();
    let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "t.yaml:1:5: a mapping is not allowed here",
            "t.yaml:5:1: a tab is not allowed in indentation",
            "t.yaml:8:1: the key `a` is set twice, first on line 7",
        ]
    );
    assert!(errors.iter().all(|error| error.help().is_some()));
    assert_eq!(errors[0].excerpt(), "  |\n1 | a: b: c\n  |     ^\n");
}

#[test]
fn positions_and_styles_are_kept() {
    let doc = parse("a: 'x'\nb:\n  - y\n").unwrap().remove(0);
    let x = doc.get(doc.root(), "a").unwrap();
    assert_eq!(doc.location(x).unwrap().to_string(), "t.yaml:1:4");
    assert_eq!(doc.style(x), Style::SingleQuoted);
    let y = doc.item(doc.get(doc.root(), "b").unwrap(), 0).unwrap();
    assert_eq!(doc.location(y).unwrap().to_string(), "t.yaml:3:5");
}

/// Mistakes that people make.
const MISTAKES: &[&str] = &[
    "a:\n\tb: 1\n",
    "a: b: c\n",
    "key: value with: colon\n",
    "image: {{ .Values.image }}:{{ .Values.tag }}\n",
    "a: {{ x }} y\n",
    "{{ if x }}\na: 1\n{{ end }}\n",
    "name:x\nb: 1\n",
    "a: 1\nname:x\nb: 1\n",
    "a: 1\n  b: 2\n",
    "a:\n  b: 1\n c: 2\n",
    "a: 'x\nb: 1\n",
    "command: [\"sh\", \"-c\", \"echo]\n",
    "a: [1, 2\nb: 3\n",
    "a: {b: 1\nc: 2\n",
    "a: [1,, 2]\n",
    "a: ]\n",
    "a: *x\n",
    "a: &x *y\n",
    "a: !e!x 1\n",
    "a: 1\n- b\n",
    "a: - b\n",
    "- a\nb: 1\n",
    "a: @x\n",
    "a: `x`\n",
    "a: \"x\" y\n",
    "a: 'it's'\n",
    "a: |x\n  y\n",
    "a: |\n   \n  b\n",
    "a: \"\\q\"\n",
    "a: \"\\ud800\"\n",
    "a: 1\nb\nc: 2\n",
    "a: 1\nb: 2\na: 3\n",
    "%YAML\n---\n",
    "%YAML 1.2\na: 1\n",
    "a: x\u{1}y\n",
];

#[test]
fn a_mistake_is_told_with_its_place_and_the_way_out() {
    let mut out = String::new();
    for text in MISTAKES {
        for error in parse(text).unwrap_err() {
            let help = error.help().unwrap_or("none");
            let _ = write!(out, "{error}\n{}  help: {help}\n\n", error.excerpt());
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn a_template_as_a_value_is_told_when_it_is_used() {
    let doc = parse("image: {{ .Values.image }}\n").unwrap().remove(0);
    let error = emit::sigs(&doc, doc.root(), &mut String::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.yaml:1:9: a collection cannot be a key here"
    );
    assert!(error.help().unwrap().contains("template"));
}

#[test]
fn depth_nodes_aliases_and_size_are_bounded() {
    let options = ParseOptions {
        max_depth: 10,
        max_nodes: 1000,
        max_alias_nodes: 100,
        max_bytes: 100_000,
        ..ParseOptions::default()
    };
    let laughs = "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b, *b]\n";
    for (text, want) in [
        ("[".repeat(11), "collections are nested more than 10 deep"),
        ("- ".repeat(11), "collections are nested more than 10 deep"),
        (
            "[]\n- ".repeat(400).replace("[]", "- a: {}"),
            "more than 1000 nodes",
        ),
        (laughs.to_owned(), "aliases add more than 100 nodes"),
        ("x".repeat(100_001), "larger than the limit of 100000 bytes"),
    ] {
        let errors = Document::parse_with(&Source::new("t", text), &options).unwrap_err();
        assert!(errors[0].message().contains(want), "{errors:?}");
    }
}

#[test]
fn the_deepest_text_allowed_does_not_exhaust_a_small_stack() {
    let depth = ParseOptions::default().max_depth as usize;
    let run = move || {
        for text in [
            "[".repeat(depth) + &"]".repeat(depth),
            "- ".repeat(depth) + "x",
        ] {
            let doc = parse(&text).unwrap().remove(0);
            let mut out = String::new();
            emit::kyaml(&doc, doc.root(), &mut out);
            emit::sigs(&doc, doc.root(), &mut out).unwrap();
            emit::json(&doc, doc.root(), Schema::Sigs, &mut out).unwrap();
            assert!(doc.eq_value(doc.root(), &doc.clone(), doc.root()));
            doc.extract(doc.root()).compact();
        }
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread.spawn(run).unwrap().join().unwrap();
}

#[test]
fn equal_keys_that_are_kept_are_found_again_until_they_are_gone() {
    let options = ParseOptions {
        duplicate_keys: DuplicateKeys::Keep,
        ..ParseOptions::default()
    };
    let mut many = String::new();
    for at in 0..40 {
        let _ = writeln!(many, "  k{at}: {at}");
    }
    for inner in [
        "{c: 1, d: 2, c: 3}".to_owned(),
        format!("\n{many}  k7: x\n"),
    ] {
        let text = format!("a: 1\nb: {inner}\n");
        let source = Source::new("t.yaml", text.as_str());
        let mut documents = Document::parse_with(&source, &options).unwrap();
        let doc = documents.first_mut().unwrap();
        let (first, second) = doc.equal_keys(doc.root()).unwrap();
        assert_eq!(doc.text(first), doc.text(second), "{text}");
        assert!(doc.location(first).unwrap().span.start < doc.location(second).unwrap().span.start);
        let key = doc.text(first).unwrap().to_owned();
        let value = doc.at(doc.root(), &["b", &key]).unwrap();
        assert!(matches!(doc.text(value), Some("1" | "7")), "{text}");
        // A copy knows of them too.
        let copy = doc.extract(doc.root());
        assert!(copy.equal_keys(copy.root()).is_some(), "{text}");
        doc.remove(doc.root(), "b");
        assert!(doc.equal_keys(doc.root()).is_none(), "{text}");
    }
}
