//! Rights on objects of users, by OID.
//!
//! A GRANT carries names, and a name can be given to another object under it; through ProcessUtility
//! it would also fire event triggers. Here the object is named by class and OID, as in `pg_shdepend`,
//! and rights are given in its owner's name, as the server does for a superuser (aclchk.c,
//! select_best_grantor).

use super::owner::{self, Class};
use super::{Oid, BOOTSTRAP_SUPERUSER};
use crate::error::{Kind, Result};
use pgrx::pg_sys;

/// PUBLIC as a grantee (acl.h, ACL_ID_PUBLIC).
pub const PUBLIC: Oid = Oid::INVALID;

/// What carries rights: an object, or a column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The catalog, as `pg_shdepend.classid`.
    pub class: Oid,
    /// The object.
    pub object: Oid,
    /// The column, 0 for the object itself.
    pub column: i32,
}

/// The rights by name, as bits of an access list (parsenodes.h).
pub mod rights {
    #![allow(missing_docs)] // The words are those of GRANT.
    pub const INSERT: u32 = 1 << 0;
    pub const SELECT: u32 = 1 << 1;
    pub const UPDATE: u32 = 1 << 2;
    pub const DELETE: u32 = 1 << 3;
    pub const TRUNCATE: u32 = 1 << 4;
    pub const REFERENCES: u32 = 1 << 5;
    pub const TRIGGER: u32 = 1 << 6;
    pub const EXECUTE: u32 = 1 << 7;
    pub const USAGE: u32 = 1 << 8;
    pub const CREATE: u32 = 1 << 9;
}

/// One entry of an access list. The lower half of `rights` are rights, the upper half the grant
/// options of the same (acl.h, AclItem).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// Who has it.
    pub grantee: Oid,
    /// Who gave it.
    pub grantor: Oid,
    /// The bits.
    pub rights: u32,
}

/// `pg_parameter_acl`: rights on settings, which have no owner.
const PARAMETERS: u32 = 6243;
const PARAMETER_ACL_COLUMN: i16 = 3;

/// Takes every right on an object, and on its columns, from one grantee, and what others had from
/// the grantee (aclchk.c, RemoveRoleFromObjectACL).
pub fn revoke_all(class: Class, object: Oid, grantee: Oid) {
    // SAFETY: takes OIDs alone; grantee 0 is PUBLIC.
    unsafe { pg_sys::RemoveRoleFromObjectACL(grantee, class.oid(), object) };
    super::xact::next_command();
}

/// Everything an owner can have on an object, without grant options; nothing where such objects
/// have no access list.
pub fn all_rights(class: Class, object: Oid) -> Option<u32> {
    let kind = default_kind(Target {
        class: class.oid(),
        object,
        column: 0,
    })?;
    let owner = BOOTSTRAP_SUPERUSER;
    // SAFETY: makes a fresh access list of a kind that `default_kind` knows.
    let list = unsafe { entries(pg_sys::acldefault(kind, owner)) };
    list.iter()
        .find(|r| r.grantee == owner)
        .map(|r| r.rights & 0xFFFF)
}

/// The access list of a target as it stands; empty where it has the default one or is gone.
pub fn list(target: Target) -> Vec<Right> {
    // SAFETY: the place is closed below, after its list was copied out.
    unsafe {
        let Some(place) = Place::open(target) else {
            return Vec::new();
        };
        let list = place.list().map_or(Vec::new(), |acl| entries(acl));
        place.close();
        list
    }
}

/// Gives rights on a target in its owner's name, to each of `rights` (their grantors do not count).
/// A target that is gone is left alone.
pub fn give(target: Target, rights: &[Right]) -> Result<()> {
    // SAFETY: as the functions of aclchk.c do it: the old list is copied, each right is added with
    // aclupdate, the row is written back under the version it was read at, and pg_shdepend follows.
    unsafe {
        let Some(place) = Place::open(target) else {
            return Ok(());
        };
        let old = place.list();
        let mut acl = match old {
            Some(acl) => acl,
            None => pg_sys::acldefault(
                default_kind(target)
                    .ok_or_else(|| Kind::Internal.error("rights on what has none"))?,
                place.owner,
            ),
        };
        for right in rights {
            let item = pg_sys::AclItem {
                ai_grantee: right.grantee,
                ai_grantor: place.owner,
                ai_privs: right.rights,
            };
            let add = pg_sys::ACL_MODECHG_ADD as i32;
            acl = pg_sys::aclupdate(
                acl,
                &item,
                add,
                place.owner,
                pg_sys::DropBehavior::DROP_RESTRICT,
            );
        }
        place.write(old, acl);
    }
    super::xact::next_command();
    Ok(())
}

/// A row with an access list, its catalog open for writing.
struct Place {
    target: Target,
    catalog: pg_sys::Relation,
    row: pg_sys::HeapTuple,
    column: i16,
    owner: Oid,
}

impl Place {
    /// # Safety
    /// The value must be closed or written before the transaction goes on.
    unsafe fn open(target: Target) -> Option<Place> {
        let (catalog, column, owner) = Place::seat(target)?;
        // SAFETY: rows are copies; a row that is gone is null, and the catalog is closed again.
        unsafe {
            let catalog = pg_sys::table_open(catalog, pg_sys::RowExclusiveLock as i32);
            let row = fetch(target, catalog);
            if row.is_null() {
                pg_sys::table_close(catalog, pg_sys::NoLock as i32);
                return None;
            }
            Some(Place {
                target,
                catalog,
                row,
                column,
                owner,
            })
        }
    }

    /// The catalog that holds the list, the list's column in it, and the owner of the object.
    fn seat(target: Target) -> Option<(Oid, i16, Oid)> {
        if target.class.to_u32() == PARAMETERS {
            return Some((target.class, PARAMETER_ACL_COLUMN, BOOTSTRAP_SUPERUSER));
        }
        let class = Class::of(target.class)?;
        let owner = owner::of(class, target.object)?;
        if target.column != 0 {
            return Some((
                pg_sys::AttributeRelationId,
                pg_sys::Anum_pg_attribute_attacl as i16,
                owner,
            ));
        }
        // SAFETY: a table lookup of a class that ObjectProperty knows; 0 where it has no list.
        let column = unsafe { pg_sys::get_object_attnum_acl(class.catalog()) };
        (column != 0).then_some((class.catalog(), column, owner))
    }

    /// A copy of the access list, or nothing where the row has none.
    ///
    /// # Safety
    /// The catalog must still be open.
    unsafe fn list(&self) -> Option<*mut pg_sys::Acl> {
        let mut null = true;
        // SAFETY: the row belongs to the open catalog; an aclitem[] is a varlena.
        unsafe {
            let datum = pg_sys::htup::heap_getattr(
                self.row,
                i32::from(self.column),
                (*self.catalog).rd_att,
                &mut null,
            );
            (!null).then(|| {
                pg_sys::pg_detoast_datum_copy(datum.cast_mut_ptr::<pg_sys::varlena>()).cast()
            })
        }
    }

    /// # Safety
    /// `old` and `new` must be access lists, `old` the one that the row has.
    unsafe fn write(self, old: Option<*mut pg_sys::Acl>, new: *mut pg_sys::Acl) {
        // SAFETY: the arrays have an entry a column of the catalog; members are counted as
        // ExecGrant_Relation counts them, and an absent list has none.
        unsafe {
            let width = (*(*self.catalog).rd_att).natts as usize;
            let at = self.column as usize - 1;
            let mut values = vec![pg_sys::Datum::from(0); width];
            let mut nulls = vec![false; width];
            let mut replace = vec![false; width];
            values[at] = pg_sys::Datum::from(new);
            replace[at] = true;
            let row = pg_sys::heap_modify_tuple(
                self.row,
                (*self.catalog).rd_att,
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
                replace.as_mut_ptr(),
            );
            pg_sys::CatalogTupleUpdate(self.catalog, &mut (*row).t_self, row);
            let (mut before, mut after) = (std::ptr::null_mut(), std::ptr::null_mut());
            let n_before = old.map_or(0, |acl| pg_sys::aclmembers(acl, &mut before));
            let n_after = pg_sys::aclmembers(new, &mut after);
            let t = self.target;
            pg_sys::updateAclDependencies(
                t.class, t.object, t.column, self.owner, n_before, before, n_after, after,
            );
        }
        self.close();
    }

    fn close(self) {
        // SAFETY: opened in `open`; the lock stays to the end of the transaction.
        unsafe { pg_sys::table_close(self.catalog, pg_sys::NoLock as i32) }
    }
}

/// # Safety
/// `catalog` must be the open catalog that `Place::seat` names for the target.
unsafe fn fetch(target: Target, catalog: pg_sys::Relation) -> pg_sys::HeapTuple {
    let none = pg_sys::Datum::from(0);
    let object = pg_sys::Datum::from(target.object);
    // SAFETY: syscache keys of the types that each cache has; a missing row is null.
    unsafe {
        if target.class.to_u32() == PARAMETERS {
            let cache = pg_sys::SysCacheIdentifier::PARAMETERACLOID as i32;
            return pg_sys::SearchSysCacheCopy(cache, object, none, none, none);
        }
        if target.column != 0 {
            let cache = pg_sys::SysCacheIdentifier::ATTNUM as i32;
            let column = pg_sys::Datum::from(target.column as i16);
            return pg_sys::SearchSysCacheCopy(cache, object, column, none, none);
        }
        let key = pg_sys::get_object_attnum_oid((*catalog).rd_id);
        pg_sys::get_catalog_object_by_oid(catalog, key, target.object)
    }
}

/// The word that acldefault() wants for a target; nothing where such objects have no rights.
fn default_kind(target: Target) -> Option<pg_sys::ObjectType::Type> {
    use pg_sys::ObjectType::*;
    if target.column != 0 {
        return Some(OBJECT_COLUMN);
    }
    Some(match Class::of(target.class)? {
        // SAFETY: a catalog lookup.
        Class::Relation => match unsafe { pg_sys::get_rel_relkind(target.object) } as u8 {
            b'S' => OBJECT_SEQUENCE,
            _ => OBJECT_TABLE,
        },
        Class::Routine => OBJECT_FUNCTION,
        Class::Type => OBJECT_TYPE,
        Class::Schema => OBJECT_SCHEMA,
        Class::LargeObject => OBJECT_LARGEOBJECT,
        Class::Wrapper => OBJECT_FDW,
        Class::Server => OBJECT_FOREIGN_SERVER,
        Class::Language => OBJECT_LANGUAGE,
        Class::Database => OBJECT_DATABASE,
        Class::Tablespace => OBJECT_TABLESPACE,
        _ => return None,
    })
}

/// Copies the entries of an access list.
///
/// # Safety
/// `acl` must point to a detoasted access list: an array of one dimension without NULLs (acl.c,
/// check_acl), or an empty one.
unsafe fn entries(acl: *mut pg_sys::Acl) -> Vec<Right> {
    // SAFETY: the header is followed by the dimensions and lower bounds, padded to eight bytes, then
    // by as many AclItems as the dimension says (array.h, ARR_DATA_PTR; MAXALIGN is 8).
    unsafe {
        if (*acl).ndim != 1 {
            return Vec::new();
        }
        let header = std::mem::size_of::<pg_sys::ArrayType>();
        let start = acl.cast::<u8>();
        let count = start.add(header).cast::<i32>().read() as usize;
        let data = start.add((header + 2 * std::mem::size_of::<i32>()).next_multiple_of(8));
        std::slice::from_raw_parts(data.cast::<pg_sys::AclItem>(), count)
            .iter()
            .map(|item| Right {
                grantee: item.ai_grantee,
                grantor: item.ai_grantor,
                rights: item.ai_privs,
            })
            .collect()
    }
}
