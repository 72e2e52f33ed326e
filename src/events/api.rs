//! `events()`.

use super::store;
use crate::error::Result;
use crate::pg::call::{Answer, Call};

/// `credentials.events(name, since, after)`: oldest first.
///
/// A name that no event bears gives no row: a destroyed credential's events stay readable by name.
pub fn events(call: &Call) -> Result<Answer> {
    let name = call.maybe_text("name")?;
    let rows = store::select(
        name.as_deref(),
        call.maybe_time("since")?,
        call.maybe_int8("after")?,
    )?;
    Ok(Answer::Rows(rows))
}
