//! Roles and databases by name and by OID.

use super::{text, Oid};
use pgrx::pg_sys;
use std::ffi::CString;

/// The OID of a role, or nothing where no role bears the name.
pub fn role_oid(name: &str) -> Option<Oid> {
    let name = CString::new(name).ok()?;
    // SAFETY: a NUL-terminated name; with missing_ok an absent role is InvalidOid.
    let oid = unsafe { pg_sys::get_role_oid(name.as_ptr(), true) };
    (oid != Oid::INVALID).then_some(oid)
}

/// The name of a role, or nothing where the role is gone.
pub fn role_name(oid: Oid) -> Option<String> {
    // SAFETY: with noerr an absent role is a null pointer.
    unsafe { text::copy(pg_sys::GetUserNameFromId(oid, true)) }
}

/// The OID of a database, or nothing where no database bears the name.
pub fn database_oid(name: &str) -> Option<Oid> {
    let name = CString::new(name).ok()?;
    // SAFETY: a NUL-terminated name; with missing_ok an absent database is InvalidOid.
    let oid = unsafe { pg_sys::get_database_oid(name.as_ptr(), true) };
    (oid != Oid::INVALID).then_some(oid)
}

/// The name of a database, or nothing where it is gone.
pub fn database_name(oid: Oid) -> Option<String> {
    // SAFETY: an absent database is a null pointer.
    unsafe { text::copy(pg_sys::get_database_name(oid)) }
}

/// The name of a schema, or nothing where it is gone.
pub fn schema_name(oid: Oid) -> Option<String> {
    // SAFETY: an absent schema is a null pointer.
    unsafe { text::copy(pg_sys::get_namespace_name(oid)) }
}

/// The OID of a relation of schema `credentials`, or nothing where the extension is not here.
pub fn own_relation(name: &str) -> Option<Oid> {
    let name = CString::new(name).ok()?;
    // SAFETY: NUL-terminated names; an absent schema or relation is InvalidOid.
    let oid = unsafe {
        let schema = pg_sys::get_namespace_oid(c"credentials".as_ptr(), true);
        if schema == Oid::INVALID {
            return None;
        }
        pg_sys::get_relname_relid(name.as_ptr(), schema)
    };
    (oid != Oid::INVALID).then_some(oid)
}
