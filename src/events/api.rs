//! `events()`.

use super::store;
use crate::core::name;
use crate::error::Result;
use crate::pg::call::{Answer, Call};
use crate::pg::value::maybe_at;

/// `credentials.events(name, since, after)`: oldest first.
///
/// A name that no event bears gives no row: a destroyed credential's events stay readable by name.
pub fn events(call: &Call) -> Result<Answer> {
    let name = call.maybe_text("name")?.map(|raw| {
        if name::is_default_target(&raw) {
            name::DEFAULT.to_owned()
        } else {
            raw
        }
    });
    let (since, after) = (call.maybe_time("since")?, call.maybe_int8("after")?);
    let params = vec![name.into(), maybe_at(since), after.into()];
    Ok(Answer::Query(store::SELECT, params))
}
