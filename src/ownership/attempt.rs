//! One try at one object: what it met, and how long to wait before the next.

use crate::error::{shown, Result};
use crate::pg::xact;

/// The longest pause that is suggested while everything left is in use.
const LONGEST_PAUSE_MS: u64 = 10_000;

/// Why one object could not be moved.
pub enum Failure {
    /// Somebody uses it: another try can do without.
    Busy,
    /// Anything else, with its message made safe to show.
    Broken(String),
}

/// Runs one object's move in its own subtransaction and tells what kind of failure it met.
pub fn attempt<T>(act: impl FnOnce() -> Result<T>) -> std::result::Result<T, Failure> {
    match xact::subtransaction(act) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Failure::Broken(error.message().to_owned())),
        Err(caught) if is_passing(&caught.sqlstate, &caught.message) => Err(Failure::Busy),
        Err(caught) => Err(Failure::Broken(shown(&caught.message))),
    }
}

/// Errors that another try can do without: a lock that was not to be had, a deadlock, a row that
/// somebody wrote at the same time (which heapam.c reports as an internal error), a full lock table.
fn is_passing(sqlstate: &str, message: &str) -> bool {
    match sqlstate {
        "55P03" | "40P01" | "40001" | "53200" => true,
        "XX000" => message.starts_with("tuple concurrently"),
        _ => false,
    }
}

/// How long to sleep after an object was in use: `lock_timeout`, doubled each time that all of those
/// left have been tried, so that who uses them is left alone for as long as it was kept waiting.
pub fn pause(lock_timeout_ms: i32, failures: u32, left: usize) -> u64 {
    let rounds = failures.saturating_sub(1) / u32::try_from(left.max(1)).unwrap_or(u32::MAX);
    let base = u64::from(lock_timeout_ms.max(1).unsigned_abs());
    (base << rounds.min(10)).min(LONGEST_PAUSE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_with_each_round_and_ends_at_ten_seconds() {
        assert_eq!(pause(200, 1, 3), 200);
        assert_eq!(pause(200, 3, 3), 200);
        assert_eq!(pause(200, 4, 3), 400);
        assert_eq!(pause(200, 400, 3), 10_000);
        assert_eq!(pause(0, u32::MAX, 0), 1024);
    }

    #[test]
    fn what_passes_is_tried_again_and_nothing_else() {
        assert!(is_passing("55P03", ""));
        assert!(is_passing("40P01", ""));
        assert!(is_passing("XX000", "tuple concurrently updated"));
        assert!(!is_passing("XX000", "could not open relation"));
        assert!(!is_passing("42501", "permission denied"));
    }
}
