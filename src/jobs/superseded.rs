//! Jobs that a newer word overtakes: rotations whose password is no longer wanted, suspensions of what was
//! resumed; and rotations that are done and still looked after.

use super::{close, live_for, set_stage, Ended, Job, Kind, Stage};
use crate::error::Result;
use crate::pg::spi;
use crate::pg::value::{at, Time};
use crate::pg::{time, Oid};

/// A newer password is in force: forced rotations of the role that came before `job`, or all of them, no
/// longer bring or keep theirs. Those that had waited to be applied end sessions all the same.
pub fn supersede_rotations(role: Oid, job: Option<i64>) -> Result<Superseded> {
    let waiting: Vec<Job> = live_for(Some(role))?
        .into_iter()
        .filter(|other| other.kind == Kind::Rotate && other.stage == Stage::Apply)
        .collect();
    let is_older = |other: &Job| job.is_none_or(|job| other.id < job);
    spi::run(
        "UPDATE credentials.job j
            SET verifier = NULL,
                secret = CASE WHEN j.stage OPERATOR(pg_catalog.=) 'apply' THEN NULL ELSE j.secret END,
                stage = CASE WHEN j.stage OPERATOR(pg_catalog.=) 'apply' THEN 'end_sessions' ELSE j.stage END
          WHERE j.role OPERATOR(pg_catalog.=) $1 AND j.kind OPERATOR(pg_catalog.=) 'rotate'
            AND (j.stage OPERATOR(pg_catalog.=) 'apply' OR j.verifier IS NOT NULL)
            AND ($2 IS NULL OR j.id OPERATOR(pg_catalog.<) $2)",
        &[role.into(), job.into()],
    )?;
    Ok(Superseded {
        waited: waiting.iter().any(is_older),
        still_wanted: waiting
            .iter()
            .filter(|other| !is_older(other))
            .filter_map(|other| other.secret)
            .collect(),
    })
}

/// What a newer password finds.
pub struct Superseded {
    /// Whether a forced rotation had waited that no longer brings its password.
    pub waited: bool,
    /// Stored passwords that forced rotations which were ordered later will bring into force.
    pub still_wanted: Vec<i64>,
}

/// A rotation is done; until `until` it is looked after, and its verifier is kept for that.
pub fn keep_sweeping(id: i64, until: Time) -> Result<()> {
    spi::run(
        "UPDATE credentials.job j
            SET stage = 'sweep', state = 'done', message = NULL, updated_at = $2, due_at = $3
          WHERE j.id OPERATOR(pg_catalog.=) $1
            AND (j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])
                 OR j.stage OPERATOR(pg_catalog.=) 'sweep')",
        &[id.into(), at(time::now()), at(until)],
    )?;
    Ok(())
}

/// What is looked after is looked at now: a sweep has ended a session.
pub fn sweep_now() -> Result<()> {
    spi::run(
        "UPDATE credentials.job j SET due_at = $1 WHERE j.stage OPERATOR(pg_catalog.=) 'sweep'",
        &[at(time::now())],
    )?;
    Ok(())
}

/// The soft rotation of a role that has yet to come to its cut-over.
pub fn draining(role: Oid) -> Result<Option<Job>> {
    let live = live_for(Some(role))?;
    Ok(live.into_iter().find(|job| job.stage == Stage::Drain))
}

/// The twin of a role is used again: what was to be done to it is called off.
pub fn call_off_retirements(role: Oid) -> Result<()> {
    for job in live_for(Some(role))? {
        match job.kind {
            Kind::Retire => close(job.id, Ended::Cancelled, Some("the twin is used again"))?,
            Kind::Rotate if job.stage == Stage::Retire => set_stage(job.id, Stage::Sweep)?,
            _ => {}
        }
    }
    Ok(())
}

/// The roles that are to be suspended as soon as nobody holds them.
pub fn awaiting_suspension() -> Result<Vec<Oid>> {
    let waits = |job: &Job| job.kind == Kind::Suspend && job.stage == Stage::Apply;
    let live = live_for(None)?;
    Ok(live
        .iter()
        .filter(|job| waits(job))
        .map(|job| job.role)
        .collect())
}

/// Suspensions of a role that wait or still end sessions are called off: it was resumed.
pub fn call_off_suspensions(role: Oid) -> Result<()> {
    for job in live_for(Some(role))? {
        if job.kind == Kind::Suspend {
            close(job.id, Ended::Cancelled, Some("resumed"))?;
        }
    }
    Ok(())
}
