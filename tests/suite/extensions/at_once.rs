//! Two at once, and transactions that are rolled back.

use std::thread;

use super::{scene_with, state, whose};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, outcome, rows, run};

const CALL: &str = "SELECT * FROM credentials.install_extension('dblink')";

/// Runs the call in a second session while the first holds its own open; ends the first with `end`.
fn second_after(end: &str) -> (Vec<String>, String, i64) {
    let mut scene = scene_with("dblink");
    let mut other = scene.login("default");
    run(&mut scene.own, "BEGIN");
    run(&mut scene.own, CALL);
    let answer = thread::scope(|scope| {
        let second = scope.spawn(|| rows(&mut other, CALL));
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'pg_extension'::regclass";
        wait_until("the second waits", SOON, || {
            ask(&mut scene.su, waits) == "1"
        });
        run(&mut scene.own, end);
        second.join().unwrap()
    });
    let events = "SELECT count(*) FROM credentials.event WHERE action = 'install_extension'";
    let events = ask(&mut scene.su, events).parse().unwrap();
    (answer, whose(&mut scene, "dblink"), events)
}

#[test]
fn the_second_of_two_at_once_gets_what_the_first_made() {
    let (answer, owners, events) = second_after("COMMIT");
    assert_eq!(
        (answer.len(), owners.as_str(), events),
        (1, "postgres, postgres", 1)
    );
    assert!(answer[0].starts_with("dblink|dblink|"), "{answer:?}");
}

#[test]
fn the_second_of_two_at_once_installs_where_the_first_is_rolled_back() {
    let (answer, owners, events) = second_after("ROLLBACK");
    assert_eq!(
        (answer.len(), owners.as_str(), events),
        (1, "postgres, postgres", 1)
    );
}

#[test]
fn the_second_does_not_wait_longer_than_the_lock_timeout() {
    let mut scene = scene_with("dblink");
    let mut other = scene.login("default");
    run(&mut scene.own, &format!("BEGIN; {CALL}"));
    assert_eq!(outcome(&mut other, CALL), "55P03");
    run(&mut scene.own, "ROLLBACK");
    run(&mut other, CALL);
}

#[test]
fn a_rollback_and_a_rollback_to_a_savepoint_leave_nothing() {
    let mut scene = scene_with("dblink");
    let before = state(&mut scene);
    run(&mut scene.own, &format!("BEGIN; {CALL}; ROLLBACK"));
    run(
        &mut scene.own,
        &format!("BEGIN; SAVEPOINT s; {CALL}; ROLLBACK TO s; COMMIT"),
    );
    run(&mut scene.own, &format!("BEGIN; {CALL}"));
    assert_eq!(outcome(&mut scene.own, "PREPARE TRANSACTION 'x'"), "0A000");
    assert_eq!(state(&mut scene), before);
    assert_eq!(whose(&mut scene, "dblink"), "");
}
