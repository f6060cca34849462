use super::*;
use crate::chart::{Chart, File};

fn chart(name: &str, values: &str, dependencies: Vec<Chart>) -> Chart {
    let yaml = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
    let mut tree = trueup_manifest::MemoryTree::new();
    tree.add("Chart.yaml", &yaml).unwrap();
    tree.add("values.yaml", values).unwrap();
    let mut chart = crate::chart::load_dir(&tree, &trueup_manifest::TreePath::root()).unwrap();
    chart.dependencies = dependencies;
    chart
}

fn values(text: &str) -> Map {
    Values::parse("values.yaml", text.as_bytes())
        .unwrap()
        .fresh()
}

fn coalesced(chart: &Chart, user: &str) -> String {
    let mut warnings = Vec::new();
    match coalesce(chart, &values(user), &mut warnings) {
        Ok(map) => format!("{}{}", to_json(&Value::Map(map)), warnings.join("|")),
        Err(error) => error.to_string(),
    }
}

#[test]
fn values_become_one_by_the_rules_of_helm() {
    let plain = chart("c", "a: 1\nm: {x: 1, k: null}\no: null\n", vec![]);
    for (user, expected) in [
        ("{}", r#"{"a":1.0,"m":{"k":null,"x":1.0},"o":null}"#),
        // The user's null deletes a default, and stays where there was none.
        (
            "a: null\nz: null",
            r#"{"m":{"k":null,"x":1.0},"o":null,"z":null}"#,
        ),
        (
            "m: {x: null, k: 2, z: null}",
            r#"{"a":1.0,"m":{"k":2.0,"z":null},"o":null}"#,
        ),
        ("m: text", r#"{"a":1.0,"m":"text","o":null}"#),
        (
            "a: {b: 1}",
            r#"{"a":{"b":1.0},"m":{"k":null,"x":1.0},"o":null}warning: skipped value for c.a: Not a table."#,
        ),
    ] {
        assert_eq!(coalesced(&plain, user), expected, "{user}");
    }
}

#[test]
fn globals_and_the_parents_values_reach_the_charts_below() {
    let below = chart("d", "x: own\nglobal: {g: own, h: own}\n", vec![]);
    let top = chart("c", "global: {g: top}\nd: {x: top}\n", vec![below]);
    assert_eq!(
        coalesced(&top, "{}"),
        r#"{"d":{"global":{"g":"top","h":"own"},"x":"top"},"global":{"g":"top"}}"#
    );
    assert_eq!(
        coalesced(&top, "global: {i: 1}\nd: {x: user}"),
        r#"{"d":{"global":{"g":"top","h":"own","i":1.0},"x":"user"},"global":{"g":"top","i":1.0}}"#
    );
    assert_eq!(
        coalesced(&top, "d: text"),
        "type mismatch on d: %!t(string=text)"
    );
}

#[test]
fn files_of_values_are_laid_over_one_another() {
    let overlay = Overlay {
        files: vec![
            Values::parse("a.yaml", b"a: {x: 1, k: 1}\nl: [1]\n").unwrap(),
            Values::parse("b.yaml", b"a: {k: null, z: 2}\nl: [2]\n").unwrap(),
        ],
        set: vec!["a.x=5,l[1]=3".to_owned()],
        ..Overlay::default()
    };
    let merged = overlay.merged(&mut |_| Err("no files".to_owned())).unwrap();
    assert_eq!(
        to_json(&Value::Map(merged)).to_string(),
        r#"{"a":{"k":null,"x":5,"z":2.0},"l":[2.0,3]}"#
    );
}

#[test]
fn values_that_are_no_mapping_are_refused() {
    let error = Values::parse("v.yaml", b"- a\n").unwrap_err();
    assert_eq!(
        error.text(),
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}"
    );
    let error = Values::parse("v.yaml", b"? [1, 2]\n: x\n").unwrap_err();
    assert_eq!(
        error.text(),
        "error converting YAML to JSON: yaml: invalid map key: []interface {}{1, 2}"
    );
}

#[test]
fn a_file_is_kept_by_its_name() {
    let file = File {
        name: "a".into(),
        data: b"x".as_slice().into(),
    };
    assert_eq!(file.text(), "x");
}
