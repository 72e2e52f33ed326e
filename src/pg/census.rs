//! Roles, memberships, and what has an access list, as the statement that asks sees them: each catalog is
//! read once, from its first row to its last, and no other code is called for a row than ours.
//!
//! Anybody may read these catalogs, all but the passwords in `pg_authid`, which are not looked at.

use super::acl::{self, Right};
use super::{database, xact, Oid};
use crate::error::{Kind, Result};
use pgrx::pg_sys;
use std::ffi::{c_char, CStr};

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
}

/// An access list as its row holds it.
#[derive(Clone, Copy)]
pub struct AccessList<'row> {
    stored: Option<&'row [u8]>,
    /// What the default list of such an object is asked by.
    default: pg_sys::ObjectType::Type,
    owner: Oid,
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
}

impl AccessList<'_> {
    /// What equal lists have in common: the bytes that are stored, or the owner where none are, whose
    /// default list it then is. Where a list is stored it says all, and the owner adds nothing to it.
    pub fn key(&self) -> (Option<&[u8]>, Oid) {
        match self.stored {
            Some(bytes) => (Some(bytes), Oid::INVALID),
            None => (None, self.owner),
        }
    }

    /// Its entries.
    pub fn rights(&self) -> Vec<Right> {
        // SAFETY: what is stored is an aclitem[] in one of the forms of a varlena; what detoasting copied
        // is not the row's own and is given back.
        unsafe {
            let Some(stored) = self.stored else {
                return acl::entries(pg_sys::acldefault(self.default, self.owner));
            };
            let stored: *mut pg_sys::varlena = stored.as_ptr().cast_mut().cast();
            let whole = pg_sys::pg_detoast_datum(stored);
            let rights = acl::entries(whole.cast());
            if whole != stored {
                pg_sys::pfree(whole.cast());
            }
            rights
        }
    }
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
    }];
    let (member, group) = (memberships_column(c"member"), memberships_column(c"roleid"));
    let inherits = memberships_column(c"inherit_option");
    scan(MEMBERSHIPS, |row| {
        let oid = |column| row.column(column).map(|d| Oid::from(d.value() as u32));
        if let (Some(member), Some(group)) = (oid(member), oid(group)) {
            all.push(Membership {
                member,
                group,
                inherits: row.column(inherits).map(|d| d.value() != 0),
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

/// A row of a catalog while it is looked at.
struct Row {
    tuple: pg_sys::HeapTuple,
    desc: pg_sys::TupleDesc,
}

impl Row {
    /// # Safety
    /// `T` must be the form of the catalog that the row is of.
    unsafe fn form<T>(&self) -> &T {
        // SAFETY: the fixed columns of a row are its form, and stay where they are while it is looked at.
        unsafe { &*pg_sys::GETSTRUCT(self.tuple).cast::<T>() }
    }

    /// A column by its number; nothing for NULL, and where the number is 0.
    fn column(&self, number: i32) -> Option<pg_sys::Datum> {
        let mut null = true;
        if number == 0 {
            return None;
        }
        // SAFETY: the row is of the catalog that the descriptor and the number are of.
        let datum = unsafe { pg_sys::htup::heap_getattr(self.tuple, number, self.desc, &mut null) };
        (!null).then_some(datum)
    }

    /// The bytes of an access list.
    fn list(&self, column: u32) -> Option<&[u8]> {
        let list = self
            .column(column as i32)?
            .cast_mut_ptr::<pg_sys::varlena>();
        // SAFETY: an aclitem[] is a varlena, which is as long as it says and lies in the row.
        unsafe {
            let length = pgrx::varlena::varsize_any(list);
            Some(std::slice::from_raw_parts(list.cast::<u8>(), length))
        }
    }
}

/// Rows between two looks whether the caller has cancelled.
const BETWEEN_LOOKS: usize = 256;

/// Looks at every row of a catalog that the statement sees.
fn scan(catalog: Oid, mut look: impl FnMut(&Row)) -> Result<()> {
    // SAFETY: a scan without keys over an open catalog under the statement's own snapshot, which outlives
    // it; a row is good until the next is asked for. An error ends the scan with the transaction.
    unsafe {
        if !pg_sys::ActiveSnapshotSet() {
            return Err(Kind::Internal.error("catalogs are read outside a statement"));
        }
        let lock = pg_sys::AccessShareLock as i32;
        let relation = pg_sys::table_open(catalog, lock);
        let desc = (*relation).rd_att;
        let rows = pg_sys::systable_beginscan(
            relation,
            Oid::INVALID,
            false,
            pg_sys::GetActiveSnapshot(),
            0,
            std::ptr::null_mut(),
        );
        for number in 1_usize.. {
            let tuple = pg_sys::systable_getnext(rows);
            if tuple.is_null() {
                break;
            }
            look(&Row { tuple, desc });
            if number.is_multiple_of(BETWEEN_LOOKS) {
                xact::check_for_interrupts();
            }
        }
        pg_sys::systable_endscan(rows);
        pg_sys::table_close(relation, lock);
    }
    Ok(())
}

/// The bytes of a name before its NUL.
fn bytes(name: &pg_sys::NameData) -> &[u8] {
    let start: *const c_char = name.data.as_ptr();
    // SAFETY: a name in a catalog is NUL-terminated within its 64 bytes.
    unsafe { CStr::from_ptr(start) }.to_bytes()
}
