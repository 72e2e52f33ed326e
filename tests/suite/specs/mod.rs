//! Specs: layouts, plan, apply, export, diagram. What should be is brought about in one transaction, and a second
//! time nothing is written.

mod applying;
mod at_once;
mod authoritative;
mod callers;
mod documents;
mod exporting;
mod foreseen;
mod layouts;
mod odd;
mod shown;
mod suspending;

use postgres::Client;

use crate::scene::{ask, column, idle, rows};

/// The statements of a plan, in order.
#[track_caller]
fn plan(client: &mut Client, spec: &str) -> Vec<String> {
    statements(client, "plan", spec)
}

/// The statements that an apply ran.
#[track_caller]
fn apply(client: &mut Client, spec: &str) -> Vec<String> {
    statements(client, "apply", spec)
}

#[track_caller]
fn statements(client: &mut Client, function: &str, spec: &str) -> Vec<String> {
    // In dollars, so that it says the same whatever an owner has set for backslashes.
    let sql = format!("SELECT statement FROM credentials.{function}($spec${spec}$spec$)");
    column(client, &sql)
}

/// What layout() answers to these arguments.
#[track_caller]
fn layout(client: &mut Client, arguments: &str) -> String {
    ask(client, &format!("SELECT credentials.layout({arguments})"))
}

/// The versions of all rows that an apply may write: nothing was written where they are the same.
#[track_caller]
fn versions(su: &mut Client) -> Vec<String> {
    [
        "pg_authid",
        "pg_auth_members",
        "pg_class",
        "pg_proc",
        "pg_namespace",
        "pg_default_acl",
        "pg_database",
        "pg_db_role_setting",
        "pg_shdepend",
        "credentials.credential",
        "credentials.access_group",
        "credentials.secret",
        "credentials.job",
        "credentials.event",
    ]
    .iter()
    .map(|table| {
        // A worker may note the end of a login at any time: that row is compared by what it says else.
        let (row, by) = match *table {
            "credentials.credential" => ("(to_jsonb(t) - 'last_login_at')::text", "t.role"),
            _ => ("ctid::text || xmin::text", "ctid"),
        };
        let order = format!("string_agg({row}, ',' ORDER BY {by})");
        format!(
            "{table} {}",
            ask(su, &format!("SELECT md5({order}) FROM {table} t"))
        )
    })
    .collect()
}

/// Applies a spec that is brought about already, and asserts that nothing is written: no row, no transaction id, and
/// nothing in the log of the server's writes.
#[track_caller]
fn writes_nothing(su: &mut Client, client: &mut Client, spec: &str) {
    // A worker that is still about notes logins in rows.
    idle(su);
    let before = versions(su);
    assert_eq!(plan(client, spec), [""; 0]);
    // The first reading of rows that were written may tidy their pages up, and others write now and then.
    let mut quiet = false;
    for _ in 0..10 {
        let told = rows(
            su,
            &format!(
                "WITH before AS MATERIALIZED (SELECT pg_current_wal_insert_lsn() AS lsn),
                      done AS MATERIALIZED (SELECT count(*) AS n FROM before, credentials.apply($spec${spec}$spec$))
                 SELECT done.n, before.lsn = pg_current_wal_insert_lsn() AS same,
                        coalesce(pg_current_xact_id_if_assigned()::text, 'none') AS xid
                   FROM before, done"
            ),
        );
        assert!(
            told[0].starts_with("0|") && told[0].ends_with("|none"),
            "{told:?}"
        );
        quiet |= told[0] == "0|true|none";
    }
    assert!(quiet, "each of ten applies was followed by a write");
    assert_eq!(apply(client, spec), [""; 0]);
    assert_eq!(versions(su), before);
}
