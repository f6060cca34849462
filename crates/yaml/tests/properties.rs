//! Laws that hold for every value and every text.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test: it may panic")]

use proptest::collection::vec;
use proptest::prelude::*;
use trueup_yaml::{Document, Kind, NodeId, ParseOptions, Schema, Source, Style, emit};

/// A value to be put into a document.
#[derive(Clone, Debug)]
enum Value {
    Str(String),
    Plain(&'static str),
    Sequence(Vec<Self>),
    Mapping(Vec<(String, Self)>),
}

/// Texts as people write them, and any others that YAML can hold and that both of Go's emitters print
/// faithfully: the separators of YAML 1.1, and a tab at the start of several lines, are left out.
fn text() -> impl Strategy<Value = String> {
    let usual = prop::sample::select(vec![
        "",
        "a",
        "true",
        "no",
        "1",
        "0x1f",
        "1e3",
        "null",
        "~",
        "- a",
        "a: b",
        "#c",
        "{x}",
        "[y",
        "'",
        "\"",
        "|",
        "a\nb\n",
        "a\n\n",
        " lead",
        "trail ",
        "x\ty",
        "é",
        "😀",
        "2001-01-01",
        "1:30",
        "key: 'v'",
        "=",
        ".",
        "...",
        "---",
        "%",
        "@x",
        "`",
        "!t",
        "&a",
        "*a",
    ]);
    let any = "[ -~\n\téü日😀\u{7}\u{1b}]{0,24}".prop_filter("faithful", |text: &String| {
        !text.trim_start_matches('\n').starts_with('\t') && text != "<<"
    });
    let words = "([a-z]{1,12} ){5,30}".prop_map(|text| text.trim_end().to_owned());
    prop_oneof![4 => usual.prop_map(str::to_owned), 3 => any, 1 => words]
}

fn value() -> impl Strategy<Value = Value> {
    let plain = prop::sample::select(vec!["1", "-7", "1.5", "true", "null", "0", "1e+21"]);
    let leaf = prop_oneof![3 => text().prop_map(Value::Str), 1 => plain.prop_map(Value::Plain)];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Sequence),
            vec((text(), inner), 0..5).prop_map(Value::Mapping),
        ]
    })
}

/// Adds a value; a key that comes twice is set twice.
fn add(doc: &mut Document, value: &Value) -> NodeId {
    match value {
        Value::Str(text) => doc.new_str(text),
        Value::Plain(text) => doc.new_scalar(text, Style::Plain, None),
        Value::Sequence(items) => {
            let sequence = doc.new_sequence();
            for item in items {
                let item = add(doc, item);
                doc.push(sequence, item);
            }
            sequence
        }
        Value::Mapping(fields) => {
            let mapping = doc.new_mapping();
            for (key, value) in fields {
                let value = add(doc, value);
                doc.set(mapping, key, value);
            }
            mapping
        }
    }
}

fn document(value: &Value) -> Document {
    let mut doc = Document::empty_mapping();
    let root = add(&mut doc, value);
    doc.set_root(root);
    doc
}

fn read(text: &str) -> Document {
    let parsed = Document::parse_one(&Source::new("printed", text));
    parsed.unwrap_or_else(|errors| panic!("{errors:?} in\n{text}"))
}

fn json(doc: &Document, schema: Schema) -> String {
    let mut out = String::new();
    emit::json(doc, doc.root(), schema, &mut out).unwrap();
    out
}

/// The tables are in order: every key is found where it stands, and every child exists.
fn check_invariants(doc: &Document, id: NodeId) {
    for (at, (key, value)) in doc.entries(id).enumerate() {
        if let Some(text) = doc.text(key) {
            assert_eq!(doc.position(id, text), Some(at));
            assert_eq!(doc.get(id, text), Some(value));
        }
        check_invariants(doc, value);
    }
    for (at, item) in doc.items(id).enumerate() {
        assert_eq!(doc.item(id, at), Some(item));
        check_invariants(doc, item);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_kyaml_prints_reads_back_the_same(value in value()) {
        let doc = document(&value);
        let mut out = String::new();
        emit::kyaml(&doc, doc.root(), &mut out);
        let back = read(&out);
        prop_assert!(back.eq_value(back.root(), &doc, doc.root()), "{}", out);
        let mut again = String::new();
        emit::kyaml(&back, back.root(), &mut again);
        prop_assert_eq!(out, again);
    }

    #[test]
    fn what_sigs_prints_reads_back_the_same(value in value()) {
        let doc = document(&value);
        let mut out = String::new();
        emit::sigs(&doc, doc.root(), &mut out).unwrap();
        let back = read(&out);
        prop_assert_eq!(json(&back, Schema::Sigs), json(&doc, Schema::Sigs), "{}", out);
        let mut again = String::new();
        emit::sigs(&back, back.root(), &mut again).unwrap();
        prop_assert_eq!(out, again);
    }

    #[test]
    fn json_reads_back_the_same_and_serde_sees_the_same(value in value()) {
        let doc = document(&value);
        let text = json(&doc, Schema::Sigs);
        let back = Document::from_json(&text).unwrap();
        prop_assert_eq!(&json(&back, Schema::Sigs), &text);
        let through_serde = serde_json::to_value(doc.view(doc.root(), Schema::Sigs)).unwrap();
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(through_serde, parsed);
    }

    #[test]
    fn import_extract_and_compact_keep_the_value(value in value(), other in value()) {
        let doc = document(&value);
        let mut into = document(&other);
        let copy = into.import(&doc, doc.root());
        prop_assert!(into.eq_value(copy, &doc, doc.root()));
        let part = into.extract(copy);
        prop_assert!(part.eq_value(part.root(), &doc, doc.root()));
        let twin = into.duplicate(copy);
        prop_assert!(into.eq_value(twin, &doc, doc.root()));
        into.set_root(copy);
        into.compact();
        prop_assert!(into.eq_value(into.root(), &doc, doc.root()));
        check_invariants(&into, into.root());
    }

    #[test]
    fn edits_do_what_a_vector_of_pairs_would(
        steps in vec((0..4_u8, "[a-h]{1,2}", 0..60_i64), 0..120),
    ) {
        let mut doc = Document::empty_mapping();
        let root = doc.root();
        let mut model: Vec<(String, i64)> = Vec::new();
        for (step, key, number) in steps {
            let at = model.iter().position(|(have, _)| *have == key);
            match (step, at) {
                (0 | 1, at) => {
                    let value = doc.new_int(number);
                    doc.set(root, &key, value);
                    match at {
                        Some(at) => model[at].1 = number,
                        None => model.push((key, number)),
                    }
                }
                (2, at) => {
                    prop_assert_eq!(doc.remove(root, &key).is_some(), at.is_some());
                    if let Some(at) = at {
                        model.remove(at);
                    }
                }
                (_, Some(_)) => {}
                (_, None) => {
                    let value = doc.new_int(number);
                    let index = usize::try_from(number).unwrap().min(model.len());
                    doc.insert_entry(root, index, &key, value);
                    model.insert(index, (key, number));
                }
            }
        }
        let entries: Vec<(String, i64)> = doc
            .entries(root)
            .map(|(key, value)| (doc.text(key).unwrap().to_owned(), doc.text(value).unwrap().parse().unwrap()))
            .collect();
        prop_assert_eq!(entries, model);
        check_invariants(&doc, root);
    }

    #[test]
    fn sorted_keys_are_sorted_and_keep_the_value(value in value()) {
        let doc = document(&value);
        let mut sorted = doc.clone();
        sorted.sort_keys(sorted.root());
        prop_assert!(sorted.eq_value(sorted.root(), &doc, doc.root()));
        if sorted.kind(sorted.root()) == Kind::Mapping {
            let keys: Vec<&str> = sorted.entries(sorted.root()).filter_map(|(key, _)| sorted.text(key)).collect();
            prop_assert!(keys.is_sorted());
        }
        check_invariants(&sorted, sorted.root());
    }

    #[test]
    fn no_text_makes_anything_panic(text in "[ -~\n\r\t:#'\"\\[\\]{}|>&*!%?,<é\u{feff}\u{2028}-]{0,60}", flags in 0..8_u8) {
        let options = ParseOptions {
            keep_comments: flags & 1 != 0,
            expand_aliases: flags & 2 != 0,
            duplicate_keys: if flags & 4 != 0 {
                trueup_yaml::DuplicateKeys::LastWins
            } else {
                trueup_yaml::DuplicateKeys::Error
            },
            ..ParseOptions::default()
        };
        match Document::parse_with(&Source::new("any", text), &options) {
            Ok(docs) => for doc in &docs {
                let mut out = String::new();
                emit::kyaml(doc, doc.root(), &mut out);
                let _ = emit::sigs(doc, doc.root(), &mut out);
                let _ = emit::kustomize(doc, doc.root(), &mut out);
                check_locations(doc, doc.root());
            },
            Err(errors) => for error in errors {
                let (line, column) = error.location().line_col();
                prop_assert!(line > 0 && column > 0);
                let _ = (error.excerpt(), error.to_string());
            },
        }
    }
}

/// Every node that was read has a place in its source.
fn check_locations(doc: &Document, id: NodeId) {
    let place = doc.location(id).unwrap();
    assert!(place.span.end as usize <= place.source.text().len());
    assert!(place.span.start <= place.span.end);
    for (key, value) in doc.entries(id) {
        check_locations(doc, key);
        check_locations(doc, value);
    }
    for item in doc.items(id) {
        check_locations(doc, item);
    }
}
