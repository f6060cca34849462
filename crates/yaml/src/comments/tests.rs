use std::fmt::Write as _;

use crate::{Document, DuplicateKeys, ParseOptions, Source, emit};

fn read(text: &str, expand_aliases: bool) -> Document {
    let options = ParseOptions {
        keep_comments: true,
        expand_aliases,
        ..ParseOptions::default()
    };
    let mut docs = Document::parse_with(&Source::new("t.yaml", text), &options).unwrap();
    docs.remove(0)
}

#[test]
fn comments_are_kept_where_asked_and_printed_in_their_places() {
    let text = "\
# about the file

# head of a
a: 1 # line of a
# foot of a

b:
# head of x
- x # line of x
c: {d: e} # line of c
f: | # line of f
  text
# end
";
    let doc = read(text, true);
    let a = doc.get_entry(doc.root(), "a").unwrap();
    assert_eq!(doc.comments(a.0).unwrap().head, "# head of a");
    assert_eq!(doc.comments(a.0).unwrap().foot, "# foot of a");
    assert_eq!(doc.comments(a.1).unwrap().line, "# line of a");
    let mut out = String::new();
    emit::kyaml(&doc, doc.root(), &mut out);
    assert_eq!(out, text);
}

#[test]
fn comments_are_dropped_where_not_asked() {
    let doc = Document::parse_one(&Source::new("t.yaml", "# head\na: 1 # line\n")).unwrap();
    let mut out = String::new();
    emit::kyaml(&doc, doc.root(), &mut out);
    assert_eq!(out, "a: 1\n");
}

#[test]
fn aliases_become_copies_with_the_comments_of_their_anchors() {
    let doc = read("# top\n\na: &x\n  b: 1 # one\nc: *x\n", true);
    let mut out = String::new();
    emit::kyaml(&doc, doc.root(), &mut out);
    assert_eq!(out, "# top\n\na:\n  b: 1 # one\nc:\n  b: 1 # one\n");
}

#[test]
fn aliases_that_multiply_are_refused_with_comments_too() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let refs = vec![format!("*a{}", level - 1); 10].join(", ");
        let _ = writeln!(text, "a{level}: &a{level} [{refs}]");
    }
    for keep_comments in [false, true] {
        let options = ParseOptions {
            keep_comments,
            ..ParseOptions::default()
        };
        let errors = Document::parse_with(&Source::new("t.yaml", text.as_str()), &options);
        let errors = errors.unwrap_err();
        assert!(
            errors[0].message().contains("aliases add more than"),
            "{errors:?}"
        );
    }
}

#[test]
fn a_key_that_an_alias_repeats_is_a_duplicate_with_comments_too() {
    let text = "&a a: 1\n*a : 2\nb: 3\n";
    for keep_comments in [false, true] {
        let mut options = ParseOptions {
            keep_comments,
            ..ParseOptions::default()
        };
        let source = Source::new("t.yaml", text);
        let errors = Document::parse_with(&source, &options).unwrap_err();
        assert!(errors[0].message().contains("set twice"), "{errors:?}");
        options.duplicate_keys = DuplicateKeys::LastWins;
        let doc = Document::parse_with(&source, &options).unwrap().remove(0);
        let mut out = String::new();
        emit::kyaml(&doc, doc.root(), &mut out);
        assert_eq!(out, "a: 2\nb: 3\n");
        assert_eq!(doc.duplicate_keys().len(), 1);
    }
}

#[test]
fn a_key_that_was_an_alias_is_found_by_its_text() {
    let doc = read("a: &b c\n*b : 1\n", true);
    let value = doc.get(doc.root(), "c").unwrap();
    assert_eq!(doc.text(value), Some("1"));
}
