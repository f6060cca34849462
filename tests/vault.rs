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
#[path = "vault/aws.rs"]
mod aws;
#[path = "vault/bao.rs"]
mod bao;
#[path = "vault/daemon.rs"]
mod daemon;
#[path = "vault/door.rs"]
mod door;
#[path = "vault/estate.rs"]
mod estate;
#[path = "vault/faults.rs"]
mod faults;
#[path = "vault/forward.rs"]
mod forward;
#[path = "vault/kill.rs"]
mod kill;
#[path = "vault/kubelet.rs"]
mod kubelet;
#[path = "vault/load.rs"]
mod load;
#[path = "vault/login.rs"]
mod login;
#[path = "vault/moto.rs"]
mod moto;
#[path = "vault/objects.rs"]
mod objects;
#[path = "vault/openbao.rs"]
mod openbao;
#[path = "vault/phase.rs"]
mod phase;
#[path = "vault/pods.rs"]
mod pods;
#[path = "vault/prune.rs"]
mod prune;
#[path = "vault/rekey.rs"]
mod rekey;
#[path = "vault/replace.rs"]
mod replace;
#[path = "vault/rotate.rs"]
mod rotate;
#[path = "vault/saved.rs"]
mod saved;
#[path = "vault/stop.rs"]
mod stop;
#[path = "vault/stores.rs"]
mod stores;
#[path = "vault/taint.rs"]
mod taint;
#[path = "vault/unseal.rs"]
mod unseal;
#[path = "vault/values.rs"]
mod values;
#[path = "vault/world.rs"]
mod world;
