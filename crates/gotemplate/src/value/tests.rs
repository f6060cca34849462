use std::sync::Arc;

use trueup_yaml::{Document, Source};

use super::{Map, Str, Type, Value};

fn yaml(text: &str) -> Value {
    let document = Document::parse_one(&Source::new("values.yaml", text)).unwrap();
    let document = Arc::new(document);
    Value::from_yaml(&document, document.root())
}

#[test]
fn a_value_is_small() {
    assert_eq!(size_of::<Value>(), 24);
}

#[test]
fn what_is_set_through_one_clone_of_a_map_is_seen_through_all() {
    let map = Map::new();
    let other = map.clone();
    other.insert("b", Value::Int(2));
    other.insert("a", Value::Int(1));
    assert_eq!(map.keys(), [Str::from("a"), Str::from("b")]);
    assert!(map.remove("a").is_some());
    assert_eq!(other.len(), 1);
    let copy = map.copy();
    copy.insert("c", Value::Nil);
    assert!(!map.contains_key("c"));
}

#[test]
fn of_equal_keys_the_last_wins() {
    let map = Map::typed(
        Type::Any,
        vec![
            ("b".into(), Value::Int(1)),
            ("a".into(), Value::Int(2)),
            ("b".into(), Value::Int(3)),
        ],
    );
    assert_eq!(map.len(), 2);
    assert_eq!(map.get("b").and_then(|value| value.as_int()), Some(3));
}

#[test]
fn yaml_is_read_as_helm_reads_it() {
    let value = yaml("a: 1\nb: {y: on, 1: x}\nc: &c {d: 0x10}\ne: {<<: *c, f: 2001-01-01}\n");
    let map = value.as_map().unwrap();
    assert_eq!(map.get("a").unwrap().type_name(), "float64");
    let b = map.get("b").unwrap();
    let b = b.as_map().unwrap();
    assert!(matches!(b.get("true"), Some(Value::Bool(true))));
    assert_eq!(b.get("1").unwrap().as_str(), Some(&"x".into()));
    let e = map.get("e").unwrap();
    let e = e.as_map().unwrap();
    assert_eq!(e.get("d").unwrap().as_float(), Some(16.0));
    assert_eq!(e.get("f").unwrap().type_name(), "string");
}

#[test]
fn a_slice_of_a_marked_string_keeps_its_marks() {
    let text = Str::from("key=hunter2; pin=1").with_secrets(vec![4..11, 17..18]);
    assert_eq!(text.slice(2..6).secrets(), std::slice::from_ref(&(2..4)));
    assert!(text.slice(0..4).secrets().is_empty());
    assert_eq!(format!("{text:?}"), "***");
}
