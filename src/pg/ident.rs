//! Roles and databases by name and by OID.

use super::{text, Oid};
use pgrx::pg_sys;
use std::cell::RefCell;
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

/// The OID of a schema, or nothing where there is none of that name.
pub fn schema_oid(name: &str) -> Option<Oid> {
    let name = CString::new(name).ok()?;
    // SAFETY: a NUL-terminated name; an absent schema is InvalidOid.
    let oid = unsafe { pg_sys::get_namespace_oid(name.as_ptr(), true) };
    (oid != Oid::INVALID).then_some(oid)
}

/// The OID of a relation of schema `credentials`, or nothing where the extension is not here.
///
/// A database's owner may make a schema and a relation of these names before the extension is created, and
/// our statements run with a superuser's rights: ours is what the extension holds.
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
    (oid != Oid::INVALID && is_ours(oid)).then_some(oid)
}

thread_local! {
    /// Relations that this backend knows to be the extension's.
    static OURS: RefCell<Vec<Oid>> = const { RefCell::new(Vec::new()) };
}

/// Whether the extension holds a relation. Asked once a backend and relation: only a superuser could take it
/// out of the extension.
fn is_ours(relation: Oid) -> bool {
    if OURS.with_borrow(|known| known.contains(&relation)) {
        return true;
    }
    // SAFETY: catalog lookups; with missing_ok an absent extension is InvalidOid.
    let ours = unsafe {
        let extension = pg_sys::get_extension_oid(c"credential_manager".as_ptr(), true);
        extension != Oid::INVALID
            && pg_sys::getExtensionOfObject(pg_sys::RelationRelationId, relation) == extension
    };
    if ours {
        OURS.with_borrow_mut(|known| known.push(relation));
    }
    ours
}
