//! The Vault bootstrap against a real Vault: its core and its HTTP layer, built from its Go module by
//! `tests/servers/build.sh`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says loudly when it is skipped"
)]

#[path = "vault/asked.rs"]
mod asked;
#[path = "vault/bao.rs"]
mod bao;
#[path = "vault/estate.rs"]
mod estate;
#[path = "vault/kill.rs"]
mod kill;
#[path = "vault/objects.rs"]
mod objects;
#[path = "vault/phase.rs"]
mod phase;
#[path = "vault/pods.rs"]
mod pods;
#[path = "vault/world.rs"]
mod world;
