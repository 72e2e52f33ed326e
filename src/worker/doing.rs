//! One step of one job.

use super::home::in_transaction;
use super::{dropping, ending, moving, retiring, rotating};
use crate::catalog::{self, twin, State as Condition};
use crate::error::{shown, Kind as Failure, Result};
use crate::events::{self, Actor};
use crate::jobs::{self, Ended, Job, Kind, Stage, State};
use crate::lifecycle::destroy;
use crate::pg::value::Time;
use crate::pg::xact;
use crate::pg::{lock, log, prepared, session, shmem, time, worker};
use crate::repair::rights::{self, Domain};
use crate::rotation;
use serde_json::json;

/// How long the worker stands in a lock's queue while the launcher ends who is before it, in
/// milliseconds.
const SIEGE: i32 = 2_000;
/// Pause before a job that had to wait is looked at again, in microseconds.
pub(super) const SHORTLY: Time = 50_000;
/// Pause before a role that a superuser's prepared transaction holds is looked at again, in microseconds.
const HELD: Time = 1_000_000;
/// Pause before a job that failed, or needs a person, is looked at again, in microseconds.
const LATER: Time = 10_000_000;

/// Takes a job one step on. Whatever goes wrong is in the job's message and in the log; the job is
/// looked at again.
pub(super) fn step(job: &Job) {
    crate::pg::fault::point(job.stage.as_str());
    let outcome = match job.stage {
        Stage::Drain => rotating::drain(job),
        Stage::Apply => apply(job),
        Stage::EndSessions => ending::end_sessions(job),
        Stage::Close => retiring::close(job),
        Stage::Retire => retiring::retire(job),
        Stage::Restore => restore(job),
        Stage::Move => moving::all(job),
        Stage::Drop => drop_role(job),
        Stage::Sweep => ending::sweep(job),
        Stage::Finished => finish(job),
    };
    let Err(error) = outcome else { return };
    // Told once: the job is looked at again and again, and its message stands in jobs().
    if job.message.as_deref() != Some(error.message()) {
        log::line(&format!(
            "credential_manager: job {} ({} of \"{}\", {}): {error}",
            job.id,
            job.kind.as_str(),
            shown(&job.name),
            job.stage.as_str()
        ));
    }
    wait(job, State::Waiting, LATER, error.message());
}

/// Runs one transaction that takes what others may hold, besieged. Where it was not to be had all the
/// same, the job waits.
pub(super) fn besiege<T>(job: &Job, what: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    let done = besieged(what)?;
    if done.is_none() {
        wait(job, State::Waiting, SHORTLY, &holdout());
    }
    Ok(done)
}

/// Runs one transaction that takes what others may hold: the launcher ends who holds it. Gives nothing
/// where it was not to be had all the same.
pub(super) fn besieged<T>(what: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    let siege = Siege::lay();
    let outcome = worker::transaction(|| {
        worker::harden(SIEGE)?;
        what()
    });
    drop(siege);
    match outcome {
        Ok(done) => done.map(Some),
        Err(caught) if rotation::is_contention(&caught) => Ok(None),
        Err(caught) => Err(rotation::unexpected(&caught)),
    }
}

/// A job waits; the reason is for people.
pub(super) fn wait(job: &Job, state: State, pause: Time, why: &str) {
    in_transaction("wait", || {
        if job.stage == Stage::Sweep {
            // It is done, and stays so.
            return jobs::keep_sweeping(job.id, time::now() + pause);
        }
        jobs::due_again(job.id, state, time::now() + pause, why)
    });
}

/// Runs one transaction of a step; the server's errors become ours.
pub(super) fn act<T>(what: impl FnOnce() -> Result<T>) -> Result<T> {
    worker::transaction(what).unwrap_or_else(|caught| Err(rotation::unexpected(&caught)))
}

/// Who holds what was not to be had, as far as the launcher saw somebody whom it may not end.
pub(super) fn holdout() -> String {
    match shmem::holdout() {
        Some(shmem::PREPARED) => {
            "a prepared transaction holds the role, see pg_prepared_xacts".to_owned()
        }
        Some(pid) => format!("process {pid} of a superuser or the server holds the role"),
        None => "another transaction holds the role".to_owned(),
    }
}

/// The job as it is now, unless it was cancelled meanwhile. Under the credential's lock.
pub(super) fn still_wanted(job: &Job) -> Result<bool> {
    Ok(jobs::find(job.id)?.is_some_and(|now| !now.state.is_over()))
}

/// Whether a job goes on moving: what is moved beside a drain does not put off its cut-over.
pub(super) fn may_move(job: &Job) -> Result<bool> {
    let due = match job.stage {
        Stage::Drain => twin::of(job.role)?.is_some_and(|twin| twin.deadline <= time::now()),
        _ => false,
    };
    Ok(!due && still_wanted(job)?)
}

/// While this lives the launcher ends who holds what this worker waits for.
struct Siege;

impl Siege {
    fn lay() -> Siege {
        shmem::besiege(session::own_pid());
        Siege
    }
}

impl Drop for Siege {
    fn drop(&mut self) {
        shmem::besiege(0);
    }
}

/// Prepared transactions that hold the role, or the twin that goes with it, are rolled back.
fn roll_back_prepared(job: &Job) -> Result<Option<String>> {
    // A role that goes takes its own prepared transactions with it, as it does its sessions.
    let all = job.kind.drops_role();
    if let Some(holder) = dropping::roll_back_prepared(job, job.role, all)? {
        return Ok(Some(holder));
    }
    match act(|| catalog::twin::of(job.role))? {
        Some(twin) => dropping::roll_back_prepared(job, twin.role, false),
        None => Ok(None),
    }
}

/// What was decided comes into force, whoever holds the role.
fn apply(job: &Job) -> Result<()> {
    if let Some(holder) = roll_back_prepared(job)? {
        wait(job, State::Waiting, HELD, &holder);
        return Ok(());
    }
    besiege(job, || {
        lock::credential(job.role)?;
        if still_wanted(job)? && take_effect(job)? {
            jobs::set_stage(job.id, job.stage.next(job.kind))?;
            catalog::cut(job.role)?;
            xact::force_sync_commit();
        }
        Ok(())
    })?;
    Ok(())
}

/// Tells whether the job goes on.
fn take_effect(job: &Job) -> Result<bool> {
    let Some(credential) = catalog::by_role(job.role)?.filter(|c| c.is_bound()) else {
        let why = "the role is gone or renamed";
        jobs::close(job.id, Ended::Failed, Some(why))?;
        return Ok(false);
    };
    match job.kind {
        _ if credential.state == Condition::Destroying => {
            let why = "the credential is being destroyed";
            jobs::close(job.id, Ended::Cancelled, Some(why))?;
            return Ok(false);
        }
        Kind::Expire
            if credential
                .lease_until
                .is_none_or(|until| until > time::now()) =>
        {
            jobs::close(job.id, Ended::Cancelled, Some("the lease was extended"))?;
            return Ok(false);
        }
        Kind::Rotate => rotation::apply_waiting(job, &credential)?,
        Kind::Repair | Kind::Retire | Kind::Move => {}
        Kind::Suspend => {
            rotation::shut(&credential)?;
            catalog::set_state(job.role, Condition::Suspended)?;
        }
        Kind::Destroy | Kind::Expire => {
            rotation::overrule(&credential, &destroy::closed())?;
            destroy::note_closed(job.role)?;
            if job.kind == Kind::Expire {
                record(job, "expire", json!({"job": job.id}))?;
            }
        }
    }
    Ok(true)
}

/// An event of the worker about a job's credential.
pub(super) fn record(job: &Job, action: &str, detail: serde_json::Value) -> Result<()> {
    let (name, role) = (Some(job.name.as_str()), Some(job.role));
    events::record(Actor::Worker, action, name, role, detail)
}

/// The default credential's own attributes and rights are restored.
fn restore(job: &Job) -> Result<()> {
    act(|| {
        lock::credential(job.role)?;
        if !still_wanted(job)? {
            return Ok(());
        }
        let default = catalog::default_credential()?;
        let domain = Domain::here(default.role, &default.role_name);
        let missing = rights::missing(&domain)?;
        for right in &missing {
            rights::give(&domain, right)?;
        }
        if !missing.is_empty() {
            let given: Vec<String> = missing
                .iter()
                .map(|r| {
                    let (action, object, note) = rights::describe(&domain, r);
                    format!("{action} {object} {note}").trim_end().to_owned()
                })
                .collect();
            let detail = json!({"job": job.id, "restored": given});
            record(job, "repair_default", detail)?;
        }
        jobs::set_stage(job.id, job.stage.next(job.kind))
    })
}

/// The role is dropped: last, in the home database, with everything checked once more.
fn drop_role(job: &Job) -> Result<()> {
    if !ending::older(job, Time::MAX).is_empty() {
        ending::end_older(job, Time::MAX);
        wait(job, State::Waiting, SHORTLY, "a session has yet to end");
        return Ok(());
    }
    dropping::drop_role(job)
}

/// On to the next stage.
pub(super) fn advance(job: &Job) -> Result<()> {
    match job.stage.next(job.kind) {
        Stage::Finished => finish(job),
        next => act(|| jobs::set_stage(job.id, next)),
    }
}

pub(super) fn finish(job: &Job) -> Result<()> {
    act(|| jobs::close(job.id, Ended::Done, None))
}

/// The error of a job whose order is incomplete.
pub(super) fn incomplete(what: &str) -> crate::error::Error {
    Failure::Internal.error(format!("a job without its {what}"))
}

/// Rolls back what is prepared here and holds the role.
pub(super) fn roll_back(gid: &str) -> Result<()> {
    act(|| {
        prepared::roll_back(gid);
        Ok(())
    })
}
