//! Moving what a role owns, database by database, and dropping the role in the end.

use super::doing::{
    act, advance, besiege, besieged, holdout, incomplete, roll_back, still_wanted, wait,
};
use super::{elsewhere, home};
use crate::catalog;
use crate::error::{shown, Result};
use crate::events::{self, Actor};
use crate::jobs::{self, Ended, Job, Kind, State};
use crate::ownership::{self, BatchOutcome, Closed, Item, Pass, Scope};
use crate::pg::value::Time;
use crate::pg::{database, ident, lock, prepared, role, session, time, worker, xact, Oid};
use crate::repair;
use crate::settings;
use serde_json::json;

/// Pause before a blocked job is looked at again, in microseconds.
const BLOCKED: Time = 15_000_000;
/// Pause before busy objects are tried again by a later step, in microseconds.
const BUSY: Time = 1_000_000;
/// How long one step goes on with busy objects before other jobs get their turn, in microseconds.
const TURN: Time = 30_000_000;
/// Reports that an event holds at most; the rest is counted.
const TOLD: usize = 50;

/// How moving in one database ended.
pub(super) enum Moved {
    /// Nothing is left to move.
    All,
    /// Some objects are busy; said which.
    Busy(String),
    /// A person is needed; said for what.
    Blocked(String),
}

/// Moves what is to be moved: other databases first, home last.
pub(super) fn all(job: &Job) -> Result<()> {
    if let Some(holder) = roll_back_prepared(job)? {
        wait(job, State::Waiting, BUSY, &holder);
        return Ok(());
    }
    if let Some(why) = act(|| renamed(job))? {
        return put_off(job, Moved::Blocked(why));
    }
    if job.kind.drops_role() {
        let heir = job.reassign_to.ok_or_else(|| incomplete("heir"))?;
        for (database, name, _) in act(|| ownership::elsewhere(job.role))? {
            match elsewhere::clear(job, database, &name, heir)? {
                Moved::All => {}
                other => return put_off(job, other),
            }
        }
    }
    let scope = act(|| scope(job))?;
    match in_this_database(&scope, Some(job))? {
        Moved::All => {}
        other => return put_off(job, other),
    }
    if job.kind.drops_role() {
        let blockers = act(|| ownership::blockers(job.role))?;
        if !blockers.is_empty() {
            return put_off(
                job,
                Moved::Blocked(told("only a superuser may own it", &blockers)),
            );
        }
    } else {
        restore_own_rights(job)?;
    }
    advance(job)
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

/// Why a role is not acted on: it bears another name than the one that is managed. One that is gone
/// has nothing to act on.
fn renamed(job: &Job) -> Result<Option<String>> {
    let bound = catalog::by_role(job.role)?.is_none_or(|credential| credential.is_bound());
    if bound || ident::role_name(job.role).is_none() {
        return Ok(None);
    }
    Ok(Some(
        "the role was renamed or replaced: rename it back".to_owned(),
    ))
}

fn put_off(job: &Job, moved: Moved) -> Result<()> {
    match moved {
        Moved::All => {}
        Moved::Busy(what) => wait(job, State::Waiting, BUSY, &what),
        Moved::Blocked(what) => wait(job, State::Blocked, BLOCKED, &what),
    }
    Ok(())
}

fn scope(job: &Job) -> Result<Scope> {
    if job.kind == Kind::Repair {
        return repair::scope(job.role, job.options);
    }
    Ok(Scope::Role {
        from: job.role,
        to: job.reassign_to.ok_or_else(|| incomplete("heir"))?,
    })
}

/// Moves in the database of this worker, batch by batch. `job` is written to where its table is here.
pub(super) fn in_this_database(scope: &Scope, job: Option<&Job>) -> Result<Moved> {
    let started = time::now();
    let mut last = started;
    let mut pass = act(|| Pass::begin(scope.clone()))?;
    loop {
        crate::pg::fault::point("batch");
        let Some(batch) = act(|| batch(&mut pass, job))? else {
            return Ok(Moved::All);
        };
        if batch.finished {
            return Ok(Moved::All);
        }
        if let Some(job) = job.filter(|_| time::now() - last > home::BETWEEN) {
            home::urgent(job);
            last = time::now();
        }
        if batch.busy > 0 && time::now() - started > TURN {
            return Ok(Moved::Busy(format!(
                "{} objects are in use: {}",
                batch.busy,
                batch.busy_first.join(", ")
            )));
        }
        worker::nap(i64::try_from(batch.pause_ms).unwrap_or(1_000).max(1));
    }
}

/// One batch in its transaction; nothing where the job is no longer wanted.
fn batch(pass: &mut Pass, job: Option<&Job>) -> Result<Option<BatchOutcome>> {
    worker::harden(settings::lock_timeout())?;
    if let Some(job) = job {
        if !still_wanted(job)? {
            return Ok(None);
        }
    }
    let batch = pass.batch(settings::batch_size(), settings::lock_timeout())?;
    if let Some(job) = job {
        note(job, &batch.notes, pass.done(), pass.total())?;
    }
    crate::pg::fault::point("batch_commit");
    xact::force_sync_commit();
    Ok(Some(batch))
}

/// "table a.b, view c.d and 3 more are in use".
fn told(what: &str, items: &[Item]) -> String {
    let first: Vec<String> = items
        .iter()
        .take(3)
        .map(|i| format!("{} {}", i.kind, shown(&i.object)))
        .collect();
    let more = items.len().saturating_sub(3);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{more}: {what}", first.join(", "))
}

fn note(job: &Job, reports: &[Item], done: u64, total: u64) -> Result<()> {
    let here = ident::database_name(database::current()).unwrap_or_default();
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    jobs::set_progress(job.id, &here, number(done), number(total))?;
    report(job, reports)
}

/// What was neutralised, skipped or put back is an event.
fn report(job: &Job, reports: &[Item]) -> Result<()> {
    if reports.is_empty() {
        return Ok(());
    }
    let told: Vec<_> = reports
        .iter()
        .take(TOLD)
        .map(|i| json!({"database": i.database, "kind": i.kind, "object": i.object, "action": i.action.as_str(), "note": i.note}))
        .collect();
    let action = if job.kind == Kind::Repair {
        "repair_default"
    } else {
        job.kind.as_str()
    };
    let detail = json!({"job": job.id, "objects": told, "count": reports.len()});
    events::record(
        Actor::Worker,
        action,
        Some(&job.name),
        Some(job.role),
        detail,
    )
}

/// The last transaction: what is left of the role here is cleared, and the role is dropped.
pub(super) fn drop_role(job: &Job) -> Result<()> {
    if let Some(holder) = roll_back_prepared(job)? {
        wait(job, State::Waiting, BUSY, &holder);
        return Ok(());
    }
    let outcome = besiege(job, || {
        lock::credential(job.role)?;
        if !still_wanted(job)? {
            return Ok(Dropped::Over);
        }
        let Some(credential) = catalog::by_role(job.role)? else {
            return Ok(Dropped::Over);
        };
        if !ownership::elsewhere(job.role)?.is_empty() {
            return Ok(Dropped::MoreToMove);
        }
        let reports = match ownership::close_database(job.role)? {
            Closed::Done { notes } => notes,
            Closed::ObjectsLeft(_) => return Ok(Dropped::MoreToMove),
            Closed::Busy { notes, left } => {
                report(job, &notes)?;
                return Ok(Dropped::Busy(left));
            }
        };
        if !session::every_of_role(job.role).is_empty() {
            return Ok(Dropped::MoreToMove);
        }
        crate::pg::fault::point("before_drop");
        report(job, &reports)?;
        // A superuser may have dropped it already: then there is the row to remove.
        if ident::role_name(job.role).is_some() {
            role::drop(job.role, &credential.role_name)?;
        }
        catalog::delete(job.role)?;
        jobs::close(job.id, Ended::Done, None)?;
        let detail = json!({"job": job.id, "role_dropped": true});
        events::record(
            Actor::Worker,
            job.kind.as_str(),
            Some(&job.name),
            Some(job.role),
            detail,
        )?;
        xact::force_sync_commit();
        Ok(Dropped::Yes)
    })?;
    crate::pg::fault::point("after_drop");
    match outcome {
        Some(Dropped::MoreToMove) => {
            // Something was made or opened since: nothing was changed, and moving starts again.
            act(|| jobs::set_stage(job.id, jobs::Stage::EndSessions))?;
            let why = "something was made or opened meanwhile";
            wait(job, State::Waiting, BUSY, why);
        }
        Some(Dropped::Busy(left)) => wait(job, State::Waiting, BUSY, &policies_left(left)),
        // The role went with another job, or this one was cancelled: then closing it changes nothing.
        Some(Dropped::Over) => act(|| jobs::close(job.id, Ended::Done, None))?,
        Some(Dropped::Yes) | None => {}
    }
    Ok(())
}

enum Dropped {
    Yes,
    /// The job is no longer wanted.
    Over,
    MoreToMove,
    /// So many policies are left on tables in use; what is done is committed.
    Busy(u64),
}

fn policies_left(left: u64) -> String {
    format!("{left} policies for the role stand on tables in use")
}

/// Prepared transactions that hold the role are rolled back, each in its database. Gives a text where
/// one is not ours to roll back.
pub(super) fn roll_back_prepared(job: &Job) -> Result<Option<String>> {
    if job.kind == Kind::Repair {
        return Ok(None);
    }
    let here = name_of_here()?;
    // A role that goes takes its own prepared transactions with it, as it does its sessions.
    let all = job.kind.drops_role();
    for found in act(|| prepared::holding(job.role, all))? {
        if found.by_superuser {
            return Ok(Some(format!(
                "a superuser's prepared transaction \"{}\" holds the role",
                shown(&found.gid)
            )));
        }
        if found.database == here {
            roll_back(&found.gid)?;
        } else if let Some(database) = act(|| Ok(ident::database_oid(&found.database)))? {
            elsewhere::roll_back(database, job.role, all)?;
        }
        act(|| {
            let detail = json!({"job": job.id, "prepared_transaction": shown(&found.gid)});
            events::record(
                Actor::Worker,
                "end_session",
                Some(&job.name),
                Some(job.role),
                detail,
            )
        })?;
    }
    Ok(None)
}

fn name_of_here() -> Result<String> {
    act(|| Ok(ident::database_name(database::current()).unwrap_or_default()))
}

/// The role's objects in the database of this worker are moved and its rights cleared; for databases
/// other than home, whose last transaction this is.
pub(super) fn clear_here(role: Oid, heir: Oid) -> Result<Moved> {
    let scope = Scope::Role {
        from: role,
        to: heir,
    };
    match in_this_database(&scope, None)? {
        Moved::All => {}
        other => return Ok(other),
    }
    let here = name_of_here()?;
    let mut blockers = act(|| ownership::blockers(role))?;
    blockers.retain(|b| b.database == here);
    if !blockers.is_empty() {
        return Ok(Moved::Blocked(told(
            "only a superuser may own it",
            &blockers,
        )));
    }
    let Some(closed) = besieged(|| ownership::close_database(role))? else {
        return Ok(Moved::Busy(holdout()));
    };
    Ok(match closed {
        Closed::Done { .. } => Moved::All,
        Closed::ObjectsLeft(n) => Moved::Busy(format!("{n} objects were made meanwhile")),
        Closed::Busy { left, .. } => Moved::Busy(policies_left(left)),
    })
}
