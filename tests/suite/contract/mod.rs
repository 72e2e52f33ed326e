//! What the extension promises to whoever calls it, written down by hand and compared with what the server has.

mod functions;
mod install;
mod reference;
mod schema;
mod surface;

use postgres::{Client, Row};

use crate::harness::Cluster;

/// A cluster with the extension made but not set up, and a superuser in its home database.
fn created() -> (Cluster, Client) {
    let cluster = Cluster::new();
    let mut client = cluster.superuser("app");
    client
        .batch_execute("CREATE EXTENSION credential_manager")
        .unwrap();
    (cluster, client)
}

/// A cluster that is set up, and a superuser in its home database.
fn set_up() -> (Cluster, Client) {
    let cluster = Cluster::new();
    cluster.setup();
    let client = cluster.superuser("app");
    (cluster, client)
}

/// All rows of a query without parameters.
#[track_caller]
fn rows(client: &mut Client, sql: &str) -> Vec<Row> {
    client
        .query(sql, &[])
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

/// The first column of all rows.
#[track_caller]
fn column(client: &mut Client, sql: &str) -> Vec<String> {
    rows(client, sql).iter().map(|row| row.get(0)).collect()
}
