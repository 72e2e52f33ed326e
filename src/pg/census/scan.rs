//! A catalog from its first row to its last, and the access lists in its rows.

use crate::error::{Kind, Result};
use crate::pg::acl::{self, Right};
use crate::pg::{xact, Oid};
use pgrx::pg_sys;
use std::ffi::{c_char, CStr};

/// An access list as its row holds it.
#[derive(Clone, Copy)]
pub struct AccessList<'row> {
    pub(super) stored: Option<&'row [u8]>,
    /// What the default list of such an object is asked by.
    pub(super) default: pg_sys::ObjectType::Type,
    pub(super) owner: Oid,
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

    /// Whether nobody has granted or revoked anything since the object was made.
    pub fn is_default(&self) -> bool {
        self.stored.is_none()
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

/// A row of a catalog while it is looked at.
pub(super) struct Row {
    tuple: pg_sys::HeapTuple,
    desc: pg_sys::TupleDesc,
}

impl Row {
    /// # Safety
    /// `T` must be the form of the catalog that the row is of.
    pub(super) unsafe fn form<T>(&self) -> &T {
        // SAFETY: the fixed columns of a row are its form, and stay where they are while it is looked at.
        unsafe { &*pg_sys::GETSTRUCT(self.tuple).cast::<T>() }
    }

    /// A column by its number; nothing for NULL, and where the number is 0.
    pub(super) fn column(&self, number: i32) -> Option<pg_sys::Datum> {
        let mut null = true;
        if number == 0 {
            return None;
        }
        // SAFETY: the row is of the catalog that the descriptor and the number are of.
        let datum = unsafe { pg_sys::htup::heap_getattr(self.tuple, number, self.desc, &mut null) };
        (!null).then_some(datum)
    }

    /// The bytes of an access list.
    pub(super) fn list(&self, column: u32) -> Option<&[u8]> {
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
pub(super) fn scan(catalog: Oid, mut look: impl FnMut(&Row)) -> Result<()> {
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
pub(super) fn bytes(name: &pg_sys::NameData) -> &[u8] {
    let start: *const c_char = name.data.as_ptr();
    // SAFETY: a name in a catalog is NUL-terminated within its 64 bytes.
    unsafe { CStr::from_ptr(start) }.to_bytes()
}
