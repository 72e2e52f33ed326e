//! Ending the sessions of a role that was closed, or whose password was replaced; and seeing to it that
//! none of them has changed the password behind that.

use super::doing::{act, advance, besiege, finish, record, wait, SHORTLY};
use crate::catalog::{self, twin, Phase, State as Condition, Twin};
use crate::error::Result;
use crate::jobs::{self, Ended, Job, Kind, Stage, State};
use crate::pg::sweeps::{self, Cutover};
use crate::pg::value::Time;
use crate::pg::{lock, session, time, Oid};
use crate::rotation;
use serde_json::json;

/// How long after an order its commit may still have to be noted, in microseconds.
const TO_BE_TOLD: Time = 5_000_000;
/// From a cut-over to the first and to the last look at what its sessions left, in microseconds: a session
/// that was let in a moment before it is seen by then, and whoever was ended has gone.
const SETTLED: Time = 100_000;
const AFTER: Time = 2_000_000;
/// Longest pause between two looks at who may finish, in microseconds.
const LONGEST: Time = 1_000_000;

/// Sessions that the closed door had let in are ended; the launcher goes on looking for those that
/// were on their way.
pub(super) fn end_sessions(job: &Job) -> Result<()> {
    if job.kind == Kind::Suspend && !act(|| is_suspended(job))? {
        return finish(job);
    }
    let Some(cutover) = cutover(job)? else {
        let why = "the order is about to take effect";
        wait(job, State::Waiting, SHORTLY, why);
        return Ok(());
    };
    let old = act(|| Old::of(job, cutover))?;
    let spared = act(|| may_finish(job, &old))?;
    let ended = if spared { old.end_caller() } else { old.end() };
    if ended > 0 {
        act(|| {
            record(
                job,
                "end_session",
                json!({"job": job.id, "sessions": ended}),
            )
        })?;
    }
    let left = old.sessions().len();
    if spared && left > 0 {
        let pause = ((time::now() - cutover) / 10).clamp(SHORTLY, LONGEST);
        let why = "who logged in while the cut-over was made may finish until the deadline";
        wait(job, State::Waiting, pause, why);
        return Ok(());
    }
    if left > 0 || time::now() < cutover + SETTLED {
        let why = format!("{left} sessions have yet to end");
        wait(job, State::Waiting, SHORTLY, &why);
        return Ok(());
    }
    sweeps::sweep(job.role, cutover, cutover + time::authentication_timeout());
    match old.twin {
        Some(_) => advance(job),
        // A long job lets nothing through that may take its time, as a twin's end may.
        None => super::retiring::past(&Job {
            cutover: Some(cutover),
            stage: Stage::Retire,
            ..job.clone()
        }),
    }
}

/// Whether sessions of the old password may go on until the deadline after a soft cut-over: the drain had
/// ended, so these logged in while it was made, and have done no wrong. Who changes the password has.
fn may_finish(job: &Job, old: &Old) -> Result<bool> {
    let lingers = |twin: &Twin| twin.phase == Phase::Lingering && time::now() < twin.deadline;
    Ok(job.kind == Kind::Rotate
        && old.twin.as_ref().is_some_and(lingers)
        && rotation::is_as_rotated(job)?)
}

/// Whose sessions are of a password that is gone.
pub(super) struct Old {
    role: Oid,
    /// Those that began up to here; all of a role that is closed.
    before: Time,
    twin: Option<Twin>,
    /// Where the next rotation drains already, its twin's row is not this job's: sessions of the twin that
    /// began before this job was ordered are older than what it brought, and others have their own deadline.
    ordered: Option<Time>,
}

impl Old {
    /// A password that was replaced leaves sessions of the new one alone; a closed role has none.
    fn of(job: &Job, cutover: Time) -> Result<Old> {
        Ok(Old {
            role: job.role,
            before: match job.kind {
                Kind::Rotate => cutover,
                _ => Time::MAX,
            },
            twin: twin::of(job.role)?,
            ordered: Some(job.created_at),
        })
    }

    /// While both passwords are good: all sessions of the role, and those of a twin that was there before.
    pub fn of_draining(twin: &Twin) -> Old {
        Old {
            role: twin.base,
            before: Time::MAX,
            twin: Some(twin.clone()),
            ordered: None,
        }
    }

    fn is(&self, session: &session::Session) -> bool {
        let of_the_twin = |twin: &Twin| {
            session.role == twin.role
                && match (twin.phase, self.ordered) {
                    (Phase::Draining, Some(ordered)) => session.started <= ordered,
                    (Phase::Draining | Phase::Lingering, _) => twin.is_older(session.started),
                    (Phase::Retiring, _) => false,
                    (Phase::Ended, _) => true,
                }
        };
        session.role == self.role && session.started <= self.before
            || self.twin.as_ref().is_some_and(of_the_twin)
    }

    /// Every backend of them, background workers of a login included.
    pub fn sessions(&self) -> Vec<session::Session> {
        let mut found = session::all();
        found.retain(|s| self.is(s));
        found
    }

    /// Asks the session that ordered the rotation to end, which the drain did not wait for.
    fn end_caller(&self) -> usize {
        let caller = self.twin.as_ref().and_then(|twin| twin.caller);
        let mut own = self.sessions();
        own.retain(|s| Some((s.pid, s.started)) == caller);
        own.iter().filter(|s| session::end(s)).count()
    }

    /// Asks them to end; tells how many were asked.
    fn end(&self) -> usize {
        self.sessions().iter().filter(|s| session::end(s)).count()
    }
}

/// The moment from which on no session is of the old password; nothing where it cannot be known yet.
fn cutover(job: &Job) -> Result<Option<Time>> {
    if job.cutover.is_some() {
        return Ok(job.cutover);
    }
    let cutover = match sweeps::cutover(job.role, job.created_at) {
        Cutover::At(cutover) => cutover,
        Cutover::BeforeTheStart => job.created_at,
        // The commit can be seen a moment before it is noted. Longer than that it cannot take, unless
        // somebody set the clock: then all sessions there are end.
        Cutover::ToBeTold if time::now() < job.created_at + TO_BE_TOLD => return Ok(None),
        Cutover::ToBeTold => time::now(),
    };
    act(|| jobs::set_cutover(job.id, Some(cutover)))?;
    Ok(Some(cutover))
}

/// Older sessions are gone. Where one of them has changed the password that it was ended for, that is
/// put right, and whoever came in with it goes too; else the job is done, and swept after.
///
/// Siege is laid only where something is to be put right: who merely holds the credential's lock for a
/// call of ours is left alone.
pub(super) fn look_after(job: &Job, cutover: Time) -> Result<()> {
    let until = cutover + AFTER;
    if act(|| is_settled(job, until))? {
        return Ok(());
    }
    besiege(job, || {
        lock::credential(job.role)?;
        // Read again: a newer password may have come, which is none of this job's business.
        if is_settled(job, until)? {
            return Ok(());
        }
        let (Some(job), Some(credential)) = (jobs::find(job.id)?, catalog::by_role(job.role)?)
        else {
            return Ok(());
        };
        rotation::put_back(&job, &credential)?;
        jobs::set_cutover(job.id, None)?;
        jobs::set_stage(job.id, Stage::EndSessions)?;
        record(&job, "drift", json!({"job": job.id, "what": "password"}))
    })?;
    Ok(())
}

/// Whether the password in force is the one that the job brought, or none that it has to care for. The
/// job is then done, or swept on until `until`.
fn is_settled(job: &Job, until: Time) -> Result<bool> {
    let Some(job) = jobs::find(job.id)? else {
        return Ok(true);
    };
    let bound = catalog::by_role(job.role)?.filter(catalog::Credential::is_bound);
    if bound.is_none_or(|c| c.state == Condition::Destroying) {
        jobs::close(job.id, Ended::Done, None)?;
        return Ok(true);
    }
    if !rotation::is_as_rotated(&job)? {
        return Ok(false);
    }
    match job.verifier {
        Some(_) if time::now() < until => jobs::keep_sweeping(job.id, until)?,
        _ => jobs::close(job.id, Ended::Done, None)?,
    }
    Ok(true)
}

/// After a rotation: what a session that was seen late has done to the password is put right.
pub(super) fn sweep(job: &Job) -> Result<()> {
    let cutover = job.cutover.unwrap_or(job.created_at);
    if end_older(job, cutover) > 0 {
        return act(|| jobs::keep_sweeping(job.id, time::now() + SHORTLY));
    }
    look_after(job, cutover)
}

fn is_suspended(job: &Job) -> Result<bool> {
    Ok(catalog::by_role(job.role)?.is_some_and(|c| c.state == Condition::Suspended))
}

/// Sessions of a job's role that began up to the cut-over.
pub(super) fn older(job: &Job, cutover: Time) -> Vec<session::Session> {
    let mut found = session::every_of_role(job.role);
    found.retain(|s| s.started <= cutover);
    found
}

/// Asks them to end; tells how many were asked.
pub(super) fn end_older(job: &Job, cutover: Time) -> usize {
    older(job, cutover)
        .iter()
        .filter(|s| session::end(s))
        .count()
}
