//! What planning, applying, pruning and waiting do to a cluster, seen from outside.
//!
//! Every test runs on the embedded server, and, where `KUBEBUILDER_ASSETS` names a folder with `etcd`
//! and `kube-apiserver` (see `tests/servers/build.sh`), on a real one.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says loudly when it is skipped"
)]

#[path = "apply/adoption.rs"]
mod adoption;
#[path = "apply/estate.rs"]
mod estate;
#[path = "apply/first_run.rs"]
mod first_run;
#[path = "apply/harness/mod.rs"]
mod harness;
#[path = "apply/prune.rs"]
mod prune;
