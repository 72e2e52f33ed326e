//! A rotation from its beginning to the drop of its twin: what [`stage::next`] says is done, one step a
//! transaction.

use super::doing::{act, besiege, finish, record, still_wanted, wait, SHORTLY};
use super::dropping::{clear_here, policies_left, roll_back_prepared, Dropped};
use super::ending::{self, Old};
use super::moving::{everywhere, put_off, Moved, Visit, BUSY};
use crate::catalog::{self, twin, Phase, State as Condition, Twin};
use crate::error::Result;
use crate::jobs::{self, Ended, Job, Kind, Stage, State};
use crate::ownership::{self, Scope};
use crate::pg::sweeps::{self, Cutover};
use crate::pg::value::Time;
use crate::pg::{ident, lock, replication, role, session, time, xact};
use crate::rotation::stage::{self, Facts, Step};
use crate::rotation::{soft, twin as roles};
use serde_json::json;

/// Sessions of the old password finish; then the cut-over.
pub(super) fn drain(job: &Job) -> Result<()> {
    let Some(twin) = act(|| present(job))? else {
        return Ok(());
    };
    note_commit(job, &twin)?;
    look_after_twin(job, &twin)?;
    let facts = facts(&twin)?;
    match stage::next(&facts) {
        Step::CutOver => cut_over(job),
        Step::Wait(until, why) => {
            tidy_up(job, &twin)?;
            wait(job, State::Waiting, until - time::now(), &stage::words(why));
            Ok(())
        }
        // Somebody has ended the rotation since.
        Step::Close | Step::EndTwin | Step::Retire => Ok(()),
    }
}

/// The twin of a rotation that still runs. Where role or twin is gone there is nothing to rotate.
fn present(job: &Job) -> Result<Option<Twin>> {
    let credential = catalog::by_role(job.role)?;
    let twin = twin::of(job.role)?.filter(|t| t.phase == Phase::Draining);
    let (Some(credential), Some(twin)) = (credential, twin) else {
        jobs::close(job.id, Ended::Cancelled, Some("the rotation was ended"))?;
        return Ok(None);
    };
    if !credential.is_bound() || ident::role_name(twin.role).is_none() {
        lock::credential(job.role)?;
        roles::end(&credential)?;
        catalog::set_state(job.role, Condition::Active)?;
        let why = "the role or its twin is gone or renamed";
        jobs::close(job.id, Ended::Failed, Some(why))?;
        return Ok(None);
    }
    Ok(Some(twin))
}

/// At the first look: where the log has the twin, and up to when sessions of a twin that was there before
/// are of an older password.
fn note_commit(job: &Job, twin: &Twin) -> Result<()> {
    if twin.renewed && twin.cut.is_none() {
        let cut = match sweeps::cutover(twin.role, twin.begun_at) {
            Cutover::At(cut) => cut,
            Cutover::BeforeTheStart => twin.begun_at,
            // It can be seen a moment before it is noted.
            Cutover::ToBeTold => time::now(),
        };
        act(|| twin::set_cut(twin.base, cut))?;
    }
    if twin.committed.is_none() {
        // A commit of this process comes after the one that made the twin.
        act(|| jobs::set_stage(job.id, Stage::Drain))?;
        if let Some(position) = replication::last_commit_end() {
            act(|| twin::set_committed(twin.base, &position))?;
        }
    }
    Ok(())
}

/// The password that is told must log in: where somebody changed the twin's, it is put back.
fn look_after_twin(job: &Job, twin: &Twin) -> Result<()> {
    if act(|| Ok(role::stored_verifier(twin.role)? == job.verifier))? {
        return Ok(());
    }
    besiege(job, || {
        lock::credential(job.role)?;
        if still_wanted(job)? && soft::put_back_twin(job, twin)? {
            record(
                job,
                "drift",
                json!({"job": job.id, "what": "the twin's password"}),
            )?;
        }
        Ok(())
    })?;
    Ok(())
}

/// What the twin's sessions made under the twin's own name goes to the role as soon as it is seen: the
/// role's own sessions could not use it.
fn tidy_up(job: &Job, twin: &Twin) -> Result<Moved> {
    if !act(|| ownership::owns_anything(twin.role))? {
        return Ok(Moved::All);
    }
    everywhere(job, &scope(twin)?, Visit::Move)
}

fn scope(twin: &Twin) -> Result<Scope> {
    // Where the role itself is gone, default inherits.
    let heir = if act(|| Ok(ident::role_name(twin.base).is_some()))? {
        twin.base
    } else {
        act(catalog::default_credential)?.role
    };
    Ok(Scope::Role {
        from: twin.role,
        to: heir,
        alike: heir == twin.base,
    })
}

fn facts(twin: &Twin) -> Result<Facts> {
    let twin = act(|| twin::of(twin.base))?.unwrap_or_else(|| twin.clone());
    let old = Old::of_draining(&twin).sessions();
    let waited_for = |s: &&session::Session| s.client && Some((s.pid, s.started)) != twin.caller;
    let behind = match &twin.committed {
        Some(position) => !act(|| replication::is_replayed(position))?,
        None => true,
    };
    Ok(Facts {
        phase: twin.phase,
        now: time::now(),
        begun_at: twin.begun_at,
        overlap_until: twin.overlap_until,
        deadline: twin.deadline,
        linger_until: twin.linger_until,
        old_sessions: old.iter().filter(waited_for).count(),
        twin_sessions: session::every_of_role(twin.role).len(),
        behind,
    })
}

/// The new password comes into force whoever holds the role.
fn cut_over(job: &Job) -> Result<()> {
    if let Some(holder) = roll_back_prepared(job, job.role, false)? {
        wait(job, State::Waiting, BUSY, &holder);
        return Ok(());
    }
    besiege(job, || {
        lock::credential(job.role)?;
        if !still_wanted(job)? {
            return Ok(());
        }
        let (Some(twin), Some(credential)) = (present(job)?, catalog::by_role(job.role)?) else {
            return Ok(());
        };
        if soft::cut_over(job, &credential, &twin)? {
            record(job, "drift", json!({"job": job.id, "what": "password"}))?;
        }
        record(job, "cutover", json!({"job": job.id}))?;
        crate::pg::fault::point("cutover_commit");
        Ok(())
    })?;
    Ok(())
}

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
    } else if let Some(found) = act(|| crate::pg::prepared::holding(twin.role, true))?.first() {
        let gid = crate::error::shown(&found.gid);
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
        soft::order_retirement(&twin, stage, crate::pg::BOOTSTRAP_SUPERUSER)?;
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

/// How often a lingering twin with sessions is looked at, in microseconds.
const TIDY: Time = 30_000_000;
