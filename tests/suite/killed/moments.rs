//! At fault points, and at random moments. `CREDENTIAL_MANAGER_LONG` has 300 of them.

use std::thread;

use rand::rngs::OsRng;
use rand::TryRngCore;

use super::{kill_and_start, order, rich, Before, NAME, WHOLE};
use crate::harness::{wait_until, Cluster, SOON};
use crate::scene::ask;

/// Points in the order in which a rotation comes to them; `begin_commit` is in the caller's own session.
const POINTS: [&str; 8] = [
    "begin_commit",
    "drain",
    "cutover_commit",
    "end_sessions",
    "sweep",
    "close",
    "retire",
    "before_retire",
];

fn rounds(short: usize, long: usize) -> usize {
    match std::env::var_os("CREDENTIAL_MANAGER_LONG") {
        Some(_) => long,
        None => short,
    }
}

#[test]
fn a_crash_at_any_point_of_a_rotation_locks_nobody_out_and_loses_nothing() {
    let cluster = rich();
    for round in 0..rounds(1, 10) {
        for point in POINTS {
            nothing_is_swept(&cluster);
            let before = Before::of(&cluster);
            // With a session of the old password there is one to end at the cut-over.
            let old = round
                .is_multiple_of(2)
                .then(|| cluster.connect(&before.url).unwrap());
            cluster.crash_at(point);
            let ordered = order(&cluster);
            // The worker may be so quick that the answer to a commit is lost.
            assert!(ordered.is_err() || point != "begin_commit");
            cluster.wait_crashed(None);
            drop(old);
            before.holds(&cluster, point);
            let changed = before.url != cluster.url(NAME);
            assert_eq!(changed, point != "begin_commit", "{point}");
        }
    }
}

/// Waits until the rotation before is no longer looked after: it would come to a point that is not meant for it.
fn nothing_is_swept(cluster: &Cluster) {
    let mut su = cluster.superuser("app");
    let left = "SELECT count(*) FROM credentials.job WHERE stage <> 'finished'";
    wait_until("nothing is swept after", SOON, || ask(&mut su, left) == "0");
}

#[test]
fn a_crash_at_any_moment_of_a_rotation_locks_nobody_out_and_loses_nothing() {
    let cluster = rich();
    for round in 0..rounds(22, 220) {
        killed_once(&cluster, round);
    }
}

fn killed_once(cluster: &Cluster, round: usize) {
    let before = Before::of(cluster);
    let old = round
        .is_multiple_of(3)
        .then(|| cluster.connect(&before.url).unwrap());
    let moment = OsRng.try_next_u64().unwrap() % WHOLE.as_millis() as u64;
    let _ = order(cluster);
    // The moment is what is tried: there is no fact to wait for.
    thread::sleep(std::time::Duration::from_millis(moment));
    kill_and_start(cluster);
    drop(old);
    before.holds(cluster, &format!("round {round}, {moment} ms"));
}
