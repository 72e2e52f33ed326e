//! Statements on our own tables and on catalogs: parameters bound, results copied out, and always
//! the latest snapshot.
//!
//! Each statement runs with the bootstrap superuser's rights for its own length and not longer: our
//! tables are granted to nobody. That is safe because the texts are constants of this house, name
//! nothing but our tables and the catalogs, and qualify every function and operator.
//!
//! The latest snapshot is taken because a decision that was made after a lock must see what the
//! former holder of the lock committed, at REPEATABLE READ and SERIALIZABLE too (DESIGN 2.4).

use super::value::{Span, Time, Value};
use super::{authority, Oid};
use crate::error::{Error, Kind, Result};
use pgrx::pg_sys;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{c_int, CString};

/// One row of a result, its columns in order.
#[derive(Debug)]
pub struct Row(Vec<Value>);

/// Runs one statement and gives back its rows (for INSERT, UPDATE and DELETE those of RETURNING).
///
/// The text is a constant of this house: parameters are `$1`, `$2`, … and never spliced.
/// Errors of the server unwind through it.
pub fn query(statement: &'static str, params: &[Value]) -> Result<Vec<Row>> {
    Ok(execute(statement, params)?.0)
}

/// The rows of a statement, and the number of rows it touched.
fn execute(statement: &'static str, params: &[Value]) -> Result<(Vec<Row>, u64)> {
    let _rights = authority::as_superuser();
    let _plans = PlainPlans::only();
    // SAFETY: SPI is entered and left in pairs; an error in between unwinds to the end of the
    // transaction or subtransaction, which closes SPI itself (AtEOXact_SPI, AtEOSubXact_SPI).
    // Everything passed lives until SPI_finish, and rows are copied out before it.
    unsafe {
        if pg_sys::SPI_connect() != pg_sys::SPI_OK_CONNECT as i32 {
            return Err(broken("SPI_connect"));
        }
        let plan = kept_plan(statement, params)?;
        let (mut values, nulls) = to_datums(params);
        let code = pg_sys::SPI_execute_snapshot(
            plan,
            values.as_mut_ptr(),
            nulls.as_ptr(),
            pg_sys::GetLatestSnapshot(),
            std::ptr::null_mut(),
            false,
            true,
            0,
        );
        if code < 0 {
            return Err(broken("SPI_execute_snapshot"));
        }
        let rows = copy_out()?;
        // SPI_finish takes the count back to that of the level above.
        let touched = pg_sys::SPI_processed;
        pg_sys::SPI_finish();
        Ok((rows, touched))
    }
}

/// What a plan is kept under: the place and the length of the statement's text, the types of its parameters.
type PlanKey = (usize, usize, Vec<u32>);

thread_local! {
    /// The plans of this backend.
    static PLANS: RefCell<HashMap<PlanKey, pg_sys::SPIPlanPtr>> = RefCell::default();
}

/// The plan of a statement. It is kept, since planning costs several times what most of our statements
/// cost to run, and a call runs dozens. The server sees to it that it is planned anew where something
/// that it names has changed.
///
/// # Safety
/// Must be called inside SPI.
unsafe fn kept_plan(statement: &'static str, params: &[Value]) -> Result<pg_sys::SPIPlanPtr> {
    let mut types: Vec<Oid> = params.iter().map(|p| p.kind().oid()).collect();
    // A constant text has its place for as long as the library is loaded: for ever.
    let key = (
        statement.as_ptr() as usize,
        statement.len(),
        types.iter().map(|t| t.to_u32()).collect(),
    );
    if let Some(kept) = PLANS.with_borrow(|plans| plans.get(&key).copied()) {
        return Ok(kept);
    }
    let text = CString::new(statement).map_err(|_| broken("a NUL byte in a statement"))?;
    // SAFETY: inside SPI; the text and the types are copied. What is kept is the backend's until it ends.
    let plan = unsafe {
        let plan = pg_sys::SPI_prepare(text.as_ptr(), types.len() as i32, types.as_mut_ptr());
        if plan.is_null() || pg_sys::SPI_keepplan(plan) != 0 {
            return Err(broken("SPI_prepare"));
        }
        plan
    };
    PLANS.with_borrow_mut(|plans| plans.insert(key, plan));
    Ok(plan)
}

/// While this lives parameters stay parameters, and plans are run as they are.
///
/// A plan made for the values of its parameters has them folded in, and what prints plans tells them:
/// `auto_explain.log_verbose` in the log, `debug_print_plan`, which anybody may SET, to whoever also sets
/// `client_min_messages`. A verifier is among ours.
///
/// A plan that is compiled first (`jit`) takes seconds for that where there are thousands of tables, and as many
/// milliseconds to run.
struct PlainPlans {
    mode: c_int,
    jit: bool,
}

impl PlainPlans {
    fn only() -> PlainPlans {
        let generic = pg_sys::PlanCacheMode::PLAN_CACHE_MODE_FORCE_GENERIC_PLAN as c_int;
        // SAFETY: plain globals that hold settings, read when a plan is made or chosen.
        unsafe {
            PlainPlans {
                mode: std::ptr::replace(&raw mut pg_sys::plan_cache_mode, generic),
                jit: std::ptr::replace(&raw mut pg_sys::jit_enabled, false),
            }
        }
    }
}

impl Drop for PlainPlans {
    fn drop(&mut self) {
        // SAFETY: puts back what was there.
        unsafe {
            pg_sys::plan_cache_mode = self.mode;
            pg_sys::jit_enabled = self.jit;
        }
    }
}

/// Rows that [`each`] has in memory at a time.
const AT_A_TIME: std::ffi::c_long = 500;

/// Runs one statement and hands on its rows one by one: however many there are, few are in memory.
pub(super) fn each(
    statement: &'static str,
    params: &[Value],
    mut take: impl FnMut(Vec<Value>) -> Result<()>,
) -> Result<()> {
    let _rights = authority::as_superuser();
    let _plans = PlainPlans::only();
    let text = CString::new(statement).map_err(|_| broken("a NUL byte in a statement"))?;
    let mut types: Vec<Oid> = params.iter().map(|p| p.kind().oid()).collect();
    // SAFETY: as in `execute`; the cursor is closed and the batch's memory freed before SPI_finish,
    // or by the end of the (sub)transaction.
    unsafe {
        if pg_sys::SPI_connect() != pg_sys::SPI_OK_CONNECT as i32 {
            return Err(broken("SPI_connect"));
        }
        let (mut values, nulls) = to_datums(params);
        let cursor = pg_sys::SPI_cursor_open_with_args(
            std::ptr::null(),
            text.as_ptr(),
            types.len() as i32,
            types.as_mut_ptr(),
            values.as_mut_ptr(),
            nulls.as_ptr(),
            false,
            0,
        );
        // What a row allocates on its way goes with its batch.
        let batch = pg_sys::AllocSetContextCreateExtended(
            pg_sys::CurrentMemoryContext,
            c"credential_manager rows".as_ptr(),
            0,
            8 * 1024,
            8 * 1024 * 1024,
        );
        loop {
            pg_sys::SPI_cursor_fetch(cursor, true, AT_A_TIME);
            let table = pg_sys::SPI_tuptable;
            let outer = pg_sys::MemoryContextSwitchTo(batch);
            let rows = copy_out()?;
            let last = rows.is_empty();
            for row in rows {
                take(row.0)?;
            }
            pg_sys::MemoryContextSwitchTo(outer);
            pg_sys::MemoryContextReset(batch);
            pg_sys::SPI_freetuptable(table);
            if last {
                break;
            }
            super::xact::check_for_interrupts();
        }
        pg_sys::SPI_cursor_close(cursor);
        pg_sys::SPI_finish();
    }
    Ok(())
}

/// Runs one statement and gives back its only row; `None` where there is none.
pub fn row(statement: &'static str, params: &[Value]) -> Result<Option<Row>> {
    Ok(query(statement, params)?.into_iter().next())
}

/// Runs one statement that gives one value.
pub fn number(statement: &'static str, params: &[Value]) -> Result<i64> {
    row(statement, params)?
        .ok_or_else(|| broken("a count without a row"))?
        .int8(0)
}

/// Runs one statement for its effect and tells how many rows it touched.
pub fn run(statement: &'static str, params: &[Value]) -> Result<u64> {
    Ok(execute(statement, params)?.1)
}

fn to_datums(params: &[Value]) -> (Vec<pg_sys::Datum>, Vec<std::ffi::c_char>) {
    let mut values = Vec::with_capacity(params.len());
    let mut nulls = Vec::with_capacity(params.len());
    for param in params {
        let datum = param.clone().into_datum();
        nulls.push(if datum.is_some() { b' ' } else { b'n' } as std::ffi::c_char);
        values.push(datum.unwrap_or(pg_sys::Datum::from(0)));
    }
    (values, nulls)
}

/// # Safety
/// Must be called directly after SPI_execute_snapshot, before SPI_finish.
unsafe fn copy_out() -> Result<Vec<Row>> {
    // SAFETY: SPI_tuptable is null or holds numvals tuples of the shape tupdesc; attribute numbers
    // run from 1 to natts, and each value is copied into Rust memory at once.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        if table.is_null() {
            return Ok(Vec::new());
        }
        let desc = (*table).tupdesc;
        let columns = (*desc).natts;
        let mut rows = Vec::with_capacity((*table).numvals as usize);
        for i in 0..(*table).numvals as usize {
            let tuple = *(*table).vals.add(i);
            let mut row = Vec::with_capacity(columns as usize);
            for column in 1..=columns {
                let mut null = false;
                let datum = pg_sys::SPI_getbinval(tuple, desc, column, &mut null);
                let oid = pg_sys::SPI_gettypeid(desc, column);
                let value = Value::from_datum(datum, null, oid)
                    .ok_or_else(|| broken("a column of a type without a door"))?;
                row.push(value);
            }
            rows.push(Row(row));
        }
        Ok(rows)
    }
}

fn broken(what: &str) -> Error {
    Kind::Internal.error(format!("unexpected result of a catalog statement: {what}"))
}

macro_rules! getters {
    ($($name:ident, $maybe:ident, $variant:ident, $rust:ty;)*) => {$(
        #[doc = concat!("Column `i` as ", stringify!($variant), "; NULL is an internal error.")]
        pub fn $name(&self, i: usize) -> Result<$rust> {
            self.$maybe(i)?.ok_or_else(|| broken(&format!("NULL in column {i}, which has none")))
        }
        #[doc = concat!("Column `i` as ", stringify!($variant), ", or nothing for NULL.")]
        pub fn $maybe(&self, i: usize) -> Result<Option<$rust>> {
            match self.0.get(i) {
                Some(Value::$variant(v)) => Ok(Some(v.clone())),
                Some(Value::Null(_)) => Ok(None),
                _ => Err(broken(concat!("a column is not ", stringify!($variant)))),
            }
        }
    )*};
}

impl Row {
    /// A row of these columns, however it was read.
    pub(super) fn of(columns: Vec<Value>) -> Row {
        Row(columns)
    }

    getters! {
        text, maybe_text, Text, String;
        bool, maybe_bool, Bool, bool;
        int4, maybe_int4, Int4, i32;
        int8, maybe_int8, Int8, i64;
        oid, maybe_oid, Oid, Oid;
        float8, maybe_float8, Float8, f64;
        time, maybe_time, Time, Time;
        span, maybe_span, Interval, Span;
        texts, maybe_texts, TextArray, Vec<String>;
        json, maybe_json, Json, serde_json::Value;
        bytes, maybe_bytes, Bytes, Vec<u8>;
    }

    /// The columns themselves, to be handed on as a result row.
    pub fn into_values(self) -> Vec<Value> {
        self.0
    }
}
