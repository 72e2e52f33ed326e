//! The home database: absent, renamed, closed; and a server without room for a worker.

use super::{is_idle, processes};
use crate::harness::{wait_until, Cluster, SOON};
use crate::held::people::{
    created, lives, only_the_managed_password_logs_in, owner, ready, waited,
};

/// Lines of the log in which the extension or a FATAL speaks, since a mark.
fn noise(cluster: &Cluster, mark: usize) -> Vec<String> {
    let log = cluster.log();
    let lines = log[mark..].lines();
    lines
        .filter(|l| {
            l.contains("FATAL")
                || (l.contains("credential_manager") && !l.contains("effective role"))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_home_database_that_is_absent_at_the_start_is_told_once_and_works_when_it_comes() {
    let cluster = Cluster::builder()
        .setting("credential_manager.database", "later")
        .start();
    wait_until("it is told", SOON, || {
        cluster.log().contains("does not exist")
    });
    let mut superuser = cluster.superuser("postgres");
    superuser.batch_execute("CREATE DATABASE later").unwrap();
    let mut later = cluster.superuser("later");
    later
        .batch_execute(
            "CREATE EXTENSION credential_manager; SELECT credentials.setup('later_owner');
             SELECT credentials.create('analyst'); SELECT credentials.rotate('analyst', force => true)",
        )
        .unwrap();
    later
        .batch_execute("SELECT credentials.wait('analyst', '25 s')")
        .unwrap();
    let heard = noise(&cluster, 0);
    assert!(heard.len() <= 2, "{heard:?}");
}

#[test]
fn work_in_a_home_database_that_was_renamed_goes_on_when_its_name_is_back() {
    let cluster = ready();
    let old = created(&cluster, "analyst");
    let mut holder = cluster.superuser("postgres");
    holder
        .batch_execute("BEGIN; ALTER ROLE analyst CONNECTION LIMIT 5")
        .unwrap();
    let mut session = owner(&cluster);
    session
        .batch_execute("SELECT credentials.rotate('analyst', force => true)")
        .unwrap();
    drop(session);
    // No session may be in it; the worker's is ended by the superuser who renames.
    let mut superuser = cluster.superuser("postgres");
    let mark = cluster.log().len();
    let mut renamed = |from: &str, to: &str| {
        wait_until("the database is renamed", SOON, || {
            superuser
                .execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
                    &[&from],
                )
                .unwrap();
            superuser
                .batch_execute(&format!("ALTER DATABASE {from} RENAME TO {to}"))
                .is_ok()
        });
    };
    renamed("app", "elsewhere");
    holder.batch_execute("ROLLBACK").unwrap();
    wait_until("it is told", SOON, || {
        cluster.log()[mark..].contains("does not exist")
    });
    renamed("elsewhere", "app");
    let mut superuser = cluster.superuser("app");
    wait_until("the rotation is done", SOON * 2, || {
        let live = "SELECT FROM credentials.jobs() WHERE state <> 'done'";
        superuser.query(live, &[]).unwrap().is_empty()
    });
    only_the_managed_password_logs_in(&cluster, "analyst", &[&old]);
    let fatal = noise(&cluster, mark)
        .into_iter()
        .filter(|l| l.contains("does not exist"));
    assert_eq!(fatal.count(), 1, "it is told once");
}

#[test]
fn a_database_that_lets_nobody_in_keeps_no_work_from_being_done() {
    let cluster = ready();
    let old = created(&cluster, "analyst");
    let mut session = cluster.login("analyst", &old, "app").unwrap();
    let mut owner = owner(&cluster);
    is_idle(&cluster);
    cluster
        .superuser("postgres")
        .batch_execute(
            "ALTER DATABASE app CONNECTION LIMIT 0; ALTER DATABASE app ALLOW_CONNECTIONS false",
        )
        .unwrap();
    owner
        .batch_execute("SELECT credentials.rotate('analyst', force => true)")
        .unwrap();
    owner
        .batch_execute("SELECT credentials.wait('analyst', '25 s')")
        .unwrap();
    assert!(!lives(&mut session), "an older session lives");
    cluster
        .superuser("postgres")
        .batch_execute(
            "ALTER DATABASE app ALLOW_CONNECTIONS true; ALTER DATABASE app CONNECTION LIMIT -1",
        )
        .unwrap();
    only_the_managed_password_logs_in(&cluster, "analyst", &[&old]);
}

#[test]
fn a_database_that_no_worker_can_enter_is_tried_ever_more_rarely() {
    let cluster = ready();
    is_idle(&cluster);
    let mut superuser = cluster.superuser("postgres");
    let mut session = owner(&cluster);
    created(&cluster, "analyst");
    is_idle(&cluster);
    let mark = cluster.log().len();
    // What an interrupted DROP DATABASE leaves behind.
    superuser
        .batch_execute("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'app'")
        .unwrap();
    for _ in 0..3 {
        session
            .batch_execute("SELECT credentials.rotate('analyst', force => true)")
            .unwrap();
    }
    let tries = |cluster: &Cluster| {
        let log = cluster.log();
        log[mark..]
            .lines()
            .filter(|l| l.contains("FATAL") && l.contains("invalid database"))
            .count()
    };
    wait_until("a worker was tried", SOON, || tries(&cluster) > 0);
    // The commits above were news once; from the second failure on they are not.
    for _ in 0..5 {
        session
            .batch_execute("SELECT credentials.rotate('analyst', force => true)")
            .unwrap();
    }
    wait_until("it was tried twice", SOON, || tries(&cluster) >= 2);
    assert!(tries(&cluster) <= 4, "{} tries", tries(&cluster));
    superuser
        .batch_execute("UPDATE pg_database SET datconnlimit = -1 WHERE datname = 'app'")
        .unwrap();
    wait_until("the work goes on", SOON * 3, || {
        session
            .query("SELECT FROM credentials.jobs() WHERE state <> 'done'", &[])
            .unwrap()
            .is_empty()
    });
}

#[test]
fn a_server_without_room_for_a_worker_says_so_once_and_does_the_work_when_there_is_room() {
    let cluster = Cluster::builder()
        .setting("max_worker_processes", "2")
        .start();
    cluster.setup();
    let old = created(&cluster, "analyst");
    owner(&cluster)
        .batch_execute("SELECT credentials.rotate('analyst', force => true)")
        .unwrap();
    wait_until("it is told", SOON, || {
        cluster.log().contains("no background worker is free")
    });
    for _ in 0..3 {
        owner(&cluster)
            .batch_execute("SELECT credentials.rotate('analyst', force => true)")
            .unwrap();
    }
    let heard = noise(&cluster, 0);
    assert!(heard.len() <= 2, "{heard:?}");
    assert!(processes(&cluster, "worker").is_empty());
    cluster.append_conf("max_worker_processes = 4");
    cluster.restart();
    assert_eq!(waited(&cluster, "analyst"), "active");
    only_the_managed_password_logs_in(&cluster, "analyst", &[&old]);
}

#[test]
fn a_worker_does_its_job_whatever_the_owner_of_the_database_has_set() {
    let cluster = Cluster::builder().hostile().start();
    cluster.setup();
    let old = created(&cluster, "analyst");
    cluster
        .superuser("postgres")
        .batch_execute(
            "ALTER DATABASE app SET default_transaction_read_only = on; ALTER DATABASE app SET client_encoding = 'sql_ascii';
             ALTER DATABASE app SET default_transaction_deferrable = on; ALTER DATABASE app SET array_nulls = off;
             ALTER DATABASE app SET default_tablespace = 'nowhere'; ALTER DATABASE app SET timezone = 'Asia/Kathmandu';
             ALTER DATABASE app SET default_table_access_method = 'nothing'; ALTER DATABASE app SET exit_on_error = on;
             ALTER DATABASE app SET statement_timeout = 1; ALTER DATABASE app SET deadlock_timeout = '1h';
             ALTER DATABASE app SET local_preload_libraries = 'nothing'; ALTER DATABASE app SET work_mem = '64kB'",
        )
        .unwrap();
    let mut session = cluster.login("analyst", &old, "postgres").unwrap();
    let sane = "-c default_transaction_read_only=off -c statement_timeout=0 -c local_preload_libraries= -c search_path=public";
    let script = "SELECT credentials.rotate('analyst', force => true); SELECT credentials.wait('analyst', '25 s');
                  SELECT credentials.destroy('analyst', confirm => 'app'); SELECT credentials.wait('analyst', '25 s');
                  SELECT credentials.repair_default(); SELECT credentials.wait('default', '25 s');
                  SELECT credentials.create('lease', valid_for => '1 s');";
    let script = format!("\\set ON_ERROR_STOP on\n{}", script.replace("; ", ";\n"));
    let conninfo = format!("options='{sane}'");
    let ran = cluster.psql(&["-d", &format!("dbname=app {conninfo}")], &script);
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(!lives(&mut session), "an older session lives");
    let mut superuser = cluster.superuser("postgres");
    wait_until("the lease has ended", SOON, || {
        superuser
            .query(
                "SELECT FROM pg_roles WHERE rolname IN ('lease', 'analyst')",
                &[],
            )
            .unwrap()
            .is_empty()
    });
    superuser
        .batch_execute("ALTER DATABASE app RESET ALL")
        .unwrap();
}
