//! What a function gives back: one value, a row, or rows in one tuplestore.
//!
//! Many rows go into one tuplestore, because a value-per-call function would pay for its pinned settings
//! once a row (DESIGN 2.9).

use super::sink::Sink;
pub use super::sink::Source;
use super::spi;
use super::value::{Type, Value};
use super::{version, Oid};
use crate::error::{Kind, Result};
use pgrx::pg_sys;

/// What a function gives back.
pub enum Answer {
    /// Rows, each with the columns of the function's composite type in order.
    Rows(Vec<Vec<Value>>),
    /// The rows of a statement of this house, which go to the caller without being held here.
    Query(&'static str, Vec<Value>),
    /// Rows that are made one by one, of values that many of them share.
    Stream(Source),
    /// One value, for functions that return a bare `text`.
    One(Value),
}

/// # Safety
/// As for [`enter`](super::call::enter).
pub(super) unsafe fn give(
    fcinfo: pg_sys::FunctionCallInfo,
    answer: Answer,
) -> Result<pg_sys::Datum> {
    match answer {
        Answer::One(value) => match value.into_datum() {
            Some(datum) => Ok(datum),
            None => {
                // SAFETY: fcinfo is the live call.
                unsafe { (*fcinfo).isnull = true };
                Ok(pg_sys::Datum::from(0))
            }
        },
        // SAFETY: as the caller vouches; flinfo was looked at in `read`.
        Answer::Rows(rows) => unsafe {
            if (*(*fcinfo).flinfo).fn_retset {
                store(fcinfo, rows)
            } else {
                form(fcinfo, rows)
            }
        },
        // SAFETY: as the caller vouches.
        Answer::Query(statement, params) => unsafe {
            let put = Store::open(fcinfo);
            spi::each(statement, &params, |row| put.row(row))?;
            Ok(Store::close(fcinfo))
        },
        // SAFETY: as the caller vouches.
        Answer::Stream(source) => unsafe {
            let put = Store::open(fcinfo);
            source(&mut Sink::into(&put))?;
            Ok(Store::close(fcinfo))
        },
    }
}

/// The one row of a function that returns a composite type and not a set.
///
/// # Safety
/// As for [`enter`](super::call::enter); the function must be declared to return a composite type.
unsafe fn form(fcinfo: pg_sys::FunctionCallInfo, rows: Vec<Vec<Value>>) -> Result<pg_sys::Datum> {
    let Some(row) = rows.into_iter().next() else {
        return Err(Kind::Internal.error("a function of one row without a row"));
    };
    // SAFETY: the descriptor is that of the declared type; the tuple is made in the caller's memory.
    unsafe {
        let mut desc = std::ptr::null_mut();
        let class = pg_sys::get_call_result_type(fcinfo, std::ptr::null_mut(), &mut desc);
        if class != pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE {
            return Err(Kind::Internal.error("a row from a function that returns none"));
        }
        let desc = pg_sys::BlessTupleDesc(desc);
        let (mut values, mut nulls) = to_columns(desc, row)?;
        let tuple = pg_sys::heap_form_tuple(desc, values.as_mut_ptr(), nulls.as_mut_ptr());
        Ok(pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data))
    }
}

/// # Safety
/// As for [`enter`](super::call::enter); the function must be declared to return a set of a composite type.
unsafe fn store(fcinfo: pg_sys::FunctionCallInfo, rows: Vec<Vec<Value>>) -> Result<pg_sys::Datum> {
    // SAFETY: as the caller vouches.
    unsafe {
        let put = Store::open(fcinfo);
        rows.into_iter().try_for_each(|row| put.row(row))?;
        Ok(Store::close(fcinfo))
    }
}

/// The tuplestore of a live call's result.
pub(super) struct Store {
    rows: *mut pg_sys::Tuplestorestate,
    desc: pg_sys::TupleDesc,
}

impl Store {
    /// # Safety
    /// As for [`store`]; the value must not outlive the call.
    unsafe fn open(fcinfo: pg_sys::FunctionCallInfo) -> Store {
        // SAFETY: InitMaterializedSRF checks that the caller takes a tuplestore and fills the result
        // info with one and with the declared row type.
        unsafe {
            pg_sys::InitMaterializedSRF(fcinfo, 0);
            let info = (*fcinfo).resultinfo.cast::<pg_sys::ReturnSetInfo>();
            Store {
                rows: (*info).setResult,
                desc: (*info).setDesc,
            }
        }
    }

    /// Adds a copy of a row.
    fn row(&self, row: Vec<Value>) -> Result<()> {
        // SAFETY: the row was checked against the descriptor.
        unsafe {
            let (mut values, mut nulls) = to_columns(self.desc, row)?;
            self.put(&mut values, &mut nulls);
        }
        Ok(())
    }

    /// Adds a copy of a row that is in the server's form already.
    ///
    /// # Safety
    /// The values must be valid, and of the types of [`Store::declared`], as many as those.
    pub(super) unsafe fn put(&self, values: &mut [pg_sys::Datum], nulls: &mut [bool]) {
        let (values, nulls) = (values.as_mut_ptr(), nulls.as_mut_ptr());
        // SAFETY: store and descriptor are those of the live call; the rest is the caller's word.
        unsafe { pg_sys::tuplestore_putvalues(self.rows, self.desc, values, nulls) };
    }

    /// The types of the result's columns.
    pub(super) fn declared(&self) -> Vec<Oid> {
        // SAFETY: the descriptor is that of the live call.
        unsafe { types(self.desc) }
    }

    /// # Safety
    /// As for [`store`].
    unsafe fn close(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
        // SAFETY: fcinfo is the live call.
        unsafe { (*fcinfo).isnull = true };
        pg_sys::Datum::from(0)
    }
}

/// A row as the server takes it, checked against its descriptor.
///
/// # Safety
/// `desc` must be a valid tuple descriptor.
unsafe fn to_columns(
    desc: pg_sys::TupleDesc,
    row: Vec<Value>,
) -> Result<(Vec<pg_sys::Datum>, Vec<bool>)> {
    // SAFETY: as the caller vouches.
    unsafe { check_shape(desc, &row) }?;
    Ok(row
        .into_iter()
        .map(|value| {
            let datum = value.into_datum();
            (datum.unwrap_or(pg_sys::Datum::from(0)), datum.is_none())
        })
        .unzip())
}

/// # Safety
/// `desc` must be a valid tuple descriptor.
unsafe fn check_shape(desc: pg_sys::TupleDesc, row: &[Value]) -> Result<()> {
    // SAFETY: as the caller vouches.
    let declared = unsafe { types(desc) };
    let fits = declared.len() == row.len()
        && declared
            .iter()
            .zip(row)
            .all(|(oid, v)| Type::of(*oid) == Some(v.kind()));
    if fits {
        Ok(())
    } else {
        Err(Kind::Internal.error("a result row that is not as declared"))
    }
}

/// # Safety
/// `desc` must be a valid tuple descriptor.
unsafe fn types(desc: pg_sys::TupleDesc) -> Vec<Oid> {
    // SAFETY: there are natts columns.
    unsafe {
        (0..(*desc).natts)
            .map(|i| version::column(desc, i).atttypid)
            .collect()
    }
}
