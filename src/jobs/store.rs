//! Rows of `credentials.job`.

use super::{Job, Kind, Options, Order, Stage, State};
use crate::error::{Kind as Failure, Result};
use crate::pg::spi::{self, Row};
use crate::pg::value::{at, maybe_at, Time, Value};
use crate::pg::{row, time, Oid};
use serde_json::json;

/// The columns of [`read`].
const COLUMNS: [&str; 14] = [
    "id",
    "kind",
    "role",
    "name",
    "state",
    "stage",
    "reassign_to",
    "secret",
    "verifier",
    "cutover",
    "options",
    "done",
    "created_at",
    "message",
];

fn read(row: &Row) -> Result<Job> {
    let unknown = || Failure::Internal.error("a job in an unknown state");
    let options = row.json(10)?;
    let flag = |key: &str| {
        options
            .get(key)
            .and_then(serde_json::Value::as_bool)
            .unwrap_or(false)
    };
    Ok(Job {
        id: row.int8(0)?,
        kind: Kind::parse(&row.text(1)?).ok_or_else(unknown)?,
        role: row.oid(2)?,
        name: row.text(3)?,
        state: State::parse(&row.text(4)?).ok_or_else(unknown)?,
        stage: Stage::parse(&row.text(5)?).ok_or_else(unknown)?,
        reassign_to: row.maybe_oid(6)?,
        secret: row.maybe_int8(7)?,
        verifier: row.maybe_text(8)?,
        cutover: row.maybe_time(9)?,
        options: Options {
            include_unmanaged: flag("include_unmanaged"),
            keep_access: flag("keep_access"),
        },
        done: row.int8(11)?,
        created_at: row.time(12)?,
        message: row.maybe_text(13)?,
    })
}

pub(super) fn insert(order: &Order, by: &str) -> Result<i64> {
    let now = time::now();
    spi::number(
        "INSERT INTO credentials.job
           (kind, role, name, state, stage, reassign_to, secret, verifier, options, requested_by,
            created_at, updated_at, due_at)
         VALUES ($1, $2, $3, 'queued', $4, $5, $6, $7, $8, $9, $10, $10, $10)
         RETURNING id",
        &[
            order.kind.as_str().into(),
            order.role.into(),
            order.name.into(),
            order.stage.as_str().into(),
            order.reassign_to.into(),
            order.secret.into(),
            order.verifier.into(),
            json!({
                "include_unmanaged": order.options.include_unmanaged,
                "keep_access": order.options.keep_access,
            })
            .into(),
            by.into(),
            at(now),
        ],
    )
}

/// Jobs that are due now, oldest first: those that are not over, and those that are still swept after.
pub fn all_due() -> Result<Vec<Job>> {
    spi::query(
        "SELECT j.id, j.kind, j.role, j.name, j.state, j.stage, j.reassign_to, j.secret, j.verifier,
                j.cutover, j.options, j.done, j.created_at, j.message
           FROM credentials.job j
          WHERE (j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])
                 OR j.stage OPERATOR(pg_catalog.=) 'sweep')
            AND j.due_at OPERATOR(pg_catalog.<=) $1
          ORDER BY j.id USING OPERATOR(pg_catalog.<)",
        &[at(time::now())],
    )?
    .iter()
    .map(read)
    .collect()
}

/// A job by number.
pub fn find(id: i64) -> Result<Option<Job>> {
    row::find("job", &[("id", id.into())], &COLUMNS)?
        .as_ref()
        .map(read)
        .transpose()
}

/// Jobs that are not over, of one role or of all, oldest first.
pub fn live_for(role: Option<Oid>) -> Result<Vec<Job>> {
    let Some(role) = role else {
        return spi::query(
            "SELECT j.id, j.kind, j.role, j.name, j.state, j.stage, j.reassign_to, j.secret, j.verifier,
                    j.cutover, j.options, j.done, j.created_at, j.message
               FROM credentials.job j
              WHERE j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])
              ORDER BY j.id USING OPERATOR(pg_catalog.<)",
            &[],
        )?
        .iter()
        .map(read)
        .collect();
    };
    let rows = row::all("job", &[("role", role.into())], &COLUMNS)?;
    let mut jobs: Vec<Job> = rows.iter().map(read).collect::<Result<_>>()?;
    jobs.retain(|job| !job.state.is_over());
    jobs.sort_unstable_by_key(|job| job.id);
    Ok(jobs)
}

/// When the next thing is due, among jobs that are not over and leases that run.
pub fn next_due() -> Result<Option<Time>> {
    spi::row(
        "SELECT LEAST(
           (SELECT pg_catalog.min(j.due_at) FROM credentials.job j
             WHERE j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])
                OR j.stage OPERATOR(pg_catalog.=) 'sweep'),
           (SELECT pg_catalog.min(c.valid_until) FROM credentials.credential c
             WHERE c.lease AND c.state OPERATOR(pg_catalog.<>) 'destroying'))",
        &[],
    )?
    .map_or(Ok(None), |row| row.maybe_time(0))
}

/// A job is at its next stage. As with all that follows, one that was cancelled meanwhile stays so.
pub fn set_stage(id: i64, stage: Stage) -> Result<()> {
    spi::run(
        "UPDATE credentials.job j
            SET stage = $2, state = 'running', message = NULL, updated_at = $3, due_at = $3,
                started_at = COALESCE(j.started_at, $3)
          WHERE j.id OPERATOR(pg_catalog.=) $1
            AND (j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])
                 OR j.stage OPERATOR(pg_catalog.=) 'sweep')",
        &[id.into(), stage.as_str().into(), at(time::now())],
    )?;
    Ok(())
}

/// A job goes on waiting, or is blocked, until `due`; `message` says for what.
pub fn due_again(id: i64, state: State, due: Time, message: &str) -> Result<()> {
    let now = time::now();
    spi::run(
        "UPDATE credentials.job j
            SET state = $2, due_at = $3, message = $4, updated_at = $5, started_at = COALESCE(j.started_at, $5)
          WHERE j.id OPERATOR(pg_catalog.=) $1
            AND (j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])
                 OR j.stage OPERATOR(pg_catalog.=) 'sweep')",
        &[id.into(), state.as_str().into(), at(due), message.into(), at(now)],
    )?;
    Ok(())
}

/// Up to when sessions of the old password began.
pub fn set_cutover(id: i64, cutover: Option<Time>) -> Result<()> {
    spi::run(
        "UPDATE credentials.job j SET cutover = $2 WHERE j.id OPERATOR(pg_catalog.=) $1
            AND (j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])
                 OR j.stage OPERATOR(pg_catalog.=) 'sweep')",
        &[id.into(), maybe_at(cutover)],
    )?;
    Ok(())
}

/// The number of the latest job; 0 where there is none.
pub fn latest() -> Result<i64> {
    spi::number(
        "SELECT COALESCE(pg_catalog.max(j.id), 0) FROM credentials.job j",
        &[],
    )
}

/// After a promotion: what was ordered from the former primary, up to the job `latest`, is ordered as of
/// `now` by this server's clock, and sessions that began here up to `cutover` are those that it ends, where
/// the change that it ends them for is made.
pub fn take_over(role: Oid, latest: i64, now: Time, cutover: Time) -> Result<()> {
    spi::run(
        "UPDATE credentials.job j
            SET created_at = $3,
                cutover = CASE WHEN j.stage OPERATOR(pg_catalog.<>) ALL (ARRAY['drain', 'apply']) THEN $4 END
          WHERE j.role OPERATOR(pg_catalog.=) $1 AND j.id OPERATOR(pg_catalog.<=) $2
            AND (j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])
                 OR j.stage OPERATOR(pg_catalog.=) 'sweep')",
        &[role.into(), latest.into(), at(now), at(cutover)],
    )?;
    Ok(())
}

/// No moment that was noted lies ahead of this server's clock: one that does is by the clock of a primary
/// before this one, or from before the clock was set back, and would end sessions of the new password until
/// it is reached.
pub fn notice_clock(now: Time) -> Result<()> {
    spi::run(
        "UPDATE credentials.job j SET cutover = $1 WHERE j.cutover OPERATOR(pg_catalog.>) $1",
        &[at(now)],
    )?;
    Ok(())
}

/// How far a move has come, and in which database.
pub fn set_progress(id: i64, database: &str, done: i64, total: i64) -> Result<()> {
    spi::run(
        "UPDATE credentials.job j
            SET database = $2, done = $3, total = $4, state = 'running', message = NULL, updated_at = $5
          WHERE j.id OPERATOR(pg_catalog.=) $1
            AND (j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])
                 OR j.stage OPERATOR(pg_catalog.=) 'sweep')",
        &[id.into(), database.into(), done.into(), total.into(), at(time::now())],
    )?;
    Ok(())
}

/// Jobs that ended over a week ago go; tells how many.
pub fn forget_old() -> Result<u64> {
    spi::run(
        "DELETE FROM credentials.job j
          WHERE j.state OPERATOR(pg_catalog.=) ANY (ARRAY['done', 'failed', 'cancelled'])
            AND j.updated_at OPERATOR(pg_catalog.<) $1",
        &[at(time::now() - 7 * 86_400_000_000)],
    )
}

/// Whether there is or was a job for a role, of those that are still listed.
pub fn concerned(role: Oid) -> Result<bool> {
    Ok(spi::row(
        "SELECT 1 FROM credentials.job j WHERE j.role OPERATOR(pg_catalog.=) $1 LIMIT 1",
        &[role.into()],
    )?
    .is_some())
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is done.
    Done,
    /// Somebody cancelled it.
    Cancelled,
    /// It cannot be done.
    Failed,
}

/// A job is over; what it held of a verifier goes.
pub fn close(id: i64, how: Ended, message: Option<&str>) -> Result<()> {
    let state = match how {
        Ended::Done => State::Done,
        Ended::Cancelled => State::Cancelled,
        Ended::Failed => State::Failed,
    };
    spi::run(
        "UPDATE credentials.job j
            SET state = $2, stage = 'finished', verifier = NULL, message = $3, updated_at = $4,
                started_at = COALESCE(j.started_at, $4)
          WHERE j.id OPERATOR(pg_catalog.=) $1
            AND (j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])
                 OR j.stage OPERATOR(pg_catalog.=) 'sweep')",
        &[
            id.into(),
            state.as_str().into(),
            message.into(),
            at(time::now()),
        ],
    )?;
    Ok(())
}

/// Whether a destroyed credential of this name is among the jobs that are still listed.
pub(super) fn was_destroyed(name: &str) -> Result<bool> {
    Ok(spi::row(
        "SELECT 1 FROM credentials.job j
          WHERE j.name OPERATOR(pg_catalog.=) $1 AND j.state OPERATOR(pg_catalog.=) 'done'
            AND j.kind OPERATOR(pg_catalog.=) ANY (ARRAY['destroy', 'expire']) LIMIT 1",
        &[name.into()],
    )?
    .is_some())
}

/// The rows of `jobs()`: all that run, and those that ended within a day.
pub(super) fn report() -> Result<Vec<Vec<Value>>> {
    let rows = spi::query(
        "SELECT j.id, j.kind, j.name, j.database, j.state, j.done, j.total, j.started_at, j.updated_at,
                CASE WHEN j.state OPERATOR(pg_catalog.=) 'running' AND j.done OPERATOR(pg_catalog.>) 0
                      AND j.total OPERATOR(pg_catalog.>=) j.done
                     THEN j.updated_at OPERATOR(pg_catalog.+)
                          ((j.updated_at OPERATOR(pg_catalog.-) j.started_at)
                           OPERATOR(pg_catalog.*) ((j.total OPERATOR(pg_catalog.-) j.done)::pg_catalog.float8
                                                   OPERATOR(pg_catalog./) j.done::pg_catalog.float8)) END,
                j.message
           FROM credentials.job j
          WHERE j.updated_at OPERATOR(pg_catalog.>) $1
             OR j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])
          ORDER BY j.id USING OPERATOR(pg_catalog.<)",
        &[at(time::now() - 86_400_000_000)],
    )?;
    Ok(rows.into_iter().map(Row::into_values).collect())
}
