//! The way back: a schema, and by a job what its group owns, goes to who had it.
//!
//! The flat role stays a member of the group until nothing of the group's is left, so that it works on at every
//! moment; then the group goes. New objects stay with who makes them from the moment that the schema is back.

use super::role::Flat;
use crate::catalog::{self, State};
use crate::error::{Kind, Result};
use crate::jobs::{self, Job, Order, Stage};
use crate::ownership::{self, Scope};
use crate::permissions::{defaults, group, member, takeover, Group};
use crate::pg::authority::{self, Caller};
use crate::pg::owner::{self, Class};
use crate::pg::{ident, lock, log, role, xact, Oid};
use crate::rotation;

/// A schema goes back at once, what its group owns by a job.
pub(super) fn schema(
    caller: &Caller,
    flat: &Flat,
    name: &str,
    owner: &str,
    group: &Group,
) -> Result<()> {
    lock::scope_exclusively(group.scope)?;
    let to = ident::role_oid(owner).filter(|to| !authority::is_superuser(*to));
    let (Some(to), true) = (to, super::schema_named(name)? == group.scope) else {
        return Err(Kind::InUse
            .error("a role or schema was renamed or replaced meanwhile")
            .detail("Nothing was changed.")
            .hint("Call again."));
    };
    takeover::call_off(group.role, |_| true)?;
    owner::give_schema(group.scope, to)?;
    let default = catalog::default_credential()?;
    let mut order = Order::new(jobs::Kind::Move, group.role, &default.name, Stage::Move);
    order.reassign_to = Some(flat.role);
    order.place(caller.effective)?;
    log::notice(
        "what is in the schema goes back by a job: follow it with SELECT * FROM credentials.wait()",
    );
    Ok(())
}

/// What a job gives back: everything that a group owns, to the role that was named; to default where that one
/// has gone meanwhile. Nothing for jobs that take over.
pub fn scope(job: &Job) -> Result<Option<Scope>> {
    if job.kind != jobs::Kind::Move || group::by_role(job.role)?.is_none() {
        return Ok(None);
    }
    let fit = |to: &Oid| -> Result<bool> {
        let leaving = catalog::by_role(*to)?.is_some_and(|c| c.state == State::Destroying);
        Ok(!leaving && ident::role_name(*to).is_some() && !authority::is_superuser(*to))
    };
    let to = match job.reassign_to {
        Some(to) if fit(&to)? => to,
        _ => catalog::default_credential()?.role,
    };
    Ok(Some(Scope::Role {
        from: job.role,
        to,
        alike: false,
    }))
}

/// Why there is nothing more to give back: the group is gone, or owns its schema again.
pub fn pointless(group: Oid) -> Result<Option<&'static str>> {
    Ok(match group::by_role(group)? {
        None => Some("the group is no longer managed"),
        Some(found) if !found.is_bound() => Some("the group was dropped or renamed"),
        Some(found) if owns(&found) => Some("the group owns its schema again"),
        Some(_) => None,
    })
}

fn owns(group: &Group) -> bool {
    owner::of(Class::Schema, group.scope) == Some(group.role)
}

/// Everything was given back: the group, which owns nothing any more, goes. Tells whether it is over; it is not
/// where a member's transaction has made something meanwhile, or has yet to end.
pub fn finish(job: &Job, scope: &Scope) -> Result<bool> {
    let Some(found) = group::by_role(job.role)? else {
        return Ok(true);
    };
    // No apply reads that the group is there, and finds it gone. Whoever makes something in the schema holds
    // the other lock shared until it is committed.
    let locks = || lock::counter().and_then(|()| lock::scope_exclusively(found.scope));
    match xact::subtransaction(locks) {
        Ok(had) => had?,
        Err(caught) if caught.is_contention() => return Ok(false),
        Err(caught) => return Err(rotation::unexpected(&caught)),
    }
    let over = jobs::find(job.id)?.is_none_or(|now| now.state.is_over());
    if over || pointless(found.role)?.is_some() {
        return Ok(true);
    }
    if !ownership::is_empty(scope)? {
        return Ok(false);
    }
    for other in group::on_schema(found.scope)? {
        if other.scope == found.scope && other.role != found.role {
            defaults::forget(found.role, &found.role_name, &other)?;
        }
    }
    if group::is_idle(found.role)? {
        role::drop(found.role, &found.role_name)?;
        group::delete(found.role)?;
    } else if let Some(flat) = job.reassign_to {
        let name = ident::role_name(flat).unwrap_or_default();
        if role::is_direct_member(flat, found.role) {
            member::leave(&found, flat, &name)?;
        }
    }
    Ok(true)
}
