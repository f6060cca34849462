//! Sets libgit2's network time-outs, once for the process.
//!
//! Without them a server that accepts a connection and then says nothing holds a thread for ever.
//! libgit2 keeps the two numbers in plain global variables, so their setters are `unsafe` in
//! [`git2`]: writing one while another thread opens a connection would be a data race. This crate
//! exists so that every other one can forbid unsafe code.
//!
//! Flows in: two durations. Flows out: nothing. It must never do anything else.

use std::{sync::OnceLock, time::Duration};

/// The time-outs in force, in milliseconds.
static SET: OnceLock<Result<(), String>> = OnceLock::new();

/// Sets how long libgit2 waits for a connection, and how long for each read or write on one. Only
/// the first call of the process sets anything; later ones, and those that come at the same time,
/// return once the first is done.
///
/// Every use of libgit2's network in the process must come after a call of this function, on the
/// same thread or ordered after it. In trueup the source room is the only one that names `git2`,
/// and calls this first.
///
/// # Errors
///
/// The message of libgit2, should it not know these settings.
pub fn set_once(connect: Duration, each: Duration) -> Result<(), String> {
    SET.get_or_init(|| {
        #[expect(
            unsafe_code,
            reason = "the setters write globals that libgit2 reads when it opens a connection; \
                      `OnceLock` lets one thread write, and every reader comes after it (see above)"
        )]
        // SAFETY: no other thread writes (OnceLock), none reads yet (the contract above).
        unsafe {
            git2::opts::set_server_connect_timeout_in_milliseconds(milliseconds(connect))
                .and_then(|()| git2::opts::set_server_timeout_in_milliseconds(milliseconds(each)))
                .map_err(|error| error.message().to_owned())
        }
    })
    .clone()
}

fn milliseconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(
        unsafe_code,
        reason = "reads back what was set; no connection is open in this test"
    )]
    fn the_first_call_sets_the_time_outs_and_later_ones_change_nothing() {
        set_once(Duration::from_secs(5), Duration::from_secs(7)).unwrap();
        set_once(Duration::from_secs(1), Duration::from_secs(1)).unwrap();
        // SAFETY: as in `set_once`; nothing else runs in this test's process.
        let found = unsafe {
            (
                git2::opts::get_server_connect_timeout_in_milliseconds().unwrap(),
                git2::opts::get_server_timeout_in_milliseconds().unwrap(),
            )
        };
        assert_eq!(found, (5000, 7000));
    }
}
