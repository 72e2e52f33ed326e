//! Keeping still what collaborators and others change, for as long as somebody changes it.

use super::store;
use crate::catalog;
use crate::error::{Error, Kind, Result};
use crate::pg::authority::{self, is_member, is_superuser};
use crate::pg::session::{self, Session};
use crate::pg::{lock, log, xact};

/// How long who is at it may finish before who has no limits ends his session, in milliseconds.
const PATIENCE: i32 = 300;

/// A lock that a collaborator's call takes, and everybody else's of its kind too.
struct Shared {
    take: fn() -> Result<()>,
    /// The table that it is on, and nothing in it.
    table: &'static str,
    /// What whoever has it is doing.
    doing: &'static str,
}

const PERMISSIONS: Shared = Shared {
    take: lock::collaborators,
    table: "collaborator",
    doing: "changing permissions",
};

const COUNTER: Shared = Shared {
    take: lock::counter,
    table: "credential",
    doing: "making a credential",
};

/// Keeps everybody's permissions as they are until the end of the transaction, but for what it does itself.
///
/// A collaborator whose transaction is open could so keep what he has: who has no limits (`unlimited`) ends the
/// session of one who has and does not come to an end.
///
/// # Errors
/// `Kind::Timeout` where it is not to be had.
pub fn hold(unlimited: bool) -> Result<()> {
    keep(&PERMISSIONS, unlimited)?;
    authority::catch_up();
    Ok(())
}

/// Keeps the number of credentials as it is until the end of the transaction, but for what it does itself; the
/// rest as for [`hold`].
///
/// # Errors
/// `Kind::Timeout` where it is not to be had.
pub fn hold_counter(unlimited: bool) -> Result<()> {
    keep(&COUNTER, unlimited)
}

fn keep(shared: &Shared, unlimited: bool) -> Result<()> {
    if try_hold(shared, PATIENCE)? {
        return Ok(());
    }
    if unlimited {
        end_holders(shared)?;
    }
    match try_hold(shared, xact::present_lock_timeout())? {
        true => Ok(()),
        false => Err(busy(shared)),
    }
}

fn try_hold(shared: &Shared, patience: i32) -> Result<bool> {
    let _patience = xact::lock_timeout(patience);
    match xact::subtransaction(shared.take) {
        Ok(had) => had.map(|()| true),
        Err(caught) if caught.is_contention() => Ok(false),
        Err(caught) => Err(Kind::Internal.error(format!("SQLSTATE {} at a lock", caught.sqlstate))),
    }
}

/// Ends the sessions that have the lock and whose login has limits. Those of superusers, and of who has default's
/// rights, are waited for.
fn end_holders(shared: &Shared) -> Result<()> {
    let default = catalog::default_role()?;
    // Who is a member without inheriting may be there by SET ROLE, without limits.
    let has_limits = |s: &Session| {
        !is_superuser(s.role) && !default.is_some_and(|default| is_member(s.role, default))
    };
    for pid in store::lock_holders(shared.table)? {
        let Some(holder) = session::by_pid(pid).filter(has_limits) else {
            continue;
        };
        if session::end(&holder) {
            let doing = shared.doing;
            log::notice(&format!(
                "the session of a collaborator is ended, who was {doing} and left his transaction open"
            ));
            log::line(&format!(
                "credential_manager: session {pid} was {doing} and held others up, and was asked to end"
            ));
        }
    }
    Ok(())
}

fn busy(shared: &Shared) -> Error {
    Kind::Timeout
        .error(format!("somebody else is {}", shared.doing))
        .detail("His transaction is open.")
        .hint(format!(
            "Call again; SELECT * FROM pg_locks WHERE classid = 'credentials.{}'::regclass AND objid = 0; tells his process.",
            shared.table
        ))
}
