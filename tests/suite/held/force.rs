//! What a forced rotation ends, and what it leaves alone.

use super::people::{
    created, ends, lives, only_the_managed_password_logs_in, owner, password, ready, waited,
};
use crate::harness::{expect_error, Cluster};

#[test]
fn a_forced_rotation_ends_every_older_session_and_none_that_begins_after_it() {
    let cluster = ready();
    let old = created(&cluster, "analyst");
    let mut older: Vec<_> = ["app", "app", "postgres"]
        .iter()
        .map(|database| cluster.login("analyst", &old, database).unwrap())
        .collect();
    owner(&cluster)
        .batch_execute("SELECT credentials.rotate('analyst', force => true)")
        .unwrap();
    let mut kept = cluster.connect(&cluster.url("analyst")).unwrap();
    assert_eq!(waited(&cluster, "analyst"), "active");
    for session in &mut older {
        ends(session, "the old password");
    }
    assert!(lives(&mut kept), "a session of the new password was ended");
    only_the_managed_password_logs_in(&cluster, "analyst", &[&old]);
    let told = "SELECT detail->>'sessions' FROM credentials.events('analyst') WHERE action = 'end_session'";
    let row = cluster.superuser("app").query_one(told, &[]).unwrap();
    assert_eq!(row.get::<_, String>(0), "3");
}

/// The worker is kept at another job, which a superuser holds up, so that it comes late to this one.
fn worker_is_busy(cluster: &Cluster) -> postgres::Client {
    created(cluster, "keeps_worker");
    let mut superuser = cluster.superuser("app");
    superuser
        .batch_execute("BEGIN; ALTER ROLE keeps_worker CONNECTION LIMIT 7")
        .unwrap();
    cluster
        .superuser("app")
        .batch_execute("SELECT credentials.rotate('keeps_worker', force => true)")
        .unwrap();
    superuser
}

#[test]
fn a_session_of_the_new_password_lives_on_though_the_worker_comes_late_and_others_rotate_after() {
    let cluster = ready();
    let old = created(&cluster, "analyst");
    created(&cluster, "reporter");
    let mut holder = worker_is_busy(&cluster);
    let mut older = cluster.login("analyst", &old, "app").unwrap();
    let mut superuser = cluster.superuser("app");
    superuser
        .batch_execute("SELECT credentials.rotate('analyst', force => true)")
        .unwrap();
    let mut kept = cluster.connect(&cluster.url("analyst")).unwrap();
    superuser
        .batch_execute("SELECT credentials.rotate('reporter', force => true)")
        .unwrap();
    assert_eq!(waited(&cluster, "analyst"), "active");
    assert_eq!(waited(&cluster, "reporter"), "active");
    ends(&mut older, "the old password");
    assert!(lives(&mut kept), "a session of the new password was ended");
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(waited(&cluster, "keeps_worker"), "active");
}

#[test]
fn a_caller_who_logged_in_as_the_credential_is_told_the_password_and_ended_after_its_commit() {
    let cluster = ready();
    let old = created(&cluster, "analyst");
    cluster
        .superuser("app")
        .batch_execute(
            "GRANT USAGE ON SCHEMA credentials TO analyst;
             GRANT EXECUTE ON FUNCTION credentials.rotate, credentials.wait TO analyst",
        )
        .unwrap();
    let mut own = cluster.login("analyst", &old, "app").unwrap();
    let mut transaction = own.transaction().unwrap();
    let row = transaction
        .query_one(
            "SELECT password FROM credentials.rotate('analyst', force => true)",
            &[],
        )
        .unwrap();
    let told: String = row.get(0);
    cluster.remember_secret(&told);
    transaction
        .simple_query("SELECT 1")
        .expect("not ended before its commit");
    transaction.commit().unwrap();
    ends(&mut own, "the caller");
    assert_eq!(waited(&cluster, "analyst"), "active");
    assert_eq!(told, password(&cluster, "analyst"));
    only_the_managed_password_logs_in(&cluster, "analyst", &[&old]);
}

#[test]
fn wait_is_refused_to_a_session_that_the_work_will_end() {
    let cluster = ready();
    let old = created(&cluster, "analyst");
    let mut holder = worker_is_busy(&cluster);
    holder
        .batch_execute("ALTER ROLE analyst CONNECTION LIMIT 7")
        .unwrap();
    let mut superuser = cluster.superuser("app");
    superuser
        .batch_execute(
            "GRANT USAGE ON SCHEMA credentials TO analyst;
             GRANT EXECUTE ON FUNCTION credentials.wait TO analyst;
             SELECT credentials.rotate('analyst', force => true)",
        )
        .unwrap();
    let mut own = cluster.login("analyst", &old, "app").unwrap();
    expect_error(&mut own, "SELECT credentials.wait('analyst')", "55006");
    expect_error(&mut own, "SELECT credentials.wait()", "55006");
    holder.batch_execute("ROLLBACK").unwrap();
    ends(&mut own, "the old password");
    assert_eq!(waited(&cluster, "analyst"), "active");
}
