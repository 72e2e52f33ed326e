//! A password reaches who may have it, and nobody and nothing else (THREATS F, SPEC "Passwords", "Keys", "Audit").

mod audit;
mod callers;
mod checked;
mod cipher;
mod followers;
mod forging;
mod key_file;
mod keys;
mod leaks;
mod life;
mod logins;
mod places;
mod records;
mod refusals;
mod sealed;
mod tables;
mod trees;
mod urls;

use postgres::{Client, SimpleQueryMessage};

use crate::harness::Cluster;

/// A cluster that is set up, and a session of its superuser.
fn ready() -> (Client, Cluster) {
    set_up(Cluster::new())
}

/// The same of a cluster made otherwise.
fn set_up(cluster: Cluster) -> (Client, Cluster) {
    cluster.setup();
    (cluster.superuser("app"), cluster)
}

/// The first row of the last result, as the server prints it; no row is an empty one.
#[track_caller]
fn row(client: &mut Client, sql: &str) -> Vec<Option<String>> {
    let messages = client
        .simple_query(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let mut last = Vec::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            if last.is_empty() {
                last = (0..row.len())
                    .map(|i| row.get(i).map(str::to_owned))
                    .collect();
            }
        }
    }
    last
}

/// The first column of the first row.
#[track_caller]
fn one(client: &mut Client, sql: &str) -> Option<String> {
    row(client, sql).into_iter().next().flatten()
}

/// The first column, as text and never NULL.
#[track_caller]
fn text(client: &mut Client, sql: &str) -> String {
    one(client, sql).unwrap_or_else(|| panic!("NULL or nothing: {sql}"))
}

/// All that the extension and the server know of roles and passwords, as one number.
#[track_caller]
fn fingerprint(client: &mut Client) -> String {
    text(
        client,
        "SELECT md5(string_agg(x, '|' ORDER BY x)) FROM (
           SELECT a::text FROM pg_authid a UNION ALL SELECT m::text FROM pg_auth_members m
           UNION ALL SELECT c::text FROM credentials.credential c UNION ALL SELECT s::text FROM credentials.secret s
           UNION ALL SELECT j::text FROM credentials.job j UNION ALL SELECT e::text FROM credentials.event e) AS all_of(x)",
    )
}

/// The verifier that the server holds for a role.
#[track_caller]
fn verifier(client: &mut Client, role: &str) -> String {
    text(
        client,
        &format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'"),
    )
}

/// What psql printed, and what it said on the side, with a connection string and an input.
#[track_caller]
fn psql(cluster: &Cluster, target: &str, input: &str) -> (String, String) {
    let output = cluster.psql(&["-At", "-v", "ON_ERROR_STOP=1", target], input);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{input}: {said}");
    (
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned(),
        said,
    )
}

/// Runs statements one by one: `wait()` waits for what a transaction before it has ordered.
#[track_caller]
fn steps(client: &mut Client, statements: &[&str]) {
    for sql in statements {
        client
            .batch_execute(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
}
