//! What `pg_authid` holds of a role, out of the server's own cache.

use super::{text, version, Oid};
use crate::error::Result;
use pgrx::{pg_sys, FromDatum};
use std::ffi::c_int;

/// What `pg_authid` holds of a role.
#[derive(Clone, Debug)]
pub struct Role {
    /// OID.
    pub oid: Oid,
    /// Name.
    pub name: String,
    /// SUPERUSER.
    pub superuser: bool,
    /// CREATEROLE.
    pub createrole: bool,
    /// CREATEDB.
    pub createdb: bool,
    /// REPLICATION.
    pub replication: bool,
    /// BYPASSRLS.
    pub bypassrls: bool,
    /// LOGIN.
    pub login: bool,
    /// INHERIT.
    pub inherit: bool,
    /// CONNECTION LIMIT; -1: none.
    pub connection_limit: i32,
    /// VALID UNTIL.
    pub valid_until: Option<super::value::Time>,
    /// The kind of the stored password: `scram-sha-256`, `md5`, or nothing.
    pub password_encryption: Option<String>,
}

/// A role by OID.
pub fn by_oid(oid: Oid) -> Result<Option<Role>> {
    let found = read(oid, |tuple, form| {
        // SAFETY: a name column is NUL-terminated within its 64 bytes; the columns are of these types.
        let (name, until, password) = unsafe {
            (
                text::copy(form.rolname.data.as_ptr()),
                column(tuple, pg_sys::Anum_pg_authid_rolvaliduntil)
                    .and_then(|d| i64::from_datum(d, false)),
                column(tuple, pg_sys::Anum_pg_authid_rolpassword)
                    .and_then(|d| String::from_datum(d, false)),
            )
        };
        Role {
            oid,
            name: name.unwrap_or_default(),
            superuser: form.rolsuper,
            createrole: form.rolcreaterole,
            createdb: form.rolcreatedb,
            replication: form.rolreplication,
            bypassrls: form.rolbypassrls,
            login: form.rolcanlogin,
            inherit: form.rolinherit,
            connection_limit: form.rolconnlimit,
            // An endless lease is none: the server keeps 'infinity' where a lease was taken away.
            valid_until: until.filter(|t| *t != i64::MAX),
            password_encryption: password.map(|p| kind_of(&p).to_owned()),
        }
    });
    Ok(found)
}

/// The kind of a stored password: the server knows two.
fn kind_of(stored: &str) -> &'static str {
    match stored.starts_with("SCRAM-SHA-256$") {
        true => "scram-sha-256",
        false => "md5",
    }
}

/// The verifier that is stored for a role.
pub fn stored_verifier(oid: Oid) -> Result<Option<String>> {
    let found = read(oid, |tuple, _| {
        // SAFETY: the column is text.
        unsafe {
            column(tuple, pg_sys::Anum_pg_authid_rolpassword)
                .and_then(|d| String::from_datum(d, false))
        }
    });
    Ok(found.flatten())
}

/// Whether a role is a member of nothing, as most are.
pub fn is_alone(oid: Oid) -> bool {
    memberships(oid).is_empty()
}

/// The roles that a role is a member of itself, not through a third; each once, by OID.
pub fn groups_of(member: Oid) -> Vec<Oid> {
    let mut groups: Vec<Oid> = memberships(member).into_iter().map(|m| m.0).collect();
    groups.sort_unstable_by_key(|group| group.to_u32());
    groups.dedup();
    groups
}

/// Whether a role is a member of another itself, not through a third.
pub fn is_direct_member(member: Oid, group: Oid) -> bool {
    !grantors(member, group).is_empty()
}

/// Who made a role a member of another. From PostgreSQL 16 on that can be several, a membership each.
pub(super) fn grantors(member: Oid, group: Oid) -> Vec<Oid> {
    let of_group = memberships(member).into_iter().filter(|m| m.0 == group);
    of_group.map(|m| m.1).collect()
}

/// The memberships of a role: in whom, and by whom.
fn memberships(member: Oid) -> Vec<(Oid, Oid)> {
    // SAFETY: a lookup by the member alone, as `roles_is_member_of` (acl.c) makes it; the rows stay as they are
    // until the list is released, and the columns that are read are OIDs.
    unsafe {
        pg_sys::AcceptInvalidationMessages();
        let none = pg_sys::Datum::from(0);
        let cache = pg_sys::SysCacheIdentifier::AUTHMEMMEMROLE as c_int;
        let list = pg_sys::SearchSysCacheList(cache, 1, member.into(), none, none);
        let rows = (*list).members.as_slice((*list).n_members as usize);
        let role = |row: &*mut pg_sys::CatCTup, column| {
            let (mut null, tuple) = (false, &raw mut (**row).tuple);
            let datum = pg_sys::SysCacheGetAttr(cache, tuple, column, &mut null);
            Oid::from(datum.value() as u32)
        };
        let found = rows
            .iter()
            .map(|row| {
                let group = role(row, version::MEMBERS_ROLEID);
                (group, role(row, version::MEMBERS_GRANTOR))
            })
            .collect();
        pg_sys::ReleaseCatCacheList(list);
        found
    }
}

/// Reads a role's row out of the server's cache, which is told of all that has committed: our statements
/// read `pg_authid` so often that planning them would cost more than they do.
fn read<T>(
    oid: Oid,
    what: impl FnOnce(pg_sys::HeapTuple, &pg_sys::FormData_pg_authid) -> T,
) -> Option<T> {
    // SAFETY: the row stays as it is until it is released; its fixed columns are those of the form.
    unsafe {
        pg_sys::AcceptInvalidationMessages();
        let cache = pg_sys::SysCacheIdentifier::AUTHOID as c_int;
        let tuple = pg_sys::SearchSysCache1(cache, oid.into());
        if tuple.is_null() {
            return None;
        }
        let form = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_authid>();
        let read = what(tuple, &*form);
        pg_sys::ReleaseSysCache(tuple);
        Some(read)
    }
}

/// A column that may be NULL.
///
/// # Safety
/// `tuple` must be a row of the AUTHOID cache that is not released yet.
unsafe fn column(tuple: pg_sys::HeapTuple, number: u32) -> Option<pg_sys::Datum> {
    let mut null = false;
    let cache = pg_sys::SysCacheIdentifier::AUTHOID as c_int;
    // SAFETY: as the caller vouches.
    let datum = unsafe { pg_sys::SysCacheGetAttr(cache, tuple, number as i16, &mut null) };
    (!null).then_some(datum)
}
