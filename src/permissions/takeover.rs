//! A schema that belongs to a group: the group owns the schema at once, and what is in it by a job, in batches.

use super::group::{self, Group};
use super::sweep;
use crate::catalog::Credential;
use crate::error::{Kind, Result};
use crate::jobs::{self, Ended, Job, Order, Stage};
use crate::ownership::{self, Scope};
use crate::pg::authority::Caller;
use crate::pg::owner::{self, Class};
use crate::pg::{ident, Oid};

/// Makes a group the owner of its schema; tells whether it was not.
pub fn schema(group: &Group) -> Result<bool> {
    if owner::of(Class::Schema, group.scope) == Some(group.role) {
        return Ok(false);
    }
    owner::give_schema(group.scope, group.role)?;
    Ok(true)
}

/// Orders that what is in the schema goes to its group, where there is anything to move: what managed and
/// vanished roles own, and where a superuser calls what superusers and others own as well.
pub fn order(caller: &Caller, credential: &Credential, group: &Group) -> Result<Option<i64>> {
    let everybodys = caller.is_superuser();
    // What was on its way back may be under way still, and is not seen here.
    let called_off = call_off(group.role, |job| job.role == group.role)?;
    if !called_off && ownership::is_empty(&scope(group.role, everybodys)?)? {
        return Ok(None);
    }
    let mut order = Order::new(
        jobs::Kind::Move,
        credential.role,
        &credential.name,
        Stage::Move,
    );
    order.reassign_to = Some(group.role);
    order.options.include_unmanaged = everybodys;
    order.place(caller.effective).map(Some)
}

/// Calls off what moves to a group, or from it, of those jobs that are meant: the other way is ordered. Tells
/// whether there was any.
pub fn call_off(group: Oid, meant: impl Fn(&Job) -> bool) -> Result<bool> {
    let mut any = false;
    for job in jobs::live_for(None)? {
        let is_of = job.role == group || job.reassign_to == Some(group);
        if job.kind == jobs::Kind::Move && is_of && meant(&job) {
            let why = "the other way was ordered since";
            jobs::close(job.id, Ended::Cancelled, Some(why))?;
            any = true;
        }
    }
    Ok(any)
}

/// What a job moves to the group with this role.
pub fn scope(group: Oid, include_unmanaged: bool) -> Result<Scope> {
    let found = group::by_role(group)?
        .ok_or_else(|| Kind::NotFound.error("the group of a schema is not there"))?;
    Ok(Scope::Schema {
        schema: found.scope,
        to: found.role,
        managed: sweep::managed()?,
        include_unmanaged,
    })
}

/// Why nothing can be moved to a group any more.
pub fn pointless(group: Oid) -> Result<Option<&'static str>> {
    Ok(match group::by_role(group)? {
        Some(found) if !found.is_bound() => Some("the group was dropped or renamed"),
        Some(found) if ident::schema_name(found.scope).is_none() => Some("the schema is gone"),
        Some(_) => None,
        None => Some("the group is no longer managed"),
    })
}
