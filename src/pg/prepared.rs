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

/// Prepared transactions that have changed the role's row. With `all` also those that stand in the way of
/// its end: that have changed a row about it, or have locked it, or that the role made.
pub fn holding(role: Oid, all: bool) -> Result<Vec<Prepared>> {
    let changed: Vec<String> = spi::query(
        "SELECT x.id::pg_catalog.text::pg_catalog.int8
           FROM (SELECT a.xmax FROM pg_catalog.pg_authid a WHERE a.oid OPERATOR(pg_catalog.=) $1
                 UNION ALL
                 SELECT m.xmax FROM pg_catalog.pg_auth_members m
                  WHERE $2 AND $1 OPERATOR(pg_catalog.=) ANY (ARRAY[m.roleid, m.member, m.grantor])
                 UNION ALL
                 SELECT s.xmax FROM pg_catalog.pg_db_role_setting s
                  WHERE $2 AND s.setrole OPERATOR(pg_catalog.=) $1
                 UNION ALL
                 SELECT d.xmax FROM pg_catalog.pg_shdepend d
                  WHERE $2 AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
                    AND d.refobjid OPERATOR(pg_catalog.=) $1) x(id)
          WHERE x.id OPERATOR(pg_catalog.<>) '0'::pg_catalog.xid
          GROUP BY 1",
        &[role.into(), all.into()],
    )?
    .iter()
    .map(|row| Ok(top_level(row.int8(0)?).to_string()))
    .collect::<Result<_>>()?;
    // A lock of a prepared transaction has no process; its number is that of the lock on itself.
    spi::query(
        "SELECT p.gid, d.datname::pg_catalog.text, p.ownerid
           FROM pg_catalog.pg_prepared_xact() p
           JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) p.dbid
          WHERE ($3 AND p.ownerid OPERATOR(pg_catalog.=) $1)
             OR p.transaction::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($2)
             OR $3 AND EXISTS (SELECT FROM pg_catalog.pg_lock_status() l, pg_catalog.pg_lock_status() t
                         WHERE l.pid IS NULL AND t.pid IS NULL
                           AND l.locktype OPERATOR(pg_catalog.=) 'object'
                           AND l.database OPERATOR(pg_catalog.=) 0::pg_catalog.oid
                           AND l.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
                           AND l.objid OPERATOR(pg_catalog.=) $1
                           AND t.locktype OPERATOR(pg_catalog.=) 'transactionid'
                           AND t.transactionid OPERATOR(pg_catalog.=) p.transaction
                           AND t.virtualtransaction OPERATOR(pg_catalog.=) l.virtualtransaction)",
        &[role.into(), changed.into(), all.into()],
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
