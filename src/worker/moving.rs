//! Moving what a role owns, or what is to be default's: database by database, batch by batch.

use super::doing::{act, advance, incomplete, wait};
use super::dropping::roll_back_prepared;
use super::telling::{self, Audience};
use super::{elsewhere, home};
use crate::catalog::{self, State as Condition};
use crate::error::Result;
use crate::flat;
use crate::jobs::{self, Ended, Job, Kind, State};
use crate::ownership::{self, BatchOutcome, Pass, Scope};
use crate::permissions::takeover;
use crate::pg::value::Time;
use crate::pg::{authority, database, ident, time, worker, xact, Oid};
use crate::repair;
use crate::settings;

/// Pause before a blocked job is looked at again, in microseconds.
const BLOCKED: Time = 15_000_000;
/// Pause before busy objects are tried again by a later step, in microseconds.
pub(super) const BUSY: Time = 1_000_000;
/// How long one step goes on with busy objects before other moves get their turn, in microseconds.
const TURN: Time = 5_000_000;

/// What is done in a database other than home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visit {
    /// What a role owns changes hands.
    Move,
    /// And what else the role has there goes: it is about to be dropped.
    Clear,
}

/// How moving in one database ended.
pub(super) enum Moved {
    /// Nothing is left to move.
    All,
    /// Some objects are busy; said which.
    Busy(String),
    /// A person is needed; said for what.
    Blocked(String),
    /// The job is no longer wanted.
    Over,
}

/// Why a role is not acted on: it bears another name than the one that is managed. One that is gone
/// has nothing to act on.
pub(super) fn renamed(job: &Job) -> Result<Option<String>> {
    let bound = catalog::by_role(job.role)?.is_none_or(|credential| credential.is_bound());
    if bound || ident::role_name(job.role).is_none() {
        return Ok(None);
    }
    Ok(Some(
        "the role was renamed or replaced: rename it back".to_owned(),
    ))
}

/// Moves what is to be moved: other databases first, home last.
pub(super) fn all(job: &Job) -> Result<()> {
    if job.kind.drops_role() {
        if let Some(holder) = roll_back_prepared(job, job.role, true)? {
            wait(job, State::Waiting, BUSY, &holder);
            return Ok(());
        }
    }
    if let Some(why) = act(|| renamed(job))? {
        return put_off(job, Moved::Blocked(why));
    }
    let back = act(|| flat::back::scope(job))?;
    if let Some(why) = act(|| pointless(job, back.is_some()))? {
        return act(|| jobs::close(job.id, Ended::Failed, Some(why)));
    }
    // What is given back is no role's that goes: in other databases nothing is cleared.
    let visit = if back.is_some() {
        Visit::Move
    } else {
        Visit::Clear
    };
    let scope = match &back {
        Some(scope) => scope.clone(),
        None => act(|| scope(job))?,
    };
    match everywhere(job, &scope, visit)? {
        Moved::All => {}
        other => return put_off(job, other),
    }
    if back.is_some() && !act(|| given_back(job, &scope))? {
        return put_off(
            job,
            Moved::Busy("something was made in the schema meanwhile".to_owned()),
        );
    }
    if job.kind == Kind::Repair {
        restore_own_rights(job)?;
    }
    advance(job)
}

/// Moves what a scope holds: of a role also what it has in other databases, where `visit` says how much is
/// done; home last.
pub(super) fn everywhere(job: &Job, scope: &Scope, visit: Visit) -> Result<Moved> {
    if let Scope::Role { from, .. } = scope {
        for (database, name, _) in act(|| ownership::elsewhere(*from))? {
            match elsewhere::visit(job, database, &name, scope, visit)? {
                Moved::All => {}
                other => return Ok(other),
            }
        }
    }
    let audience = Audience::Home {
        job,
        before: act(|| done_before(job))?,
    };
    match in_this_database(scope, &audience)? {
        Moved::All => {}
        other => return Ok(other),
    }
    if let Scope::Role { from, .. } = scope {
        let blockers = act(|| ownership::blockers(*from))?;
        if !blockers.is_empty() {
            return Ok(Moved::Blocked(telling::blocked(&blockers)));
        }
    }
    Ok(Moved::All)
}

/// What a job had moved before, as its row says now.
pub(super) fn done_before(job: &Job) -> Result<i64> {
    Ok(jobs::find(job.id)?.map_or(0, |now| now.done))
}

/// Default gets back what it took from itself on its own objects, a batch a transaction.
fn restore_own_rights(job: &Job) -> Result<()> {
    loop {
        let restored = act(|| {
            worker::harden(settings::lock_timeout())?;
            ownership::restore_own_rights(job.role, settings::batch_size())
        })?;
        if restored == 0 {
            return Ok(());
        }
    }
}

pub(super) fn put_off(job: &Job, moved: Moved) -> Result<()> {
    match moved {
        Moved::All | Moved::Over => {}
        Moved::Busy(what) => wait(job, State::Waiting, BUSY, &what),
        Moved::Blocked(what) => wait(job, State::Blocked, BLOCKED, &what),
    }
    Ok(())
}

pub(super) fn scope(job: &Job) -> Result<Scope> {
    match job.kind {
        Kind::Repair => repair::scope(job.role, job.options),
        Kind::Move => {
            let group = job.reassign_to.ok_or_else(|| incomplete("group"))?;
            takeover::scope(group, job.options.include_unmanaged)
        }
        _ => Ok(Scope::Role {
            from: job.role,
            to: heir(job)?,
            alike: false,
        }),
    }
}

/// The group that has given everything back goes, if others let it.
fn given_back(job: &Job, scope: &Scope) -> Result<bool> {
    worker::harden(settings::lock_timeout())?;
    flat::back::finish(job, scope)
}

/// Why there is nothing more to move to the group of a schema, or back from it: it, or the schema, is gone.
fn pointless(job: &Job, back: bool) -> Result<Option<&'static str>> {
    match (job.kind, job.reassign_to) {
        _ if back => flat::back::pointless(job.role),
        (Kind::Move, Some(group)) => takeover::pointless(group),
        _ => Ok(None),
    }
}

/// Who inherits: the one that was named, or default where that one has gone meanwhile, is about to go, or
/// has become a superuser.
fn heir(job: &Job) -> Result<Oid> {
    let named = job.reassign_to.ok_or_else(|| incomplete("heir"))?;
    let fit = catalog::by_role(named)?.is_some_and(|c| {
        c.is_bound() && c.state != Condition::Destroying && !authority::is_superuser(named)
    });
    if fit {
        return Ok(named);
    }
    Ok(catalog::default_credential()?.role)
}

/// Moves in the database of this worker, batch by batch.
fn in_this_database(scope: &Scope, audience: &Audience) -> Result<Moved> {
    let started = time::now();
    let mut pass = act(|| Pass::begin(scope.clone()))?;
    let mut last = started;
    loop {
        crate::pg::fault::point("batch");
        let Some(batch) = act(|| batch(&mut pass, audience))? else {
            return Ok(Moved::Over);
        };
        audience.tell(&batch, &pass);
        if batch.finished {
            return Ok(ended(&pass, scope));
        }
        if batch.busy > 0 && time::now() - started > TURN {
            return Ok(Moved::Busy(telling::in_use(&batch)));
        }
        if let Audience::Home { job, .. } = audience {
            between(job, &mut last);
        }
        worker::nap(i64::try_from(batch.pause_ms).unwrap_or(1_000).max(1));
    }
}

/// Lets through what cannot wait for the end of a long job, now and then; `last` says when that was. Tells
/// whether it was now.
pub(super) fn between(job: &Job, last: &mut Time) -> bool {
    if time::now() - *last < home::BETWEEN {
        return false;
    }
    home::urgent(job);
    *last = time::now();
    true
}

/// What could not be moved keeps a role from going; a repair has told it.
fn ended(pass: &Pass, scope: &Scope) -> Moved {
    match scope {
        Scope::Role { .. } if !pass.stuck().is_empty() => {
            Moved::Blocked(telling::blocked(pass.stuck()))
        }
        _ => Moved::All,
    }
}

/// One batch in its transaction; nothing where the move is no longer wanted.
fn batch(pass: &mut Pass, audience: &Audience) -> Result<Option<BatchOutcome>> {
    worker::harden(settings::lock_timeout())?;
    if !audience.wants()? {
        return Ok(None);
    }
    let batch = pass.batch(settings::batch_size(), settings::lock_timeout())?;
    audience.note(&batch, pass)?;
    crate::pg::fault::point("batch_commit");
    xact::force_sync_commit();
    Ok(Some(batch))
}

/// The role's objects in the database of this worker are moved, and with [`Visit::Clear`] its rights are
/// cleared; for databases other than home, whose last transaction this is.
pub(super) fn here(scope: &Scope, visit: Visit, errand: u32) -> Result<Moved> {
    let Scope::Role { from: role, .. } = *scope else {
        return Ok(Moved::Over);
    };
    match in_this_database(scope, &Audience::Sender(errand))? {
        Moved::All if visit == Visit::Move => return Ok(Moved::All),
        Moved::All => {}
        other => return Ok(other),
    }
    let here = act(|| Ok(ident::database_name(database::current()).unwrap_or_default()))?;
    let mut blockers = act(|| ownership::blockers(role))?;
    blockers.retain(|b| b.database == here);
    if !blockers.is_empty() {
        return Ok(Moved::Blocked(telling::blocked(&blockers)));
    }
    super::dropping::close_here(scope, errand)
}
