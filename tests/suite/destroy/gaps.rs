//! What is made between the steps of a destroy survives, and no session outlives its role (THREATS T37, T39).

use std::thread;

use crate::estate;
use crate::harness::{wait_until, Cluster, SOON};

#[test]
fn tables_that_default_makes_as_the_role_all_the_while_survive_and_belong_to_default() {
    let cluster = estate::new();
    estate::credential(&cluster, "leaver");
    let mut own = estate::login(&cluster, "default");
    estate::run(&mut own, "CREATE SCHEMA s; GRANT ALL ON SCHEMA s TO leaver");
    let mut su = cluster.superuser("app");
    let over = estate::Over::default();
    let url = cluster.url("default");
    let made = thread::scope(|scope| {
        let guard = over.when_dropped();
        let makers: Vec<_> = (0..2)
            .map(|maker| {
                let (over, url, cluster) = (&over, url.clone(), &cluster);
                scope.spawn(move || {
                    let mut made = Vec::new();
                    for i in 0.. {
                        if over.yet() {
                            break;
                        }
                        // Its session is ended where it stands in the way of the last transaction.
                        let Ok(mut own) = cluster.connect(&url) else {
                            continue;
                        };
                        let table = format!("s.made_{maker}_{i}");
                        let make = format!(
                            "SET ROLE leaver; CREATE TABLE {table} AS SELECT {i} AS i; RESET ROLE"
                        );
                        match own.batch_execute(&make) {
                            Ok(()) => made.push(table),
                            Err(error)
                                if error.code().is_some_and(|c| {
                                    c.code() == "42704" || c.code() == "22023"
                                }) =>
                            {
                                break
                            }
                            Err(_) => {}
                        }
                    }
                    made
                })
            })
            .collect();
        wait_until("some tables are made", SOON, || {
            estate::number(
                &mut su,
                "SELECT count(*) FROM pg_class WHERE relname ~ '^made_'",
            ) > 10
        });
        estate::destroy(&cluster, "leaver", "default");
        drop(guard);
        makers
            .into_iter()
            .flat_map(|maker| maker.join().expect("a maker"))
            .collect::<Vec<String>>()
    });
    assert!(made.len() > 10, "{made:?}");
    for table in &made {
        let owner =
            format!("SELECT relowner::regrole::text FROM pg_class WHERE oid = '{table}'::regclass");
        assert_eq!(estate::texts(&mut su, &owner), ["app_owner"], "{table}");
    }
    assert_eq!(
        estate::number(
            &mut su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'leaver'"
        ),
        0
    );
}

#[test]
fn a_table_made_when_all_had_moved_and_the_role_was_about_to_be_dropped_survives() {
    let cluster = estate::new();
    estate::credential(&cluster, "leaver");
    let mut own = estate::login(&cluster, "default");
    estate::run(
        &mut own,
        "CREATE SCHEMA s; GRANT ALL ON SCHEMA s TO leaver; CREATE TABLE s.t (i int)",
    );
    // A superuser's transaction holds the role, so the last transaction of the destroy has to wait.
    let mut holder = cluster.superuser("app");
    estate::run(&mut holder, "BEGIN; GRANT SELECT ON s.t TO leaver");
    let mut su = cluster.superuser("app");
    let job = estate::order(&mut su, "leaver", "default");
    estate::wait_job(&mut su, job, "waiting", "of a superuser");
    let mut made = 0;
    wait_until("three tables are made meanwhile", SOON, || {
        // Whoever stands in the way of the drop is ended, and may come again.
        if let Ok(mut own) = cluster.connect(&cluster.url("default")) {
            let make = format!("SET ROLE leaver; CREATE TABLE s.gap_{made} AS SELECT {made} AS i");
            made += i32::from(own.batch_execute(&make).is_ok());
        }
        made == 3
    });
    estate::run(&mut holder, "COMMIT");
    estate::wait(&cluster, "leaver");
    let kept = "SELECT relname || ' of ' || relowner::regrole FROM pg_class WHERE relname ~ '^gap_' ORDER BY 1";
    assert_eq!(
        estate::texts(&mut su, kept),
        [
            "gap_0 of app_owner",
            "gap_1 of app_owner",
            "gap_2 of app_owner"
        ]
    );
}

#[test]
fn a_session_of_default_that_holds_the_role_with_a_new_table_does_not_hold_up_the_drop() {
    let cluster = estate::new();
    estate::credential(&cluster, "leaver");
    let mut own = estate::login(&cluster, "default");
    estate::run(&mut own, "CREATE SCHEMA s; GRANT ALL ON SCHEMA s TO leaver");
    estate::run(
        &mut own,
        "BEGIN; SET LOCAL ROLE leaver; CREATE TABLE s.open (i int); RESET ROLE",
    );
    estate::destroy(&cluster, "leaver", "default");
    assert!(own.batch_execute("COMMIT").is_err(), "it was to be ended");
}

#[test]
fn what_is_prepared_as_the_role_is_rolled_back_and_told_and_what_was_committed_in_time_survives() {
    let cluster = estate::new();
    estate::credential(&cluster, "leaver");
    let mut su = cluster.superuser("app");
    estate::run(&mut su, "CREATE DATABASE second");
    estate::run(
        &mut su,
        "GRANT CREATE ON DATABASE second TO leaver, app_owner",
    );
    let mut own = estate::login(&cluster, "default");
    estate::run(&mut own, "CREATE SCHEMA s; GRANT ALL ON SCHEMA s TO leaver");
    let mut leaver = estate::login(&cluster, "leaver");
    // One of the role's own, one that default made as the role, and one in another database.
    estate::run(&mut leaver, "BEGIN; CREATE TABLE s.committed (i int)");
    estate::run(&mut leaver, "PREPARE TRANSACTION 'committed'");
    estate::run(&mut leaver, "BEGIN; CREATE TABLE s.own (i int)");
    estate::run(&mut leaver, "PREPARE TRANSACTION 'its own'");
    estate::run(
        &mut own,
        "BEGIN; SET LOCAL ROLE leaver; CREATE TABLE s.through (i int); RESET ROLE",
    );
    estate::run(&mut own, "PREPARE TRANSACTION 'through default'");
    let url = cluster.url("default").replace("/app?", "/second?");
    let mut there = cluster.connect(&url).unwrap();
    estate::run(
        &mut there,
        "CREATE SCHEMA t; GRANT ALL ON SCHEMA t TO leaver",
    );
    estate::run(
        &mut there,
        "BEGIN; SET LOCAL ROLE leaver; CREATE TABLE t.through (i int); RESET ROLE",
    );
    estate::run(&mut there, "PREPARE TRANSACTION 'there'");
    estate::run(&mut su, "COMMIT PREPARED 'committed'");

    estate::destroy(&cluster, "leaver", "default");
    assert_eq!(
        estate::number(&mut su, "SELECT count(*) FROM pg_prepared_xacts"),
        0
    );
    let owner = "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'committed'";
    assert_eq!(estate::texts(&mut su, owner), ["app_owner"]);
    let told = estate::events(&mut su, "leaver");
    for gid in ["its own", "through default", "there"] {
        assert!(told.contains(gid), "{gid} is not in {told}");
    }
}

#[test]
fn a_superusers_prepared_transaction_is_left_alone_and_named_until_it_ends() {
    let cluster = estate::new();
    estate::credential(&cluster, "leaver");
    let mut su = cluster.superuser("app");
    estate::run(&mut su, "CREATE SCHEMA s; GRANT ALL ON SCHEMA s TO leaver");
    estate::run(
        &mut su,
        "BEGIN; SET LOCAL ROLE leaver; CREATE TABLE s.through (i int); RESET ROLE",
    );
    estate::run(&mut su, "PREPARE TRANSACTION 'of a superuser'");
    let job = estate::order(&mut su, "leaver", "default");
    estate::wait_job(&mut su, job, "waiting", "of a superuser");
    estate::run(&mut su, "COMMIT PREPARED 'of a superuser'");
    estate::wait(&cluster, "leaver");
    let owner = "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'through'";
    assert_eq!(estate::texts(&mut su, owner), ["app_owner"]);
}

/// Sessions whose login role is gone.
fn ghosts(cluster: &Cluster) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_get_activity(NULL) a WHERE usesysid <> 0
                  AND NOT EXISTS (SELECT FROM pg_authid r WHERE r.oid = usesysid)";
    estate::number(&mut cluster.superuser("app"), sql)
}

#[test]
fn ten_clients_that_reconnect_in_a_loop_neither_hold_up_a_destroy_nor_outlive_it() {
    let cluster = estate::new();
    let url = estate::credential(&cluster, "leaver");
    let over = estate::Over::default();
    let logins = thread::scope(|scope| {
        let guard = over.when_dropped();
        let clients: Vec<_> = (0..10)
            .map(|_| {
                let (over, url, cluster) = (&over, &url, &cluster);
                scope.spawn(move || {
                    let (mut logins, mut kept) = (0, None);
                    while !over.yet() {
                        if let Ok(mut client) = cluster.connect(url) {
                            logins += 1;
                            let _ = client.batch_execute("BEGIN; SELECT count(*) FROM pg_class");
                            kept = Some(client);
                        }
                    }
                    assert!(
                        kept.is_none_or(|mut client| client.batch_execute("SELECT 1").is_err()),
                        "a ghost"
                    );
                    logins
                })
            })
            .collect();
        wait_until("they have sessions", SOON, || {
            let sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'leaver'";
            estate::number(&mut cluster.superuser("app"), sessions) > 3
        });
        estate::destroy(&cluster, "leaver", "default");
        assert_eq!(ghosts(&cluster), 0);
        drop(guard);
        clients
            .into_iter()
            .map(|client| client.join().expect("a client"))
            .sum::<i32>()
    });
    assert!(logins >= 4, "{logins} logins");
    assert_eq!(ghosts(&cluster), 0);
}
