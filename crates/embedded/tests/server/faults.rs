use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use trueup_embedded::{Fault, Moment, Rule, Verdict};

use crate::client::{MERGE, Next};
use crate::{MAPS, map, start};

#[tokio::test]
async fn the_log_tells_every_request_in_order() {
    let (server, client) = start().await;
    let mark = server.log().next_index();
    client.post(MAPS, &map("a", "1")).await;
    client.get(&format!("{MAPS}/a")).await;
    let path = format!("{MAPS}/a?fieldManager=me");
    client
        .patch(MERGE, &path, &json!({"data": {"k": "2"}}))
        .await;
    client.delete(&format!("{MAPS}/a?dryRun=All")).await;
    client.get(&format!("{MAPS}/b")).await;
    let log = server.log().since(mark);
    let rows: Vec<(&str, Option<u16>, &str)> = log
        .iter()
        .map(|e| (e.info.verb.as_str(), e.status, e.field_manager.as_str()))
        .collect();
    assert_eq!(
        rows,
        [
            ("create", Some(201), "tests"),
            ("get", Some(200), "tests"),
            ("patch", Some(200), "me"),
            ("delete", Some(200), "tests"),
            ("get", Some(404), "tests"),
        ]
    );
    assert_eq!(log[0].info.resource, "configmaps");
    assert_eq!(log[0].info.namespace, "default");
    assert_eq!(log[0].user_agent, "tests/1");
    assert_eq!(log[0].body_hash.len(), 64);
    assert!(log[1].body_hash.is_empty());
    let writes: Vec<_> = server
        .log()
        .writes()
        .iter()
        .map(|e| e.info.verb.clone())
        .collect();
    assert_eq!(
        writes,
        ["create", "patch"],
        "reads and dry runs are no writes"
    );
}

#[tokio::test]
async fn a_refused_request_is_answered_so_and_not_carried_out() {
    let (server, client) = start().await;
    server.faults().inject(
        Rule::new(Fault::TooManyRequests { retry_after: 3 })
            .verb("create")
            .nth(1),
    );
    server.faults().inject(
        Rule::new(Fault::Status(503))
            .verb("create")
            .resource("configmaps")
            .nth(2),
    );
    let busy = client.post(MAPS, &map("a", "1")).await;
    assert_eq!(busy.status, 429);
    assert_eq!(busy.headers["retry-after"], "3");
    assert_eq!(client.post(MAPS, &map("a", "1")).await.status, 503);
    assert_eq!(
        client.post(MAPS, &map("a", "1")).await.status,
        201,
        "neither took effect"
    );
}

#[tokio::test]
async fn a_connection_is_cut_before_or_after_the_write() {
    let (server, client) = start().await;
    server
        .faults()
        .inject(Rule::new(Fault::ResetBefore).verb("create").nth(1));
    server
        .faults()
        .inject(Rule::new(Fault::ResetAfter).verb("create").nth(2));
    let body = || map("a", "1").to_string();
    let headers = [("content-type", "application/json")];
    client
        .send("POST", MAPS, &headers, body())
        .await
        .unwrap_err();
    assert_eq!(client.get(&format!("{MAPS}/a")).await.status, 404);
    client
        .send("POST", MAPS, &headers, body())
        .await
        .unwrap_err();
    assert_eq!(
        client.get(&format!("{MAPS}/a")).await.status,
        200,
        "it took effect"
    );
    let cut = server.log().entries();
    assert_eq!(cut[0].status, None);
    assert!(cut[2].fault.as_ref().unwrap().contains("after"));
}

#[tokio::test]
async fn a_watch_is_truncated_or_expires_after_so_many_events() {
    let (server, client) = start().await;
    client.post(MAPS, &map("a", "1")).await;
    client.post(MAPS, &map("b", "1")).await;
    let rule = Rule::new(Fault::TruncateWatch { after_events: 1 }).verb("watch");
    server.faults().inject(rule.nth(1));
    let rule = Rule::new(Fault::ExpireWatch { after_events: 2 }).verb("watch");
    server.faults().inject(rule.nth(2));
    let mut watch = client.watch(&format!("{MAPS}?watch=1")).await;
    assert_eq!(watch.event().await.1, "a");
    assert_eq!(watch.next().await, Next::Cut);
    let mut watch = client.watch(&format!("{MAPS}?watch=1")).await;
    assert_eq!(
        (watch.event().await.1, watch.event().await.1),
        ("a".into(), "b".into())
    );
    assert_eq!(watch.event().await.0, "ERROR");
    assert_eq!(watch.next().await, Next::End);
}

#[tokio::test]
async fn a_hook_sees_both_boundaries_of_every_request_and_may_cut_at_any() {
    let (server, client) = start().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&calls);
    server.faults().set_hook(Arc::new(move |boundary| {
        let call = seen.fetch_add(1, Ordering::SeqCst);
        assert_eq!(
            boundary.moment,
            if call.is_multiple_of(2) {
                Moment::Before
            } else {
                Moment::After
            }
        );
        // Cut after the second request was carried out.
        if call == 3 {
            Verdict::Cut
        } else {
            Verdict::Continue
        }
    }));
    client.get(MAPS).await;
    let headers = [("content-type", "application/json")];
    client
        .send("POST", MAPS, &headers, map("a", "1").to_string())
        .await
        .unwrap_err();
    server.faults().clear();
    assert_eq!(calls.load(Ordering::SeqCst), 4);
    assert_eq!(client.get(&format!("{MAPS}/a")).await.status, 200);
}

#[tokio::test]
async fn latency_delays_the_answer_and_nothing_else() {
    let (server, client) = start().await;
    let rule = Rule::new(Fault::Latency(Duration::from_millis(5)))
        .resource("configmaps")
        .times(1);
    server.faults().inject(rule);
    assert_eq!(client.post(MAPS, &map("a", "1")).await.status, 201);
    assert_eq!(
        server.log().entries()[0].fault.as_deref(),
        Some("latency of 5 ms")
    );
}
