//! What would stop a step of a plan, as far as it can be known before anything is done.

use super::present::{Present, Scope};
use super::step::Step;
use crate::access::{self, Act};
use crate::catalog;
use crate::core::name::DEFAULT;
use crate::error::Result;
use crate::permissions::group::EVERY_SCHEMA;
use crate::permissions::{make, GroupKind};
use crate::pg::authority::Caller;
use crate::tenants;

/// Refuses what apply() would come to refuse at one of the steps.
pub(super) fn refuse(steps: &[Step], now: &Present, caller: &Caller) -> Result<()> {
    for step in steps {
        match step {
            Step::Share(step) => tenants::check(step, caller)?,
            Step::Attach(step) => may_be_told(&step.after.credential, now, caller)?,
            Step::Grant { access, scope, .. } => usable(scope, access.group(), now)?,
            Step::NewGroup { group, scope, .. } => usable(scope, group.kind, now)?,
            Step::OwnSchema { schema, .. } => usable(&Scope::of(schema), GroupKind::Owner, now)?,
            _ => {}
        }
    }
    Ok(())
}

/// A group is made, or is as it was made: who joins one that has become more gets what it has become.
fn usable(scope: &Scope, kind: GroupKind, now: &Present) -> Result<()> {
    let oid = match scope {
        Scope::Every => Some(EVERY_SCHEMA),
        Scope::Schema(name) => now.schemas.get(name).map(|schema| schema.oid),
    };
    // A schema that is still to be made has no group.
    let known = oid.map(|oid| make::usable(oid, kind));
    known.transpose().map(|_| ())
}

/// Of a credential that is still to be made nothing is known yet.
fn may_be_told(name: &str, now: &Present, caller: &Caller) -> Result<()> {
    if name != DEFAULT && !now.credentials.contains_key(name) {
        return Ok(());
    }
    let credential = catalog::target(name)?;
    access::refuse_destroying(&credential)?;
    access::check(caller, &credential, Act::Tell)
}
