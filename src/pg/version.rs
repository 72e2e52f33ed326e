//! What differs between the major versions of the server at compile time: names, shapes, signatures. One
//! item here for each, so that the rest of the fence reads the same for all of them.
//!
//! What can be asked of a running server is asked where it matters: `database::version`.

use super::owner::Class;
use super::Oid;
use pgrx::pg_sys;
use std::ffi::{c_char, c_int};

/// The rights of an entry of an access list as they are written here: rights in the lower 16 bits, their
/// grant options in the upper ones. That is `AclMode` up to PostgreSQL 15; from 16 on it has 32 bits of each.
pub(super) fn rights_of(item: &pg_sys::AclItem) -> u32 {
    #[cfg(feature = "pg15")]
    return item.ai_privs;
    #[cfg(not(feature = "pg15"))]
    return ((item.ai_privs & 0xFFFF) | ((item.ai_privs >> 32) & 0xFFFF) << 16) as u32;
}

/// An entry of an access list; `rights` as [`rights_of`] gives them.
pub(super) fn acl_item(grantee: Oid, grantor: Oid, rights: u32) -> pg_sys::AclItem {
    #[cfg(feature = "pg15")]
    let ai_privs = rights;
    #[cfg(not(feature = "pg15"))]
    let ai_privs = u64::from(rights & 0xFFFF) | u64::from(rights >> 16) << 32;
    pg_sys::AclItem {
        ai_grantee: grantee,
        ai_grantor: grantor,
        ai_privs,
    }
}

/// Rights as the server asks for them: never a grant option.
pub(super) fn bits(rights: pg_sys::AclMode) -> u32 {
    #[cfg(feature = "pg15")]
    return rights;
    #[cfg(not(feature = "pg15"))]
    return (rights & 0xFFFF) as u32;
}

/// What a statement asks of a relation (parsenodes.h).
#[cfg(feature = "pg15")]
pub(super) type Asked = pg_sys::RangeTblEntry;
#[cfg(not(feature = "pg15"))]
pub(super) type Asked = pg_sys::RTEPermissionInfo;

/// Whether it is asked of a relation at all.
#[cfg(feature = "pg15")]
pub(super) fn is_of_relation(asked: &Asked) -> bool {
    asked.rtekind == pg_sys::RTEKind::RTE_RELATION
}
#[cfg(not(feature = "pg15"))]
pub(super) fn is_of_relation(_: &Asked) -> bool {
    true
}

/// Those of some rights on a relation that a role has; says where the relation is gone.
///
/// # Safety
/// Looks at catalogs: inside a transaction.
pub(super) unsafe fn class_aclmask(relation: Oid, role: Oid, rights: u32, gone: &mut bool) -> u32 {
    let all = pg_sys::AclMaskHow::ACLMASK_ALL;
    // SAFETY: as the caller vouches; between two look-ups without a message of invalidation a relation stays.
    unsafe {
        #[cfg(feature = "pg15")]
        return bits(pg_sys::pg_class_aclmask_ext(
            relation, role, rights, all, gone,
        ));
        #[cfg(not(feature = "pg15"))]
        {
            pg_sys::pg_class_aclcheck_ext(relation, role, rights.into(), gone);
            if *gone {
                return 0;
            }
            bits(pg_sys::pg_class_aclmask(relation, role, rights.into(), all))
        }
    }
}

/// What a role may do in a schema.
///
/// # Safety
/// Looks at catalogs: inside a transaction.
pub(super) unsafe fn schema_aclcheck(
    schema: Oid,
    role: Oid,
    rights: pg_sys::AclMode,
) -> pg_sys::AclResult::Type {
    // SAFETY: as the caller vouches.
    unsafe {
        #[cfg(feature = "pg15")]
        return pg_sys::pg_namespace_aclcheck(schema, role, rights);
        #[cfg(not(feature = "pg15"))]
        return pg_sys::object_aclcheck(pg_sys::NamespaceRelationId, schema, role, rights);
    }
}

/// A backend by its number in this process's copy of the status area; null where there is none.
///
/// # Safety
/// `number` must be from 1 to `pgstat_fetch_stat_numbackends()`.
pub(super) unsafe fn backend_status(number: c_int) -> *mut pg_sys::LocalPgBackendStatus {
    // SAFETY: as the caller vouches.
    unsafe {
        #[cfg(feature = "pg15")]
        return pg_sys::pgstat_fetch_stat_local_beentry(number);
        #[cfg(not(feature = "pg15"))]
        return pg_sys::pgstat_get_local_beentry_by_index(number);
    }
}

/// Whether a membership has one grantor alone, and a second GRANT of it changes none: up to PostgreSQL 15.
pub(super) const ONE_GRANTOR: bool = cfg!(feature = "pg15");

/// The columns of `pg_auth_members` (its rows have an OID from PostgreSQL 16 on), which pgrx does not bind.
pub(super) const MEMBERS_ROLEID: i16 = if ONE_GRANTOR { 1 } else { 2 };
pub(super) const MEMBERS_GRANTOR: i16 = if ONE_GRANTOR { 3 } else { 4 };

/// The options of a GRANT of a membership; of those up to PostgreSQL 15 know one.
///
/// # Safety
/// `node` must be a fresh node of the kind; allocates in the current memory context.
pub(super) unsafe fn set_options(node: *mut pg_sys::GrantRoleStmt, options: &[(&str, bool)]) {
    // SAFETY: as the caller vouches; the options are those that gram.y makes.
    unsafe {
        #[cfg(feature = "pg15")]
        {
            (*node).admin_opt = options.contains(&("admin", true));
        }
        #[cfg(not(feature = "pg15"))]
        for (option, value) in options {
            let name = super::text::palloc(option);
            let element = pg_sys::makeDefElem(name, pg_sys::makeBoolean(*value).cast(), -1);
            (*node).opt = pg_sys::lappend((*node).opt, element.cast());
        }
    }
}

/// The type that a text names.
///
/// # Safety
/// `name` must be NUL-terminated, the others places to write to. Errors unwind.
pub(super) unsafe fn parse_type(name: *const c_char, oid: *mut Oid, modifier: *mut i32) {
    // SAFETY: as the caller vouches.
    unsafe {
        #[cfg(feature = "pg15")]
        pg_sys::parseTypeString(name, oid, modifier, false);
        #[cfg(not(feature = "pg15"))]
        pg_sys::parseTypeString(name, oid, modifier, std::ptr::null_mut());
    }
}

/// The local id of a process's transaction.
pub(super) fn local_xid(process: &pg_sys::PGPROC) -> u32 {
    #[cfg(feature = "pg15")]
    return process.lxid;
    #[cfg(not(feature = "pg15"))]
    return process.vxid.lxid;
}

/// Whether extensions come from the server's own folder alone: from PostgreSQL 18 on a setting can name others.
pub(super) fn extensions_are_the_servers() -> bool {
    #[cfg(not(feature = "pg18"))]
    return true;
    // SAFETY: a NUL-terminated setting, which is never null.
    #[cfg(feature = "pg18")]
    return unsafe { super::text::copy(pg_sys::Extension_control_path) }.as_deref()
        == Some("$system");
}

/// A column of a row's description, counted from 0.
///
/// # Safety
/// `desc` must be valid while the result is used, and have such a column.
pub(super) unsafe fn column<'a>(
    desc: pg_sys::TupleDesc,
    number: c_int,
) -> &'a pg_sys::FormData_pg_attribute {
    // SAFETY: as the caller vouches.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        return &(*desc).attrs.as_slice((*desc).natts as usize)[number as usize];
        // They stand behind the short forms of all columns (tupdesc.h, TupleDescAttr).
        #[cfg(feature = "pg18")]
        {
            let short = (&raw const (*desc).compact_attrs).cast::<pg_sys::CompactAttribute>();
            let columns = short.add((*desc).natts as usize);
            &*columns
                .cast::<pg_sys::FormData_pg_attribute>()
                .add(number as usize)
        }
    }
}

/// Installs a signal handler.
///
/// # Safety
/// The handler must be one that the server can call at any time.
pub(super) unsafe fn pqsignal(signal: c_int, handler: pg_sys::pqsigfunc) {
    // SAFETY: as the caller vouches.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        pg_sys::pqsignal(signal, handler);
        #[cfg(feature = "pg18")]
        pg_sys::pqsignal_be(signal, handler);
    }
}

extern "C-unwind" {
    // commands/alter.h: exported by the server, not bound by pgrx.
    #[cfg(feature = "pg15")]
    fn AlterObjectOwner_internal(catalog: pg_sys::Relation, object: Oid, to: Oid);
    #[cfg(not(feature = "pg15"))]
    fn AlterObjectOwner_internal(class: Oid, object: Oid, to: Oid);
}

/// Makes `to` the owner of an object whose owner is no more than a column of its row.
///
/// # Safety
/// The class must be one that `AlterObjectOwner_internal` knows. Errors unwind.
pub(super) unsafe fn alter_owner(class: Class, object: Oid, to: Oid) {
    // SAFETY: as the caller vouches; called inside pgrx's boundary, which turns a longjmp into an unwinding.
    unsafe {
        #[cfg(feature = "pg15")]
        {
            let catalog = pg_sys::table_open(class.catalog(), pg_sys::RowExclusiveLock as i32);
            pg_sys::ffi::pg_guard_ffi_boundary(|| AlterObjectOwner_internal(catalog, object, to));
            pg_sys::table_close(catalog, pg_sys::NoLock as i32);
        }
        // It opens the catalog by itself, that of large objects too (alter.c).
        #[cfg(not(feature = "pg15"))]
        pg_sys::ffi::pg_guard_ffi_boundary(|| AlterObjectOwner_internal(class.oid(), object, to));
    }
}

/// The server's `SockAddr` (libpq/pqcomm.h).
#[repr(C)]
struct Address {
    address: libc::sockaddr_storage,
    length: libc::socklen_t,
}

/// The beginning of the server's `Port` (libpq/libpq-be.h), which pgrx keeps opaque.
#[repr(C)]
pub(super) struct Port {
    socket: c_int,
    noblock: bool,
    protocol: u32,
    local: Address,
    remote: Address,
    remote_host: *mut c_char,
    remote_hostname: *mut c_char,
    remote_hostname_resolv: c_int,
    remote_hostname_errcode: c_int,
    remote_port: *mut c_char,
    #[cfg(feature = "pg15")]
    can_accept: c_int,
    #[cfg(feature = "pg18")]
    local_host: [c_char; 64],
    database_name: *mut c_char,
    /// Who wants to log in; NUL-terminated.
    pub(super) user_name: *mut c_char,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_and_grant_options_stay_apart_whatever_the_width_of_the_list() {
        for rights in [0, 1, 1 << 14, 1 << 16, 1 << 30, 0x4001_4002] {
            let item = acl_item(Oid::from(1), Oid::from(2), rights);
            assert_eq!(rights_of(&item), rights, "{rights:x}");
        }
        let both = acl_item(Oid::from(1), Oid::from(2), 0x0002_0002);
        let half = std::mem::size_of::<pg_sys::AclMode>() as u32 * 4;
        assert_eq!(both.ai_privs, 2 | 2 << half);
    }
}
