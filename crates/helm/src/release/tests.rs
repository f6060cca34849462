use super::*;

#[test]
fn documents_are_found_where_helm_finds_them() {
    for (text, expected) in [
        ("a: 1\n---\nb: 2\n", vec!["a: 1", "b: 2"]),
        // The white space after a separator belongs to it, so that one right after it is none.
        ("---\na: 1\n---\n---\n", vec!["a: 1", "---"]),
        // Helm splits inside a block of text as well, where the line begins with the separator.
        ("a: |\n  x\n  ---\n  y\n", vec!["a: |\n  x\n  ---\n  y"]),
        ("a: 1\n--- # note\nb: 2", vec!["a: 1", "# note\nb: 2"]),
        ("a: 1\n---b: 2", vec!["a: 1", "b: 2"]),
        (
            "# c\n\n---\n# d\n---\n  \n---\na: 1",
            vec!["# c", "# d", "---\na: 1"],
        ),
        ("", vec![]),
        ("a: 1   \n\n---   \n  b: 2", vec!["a: 1", "b: 2"]),
    ] {
        assert_eq!(split(text), expected, "{text:?}");
    }
}

fn release(templates: &[(&str, &str)]) -> Result<Release, Error> {
    let mut release = Release::default();
    let rendered = templates
        .iter()
        .map(|(path, text)| {
            let text = (*text).to_owned();
            let secrets = Vec::new();
            ((*path).to_owned(), Rendered { text, secrets })
        })
        .collect();
    release.assemble("c", rendered, false)?;
    Ok(release)
}

#[test]
fn kinds_come_in_the_order_of_helm_and_unknown_ones_last() {
    let release = release(&[
        (
            "c/templates/a.yaml",
            "kind: Zed\n---\nkind: Alpha\n---\nkind: Service\n",
        ),
        (
            "c/templates/b.yaml",
            "kind: Namespace\n---\nkind: Service\nmetadata: {name: second}\n",
        ),
        ("c/templates/NOTES.txt", "hello"),
        ("c/charts/d/templates/NOTES.txt", "from d"),
        ("c/templates/_h.tpl", "kind: Pod"),
    ])
    .unwrap();
    let kinds: Vec<&str> = release.manifests.iter().map(|m| m.kind.as_str()).collect();
    assert_eq!(kinds, ["Namespace", "Service", "Service", "Alpha", "Zed"]);
    assert_eq!(release.manifests[2].name, "second");
    assert_eq!(release.notes, "hello");
}

#[test]
fn hooks_are_told_by_their_annotation_and_unknown_ones_dropped() {
    let hook = |event: &str| {
        format!(
            "kind: Job\nmetadata: {{annotations: {{helm.sh/hook: '{event}', helm.sh/hook-weight: '5'}}}}\n"
        )
    };
    let release = release(&[
        ("c/templates/a.yaml", &hook("pre-install, Post-Upgrade")),
        ("c/templates/b.yaml", &hook("no-such")),
        ("c/templates/c.yaml", &hook("test-success")),
    ])
    .unwrap();
    assert_eq!(release.hooks.len(), 2);
    assert_eq!(
        release.hooks[0].events,
        [Event::PreInstall, Event::PostUpgrade]
    );
    assert_eq!(release.hooks[0].weight, 5);
    assert!(release.hooks[1].is_test());
    assert_eq!(
        release.warnings,
        ["info: skipping unknown hook: \"no-such\""]
    );
    let printed = release.print(Print {
        skip_tests: true,
        ..Print::default()
    });
    assert_eq!(printed.matches("# Source").count(), 1);
    assert_eq!(
        release.print(Print {
            no_hooks: true,
            ..Print::default()
        }),
        "\n"
    );
}

#[test]
fn a_document_that_is_no_object_is_an_error_in_the_words_of_go() {
    for (text, expected) in [
        (
            "a: [1",
            "YAML parse error on c/templates/a.yaml: error converting YAML to JSON: yaml: line 1: did not find expected ',' or ']'",
        ),
        (
            "just text",
            "YAML parse error on c/templates/a.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type releaseutil.SimpleHead",
        ),
        (
            "metadata: {name: [a]}",
            "YAML parse error on c/templates/a.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field .metadata.name of type string",
        ),
    ] {
        let error = release(&[("c/templates/a.yaml", text)]).unwrap_err();
        assert_eq!(error.text(), expected);
    }
}

#[test]
fn show_only_gives_the_documents_of_matching_templates() {
    let printed = "---\n# Source: c/templates/a.yaml\na: 1\n---\n# Source: c/charts/d/templates/b.yaml\nb: 2\n";
    let one = Release::show_only(printed, &["charts/*/templates/*.yaml".to_owned()]).unwrap();
    assert_eq!(one, "---\n# Source: c/charts/d/templates/b.yaml\nb: 2\n");
    let error = Release::show_only(printed, &["templates/z.yaml".to_owned()]).unwrap_err();
    assert_eq!(
        error.text(),
        "could not find template templates/z.yaml in chart"
    );
}
