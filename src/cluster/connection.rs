//! The connection to a server, which is made anew when the server no longer takes its credentials: a token
//! file may hold a newer token by now, and a credential plugin gives another one when it is asked again.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::{sync::Mutex, time::Instant};

use super::{
    access::{Access, client_of},
    error::Error,
};

/// Credentials that were refused so soon after they were read are not read again: whoever gives them has
/// no better ones now, and asking may run a program.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A client of a server, replaced when its credentials expire. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connection {
    access: Access,
    /// The server's address.
    address: Arc<str>,
    current: Arc<RwLock<Current>>,
    renewing: Arc<Mutex<()>>,
}

#[derive(Clone)]
struct Current {
    client: kube::Client,
    /// How often it was renewed.
    generation: u64,
    renewed: Option<Instant>,
}

impl Connection {
    pub(super) async fn open(access: &Access) -> Result<Self, Error> {
        let (client, address) = client_of(access).await?;
        let current = Current {
            client,
            generation: 0,
            renewed: None,
        };
        Ok(Self {
            access: access.clone(),
            address: address.into(),
            current: Arc::new(RwLock::new(current)),
            renewing: Arc::default(),
        })
    }

    /// The client to use now, and which one it is.
    pub(super) fn client(&self) -> (kube::Client, u64) {
        let current = self.current();
        (current.client, current.generation)
    }

    /// The server's address, without credentials.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    fn current(&self) -> Current {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Reads the credentials again after the server refused those of a client. Whether there is another
    /// client to try with now.
    pub(super) async fn renew(&self, refused: u64) -> bool {
        let _guard = self.renewing.lock().await;
        let current = self.current();
        if current.generation != refused {
            return true;
        }
        if current.renewed.is_some_and(|at| at.elapsed() < AGAIN_AFTER) {
            return false;
        }
        let client = match client_of(&self.access).await {
            Ok((client, _)) => client,
            Err(error) => {
                tracing::warn!(%error, "the credentials were refused, and cannot be read again");
                return false;
            }
        };
        tracing::debug!("the credentials were refused, and are read again");
        let renewed = Current {
            client,
            generation: refused + 1,
            renewed: Some(Instant::now()),
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        true
    }
}
