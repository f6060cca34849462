//! Whatever the bytes, nothing panics: neither the parser with any options, nor an emitter, an edit or
//! the printing of an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trueup_yaml::{Document, DuplicateKeys, Kind, NodeId, ParseOptions, Schema, Source, emit};

fuzz_target!(|data: &[u8]| {
    let [choice, data @ ..] = data else {
        return;
    };
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let options = ParseOptions {
        duplicate_keys: if choice & 1 == 0 { DuplicateKeys::Error } else { DuplicateKeys::LastWins },
        keep_comments: choice & 2 != 0,
        expand_aliases: choice & 4 == 0,
        max_depth: if choice & 8 == 0 { 64 } else { 512 },
        max_alias_nodes: 10_000,
        ..ParseOptions::default()
    };
    match Document::parse_with(&Source::new("fuzz", text), &options) {
        Err(errors) => {
            for error in errors {
                assert!(!error.to_string().is_empty());
                let _ = error.excerpt();
            }
        }
        Ok(docs) => docs.iter().for_each(look),
    }
});

fn has_collection_key(doc: &Document, id: NodeId) -> bool {
    doc.entries(id).any(|(key, value)| {
        doc.kind(key) != Kind::Scalar || has_collection_key(doc, value)
    }) || doc.items(id).any(|item| has_collection_key(doc, item))
}

fn look(doc: &Document) {
    let root = doc.root();
    let mut out = String::new();
    emit::kyaml(doc, root, &mut out);
    let _ = emit::sigs(doc, root, &mut out);
    let _ = emit::kustomize(doc, root, &mut out);
    for schema in [Schema::Kyaml, Schema::Sigs, Schema::Json] {
        let _ = emit::json(doc, root, schema, &mut out);
    }
    let mut copy = doc.extract(root);
    // Keys that are collections may be equal.
    assert!(has_collection_key(doc, root) || doc.eq_value(root, &copy, copy.root()));
    copy.sort_keys(copy.root());
    let keys: Vec<String> = copy
        .entries(copy.root())
        .filter_map(|(key, _)| copy.text(key).map(str::to_owned))
        .collect();
    for key in keys {
        copy.remove(copy.root(), &key);
    }
    copy.compact();
}
