//! Sessions that hold the role: of the credential itself, or of the default credential.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::people::{created, owner, password, ready, Force, MINE};
use crate::harness::Cluster;

/// Clients of the credential, each in a loop: log in with any password they know, change it, and hold that open or
/// commit it.
fn besieged_by_itself(force: Force) {
    let cluster = ready();
    let old = created(&cluster, "analyst");
    let mut owner = owner(&cluster);
    let over = AtomicBool::new(false);
    let held = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..8 {
            let (cluster, old, over, held) = (&cluster, old.as_str(), &over, &held);
            scope.spawn(move || attack(cluster, old, number, over, held));
        }
        while !held.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        owner.batch_execute(&force.sql("analyst")).unwrap();
        let end = thread::Builder::new().spawn_scoped(scope, || {
            force.has_come_about(&cluster, "analyst", &[&old, MINE]);
        });
        let end = end.unwrap().join();
        over.store(true, Ordering::Relaxed);
        if let Err(panic) = end {
            std::panic::resume_unwind(panic);
        }
    });
}

fn attack(cluster: &Cluster, old: &str, number: usize, over: &AtomicBool, held: &AtomicBool) {
    let change = format!("ALTER ROLE analyst PASSWORD '{MINE}'");
    while !over.load(Ordering::Relaxed) {
        let session = [old, MINE]
            .into_iter()
            .find_map(|password| cluster.login("analyst", password, "app").ok());
        let Some(mut session) = session else {
            thread::yield_now();
            continue;
        };
        // Half of them commit as often as they can, half of them keep it open.
        let statement = if number.is_multiple_of(2) {
            format!("BEGIN; {change}; SELECT pg_sleep(60); COMMIT")
        } else {
            change.clone()
        };
        while !over.load(Ordering::Relaxed) {
            held.store(true, Ordering::Relaxed);
            match session.batch_execute(&statement) {
                Err(_) if session.is_closed() => break,
                Err(_) => {
                    let _ = session.batch_execute("ROLLBACK");
                }
                Ok(()) => {}
            }
        }
    }
}

#[test]
fn eight_sessions_that_change_their_own_password_do_not_stop_a_forced_rotation() {
    besieged_by_itself(Force::Rotate);
}

#[test]
fn eight_sessions_that_change_their_own_password_do_not_stop_a_suspension() {
    besieged_by_itself(Force::Suspend);
}

#[test]
fn eight_sessions_that_change_their_own_password_do_not_stop_a_destruction() {
    besieged_by_itself(Force::Destroy);
}

/// What a session of default can leave open that locks our row, or the role itself.
const LEFT_OPEN: [&str; 9] = [
    "SELECT credentials.set_password('analyst')",
    "SELECT credentials.configure('analyst', connection_limit => 3)",
    "SELECT credentials.rotate('analyst', force => true)",
    "SELECT credentials.suspend('analyst')",
    "SELECT credentials.resume('analyst')",
    "SELECT credentials.destroy('analyst', confirm => 'app')",
    "GRANT SELECT ON held TO analyst",
    "GRANT analyst TO reader",
    "REVOKE SELECT ON given FROM analyst",
];

#[test]
fn a_session_of_default_that_holds_the_row_or_the_role_is_ended() {
    let cluster = ready();
    let mut superuser = cluster.superuser("app");
    superuser
        .batch_execute(
            "CREATE ROLE reader; SET ROLE app_owner;
             CREATE TABLE public.held (i int); CREATE TABLE public.given (i int); RESET ROLE",
        )
        .unwrap();
    let long = std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some();
    for (left_open, number) in LEFT_OPEN.into_iter().zip(0..) {
        for force in Force::ALL {
            // In the short form each is held against one of the three, in turn.
            if !long && Force::ALL[number % 3] != force {
                continue;
            }
            let old = created(&cluster, "analyst");
            superuser
                .batch_execute("GRANT SELECT ON public.given TO analyst")
                .unwrap();
            let mut holder = owner(&cluster);
            holder
                .batch_execute(&format!("SET search_path = public; BEGIN; {left_open}"))
                .unwrap();
            // Where nobody is in the way the holder is left alone; what counts is the end.
            owner(&cluster)
                .batch_execute(&force.sql("analyst"))
                .unwrap_or_else(|e| panic!("{force:?} while {left_open}: {e:?}"));
            force.has_come_about(&cluster, "analyst", &[&old]);
            let _ = holder.batch_execute("ROLLBACK");
            if force != Force::Destroy {
                let _ = password(&cluster, "analyst");
                owner(&cluster)
                    .batch_execute(&Force::Destroy.sql("analyst"))
                    .unwrap();
                Force::Destroy.has_come_about(&cluster, "analyst", &[]);
            }
        }
    }
}

#[test]
fn a_session_in_another_database_that_holds_the_role_does_not_stop_its_destruction() {
    let cluster = ready();
    let old = created(&cluster, "analyst");
    let mut superuser = cluster.superuser("postgres");
    superuser
        .batch_execute(
            "CREATE ROLE friend LOGIN PASSWORD 'a friend of the analyst'; CREATE SCHEMA s AUTHORIZATION friend;
             CREATE TABLE s.t (i int); ALTER TABLE s.t OWNER TO friend; GRANT SELECT ON s.t TO analyst",
        )
        .unwrap();
    let mut holder = cluster
        .login("friend", "a friend of the analyst", "postgres")
        .unwrap();
    holder
        .batch_execute("BEGIN; GRANT INSERT ON s.t TO analyst")
        .unwrap();
    owner(&cluster)
        .batch_execute(&Force::Destroy.sql("analyst"))
        .unwrap();
    Force::Destroy.has_come_about(&cluster, "analyst", &[&old]);
    let rights = superuser
        .query_one(
            "SELECT relacl::text FROM pg_class WHERE oid = 's.t'::regclass",
            &[],
        )
        .unwrap();
    // MAINTAIN is a right of tables from PostgreSQL 17 on.
    let all = if cfg!(feature = "pg15") {
        "{friend=arwdDxt/friend}"
    } else {
        "{friend=arwdDxtm/friend}"
    };
    assert_eq!(rights.get::<_, String>(0), all);
}
