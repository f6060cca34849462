use serde_json::json;

use super::*;

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [
        &[number << 3 | 2, u8::try_from(content.len()).unwrap()],
        content,
    ]
    .concat()
}

fn envelope(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let type_meta = [field(1, version.as_bytes()), field(2, kind.as_bytes())].concat();
    [MAGIC.to_vec(), field(1, &type_meta), field(2, raw)].concat()
}

#[test]
fn every_message_a_field_refers_to_is_known_or_special() {
    let scalars = [
        "string", "bytes", "bool", "double", "int32", "int64", "uint32", "uint64",
    ];
    for (name, fields) in MESSAGES.iter() {
        for field in fields.values() {
            let kind = field.kind.trim_matches(['[', ']', '{', '}']);
            assert!(
                scalars.contains(&kind) || MESSAGES.contains_key(kind),
                "{name}.{}: {kind}",
                field.name
            );
        }
    }
}

#[test]
fn a_config_map_is_read() {
    let entry = [field(1, b"k"), field(2, b"v")].concat();
    let metadata = [
        field(1, b"a"),
        field(11, &[field(1, b"l"), field(2, b"1")].concat()),
    ]
    .concat();
    let raw = [field(1, &metadata), field(2, &entry)].concat();
    assert_eq!(
        parse(&envelope("v1", "ConfigMap", &raw)).unwrap(),
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "a", "labels": {"l": "1"}},
            "data": {"k": "v"},
        })
    );
}

#[test]
fn inlined_structs_times_and_numbers_or_strings_read_as_json_has_them() {
    // A Service with one port whose target is a name.
    let target = [vec![0x08, 1], field(3, b"http")].concat();
    let port = [field(1, b"p"), vec![0x18, 80], field(4, &target)].concat();
    let metadata = field(8, &[0x08, 0x80, 0x94, 0xeb, 0xdc, 0x03]);
    let raw = [field(1, &metadata), field(2, &field(1, &port))].concat();
    let service = parse(&envelope("v1", "Service", &raw)).unwrap();
    assert_eq!(
        service["spec"]["ports"],
        json!([{"name": "p", "port": 80, "targetPort": "http"}])
    );
    assert_eq!(
        service["metadata"]["creationTimestamp"],
        "2001-09-09T01:46:40Z"
    );
    // A pod volume: the source is inlined.
    let secret = field(6, &field(1, b"s"));
    let volume = [field(1, b"v"), field(2, &secret)].concat();
    let pod = parse(&envelope("v1", "Pod", &field(2, &field(1, &volume)))).unwrap();
    assert_eq!(
        pod["spec"]["volumes"],
        json!([{"name": "v", "secret": {"secretName": "s"}}])
    );
}

#[test]
fn malformed_bodies_are_errors_and_never_panics() {
    let whole = envelope("v1", "ConfigMap", &field(1, &field(1, b"a")));
    for length in 0..whole.len() {
        let _ = parse(&whole[..length]);
    }
    assert!(parse(b"{}").is_err());
    assert!(parse(&envelope("v1", "Nope", b"")).is_err());
    assert!(parse(&envelope("v1", "ConfigMap", &[0x0a, 0xff])).is_err());
    assert!(parse(&envelope("v1", "ConfigMap", &[0xff; 12])).is_err());
}
