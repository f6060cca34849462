use serde_json::json;

use super::*;

fn maps() -> GroupResource {
    GroupResource::new("", "configmaps")
}

fn object(name: &str, data: &str) -> Value {
    json!({"metadata": {"namespace": "a", "name": name}, "data": {"k": data}})
}

#[test]
fn every_write_gets_the_next_revision_and_the_object_carries_it() {
    let store = Store::new(10);
    let first = store
        .insert(&maps(), Key::new("a", "x"), object("x", "1"))
        .unwrap();
    let second = store
        .replace(&maps(), Key::new("a", "x"), 2, object("x", "2"))
        .unwrap();
    assert_eq!((first.revision, second.revision), (2, 3));
    assert_eq!(second.value["metadata"]["resourceVersion"], "3");
}

#[test]
fn a_write_over_another_revision_than_seen_is_refused() {
    let store = Store::new(10);
    store
        .insert(&maps(), Key::new("a", "x"), object("x", "1"))
        .unwrap();
    let key = || Key::new("a", "x");
    assert_eq!(
        store.insert(&maps(), key(), object("x", "2")).unwrap_err(),
        WriteError::Exists
    );
    assert_eq!(
        store
            .replace(&maps(), key(), 1, object("x", "2"))
            .unwrap_err(),
        WriteError::Stale
    );
    assert_eq!(
        store
            .remove(&maps(), key(), 9, object("x", "2"))
            .unwrap_err(),
        WriteError::Stale
    );
    assert_eq!(
        store
            .remove(&maps(), Key::new("a", "y"), 2, object("y", "2"))
            .unwrap_err(),
        WriteError::Missing
    );
}

#[test]
fn an_older_revision_is_listed_as_it_was() {
    let store = Store::new(10);
    store
        .insert(&maps(), Key::new("a", "x"), object("x", "1"))
        .unwrap();
    store
        .insert(&maps(), Key::new("a", "y"), object("y", "1"))
        .unwrap();
    let then = store.revision();
    store
        .replace(&maps(), Key::new("a", "x"), 2, object("x", "2"))
        .unwrap();
    store
        .remove(&maps(), Key::new("a", "y"), 3, object("y", "1"))
        .unwrap();
    store
        .insert(&maps(), Key::new("a", "z"), object("z", "1"))
        .unwrap();
    let objects = store.list_at(&maps(), then).unwrap();
    let seen: Vec<_> = objects
        .iter()
        .map(|(k, o)| (k.name.as_str(), o.value["data"]["k"].clone()))
        .collect();
    assert_eq!(seen, [("x", json!("1")), ("y", json!("1"))]);
}

#[test]
fn changes_beyond_the_window_are_gone() {
    let store = Store::new(2);
    for name in ["a", "b", "c", "d"] {
        store
            .insert(&maps(), Key::new("a", name), object(name, "1"))
            .unwrap();
    }
    assert_eq!(
        store.changes_since(&maps(), 2).unwrap_err(),
        Compacted { oldest: 3 }
    );
    assert_eq!(store.changes_since(&maps(), 3).unwrap().1.len(), 2);
    store.compact();
    assert!(store.changes_since(&maps(), 4).is_err());
    assert!(store.changes_since(&maps(), 5).unwrap().1.is_empty());
}

#[test]
fn a_snapshot_file_brings_everything_back() {
    let folder = std::env::temp_dir().join(format!("trueup-store-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("snapshot.json");
    let store = Store::new(4);
    store
        .insert(&maps(), Key::new("a", "x"), object("x", "1"))
        .unwrap();
    store.save(&path).unwrap();
    let again = Store::load(&path, 4).unwrap();
    assert_eq!(again.revision(), store.revision());
    assert_eq!(
        again.get(&maps(), &Key::new("a", "x")).unwrap().value,
        store.get(&maps(), &Key::new("a", "x")).unwrap().value
    );
    std::fs::write(
        &path,
        b"{\"format\": 7, \"revision\": 1, \"collections\": []}",
    )
    .unwrap();
    assert!(matches!(
        Store::load(&path, 4),
        Err(SnapshotError::Version(_, 7))
    ));
    std::fs::remove_dir_all(&folder).unwrap();
}
