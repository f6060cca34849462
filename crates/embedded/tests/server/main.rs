//! The server over its protocol, by capability.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "support of tests, which fail by panicking"
)]

mod apply;
mod client;
mod definitions;
mod differential;
mod discovery;
mod faults;
mod lists;
mod namespaces;
mod objects;
mod parity;
mod real;
mod simulation;
mod snapshot;
mod watches;

use serde_json::{Value, json};
use trueup_embedded::Server;

use client::Client;

/// A server and a client of it.
async fn start() -> (Server, Client) {
    let server = Server::builder().start().await.unwrap();
    let client = Client::of(&server);
    (server, client)
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn map(name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"k": value},
    })
}
