//! What `list()`, `usernames()` and `url()` say at each step.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{
    becomes, created, oid, password_of, rotate, scene, state, twins_go, user_of, usernames, works,
};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, rows, run};

/// The username and state that `list()` tells, with what it counts.
const LISTED: &str =
    "SELECT username, state, connections FROM credentials.list() WHERE name = 'c1'";

#[test]
fn each_step_is_told_in_the_words_of_the_contract_and_every_url_told_logs_in() {
    let mut s = scene(1, 60, 2);
    let old = created(&mut s, "c1");
    let role = oid(&mut s.su, "c1");
    assert_eq!(usernames(&mut s.su, "c1"), ["c1 active 0"]);
    let held = s.login("c1");
    let begun = ask(&mut s.su, "SELECT now()");
    rotate(&mut s, "c1");
    let new = s.cluster.url("c1");
    assert_eq!(user_of(&new), "c1-rotating");
    assert_ne!(password_of(&new), password_of(&old));
    let pool = [
        s.cluster.connect(&new).unwrap(),
        s.cluster.connect(&new).unwrap(),
    ];
    assert_eq!(
        usernames(&mut s.su, "c1"),
        ["c1 revoking 1", "c1-rotating active 2"]
    );
    assert_eq!(rows(&mut s.su, LISTED), ["c1-rotating|rotating|3"]);
    assert!(works(&s.cluster, &old) && works(&s.cluster, &new));
    let job = "SELECT kind, state FROM credentials.jobs() WHERE name = 'c1'";
    wait_until("the job says that it waits", SOON, || {
        rows(&mut s.su, job) == ["rotate|waiting"]
    });
    drop(held);

    becomes(&mut s.su, "c1", "lingering");
    let after = s.cluster.url("c1");
    assert_eq!(user_of(&after), "c1");
    assert_eq!(password_of(&after), password_of(&new));
    assert_eq!(
        usernames(&mut s.su, "c1"),
        ["c1 active 0", "c1-rotating retiring 2"]
    );
    assert_eq!(rows(&mut s.su, LISTED), ["c1|lingering|2"]);
    assert!(!works(&s.cluster, &old), "the old password logs in");
    assert!(works(&s.cluster, &new) && works(&s.cluster, &after));
    let rotated =
        format!("SELECT rotated_at > '{begun}' FROM credentials.list() WHERE name = 'c1'");
    assert_eq!(ask(&mut s.su, &rotated), "t");

    // Closed, while sessions that it still has are left alone.
    wait_until("the twin is closed", SOON, || !works(&s.cluster, &new));
    for mut session in pool {
        assert_eq!(ask(&mut session, "SELECT current_user"), "c1");
    }
    becomes(&mut s.su, "c1", "active");
    twins_go(&mut s.su);
    assert_eq!(usernames(&mut s.su, "c1"), ["c1 active 0"]);
    assert_eq!(rows(&mut s.su, LISTED), ["c1|active|0"]);
    assert_eq!(s.cluster.url("c1"), after);
    assert!(works(&s.cluster, &after) && !works(&s.cluster, &new) && !works(&s.cluster, &old));
    assert_eq!(oid(&mut s.su, "c1"), role, "another role");
    let actions = "SELECT action FROM credentials.events('c1') WHERE action IN ('rotate', 'cutover', 'retire', 'drift') ORDER BY id";
    assert_eq!(rows(&mut s.su, actions), ["rotate", "cutover", "retire"]);
    let secrets = "SELECT count(*) FROM credentials.secret x JOIN credentials.credential c USING (role) WHERE c.name = 'c1'";
    assert_eq!(
        ask(&mut s.su, secrets),
        "1",
        "an old password is still stored"
    );
}

#[test]
fn wait_ends_with_the_cut_over_and_does_not_wait_for_the_linger() {
    let mut s = scene(1, 2, 600);
    created(&mut s, "c1");
    let mut held = s.login("c1");
    rotate(&mut s, "c1");
    assert_eq!(
        ask(&mut s.own, "SELECT state FROM credentials.wait('c1')"),
        "lingering"
    );
    assert!(
        held.simple_query("SELECT 1").is_err(),
        "a session of the old password lives"
    );
    assert_eq!(state(&mut s.su, "c1"), "lingering");
    run(&mut s.own, "SELECT credentials.wait()");
    run(&mut s.own, "BEGIN; SELECT credentials.rotate('c1')");
    crate::harness::expect_error(&mut s.own, "SELECT credentials.wait('c1')", "25001");
    run(&mut s.own, "ROLLBACK");
}

#[test]
fn where_nobody_is_connected_and_no_overlap_is_wanted_the_password_changes_in_place() {
    let mut s = scene(0, 60, 600);
    let old = created(&mut s, "c1");
    rotate(&mut s, "c1");
    assert_eq!(state(&mut s.su, "c1"), "active");
    assert_eq!(super::twins(&mut s.su), [] as [&str; 0]);
    let new = s.cluster.url("c1");
    assert!(works(&s.cluster, &new) && !works(&s.cluster, &old));
    let held = s.login("c1");
    rotate(&mut s, "c1");
    assert_eq!(state(&mut s.su, "c1"), "rotating");
    drop(held);
    becomes(&mut s.su, "c1", "lingering");
}

#[test]
fn a_url_that_is_asked_for_while_passwords_change_is_told_and_never_refused() {
    let mut s = scene(0, 60, 600);
    created(&mut s, "c1");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..3)
            .map(|_| {
                let mut su = s.cluster.superuser("app");
                let over = &over;
                scope.spawn(move || {
                    let mut told = std::collections::BTreeSet::new();
                    while !over.load(Ordering::Relaxed) {
                        told.insert(ask(&mut su, "SELECT credentials.url('c1')"));
                    }
                    told.len()
                })
            })
            .collect();
        for _ in 0..60 {
            run(&mut s.own, "SELECT credentials.set_password('c1')");
        }
        over.store(true, Ordering::Relaxed);
        for one in asking {
            assert!(one.join().unwrap() > 10, "too few to show anything");
        }
    });
}
