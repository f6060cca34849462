use std::collections::BTreeSet;

use serde_json::json;
use trueup_helm::{Draw, Drawn};

use super::*;

fn draw(identity: &[u8]) -> Draw<'_> {
    Draw {
        function: "randAlphaNum",
        identity,
    }
}

fn drawn(text: &str, lasts: Option<i64>) -> Drawn {
    Drawn {
        value: json!({"text": text}),
        lasts,
    }
}

#[test]
fn a_record_gives_back_what_was_drawn_and_shows_none_of_it() {
    let asked = Arc::new(Asked::of_cluster(1_000));
    let draws = asked.draws("web", "shop");
    assert_eq!(draws.recall(&draw(b"a")), None);
    // What was drawn while nobody knew the record does not count.
    draws.keep(&draw(b"a"), drawn("early", None));
    assert!(asked.take_questions().record);
    asked.answer_record(Record::default());
    assert_eq!(draws.recall(&draw(b"a")), None);
    draws.keep(&draw(b"a"), drawn("secret-word", None));
    let record = asked.new_draws().unwrap();
    let text = record.write().unwrap();
    assert!(!format!("{record:?}").contains("secret-word"));
    assert!(!text.contains("YQ=="), "the identity is hashed: {text}");

    let next = Arc::new(Asked::of_cluster(2_000));
    next.answer_record(Record::read(&text).unwrap());
    let draws = next.draws("web", "shop");
    assert_eq!(
        draws.recall(&draw(b"a")),
        Some(json!({"text": "secret-word"}))
    );
    assert_eq!(draws.recall(&draw(b"b")), None);
    assert_eq!(next.draws("web", "other").recall(&draw(b"a")), None);
    assert!(next.new_draws().is_none());
}

#[test]
fn a_certificate_is_drawn_anew_before_it_expires() {
    let asked = Arc::new(Asked::of_cluster(1_000));
    asked.answer_record(Record::default());
    asked
        .draws("n", "r")
        .keep(&draw(b"cert"), drawn("c", Some(80)));
    let text = asked.new_draws().unwrap().write().unwrap();
    for (now, is_there) in [(1_000, true), (1_079, true), (1_080, false)] {
        let asked = Arc::new(Asked::of_cluster(now));
        asked.answer_record(Record::read(&text).unwrap());
        let found = asked.draws("n", "r").recall(&draw(b"cert"));
        assert_eq!(found.is_some(), is_there, "at {now}");
    }
}

#[test]
fn a_record_of_something_else_is_refused() {
    assert_eq!(Record::read("{").unwrap_err(), RecordError::Unreadable);
    assert_eq!(
        Record::read(r#"{"version": 7}"#).unwrap_err(),
        RecordError::Newer(7)
    );
    let mut record = Record::default();
    record.keep("n/r", &draw(b"a"), drawn(&"x".repeat(800_000), None), 0);
    assert!(matches!(record.write(), Err(RecordError::TooLarge(_))));
}

#[test]
fn apis_that_the_environment_brings_are_served_from_the_next_render_on() {
    let asked = Asked::of_cluster(0);
    let brought: BTreeSet<String> = ["ray.io/v1".to_owned()].into();
    assert!(!asked.bring(brought.clone()), "nobody asked");
    let _ = asked.capabilities();
    assert!(asked.take_questions().capabilities);
    assert!(asked.bring(brought.clone()));
    assert!(!asked.bring(brought));
}

#[test]
fn what_was_looked_up_is_told_apart_without_showing_a_secret() {
    let asked = Asked::of_cluster(0);
    let wanted = |kind: &str| Wanted {
        api_version: "v1".into(),
        kind: kind.into(),
        namespace: "n".into(),
        name: "x".into(),
    };
    let secret = json!({"kind": "Secret", "metadata": {"uid": "u", "resourceVersion": "7"}, "data": {"a": "aHVudGVyMg=="}});
    asked.answer_object(wanted("Secret"), Some(secret));
    let plain = |version: &str, value: &str| {
        asked.answer_object(
            wanted("ConfigMap"),
            Some(json!({"kind": "ConfigMap", "metadata": {"resourceVersion": version}, "data": {"a": value}})),
        );
        asked.looked_up()[0].found.clone()
    };
    let first = plain("1", "a");
    assert_eq!(first, plain("2", "a"));
    assert_ne!(first, plain("2", "b"));
    let shown = serde_json::to_string(&asked.looked_up()).unwrap();
    assert!(
        shown.contains("u@7") && !shown.contains("aHVudGVyMg"),
        "{shown}"
    );
}
