//! `metrics()`: the figures are those of the other reports, in one order, wherever they can be read.

mod exporter;
mod figures;

use postgres::Client;

use crate::scene::{ask, column};

/// Every figure as `metric {"label": "value"}`, in the order told.
#[track_caller]
fn keys(client: &mut Client) -> Vec<String> {
    column(
        client,
        "SELECT metric || ' ' || labels FROM credentials.metrics()",
    )
}

/// One figure; a label of JSON says which.
#[track_caller]
fn figure(client: &mut Client, metric: &str, labels: &str) -> Option<f64> {
    let found = ask(
        client,
        &format!(
            "SELECT value FROM credentials.metrics() WHERE metric = '{metric}' AND labels = '{labels}'"
        ),
    );
    (!found.is_empty()).then(|| found.parse().expect("a number"))
}
