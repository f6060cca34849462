//! Applies a stream of manifests by concurrent server-side apply requests and does nothing else: no plan,
//! no list, no waiting. What the server itself needs, to measure trueup by (`benches/apply.sh`).
//!
//! usage: `bare_apply FILE [WORKERS]`, with the kubeconfig that kubectl would use

#![expect(
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a program for a benchmark, over JSON where what is absent is null"
)]

use std::{collections::HashMap, time::Instant};

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use kube::{Client, client::Body};
use serde_json::Value;
use trueup_yaml::{Document, Schema, Source};

/// One request: where to, and what.
struct Apply {
    path: String,
    body: String,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments
        .next()
        .context("usage: bare_apply FILE [WORKERS]")?;
    let workers = arguments.next().map_or(Ok(32), |text| text.parse())?;
    let text = std::fs::read_to_string(&file)?;
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = Client::try_default().await?;
    let started = Instant::now();
    let plurals = plurals(&client).await?;
    // Kinds and namespaces before what needs them.
    let (first, rest): (Vec<Value>, Vec<Value>) =
        objects(&file, &text)?.into_iter().partition(|object| {
            matches!(
                object["kind"].as_str(),
                Some("CustomResourceDefinition" | "Namespace")
            )
        });
    let count = first.len() + rest.len();
    for stage in [first, rest] {
        let requests = stage.iter().map(|object| request(object, &plurals));
        let requests = requests.collect::<Result<Vec<Apply>>>()?;
        stream::iter(requests)
            .map(|request| send(&client, request))
            .buffer_unordered(workers)
            .try_collect::<()>()
            .await?;
    }
    let seconds = started.elapsed().as_secs_f64();
    eprintln!("{count} objects in {seconds:.3} s by {workers} workers");
    Ok(())
}

fn objects(file: &str, text: &str) -> Result<Vec<Value>> {
    let documents = Document::parse(&Source::new(file, text));
    let documents = documents.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let mut objects = Vec::new();
    for document in documents {
        let mut json = String::new();
        trueup_yaml::emit::json(&document, document.root(), Schema::Sigs, &mut json)
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        objects.push(serde_json::from_str(&json)?);
    }
    Ok(objects)
}

/// The path segment of each kind, by `apiVersion/kind`.
async fn plurals(client: &Client) -> Result<HashMap<String, String>> {
    const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let mut plurals = HashMap::new();
    for root in ["/api", "/apis"] {
        let request = http::Request::get(root).header("accept", ACCEPT);
        let found: Value = client.request(request.body(Vec::new())?).await?;
        for group in found["items"].as_array().into_iter().flatten() {
            let group_name = group["metadata"]["name"].as_str().unwrap_or_default();
            for version in group["versions"].as_array().into_iter().flatten() {
                let version_name = version["version"].as_str().unwrap_or_default();
                for resource in version["resources"].as_array().into_iter().flatten() {
                    let kind = resource["responseKind"]["kind"]
                        .as_str()
                        .unwrap_or_default();
                    let plural = resource["resource"].as_str().unwrap_or_default();
                    let key = match group_name {
                        "" => format!("{version_name}/{kind}"),
                        group => format!("{group}/{version_name}/{kind}"),
                    };
                    plurals.insert(key, plural.to_owned());
                }
            }
        }
    }
    Ok(plurals)
}

fn request(object: &Value, plurals: &HashMap<String, String>) -> Result<Apply> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (api, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let key = format!("{api}/{kind}");
    let plural = plurals
        .get(&key)
        .with_context(|| format!("no kind {key}"))?;
    let root = if api.contains('/') { "/apis" } else { "/api" };
    let name = text(&object["metadata"]["name"]);
    let path = match text(&object["metadata"]["namespace"]).as_str() {
        "" => format!("{root}/{api}/{plural}/{name}"),
        namespace => format!("{root}/{api}/namespaces/{namespace}/{plural}/{name}"),
    };
    Ok(Apply {
        path: format!("{path}?fieldManager=bare&force=true"),
        body: object.to_string(),
    })
}

async fn send(client: &Client, apply: Apply) -> Result<()> {
    let request = http::Request::patch(&apply.path)
        .header("content-type", "application/apply-patch+yaml")
        .body(Body::from(apply.body.into_bytes()))?;
    let (parts, body) = client.send(request).await?.into_parts();
    let answer = body.collect_bytes().await?;
    if !parts.status.is_success() {
        bail!("{}: {}", apply.path, String::from_utf8_lossy(&answer));
    }
    Ok(())
}
