//! ROLLBACK, ROLLBACK TO SAVEPOINT and PREPARE TRANSACTION leave nothing done.

use postgres::Client;

use crate::harness::{expect_error, Cluster};
use crate::held::people::{created, lives, ready};

/// A call of each function that changes something.
const CALLS: [&str; 17] = [
    "create('fresh')",
    "create('fresh', valid_for => '1 hour', login => false)",
    "configure('analyst', connection_limit => 3, settings => '{\"statement_timeout\": \"30s\"}')",
    "suspend('analyst')",
    "resume('sleeper')",
    "adopt('legacy')",
    "release('analyst')",
    "destroy('analyst', confirm => 'app')",
    "destroy('lease', confirm => 'app')",
    "rotate('analyst', force => true)",
    "rotate('idle', overlap => '0')",
    "rotate('default', force => true)",
    "rotate_all(force => true)",
    "set_password('analyst')",
    "extend('lease', '2 hours')",
    "repair_default()",
    "reseal()",
];

/// All that a call could leave behind, as one text.
fn traces(superuser: &mut Client) -> String {
    let row = superuser
        .query_one(
            "SELECT concat_ws(E'\\n',
               (SELECT string_agg(a::text, E'\\n' ORDER BY a.oid) FROM pg_authid a),
               (SELECT string_agg(m::text, E'\\n' ORDER BY m.roleid, m.member) FROM pg_auth_members m),
               (SELECT string_agg(s::text, E'\\n' ORDER BY s.setdatabase, s.setrole) FROM pg_db_role_setting s),
               (SELECT string_agg(d.datacl::text, E'\\n' ORDER BY d.oid) FROM pg_database d),
               (SELECT string_agg((to_jsonb(c) - 'last_login_at')::text, E'\\n' ORDER BY c.role)
                  FROM credentials.credential c),
               (SELECT string_agg(s::text, E'\\n' ORDER BY s.id) FROM credentials.secret s),
               (SELECT string_agg(j::text, E'\\n' ORDER BY j.id) FROM credentials.job j),
               (SELECT string_agg(e::text, E'\\n' ORDER BY e.id) FROM credentials.event e))",
            &[],
        )
        .unwrap();
    row.get(0)
}

fn with_people() -> (Cluster, Client) {
    let cluster = ready();
    let password = created(&cluster, "analyst");
    cluster
        .superuser("app")
        .batch_execute(
            "SELECT credentials.create('idle'), credentials.create('sleeper', login => false),
                    credentials.create('lease', valid_for => '1 hour');
             CREATE ROLE legacy LOGIN",
        )
        .unwrap();
    let session = cluster.login("analyst", &password, "app").unwrap();
    (cluster, session)
}

/// Does it and asserts that nothing came of it, at once and after the worker could have come.
fn nothing_comes_of(how: impl Fn(&mut Client, &str)) {
    let (cluster, mut session) = with_people();
    let mut superuser = cluster.superuser("app");
    let before = traces(&mut superuser);
    for call in CALLS {
        how(&mut superuser, call);
        assert_eq!(traces(&mut superuser), before, "{call} left something");
    }
    superuser
        .batch_execute("SELECT credentials.wait()")
        .unwrap();
    assert_eq!(traces(&mut superuser), before, "something was done later");
    assert!(lives(&mut session), "a session was ended");
}

#[test]
fn a_rolled_back_call_of_any_function_leaves_nothing_done() {
    nothing_comes_of(|superuser, call| {
        superuser
            .batch_execute(&format!("BEGIN; SELECT credentials.{call}; ROLLBACK"))
            .unwrap_or_else(|e| panic!("{call}: {e:?}"));
    });
}

#[test]
fn a_call_of_any_function_before_a_rollback_to_a_savepoint_leaves_nothing_done_and_nothing_to_wait_for(
) {
    nothing_comes_of(|superuser, call| {
        superuser
            .batch_execute(&format!(
                "BEGIN; SAVEPOINT a; SAVEPOINT b; SELECT credentials.{call}; RELEASE b; ROLLBACK TO a;
                 SELECT credentials.wait(); COMMIT"
            ))
            .unwrap_or_else(|e| panic!("{call}: {e:?}"));
    });
}

#[test]
fn a_transaction_that_called_any_function_cannot_be_prepared_and_leaves_nothing_done() {
    nothing_comes_of(|superuser, call| {
        superuser
            .batch_execute(&format!("BEGIN; SELECT credentials.{call}"))
            .unwrap_or_else(|e| panic!("{call}: {e:?}"));
        // reseal() too, which finds all sealed with the first key and changes nothing, but holds every credential.
        expect_error(superuser, "PREPARE TRANSACTION 'ours'", "0A000");
        let left = superuser
            .query("SELECT FROM pg_prepared_xacts", &[])
            .unwrap();
        assert!(left.is_empty(), "{call} is prepared");
    });
}

#[test]
fn a_rolled_back_cancellation_leaves_the_job_to_be_done() {
    let (cluster, mut session) = with_people();
    let mut holder = cluster.superuser("app");
    holder
        .batch_execute("BEGIN; ALTER ROLE analyst CONNECTION LIMIT 3")
        .unwrap();
    let mut superuser = cluster.superuser("app");
    let row = superuser.query_one(
        "SELECT job FROM credentials.destroy('analyst', confirm => 'app')",
        &[],
    );
    let job: i64 = row.unwrap().get(0);
    superuser
        .batch_execute(&format!(
            "BEGIN; SELECT credentials.cancel_job({job}); ROLLBACK"
        ))
        .unwrap();
    holder.batch_execute("COMMIT").unwrap();
    let row = superuser.query_one("SELECT state FROM credentials.wait('analyst', '25 s')", &[]);
    assert_eq!(row.unwrap().get::<_, String>(0), "destroyed");
    assert!(!lives(&mut session));
}

#[test]
fn work_of_a_savepoint_that_was_kept_is_done_where_another_was_rolled_back() {
    let (cluster, mut session) = with_people();
    cluster
        .superuser("app")
        .batch_execute(
            "BEGIN; SAVEPOINT a; SELECT credentials.rotate('analyst', force => true); RELEASE a;
             SAVEPOINT b; SELECT credentials.suspend('idle'); ROLLBACK TO b; COMMIT",
        )
        .unwrap();
    let mut superuser = cluster.superuser("app");
    superuser
        .batch_execute("SELECT credentials.wait(timeout => '25 s')")
        .unwrap();
    assert!(!lives(&mut session), "a session of the old password lives");
    let row = superuser.query_one(
        "SELECT state FROM credentials.list() WHERE name = 'idle'",
        &[],
    );
    assert_eq!(row.unwrap().get::<_, String>(0), "active");
}
