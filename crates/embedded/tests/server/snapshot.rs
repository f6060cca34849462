use trueup_embedded::Server;

use crate::client::Client;
use crate::{MAPS, definitions, map};

#[tokio::test]
async fn a_server_goes_on_from_its_snapshot_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let server = Server::builder().snapshot(&path).start().await.unwrap();
    let client = Client::of(&server);
    let made = client.post(MAPS, &map("a", "1")).await.json();
    definitions::define(&client).await;
    client
        .post(definitions::WIDGETS, &definitions::widget("w", 3))
        .await;
    server.stop().await.unwrap();
    let server = Server::builder().snapshot(&path).start().await.unwrap();
    let client = Client::of(&server);
    assert_eq!(client.get(&format!("{MAPS}/a")).await.json(), made);
    let widget = client.get(&format!("{}/w", definitions::WIDGETS)).await;
    assert_eq!(
        widget.json()["spec"]["size"],
        3,
        "custom resources are served again"
    );
    let next = client.post(MAPS, &map("b", "1")).await.json();
    let revision = |object: &serde_json::Value| -> u64 {
        object["metadata"]["resourceVersion"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    };
    assert!(revision(&next) > revision(&made));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "it holds Secrets");
    }
}

#[tokio::test]
async fn a_file_that_is_no_snapshot_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    std::fs::write(&path, "nope").unwrap();
    let error = Server::builder().snapshot(&path).start().await.unwrap_err();
    assert!(error.to_string().contains("state.json"), "{error}");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_identities() {
    let make = async || {
        let server = Server::builder().seed(7).start().await.unwrap();
        let client = Client::of(&server);
        let mut object = map("", "1");
        object["metadata"] = serde_json::json!({"generateName": "x-"});
        let made = client.post(MAPS, &object).await.json();
        (
            made["metadata"]["name"].clone(),
            made["metadata"]["uid"].clone(),
        )
    };
    assert_eq!(make().await, make().await);
}

#[tokio::test]
async fn the_server_answers_in_process_too() {
    let server = Server::builder().start().await.unwrap();
    let request = http::Request::get("/version").body(http_body_util::Empty::<bytes::Bytes>::new());
    let response = server.service().call(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
}
