//! The end of the old password: who logged in with it goes by the deadline, and nobody comes in with it afterwards.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::{becomes, created, oid, password_of, rotate, scene, sessions, timed, works, SLACK};
use crate::harness::{wait_until, SOON};
use crate::held::slow_login::Slow;
use crate::scene::{ask, run, Scene};

/// Waits until no session of an older password is left, and asserts that the deadline was kept.
#[track_caller]
fn gone_by_the_deadline(s: &mut Scene, deadline: &str, pids: &[String]) {
    let left = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE pid IN ({})",
        pids.join(", ")
    );
    wait_until("the sessions of the old password end", SOON, || {
        ask(&mut s.su, &left) == "0"
    });
    let late = ask(
        &mut s.su,
        &format!("SELECT extract(epoch FROM clock_timestamp()) - {deadline}"),
    );
    let late: f64 = late.parse().unwrap();
    assert!(
        late < SLACK.as_secs_f64(),
        "the last one lived {late} s past the deadline"
    );
}

#[test]
fn no_session_of_the_old_password_lives_past_the_deadline_whatever_it_does() {
    let mut s = scene(1, 2, 600);
    let old = created(&mut s, "c1");
    let password = password_of(&old);
    let mut all = Vec::new();
    for does in [
        "SELECT 1",
        "BEGIN; SELECT 1",
        "SET ROLE NONE; SET idle_session_timeout = 0",
        "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 1; FETCH c; COMMIT",
        "LISTEN credentials; SELECT pg_advisory_lock(7)",
    ] {
        let mut session = s.cluster.login("c1", &password, "app").unwrap();
        run(&mut session, does);
        all.push(session);
    }
    all.push(s.cluster.login("c1", &password, "postgres").unwrap());
    let mut pids: Vec<String> = all
        .iter_mut()
        .map(|session| ask(session, "SELECT pg_backend_pid()"))
        .collect();
    // And one in the middle of a statement that catches its cancellation.
    let mut busy = s.cluster.login("c1", &password, "app").unwrap();
    pids.push(ask(&mut busy, "SELECT pg_backend_pid()"));
    let busy = thread::spawn(move || {
        busy.batch_execute(
            "DO $$ BEGIN FOR i IN 1..60 LOOP BEGIN PERFORM pg_sleep(1); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$",
        )
    });
    let deadline = ask(
        &mut s.own,
        "SELECT pg_catalog.date_part('epoch', deadline) FROM credentials.rotate('c1')",
    );
    assert!(works(&s.cluster, &old), "the old password went early");
    gone_by_the_deadline(&mut s, &deadline, &pids);
    assert!(busy.join().unwrap().is_err());
    assert_eq!(ask(&mut s.own, "SELECT 1"), "1", "another role's session");
    becomes(&mut s.su, "c1", "lingering");
    assert!(!works(&s.cluster, &old) && works(&s.cluster, &s.cluster.url("c1")));
}

#[test]
fn of_fifty_clients_that_try_in_a_loop_none_logs_in_once_the_old_password_is_retired() {
    let mut s = Scene::on(timed(1, 2, 600).setting("max_connections", "150").start());
    let old = created(&mut s, "c1");
    let deadline = ask(
        &mut s.own,
        "SELECT pg_catalog.date_part('epoch', deadline) FROM credentials.rotate('c1')",
    );
    let (retired, over) = (AtomicBool::new(false), AtomicBool::new(false));
    let (before, late, refused) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let was_retired = retired.load(Ordering::SeqCst);
                    let session = s.cluster.connect(&old);
                    let count = match (was_retired, session) {
                        (true, Ok(_)) => &late,
                        (false, Ok(mut session)) => {
                            // Held as long as it goes: it must be ended too.
                            let _ = session.batch_execute("SELECT pg_sleep(60)");
                            &before
                        }
                        (_, Err(_)) => &refused,
                    };
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let end = thread::Builder::new().spawn_scoped(scope, || {
            let mut su = s.cluster.superuser("app");
            wait_until("a client logs in before", SOON, || {
                sessions(&mut su, "c1") != "0"
            });
            becomes(&mut su, "c1", "lingering");
            retired.store(true, Ordering::SeqCst);
            wait_until("all that came in before are ended", SOON, || {
                sessions(&mut su, "c1") == "0"
            });
            let after = ask(
                &mut su,
                &format!("SELECT extract(epoch FROM clock_timestamp()) - {deadline}"),
            );
            let seen = refused.load(Ordering::SeqCst);
            wait_until("each was refused a few times", SOON, || {
                refused.load(Ordering::SeqCst) > seen + 200
            });
            let after: f64 = after.parse().unwrap();
            assert!(after < SLACK.as_secs_f64(), "the last ended {after} s late");
        });
        // The clients stop also where this went wrong: else the test would never end.
        let end = end.unwrap().join();
        over.store(true, Ordering::SeqCst);
        if let Err(panic) = end {
            std::panic::resume_unwind(panic);
        }
    });
    assert!(before.load(Ordering::SeqCst) > 0, "nobody came in before");
    assert_eq!(late.load(Ordering::SeqCst), 0, "logged in afterwards");
    assert!(works(&s.cluster, &s.cluster.url("c1")));
}

#[test]
fn a_login_begun_before_the_cut_over_and_finished_seconds_later_is_ended_within_two_seconds() {
    let mut s = scene(1, 1, 600);
    let old = created(&mut s, "c1");
    rotate(&mut s, "c1");
    let twin = s.cluster.url("c1");
    let mut slow = Slow::begin(&s.cluster, "c1");
    let mut control = Slow::begin(&s.cluster, "c1-rotating");
    becomes(&mut s.su, "c1", "lingering");
    run(&mut s.su, "SELECT pg_sleep(2)");
    slow.finish(&password_of(&old), "SELECT 1");
    let took = slow.ends_after();
    assert!(took < Duration::from_secs(2), "it lived for {took:?}");
    assert!(
        s.cluster
            .log()
            .contains("was replaced while this login was on its way"),
        "the login failed for another reason, so nothing was shown"
    );
    control.finish(&password_of(&twin), "SELECT 1");
    assert!(control.is_let_in(), "a slow login of the twin was refused");

    // The same of a twin whose password a renewed rotation replaces: that one is the old password now.
    let mut slow = Slow::begin(&s.cluster, "c1-rotating");
    rotate(&mut s, "c1");
    becomes(&mut s.su, "c1", "lingering");
    slow.finish(&password_of(&twin), "SELECT 1");
    let took = slow.ends_after();
    assert!(took < Duration::from_secs(2), "it lived for {took:?}");
    assert!(works(&s.cluster, &s.cluster.url("c1")));
}

#[test]
fn sessions_of_the_new_password_are_left_alone_by_the_cut_over() {
    let mut s = scene(1, 2, 600);
    let old = created(&mut s, "c1");
    let mut held = s.cluster.connect(&old).unwrap();
    rotate(&mut s, "c1");
    let mut twin = s.login("c1");
    run(&mut twin, "BEGIN; SELECT txid_current()");
    becomes(&mut s.su, "c1", "lingering");
    let mut base = s.login("c1");
    run(&mut base, "BEGIN; SELECT txid_current()");
    run(&mut s.own, "SELECT credentials.wait('c1')");
    assert!(held.simple_query("SELECT 1").is_err());
    // What is swept afterwards is swept for authentication_timeout; the job is done long before.
    let swept = "SELECT count(*) FROM credentials.job WHERE kind = 'rotate' AND stage = 'finished'";
    wait_until("the job has nothing left to do", SOON, || {
        ask(&mut s.su, swept) != "0"
    });
    run(&mut twin, "COMMIT");
    run(&mut base, "COMMIT");
    assert_ne!(oid(&mut s.su, "c1-rotating"), "");
}

#[test]
fn a_session_that_is_left_before_the_deadline_brings_the_cut_over_forward() {
    let mut s = scene(1, 600, 600);
    let old = created(&mut s, "c1");
    let held = s.cluster.connect(&old).unwrap();
    rotate(&mut s, "c1");
    let waits = "SELECT count(*) FROM credentials.twin WHERE overlap_until < clock_timestamp()";
    wait_until("the overlap is over", SOON, || ask(&mut s.su, waits) == "1");
    assert!(works(&s.cluster, &old), "a session of it is left");
    assert_eq!(super::state(&mut s.su, "c1"), "rotating");
    drop(held);
    becomes(&mut s.su, "c1", "lingering");
    assert!(!works(&s.cluster, &old));
}

#[test]
fn what_the_twin_owns_and_others_use_does_not_put_off_the_cut_over() {
    let mut s = scene(1, 7, 600);
    let old = created(&mut s, "c1");
    run(&mut s.su, "GRANT USAGE, CREATE ON SCHEMA public TO c1");
    let mut held = s.cluster.connect(&old).unwrap();
    let pid = ask(&mut held, "SELECT pg_backend_pid()");
    let deadline = ask(
        &mut s.own,
        "SELECT pg_catalog.date_part('epoch', deadline) FROM credentials.rotate('c1')",
    );
    // Tables of the twin's own, each in use from the start: each is waited for up to lock_timeout, again and again.
    let mut twin = s.login("c1");
    run(
        &mut twin,
        "SET ROLE NONE; BEGIN;
         DO $$ BEGIN FOR i IN 1..40 LOOP EXECUTE format('CREATE TABLE public.t%s (n int)', i); END LOOP; END $$;
         COMMIT; BEGIN;
         DO $$ BEGIN FOR i IN 1..40 LOOP EXECUTE format('LOCK TABLE public.t%s', i); END LOOP; END $$",
    );
    gone_by_the_deadline(&mut s, &deadline, &[pid]);
    becomes(&mut s.su, "c1", "lingering");
    run(&mut twin, "COMMIT");
}
