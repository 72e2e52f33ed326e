//! The end of a rotation's twin: closed when its linger is over, emptied, dropped.

use super::doing::{act, besiege, finish, record, still_wanted, wait, SHORTLY};
use super::dropping::{clear_here, policies_left, roll_back_prepared, Dropped};
use super::ending;
use super::moving::{everywhere, put_off, Moved, Visit, BUSY};
use super::rotating::{facts, scope, tidy_up};
use crate::catalog::{twin, Phase, Twin};
use crate::error::{shown, Result};
use crate::jobs::{self, Job, Kind, Stage, State};
use crate::ownership;
use crate::pg::value::Time;
use crate::pg::{ident, lock, prepared, role, session, time, xact, BOOTSTRAP_SUPERUSER};
use crate::rotation::stage::{self, Step};
use crate::rotation::{soft, twin as roles};
use serde_json::json;

/// How often a lingering twin with sessions is looked at, in microseconds.
const TIDY: Time = 30_000_000;

/// The linger is over: the twin's name logs in no more, its sessions may finish.
pub(super) fn close(job: &Job) -> Result<()> {
    let Some(twin) = act(|| twin::of(job.role))? else {
        return finish(job);
    };
    let facts = facts(&twin)?;
    match stage::next(&facts) {
        Step::Close => {
            besiege(job, || {
                lock::credential(job.role)?;
                let lingers = twin::of(job.role)?.is_some_and(|t| t.phase == Phase::Lingering);
                if still_wanted(job)? && lingers {
                    roles::close(&twin)?;
                    twin::set_phase(job.role, Phase::Retiring, twin.linger_until)?;
                    jobs::set_stage(job.id, Stage::Close)?;
                }
                Ok(())
            })?;
            Ok(())
        }
        Step::Wait(until, why) => {
            wait(job, State::Waiting, until - time::now(), &stage::words(why));
            Ok(())
        }
        Step::EndTwin | Step::Retire => act(|| jobs::set_stage(job.id, Stage::Retire)),
        Step::CutOver => finish(job),
    }
}

/// What the twin owns goes to the role, and a twin that is closed goes.
pub(super) fn retire(job: &Job) -> Result<()> {
    let Some(twin) = act(|| twin::of(job.role))? else {
        return past(job);
    };
    let is_due = twin.linger_until.is_some_and(|until| until <= time::now());
    if job.kind == Kind::Retire && twin.phase == Phase::Lingering && is_due {
        // What is in use does not keep the name good.
        return act(|| jobs::set_stage(job.id, Stage::Close));
    }
    if twin.phase.is_open() {
        // Nothing ends here but what the twin came to own.
        return match tidy_up(job, &twin)? {
            Moved::All => past(job),
            other if job.kind == Kind::Retire => put_off(job, other),
            _ => past(job),
        };
    }
    if let Some(why) = left_by(&twin, job)? {
        wait(job, State::Waiting, SHORTLY, &why);
        return Ok(());
    }
    match everywhere(job, &scope(&twin)?, Visit::Clear)? {
        Moved::All => drop_twin(job, &twin),
        other => put_off(job, other),
    }
}

/// Sessions and prepared transactions of a closed twin: of one that was ended they are ended, others may
/// finish. Says what is left.
fn left_by(twin: &Twin, job: &Job) -> Result<Option<String>> {
    let sessions = session::every_of_role(twin.role);
    if twin.phase == Phase::Ended {
        for found in &sessions {
            session::end(found);
        }
        if let Some(holder) = roll_back_prepared(job, twin.role, true)? {
            return Ok(Some(holder));
        }
    } else if let Some(found) = act(|| prepared::holding(twin.role, true))?.first() {
        let gid = shown(&found.gid);
        return Ok(Some(format!(
            "prepared transaction \"{gid}\" holds the twin"
        )));
    }
    Ok((!sessions.is_empty()).then(|| stage::words(stage::Why::TwinSessions(sessions.len()))))
}

fn drop_twin(job: &Job, twin: &Twin) -> Result<()> {
    let scope = scope(twin)?;
    let outcome = besiege(job, || {
        lock::credential(job.role)?;
        let now = twin::of(job.role)?;
        if !still_wanted(job)? || now.is_none_or(|t| t.phase.is_open()) {
            return Ok(Dropped::Over);
        }
        if let Some(name) = ident::role_name(twin.role) {
            match clear_here(job, &scope, twin.role)? {
                Dropped::Yes => {}
                other => return Ok(other),
            }
            crate::pg::fault::point("before_retire");
            role::drop(twin.role, &name)?;
        }
        roles::forget(twin.base)?;
        record(job, "retire", json!({"job": job.id}))?;
        xact::force_sync_commit();
        Ok(Dropped::Yes)
    })?;
    match outcome {
        Some(Dropped::Yes | Dropped::Over) => past(job),
        Some(Dropped::MoreToMove) => {
            wait(
                job,
                State::Waiting,
                BUSY,
                "something was made or opened meanwhile",
            );
            Ok(())
        }
        Some(Dropped::Busy(left)) => {
            wait(job, State::Waiting, BUSY, &policies_left(left));
            Ok(())
        }
        None => Ok(()),
    }
}

/// On from the twin's end, where there was one, to the rest of the job.
pub(super) fn past(job: &Job) -> Result<()> {
    match job.kind {
        Kind::Rotate => ending::look_after(job, job.cutover.unwrap_or(job.created_at)),
        _ => super::doing::advance(job),
    }
}

/// Twins that nobody is at, though they are closed or due to be, and open ones that own something.
pub(super) fn order_retirements() -> Result<()> {
    for twin in twin::all()? {
        let due = twin.linger_until.is_some_and(|until| until <= time::now());
        let stage = match twin.phase {
            Phase::Lingering if due => Stage::Close,
            Phase::Lingering if ownership::owns_anything(twin.role)? => Stage::Retire,
            Phase::Retiring => Stage::Close,
            Phase::Ended => Stage::Retire,
            _ => continue,
        };
        soft::order_retirement(&twin, stage, BOOTSTRAP_SUPERUSER)?;
    }
    Ok(())
}

/// When a twin is next to be looked at: at the end of its linger, and while it has sessions, which may make
/// something under its own name.
pub(super) fn next_due(now: Time) -> Result<Option<Time>> {
    let mut due = None;
    for twin in twin::all()? {
        if twin.phase != Phase::Lingering {
            continue;
        }
        let in_use = !session::every_of_role(twin.role).is_empty();
        let next = [twin.linger_until, in_use.then_some(now + TIDY)];
        due = next.into_iter().flatten().chain(due).min();
    }
    Ok(due)
}
