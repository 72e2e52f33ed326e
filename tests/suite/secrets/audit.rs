//! Each call that changes something or tells a secret: one event, one line, with the three roles of the caller. What is
//! refused, rolled back or read-only: the line. Reads: neither. And nobody writes the trail but the extension.

use postgres::Client;

use super::{ready, row, steps, text};
use crate::harness::{expect_error, Cluster};

/// Events that sessions of the test left, not those of the worker.
fn events(client: &mut Client) -> i64 {
    let sql = "SELECT count(*) FROM credentials.event WHERE application_name = 'harness'";
    client.query_one(sql, &[]).unwrap().get(0)
}

/// The lines that calls left in the server log.
fn lines(cluster: &Cluster) -> Vec<String> {
    let log = cluster.log();
    let calls = log.lines().filter(|line| {
        line.contains("LOG:  credential_manager: ") && line.contains("; effective role")
    });
    calls
        .map(|line| {
            line.split("credential_manager: ")
                .nth(1)
                .unwrap()
                .to_owned()
        })
        .collect()
}

/// Runs `sql` in `session`, expects as many events and one line that says `ended`, and gives the line.
#[track_caller]
pub fn leaves(
    cluster: &Cluster,
    session: &mut Client,
    sql: &str,
    state: Option<&str>,
    made: i64,
) -> Option<String> {
    let mut su = cluster.superuser("app");
    let (events_before, lines_before) = (events(&mut su), lines(cluster).len());
    match state {
        None => session
            .batch_execute(sql)
            .unwrap_or_else(|e| panic!("{sql}: {e:?}")),
        Some(state) => drop(expect_error(session, sql, state)),
    }
    assert_eq!(events(&mut su) - events_before, made, "events of: {sql}");
    let all = lines(cluster);
    assert!(
        all.len() - lines_before <= 1,
        "{sql}: {:?}",
        &all[lines_before..]
    );
    all.get(lines_before).cloned()
}

#[test]
fn a_call_that_changes_something_or_tells_a_secret_leaves_one_event_and_one_line() {
    let (mut su, cluster) = ready();
    su.batch_execute("CREATE ROLE known LOGIN PASSWORD 'a password that is known already'")
        .unwrap();
    for (sql, function, made) in [
        ("SELECT credentials.create('alice')", "create \"alice\"", 1),
        ("SELECT credentials.create('bob', valid_for => '1 h', password => 'a password that somebody chose')", "create \"bob\"", 1),
        ("SELECT credentials.configure('alice', 5, '{\"statement_timeout\": \"30s\"}')", "configure \"alice\"", 1),
        ("SELECT credentials.rotate('alice', force => true)", "rotate \"alice\"", 1),
        ("SELECT credentials.wait('alice'); SELECT credentials.rotate('alice', overlap => '0')", "rotate \"alice\"", 1),
        ("SELECT credentials.set_password('alice')", "set_password \"alice\"", 1),
        ("SELECT credentials.set_password('alice', 'a password that somebody chose')", "set_password \"alice\"", 1),
        ("SELECT credentials.extend('bob', '2 h')", "extend \"bob\"", 1),
        ("SELECT credentials.url('alice')", "url \"alice\"", 1),
        ("SELECT credentials.connection_info('alice')", "connection_info \"alice\"", 1),
        ("SELECT credentials.suspend('alice')", "suspend \"alice\"", 1),
        ("SELECT credentials.resume('alice')", "resume \"alice\"", 1),
        ("SELECT credentials.adopt('known')", "adopt \"known\"", 1),
        ("SELECT credentials.release('known')", "release \"known\"", 1),
        ("SELECT credentials.repair_default()", "repair_default", 1),
        ("SELECT credentials.rotate_all(force => true)", "rotate_all", 3),
        ("SELECT credentials.destroy('bob', confirm => 'app')", "destroy \"bob\"", 1),
    ] {
        let line = leaves(&cluster, &mut su, sql, None, made).unwrap_or_else(|| panic!("no line: {sql}"));
        assert!(line.starts_with(&format!("{function}: done; effective role \"postgres\" (10), outer role \"postgres\", session role \"postgres\"")), "{line}");
        // The latest event says the same.
        let told = row(&mut su, "SELECT action, effective_role, outer_role, session_role FROM credentials.event WHERE application_name = 'harness' ORDER BY id DESC LIMIT 1");
        let action = function.split(' ').next().unwrap();
        assert_eq!(told, [action, "postgres", "postgres", "postgres"].map(|t| Some(t.to_owned())), "{sql}");
    }
    assert_eq!(
        text(&mut su, "SELECT state FROM credentials.wait('bob')"),
        "destroyed"
    );
}

#[test]
fn what_changes_nothing_and_what_reads_leaves_neither() {
    let (mut su, cluster) = ready();
    steps(
        &mut su,
        &[
            "SELECT credentials.create('alice')",
            "SELECT credentials.suspend('alice')",
            "SELECT credentials.wait()",
        ],
    );
    su.batch_execute("CREATE ROLE known LOGIN; SELECT credentials.adopt('known')")
        .unwrap();
    for sql in [
        "SELECT credentials.list()",
        "SELECT credentials.usernames()",
        "SELECT credentials.jobs()",
        "SELECT credentials.events()",
        "SELECT credentials.setup_plan()",
        "SELECT credentials.destroy_plan('alice')",
        "SELECT credentials.repair_plan()",
        "SELECT credentials.wait()",
        "SELECT credentials.setup()",
        "SELECT credentials.create('alice', if_not_exists => true)",
        "SELECT credentials.suspend('alice')",
        "SELECT credentials.resume('known')",
        "SELECT credentials.reseal()",
        "SELECT credentials.configure('alice')",
        "SELECT credentials.claim('app')",
        "SELECT credentials.url('known')",
        "SELECT credentials.rotate_all(force => true, older_than => '1 day')",
    ] {
        assert_eq!(leaves(&cluster, &mut su, sql, None, 0), None, "{sql}");
    }
    expect_error(&mut su, "SELECT credentials.usernames('nobody')", "42704");
    assert!(!lines(&cluster)
        .iter()
        .any(|line| line.starts_with("usernames")));
}

#[test]
fn what_is_refused_rolled_back_or_read_only_leaves_the_line_alone() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    for (sql, state, line) in [
        (
            "SELECT credentials.create('alice')",
            "42710",
            "create \"alice\": refused (42710)",
        ),
        (
            "SELECT credentials.create(NULL)",
            "22023",
            "create: refused (22023)",
        ),
        (
            "SELECT credentials.create('pg_x')",
            "42939",
            "create \"pg_x\": refused (42939)",
        ),
        (
            "SELECT credentials.rotate('nobody', force => true)",
            "42704",
            "rotate \"nobody\": refused (42704)",
        ),
        (
            "SELECT credentials.set_password('alice', 'short')",
            "22023",
            "set_password \"alice\": refused (22023)",
        ),
        (
            "SELECT credentials.destroy('alice')",
            "22023",
            "destroy \"alice\": refused (22023)",
        ),
        (
            "SELECT credentials.suspend('default')",
            "42501",
            "suspend \"default\": refused (42501)",
        ),
        (
            "SELECT credentials.url('nobody')",
            "42704",
            "url \"nobody\": refused (42704)",
        ),
        (
            "SELECT credentials.cancel_job(0)",
            "42704",
            "cancel_job: refused (42704)",
        ),
        (
            "SELECT credentials.claim('not the home')",
            "22023",
            "claim: refused (22023)",
        ),
        (
            "BEGIN READ ONLY; SELECT credentials.rotate('alice', force => true)",
            "25006",
            "rotate \"alice\": refused (25006)",
        ),
    ] {
        let left = leaves(&cluster, &mut su, sql, Some(state), 0)
            .unwrap_or_else(|| panic!("no line: {sql}"));
        assert!(
            left.starts_with(&format!("{line}; effective role \"postgres\"")),
            "{left}"
        );
        su.batch_execute("ROLLBACK").unwrap();
    }
    for sql in [
        "SELECT credentials.create('bob')",
        "SELECT credentials.url('alice')",
        "SELECT credentials.suspend('alice')",
    ] {
        let left = leaves(
            &cluster,
            &mut su,
            &format!("BEGIN; {sql}; ROLLBACK"),
            None,
            0,
        )
        .unwrap();
        assert!(left.contains(": done; "), "{left}");
        let inside = format!("BEGIN; SAVEPOINT s; {sql}; ROLLBACK TO s; COMMIT");
        assert!(
            leaves(&cluster, &mut su, &inside, None, 0).is_some(),
            "{inside}"
        );
    }
    // The server's own error: a cancel while a call waits for its turn.
    let mut holder = cluster.superuser("app");
    holder
        .batch_execute("BEGIN; SELECT credentials.set_password('alice')")
        .unwrap();
    su.batch_execute("SET statement_timeout = '100ms'").unwrap();
    let left = leaves(
        &cluster,
        &mut su,
        "SELECT credentials.set_password('alice')",
        Some("57014"),
        0,
    )
    .unwrap();
    assert!(
        left.starts_with("set_password \"alice\": refused (57014); effective role \"postgres\""),
        "{left}"
    );
    holder.batch_execute("ROLLBACK").unwrap();
}
