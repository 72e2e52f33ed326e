//! One type for everything that crosses between Rust and the server: arguments of functions,
//! parameters of statements, columns of results.

use super::Oid;
use pgrx::pg_sys;
use pgrx::{AnyNumeric, FromDatum, IntoDatum, JsonB};

/// Microseconds since 2000-01-01 UTC, as the server counts (`timestamptz`).
pub type Time = i64;

/// A span as the server keeps it: months and days are not a fixed number of microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Calendar months.
    pub months: i32,
    /// Calendar days.
    pub days: i32,
    /// The rest, in microseconds.
    pub micros: i64,
}

impl Span {
    /// A span of whole seconds.
    pub fn seconds(seconds: i64) -> Span {
        Span {
            months: 0,
            days: 0,
            micros: seconds * 1_000_000,
        }
    }

    /// Length in microseconds with months of 30 and days of 24 hours, for comparing and for limits.
    pub fn nominal_micros(self) -> i128 {
        i128::from(self.months) * 30 * DAY_MICROS
            + i128::from(self.days) * DAY_MICROS
            + i128::from(self.micros)
    }
}

const DAY_MICROS: i128 = 86_400_000_000;

/// The types that cross the fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `text`
    Text,
    /// `boolean`
    Bool,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `oid`
    Oid,
    /// `double precision`
    Float8,
    /// `timestamptz`
    Time,
    /// `interval`
    Interval,
    /// `text[]`
    TextArray,
    /// `jsonb`, as its text
    Json,
    /// `bytea`
    Bytes,
    /// `inet`, as its text
    Inet,
}

impl Type {
    /// The type's OID in `pg_type.dat`.
    pub(super) fn oid(self) -> Oid {
        match self {
            Type::Text => pg_sys::TEXTOID,
            Type::Bool => pg_sys::BOOLOID,
            Type::Int4 => pg_sys::INT4OID,
            Type::Int8 => pg_sys::INT8OID,
            Type::Oid => pg_sys::OIDOID,
            Type::Float8 => pg_sys::FLOAT8OID,
            Type::Time => pg_sys::TIMESTAMPTZOID,
            Type::Interval => pg_sys::INTERVALOID,
            Type::TextArray => pg_sys::TEXTARRAYOID,
            Type::Json => pg_sys::JSONBOID,
            Type::Bytes => pg_sys::BYTEAOID,
            Type::Inet => pg_sys::INETOID,
        }
    }

    /// The type of an OID, or nothing where the fence has no door for it.
    pub(super) fn of(oid: Oid) -> Option<Type> {
        const ALL: [Type; 12] = [
            Type::Text,
            Type::Bool,
            Type::Int4,
            Type::Int8,
            Type::Oid,
            Type::Float8,
            Type::Time,
            Type::Interval,
            Type::TextArray,
            Type::Json,
            Type::Bytes,
            Type::Inet,
        ];
        ALL.into_iter().find(|t| t.oid() == oid)
    }
}

/// A value on its way in or out.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL of a type.
    Null(Type),
    /// `text`
    Text(String),
    /// `boolean`
    Bool(bool),
    /// `integer`
    Int4(i32),
    /// `bigint`
    Int8(i64),
    /// `oid`
    Oid(Oid),
    /// `double precision`
    Float8(f64),
    /// `timestamptz`
    Time(Time),
    /// `interval`
    Interval(Span),
    /// `text[]` without NULLs
    TextArray(Vec<String>),
    /// `jsonb`
    Json(serde_json::Value),
    /// `bytea`
    Bytes(Vec<u8>),
    /// `inet`
    Inet(String),
}

impl Value {
    /// The type it is sent as.
    pub fn kind(&self) -> Type {
        match self {
            Value::Null(t) => *t,
            Value::Text(_) => Type::Text,
            Value::Bool(_) => Type::Bool,
            Value::Int4(_) => Type::Int4,
            Value::Int8(_) => Type::Int8,
            Value::Oid(_) => Type::Oid,
            Value::Float8(_) => Type::Float8,
            Value::Time(_) => Type::Time,
            Value::Interval(_) => Type::Interval,
            Value::TextArray(_) => Type::TextArray,
            Value::Json(_) => Type::Json,
            Value::Bytes(_) => Type::Bytes,
            Value::Inet(_) => Type::Inet,
        }
    }

    /// The server's form, allocated in the current memory context; nothing for NULL.
    pub(super) fn into_datum(self) -> Option<pg_sys::Datum> {
        match self {
            Value::Null(_) => None,
            Value::Text(v) => v.into_datum(),
            Value::Bool(v) => v.into_datum(),
            Value::Int4(v) => v.into_datum(),
            Value::Int8(v) | Value::Time(v) => v.into_datum(),
            // pgrx would make NULL of the invalid OID, which is a value here: PUBLIC, or nobody yet.
            Value::Oid(v) => Some(pg_sys::Datum::from(v)),
            Value::Float8(v) => v.into_datum(),
            Value::Interval(v) => pgrx::datum::Interval::new(v.months, v.days, v.micros)
                .ok()
                .and_then(IntoDatum::into_datum),
            Value::TextArray(v) => v.into_datum(),
            Value::Json(v) => JsonB(v).into_datum(),
            Value::Bytes(v) => v.into_datum(),
            Value::Inet(v) => pgrx::Inet(v).into_datum(),
        }
    }

    /// Whether a list has a NULL among its elements, for which there is no place in a [`Value`].
    ///
    /// # Safety
    /// As for [`Value::from_datum`].
    pub(super) unsafe fn has_null_element(datum: pg_sys::Datum, null: bool, oid: Oid) -> bool {
        // SAFETY: the caller vouches for the datum, which is looked at only as what it is.
        oid == pg_sys::TEXTARRAYOID
            && unsafe { Vec::<Option<String>>::from_datum(datum, null) }
                .is_some_and(|list| list.contains(&None))
    }

    /// Reads the server's form; nothing where the fence has no door for the type.
    ///
    /// # Safety
    /// `datum` must be a valid datum of the type with OID `oid`, unless `null`.
    pub(super) unsafe fn from_datum(datum: pg_sys::Datum, null: bool, oid: Oid) -> Option<Value> {
        if oid == pg_sys::NAMEOID || oid == pg_sys::CSTRINGOID {
            // SAFETY: a name and a cstring are both NUL-terminated bytes, and the caller vouches for the datum.
            let text = unsafe { <&std::ffi::CStr>::from_datum(datum, null) };
            return Some(text.map_or(Value::Null(Type::Text), |t| {
                Value::Text(t.to_string_lossy().into_owned())
            }));
        }
        let kind = Type::of(oid).or(match oid {
            pg_sys::VARCHAROID | pg_sys::PG_LSNOID => Some(Type::Text),
            pg_sys::INT2OID | pg_sys::NUMERICOID => Some(Type::Int8),
            _ => None,
        })?;
        if null {
            return Some(Value::Null(kind));
        }
        // SAFETY: the caller vouches that the datum is of this type and not null.
        unsafe { read(datum, oid, kind) }
    }
}

/// # Safety
/// `datum` must be a valid non-null datum of the type with OID `oid`, which reads as `kind`.
unsafe fn read(datum: pg_sys::Datum, oid: Oid, kind: Type) -> Option<Value> {
    // SAFETY: each arm reads the datum as the type that the caller vouches for.
    unsafe {
        Some(match kind {
            // As pg_lsn_out writes it (pg_lsn.c).
            Type::Text if oid == pg_sys::PG_LSNOID => {
                let position = datum.value() as u64;
                Value::Text(format!("{:X}/{:X}", position >> 32, position & 0xFFFF_FFFF))
            }
            Type::Text => Value::Text(String::from_datum(datum, false)?),
            Type::Bool => Value::Bool(bool::from_datum(datum, false)?),
            Type::Int4 => Value::Int4(i32::from_datum(datum, false)?),
            Type::Int8 if oid == pg_sys::INT2OID => {
                Value::Int8(i64::from(i16::from_datum(datum, false)?))
            }
            Type::Int8 if oid == pg_sys::NUMERICOID => {
                Value::Int8(i64::try_from(AnyNumeric::from_datum(datum, false)?).ok()?)
            }
            Type::Int8 => Value::Int8(i64::from_datum(datum, false)?),
            Type::Oid => Value::Oid(Oid::from(datum.value() as u32)),
            Type::Float8 => Value::Float8(f64::from_datum(datum, false)?),
            Type::Time => Value::Time(i64::from_datum(datum, false)?),
            Type::Interval => {
                let i = pgrx::datum::Interval::from_datum(datum, false)?;
                Value::Interval(Span {
                    months: i.months(),
                    days: i.days(),
                    micros: i.micros(),
                })
            }
            Type::TextArray => Value::TextArray(
                Vec::<Option<String>>::from_datum(datum, false)?
                    .into_iter()
                    .flatten()
                    .collect(),
            ),
            Type::Json => Value::Json(json(datum)?),
            Type::Bytes => Value::Bytes(Vec::<u8>::from_datum(datum, false)?),
            Type::Inet => Value::Inet(pgrx::Inet::from_datum(datum, false)?.0),
        })
    }
}

/// A `jsonb`; nothing for one that goes deeper, or has a greater number, than is read here.
///
/// # Safety
/// `datum` must be a valid non-null `jsonb`.
unsafe fn json(datum: pg_sys::Datum) -> Option<serde_json::Value> {
    // SAFETY: the caller vouches for the datum; the text is the server's own copy, of a document that has no NUL.
    let text = unsafe {
        let value = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
        let out = pgrx::direct_function_call::<&std::ffi::CStr>(
            pg_sys::jsonb_out,
            &[Some(pg_sys::Datum::from(value))],
        )?;
        out.to_str().ok()?
    };
    serde_json::from_str(text).ok()
}

macro_rules! carries {
    ($($rust:ty => $variant:ident, $kind:ident;)*) => {$(
        impl From<$rust> for Value {
            fn from(v: $rust) -> Value { Value::$variant(v.into()) }
        }
        impl From<Option<$rust>> for Value {
            fn from(v: Option<$rust>) -> Value {
                v.map_or(Value::Null(Type::$kind), Value::from)
            }
        }
    )*};
}

carries! {
    &str => Text, Text;
    String => Text, Text;
    &String => Text, Text;
    bool => Bool, Bool;
    i32 => Int4, Int4;
    i64 => Int8, Int8;
    Oid => Oid, Oid;
    f64 => Float8, Float8;
    Span => Interval, Interval;
    Vec<String> => TextArray, TextArray;
    serde_json::Value => Json, Json;
    Vec<u8> => Bytes, Bytes;
}

/// A `timestamptz`, which is a bare number in Rust.
pub fn at(time: Time) -> Value {
    Value::Time(time)
}

/// A `timestamptz` that may be NULL.
pub fn maybe_at(time: Option<Time>) -> Value {
    time.map_or(Value::Null(Type::Time), Value::Time)
}
