//! Keeping everybody's permissions still while they are changed.

use super::store;
use crate::catalog;
use crate::error::{Error, Kind, Result};
use crate::pg::authority::{self, has_privileges_of, is_superuser};
use crate::pg::session::{self, Session};
use crate::pg::{lock, log, xact};

/// How long who is at it may finish before who has no limits ends his session, in milliseconds.
const PATIENCE: i32 = 300;

/// Keeps everybody's permissions as they are until the end of the transaction, but for what it does itself.
///
/// A collaborator whose transaction is open could so keep what he has: who has no limits (`unlimited`) ends the
/// session of one who has and does not come to an end.
///
/// # Errors
/// `Kind::Timeout` where it is not to be had.
pub fn hold(unlimited: bool) -> Result<()> {
    if !try_hold(PATIENCE)? {
        if unlimited {
            end_holders()?;
        }
        if !try_hold(xact::present_lock_timeout())? {
            return Err(busy());
        }
    }
    authority::catch_up();
    Ok(())
}

fn try_hold(patience: i32) -> Result<bool> {
    let _patience = xact::lock_timeout(patience);
    match xact::subtransaction(lock::collaborators) {
        Ok(had) => had.map(|()| true),
        Err(caught) if caught.is_contention() => Ok(false),
        Err(caught) => Err(Kind::Internal.error(format!("SQLSTATE {} at a lock", caught.sqlstate))),
    }
}

/// Ends the sessions that have the lock and whose login has limits. Those of superusers, and of who has default's
/// rights, are waited for.
fn end_holders() -> Result<()> {
    let default = catalog::default_role()?;
    let has_limits = |s: &Session| {
        !is_superuser(s.role) && !default.is_some_and(|default| has_privileges_of(s.role, default))
    };
    for pid in store::lock_holders()? {
        let Some(holder) = session::by_pid(pid).filter(has_limits) else {
            continue;
        };
        if session::end(&holder) {
            log::notice(
                "the session of a collaborator who left a change of permissions open is ended",
            );
            log::line(&format!(
                "credential_manager: session {pid} held up a change of permissions, and was asked to end"
            ));
        }
    }
    Ok(())
}

fn busy() -> Error {
    Kind::Timeout
        .error("somebody else is changing permissions")
        .detail("His transaction is open.")
        .hint("Call again; SELECT * FROM pg_locks WHERE classid = 'credentials.collaborator'::regclass; tells his process.")
}
