//! Real servers for tests: etcd and kube-apiserver on loopback, a whole cluster around them, requests as
//! they are given, a proxy that misbehaves, and authorities for TLS.
//!
//! The programs come from the folder that `KUBEBUILDER_ASSETS` names (`tests/servers/build.sh` makes
//! one). Without it there are no servers, and tests say so. Everything started here ends with the test's
//! process, however that ends. It must never be a dependency of anything but tests, and it panics where
//! something is amiss, as tests do.

mod assets;
mod proxy;
mod raw;
mod server;
pub mod tls;

pub use self::{
    assets::{Assets, Program},
    proxy::{Conduct, Proxy},
    raw::{Answer, Raw},
    server::{ApiServer, TOKEN},
};

/// A port of loopback that nobody listens on.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
