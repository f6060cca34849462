//! An embedded Kubernetes API server for demos, tests and simulation.
//!
//! It speaks the real HTTP protocol on loopback, so that `kubectl` and any client library work
//! against it, keeps its state in memory, and lets a test see every request and make any of them
//! fail. It mirrors kube-apiserver 1.36: status codes, reasons, words and bodies.
//!
//! ```text
//!  socket ─► server ─► http ─► verbs ─► kinds, ownership, crd ─► store ─► watch ─► http
//!                        │                                        ▲
//!                        └─► discovery, table                 controllers
//! ```
//!
//! ```no_run
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! let server = trueup_embedded::Server::builder().start().await?;
//! std::fs::write("kubeconfig", server.kubeconfig())?;
//! // … run a client …
//! assert!(server.log().writes().is_empty());
//! server.stop().await?;
//! # Ok(())
//! # }
//! ```

mod access;
mod controllers;
mod crd;
mod defaults;
mod discovery;
mod faults;
mod http;
mod kinds;
mod log;
mod meta;
mod ownership;
mod protobuf;
mod registry;
mod selector;
mod server;
mod simulation;
mod status;
mod store;
mod table;
mod validation;
mod verbs;
mod watch;

pub use access::{Access, Deny, USER};
pub use faults::{Boundary, Fault, Faults, Hook, Moment, Rule, Verdict};
pub use http::reply::{Cut, ReplyBody};
pub use log::{Entry, RequestInfo, RequestLog};
pub use registry::GroupResource;
pub use server::ids::Clock;
pub use server::{Builder, Error, InProcess, Server};
pub use simulation::{Fate, Simulation, Target};
pub use store::{Change, ChangeKind, Compacted, Key, SnapshotError, Store, Stored};
