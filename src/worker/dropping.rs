//! The end of a role: what it has left is cleared, database by database, and the role is dropped at home.

use super::doing::{act, besiege, besieged, holdout, roll_back, still_wanted, wait};
use super::elsewhere;
use super::moving::{self, Moved, BUSY};
use super::telling;
use crate::catalog;
use crate::collaborators;
use crate::error::{shown, Result};
use crate::events::{self, Actor};
use crate::jobs::{self, Ended, Job, State};
use crate::ownership::{self, Closed, Scope};
use crate::pg::{database, ident, lock, prepared, role, session, xact, Oid};
use crate::settings;
use serde_json::json;

/// How the last transaction of a role ended.
pub(super) enum Dropped {
    /// It is gone, or all is cleared for that.
    Yes,
    /// The job is no longer wanted.
    Over,
    MoreToMove,
    /// So many policies are left on tables in use; what is done is committed.
    Busy(u64),
}

/// The last transaction: what is left of the role here is cleared, and the role is dropped.
pub(super) fn drop_role(job: &Job) -> Result<()> {
    if let Some(holder) = roll_back_prepared(job, job.role, true)? {
        wait(job, State::Waiting, BUSY, &holder);
        return Ok(());
    }
    if let Some(why) = act(|| moving::renamed(job))? {
        wait(job, State::Blocked, BUSY, &why);
        return Ok(());
    }
    let outcome = besiege(job, || clear_and_drop(job))?;
    crate::pg::fault::point("after_drop");
    match outcome {
        Some(Dropped::MoreToMove) => {
            // So much was made, or something was opened, since: moving starts again.
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

fn clear_and_drop(job: &Job) -> Result<Dropped> {
    lock::credential(job.role)?;
    if !still_wanted(job)? {
        return Ok(Dropped::Over);
    }
    let Some(credential) = catalog::by_role(job.role)? else {
        return Ok(Dropped::Over);
    };
    match clear_here(job, &moving::scope(job)?, job.role)? {
        Dropped::Yes => {}
        other => return Ok(other),
    }
    crate::pg::fault::point("before_drop");
    // A superuser may have dropped it already: then there is the row to remove.
    if ident::role_name(job.role).is_some() {
        role::drop(job.role, &credential.role_name)?;
    }
    catalog::delete(job.role)?;
    collaborators::forget_credential(job.role)?;
    collaborators::forget(job.role)?;
    jobs::close(job.id, Ended::Done, None)?;
    let detail = json!({"job": job.id, "role_dropped": true});
    let (name, role) = (Some(job.name.as_str()), Some(job.role));
    events::record(Actor::Worker, job.kind.as_str(), name, role, detail)?;
    xact::force_sync_commit();
    Ok(Dropped::Yes)
}

/// Clears what a role has left at home, right before it is dropped.
pub(super) fn clear_here(job: &Job, scope: &Scope, role: Oid) -> Result<Dropped> {
    if !ownership::elsewhere(role)?.is_empty() {
        return Ok(Dropped::MoreToMove);
    }
    let (notes, outcome) = match ownership::close_database(scope, settings::batch_size())? {
        Closed::Done { notes } => (notes, Dropped::Yes),
        Closed::ObjectsLeft { notes, .. } => (notes, Dropped::MoreToMove),
        Closed::Busy { notes, left } => (notes, Dropped::Busy(left)),
    };
    if matches!(outcome, Dropped::Yes) && !session::every_of_role(role).is_empty() {
        return Ok(Dropped::MoreToMove);
    }
    telling::report(job, notes.iter().map(telling::as_json))?;
    Ok(outcome)
}

pub(super) fn policies_left(left: u64) -> String {
    format!("{left} policies for the role stand on tables in use")
}

/// The last transaction of the role in another database than home. Who holds the role is ended, as at home.
pub(super) fn close_here(scope: &Scope, errand: u32) -> Result<Moved> {
    let batch_size = settings::batch_size();
    let Some(closed) = besieged(|| ownership::close_database(scope, batch_size))? else {
        return Ok(Moved::Busy(holdout()));
    };
    Ok(match closed {
        Closed::Done { notes } => {
            telling::tell_sender(errand, &notes);
            Moved::All
        }
        Closed::ObjectsLeft { notes, left } => {
            telling::tell_sender(errand, &notes);
            Moved::Busy(format!("{left} objects were made meanwhile"))
        }
        Closed::Busy { notes, left } => {
            telling::tell_sender(errand, &notes);
            Moved::Busy(policies_left(left))
        }
    })
}

/// Prepared transactions that hold the role are rolled back, each in its database; of a role that goes `all`
/// of its own, as its sessions are ended. Gives a text where one is not ours to roll back.
pub(super) fn roll_back_prepared(job: &Job, role: Oid, all: bool) -> Result<Option<String>> {
    let here = act(|| Ok(ident::database_name(database::current()).unwrap_or_default()))?;
    for found in act(|| prepared::holding(role, all))? {
        if found.by_superuser {
            return Ok(Some(format!(
                "a superuser's prepared transaction \"{}\" holds the role",
                shown(&found.gid)
            )));
        }
        if found.database == here {
            roll_back(&found.gid)?;
        } else if let Some(database) = act(|| Ok(ident::database_oid(&found.database)))? {
            elsewhere::roll_back(job, role, database, all)?;
        }
        act(|| {
            let detail = json!({"job": job.id, "prepared_transaction": shown(&found.gid)});
            let (name, role) = (Some(job.name.as_str()), Some(job.role));
            events::record(Actor::Worker, "end_session", name, role, detail)
        })?;
    }
    Ok(None)
}
