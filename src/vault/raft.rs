//! Servers that share one storage among themselves: those that are not in it yet join it.
//!
//! A server that is not initialised while another one is must never be initialised: it joins.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    seal::seal_status,
};

/// How often a leader is asked for, and how often whether a join has come through.
const TRIES: u32 = 40;

/// The time between.
const PAUSE: Duration = Duration::from_millis(250);

/// The servers, with those that are initialised first: what the others join has to be open.
pub(super) async fn members_first(servers: &[Client]) -> Vec<&Client> {
    let (mut members, mut others) = (Vec::new(), Vec::new());
    for server in servers {
        match seal_status(server).await {
            Ok(status) if status.initialised => members.push(server),
            _ => others.push(server),
        }
    }
    members.append(&mut others);
    members
}

/// Has a server join the others, and waits until it knows the seal.
pub(super) async fn join(server: &Client, all: &[Client]) -> Result<(), VaultError> {
    let status = seal_status(server).await?;
    if status.storage != "raft" {
        let message = format!(
            "{} is not initialised although others of this Vault are, and its storage is `{}`",
            server.describe(),
            status.storage
        );
        return Err(VaultError::new(ErrorKind::Uninitialised, message)
            .help("servers of one Vault share a storage: is it another Vault?"));
    }
    let leader = leader(all).await?;
    server
        .write(
            "sys/storage/raft/join",
            &json!({"leader_api_addr": leader, "retry": false}),
        )
        .await?;
    for _ in 0..TRIES {
        if seal_status(server).await?.initialised {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    let message = format!(
        "{} was told to join {leader}, and has not yet",
        server.describe()
    );
    Err(VaultError::new(ErrorKind::Server, message).help("its log says why"))
}

/// The address of the leader, as it tells the others of the Vault.
async fn leader(all: &[Client]) -> Result<String, VaultError> {
    for _ in 0..TRIES {
        for server in all {
            let Ok(said) = server.read("sys/leader").await else {
                continue;
            };
            let address = said.get("leader_address").and_then(Value::as_str);
            if let Some(address) = address.filter(|address| !address.is_empty()) {
                return Ok(address.to_owned());
            }
        }
        sleep(PAUSE).await;
    }
    Err(VaultError::new(
        ErrorKind::Server,
        "no server of the Vault leads the others",
    ))
}
