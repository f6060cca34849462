//! The bootstrap with its key store broken at every single operation.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use age::secrecy::ExposeSecret;
use futures::{FutureExt, future::BoxFuture};

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    guard::{By, Guard},
    init::{Condition, Init, Vault},
    journal::Stage,
    reach::Route,
    seal,
    sealer::Sealer,
    store::{KeyStore, Slot},
};
use crate::source::Secret;

const INIT: Init = Init {
    shares: 3,
    threshold: 2,
    holders: Vec::new(),
};

/// A server that can be asked for its seal and be initialised, once.
struct Server {
    url: String,
    asked_to_init: Arc<AtomicUsize>,
    /// How many requests it still fails.
    failing: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked_to_init = Arc::new(AtomicUsize::new(0));
        let asked = Arc::clone(&asked_to_init);
        let failing = Arc::new(AtomicUsize::new(0));
        let fails = Arc::clone(&failing);
        std::thread::spawn(move || {
            let initialised = AtomicBool::new(false);
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0_u8; 4096];
                let read = stream.read(&mut head).unwrap();
                let head = String::from_utf8_lossy(head.get(..read).unwrap()).into_owned();
                let left = fails.load(Ordering::SeqCst);
                fails.store(left.saturating_sub(1), Ordering::SeqCst);
                let status = if left > 0 { "500 Failed" } else { "200 OK" };
                let body = if left > 0 {
                    r#"{"errors":["core: no seal configuration found"]}"#.to_owned()
                } else if head.starts_with("PUT /v1/sys/init") {
                    asked.fetch_add(1, Ordering::SeqCst);
                    initialised.store(true, Ordering::SeqCst);
                    r#"{"keys":["aa","bb","cc"],"root_token":"hvs.root"}"#.to_owned()
                } else {
                    let initialised = initialised.load(Ordering::SeqCst);
                    format!(r#"{{"initialized":{initialised},"sealed":true,"t":2,"progress":0}}"#)
                };
                let length = body.len();
                let head = "connection: close\r\ncontent-type: application/json";
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}"
                )
                .unwrap();
            }
        });
        Self {
            url,
            asked_to_init,
            failing,
        }
    }

    fn client(&self) -> Client {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        Client::new(self.url.parse().unwrap(), &tls, Route::network(), None)
    }
}

/// A store in memory that does nothing any more from its `dies_at`th operation on, as if the process
/// had ended there.
#[derive(Default)]
struct Memory {
    slots: Mutex<HashMap<&'static str, Vec<u8>>>,
    operations: AtomicUsize,
    dies_at: Option<usize>,
}

impl Memory {
    fn alive(&self) -> Result<(), VaultError> {
        let now = self.operations.fetch_add(1, Ordering::SeqCst);
        match self.dies_at {
            Some(at) if now >= at => Err(VaultError::new(ErrorKind::Keys, "killed")),
            _ => Ok(()),
        }
    }

    fn after_the_kill(self) -> Self {
        Self {
            slots: self.slots,
            ..Self::default()
        }
    }
}

impl KeyStore for Memory {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn load(&self, slot: Slot) -> BoxFuture<'_, Result<Option<Vec<u8>>, VaultError>> {
        async move {
            self.alive()?;
            Ok(self.slots.lock().unwrap().get(slot.name()).cloned())
        }
        .boxed()
    }

    fn save<'a>(&'a self, slot: Slot, sealed: &'a [u8]) -> BoxFuture<'a, Result<(), VaultError>> {
        async move {
            self.alive()?;
            let mut slots = self.slots.lock().unwrap();
            slots.insert(slot.name(), sealed.to_vec());
            Ok(())
        }
        .boxed()
    }

    fn clear(&self, slot: Slot) -> BoxFuture<'_, Result<(), VaultError>> {
        async move {
            self.alive()?;
            self.slots.lock().unwrap().remove(slot.name());
            Ok(())
        }
        .boxed()
    }
}

fn sealer() -> Sealer {
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let text = Secret::new(identity.to_string().expose_secret());
    Sealer::new(&[recipient], Some(&text)).unwrap()
}

#[tokio::test]
async fn a_bootstrap_that_dies_at_any_operation_of_the_key_store_loses_no_key_that_it_had() {
    let mut boundaries = 0;
    let mut lost = Vec::new();
    for dies_at in 0.. {
        let (server, sealer, guard) = (Server::start(), sealer(), Guard::new(By::Versions));
        let clients = [server.client()];
        let store = Memory {
            dies_at: Some(dies_at),
            ..Memory::default()
        };
        let vault = Vault {
            servers: &clients,
            store: &store,
            sealer: &sealer,
            guard: &guard,
        };
        if vault.keys(&INIT).await.is_ok() {
            break;
        }
        boundaries += 1;
        let store = store.after_the_kill();
        let vault = Vault {
            servers: &clients,
            store: &store,
            sealer: &sealer,
            guard: &guard,
        };
        match vault.keys(&INIT).await {
            Ok(keys) => {
                assert_eq!(keys.shares.len(), 3, "boundary {dies_at}");
                assert_eq!(vault.condition().await.unwrap(), Condition::Kept);
            }
            Err(error) => {
                assert_eq!(
                    error.kind,
                    ErrorKind::KeysLost,
                    "boundary {dies_at}: {error}"
                );
                lost.push(dies_at);
            }
        }
        let asked = server.asked_to_init.load(Ordering::SeqCst);
        assert_eq!(asked, 1, "boundary {dies_at}: `sys/init` is sent once");
    }
    assert!(boundaries >= 12, "{boundaries}");
    // The one moment that nobody can close: the answer is here and not yet kept.
    assert_eq!(lost.len(), 1, "{lost:?}");
}

#[tokio::test]
async fn a_store_that_keeps_nothing_is_found_out_before_there_are_keys() {
    /// Takes everything and keeps nothing.
    struct Sieve(Memory);
    impl KeyStore for Sieve {
        fn describe(&self) -> String {
            "a sieve".to_owned()
        }
        fn load(&self, slot: Slot) -> BoxFuture<'_, Result<Option<Vec<u8>>, VaultError>> {
            self.0.load(slot)
        }
        fn save<'a>(&'a self, _: Slot, _: &'a [u8]) -> BoxFuture<'a, Result<(), VaultError>> {
            async { Ok(()) }.boxed()
        }
        fn clear(&self, slot: Slot) -> BoxFuture<'_, Result<(), VaultError>> {
            self.0.clear(slot)
        }
    }
    let (server, sealer, store) = (Server::start(), sealer(), Sieve(Memory::default()));
    let guard = Guard::new(By::Versions);
    let clients = [server.client()];
    let vault = Vault {
        servers: &clients,
        store: &store,
        sealer: &sealer,
        guard: &guard,
    };
    assert!(vault.keys(&INIT).await.is_err());
    assert_eq!(server.asked_to_init.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_identity_of_somebody_else_is_found_out_before_there_are_keys() {
    let (server, guard, store) = (Server::start(), Guard::new(By::Versions), Memory::default());
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    let identity = age::x25519::Identity::generate();
    let text = Secret::new(identity.to_string().expose_secret());
    let sealer = Sealer::new(&[recipient], Some(&text)).unwrap();
    let clients = [server.client()];
    let vault = Vault {
        servers: &clients,
        store: &store,
        sealer: &sealer,
        guard: &guard,
    };
    let error = vault.keys(&INIT).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Keys);
    assert_eq!(server.asked_to_init.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_vault_that_others_initialised_is_left_alone() {
    let (server, sealer, guard) = (Server::start(), sealer(), Guard::new(By::Versions));
    let clients = [server.client()];
    clients[0].initialise(&serde_json::json!({})).await.unwrap();
    let store = Memory::default();
    let vault = Vault {
        servers: &clients,
        store: &store,
        sealer: &sealer,
        guard: &guard,
    };
    assert_eq!(vault.condition().await.unwrap(), Condition::Foreign);
    let error = vault.keys(&INIT).await.unwrap_err();
    assert!(
        error.message.contains("its keys are not in memory"),
        "{error}"
    );
    assert_eq!(server.asked_to_init.load(Ordering::SeqCst), 1);
}

#[test]
fn the_stages_of_a_bootstrap_follow_one_another() {
    assert!(Stage::Intent < Stage::Answered && Stage::Saved < Stage::Configured);
}

#[tokio::test]
async fn a_server_that_somebody_is_initialising_fails_to_tell_its_seal_and_is_asked_again() {
    let server = Server::start();
    server.failing.store(3, Ordering::SeqCst);
    let status = seal::seal_status(&server.client()).await.unwrap();
    assert!(status.sealed);
    assert_eq!(server.failing.load(Ordering::SeqCst), 0);
}
