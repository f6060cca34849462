//! The Vault bootstrap phase: from an empty server to a configured one, nothing lost, nothing leaked.
//!
//! Flows in: a [`file::Bootstrap`], the servers that it names, and where their keys are kept. Flows out: a
//! [`VaultReport`] of what was done, or would be.
//! It must never print, log or keep in clear a share, a token or another secret; never send a share to
//! an address that it does not know to be one server; never initialise what may already be; and never
//! delete what it did not make.
//!
//! ```text
//!  file ──► wanted ─────────────┐
//!  init (journal, store) ─► unseal ─► observe ─► plan (pure) ─► configure ─► token revoked
//!                                     ledger ─────┘                 │
//!                                       ▲───────────────────────────┘
//! ```

mod ceremonies;
mod client;
mod compare;
mod configure;
mod error;
mod exclusive;
pub mod file;
mod guard;
mod hcl;
mod init;
mod journal;
mod keep;
mod keys;
mod ledger;
mod login;
mod normal;
mod observe;
mod patience;
mod phase;
mod plan;
mod raft;
mod reach;
mod references;
mod refused;
mod rekey;
mod report;
mod rotate;
mod rules;
mod run;
mod seal;
mod sealer;
mod store;
mod token;
mod values;
mod verify;
mod wanted;

#[cfg(test)]
mod tests;

pub use self::{
    ceremonies::Exported,
    compare::compare,
    error::{ErrorKind, VaultError},
    keep::keep_open,
    phase::{Depth, Phase},
    plan::{Change, Kind},
    report::{Shown, Step, VaultReport},
    seal::SealStatus,
    values::Held,
};
