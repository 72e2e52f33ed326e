//! What newly made objects get, whoever makes them: the rights of their schema's groups, and where a
//! member of the group that owns the schema made them, that group as their owner.
//!
//! ALTER DEFAULT PRIVILEGES would say so for one creator at a time, for those who are known, and would
//! keep each of them from being dropped.

use super::give;
use super::group::{self, Group};
use super::made::{is_aggregate, judge, Step};
use super::objects;
use super::preset::{GroupKind, ObjectKind};
use super::scope;
use crate::error::{Kind, Result};
use crate::ownership;
use crate::pg::authority::{self, Caller};
use crate::pg::created::Change;
use crate::pg::object::{self, Facts, What};
use crate::pg::owner::{self, Class};
use crate::pg::{ident, lock, xact, Oid};
use std::collections::hash_map::{Entry, HashMap};

/// Settles what a statement has made or changed.
pub fn settle(changes: &[Change]) -> Result<()> {
    let mut groups = Groups::default();
    for change in changes {
        let Some(now) = object::look(change.class, change.object) else {
            continue;
        };
        let Some(step) = judge(change.former, now) else {
            continue;
        };
        match step {
            Step::Give => give(change, now, groups.on(now.schema)?, &[])?,
            Step::Move { from } => {
                let before = groups.on(from)?.to_vec();
                let after = groups.on(now.schema)?;
                take(change, now, &without(&before, after))?;
                give(change, now, &without(after, &before), &before)?;
            }
            Step::Close => close(change, groups.on(now.schema)?)?,
            Step::Rename => rename(change.object)?,
        }
    }
    Ok(())
}

/// The groups that hold rights on schemas, asked once a schema and statement.
#[derive(Default)]
struct Groups {
    known: HashMap<Oid, Vec<Group>>,
}

impl Groups {
    /// The groups on what stands in a schema. None on the system's, on temporary ones, and where the rows
    /// are another cluster's.
    fn on(&mut self, schema: Oid) -> Result<&[Group]> {
        Ok(match self.known.entry(schema) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(Groups::ask(schema)?),
        })
    }

    fn ask(schema: Oid) -> Result<Vec<Group>> {
        if ident::schema_name(schema).is_none_or(|name| scope::is_reserved(&name)) {
            return Ok(Vec::new());
        }
        // Who gives the first right on this schema lists what is in it. Either that is seen here, or this there.
        let busy = || {
            Kind::Timeout
                .error("the rights on what was made could not be settled in time")
                .detail("A transaction that has not ended yet gives the first rights on its schema.")
                .hint("Try again when it has ended: SELECT * FROM pg_locks WHERE NOT granted; tells who waits.")
        };
        xact::or_timeout(|| lock::scope_shared(schema), busy)?;
        group::in_force_on(schema)
    }
}

/// Those of `groups` that are not among `others`.
fn without(groups: &[Group], others: &[Group]) -> Vec<Group> {
    let missing = groups.iter().filter(|g| !others.contains(g));
    missing.cloned().collect()
}

/// An object gets its owner, and each group its rights on it. The owner first: rights are in its name.
fn give(change: &Change, now: Facts, groups: &[Group], before: &[Group]) -> Result<()> {
    if groups.is_empty() || is_extensions(change) {
        return Ok(());
    }
    if let Some(group) = owner_among(groups).filter(|group| rules(group, now)) {
        let actor = actor(change, now);
        let of_group = owner_among(before).is_some_and(|g| g.role == now.owner);
        if goes_to(now, group, actor, of_group) && !would_break(change, now, group)? {
            owner::hand_over(change.class, change.object, group.role, actor)?;
        }
    }
    let kind = match is_aggregate(now.what) {
        true => objects::one(change.class, change.object)?.map(|found| found.kind),
        false => ObjectKind::of(now.what),
    };
    match kind {
        Some(kind) => give::to_object(change.class, change.object, kind, groups).map(|_| ()),
        None => Ok(()),
    }
}

/// Whether an extension says who may use it. This is asked last, since it reads the catalog itself.
fn is_extensions(change: &Change) -> bool {
    owner::is_extension_member(change.class, change.object)
}

fn owner_among(groups: &[Group]) -> Option<&Group> {
    groups.iter().find(|g| g.kind == GroupKind::Owner)
}

/// Whether a group owns the schema in which something was made: one that gave its schema back takes nothing.
fn rules(group: &Group, now: Facts) -> bool {
    now.what == What::Schema || owner::of(Class::Schema, now.schema) == Some(group.role)
}

/// As whom an object changes hands: what is new as its maker, who owns it; what is moved as whoever moves it.
fn actor(change: &Change, now: Facts) -> Oid {
    match change.former {
        None => now.owner,
        Some(_) => Caller::current().effective,
    }
}

/// Whether an object goes to the group that owns its schema: its owner is a member, or is the group of the
/// schema that it came from, and who acts could give it away himself.
///
/// What a superuser owns stays a superuser's. Who is a member and does not have the group's rights by that,
/// as NOINHERIT has it, would be shut out of what it has just made.
fn goes_to(now: Facts, group: &Group, actor: Oid, of_group: bool) -> bool {
    now.owner != group.role
        && !authority::is_superuser(now.owner)
        && !authority::is_superuser(group.role)
        && (of_group || authority::has_privileges_of(now.owner, group.role))
        && authority::has_privileges_of(actor, now.owner)
        && authority::has_privileges_of(actor, group.role)
        && (now.what == What::Schema || authority::may_create_in(group.role, now.schema))
}

/// Whether a view would only give errors as the group's: a view reads with its owner's rights, and its maker may
/// read what the group may not.
fn would_break(change: &Change, now: Facts, group: &Group) -> Result<bool> {
    match now.what {
        What::Relation('v' | 'm') => ownership::would_break(change.object, now.owner, group.role),
        _ => Ok(false),
    }
}

/// What the groups of the former schema had goes; what somebody gave them beyond that stays.
fn take(change: &Change, now: Facts, groups: &[Group]) -> Result<()> {
    if groups.is_empty() || is_extensions(change) {
        return Ok(());
    }
    match ObjectKind::of(now.what) {
        Some(kind) => give::take_from(change.class, change.object, kind, groups),
        None => Ok(()),
    }
}

/// Nobody calls by its groups what now runs with its owner's rights, or may do more than its caller.
fn close(change: &Change, groups: &[Group]) -> Result<()> {
    if groups.is_empty() || objects::one(change.class, change.object)?.is_some() {
        return Ok(());
    }
    give::take_from(change.class, change.object, ObjectKind::Routine, groups)
}

/// A schema that has groups has another name.
fn rename(schema: Oid) -> Result<()> {
    match ident::schema_name(schema) {
        Some(name) => group::set_scope_name(schema, &name),
        None => Ok(()),
    }
}
