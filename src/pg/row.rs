//! Rows of our own tables, read by their key and written without a statement.
//!
//! The server plans each statement on a table with row security anew after every change of roles, and changing roles
//! is what calls of ours do: for a row that every call reads, or that goes with every event, planning would cost many
//! times what the row does. There is less to trust here than in a statement: no operator, no function and no name is
//! looked up but the table's and its columns'.

use super::node::oids;
use super::spi::Row;
use super::value::Value;
use super::{ident, version, Oid};
use crate::error::{Error, Kind, Result};
use pgrx::pg_sys;

const READ: i32 = pg_sys::AccessShareLock as i32;

/// A row of one of our tables that has these values in these columns, as a rule the only one: its `columns`, in
/// their order.
pub fn find(table: &str, key: &[(&str, Value)], columns: &[&str]) -> Result<Option<Row>> {
    Ok(read_up_to(1, table, key, columns)?.into_iter().next())
}

/// Every such row, in no order.
pub fn all(table: &str, key: &[(&str, Value)], columns: &[&str]) -> Result<Vec<Row>> {
    read_up_to(usize::MAX, table, key, columns)
}

/// As [`super::spi`] does it looks at the latest snapshot, with what this transaction has written.
fn read_up_to(
    most: usize,
    table: &str,
    key: &[(&str, Value)],
    columns: &[&str],
) -> Result<Vec<Row>> {
    super::xact::next_command();
    let relation = ours(table)?;
    // SAFETY: the table is ours; keys and columns are looked up in its descriptor; values are copied into Rust
    // memory while the scan holds their page; the lock is kept to the end of the transaction, as a statement's is.
    // What is open is closed here, or by the transaction's end where an error unwinds.
    unsafe {
        let open = pg_sys::table_open(relation, READ);
        let keys: Result<Vec<pg_sys::ScanKeyData>> = key
            .iter()
            .map(|(name, value)| scan_key(open, name, value))
            .collect();
        let rows = keys.and_then(|mut keys| {
            let snapshot = pg_sys::RegisterSnapshot(pg_sys::GetLatestSnapshot());
            let index = index_on(open, &keys);
            let scan = pg_sys::systable_beginscan(
                open,
                index.unwrap_or(Oid::INVALID),
                index.is_some(),
                snapshot,
                keys.len() as i32,
                keys.as_mut_ptr(),
            );
            let next = || {
                let tuple = pg_sys::systable_getnext(scan);
                (!tuple.is_null()).then(|| read(tuple, (*open).rd_att, columns))
            };
            let rows = std::iter::from_fn(next).take(most).collect();
            pg_sys::systable_endscan(scan);
            pg_sys::UnregisterSnapshot(snapshot);
            rows
        });
        pg_sys::table_close(open, pg_sys::NoLock as i32);
        rows
    }
}

/// A column that equals a value.
///
/// # Safety
/// `table` must be open, and the current memory context must live for as long as the key.
unsafe fn scan_key(
    table: pg_sys::Relation,
    name: &str,
    value: &Value,
) -> Result<pg_sys::ScanKeyData> {
    let equal = match value {
        Value::Oid(_) => pg_sys::F_OIDEQ,
        Value::Int8(_) => pg_sys::F_INT8EQ,
        Value::Text(_) => pg_sys::F_TEXTEQ,
        _ => return Err(changed()),
    };
    // SAFETY: as the caller vouches; the column is of the type that is compared, and its collation is that of the
    // indexes on it.
    unsafe {
        let column = column((*table).rd_att, name)?;
        let datum = value.clone().into_datum().ok_or_else(changed)?;
        if column.atttypid != value.kind().oid() {
            return Err(changed());
        }
        let mut key = pg_sys::ScanKeyData::default();
        pg_sys::ScanKeyEntryInitialize(
            &mut key,
            0,
            column.attnum,
            pg_sys::BTEqualStrategyNumber as u16,
            Oid::INVALID,
            column.attcollation,
            equal.into(),
            datum,
        );
        Ok(key)
    }
}

/// An index that begins with these columns, in their order; without one, or without columns, all rows are looked at.
///
/// # Safety
/// `table` must be open.
unsafe fn index_on(table: pg_sys::Relation, keys: &[pg_sys::ScanKeyData]) -> Option<Oid> {
    // SAFETY: the indexes of an open table are there; each is closed again, and its form lives while it is open.
    unsafe {
        let indexes = oids(pg_sys::RelationGetIndexList(table));
        let serves = |index: &Oid| {
            let open = pg_sys::index_open(*index, READ);
            let form = &*(*open).rd_index;
            let numbers = form.indkey.values.as_slice(form.indnatts as usize);
            let serves = !keys.is_empty()
                && form.indisvalid
                && (*open).rd_indpred.is_null()
                && numbers.len() >= keys.len()
                && numbers.iter().zip(keys).all(|(n, key)| *n == key.sk_attno);
            pg_sys::index_close(open, READ);
            serves
        };
        indexes.into_iter().find(serves)
    }
}

/// The columns of a row.
///
/// # Safety
/// `tuple` must be a row of this shape that lives through the call.
unsafe fn read(
    tuple: pg_sys::HeapTuple,
    shape: pg_sys::TupleDesc,
    columns: &[&str],
) -> Result<Row> {
    let value = |name: &&str| {
        // SAFETY: as the caller vouches; the datum is of its column's type and is copied at once.
        unsafe {
            let column = column(shape, name)?;
            let mut null = false;
            let datum = pg_sys::SPI_getbinval(tuple, shape, column.attnum.into(), &mut null);
            Value::from_datum(datum, null, column.atttypid).ok_or_else(changed)
        }
    };
    columns
        .iter()
        .map(value)
        .collect::<Result<_>>()
        .map(Row::of)
}

/// The description of a column.
///
/// # Safety
/// `shape` must be the descriptor of an open table, which lives for as long as the result.
unsafe fn column<'a>(
    shape: pg_sys::TupleDesc,
    name: &str,
) -> Result<&'a pg_sys::FormData_pg_attribute> {
    // SAFETY: as the caller vouches; a descriptor has `natts` columns, and a name ends within its 64 bytes.
    unsafe {
        (0..(*shape).natts)
            .map(|number| version::column(shape, number))
            .find(|column| {
                let its = std::ffi::CStr::from_ptr(column.attname.data.as_ptr());
                !column.attisdropped && its.to_bytes() == name.as_bytes()
            })
            .ok_or_else(changed)
    }
}

/// Writes a row into one of our tables that has one column, a `bigint`, and no trigger or constraint but its key.
pub fn append(table: &str, number: i64) -> Result<()> {
    let relation = ours(table)?;
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
        fits.then_some(()).ok_or_else(changed)
    }
}

fn ours(table: &str) -> Result<Oid> {
    ident::own_relation(table)
        .ok_or_else(|| Kind::NotReady.error("credential_manager is not installed in this database"))
}

fn changed() -> Error {
    Kind::Internal.error("a table of the extension is not as it was made")
}
