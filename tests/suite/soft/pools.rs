//! Pools that keep their connections for ever.

use postgres::Client;

use super::{becomes, created, oid, rotate, scene, state, twins_go, user_of, works};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, run, Scene};

/// Connections of a pool, with the URL that is told now.
#[track_caller]
fn pool(s: &Scene, name: &str) -> Vec<Client> {
    let url = s.cluster.url(name);
    (0..4).map(|_| s.cluster.connect(&url).unwrap()).collect()
}

#[track_caller]
fn all_end(pool: &mut [Client]) {
    for session in pool {
        wait_until("a connection of the old pool ends", SOON, || {
            session.simple_query("SELECT 1").is_err()
        });
    }
}

#[track_caller]
fn all_live(pool: &mut [Client]) {
    for session in pool {
        assert_eq!(ask(session, "SELECT current_user"), "c1");
    }
}

#[test]
fn a_pool_that_keeps_the_twins_connections_for_ever_does_not_stop_the_next_rotation_or_the_one_after(
) {
    let mut s = scene(1, 3, 600);
    created(&mut s, "c1");
    rotate(&mut s, "c1");
    assert_eq!(user_of(&s.cluster.url("c1")), "c1-rotating");
    let mut first = pool(&s, "c1");
    becomes(&mut s.su, "c1", "lingering");
    all_live(&mut first);
    let known = s.cluster.url("c1");
    for _ in 0..2 {
        rotate(&mut s, "c1");
        let mut second = pool(&s, "c1");
        assert!(works(&s.cluster, &known) || known != s.cluster.url("c1"));
        becomes(&mut s.su, "c1", "lingering");
        all_end(&mut first);
        all_live(&mut second);
        first = second;
    }
    assert!(!works(&s.cluster, &known));
    assert!(works(&s.cluster, &s.cluster.url("c1")));
}

#[test]
fn a_pool_that_keeps_a_closed_twins_connections_is_left_alone_until_the_next_rotation_ends_it() {
    let mut s = scene(1, 2, 1);
    created(&mut s, "c1");
    rotate(&mut s, "c1");
    let twin = s.cluster.url("c1");
    let mut first = pool(&s, "c1");
    becomes(&mut s.su, "c1", "lingering");
    wait_until("the twin is closed", SOON, || !works(&s.cluster, &twin));
    all_live(&mut first);
    assert_eq!(state(&mut s.su, "c1"), "lingering");
    let number = oid(&mut s.su, "c1-rotating");
    rotate(&mut s, "c1");
    assert_eq!(oid(&mut s.su, "c1-rotating"), number);
    let new = s.cluster.url("c1");
    assert!(works(&s.cluster, &new), "the twin is closed still");
    let second = pool(&s, "c1");
    becomes(&mut s.su, "c1", "lingering");
    all_end(&mut first);
    drop(second);
    twins_go(&mut s.su);
    becomes(&mut s.su, "c1", "active");
    assert!(works(&s.cluster, &s.cluster.url("c1")));
}

#[test]
fn a_transaction_of_the_twins_older_password_may_finish_within_the_grace() {
    let mut s = scene(1, 60, 600);
    created(&mut s, "c1");
    rotate(&mut s, "c1");
    let mut twin = s.login("c1");
    becomes(&mut s.su, "c1", "lingering");
    run(&mut twin, "BEGIN; SELECT txid_current()");
    rotate(&mut s, "c1");
    let over = "SELECT overlap_until + interval '1 s' < clock_timestamp() FROM credentials.twin";
    wait_until("the overlap is over", SOON, || ask(&mut s.su, over) == "t");
    run(&mut twin, "SELECT 1; COMMIT");
    drop(twin);
    becomes(&mut s.su, "c1", "lingering");
}

#[test]
fn the_twin_goes_as_soon_as_its_last_session_has_left() {
    let mut s = scene(1, 2, 0);
    created(&mut s, "c1");
    rotate(&mut s, "c1");
    let twin = s.cluster.url("c1");
    let mut kept = s.cluster.connect(&twin).unwrap();
    wait_until("the twin is closed", SOON, || !works(&s.cluster, &twin));
    assert_eq!(ask(&mut kept, "SELECT current_user"), "c1");
    assert_eq!(state(&mut s.su, "c1"), "lingering");
    drop(kept);
    becomes(&mut s.su, "c1", "active");
    twins_go(&mut s.su);
}
