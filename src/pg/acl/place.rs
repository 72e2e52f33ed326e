//! Where an access list stands: a row of a catalog, read, or read to be written.

use super::Target;
use crate::pg::owner::{self, Class};
use crate::pg::{Oid, BOOTSTRAP_SUPERUSER};
use pgrx::pg_sys;

/// `pg_parameter_acl`: rights on settings, which have no owner.
const PARAMETERS: u32 = 6243;
const PARAMETER_ACL_COLUMN: i16 = 3;

/// Keeps who updates a row in place (VACUUM its counts, CREATE INDEX its flags) off it from our reading to
/// our writing: else what they wrote between would be lost (lockdefs.h, InplaceUpdateTupleLock).
const INPLACE: i32 = pg_sys::InplaceUpdateTupleLock as i32;

/// A row with an access list, its catalog open.
pub(super) struct Place {
    target: Target,
    catalog: pg_sys::Relation,
    row: pg_sys::HeapTuple,
    column: i16,
    /// Who owns the object.
    pub(super) owner: Oid,
    /// Whether the row is kept from updates in place.
    kept: bool,
}

impl Place {
    /// The row of a target, or nothing where it is gone.
    ///
    /// # Safety
    /// The value must be closed before the transaction goes on.
    pub(super) unsafe fn read(target: Target) -> Option<Place> {
        // SAFETY: as the caller vouches.
        unsafe { Place::open(target, false) }
    }

    /// The same, to be written.
    ///
    /// # Safety
    /// The value must be closed or put before the transaction goes on.
    pub(super) unsafe fn write(target: Target) -> Option<Place> {
        // SAFETY: as the caller vouches.
        unsafe { Place::open(target, true) }
    }

    unsafe fn open(target: Target, to_write: bool) -> Option<Place> {
        let (catalog, column) = Place::seat(target)?;
        let cache = to_write.then(|| updated_in_place(target)).flatten();
        // SAFETY: rows are copies; a row that is gone is null, and the catalog is closed again.
        unsafe {
            let catalog = pg_sys::table_open(catalog, pg_sys::RowExclusiveLock as i32);
            let row = match cache {
                Some(cache) => fetch_kept(cache, target.object),
                None => fetch(target, catalog),
            };
            let owner = match row.is_null() {
                true => None,
                false => owner_of(target, catalog, row),
            };
            let Some(owner) = owner else {
                pg_sys::table_close(catalog, pg_sys::NoLock as i32);
                return None;
            };
            Some(Place {
                target,
                catalog,
                row,
                column,
                owner,
                kept: cache.is_some(),
            })
        }
    }

    /// The catalog that holds the list, and the list's column in it.
    fn seat(target: Target) -> Option<(Oid, i16)> {
        if target.class.to_u32() == PARAMETERS {
            return Some((target.class, PARAMETER_ACL_COLUMN));
        }
        let class = Class::of(target.class)?;
        if target.column != 0 {
            let column = pg_sys::Anum_pg_attribute_attacl as i16;
            return Some((pg_sys::AttributeRelationId, column));
        }
        // SAFETY: a table lookup of a class that ObjectProperty knows; 0 where it has no list.
        let column = unsafe { pg_sys::get_object_attnum_acl(class.catalog()) };
        (column != 0).then_some((class.catalog(), column))
    }

    /// A copy of the access list, or nothing where the row has none.
    ///
    /// # Safety
    /// The catalog must still be open.
    pub(super) unsafe fn list(&self) -> Option<*mut pg_sys::Acl> {
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

    /// Writes a new list, and closes the place. A column without rights has no list, as the server keeps it
    /// (aclchk.c, ExecGrant_Attribute); on an object an empty one says that its owner has none.
    ///
    /// # Safety
    /// `old` and `new` must be access lists, `old` the one that the row has; the place was opened to be written.
    pub(super) unsafe fn put(self, old: Option<*mut pg_sys::Acl>, new: *mut pg_sys::Acl) {
        // SAFETY: the arrays have an entry a column of the catalog; members are counted as
        // ExecGrant_Relation counts them, and an absent list has none.
        unsafe {
            let width = (*(*self.catalog).rd_att).natts as usize;
            let at = self.column as usize - 1;
            let mut values = vec![pg_sys::Datum::from(0); width];
            let mut nulls = vec![false; width];
            let mut replace = vec![false; width];
            values[at] = pg_sys::Datum::from(new);
            nulls[at] = self.target.column != 0 && super::entries(new).is_empty();
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

    /// Lets go of the row and of its catalog; the catalog's lock stays to the end of the transaction.
    pub(super) fn close(self) {
        // SAFETY: opened in `open`, where the row's own lock was taken under its first place.
        unsafe {
            if self.kept {
                pg_sys::UnlockTuple(self.catalog, &mut (*self.row).t_self, INPLACE);
            }
            pg_sys::table_close(self.catalog, pg_sys::NoLock as i32)
        }
    }
}

/// The cache of the rows of a target's catalog, where the server updates such rows in place.
fn updated_in_place(target: Target) -> Option<i32> {
    match Class::of(target.class) {
        _ if target.column != 0 => None,
        Some(Class::Relation) => Some(pg_sys::SysCacheIdentifier::RELOID as i32),
        Some(Class::Database) => Some(pg_sys::SysCacheIdentifier::DATABASEOID as i32),
        _ => None,
    }
}

/// A copy of the latest version of a row, which nobody updates in place until its lock is let go.
///
/// # Safety
/// The catalog of the cache must be open for writing.
unsafe fn fetch_kept(cache: i32, object: Oid) -> pg_sys::HeapTuple {
    // SAFETY: a cache whose key is an OID; the copy keeps the place of the row, under which it is locked.
    unsafe {
        let row = pg_sys::SearchSysCacheLocked1(cache, pg_sys::Datum::from(object));
        if row.is_null() {
            return row;
        }
        let copy = pg_sys::heap_copytuple(row);
        pg_sys::ReleaseSysCache(row);
        copy
    }
}

/// Who owns what a row is of: read from the row itself, so that list and owner are of one moment.
///
/// # Safety
/// `row` must be the target's, of the open `catalog`.
unsafe fn owner_of(
    target: Target,
    catalog: pg_sys::Relation,
    row: pg_sys::HeapTuple,
) -> Option<Oid> {
    if target.class.to_u32() == PARAMETERS {
        return Some(BOOTSTRAP_SUPERUSER);
    }
    if target.column != 0 {
        return owner::of(Class::of(target.class)?, target.object);
    }
    // SAFETY: as the caller vouches; a catalog with an access list has an owner column, never NULL.
    unsafe {
        let column = pg_sys::get_object_attnum_owner((*catalog).rd_id);
        let mut null = true;
        let datum =
            pg_sys::htup::heap_getattr(row, i32::from(column), (*catalog).rd_att, &mut null);
        (!null).then(|| Oid::from(datum.value() as u32))
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
