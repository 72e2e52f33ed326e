//! The primary is killed in each stage of a soft rotation, and its standby goes on.

use super::{login_at, user_and_password, Pair};
use crate::harness::{wait_until, SOON};
use crate::held::people::{ends, lives, logs_in, no_trouble_in_the_log};
use crate::scene::{ask, run};

/// Kills the primary where a rotation comes to `point`, and promotes the standby: the rotation ends there.
#[track_caller]
fn ends_after_a_crash_at(point: &str) {
    let mut pair = Pair::with(
        &["c1", "c2"],
        "synchronous_standby_names = ''\ncredential_manager.rotation_linger = '1s'",
    );
    pair.primary
        .cluster
        .append_conf("credential_manager.rotation_linger = '1s'");
    let former = user_and_password(&pair.primary.cluster.url("c1")).1;
    let (mut old, mut other) = (pair.session("c1"), pair.session("c2"));
    pair.primary.cluster.wait_for_standby();
    pair.primary.cluster.crash_at(point);
    // The answer may be lost with the server.
    let _ = pair
        .primary
        .own
        .batch_execute("SELECT credentials.rotate('c1', overlap => '1 s', grace => '3 s')");
    pair.primary.cluster.wait_killed();
    drop((pair.primary.own, pair.primary.su));
    pair.standby.promote();

    let url = pair.standby.url("c1");
    let mut new = login_at(&pair.standby, &url);
    let mut superuser = pair.standby.superuser("app");
    ends(&mut old, "c1");
    let state = "SELECT state FROM credentials.list() WHERE name = 'c1'";
    wait_until("the cut-over", SOON, || {
        ask(&mut superuser, state) != "rotating"
    });
    assert!(
        !logs_in(&pair.standby, "c1", &former),
        "{point}: the old password logs in"
    );
    drop(login_at(&pair.standby, &pair.standby.url("c1")));
    if user_and_password(&url).0 == "c1-rotating" {
        assert!(lives(&mut new), "{point}: a session of the twin was ended");
    }
    drop(new);
    wait_until("the twin is gone", SOON, || {
        ask(&mut superuser, state) == "active"
    });
    drop(login_at(&pair.standby, &pair.standby.url("c1")));
    run(&mut superuser, "SELECT credentials.wait('c1')");
    assert_eq!(
        ask(
            &mut superuser,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c1-rotating'"
        ),
        "0"
    );
    assert!(
        lives(&mut other),
        "{point}: another credential's session ended"
    );
    no_trouble_in_the_log(&pair.standby);
    pair.standby.check_invariants();
}

#[test]
fn a_rotation_whose_primary_is_killed_while_it_drains_ends_on_the_promoted_standby() {
    ends_after_a_crash_at("drain");
}

#[test]
fn a_rotation_whose_primary_is_killed_at_the_cut_over_ends_on_the_promoted_standby() {
    ends_after_a_crash_at("cutover_commit");
}

#[test]
fn a_rotation_whose_primary_is_killed_while_sessions_end_ends_on_the_promoted_standby() {
    ends_after_a_crash_at("end_sessions");
}

#[test]
fn a_rotation_whose_primary_is_killed_in_any_later_stage_ends_on_the_promoted_standby() {
    let later = ["before_retire", "retire", "sweep", "close"];
    let long = std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some();
    for point in later.iter().take(if long { later.len() } else { 1 }) {
        ends_after_a_crash_at(point);
    }
}
