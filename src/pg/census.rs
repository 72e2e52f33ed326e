//! Roles, memberships, and what has an access list, as the statement that asks sees them: each catalog is
//! read once, from its first row to its last, and no other code is called for a row than ours.
//!
//! Anybody may read these catalogs, all but the passwords in `pg_authid`, which are not looked at.

mod scan;

pub use scan::AccessList;

use super::acl::Right;
use super::{database, Oid};
use crate::error::{Kind, Result};
use pgrx::pg_sys;
use scan::{bytes, scan, Row};
use std::ffi::CStr;

/// Roles that the server knows by number, because their members reach what nobody granted them.
pub mod predefined {
    #![allow(missing_docs)] // The words are the roles' names.
    pub const PG_DATABASE_OWNER: u32 = pgrx::pg_sys::ROLE_PG_DATABASE_OWNER;
    pub const PG_READ_ALL_DATA: u32 = pgrx::pg_sys::ROLE_PG_READ_ALL_DATA;
    pub const PG_WRITE_ALL_DATA: u32 = pgrx::pg_sys::ROLE_PG_WRITE_ALL_DATA;
    /// From PostgreSQL 17 on (pg_authid.dat).
    pub const PG_MAINTAIN: u32 = 6337;
}

/// What decides about a role's rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// OID.
    pub oid: Oid,
    /// Name, byte for byte.
    pub name: Vec<u8>,
    /// SUPERUSER.
    pub superuser: bool,
    /// INHERIT.
    pub inherits: bool,
    /// BYPASSRLS.
    pub bypassrls: bool,
}

/// That a role is a member of another, directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Who is a member.
    pub member: Oid,
    /// Of what.
    pub group: Oid,
    /// Whether the member has the group's rights; `None` where the member's INHERIT says so, as up to
    /// PostgreSQL 15.
    pub inherits: Option<bool>,
    /// Whether the member can come by the group's rights at all: it has them, may SET ROLE to the group, or may
    /// give itself either. Up to PostgreSQL 15 every member can.
    pub reaches: bool,
}

/// A relation.
pub struct Relation<'row> {
    /// OID.
    pub oid: Oid,
    /// Name, byte for byte.
    pub name: &'row [u8],
    /// Its schema.
    pub schema: Oid,
    /// `relkind`.
    pub kind: u8,
    /// Its owner.
    pub owner: Oid,
    /// Whether it is a temporary one, of whatever session.
    pub temporary: bool,
    /// Whether nobody but superusers may write it, whatever was granted.
    pub system: bool,
    /// Whether row policies hold for all but its owner, and whether they hold for the owner too.
    pub row_security: (bool, bool),
    /// Who may do what.
    pub list: AccessList<'row>,
}

/// A function, procedure or aggregate.
pub struct Routine<'row> {
    /// OID.
    pub oid: Oid,
    /// Name, byte for byte.
    pub name: &'row [u8],
    /// Its schema.
    pub schema: Oid,
    /// The types of its arguments, of those that are handed in.
    pub arguments: Vec<Oid>,
    /// Its owner.
    pub owner: Oid,
    /// Who may do what.
    pub list: AccessList<'row>,
}

/// A schema, or the database.
#[derive(Clone, Debug)]
pub struct Space {
    /// OID.
    pub oid: Oid,
    /// Name, byte for byte.
    pub name: Vec<u8>,
    /// Its owner.
    pub owner: Oid,
    /// Who may do what.
    pub rights: Vec<Right>,
    /// Whether nobody has changed that since it was made.
    pub untouched: bool,
}

/// Every role.
pub fn roles() -> Result<Vec<Role>> {
    let mut roles = Vec::new();
    scan(pg_sys::AuthIdRelationId, |row| {
        // SAFETY: a row of pg_authid.
        let form = unsafe { row.form::<pg_sys::FormData_pg_authid>() };
        roles.push(Role {
            oid: form.oid,
            name: bytes(&form.rolname).to_vec(),
            superuser: form.rolsuper,
            inherits: form.rolinherit,
            bypassrls: form.rolbypassrls,
        });
    })?;
    Ok(roles)
}

/// `pg_auth_members` (its CATALOG() line), whose columns are not at the same places in all versions.
const MEMBERSHIPS: Oid = Oid::from_u32(1261);

/// The number of a column of `pg_auth_members`, 0 where this version has none of the name.
fn memberships_column(name: &CStr) -> i32 {
    // SAFETY: a catalog lookup by a NUL-terminated name.
    i32::from(unsafe { pg_sys::get_attnum(MEMBERSHIPS, name.as_ptr()) })
}

/// Every membership, and that of the database's owner in pg_database_owner, which stands in no catalog.
pub fn memberships() -> Result<Vec<Membership>> {
    let mut all = vec![Membership {
        member: database()?.owner,
        group: Oid::from(predefined::PG_DATABASE_OWNER),
        inherits: (database::version() >= 160_000).then_some(true),
        reaches: true,
    }];
    let (member, group) = (memberships_column(c"member"), memberships_column(c"roleid"));
    let inherits = memberships_column(c"inherit_option");
    let sets = memberships_column(c"set_option");
    let admin = memberships_column(c"admin_option");
    scan(MEMBERSHIPS, |row| {
        let oid = |column| row.column(column).map(|d| Oid::from(d.value() as u32));
        let said = |option| row.column(option).map(|d| d.value() != 0);
        if let (Some(member), Some(group)) = (oid(member), oid(group)) {
            all.push(Membership {
                member,
                group,
                inherits: said(inherits),
                reaches: said(sets).is_none()
                    || [inherits, sets, admin].map(said).contains(&Some(true)),
            });
        }
    })?;
    Ok(all)
}

/// Hands on every relation of these kinds (`relkind`).
pub fn relations(kinds: &[u8], mut take: impl FnMut(&Relation)) -> Result<()> {
    scan(pg_sys::RelationRelationId, |row| {
        // SAFETY: a row of pg_class.
        let form = unsafe { row.form::<pg_sys::FormData_pg_class>() };
        let kind = form.relkind.to_ne_bytes()[0];
        if kinds.contains(&kind) {
            take(&Relation {
                oid: form.oid,
                name: bytes(&form.relname),
                schema: form.relnamespace,
                kind,
                owner: form.relowner,
                temporary: form.relpersistence.to_ne_bytes()[0] == b't',
                system: is_system(form),
                row_security: (form.relrowsecurity, form.relforcerowsecurity),
                list: relation_list(row, form, kind),
            });
        }
    })
}

fn relation_list<'row>(
    row: &'row Row,
    form: &pg_sys::FormData_pg_class,
    kind: u8,
) -> AccessList<'row> {
    AccessList {
        stored: row.list(pg_sys::Anum_pg_class_relacl),
        default: match kind {
            b'S' => pg_sys::ObjectType::OBJECT_SEQUENCE,
            _ => pg_sys::ObjectType::OBJECT_TABLE,
        },
        owner: form.relowner,
    }
}

/// Whether the server keeps all but superusers from writing it (aclchk.c, pg_class_aclmask_ext): system
/// catalogs are so, but not their views.
fn is_system(form: &pg_sys::FormData_pg_class) -> bool {
    // SAFETY: reads the row that it is handed.
    form.relkind.to_ne_bytes()[0] != b'v'
        && unsafe { pg_sys::IsSystemClass(form.oid, std::ptr::from_ref(form).cast_mut()) }
}

/// Hands on every function, procedure and aggregate.
pub fn routines(mut take: impl FnMut(&Routine)) -> Result<()> {
    scan(pg_sys::ProcedureRelationId, |row| {
        // SAFETY: a row of pg_proc.
        let form = unsafe { row.form::<pg_sys::FormData_pg_proc>() };
        take(&Routine {
            oid: form.oid,
            name: bytes(&form.proname),
            schema: form.pronamespace,
            // SAFETY: an oidvector of as many entries as there are arguments.
            arguments: unsafe { form.proargtypes.values.as_slice(form.pronargs as usize) }.to_vec(),
            owner: form.proowner,
            list: AccessList {
                stored: row.list(pg_sys::Anum_pg_proc_proacl),
                default: pg_sys::ObjectType::OBJECT_FUNCTION,
                owner: form.proowner,
            },
        });
    })
}

/// Hands on the access list of every column that has one.
pub fn columns(mut take: impl FnMut(Oid, Vec<Right>)) -> Result<()> {
    scan(pg_sys::AttributeRelationId, |row| {
        if let Some(stored) = row.list(pg_sys::Anum_pg_attribute_attacl) {
            // SAFETY: a row of pg_attribute.
            let form = unsafe { row.form::<pg_sys::FormData_pg_attribute>() };
            let list = AccessList {
                stored: Some(stored),
                default: pg_sys::ObjectType::OBJECT_COLUMN,
                owner: Oid::INVALID,
            };
            take(form.attrelid, list.rights());
        }
    })
}

/// Every schema.
pub fn schemas() -> Result<Vec<Space>> {
    let mut schemas = Vec::new();
    scan(pg_sys::NamespaceRelationId, |row| {
        // SAFETY: a row of pg_namespace.
        let form = unsafe { row.form::<pg_sys::FormData_pg_namespace>() };
        let list = AccessList {
            stored: row.list(pg_sys::Anum_pg_namespace_nspacl),
            default: pg_sys::ObjectType::OBJECT_SCHEMA,
            owner: form.nspowner,
        };
        schemas.push(Space {
            oid: form.oid,
            name: bytes(&form.nspname).to_vec(),
            owner: form.nspowner,
            rights: list.rights(),
            untouched: list.is_default(),
        });
    })?;
    Ok(schemas)
}

/// The database that this session is connected to.
pub fn database() -> Result<Space> {
    let mut found = None;
    scan(pg_sys::DatabaseRelationId, |row| {
        // SAFETY: a row of pg_database.
        let form = unsafe { row.form::<pg_sys::FormData_pg_database>() };
        if form.oid == database::current() {
            let list = AccessList {
                stored: row.list(pg_sys::Anum_pg_database_datacl),
                default: pg_sys::ObjectType::OBJECT_DATABASE,
                owner: form.datdba,
            };
            found = Some(Space {
                oid: form.oid,
                name: bytes(&form.datname).to_vec(),
                owner: form.datdba,
                rights: list.rights(),
                untouched: list.is_default(),
            });
        }
    })?;
    found.ok_or_else(|| Kind::Internal.error("the database of this session is not there"))
}

/// Whether a schema is the one that this session's temporary objects are in: who may use it is asked of
/// the database (aclchk.c, pg_namespace_aclmask).
pub fn is_own_temporary(schema: Oid) -> bool {
    // SAFETY: compares with a plain global.
    unsafe { pg_sys::isTempNamespace(schema) }
}
