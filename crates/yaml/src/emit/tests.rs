use super::*;
use crate::{Source, Style};

fn as_kyaml(text: &str) -> String {
    let doc = Document::parse_one(&Source::new("t.yaml", text)).unwrap();
    let mut out = String::new();
    kyaml(&doc, doc.root(), &mut out);
    out
}

fn all(text: &str) -> (String, String, String) {
    let doc = Document::parse_one(&Source::new("t.yaml", text)).unwrap();
    let kyaml_out = as_kyaml(text);
    let (mut sigs_out, mut kustomize_out) = (String::new(), String::new());
    sigs(&doc, doc.root(), &mut sigs_out).unwrap();
    kustomize(&doc, doc.root(), &mut kustomize_out).unwrap();
    (kyaml_out, sigs_out, kustomize_out)
}

#[test]
fn order_and_styles_are_kept_by_kyaml_and_lost_by_the_others() {
    let text =
        "b: 'x'\na:\n  - 1\n  - c: yes\n    d: \"true\"\ne: {f: [1, 2]}\ng: |\n  x\n  y\nh: []\n";
    let (kyaml, sigs, kustomize) = all(text);
    assert_eq!(
        kyaml,
        "b: 'x'\na:\n- 1\n- c: yes\n  d: \"true\"\ne: {f: [1, 2]}\ng: |\n  x\n  y\nh: []\n"
    );
    assert_eq!(
        sigs,
        "a:\n- 1\n- c: true\n  d: \"true\"\nb: x\ne:\n  f:\n  - 1\n  - 2\ng: |\n  x\n  y\nh: []\n"
    );
    assert_eq!(kustomize, sigs.replace("c: true", "c: \"yes\""));
}

#[test]
fn long_lines_fold_at_80_but_in_kyaml() {
    let long = "word ".repeat(30);
    let (kyaml, sigs, _) = all(&format!("a: {long}\n"));
    assert_eq!(kyaml, format!("a: {}\n", long.trim_end()));
    assert_eq!(sigs.lines().count(), 2);
    assert!(sigs.lines().all(|line| line.len() <= 85));
}

#[test]
fn root_scalars_end_with_a_break() {
    for (text, want) in [
        ("x\n", "x\n"),
        ("|\n  x\n", "|\n  x\n"),
        ("|-\n  x\n", "|-\n  x\n"),
        ("[]", "[]\n"),
    ] {
        assert_eq!(as_kyaml(text), want);
    }
}

#[test]
fn keys_in_an_order_that_is_none_are_printed_without_a_panic() {
    let signs = ['a', '1', '-', '0', 'é', '9', '.'];
    let mut doc = Document::empty_mapping();
    let mut random = 1_u32;
    for _ in 0..2000 {
        let mut key = String::new();
        for _ in 0..4 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            key.push(signs[(random >> 16) as usize % signs.len()]);
        }
        let value = doc.new_int(1);
        doc.set(doc.root(), &key, value);
    }
    let mut out = String::new();
    sigs(&doc, doc.root(), &mut out).unwrap();
    assert_eq!(out.lines().count(), doc.len(doc.root()));
}

#[test]
fn a_check_finds_what_printing_as_json_refuses() {
    for text in [
        "a: 1\n",
        "a: .inf\n",
        "- [x, .nan]\n",
        "? [a]\n: b\n",
        "~: 1\n",
        "1: {2: x}\n",
        "a: {true: x}\n",
        "a: &x {b: -.inf}\nc: *x\n",
        "a: !!int x\n",
        "a: '.inf'\n\"~\": \"1\"\n",
        "<<: 1\n",
        "a: !!binary x\n",
        "a: 2001-01-01T00:00:00+99:99\n",
    ] {
        let doc = Document::parse_one(&Source::new("t", text)).unwrap();
        for schema in [Schema::Kyaml, Schema::Sigs, Schema::Json] {
            let printed = json(&doc, doc.root(), schema, &mut String::new());
            let checked = check_json(&doc, doc.root(), schema);
            let message = |result: Result<(), Error>| result.map_err(|error| error.to_string());
            assert_eq!(message(checked), message(printed), "{text} {schema:?}");
        }
    }
}

#[test]
fn a_number_that_was_given_quotes_is_printed_as_a_string() {
    let mut doc = Document::parse_one(&Source::new("t", "a: 1\nb: true\nc: 1\n")).unwrap();
    for key in ["a", "b"] {
        let value = doc.get(doc.root(), key).unwrap();
        doc.set_style(value, Style::DoubleQuoted);
    }
    for print in [sigs, kustomize] {
        let mut out = String::new();
        print(&doc, doc.root(), &mut out).unwrap();
        assert_eq!(out, "a: \"1\"\nb: \"true\"\nc: 1\n");
    }
}
