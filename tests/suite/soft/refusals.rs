//! What a soft rotation refuses, with which error, and that nothing is changed then.

use super::{becomes, created, oid, rotate, scene, state, twins, twins_go, works};
use crate::harness::{expect_error, wait_until, SOON};
use crate::held::people::logs_in;
use crate::scene::{ask, fingerprint, outcome, rows, run};

#[test]
fn a_second_soft_rotation_is_refused_until_the_cut_over_and_then_renews_the_same_twin() {
    let mut s = scene(1, 60, 600);
    created(&mut s, "c1");
    rotate(&mut s, "c1");
    let first = s.cluster.url("c1");
    let twin = oid(&mut s.su, "c1-rotating");
    // The worker goes on meanwhile, so what it writes of its own is left out.
    let kept = "SELECT string_agg(t, chr(10) ORDER BY t) FROM (SELECT a::text FROM pg_authid a UNION ALL
                SELECT x::text FROM credentials.secret x UNION ALL SELECT deadline::text FROM credentials.twin) x(t)";
    let before = ask(&mut s.su, kept);
    expect_error(&mut s.own, "SELECT credentials.rotate('c1')", "55006");
    let now = "SELECT credentials.rotate('c1', overlap => '0')";
    expect_error(&mut s.own, now, "55006");
    expect_error(&mut s.own, "SELECT credentials.set_password('c1')", "55006");
    assert_eq!(ask(&mut s.su, kept), before);
    becomes(&mut s.su, "c1", "lingering");
    let second = s.cluster.url("c1");
    rotate(&mut s, "c1");
    assert_eq!(oid(&mut s.su, "c1-rotating"), twin, "another twin was made");
    assert_eq!(state(&mut s.su, "c1"), "rotating");
    let third = s.cluster.url("c1");
    assert!(!works(&s.cluster, &first), "the twin kept its old password");
    assert!(
        works(&s.cluster, &second) && works(&s.cluster, &third),
        "both passwords are good up to the cut-over"
    );
    becomes(&mut s.su, "c1", "lingering");
    assert_eq!(oid(&mut s.su, "c1-rotating"), twin);
    assert!(!works(&s.cluster, &second), "the old password logs in");
    assert!(works(&s.cluster, &third) && works(&s.cluster, &s.cluster.url("c1")));
}

#[test]
fn set_password_is_taken_again_from_the_cut_over_on_and_is_what_url_tells() {
    let mut s = scene(0, 0, 600);
    created(&mut s, "c1");
    let mut held = s.login("c1");
    rotate(&mut s, "c1");
    becomes(&mut s.su, "c1", "lingering");
    wait_until("it is not let live", SOON, || {
        held.simple_query("SELECT 1").is_err()
    });
    let cut = s.cluster.url("c1");
    run(&mut s.own, "SELECT credentials.set_password('c1')");
    let set = s.cluster.url("c1");
    assert_ne!(set, cut);
    assert!(works(&s.cluster, &set) && !works(&s.cluster, &cut));
}

#[test]
fn a_foreign_role_with_the_twins_name_is_42710_and_nothing_is_changed() {
    let mut s = scene(1, 5, 1);
    let url = created(&mut s, "c1");
    run(&mut s.su, "CREATE ROLE \"c1-rotating\"");
    let before = fingerprint(&mut s.su);
    for session in [&mut s.own, &mut s.su] {
        let error = expect_error(session, "SELECT credentials.rotate('c1')", "42710");
        let db = error.as_db_error().unwrap();
        assert!(db.message().contains("c1-rotating"), "{db}");
        assert!(db.hint().is_some(), "no next statement: {db}");
    }
    assert_eq!(fingerprint(&mut s.su), before);
    assert!(works(&s.cluster, &url));
    run(&mut s.su, "DROP ROLE \"c1-rotating\"");
    rotate(&mut s, "c1");
}

#[test]
fn a_negative_or_missing_argument_is_22023() {
    let mut s = scene(1, 5, 1);
    created(&mut s, "c1");
    let before = fingerprint(&mut s.su);
    for arguments in [
        "grace => '-1 s'",
        "overlap => '-1 s'",
        "overlap => '1 day -25 hours'",
        "grace => '1 mon -31 days'",
        "force => NULL",
    ] {
        for call in [
            format!("SELECT credentials.rotate('c1', {arguments})"),
            format!("SELECT credentials.rotate_all({arguments})"),
        ] {
            expect_error(&mut s.own, &call, "22023");
        }
    }
    expect_error(&mut s.own, "SELECT credentials.rotate(NULL)", "22023");
    expect_error(&mut s.own, "SELECT credentials.rotate('nobody')", "42704");
    let huge = "SELECT credentials.rotate('c1', grace => '178000000 years')";
    assert!(
        ["22023", "22008"].contains(&outcome(&mut s.own, huge).as_str()),
        "a deadline that no clock reaches"
    );
    assert_eq!(fingerprint(&mut s.su), before);
}

#[test]
fn a_grace_shorter_than_the_overlap_is_as_long_as_the_overlap() {
    let mut s = scene(30, 3, 1);
    created(&mut s, "c1");
    created(&mut s, "c2");
    for (call, seconds) in [
        ("rotate('c1')", 30),
        ("rotate('c2', overlap => '40 s', grace => '10 s')", 40),
        ("rotate('default', grace => '50 s')", 50),
    ] {
        let left = ask(
            &mut s.own,
            &format!(
                "SELECT extract(epoch FROM deadline - clock_timestamp()) FROM credentials.{call}"
            ),
        );
        let left: f64 = left.parse().unwrap();
        let wanted = f64::from(seconds);
        assert!(
            left <= wanted && left > wanted - 5.0,
            "{call}: {left} s, not {wanted}"
        );
    }
}

#[test]
fn suspended_and_destroying_credentials_are_not_rotated_and_rotating_ones_not_released() {
    let mut s = scene(60, 60, 600);
    for name in ["off", "going", "turning"] {
        created(&mut s, name);
    }
    run(&mut s.own, "SELECT credentials.suspend('off')");
    // A table in use keeps the destruction from ending.
    run(
        &mut s.su,
        "GRANT CREATE ON SCHEMA public TO going; GRANT USAGE ON SCHEMA public TO going",
    );
    run(
        &mut s.su,
        "SET ROLE going; CREATE TABLE public.used (n int); RESET ROLE",
    );
    run(&mut s.su, "BEGIN; LOCK TABLE public.used");
    run(&mut s.own, "SELECT credentials.destroy('going', 'app')");
    expect_error(&mut s.own, "SELECT credentials.rotate('off')", "55006");
    expect_error(&mut s.own, "SELECT credentials.rotate('going')", "55006");
    run(&mut s.su, "COMMIT");
    rotate(&mut s, "turning");
    expect_error(&mut s.su, "SELECT credentials.release('turning')", "55006");
    run(&mut s.own, "SELECT credentials.wait('going')");
    assert_eq!(twins(&mut s.su), ["turning-rotating"]);
}

#[test]
fn a_rollback_leaves_no_twin_and_a_savepoint_takes_a_rotation_back() {
    let mut s = scene(1, 2, 1);
    let old = created(&mut s, "c1");
    let before = fingerprint(&mut s.su);
    run(
        &mut s.own,
        "BEGIN; SELECT credentials.rotate('c1'); ROLLBACK",
    );
    assert_eq!(fingerprint(&mut s.su), before);
    run(
        &mut s.own,
        "BEGIN; SAVEPOINT a; SELECT credentials.rotate('c1'); ROLLBACK TO a; COMMIT",
    );
    assert_eq!(fingerprint(&mut s.su), before);
    assert!(works(&s.cluster, &old));
    run(&mut s.own, "BEGIN; SELECT credentials.rotate('c1')");
    assert_eq!(s.cluster.url("c1"), old, "told before the commit");
    expect_error(&mut s.own, "PREPARE TRANSACTION 'kept'", "0A000");
    run(&mut s.own, "ROLLBACK");
    assert_eq!(fingerprint(&mut s.su), before);
    // Taken back and ordered again in one transaction, and the session that dies with it open.
    run(
        &mut s.own,
        "BEGIN; SAVEPOINT a; SELECT credentials.rotate('c1'); ROLLBACK TO a; SELECT credentials.rotate('c1'); COMMIT",
    );
    let new = s.cluster.url("c1");
    assert!(works(&s.cluster, &new) && works(&s.cluster, &old));
    becomes(&mut s.su, "c1", "lingering");
    assert!(works(&s.cluster, &new) && !works(&s.cluster, &old));
    twins_go(&mut s.su);
    assert!(works(&s.cluster, &s.cluster.url("c1")));
}

#[test]
fn the_result_tells_name_username_state_and_deadline_and_a_password_only_without_a_key_file() {
    let mut s = scene(60, 60, 1);
    created(&mut s, "c1");
    let asked = "SELECT name, username, state, deadline > now() AS due, password IS NULL AS kept FROM credentials.rotate('c1')";
    assert_eq!(
        rows(&mut s.own, asked),
        ["c1|c1-rotating|rotating|true|true"]
    );
    drop(s);
    // Without a key file no URL has a password, so this scene has no session of default.
    let cluster = super::timed(1, 60, 60).key_file(false).start();
    cluster.setup();
    let mut su = cluster.superuser("app");
    let first = ask(&mut su, "SELECT password FROM credentials.create('c1')");
    cluster.remember_secret(&first);
    let told = rows(
        &mut su,
        "SELECT name, username, state, deadline > now() AS due, password FROM credentials.rotate('c1')",
    );
    let password = told[0]
        .strip_prefix("c1|c1-rotating|rotating|true|")
        .unwrap_or_else(|| panic!("{told:?}"))
        .to_owned();
    cluster.remember_secret(&password);
    assert_eq!(password.len(), 65);
    assert!(logs_in(&cluster, "c1-rotating", &password) && logs_in(&cluster, "c1", &first));
    becomes(&mut su, "c1", "lingering");
    assert!(logs_in(&cluster, "c1", &password) && !logs_in(&cluster, "c1", &first));
}

#[test]
fn who_logged_in_as_the_credential_is_told_its_password_with_a_key_file_too() {
    let mut s = scene(1, 60, 600);
    created(&mut s, "c1");
    run(
        &mut s.su,
        "GRANT USAGE ON SCHEMA credentials TO c1;
         GRANT EXECUTE ON FUNCTION credentials.rotate(text, boolean, interval, interval) TO c1",
    );
    let mut own = s.login("c1");
    let password = ask(&mut own, "SELECT password FROM credentials.rotate('c1')");
    assert_eq!(password, super::password_of(&s.cluster.url("c1")));
    // The calling session does not hold up the drain, and ends with the others.
    becomes(&mut s.su, "c1", "lingering");
    wait_until("the caller's session ends", SOON, || {
        own.simple_query("SELECT 1").is_err()
    });
    assert!(logs_in(&s.cluster, "c1", &password) && logs_in(&s.cluster, "c1-rotating", &password));
    // A session of the twin is one of the credential.
    let mut twin = s.cluster.login("c1-rotating", &password, "app").unwrap();
    let password = ask(&mut twin, "SELECT password FROM credentials.rotate('c1')");
    assert_eq!(password, super::password_of(&s.cluster.url("c1")));
    let password = ask(
        &mut s.own,
        "SELECT coalesce(password, 'kept') FROM credentials.rotate('default')",
    );
    assert_eq!(password, super::password_of(&s.cluster.url("default")));
}

#[test]
fn a_soft_rotation_of_default_says_that_it_shuts_nobody_out_who_has_the_old_password() {
    let mut s = scene(1, 60, 600);
    created(&mut s, "c1");
    let said = |name: &str| {
        let statement = format!("SELECT state FROM credentials.rotate('{name}')");
        let output = s.cluster.psql(&["-c", &statement], "");
        String::from_utf8(output.stderr).unwrap()
    };
    let of_default = said("default");
    assert!(
        of_default.contains("NOTICE") && of_default.contains("force => true"),
        "{of_default}"
    );
    assert!(!said("c1").contains("force => true"), "of another one too");
}
