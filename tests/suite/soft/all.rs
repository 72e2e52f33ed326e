//! `rotate_all`.

use super::{becomes, created, rotate, scene, state, twins, works};
use crate::harness::expect_error;
use crate::scene::{ask, column, rows, run};

#[test]
fn rotate_all_takes_default_first_and_leaves_out_what_rotates_is_suspended_or_being_destroyed() {
    let mut s = scene(2, 60, 600);
    for name in ["a1", "b2", "going", "late", "off", "turning"] {
        created(&mut s, name);
    }
    // One that lingers starts anew; one that rotates, is suspended or on its way out is told as it is.
    run(
        &mut s.own,
        "SELECT credentials.rotate('late', overlap => '0.1 s')",
    );
    becomes(&mut s.su, "late", "lingering");
    run(&mut s.own, "SELECT credentials.suspend('off')");
    run(&mut s.su, "GRANT USAGE, CREATE ON SCHEMA public TO going");
    run(
        &mut s.su,
        "SET ROLE going; CREATE TABLE public.used (n int); RESET ROLE",
    );
    run(&mut s.su, "BEGIN; LOCK TABLE public.used");
    run(&mut s.own, "SELECT credentials.destroy('going', 'app')");
    run(
        &mut s.own,
        "SELECT credentials.rotate('turning', overlap => '300 s', grace => '300 s')",
    );
    let old: Vec<String> = ["default", "a1", "b2", "late"]
        .map(|name| s.cluster.url(name))
        .to_vec();
    let turning = s.cluster.url("turning");
    let told = rows(
        &mut s.own,
        "SELECT name, username, state, deadline IS NOT NULL AS due FROM credentials.rotate_all()",
    );
    assert_eq!(
        told,
        [
            "default|app_owner-rotating|rotating|true",
            "a1|a1-rotating|rotating|true",
            "b2|b2-rotating|rotating|true",
            "going|going|destroying|false",
            "late|late-rotating|rotating|true",
            "off|off|suspended|false",
            "turning|turning-rotating|rotating|false",
        ]
    );
    assert_eq!(s.cluster.url("turning"), turning, "it was rotated again");
    for (name, old) in ["default", "a1", "b2", "late"].iter().zip(&old) {
        assert!(works(&s.cluster, old), "the old password of {name}");
        assert!(
            works(&s.cluster, &s.cluster.url(name)),
            "the new one of {name}"
        );
    }
    run(&mut s.su, "COMMIT");
    for (name, old) in ["default", "a1", "b2", "late"].iter().zip(&old) {
        // The session that ordered it logged in as default and does not hold up the drain.
        becomes(&mut s.su, name, "lingering");
        assert!(!works(&s.cluster, old), "the old password of {name}");
        assert!(
            works(&s.cluster, &s.cluster.url(name)),
            "the new one of {name}"
        );
    }
    assert_eq!(state(&mut s.su, "turning"), "rotating");
    assert_eq!(twins(&mut s.su).len(), 5);
}

#[test]
fn older_than_leaves_out_those_rotated_since_and_zero_overlap_changes_all_in_place() {
    let mut s = scene(0, 60, 600);
    for number in 0..20 {
        created(&mut s, &format!("n{number}"));
    }
    run(
        &mut s.su,
        "UPDATE credentials.credential SET rotated_at = now() - interval '40 days' WHERE name IN ('n3', 'n7')",
    );
    let old = s.cluster.url("n3");
    let names = column(
        &mut s.su,
        "SELECT name || ' ' || state FROM credentials.rotate_all(older_than => '30 days')",
    );
    assert_eq!(names, ["n3 active", "n7 active"]);
    assert!(works(&s.cluster, &s.cluster.url("n3")) && !works(&s.cluster, &old));
    let old = s.cluster.url("n19");
    assert_eq!(
        ask(&mut s.su, "SELECT count(*) FILTER (WHERE state = 'active') || ' of ' || count(*) FROM credentials.rotate_all() WHERE name <> 'default'"),
        "20 of 20"
    );
    assert!(works(&s.cluster, &s.cluster.url("n19")) && !works(&s.cluster, &old));
    assert_eq!(
        column(
            &mut s.su,
            "SELECT name FROM credentials.rotate_all(older_than => '1 hour')"
        ),
        [] as [&str; 0]
    );
}

#[test]
fn rotate_all_changes_all_or_nothing() {
    let mut s = scene(60, 60, 600);
    created(&mut s, "a1");
    created(&mut s, "b2");
    run(&mut s.su, "CREATE ROLE \"b2-rotating\"");
    let before = crate::scene::fingerprint(&mut s.su);
    expect_error(&mut s.own, "SELECT credentials.rotate_all()", "42710");
    assert_eq!(crate::scene::fingerprint(&mut s.su), before);
    run(&mut s.su, "DROP ROLE \"b2-rotating\"");
    rotate(&mut s, "a1");
    run(&mut s.own, "SELECT credentials.rotate_all()");
    assert_eq!(twins(&mut s.su).len(), 3);
}
