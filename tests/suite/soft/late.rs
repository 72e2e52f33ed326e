//! A client that learns late, from a pool that is empty for a moment.

use std::time::Duration;

use super::{becomes, created, long, rotate, scene, state, works};
use crate::harness::{wait_until, Cluster};
use crate::scene::{ask, rows, run, Scene};

#[test]
fn the_old_password_logs_in_at_any_moment_of_the_overlap_though_no_session_is_left() {
    let mut s = scene(3, 60, 600);
    let old = created(&mut s, "c1");
    rotate(&mut s, "c1");
    let until = ask(&mut s.su, "SELECT overlap_until FROM credentials.twin");
    let mut logins = 0;
    wait_until(
        "the old password is refused",
        Duration::from_secs(20),
        || {
            // Each login leaves at once, so that the pool is empty between two of them.
            let works = works(&s.cluster, &old);
            logins += u32::from(works);
            !works
        },
    );
    let early = format!("SELECT clock_timestamp() < '{until}'");
    assert_eq!(
        ask(&mut s.su, &early),
        "f",
        "refused before the overlap was over"
    );
    assert!(logins > 3, "{logins} logins show nothing");
    becomes(&mut s.su, "c1", "lingering");
    let cut =
        format!("SELECT at < '{until}' FROM credentials.events('c1') WHERE action = 'cutover'");
    assert_eq!(ask(&mut s.su, &cut), "f", "the cut-over came early");
}

#[test]
fn with_default_settings_the_overlap_is_a_minute_the_grace_half_an_hour_and_the_linger_a_day() {
    let mut s = Scene::on(Cluster::new());
    let old = created(&mut s, "c1");
    run(&mut s.own, "SELECT credentials.rotate('c1')");
    assert_eq!(
        rows(
            &mut s.su,
            "SELECT overlap_until - begun_at AS overlap, deadline - begun_at AS grace FROM credentials.twin"
        ),
        ["00:01:00|00:30:00"]
    );
    assert_eq!(
        ask(&mut s.su, "SHOW credential_manager.rotation_linger"),
        "1d"
    );
    if long() {
        // The client comes back half a minute late, with the URL that it knew.
        run(&mut s.su, "SELECT pg_sleep(30)");
    }
    assert!(works(&s.cluster, &old), "locked out");
    assert_eq!(state(&mut s.su, "c1"), "rotating");
    assert!(works(&s.cluster, &s.cluster.url("c1")));
}

#[test]
fn who_was_told_the_twins_name_and_is_slow_to_learn_better_logs_in_until_the_linger_is_over() {
    let mut s = scene(0, 60, 3);
    created(&mut s, "c1");
    let held = s.login("c1");
    rotate(&mut s, "c1");
    let twin = s.cluster.url("c1");
    drop(held);
    becomes(&mut s.su, "c1", "lingering");
    let until = ask(&mut s.su, "SELECT linger_until FROM credentials.twin");
    wait_until("the twin is closed", Duration::from_secs(20), || {
        !works(&s.cluster, &twin)
    });
    let early = format!("SELECT clock_timestamp() < '{until}'");
    assert_eq!(
        ask(&mut s.su, &early),
        "f",
        "closed before the linger was over"
    );
    assert!(works(&s.cluster, &s.cluster.url("c1")));
}
