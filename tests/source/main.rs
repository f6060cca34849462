//! Sources against real servers on loopback: `file://`, HTTP and HTTPS through `git http-backend`,
//! SSH through `sshd`. Each failure leaves the last good revision in force.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and says loudly when it is skipped"
)]

mod directory;
mod failures;
mod follow;
mod http;
mod https;
mod machine;
mod read;
mod repository;
mod ssh;
mod worktree;
