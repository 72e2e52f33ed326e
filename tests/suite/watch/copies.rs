//! The home database without us: nothing holds it, a copy of it is foreign, and with an empty setting nothing acts.

use super::processes;
use crate::harness::{expect_error, wait_until, SOON};
use crate::held::people::{created, owner, password, ready, waited};

#[test]
fn no_connection_of_ours_stays_when_there_is_no_work_so_the_database_can_be_copied_and_dropped() {
    let cluster = ready();
    created(&cluster, "analyst");
    let before = password(&cluster, "analyst");
    owner(&cluster)
        .batch_execute("SELECT credentials.rotate('analyst', force => true)")
        .unwrap();
    assert_eq!(waited(&cluster, "analyst"), "active");
    let now = password(&cluster, "analyst");
    assert_ne!(before, now);
    let mut superuser = cluster.superuser("postgres");
    wait_until("nobody is in the database", SOON, || {
        let there = "SELECT FROM pg_stat_activity WHERE datname = 'app'";
        superuser.query(there, &[]).unwrap().is_empty()
    });
    superuser
        .batch_execute("CREATE DATABASE copy TEMPLATE app")
        .unwrap();
    // The copy as home: foreign, until it is claimed.
    cluster.append_conf("credential_manager.database = 'copy'");
    superuser.batch_execute("SELECT pg_reload_conf()").unwrap();
    let mut copy = cluster.superuser("copy");
    wait_until("the setting is in force", SOON, || {
        let row = copy.query_one("SHOW credential_manager.database", &[]);
        row.unwrap().get::<_, String>(0) == "copy"
    });
    for call in [
        "url('analyst')",
        "rotate('analyst', force => true)",
        "destroy('analyst', confirm => 'copy')",
        "create('new')",
        "wait()",
    ] {
        let error = expect_error(&mut copy, &format!("SELECT credentials.{call}"), "55000");
        let hint = error
            .as_db_error()
            .unwrap()
            .hint()
            .unwrap_or_default()
            .to_owned();
        assert!(
            hint.contains("credentials.claim(confirm => 'copy')"),
            "{call}: {hint}"
        );
    }
    copy.batch_execute("SELECT credentials.claim(confirm => 'copy')")
        .unwrap();
    let url: String = copy
        .query_one("SELECT credentials.url('analyst')", &[])
        .unwrap()
        .get(0);
    assert!(url.contains(&now), "the password is another");
    drop(copy);
    superuser.batch_execute("DROP DATABASE app").unwrap();
    cluster.without_invariants("the database that they are asked of was dropped");
}

#[test]
fn with_an_empty_setting_nothing_acts() {
    let cluster = ready();
    created(&cluster, "analyst");
    owner(&cluster)
        .batch_execute("SELECT credentials.create('lease', valid_for => '2 s')")
        .unwrap();
    let mut holder = cluster.superuser("app");
    holder
        .batch_execute("BEGIN; ALTER ROLE analyst CONNECTION LIMIT 5")
        .unwrap();
    owner(&cluster)
        .batch_execute("SELECT credentials.destroy('analyst', confirm => 'app')")
        .unwrap();
    cluster.append_conf("credential_manager.database = ''");
    cluster.stop();
    cluster.start();
    let mut superuser = cluster.superuser("app");
    expect_error(&mut superuser, "SELECT credentials.list()", "55000");
    expect_error(&mut superuser, "SELECT credentials.create('new')", "55000");
    wait_until("it is told", SOON, || {
        cluster
            .log()
            .contains("credential_manager.database is empty")
    });
    wait_until("the lease is over", SOON, || {
        let over = "SELECT clock_timestamp() > rolvaliduntil + interval '500 ms' FROM pg_roles WHERE rolname = 'lease'";
        superuser.query_one(over, &[]).unwrap().get(0)
    });
    let row = superuser.query_one(
        "SELECT count(*) FROM pg_roles WHERE rolname IN ('lease', 'analyst')",
        &[],
    );
    assert_eq!(row.unwrap().get::<_, i64>(0), 2, "something was done");
    assert!(processes(&cluster, "worker").is_empty());
}
