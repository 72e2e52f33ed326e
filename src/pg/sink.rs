//! Many rows made of few values: each value is brought into the server's form once, and the rows that it
//! stands in go straight into the result.

use super::answer::Store;
use super::value::Value;
use super::{xact, Oid};
use crate::error::{Kind, Result};
use pgrx::pg_sys;
use std::marker::PhantomData;

/// What makes the rows of an answer, one by one; few are in memory at a time.
pub type Source = Box<dyn for<'call> FnOnce(&mut Sink<'call>) -> Result<()>>;

/// A value in the server's form, good for as long as the call that it is a result of.
#[derive(Clone, Copy)]
pub struct Interned<'call> {
    datum: pg_sys::Datum,
    oid: Oid,
    call: PhantomData<&'call ()>,
}

/// Takes the rows of one live call.
pub struct Sink<'call> {
    store: &'call Store,
    declared: Vec<Oid>,
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
    taken: u32,
}

/// Rows between two looks whether the caller has cancelled.
const BETWEEN_LOOKS: u32 = 1024;

impl<'call> Sink<'call> {
    pub(super) fn into(store: &'call Store) -> Sink<'call> {
        let declared = store.declared();
        Sink {
            store,
            values: vec![pg_sys::Datum::from(0); declared.len()],
            nulls: vec![false; declared.len()],
            declared,
            taken: 0,
        }
    }

    /// A value that is not NULL, for any number of rows.
    pub fn value(&self, value: Value) -> Result<Interned<'call>> {
        let oid = value.kind().oid();
        let datum = value
            .into_datum()
            .ok_or_else(|| Kind::Internal.error("NULL where rows are made of values"))?;
        Ok(Interned::of(datum, oid))
    }

    /// A name as a `text`, byte for byte: catalogs hold names in the encoding of whoever gave them.
    pub fn name(&self, name: &[u8]) -> Interned<'call> {
        let length = i32::try_from(name.len()).unwrap_or(0);
        // SAFETY: copies `length` bytes, which are there, into the memory of the call.
        let text = unsafe { pg_sys::cstring_to_text_with_len(name.as_ptr().cast(), length) };
        Interned::of(pg_sys::Datum::from(text), pg_sys::TEXTOID)
    }

    /// A `"char"`.
    pub fn letter(&self, letter: u8) -> Interned<'call> {
        // The server passes a "char" by value, as a signed byte (CharGetDatum).
        let datum = pg_sys::Datum::from(i8::from_ne_bytes([letter]));
        Interned::of(datum, pg_sys::CHAROID)
    }

    /// Adds a row, its columns in order.
    pub fn put(&mut self, row: &[Interned<'call>]) -> Result<()> {
        if !row.iter().map(|v| v.oid).eq(self.declared.iter().copied()) {
            return Err(Kind::Internal.error("a result row that is not as declared"));
        }
        for (place, value) in self.values.iter_mut().zip(row) {
            *place = value.datum;
        }
        // SAFETY: the values are of the declared types, and were made for this call.
        unsafe { self.store.put(&mut self.values, &mut self.nulls) };
        self.taken += 1;
        if self.taken.is_multiple_of(BETWEEN_LOOKS) {
            xact::check_for_interrupts();
        }
        Ok(())
    }
}

impl Interned<'_> {
    fn of(datum: pg_sys::Datum, oid: Oid) -> Self {
        Interned {
            datum,
            oid,
            call: PhantomData,
        }
    }
}
