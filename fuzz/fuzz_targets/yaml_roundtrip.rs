//! What is printed reads back as the same value, and prints the same again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trueup_yaml::{Document, Kind, NodeId, Schema, Source, Style, emit};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(docs) = Document::parse(&Source::new("fuzz", text)) else {
        return;
    };
    for doc in &docs {
        kyaml(doc);
        sigs(doc);
    }
});

fn read(text: &str) -> Document {
    Document::parse_one(&Source::new("printed", text))
        .unwrap_or_else(|errors| panic!("{errors:?} in what was printed:\n{text}"))
}

fn kyaml(doc: &Document) {
    if any(doc, doc.root(), &is_unfaithful) || in_flow(doc, doc.root(), false) {
        return;
    }
    let mut out = String::new();
    emit::kyaml(doc, doc.root(), &mut out);
    let back = read(&out);
    assert!(back.eq_value(back.root(), doc, doc.root()), "{out}");
    let mut again = String::new();
    emit::kyaml(&back, back.root(), &mut again);
    assert_eq!(out, again);
}

/// What `yaml.v3` itself prints so that it reads back as something else.
fn is_unfaithful(doc: &Document, id: NodeId) -> bool {
    // Folded text may change its breaks, `<<` gains a tag, a tab cannot begin a block scalar, and
    // tags are not looked at here.
    let text = doc.text(id).unwrap_or_default();
    doc.style(id) == Style::Folded
        // Keys that are collections may be equal.
        || doc.entries(id).any(|(key, _)| doc.kind(key) != Kind::Scalar)
        || text == "<<"
        || doc.tag(id).is_some()
        || (doc.style(id) == Style::Literal && text.trim_start_matches('\n').starts_with('\t'))
        || text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\u{FEFF}'])
}

/// A plain scalar that is no string in a flow collection, or an empty key, may come back a string.
fn in_flow(doc: &Document, id: NodeId, flow: bool) -> bool {
    let flow = flow || doc.style(id) == Style::Flow;
    let text = doc.text(id).unwrap_or_default();
    let plain = doc.kind(id) == Kind::Scalar && doc.style(id) == Style::Plain;
    (flow && plain && (text.is_empty() || text.contains(':')))
        || doc.entries(id).any(|(key, value)| {
            (doc.kind(key) == Kind::Scalar && doc.text(key) == Some("") && doc.style(key) == Style::Plain)
                || in_flow(doc, key, flow)
                || in_flow(doc, value, flow)
        })
        || doc.items(id).any(|item| in_flow(doc, item, flow))
}

fn any(doc: &Document, id: NodeId, test: &dyn Fn(&Document, NodeId) -> bool) -> bool {
    test(doc, id)
        || doc.entries(id).any(|(key, value)| any(doc, key, test) || any(doc, value, test))
        || doc.items(id).any(|item| any(doc, item, test))
}

fn sigs(doc: &Document) {
    // A string `<<` is printed plain by goyaml.v2, and reads back as a merge key.
    let odd = |doc: &Document, id| {
        doc.text(id).is_some_and(|text| text == "<<" || text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\u{FEFF}']))
    };
    let mut out = String::new();
    if any(doc, doc.root(), &odd) || emit::sigs(doc, doc.root(), &mut out).is_err() {
        return;
    }
    let back = read(&out);
    let mut again = String::new();
    emit::sigs(&back, back.root(), &mut again).expect("what was printed has a value");
    assert_eq!(out, again);
    let (mut json, mut json_again) = (String::new(), String::new());
    emit::json(doc, doc.root(), Schema::Sigs, &mut json).expect("it has a value");
    emit::json(&back, back.root(), Schema::Sigs, &mut json_again).expect("it has a value");
    if !json.contains("e+") && !json.contains("-0") && !json.contains(".0") {
        assert_eq!(json, json_again);
    }
}
