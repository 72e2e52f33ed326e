//! Many objects at default settings: the lock table of the server never fills, nobody notices, it can be cancelled.

use std::thread;

use crate::estate;
use crate::harness::{expect_error, wait_until, SOON};

/// Tables (each with six locks) and functions of a short run and of `make test-long`.
fn size() -> (u32, u32) {
    if std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some() {
        (20_000, 100_000)
    } else {
        (3_000, 10_000)
    }
}

/// Makes them in transactions of a hundred tables, or the making itself would fill the lock table.
fn make(client: &mut postgres::Client, tables: u32, functions: u32) {
    estate::run(
        client,
        "CREATE SCHEMA many; SET synchronous_commit = off; SET client_min_messages = error",
    );
    for start in (1..=tables).step_by(100) {
        let end = (start + 99).min(tables);
        estate::run(
            client,
            &format!(
                "DO $$ BEGIN FOR i IN {start}..{end} LOOP EXECUTE format(
                   'CREATE TABLE many.t%s (id serial PRIMARY KEY, word text); CREATE INDEX ON many.t%s (word)', i, i); END LOOP; END $$"
            ),
        );
    }
    for start in (1..=functions).step_by(2_000) {
        let end = (start + 1_999).min(functions);
        estate::run(
            client,
            &format!(
                "DO $$ BEGIN FOR i IN {start}..{end} LOOP EXECUTE format(
                   'CREATE FUNCTION many.f%s() RETURNS int LANGUAGE sql AS ''SELECT 1''', i); END LOOP; END $$"
            ),
        );
    }
}

#[test]
fn thousands_of_tables_and_functions_move_while_others_work_and_after_a_cancel_the_rest_moves_later(
) {
    let cluster = estate::new();
    let (tables, functions) = size();
    estate::credential(&cluster, "leaver");
    estate::credential(&cluster, "rotated");
    let mut stolen = estate::login(&cluster, "rotated");
    make(&mut estate::login(&cluster, "leaver"), tables, functions);
    let mut su = cluster.superuser("app");
    let deadline = SOON * if tables > 3_000 { 40 } else { 2 };
    let over = estate::Over::default();
    thread::scope(|scope| {
        let guard = over.when_dropped();
        let bystander = scope.spawn(|| {
            let mut client = cluster.superuser("app");
            let mut queries = 0;
            while !over.yet() {
                let table = queries % tables + 1;
                let read =
                    format!("SELECT count(*) FROM many.t{table}; SELECT count(*) FROM pg_locks");
                client
                    .batch_execute(&read)
                    .expect("a query of somebody else");
                queries += 1;
                thread::sleep(std::time::Duration::from_millis(5));
            }
            queries
        });
        let job = estate::order(&mut su, "leaver", "default");
        let figures = format!("SELECT done FROM credentials.jobs() WHERE job = {job}");
        let mut seen = Vec::new();
        wait_until("a fifth has moved", deadline, || {
            seen.push(estate::number(&mut su, &figures));
            seen.last()
                .is_some_and(|done| *done > i64::from(functions / 5))
        });
        assert!(seen.windows(2).all(|pair| pair[0] <= pair[1]), "{seen:?}");
        let total = format!("SELECT total FROM credentials.jobs() WHERE job = {job}");
        assert!(estate::number(&mut su, &total) > i64::from(tables + functions));

        // A stolen password's session does not gain time by the move.
        estate::run(
            &mut su,
            "SELECT credentials.rotate('rotated', force => true)",
        );
        estate::wait(&cluster, "rotated");
        assert!(stolen.batch_execute("SELECT 1").is_err());
        assert_eq!(estate::job(&mut su, job).0, "running");

        estate::run(&mut su, &format!("SELECT credentials.cancel_job({job})"));
        estate::wait(&cluster, "leaver");
        let state = "SELECT state FROM credentials.list() WHERE name = 'leaver'";
        assert_eq!(estate::texts(&mut su, state), ["suspended"]);
        assert_eq!(estate::job(&mut su, job).0, "cancelled");
        let of = |su: &mut _, role: &str| {
            let sql = format!("SELECT (SELECT count(*) FROM pg_proc WHERE pronamespace = 'many'::regnamespace AND proowner = '{role}'::regrole)
                                    + (SELECT count(*) FROM pg_class WHERE relnamespace = 'many'::regnamespace AND relkind = 'r' AND relowner = '{role}'::regrole)");
            estate::number(su, &sql)
        };
        let (moved, left) = (of(&mut su, "app_owner"), of(&mut su, "leaver"));
        assert_eq!(moved + left, i64::from(tables + functions));
        assert!(moved > 0 && left > 0, "{moved} moved, {left} left");

        // It can be opened again, with a new password, and destroyed again.
        estate::run(&mut su, "SELECT credentials.resume('leaver'); SELECT credentials.rotate('leaver', force => true)");
        let mut leaver = estate::login(&cluster, "leaver");
        estate::run(&mut leaver, "SELECT count(*) FROM pg_class");
        let again = estate::order(&mut su, "leaver", "default");
        assert_ne!(again, job);
        expect_error(
            &mut su,
            &format!("SELECT credentials.cancel_job({job})"),
            "42704",
        );
        wait_until("the rest has moved", deadline, || {
            estate::job(&mut su, again).0 == "done"
        });
        assert_eq!(of(&mut su, "app_owner"), i64::from(tables + functions));
        drop(guard);
        assert!(bystander.join().expect("somebody else") > 10);
    });
    let log = cluster.log();
    assert!(
        !log.contains("out of shared memory"),
        "the lock table was full"
    );
}
