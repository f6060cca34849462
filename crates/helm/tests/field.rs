//! What public charts rely on: each case is a way of one of them that once rendered otherwise than with Helm.

#![allow(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

use trueup_helm::{Capabilities, Overlay, Print, Request, chart::load_dir};
use trueup_manifest::{MemoryTree, TreePath};

/// What `helm template` prints for a chart of these files, without the line that names the source; or its error.
fn rendered(files: &[(&str, &str)]) -> Result<String, String> {
    let mut tree = MemoryTree::new();
    tree.add("Chart.yaml", "name: web\nversion: 0.1.0\n")
        .unwrap();
    for (path, content) in files {
        tree.add(path, *content).unwrap();
    }
    let told = |error: trueup_helm::Error| error.text().to_owned();
    let chart = load_dir(&tree, &TreePath::root()).map_err(told)?;
    let (overlay, capabilities) = (Overlay::default(), Capabilities::default());
    let request = Request::new(&chart, "rel", "default", &overlay, &capabilities);
    let release = request.render(&mut |path| Err(format!("no file `{path}`")));
    let printed = release.map_err(told)?.print(Print::default());
    let printed = printed.strip_prefix("---\n# Source: web/templates/a.yaml\n");
    Ok(printed.unwrap_or_default().to_owned())
}

#[test]
fn values_have_the_methods_of_their_go_type() {
    let values = "a: {b: {c: 1}}\nlist: [x]\n";
    for (template, expected) in [
        (
            "{{ $v := .Values.AsMap }}k: {{ $v.a.b.c }} {{ kindOf $v }}",
            "k: 1 map\n",
        ),
        ("{{ .Values.YAML }}", "a:\n  b:\n    c: 1\nlist:\n- x\n"),
        ("k: {{ (.Values.Table \"a.b\").c }}", "k: 1\n"),
        ("k: {{ .Values.PathValue \"a.b.c\" }}", "k: 1\n"),
        ("k: {{ (deepCopy .Values).AsMap.a.b.c }}", "k: 1\n"),
    ] {
        let files = [("values.yaml", values), ("templates/a.yaml", template)];
        assert_eq!(rendered(&files).as_deref(), Ok(expected), "{template}");
    }
    for (template, expected) in [
        (
            "{{ .Values.Table \"a.x\" }}",
            "error calling Table: \"x\" is not a table",
        ),
        (
            "{{ .Values.PathValue \"a.b\" }}",
            "error calling PathValue: \"b\" is not a value",
        ),
        (
            "{{ .Values.PathValue \"\" }}",
            "error calling PathValue: YAML path cannot be empty",
        ),
    ] {
        let files = [("values.yaml", values), ("templates/a.yaml", template)];
        let error = rendered(&files).unwrap_err();
        assert!(error.ends_with(expected), "{template}: {error}");
    }
}

#[test]
fn a_deep_copy_of_all_that_a_template_sees_keeps_its_methods() {
    let template = "{{ $c := deepCopy . }}a: {{ $c.Files.Get \"x.txt\" }}\n\
                    b: {{ $c.Capabilities.APIVersions.Has \"v1\" }}\n\
                    c: {{ range $path, $_ := $c.Files.Glob \"*.txt\" }}{{ $path }}{{ end }}";
    let files = [("x.txt", "hello"), ("templates/a.yaml", template)];
    assert_eq!(
        rendered(&files).as_deref(),
        Ok("a: hello\nb: true\nc: x.txt\n")
    );
}

#[test]
fn text_that_is_no_yaml_is_refused_in_the_words_of_go() {
    // Recorded from Helm 3.22.
    for (text, expected) in [
        (
            "kind: A\nmetadata:\n  labels:\n        a: b\n    c: d\n",
            "yaml: line 4: did not find expected key",
        ),
        (
            "kind: A\nx:\n- a: 1\n b: 2\n",
            "yaml: line 3: did not find expected key",
        ),
        (
            "kind: A\nx:\n- a:\n    b: 2\n   c: 1\n",
            "yaml: line 4: did not find expected key",
        ),
        (
            "kind: A\nx:\n  - a: 1\n   b: 2\n",
            "yaml: line 3: did not find expected '-' indicator",
        ),
        (
            "kind: A\nx:\n    - a: 1\n   - b: 2\n",
            "yaml: line 3: did not find expected key",
        ),
        (
            "kind: A\nx:\n  - - a: 1\n   - b: 2\n",
            "yaml: line 3: did not find expected '-' indicator",
        ),
        ("a: 1\n- b\n", "yaml: line 1: did not find expected key"),
        (
            "x:\n    y: z\n    {}\n",
            "yaml: line 2: did not find expected key",
        ),
        (
            "kind: A\nx: & b\n",
            "yaml: line 2: did not find expected alphabetic or numeric character",
        ),
        (
            "kind: A\n<<: 1\n",
            "yaml: map merge requires map or sequence of maps as the value",
        ),
        (
            "a: x\n  b: c\n",
            "yaml: line 2: mapping values are not allowed in this context",
        ),
        (
            "kind: A\nx:\n- a: \"1\"- b: 2\n",
            "yaml: line 3: block sequence entries are not allowed in this context",
        ),
        (
            "kind: A\n{a: b}: c\n",
            "yaml: invalid map key: map[interface {}]interface {}{\"a\":\"b\"}",
        ),
    ] {
        let error = rendered(&[("templates/a.yaml", text)]).unwrap_err();
        let expected = format!(
            "YAML parse error on web/templates/a.yaml: error converting YAML to JSON: {expected}"
        );
        assert_eq!(error, expected, "{text}");
    }
    let chart = [("Chart.yaml", "name: web\nversion: {{.Version}}\n")];
    let expected = "cannot load Chart.yaml: error converting YAML to JSON: yaml: invalid map key: \
                    map[interface {}]interface {}{\".Version\":interface {}(nil)}";
    assert_eq!(rendered(&chart), Err(expected.to_owned()));
}

#[test]
fn a_name_is_made_with_the_functions_of_sprig_alone() {
    let name =
        |template: &str| trueup_helm::name_of(template).map_err(|error| error.text().to_owned());
    assert_eq!(name("web-{{ \"A\" | lower }}"), Ok("web-a".to_owned()));
    let error = name("{{ fail \"no\" }}").unwrap_err();
    assert!(error.ends_with("error calling fail: no"), "{error}");
    let error = name("{{ toYaml 1 }}").unwrap_err();
    assert!(
        error.ends_with("function \"toYaml\" not defined"),
        "{error}"
    );
}

#[test]
fn what_helm_logs_before_it_fails_is_told_with_the_error() {
    let mut tree = MemoryTree::new();
    let metadata = "name: web\nversion: 0.1.0\ndeprecated: true\n";
    tree.add("Chart.yaml", metadata).unwrap();
    tree.add("templates/a.yaml", "{{ fail \"no\" }}").unwrap();
    let chart = load_dir(&tree, &TreePath::root()).unwrap();
    let (overlay, capabilities) = (Overlay::default(), Capabilities::default());
    let request = Request::new(&chart, "rel", "default", &overlay, &capabilities);
    let error = request.render(&mut |_| Ok(Vec::new())).unwrap_err();
    assert_eq!(error.warnings(), ["WARNING: This chart is deprecated"]);
}
