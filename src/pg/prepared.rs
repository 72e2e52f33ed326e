//! Prepared transactions that hold a role.

use super::{authority, spi, Oid};
use crate::error::Result;
use pgrx::pg_sys;
use std::ffi::{c_char, CString};

extern "C-unwind" {
    // twophase.h, which pgrx does not bind.
    fn FinishPreparedTransaction(gid: *const c_char, isCommit: bool);
}

/// A prepared transaction that stands in the way of a role.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its name.
    pub gid: String,
    /// The database it was made in.
    pub database: String,
    /// Whether a superuser made it, and it is not ours to roll back.
    pub by_superuser: bool,
}

/// Prepared transactions that have changed the role's row, or that the role made.
pub fn holding(role: Oid) -> Result<Vec<Prepared>> {
    let Some(row) = spi::row(
        "SELECT a.xmax::pg_catalog.text::pg_catalog.int8 FROM pg_catalog.pg_authid a
          WHERE a.oid OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?
    else {
        return Ok(Vec::new());
    };
    let holder = top_level(row.int8(0)?);
    spi::query(
        "SELECT p.gid, d.datname::pg_catalog.text, p.ownerid
           FROM pg_catalog.pg_prepared_xact() p
           JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) p.dbid
          WHERE p.ownerid OPERATOR(pg_catalog.=) $1
             OR p.transaction::pg_catalog.text::pg_catalog.int8 OPERATOR(pg_catalog.=) $2",
        &[role.into(), holder.into()],
    )?
    .iter()
    .map(|row| {
        Ok(Prepared {
            gid: row.text(0)?,
            database: row.text(1)?,
            by_superuser: authority::is_superuser(row.oid(2)?),
        })
    })
    .collect()
}

/// The transaction that a subtransaction belongs to, where it still runs.
fn top_level(xid: i64) -> i64 {
    let Ok(xid) = u32::try_from(xid) else {
        return 0;
    };
    let xid = pg_sys::TransactionId::from(xid);
    // SAFETY: pg_subtrans is asked only for a transaction that is in progress, which it knows.
    unsafe {
        if !pg_sys::TransactionIdIsInProgress(xid) {
            return 0;
        }
        i64::from(pg_sys::SubTransGetTopmostTransaction(xid).into_inner())
    }
}

/// Rolls back a prepared transaction of this database. In a transaction of its own that does nothing
/// else, as ROLLBACK PREPARED demands.
pub fn roll_back(gid: &str) {
    let Ok(gid) = CString::new(gid) else { return };
    // SAFETY: a NUL-terminated name; the caller has a transaction with nothing in it. Errors come
    // through the guard as panics.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| FinishPreparedTransaction(gid.as_ptr(), false));
    }
}
