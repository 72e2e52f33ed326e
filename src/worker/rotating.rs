//! A rotation up to its cut-over: what [`stage::next`] says is done, one step a transaction.

use super::doing::{act, besiege, record, still_wanted, wait};
use super::dropping::roll_back_prepared;
use super::ending::Old;
use super::home;
use super::moving::{everywhere, renamed, Moved, Visit, BUSY};
use crate::catalog::{self, twin, Credential, Phase, State as Condition, Twin};
use crate::error::Result;
use crate::jobs::{self, Ended, Job, Stage, State};
use crate::ownership::{self, Scope};
use crate::pg::sweeps::{self, Cutover};
use crate::pg::{ident, lock, replication, role, session, time};
use crate::rotation::stage::{self, Facts, Step};
use crate::rotation::{soft, twin as roles};
use serde_json::json;

/// Sessions of the old password finish; then the cut-over.
pub(super) fn drain(job: &Job) -> Result<()> {
    let Some((credential, twin)) = act(|| present(job))? else {
        return Ok(());
    };
    if let Some(why) = act(|| renamed(job))? {
        wait(job, State::Blocked, BUSY, &why);
        return Ok(());
    }
    if !act(|| Ok(is_there(&credential, &twin)))? {
        // What is told would not log in: the role itself takes the new password at once.
        return cut_over(job);
    }
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

/// The credential and the twin of a rotation that still runs. Where the role is gone there is nothing to
/// rotate.
fn present(job: &Job) -> Result<Option<(Credential, Twin)>> {
    let credential = catalog::by_role(job.role)?;
    let twin = twin::of(job.role)?.filter(|t| t.phase == Phase::Draining);
    let (Some(credential), Some(twin)) = (credential, twin) else {
        jobs::close(job.id, Ended::Cancelled, Some("the rotation was ended"))?;
        return Ok(None);
    };
    if ident::role_name(job.role).is_none() {
        lock::credential(job.role)?;
        roles::end(&credential)?;
        catalog::set_state(job.role, Condition::Active)?;
        jobs::close(job.id, Ended::Failed, Some("the role is gone"))?;
        return Ok(None);
    }
    Ok(Some((credential, twin)))
}

/// Whether the twin is there under the name that is told.
fn is_there(credential: &Credential, twin: &Twin) -> bool {
    ident::role_name(twin.role).as_deref() == Some(credential.twin_name().as_str())
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
pub(super) fn tidy_up(job: &Job, twin: &Twin) -> Result<Moved> {
    if home::is_in_between() || !act(|| ownership::owns_anything(twin.role))? {
        return Ok(Moved::All);
    }
    everywhere(job, &scope(twin)?, Visit::Move)
}

pub(super) fn scope(twin: &Twin) -> Result<Scope> {
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

pub(super) fn facts(twin: &Twin) -> Result<Facts> {
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
        let Some((credential, twin)) = present(job)?.filter(|(c, _)| c.is_bound()) else {
            return Ok(());
        };
        let lingers = is_there(&credential, &twin);
        if soft::cut_over(job, &credential, &twin, lingers)? {
            record(job, "drift", json!({"job": job.id, "what": "password"}))?;
        }
        record(job, "cutover", json!({"job": job.id}))?;
        crate::pg::fault::point("cutover_commit");
        Ok(())
    })?;
    Ok(())
}
