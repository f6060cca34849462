//! What planning, applying, pruning and waiting do to a cluster, seen from outside.
//!
//! Every test runs on the embedded server, and, where `KUBEBUILDER_ASSETS` names a folder with `etcd`
//! and `kube-apiserver` (see `tests/servers/build.sh`), on a real one.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says loudly when it is skipped"
)]

#[path = "apply/adoption.rs"]
mod adoption;
#[path = "apply/atomic.rs"]
mod atomic;
#[path = "apply/chart_cleanup.rs"]
mod chart_cleanup;
#[path = "apply/chart_hooks.rs"]
mod chart_hooks;
#[path = "apply/chart_import.rs"]
mod chart_import;
#[path = "apply/chart_sealed.rs"]
mod chart_sealed;
#[path = "apply/chart_secrets.rs"]
mod chart_secrets;
#[path = "apply/charts.rs"]
mod charts;
#[path = "apply/credentials.rs"]
mod credentials;
#[path = "apply/deletion.rs"]
mod deletion;
#[path = "apply/emptied.rs"]
mod emptied;
#[path = "apply/estate.rs"]
mod estate;
#[path = "apply/failures.rs"]
mod failures;
#[path = "apply/faults.rs"]
mod faults;
#[path = "apply/field_rules.rs"]
mod field_rules;
#[path = "apply/fight.rs"]
mod fight;
#[path = "apply/first_run.rs"]
mod first_run;
#[path = "apply/foreign.rs"]
mod foreign;
#[path = "apply/generated_names.rs"]
mod generated_names;
#[path = "apply/harness/mod.rs"]
mod harness;
#[path = "apply/health_checks.rs"]
mod health_checks;
#[path = "apply/kill.rs"]
mod kill;
#[path = "apply/kubectl.rs"]
mod kubectl;
#[path = "apply/laws.rs"]
mod laws;
#[path = "apply/lease.rs"]
mod lease;
#[path = "apply/limits.rs"]
mod limits;
#[path = "apply/migration.rs"]
mod migration;
#[path = "apply/network.rs"]
mod network;
#[path = "apply/on_call.rs"]
mod on_call;
#[path = "apply/operator.rs"]
mod operator;
#[path = "apply/ownership.rs"]
mod ownership;
#[path = "apply/prune.rs"]
mod prune;
#[path = "apply/read_only.rs"]
mod read_only;
#[path = "apply/recreate.rs"]
mod recreate;
#[path = "apply/rivalry.rs"]
mod rivalry;
#[path = "apply/rollout.rs"]
mod rollout;
#[path = "apply/saved_plan.rs"]
mod saved_plan;
#[path = "apply/scenarios.rs"]
mod scenarios;
#[path = "apply/waits.rs"]
mod waits;
#[path = "apply/webhook.rs"]
mod webhook;
