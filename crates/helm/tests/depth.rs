//! Values and texts nested 100,000 deep: whatever is done to them ends, in a text or in an error that says why.

#![allow(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

use trueup_helm::{Capabilities, Overlay, Request, chart::load_dir};
use trueup_manifest::{MemoryTree, TreePath};

/// What a chart prints whose one template this is.
fn rendered(template: &str, overlay: &Overlay) -> Result<String, String> {
    let mut tree = MemoryTree::new();
    tree.add("Chart.yaml", "name: deep\nversion: 0.1.0\n")
        .unwrap();
    tree.add("templates/a.yaml", template).unwrap();
    let chart = load_dir(&tree, &TreePath::root()).unwrap();
    let capabilities = Capabilities::default();
    let request = Request::new(&chart, "rel", "default", overlay, &capabilities);
    let release = request.render(&mut |path| Err(format!("no file `{path}`")));
    release
        .map(|release| {
            release
                .manifests
                .iter()
                .map(|one| one.content.as_str())
                .collect()
        })
        .map_err(|error| error.text().to_owned())
}

/// Asserts that a text says what is expected; a long one is cut where it is shown.
fn assert_says(name: &str, result: Result<String, String>, expected: &str) {
    let (Ok(text) | Err(text)) = result;
    let start: String = text.chars().take(600).collect();
    assert!(text.contains(expected), "{name}: {start}");
}

#[test]
fn a_value_of_any_depth_is_printed_or_refused() {
    const MAP: &str =
        r#"{{ $d := dict "end" 1 }}{{ range until 100000 }}{{ $d = dict "a" $d }}{{ end }}"#;
    const LIST: &str = "{{ $d := list 1 }}{{ range until 100000 }}{{ $d = list $d }}{{ end }}";
    for build in [MAP, LIST] {
        for (use_, expected) in [
            // Where Helm answers nothing for what cannot be printed, so do we.
            (r#"a: "{{ toYaml $d }}""#, "a: \"\""),
            (r#"a: "{{ toYamlPretty $d }}""#, "a: \"\""),
            (r#"a: "{{ toJson $d }}""#, "a: \"\""),
            ("a: {{ toToml $d | quote }}", "a: "),
            (r#"a: "{{ toPrettyJson $d }}""#, "a: \"\""),
            ("{{ mustToJson $d }}", "mustToJson"),
            (r#"a: {{ printf "%v" $d | len }}"#, "nested too deep"),
            ("a: {{ $d | toString | len }}", ""),
            ("a: {{ deepCopy $d | kindOf }}", ""),
            ("a: {{ deepEqual $d (deepCopy $d) }}", ""),
            ("a: {{ len (list $d | flatten) }}", ""),
            (r#"a: {{ merge (dict) (dict "x" $d) | len }}"#, ""),
            (
                r#"a: {{ mergeOverwrite (dict "x" $d) (dict "x" $d) | len }}"#,
                "",
            ),
            (r#"a: {{ tpl "{{ . | len }}" $d }}"#, ""),
            ("a: {{ $d | toYaml | fromYaml | len }}", ""),
        ] {
            let template = format!("{build}{use_}");
            assert_says(use_, rendered(&template, &Overlay::default()), expected);
        }
    }
}

#[test]
fn a_value_as_deep_as_is_allowed_is_printed_whole() {
    for (build, end) in [
        (
            r#"{{ $d := dict "end" 1 }}{{ range until 900 }}{{ $d = dict "a" $d }}{{ end }}"#,
            "end: 1",
        ),
        (
            r#"{{ $d := list "end" }}{{ range until 900 }}{{ $d = list $d }}{{ end }}"#,
            "- end",
        ),
    ] {
        let template = format!("{build}a: {{{{ toYaml $d | quote }}}}");
        let result = rendered(&template, &Overlay::default());
        let text = result.unwrap();
        assert!(text.contains(end), "{} bytes", text.len());
    }
}

#[test]
fn a_text_of_any_depth_is_read_or_refused() {
    for (use_, open, expected) in [
        ("fromYaml", "{a: ", "Error"),
        ("fromYamlArray", "[", ""),
        ("fromJson", "{\"a\":", "Error"),
        ("fromJsonArray", "[", ""),
        ("fromToml", "a=[", "Error"),
    ] {
        let opened = format!("{{{{ repeat 100000 {} }}}}", quoted(open));
        let template = opened.replace("{{", "(").replace("}}", ")");
        let template = format!("a: {{{{ {use_} {template} | toString | quote }}}}");
        assert_says(use_, rendered(&template, &Overlay::default()), expected);
    }
    let dotted = "{{ fromToml (printf \"%s = 1\" (repeat 100000 \"a.\")) | toString | quote }}";
    assert_says("dotted", rendered(dotted, &Overlay::default()), "");
    let nested = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
    assert_says(
        "parentheses",
        rendered(&format!("{{{{ {nested} }}}}"), &Overlay::default()),
        "max expression depth exceeded",
    );
    let nested = format!(
        "{}{}",
        "{{ if 1 }}".repeat(100_000),
        "{{ end }}".repeat(100_000)
    );
    assert_says("ifs", rendered(&nested, &Overlay::default()), "too deep");
}

#[test]
fn what_is_set_may_be_of_any_depth() {
    let deep = "a.".repeat(100_000);
    let set = Overlay {
        set: vec![format!("{deep}b=1")],
        ..Overlay::default()
    };
    assert_says("--set", rendered("a: 1", &set), "failed parsing --set data");
    let lists = Overlay {
        set: vec![format!("a{}=1", "[0]".repeat(100_000))],
        ..Overlay::default()
    };
    assert_says("lists", rendered("a: 1", &lists), "more than 250 indices");
    let both = Overlay {
        set: vec![format!("{}=1", "a[0].".repeat(100_000))],
        ..Overlay::default()
    };
    assert_says("both", rendered("a: 1", &both), "more than 250 indices");
    let braces = Overlay {
        set: vec![format!("a={}", "{".repeat(100_000))],
        ..Overlay::default()
    };
    assert_says(
        "braces",
        rendered("a: 1", &braces),
        "failed parsing --set data",
    );
    for json in [
        format!("a={}", "[".repeat(100_000)),
        "{\"a\":".repeat(100_000),
        format!("{deep}b=1"),
    ] {
        let overlay = Overlay {
            json: vec![json],
            ..Overlay::default()
        };
        assert_says("--set-json", rendered("a: 1", &overlay), "");
    }
}

fn quoted(text: &str) -> String {
    format!("`{text}`")
}
