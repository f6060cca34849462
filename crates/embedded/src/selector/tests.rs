use serde_json::json;

use super::*;
use crate::registry::Registry;

fn labels(text: &str) -> LabelSelector {
    LabelSelector::parse(text).unwrap()
}

#[test]
fn label_selectors_of_both_forms_select_what_they_say() {
    let object = json!({"metadata": {"labels": {"app": "web", "tier": "front", "n": "5"}}});
    let rows = [
        ("", true),
        ("app=web", true),
        ("app==web,tier=front", true),
        ("app = web , tier = back", false),
        ("app!=web", false),
        ("missing!=web", true),
        ("app", true),
        ("!app", false),
        ("!missing", true),
        ("app in (web, api)", true),
        ("app notin (web,api)", false),
        ("missing notin (web)", true),
        ("tier in (),app", false),
        ("n>4", true),
        ("n < 5", false),
        ("missing=", false),
    ];
    for (text, want) in rows {
        assert_eq!(labels(text).matches(&object), want, "{text}");
    }
}

#[test]
fn a_malformed_label_selector_is_a_bad_request() {
    for text in ["app=a b", "app in web", "=x", "app in (a", "a,,b", "n>x"] {
        assert_eq!(
            LabelSelector::parse(text).unwrap_err().code(),
            400,
            "{text}"
        );
    }
}

#[test]
fn field_selectors_know_the_fields_of_their_kind() {
    let registry = Registry::new();
    let pods = registry.get("", "v1", "pods").unwrap();
    let pod = json!({"metadata": {"name": "a", "namespace": "n"}, "status": {"phase": "Running"}});
    let rows = [
        ("metadata.name=a", true),
        ("metadata.name!=a", false),
        ("metadata.namespace==n,status.phase=Running", true),
        ("status.phase!=Running", false),
        ("spec.nodeName=", true),
        ("spec.hostNetwork=false", true),
    ];
    for (text, want) in rows {
        let selector = FieldSelector::parse(text, &pods).unwrap();
        assert_eq!(selector.matches(&pod), want, "{text}");
    }
    let error = FieldSelector::parse("spec.image=x", &pods).unwrap_err();
    assert_eq!(
        error.to_value()["message"],
        "field label not supported: spec.image"
    );
}
