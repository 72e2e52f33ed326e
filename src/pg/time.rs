//! The clock, and arithmetic with intervals as the server does it.

use super::value::{Span, Time, Value};
use crate::error::{Kind, Result};
use pgrx::pg_sys;
use pgrx::{direct_function_call, FromDatum};

/// Now, by the wall clock.
pub fn now() -> Time {
    // SAFETY: reads the system clock.
    unsafe { pg_sys::GetCurrentTimestamp() }
}

/// `start` plus `span`, with months and days as the server's calendar has them.
pub fn after(start: Time, span: Span) -> Result<Time> {
    let args = [
        Value::Time(start).into_datum(),
        Value::Interval(span).into_datum(),
    ];
    // SAFETY: timestamptz_pl_interval takes a timestamptz and an interval, which is what is passed;
    // an overflow is a server error that unwinds.
    let end: Option<i64> = unsafe {
        direct_function_call::<pg_sys::Datum>(pg_sys::timestamptz_pl_interval, &args)
            .and_then(|d| i64::from_datum(d, false))
    };
    end.ok_or_else(|| Kind::Internal.error("a time without a value"))
}

/// A time as text that reads back the same under any time zone and date style, for a parse node.
pub fn for_node(time: Time) -> Result<String> {
    super::spi::row(
        "SELECT pg_catalog.to_char(pg_catalog.timezone('UTC', $1), 'YYYY-MM-DD HH24:MI:SS.US') OPERATOR(pg_catalog.||) '+00'",
        &[Value::Time(time)],
    )?
    .ok_or_else(|| Kind::Internal.error("a time without a text"))?
    .text(0)
}

/// A time as the server prints it in ISO style, for messages.
pub fn shown(time: Time) -> String {
    // SAFETY: timestamptz_to_str gives a NUL-terminated string in a static buffer.
    unsafe { super::text::copy(pg_sys::timestamptz_to_str(time)) }.unwrap_or_default()
}

/// How long a login may take (`authentication_timeout`), in microseconds.
pub fn authentication_timeout() -> i64 {
    // SAFETY: a plain global that holds the setting, in seconds.
    i64::from(unsafe { pg_sys::AuthenticationTimeout }) * 1_000_000
}
