use serde_json::Value;

use crate::{definitions, start};

#[tokio::test]
async fn both_forms_of_discovery_list_the_same_resources() {
    let (_server, client) = start().await;
    definitions::define(&client).await;
    let accept = [(
        "accept",
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
    )];
    let mut aggregated = Vec::new();
    for root in ["/api", "/apis"] {
        let answer = client.send("GET", root, &accept, "").await.unwrap();
        let kind = answer.headers["content-type"].to_str().unwrap().to_owned();
        assert!(kind.contains("as=APIGroupDiscoveryList"), "{kind}");
        assert!(answer.headers.contains_key("etag"));
        for group in answer.json()["items"].as_array().unwrap() {
            let name = group["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            for version in group["versions"].as_array().unwrap() {
                for resource in version["resources"].as_array().unwrap() {
                    aggregated.push(format!(
                        "{name}/{} {}",
                        version["version"].as_str().unwrap(),
                        resource["resource"].as_str().unwrap()
                    ));
                }
            }
        }
    }
    let mut plain = Vec::new();
    let groups = client.get("/apis").await.json();
    let mut paths = vec![("/api/v1".to_owned(), "/v1".to_owned())];
    for group in groups["groups"].as_array().unwrap() {
        for version in group["versions"].as_array().unwrap() {
            let gv = version["groupVersion"].as_str().unwrap();
            paths.push((format!("/apis/{gv}"), gv.to_owned()));
        }
    }
    for (path, gv) in paths {
        let list = client.get(&path).await.json();
        for resource in list["resources"].as_array().unwrap() {
            let name = resource["name"].as_str().unwrap();
            if !name.contains('/') {
                plain.push(format!("{gv} {name}"));
            }
        }
    }
    assert_eq!(aggregated, plain);
    assert!(plain.contains(&"example.com/v1 widgets".to_owned()));
}

#[tokio::test]
async fn openapi_documents_describe_every_kind_and_refer_to_nothing_missing() {
    let (_server, client) = start().await;
    definitions::define(&client).await;
    let index = client.get("/openapi/v3").await.json();
    let paths = index["paths"].as_object().unwrap();
    assert!(paths.len() > 20);
    for entry in paths.values() {
        let url = entry["serverRelativeURL"].as_str().unwrap();
        let answer = client.get(url).await;
        assert_eq!(answer.status, 200, "{url}");
        let document = answer.json();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{url}: {name}");
        }
    }
    let widgets = client.get("/openapi/v3/apis/example.com/v1").await.json();
    let schema: &Value = &widgets["components"]["schemas"]["com.example.v1.Widget"];
    assert_eq!(
        schema["x-kubernetes-group-version-kind"][0]["kind"],
        "Widget"
    );
    assert_eq!(schema["properties"]["spec"]["required"][0], "size");
}

#[tokio::test]
async fn version_health_and_unknown_paths_are_answered() {
    let (_server, client) = start().await;
    assert_eq!(client.get("/version").await.json()["minor"], "36");
    for path in ["/healthz", "/readyz", "/livez"] {
        assert_eq!(client.get(path).await.body, "ok", "{path}");
    }
    let rows = [
        ("/nope", "text/plain; charset=utf-8"),
        ("/apis/foo.io/v1/bars", "text/plain; charset=utf-8"),
        ("/apis/apps/v1/foos", "application/json"),
        ("/apis/apps/v9", "application/json"),
    ];
    for (path, kind) in rows {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.headers["content-type"], kind, "{path}");
    }
}
