//! `wait`: what it waits for, what it sees, and where it refuses.

use postgres::Client;

use crate::harness::{expect_error, sqlstate, Cluster};
use crate::held::people::{created, owner, ready};

/// A superuser holds a role, so that its work is not done before this is let go.
fn held(cluster: &Cluster, role: &str) -> Client {
    let mut holder = cluster.superuser("app");
    holder
        .batch_execute(&format!("BEGIN; ALTER ROLE \"{role}\" CONNECTION LIMIT 3"))
        .unwrap();
    holder
}

fn wait(client: &mut Client, name: Option<&str>) -> (Option<String>, String) {
    let sql = "SELECT name, state FROM credentials.wait($1, '25 s')";
    let row = client.query_one(sql, &[&name]).unwrap();
    (row.get(0), row.get(1))
}

#[test]
fn wait_is_refused_in_the_transaction_that_started_the_work() {
    let cluster = ready();
    created(&cluster, "analyst");
    let mut owner = owner(&cluster);
    for call in [
        "rotate('analyst', force => true)",
        "suspend('analyst')",
        "repair_default()",
        "destroy('analyst', confirm => 'app')",
    ] {
        for waiting in ["wait('analyst')", "wait()"] {
            owner
                .batch_execute(&format!("BEGIN; SELECT credentials.{call}"))
                .unwrap();
            expect_error(
                &mut owner,
                &format!("SELECT credentials.{waiting}"),
                "25001",
            );
            owner.batch_execute("ROLLBACK").unwrap();
        }
    }
    owner
        .batch_execute(
            "BEGIN; SELECT credentials.set_password('analyst'); SELECT credentials.wait(); COMMIT",
        )
        .expect("a change that leaves no work is no reason to refuse");
}

#[test]
fn wait_gives_up_when_its_time_is_up_and_the_work_goes_on() {
    let cluster = ready();
    created(&cluster, "analyst");
    created(&cluster, "reporter");
    let mut holder = held(&cluster, "analyst");
    let mut owner = owner(&cluster);
    owner
        .batch_execute("SELECT credentials.rotate('analyst', force => true)")
        .unwrap();
    expect_error(
        &mut owner,
        "SELECT credentials.wait('analyst', '0')",
        "55P03",
    );
    expect_error(
        &mut owner,
        "SELECT credentials.wait('analyst', '100 ms')",
        "55P03",
    );
    // NULL is all of them; another's work is none of reporter's.
    expect_error(
        &mut owner,
        "SELECT credentials.wait(NULL, '100 ms')",
        "55P03",
    );
    assert_eq!(wait(&mut owner, Some("reporter")).1, "active");
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(wait(&mut owner, None), (None, "done".to_owned()));
    assert_eq!(wait(&mut owner, Some("analyst")).1, "active");
}

#[test]
fn wait_sees_what_was_committed_after_the_snapshot_at_any_isolation_level() {
    let cluster = ready();
    for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        created(&cluster, "analyst");
        let mut waiter = owner(&cluster);
        waiter
            .batch_execute(&format!(
                "BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM pg_class"
            ))
            .unwrap();
        let mut holder = held(&cluster, "analyst");
        owner(&cluster)
            .batch_execute("SELECT credentials.destroy('analyst', confirm => 'app')")
            .unwrap();
        waiter.batch_execute("SAVEPOINT a").unwrap();
        let early = waiter.query_one("SELECT credentials.wait('analyst', '100 ms')", &[]);
        assert_eq!(
            sqlstate(&early.unwrap_err()),
            "55P03",
            "{level}: work was not seen"
        );
        waiter.batch_execute("ROLLBACK TO a").unwrap();
        holder.batch_execute("ROLLBACK").unwrap();
        let (name, state) = wait(&mut waiter, Some("analyst"));
        assert_eq!(
            (name.as_deref(), state.as_str()),
            (Some("analyst"), "destroyed"),
            "{level}"
        );
        waiter.batch_execute("COMMIT").unwrap();
    }
}

#[test]
fn wait_tells_of_a_credential_that_was_destroyed_before_and_refuses_one_that_never_was() {
    let cluster = ready();
    created(&cluster, "analyst");
    let mut owner = owner(&cluster);
    owner
        .batch_execute("SELECT credentials.destroy('analyst', confirm => 'app')")
        .unwrap();
    assert_eq!(wait(&mut owner, None).1, "done");
    assert_eq!(wait(&mut owner, Some("analyst")).1, "destroyed");
    expect_error(&mut owner, "SELECT credentials.wait('nobody')", "42704");
    created(&cluster, "analyst");
    assert_eq!(
        wait(&mut owner, Some("analyst")).1,
        "active",
        "the new one of that name"
    );
}
