//! Who owns what, and how that changes without stopping anybody: a plan, a pass of small batches, and
//! a last transaction that clears what a role has left.
//!
//! A table's move needs a lock on it and on its indexes, TOAST and sequences. REASSIGN OWNED takes all
//! of a role's at once: at some two thousand tables the server's lock table is full, and one slow
//! reader stops every other (FACTS 4). Here a batch takes what is free, the busy comes back alone.
//!
//! Data is never dropped, no user's code is run, nothing is given to a superuser.

mod attempt;
pub mod class;
mod close;
mod elsewhere;
mod inventory;
mod neutral;
mod outcome;
mod pass;
mod rights;

pub use class::Action;
pub use close::{close_database, Closed};
pub use elsewhere::{elsewhere, owns_anything};
pub use neutral::would_break;
pub use outcome::BatchOutcome;
pub use pass::Pass;
pub use rights::restore_own_rights;

use crate::error::{shown, Kind, Result};
use crate::pg::owner::Class;
use crate::pg::value::Value;
use crate::pg::{authority, ident, Oid};
use class::Purpose;
use inventory::Entry;
use neutral::{Moving, Reach};
use std::collections::HashSet;

/// Whose objects go to whom.
#[derive(Clone, Debug)]
pub enum Scope {
    /// All that one role owns, because the role goes.
    Role {
        /// The role that goes: never a superuser.
        from: Oid,
        /// Who gets it: never a superuser.
        to: Oid,
        /// Whether both stand for one credential, a twin and its role: then nothing reaches further than
        /// before, and nothing is neutralised.
        alike: bool,
    },
    /// What credentials, superusers and vanished roles own in the current database.
    Repair {
        /// The default credential's role: never a superuser.
        to: Oid,
        /// Schemas that belong to a group, with it: what stands there goes to the group, what belongs to one
        /// of these groups stays where it is.
        groups: Vec<(Oid, Oid)>,
        /// The roles of credentials, and their twins.
        managed: Vec<Oid>,
        /// Other roles' objects too.
        include_unmanaged: bool,
        /// The former owner keeps all rights on what it owned.
        keep_access: bool,
    },
    /// A schema and what managed and vanished roles own in it.
    Schema {
        /// The schema.
        schema: Oid,
        /// The group that owns it: never a superuser.
        to: Oid,
        /// The roles of credentials, their twins, and groups.
        managed: Vec<Oid>,
        /// Superusers' and other roles' objects too.
        include_unmanaged: bool,
    },
}

impl Scope {
    /// The new owners there are.
    fn heirs(&self) -> Vec<Oid> {
        match self {
            Scope::Role { to, .. } | Scope::Schema { to, .. } => vec![*to],
            Scope::Repair { to, groups, .. } => std::iter::once(*to)
                .chain(groups.iter().map(|(_, group)| *group))
                .collect(),
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Scope::Role { .. } => Purpose::Destroy,
            Scope::Repair { .. } | Scope::Schema { .. } => Purpose::Repair,
        }
    }

    fn keeps_access(&self) -> bool {
        matches!(
            self,
            Scope::Repair {
                keep_access: true,
                ..
            }
        )
    }

    /// The new owner is another role than the old one, is there, and is no superuser (THREATS T32, T37).
    /// To be asked before and after each batch.
    fn check(&self) -> Result<()> {
        for to in self.heirs() {
            if ident::role_name(to).is_none() {
                return Err(
                    Kind::NotFound.error("the role that was to own the objects is not there")
                );
            }
            if authority::is_superuser(to) {
                return Err(Kind::Denied
                    .error("objects are never given to a superuser")
                    .detail("Code of users would run with a superuser's rights."));
            }
        }
        match self {
            Scope::Role { from, to, .. } if from == to => {
                Err(Kind::BadArgument.error("a role cannot take over from itself"))
            }
            Scope::Role { from, .. } if authority::is_superuser(*from) => {
                Err(Kind::Denied.error("a superuser's objects are not given away"))
            }
            _ => Ok(()),
        }
    }

    /// Whether what moves can do more with its new owner than with its old one.
    fn may_reach_further(&self) -> bool {
        !matches!(self, Scope::Role { alike: true, .. })
    }
}

/// One line of a plan or of a report.
#[derive(Clone, Debug)]
pub struct Item {
    /// The database it is in; empty for what all databases share.
    pub database: String,
    /// The kind, as `pg_identify_object` says it: `table`, `view`, `function`, …
    pub kind: String,
    /// The name as the server quotes it, or a count where it is in another database.
    pub object: String,
    /// What is done with it.
    pub action: Action,
    /// Why, and what a person should know.
    pub note: String,
}

/// What would be done: an item an object of this database and of shared objects, for a role that goes also
/// what goes with it, and an item a database and class for the others, with their counts.
///
/// Nothing is changed and no object is locked; what others do meanwhile can change the outcome.
pub fn plan(scope: &Scope) -> Result<Vec<Item>> {
    scope.check()?;
    let entries = inventory::list(scope)?;
    let moving = Moving::of(entries.iter().filter(|e| moves(scope, e)));
    let mut moved = HashSet::new();
    let mut items = Vec::new();
    for entry in entries {
        let (action, note) = foresee(scope, &entry, &moving, &moved)?;
        if entry.facts.class == Class::Relation && action != Action::Skip {
            moved.insert(entry.object);
        }
        if let Some(mut item) = describe(&entry, action, &note)? {
            if let (Action::Move | Action::Neutralise, Some(to)) =
                (action, destination(scope, &entry))
            {
                item.note = match item.note.is_empty() {
                    true => to,
                    false => format!("{to}; {}", item.note),
                };
            }
            items.push(item);
        }
    }
    if let Scope::Role { from, .. } = scope {
        items.extend(close::goes_with(*from)?);
        items.extend(elsewhere::items(*from)?);
    }
    Ok(items)
}

/// Whether a scope holds anything that would move.
pub fn is_empty(scope: &Scope) -> Result<bool> {
    Ok(!inventory::list(scope)?.iter().any(|e| moves(scope, e)))
}

/// Whether an entry moves, as far as it alone tells.
fn moves(scope: &Scope, entry: &Entry) -> bool {
    let action = entry.verdict(scope.purpose()).action;
    matches!(action, Action::Move | Action::Neutralise)
}

/// What keeps a role from going, as far as it is known now, in every database.
pub fn blockers(role: Oid) -> Result<Vec<Item>> {
    let scope = Scope::Role {
        from: role,
        to: Oid::INVALID,
        alike: false,
    };
    let mut items = Vec::new();
    for entry in inventory::list(&scope)? {
        let verdict = entry.verdict(Purpose::Destroy);
        if verdict.action == Action::Block {
            items.extend(describe(&entry, Action::Block, verdict.note)?);
        }
    }
    items.extend(
        elsewhere::items(role)?
            .into_iter()
            .filter(|i| i.action == Action::Block),
    );
    Ok(items)
}

/// A plan's items as rows of `credentials.ownership_step`, numbered from 1.
pub fn rows(items: &[Item]) -> Vec<Vec<Value>> {
    items
        .iter()
        .zip(1..)
        .map(|(item, step)| {
            vec![
                Value::Int4(step),
                item.database.as_str().into(),
                item.kind.as_str().into(),
                item.object.as_str().into(),
                item.action.as_str().into(),
                item.note.as_str().into(),
            ]
        })
        .collect()
}

/// The action of a plan: what the class says, and what a view reads.
///
/// Nothing has moved yet, so what a superuser's view reads is taken as readable where it will have moved
/// before the view.
fn foresee(
    scope: &Scope,
    entry: &Entry,
    moving: &Moving,
    moved: &HashSet<Oid>,
) -> Result<(Action, String)> {
    let verdict = entry.verdict(scope.purpose());
    if verdict.action != Action::Move {
        return Ok((verdict.action, note(entry, verdict.note)));
    }
    let reads = neutral::reads(entry)?;
    let reach = Reach {
        more: reads.iter().any(|r| moving.reaches_further(entry, r)),
        less: reads.iter().any(|r| r.less && !moved.contains(&r.relation)),
    };
    if neutral::must_stay(entry, reach) {
        Ok((Action::Skip, neutral::stays(entry).to_owned()))
    } else if neutral::must_close(entry, reach) {
        Ok((Action::Neutralise, neutral::CLOSED.to_owned()))
    } else {
        Ok((Action::Move, note(entry, verdict.note)))
    }
}

/// A plan's note on a move to somebody else than the rest goes to.
fn destination(scope: &Scope, entry: &Entry) -> Option<String> {
    match scope {
        Scope::Repair { to, .. } if entry.to != *to => Some(format!(
            "to \"{}\"",
            shown(&authority::record_name(entry.to))
        )),
        _ => None,
    }
}

fn note(entry: &Entry, why: &str) -> String {
    if why.is_empty() && entry.expressions {
        return "an index of it calls a function: maintenance runs that with the new owner's rights".to_owned();
    }
    why.to_owned()
}

/// An entry as people read it; nothing where the object is gone.
fn describe(entry: &Entry, action: Action, note: &str) -> Result<Option<Item>> {
    let item = report(entry, action, note)?;
    Ok(
        item.map(|item| match (action, alter_words(entry.facts.class)) {
            (Action::Block, Some(words)) => Item {
                note: format!("{note}: ALTER {words} {} OWNER TO a superuser", item.object),
                ..item
            },
            _ => item,
        }),
    )
}

/// The same with the note as it is.
fn report(entry: &Entry, action: Action, note: &str) -> Result<Option<Item>> {
    let class = entry.facts.class;
    let Some((kind, object)) = inventory::identify(class, entry.object)? else {
        return Ok(None);
    };
    let database = match class {
        Class::Database | Class::Tablespace | Class::Subscription => String::new(),
        _ => ident::database_name(crate::pg::database::current()).unwrap_or_default(),
    };
    Ok(Some(Item {
        database,
        kind,
        object,
        action,
        note: note.to_owned(),
    }))
}

/// The words of the statement that takes a blocker away.
fn alter_words(class: Class) -> Option<&'static str> {
    match class {
        Class::Wrapper => Some("FOREIGN DATA WRAPPER"),
        Class::EventTrigger => Some("EVENT TRIGGER"),
        Class::Subscription => Some("SUBSCRIPTION"),
        Class::Publication => Some("PUBLICATION"),
        Class::Language => Some("LANGUAGE"),
        _ => None,
    }
}

/// OIDs as a parameter: `text[]`, cast in the statement.
fn oid_list(oids: &[Oid]) -> Value {
    Value::TextArray(oids.iter().map(|o| o.to_u32().to_string()).collect())
}
