//! Counts of jobs and events.

use crate::error::Result;
use crate::pg::spi;
use crate::pg::time;
use crate::pg::value::at;

/// How many jobs there are of a kind and in a state, among those that `jobs()` shows.
pub(super) struct Jobs {
    pub(super) kind: String,
    pub(super) state: String,
    pub(super) count: i64,
}

/// A job that is not over.
pub(super) struct Progress {
    pub(super) job: i64,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) done: i64,
    pub(super) total: Option<i64>,
}

const DAY: i64 = 86_400_000_000;

/// Jobs by kind and state: all that run, and those that ended within a day.
pub(super) fn jobs() -> Result<Vec<Jobs>> {
    spi::query(
        "SELECT j.kind, j.state, pg_catalog.count(*)
           FROM credentials.job j
          WHERE j.updated_at OPERATOR(pg_catalog.>) $1
             OR j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])
          GROUP BY j.kind, j.state
          ORDER BY j.kind USING OPERATOR(pg_catalog.<), j.state USING OPERATOR(pg_catalog.<)",
        &[at(time::now() - DAY)],
    )?
    .iter()
    .map(|row| {
        Ok(Jobs {
            kind: row.text(0)?,
            state: row.text(1)?,
            count: row.int8(2)?,
        })
    })
    .collect()
}

/// The jobs that are not over, oldest first.
pub(super) fn progress() -> Result<Vec<Progress>> {
    spi::query(
        "SELECT j.id, j.kind, j.name, j.done, j.total
           FROM credentials.job j
          WHERE j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])
          ORDER BY j.id USING OPERATOR(pg_catalog.<)",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(Progress {
            job: row.int8(0)?,
            kind: row.text(1)?,
            name: row.text(2)?,
            done: row.int8(3)?,
            total: row.maybe_int8(4)?,
        })
    })
    .collect()
}

/// How many events there are of each action.
pub(super) fn events() -> Result<Vec<(String, i64)>> {
    spi::query(
        "SELECT e.action, pg_catalog.count(*) FROM credentials.event e
          GROUP BY e.action ORDER BY e.action USING OPERATOR(pg_catalog.<)",
        &[],
    )?
    .iter()
    .map(|row| Ok((row.text(0)?, row.int8(1)?)))
    .collect()
}
