//! Waiting for a fact: the only place in the tests that sleeps.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// A deadline for things that take well below a second on an idle machine, generous for a loaded one.
pub const SOON: Duration = Duration::from_secs(30);

/// Polls `fact` until it holds; panics with `what` when it does not within `deadline`.
#[track_caller]
pub fn wait_until(what: &str, deadline: Duration, mut fact: impl FnMut() -> bool) {
    let end = Instant::now() + deadline;
    while !fact() {
        assert!(Instant::now() < end, "waited {deadline:?} in vain: {what}");
        sleep(Duration::from_millis(20));
    }
}
