//! Rights on objects of users, by OID.
//!
//! A GRANT carries names, and a name can be given to another object under it; through ProcessUtility
//! it would also fire event triggers. Here the object is named by class and OID, as in `pg_shdepend`,
//! and rights are given in its owner's name, as the server does for a superuser (aclchk.c,
//! select_best_grantor).

mod place;
mod withdraw;

use super::owner::Class;
use super::{version, Oid, BOOTSTRAP_SUPERUSER};
use crate::error::{Kind, Result};
use pgrx::pg_sys;
use place::Place;
pub use withdraw::{give_back, withdraw, Passed, Withdrawn};

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
    pub const TEMPORARY: u32 = 1 << 10;
    pub const CONNECT: u32 = 1 << 11;
    /// From PostgreSQL 17 on.
    pub const MAINTAIN: u32 = 1 << 14;
}

/// One entry of an access list. The lower half of `rights` are rights, the upper half the grant
/// options of the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// Who has it.
    pub grantee: Oid,
    /// Who gave it.
    pub grantor: Oid,
    /// The bits.
    pub rights: u32,
}

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
        let Some(place) = Place::read(target) else {
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
    if add(target, rights, false)? {
        super::xact::next_command();
    }
    Ok(())
}

/// The same, where one of the rights is missing: tells whether anything was written.
pub fn give_missing(target: Target, rights: &[Right]) -> Result<bool> {
    let written = add(target, rights, true)?;
    if written {
        super::xact::next_command();
    }
    Ok(written)
}

/// Gives one grantee rights on many objects of a class, each in its owner's name, where they are missing.
/// Each object is named once: what is written is not seen before the end. Gives how many were written.
pub fn give_each(class: Class, objects: &[(Oid, u32)], grantee: Oid) -> Result<u64> {
    let mut written = 0;
    for (object, rights) in objects {
        let target = Target {
            class: class.oid(),
            object: *object,
            column: 0,
        };
        let right = Right {
            grantee,
            grantor: Oid::INVALID,
            rights: *rights,
        };
        written += u64::from(super::memory::scratch(|| add(target, &[right], true))?);
        super::xact::check_for_interrupts();
    }
    super::xact::next_command();
    Ok(written)
}

/// Takes rights on a target, and the options to grant them, from one grantee (0: PUBLIC), whoever gave them,
/// and from whomever the grantee gave them. Tells whether there were any. The rest stays as it is.
pub fn take_from(target: Target, grantee: Oid, rights: u32) -> Result<bool> {
    take(target, grantee, rights, |_, _| true)
}

/// The same as far as the target's owner gave them: what anybody else gave stays.
pub fn take_back(target: Target, grantee: Oid, rights: u32) -> Result<bool> {
    take(target, grantee, rights, |owner, grantor| owner == grantor)
}

/// Takes rights that `by(owner, grantor)` says were given by the right one.
fn take(target: Target, grantee: Oid, rights: u32, by: fn(Oid, Oid) -> bool) -> Result<bool> {
    let both = rights | rights << 16;
    // SAFETY: as in `add`; what hangs on a right that goes is taken by aclupdate itself (CASCADE).
    unsafe {
        let Some((place, old, mut acl)) = open(target)? else {
            return Ok(false);
        };
        let mut given = entries(acl);
        given
            .retain(|r| r.grantee == grantee && r.rights & both != 0 && by(place.owner, r.grantor));
        if given.is_empty() {
            place.close();
            return Ok(false);
        }
        for right in given {
            let item = version::acl_item(grantee, right.grantor, both);
            let how = pg_sys::ACL_MODECHG_DEL as i32;
            let cascade = pg_sys::DropBehavior::DROP_CASCADE;
            acl = pg_sys::aclupdate(acl, &item, how, place.owner, cascade);
        }
        place.put(old, acl);
    }
    super::xact::next_command();
    Ok(true)
}

/// Opens a target for writing: its list as it stands, and the one to begin with, which is the default one
/// where it has none. Nothing where the target is gone.
///
/// # Safety
/// The place must be closed or written before the transaction goes on.
unsafe fn open(
    target: Target,
) -> Result<Option<(Place, Option<*mut pg_sys::Acl>, *mut pg_sys::Acl)>> {
    // SAFETY: the list is a copy; a fresh one is made of a kind that `default_kind` knows.
    unsafe {
        let Some(place) = Place::write(target) else {
            return Ok(None);
        };
        let old = place.list();
        let acl = match (old, default_kind(target)) {
            (Some(acl), _) => acl,
            (None, Some(kind)) => pg_sys::acldefault(kind, place.owner),
            (None, None) => {
                place.close();
                return Err(Kind::Internal.error("rights on what has none"));
            }
        };
        Ok(Some((place, old, acl)))
    }
}

/// Adds rights to a target's list; with `if_missing` only where one of them is not there.
fn add(target: Target, rights: &[Right], if_missing: bool) -> Result<bool> {
    // SAFETY: as the functions of aclchk.c do it: the old list is copied, each right is added with
    // aclupdate, the row is written back under the version it was read at, and pg_shdepend follows.
    unsafe {
        let Some((place, old, mut acl)) = open(target)? else {
            return Ok(false);
        };
        if if_missing && rights.iter().all(|right| has(acl, place.owner, right)) {
            place.close();
            return Ok(false);
        }
        for right in rights {
            let item = version::acl_item(right.grantee, place.owner, right.rights);
            let how = pg_sys::ACL_MODECHG_ADD as i32;
            let restrict = pg_sys::DropBehavior::DROP_RESTRICT;
            acl = pg_sys::aclupdate(acl, &item, how, place.owner, restrict);
        }
        place.put(old, acl);
    }
    Ok(true)
}

/// Whether a list holds a right of its owner's.
///
/// # Safety
/// As for [`entries`].
unsafe fn has(acl: *mut pg_sys::Acl, owner: Oid, right: &Right) -> bool {
    // SAFETY: as the caller vouches.
    let list = unsafe { entries(acl) };
    list.iter().any(|r| {
        r.grantee == right.grantee && r.grantor == owner && r.rights & right.rights == right.rights
    })
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
pub(super) unsafe fn entries(acl: *const pg_sys::Acl) -> Vec<Right> {
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
                rights: version::rights_of(item),
            })
            .collect()
    }
}
