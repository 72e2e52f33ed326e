//! Who holds the credential's role with the old password does not keep it alive: the cut-over comes by the deadline.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use postgres::Client;

use super::{becomes, created, password_of, scene, sessions, twins_go, works, SLACK};
use crate::harness::{expect_error, wait_until, Cluster, SOON};
use crate::held::people::{logs_in, no_trouble_in_the_log, MINE};
use crate::scene::{ask, run, Scene};

/// Logs in with whatever is let in, and holds the own role's row open, again and again.
fn hold(cluster: &Cluster, old: &str, number: usize, holding: &AtomicU32, over: &AtomicBool) {
    let change = format!("ALTER ROLE c1 PASSWORD '{MINE}'");
    while !over.load(Ordering::Relaxed) {
        let session = [old, MINE]
            .into_iter()
            .find_map(|password| cluster.login("c1", password, "app").ok());
        let Some(mut session) = session else {
            thread::yield_now();
            continue;
        };
        // Each second one commits where it can, so that the new holder of the password comes back with it.
        let statement = if number.is_multiple_of(2) {
            format!("BEGIN; {change}; SELECT pg_sleep(60); COMMIT")
        } else {
            format!("BEGIN; {change}; SELECT pg_sleep(0.2); COMMIT")
        };
        holding.fetch_add(1, Ordering::Relaxed);
        while session.batch_execute(&statement).is_err() && !session.is_closed() {
            let _ = session.batch_execute("ROLLBACK");
            if over.load(Ordering::Relaxed) {
                return;
            }
            thread::yield_now();
        }
    }
}

/// Waits for the cut-over and the end of all sessions of the role, and asserts that the deadline was kept.
#[track_caller]
fn ends_in_time(su: &mut Client, deadline: &str) {
    becomes(su, "c1", "lingering");
    wait_until("the sessions of the old password end", SOON, || {
        sessions(su, "c1") == "0"
    });
    let late = ask(
        su,
        &format!("SELECT extract(epoch FROM clock_timestamp()) - {deadline}"),
    );
    let late: f64 = late.parse().unwrap();
    assert!(late < SLACK.as_secs_f64(), "{late} s past the deadline");
}

#[track_caller]
fn only_the_managed_one(s: &Scene, old: &str) {
    assert!(!logs_in(&s.cluster, "c1", MINE), "the own password logs in");
    assert!(!works(&s.cluster, old), "the old password logs in");
    assert!(works(&s.cluster, &s.cluster.url("c1")), "the URL does not");
    no_trouble_in_the_log(&s.cluster);
}

#[test]
fn eight_clients_that_hold_their_own_role_open_do_not_keep_the_old_password() {
    let mut s = scene(1, 3, 600);
    let old = created(&mut s, "c1");
    let password = password_of(&old);
    let (holding, over) = (AtomicU32::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for number in 0..8 {
            let (cluster, password) = (&s.cluster, password.as_str());
            let (holding, over) = (&holding, &over);
            scope.spawn(move || hold(cluster, password, number, holding, over));
        }
        let end = thread::Builder::new().spawn_scoped(scope, || {
            let mut su = s.cluster.superuser("app");
            wait_until("all eight are at it", SOON, || {
                holding.load(Ordering::Relaxed) >= 8
            });
            let deadline = ask(
                &mut su,
                "SELECT pg_catalog.date_part('epoch', deadline) FROM credentials.rotate('c1')",
            );
            ends_in_time(&mut su, &deadline);
        });
        let end = end.unwrap().join();
        over.store(true, Ordering::Relaxed);
        if let Err(panic) = end {
            std::panic::resume_unwind(panic);
        }
    });
    run(&mut s.su, "SELECT credentials.wait('c1')");
    only_the_managed_one(&s, &old);
}

#[test]
fn what_the_credential_prepared_to_its_own_role_is_rolled_back_by_the_deadline() {
    let mut s = scene(1, 2, 600);
    let old = created(&mut s, "c1");
    for database in ["app", "postgres"] {
        let mut own = s
            .cluster
            .login("c1", &password_of(&s.cluster.url("c1")), database)
            .unwrap();
        run(
            &mut own,
            &format!(
                "BEGIN; ALTER ROLE c1 PASSWORD '{MINE}'; PREPARE TRANSACTION 'held in {database}'"
            ),
        );
        let deadline = ask(
            &mut s.own,
            "SELECT pg_catalog.date_part('epoch', deadline) FROM credentials.rotate('c1')",
        );
        ends_in_time(&mut s.su, &deadline);
        only_the_managed_one(&s, &old);
        // While it rotates or lingers the guard refuses what the next round prepares.
        run(&mut s.su, "SELECT credentials.rotate('c1', force => true)");
        twins_go(&mut s.su);
        becomes(&mut s.su, "c1", "active");
        let left = "SELECT count(*) FROM pg_prepared_xacts";
        assert_eq!(ask(&mut s.su, left), "0", "it is still prepared");
    }
}

#[test]
fn a_session_of_default_that_holds_the_credentials_row_or_role_does_not_hold_up_the_cut_over() {
    let mut s = scene(1, 2, 600);
    let old = created(&mut s, "c1");
    run(&mut s.su, "CREATE ROLE reader; CREATE TABLE public.held (n int); ALTER TABLE public.held OWNER TO app_owner");
    let own_url = s.cluster.url("default");
    // Once the rotation runs the guard refuses changes of membership, so that one is begun before.
    for (left_open, before) in [
        ("GRANT c1 TO reader", true),
        (
            "SELECT credentials.configure('c1', connection_limit => 3)",
            false,
        ),
        ("GRANT SELECT ON public.held TO c1", false),
    ] {
        let mut holder = s.cluster.connect(&own_url).unwrap();
        let begin = format!("BEGIN; {left_open}");
        if before {
            run(&mut holder, &begin);
        }
        let rotate = "SELECT pg_catalog.date_part('epoch', deadline) FROM credentials.rotate('c1')";
        if before && !cfg!(feature = "pg15") {
            // From PostgreSQL 16 on whoever grants a role keeps others from granting it, the twin's membership
            // too. A leak is not held up by that.
            expect_error(&mut s.own, rotate, "55P03");
            let force =
                "SELECT credentials.rotate('c1', force => true); SELECT credentials.wait('c1')";
            for statement in force.split("; ") {
                run(&mut s.own, statement);
            }
            continue;
        }
        let deadline = ask(&mut s.own, rotate);
        if !before {
            run(&mut holder, &begin);
        }
        ends_in_time(&mut s.su, &deadline);
        only_the_managed_one(&s, &old);
        run(&mut s.su, "SELECT credentials.wait('c1')");
    }
}
