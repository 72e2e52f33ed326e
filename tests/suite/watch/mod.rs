//! The night watch: the launcher and its workers survive what can happen to them, hold nothing when there is nothing
//! to do, and are quiet.

mod copies;
mod crash;
mod database;
mod leases;
mod not_preloaded;
mod signals;
mod upgrade;

use crate::harness::{wait_until, Cluster, SOON};

/// How many processes of the watch there are: launcher, or worker.
fn processes(cluster: &Cluster, kind: &str) -> Vec<i32> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'credential_manager ' || $1 ORDER BY pid";
    let rows = cluster.superuser("postgres").query(sql, &[&kind]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Waits until no worker is there.
#[track_caller]
fn is_idle(cluster: &Cluster) {
    wait_until("no worker is there", SOON, || {
        processes(cluster, "worker").is_empty()
    });
}

/// Objects and rows that must be neither lost nor left behind: how many tables of `s`, and how many rows in all.
const HOLDINGS: &str = "SELECT count(*)::int8, coalesce(sum((xpath('/row/c/text()',
      query_to_xml(format('SELECT count(*) AS c FROM %s', c.oid::regclass), false, true, '')))[1]::text::int8), 0)::int8
   FROM pg_class c WHERE c.relnamespace = 's'::regnamespace AND c.relkind = 'r'";
