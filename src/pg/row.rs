//! A row of one number, written without a statement.
//!
//! Each statement on a table with row security is planned anew after every change of roles, which is what calls of
//! ours do; for a row that goes with every event that would cost more than the row.

use super::ident;
use crate::error::{Kind, Result};
use pgrx::pg_sys;

/// Writes a row into one of our tables that has one column, a `bigint`, and no trigger or constraint but its key.
pub fn append(table: &str, number: i64) -> Result<()> {
    let relation = ident::own_relation(table).ok_or_else(|| {
        Kind::NotReady.error("credential_manager is not installed in this database")
    })?;
    // SAFETY: the table is ours and is only written to where it has one column of eight bytes; the tuple is copied
    // into it and into its index; the lock is kept to the end of the transaction; errors unwind, and the
    // transaction's end closes what is open.
    unsafe {
        let open = pg_sys::table_open(relation, pg_sys::RowExclusiveLock as i32);
        let fits =
            (*(*open).rd_att).natts == 1 && pg_sys::get_atttype(relation, 1) == pg_sys::INT8OID;
        if fits {
            let mut value = pg_sys::Datum::from(number);
            let mut is_null = false;
            let tuple = pg_sys::heap_form_tuple((*open).rd_att, &mut value, &mut is_null);
            pg_sys::CatalogTupleInsert(open, tuple);
            pg_sys::heap_freetuple(tuple);
        }
        pg_sys::table_close(open, pg_sys::NoLock as i32);
        fits.then_some(())
            .ok_or_else(|| Kind::Internal.error("a table of the extension is not as it was made"))
    }
}
