//! The first verifier of a role that this very transaction has made.
//!
//! `CREATE ROLE … PASSWORD` with a verifier tries the empty password against it (user.c, CreateRole): a whole
//! SCRAM derivation, most of what the statement costs. Where the verifier was computed here, from a password
//! that is known not to be empty, that tells nothing. So the role is made without a password, by the usual
//! node, and gets its verifier as CreateRole itself stores it: `check_password_hook` is asked, the row is
//! written, who watches objects is told. Any later change of a password goes by ALTER ROLE.

use super::authority::as_superuser;
use super::value::Time;
use super::Oid;
use crate::error::{Kind, Result};
use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::IntoDatum;
use std::ffi::CString;

/// Stores the first verifier of a role without a password. The role must be one that this transaction made,
/// so that nobody else knows it, and the verifier one of a password that is not empty.
pub fn endow(role: Oid, name: &str, verifier: &str, valid_until: Option<Time>) -> Result<()> {
    if super::role::stored_verifier(role)?.is_some() {
        return Err(Kind::Internal.error("a role that was made has a password already"));
    }
    let (name, text) = (to_c(name)?, to_c(verifier)?);
    let _rights = as_superuser();
    // SAFETY: the hook gets what CreateRole gives it, inside the boundary that turns its errors into unwinding;
    // texts live until the end. The row is a copy, changed in one column of type text, and written back under
    // the version it was read at.
    unsafe {
        if let Some(check) = pg_sys::check_password_hook {
            let until = pg_sys::Datum::from(valid_until.unwrap_or(0));
            pg_guard_ffi_boundary(|| {
                check(
                    name.as_ptr(),
                    text.as_ptr(),
                    pg_sys::PasswordType::PASSWORD_TYPE_SCRAM_SHA_256,
                    until,
                    valid_until.is_none(),
                );
            });
        }
        write(role, verifier)?;
        let watched = pg_sys::object_access_hook;
        if watched.is_some() {
            let (class, none) = (pg_sys::AuthIdRelationId, Oid::INVALID);
            pg_sys::RunObjectPostAlterHook(class, role, 0, none, false);
        }
    }
    super::xact::next_command();
    Ok(())
}

/// # Safety
/// Superuser rights must be taken: nothing is checked here.
unsafe fn write(role: Oid, verifier: &str) -> Result<()> {
    const WIDTH: usize = pg_sys::Natts_pg_authid as usize;
    const AT: usize = pg_sys::Anum_pg_authid_rolpassword as usize - 1;
    let nothing = pg_sys::Datum::from(0);
    // SAFETY: the arrays have an entry a column of the catalog, which is open until the row is written.
    unsafe {
        let catalog = pg_sys::table_open(pg_sys::AuthIdRelationId, pg_sys::RowExclusiveLock as i32);
        let cache = pg_sys::SysCacheIdentifier::AUTHOID as i32;
        let row = pg_sys::SearchSysCacheCopy(cache, role.into(), nothing, nothing, nothing);
        if row.is_null() {
            pg_sys::table_close(catalog, pg_sys::NoLock as i32);
            return Err(Kind::Internal.error("a role that was made is not there"));
        }
        let mut values = [nothing; WIDTH];
        let mut nulls = [false; WIDTH];
        let mut replace = [false; WIDTH];
        values[AT] = verifier.into_datum().unwrap_or(nothing);
        replace[AT] = true;
        let row = pg_sys::heap_modify_tuple(
            row,
            (*catalog).rd_att,
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
            replace.as_mut_ptr(),
        );
        pg_sys::CatalogTupleUpdate(catalog, &mut (*row).t_self, row);
        pg_sys::table_close(catalog, pg_sys::NoLock as i32);
    }
    Ok(())
}

fn to_c(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Kind::Internal.error("a NUL byte in a name or a verifier"))
}
