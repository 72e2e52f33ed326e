//! What newly made objects get, whoever makes them: the rights of their schema's groups, and where a
//! member of the group that owns the schema made them, that group as their owner.
//!
//! ALTER DEFAULT PRIVILEGES would say so for one creator at a time, for those who are known, and would
//! keep each of them from being dropped.

use super::give;
use super::group::{self, Group};
use super::objects;
use super::preset::{GroupKind, ObjectKind};
use super::scope;
use crate::catalog::home::{self, Standing};
use crate::error::{Kind, Result};
use crate::pg::authority::{self, Caller};
use crate::pg::created::Change;
use crate::pg::object::{self, Facts, What};
use crate::pg::owner;
use crate::pg::{ident, lock, xact, Oid};
use std::collections::hash_map::{Entry, HashMap};

/// What is to be done about one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It is new: it gets what its schema's groups are to have.
    Give,
    /// It has come from another schema: the rights of that one's groups go.
    Move {
        /// The schema that it stood in.
        from: Oid,
    },
    /// A routine that groups might call now reaches further than its caller.
    Close,
    /// A schema may have another name.
    Rename,
}

/// Relations that have an owner of their own; indexes and TOAST follow their tables, composite types are types.
const OWNED_RELATIONS: [char; 6] = ['r', 'p', 'v', 'm', 'f', 'S'];

/// What is to be done about what was so, if it was, and now is so.
fn judge(former: Option<Facts>, now: Facts) -> Option<Step> {
    if matches!(now.what, What::Relation(kind) if !OWNED_RELATIONS.contains(&kind)) {
        return None;
    }
    let Some(former) = former else {
        return Some(Step::Give);
    };
    if now.what == What::Schema {
        return Some(Step::Rename);
    }
    if former.schema != now.schema {
        return Some(Step::Move {
            from: former.schema,
        });
    }
    // What its owner once took from the groups it does not get back by being replaced.
    let was_open = ObjectKind::of(former.what).is_some();
    let may_reach_further = ObjectKind::of(now.what).is_none() || is_aggregate(now.what);
    (was_open && may_reach_further).then_some(Step::Close)
}

/// An aggregate reaches as far as what it calls, which only [`objects`] tells.
fn is_aggregate(what: What) -> bool {
    matches!(what, What::Routine { kind: 'a', .. })
}

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
        if owner::is_extension_member(change.class, change.object) {
            continue;
        }
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
        let mut groups = group::on_schema(schema)?;
        groups.retain(Group::is_bound);
        // After pg_upgrade a schema's number may be another's, until the worker has bound the rows anew.
        if !groups.is_empty() && home::standing()? != Standing::Ours {
            groups.clear();
        }
        Ok(groups)
    }
}

/// Those of `groups` that are not among `others`.
fn without(groups: &[Group], others: &[Group]) -> Vec<Group> {
    let missing = groups.iter().filter(|g| !others.contains(g));
    missing.cloned().collect()
}

/// An object gets its owner, and each group its rights on it. The owner first: rights are in its name.
fn give(change: &Change, now: Facts, groups: &[Group], before: &[Group]) -> Result<()> {
    if let Some(group) = owner_among(groups) {
        let actor = actor(change, now);
        let of_group = owner_among(before).is_some_and(|g| g.role == now.owner);
        if goes_to(now, group, actor, of_group) {
            owner::hand_over(change.class, change.object, group.role, actor)?;
        }
    }
    if groups.is_empty() {
        return Ok(());
    }
    match objects::one(change.class, change.object)? {
        Some(found) => give::to_object(change.class, change.object, found.kind, groups).map(|_| ()),
        None => Ok(()),
    }
}

fn owner_among(groups: &[Group]) -> Option<&Group> {
    groups.iter().find(|g| g.kind == GroupKind::Owner)
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

/// What the groups of the former schema had goes; what somebody gave them beyond that stays.
fn take(change: &Change, now: Facts, groups: &[Group]) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::oid;

    const HERE: u32 = 7;
    const THERE: u32 = 8;

    fn facts(schema: u32, what: What) -> Facts {
        Facts {
            schema: oid(schema),
            owner: oid(10),
            what,
        }
    }

    fn routine(definer: bool, trusted: bool) -> What {
        What::Routine {
            kind: 'f',
            definer,
            trusted,
        }
    }

    const TABLE: What = What::Relation('r');
    const AGGREGATE: What = What::Routine {
        kind: 'a',
        definer: false,
        trusted: false,
    };

    #[test]
    fn an_aggregate_that_is_replaced_is_looked_at_again() {
        let aggregate = facts(HERE, AGGREGATE);
        assert_eq!(judge(Some(aggregate), aggregate), Some(Step::Close));
    }

    #[test]
    fn what_follows_a_table_is_no_object_of_its_own() {
        for kind in ['i', 'I', 't', 'c'] {
            let (here, there) = (
                facts(HERE, What::Relation(kind)),
                facts(THERE, What::Relation(kind)),
            );
            assert_eq!(judge(None, here), None, "{kind}");
            assert_eq!(judge(Some(here), there), None, "{kind}");
        }
    }

    #[test]
    fn what_is_new_is_given_its_rights() {
        for what in [
            TABLE,
            What::Schema,
            routine(false, true),
            routine(true, true),
        ] {
            assert_eq!(judge(None, facts(HERE, what)), Some(Step::Give));
        }
    }

    #[test]
    fn what_stays_in_its_schema_keeps_what_it_has() {
        for what in [
            TABLE,
            What::Relation('S'),
            routine(false, true),
            routine(true, false),
        ] {
            assert_eq!(judge(Some(facts(HERE, what)), facts(HERE, what)), None);
        }
    }

    #[test]
    fn what_goes_to_another_schema_leaves_the_rights_of_the_first() {
        for what in [TABLE, routine(false, true)] {
            let step = judge(Some(facts(HERE, what)), facts(THERE, what));
            assert_eq!(step, Some(Step::Move { from: oid(HERE) }));
        }
    }

    #[test]
    fn a_routine_is_closed_once_when_it_comes_to_reach_further() {
        let open = Some(facts(HERE, routine(false, true)));
        for reaching in [routine(true, true), routine(false, false)] {
            assert_eq!(judge(open, facts(HERE, reaching)), Some(Step::Close));
            // What its owner gave after that is the owner's to give.
            let closed = Some(facts(HERE, reaching));
            assert_eq!(judge(closed, facts(HERE, reaching)), None);
            // And what was closed is not opened behind its owner's back.
            assert_eq!(judge(closed, facts(HERE, routine(false, true))), None);
        }
    }
}
