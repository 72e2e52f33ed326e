//! The reports say what the server does: the same rows as the queries that ask it privilege by privilege.

mod callers;
mod equal;
mod moving;
mod names;
mod reading;
mod why;

use postgres::Client;

use crate::scene::column;
use generated::{compared, of_role, tables, SCHEMAS};

#[path = "../../seed/generated.rs"]
mod generated;

/// Asserts that both reports have the rows of their queries and no others; tells how many rows there are.
#[track_caller]
fn same_rows(client: &mut Client) -> (usize, usize) {
    let query = tables(client);
    let tables = same(client, &query, "credentials.table_privileges()");
    let schemas = same(client, SCHEMAS, "credentials.schema_privileges()");
    (tables, schemas)
}

#[track_caller]
fn same(client: &mut Client, query: &str, report: &str) -> usize {
    let told = column(client, &compared(query, report));
    let count = told.last().and_then(|last| last.strip_prefix("rows: "));
    assert_eq!(told.len(), 1, "{report}: {told:#?}");
    count.and_then(|count| count.parse().ok()).unwrap()
}
