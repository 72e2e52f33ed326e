//! `events()`.

use super::store;
use crate::collaborators::{self, Permission};
use crate::core::name;
use crate::error::Result;
use crate::pg::call::{Answer, Call};
use crate::pg::value::{maybe_at, Value};

/// `credentials.events(name, since, after)`: oldest first.
///
/// A name that no event bears gives no row: a destroyed credential's events stay readable by name. A collaborator
/// sees the events of his apps, and of the credentials that they have.
pub fn events(call: &Call) -> Result<Answer> {
    let name = call.maybe_text("name")?.map(|raw| {
        if name::is_default_target(&raw) {
            name::DEFAULT.to_owned()
        } else {
            raw
        }
    });
    let (since, after) = (call.maybe_time("since")?, call.maybe_int8("after")?);
    let mut params = vec![name.into(), maybe_at(since), after.into()];
    let Some(limits) = collaborators::limits(call)? else {
        return Ok(Answer::Query(store::SELECT, params));
    };
    let roles = limits.roles(Permission::View)?;
    let roles = roles.iter().map(|role| role.to_u32().to_string());
    params.push(Value::TextArray(roles.collect()));
    params.push(Value::TextArray(limits.rights.apps()));
    Ok(Answer::Query(store::SELECT_SEEN, params))
}
