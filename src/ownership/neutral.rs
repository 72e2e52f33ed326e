//! What would run with the new owner's rights for others, and how that is prevented (THREATS T33).

use super::class::Owner;
use super::inventory::Entry;
use crate::error::{Kind, Result};
use crate::pg::owner::{self, Class};
use crate::pg::{acl, authority, spi, Oid};
use std::collections::HashMap;

/// A relation that a view, or a table's rules, name.
#[derive(Debug)]
pub struct Read {
    /// The relation.
    pub relation: Oid,
    /// The new owner may do with it what the old one may not.
    pub more: bool,
    /// So it would be if the new owner had it.
    pub more_if_had: bool,
    /// The new owner may not read it.
    pub less: bool,
}

/// The relations that a pass moves, each with its owner before and after: what a view may do with them when
/// all of it is done.
#[derive(Debug, Default)]
pub struct Moving(HashMap<Oid, (Oid, Oid)>);

impl Moving {
    /// The relations among these entries.
    pub fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Moving {
        let relations = entries.filter(|e| e.facts.class == Class::Relation);
        Moving(relations.map(|e| (e.object, (e.owner, e.to))).collect())
    }

    /// Whether an entry reaches further into a relation when both have moved. What was its owner's own is
    /// as it was; what somebody else's becomes the new owner's, before or after the entry, is more.
    pub fn reaches_further(&self, entry: &Entry, read: &Read) -> bool {
        match self.0.get(&read.relation) {
            Some((owner, _)) if *owner == entry.owner => false,
            Some((_, to)) if authority::has_privileges_of(entry.to, *to) => {
                read.more || read.more_if_had
            }
            _ => read.more,
        }
    }
}

/// What a move changes in what is reached with the owner's rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// More than before, of some relation.
    pub more: bool,
    /// Not all that is read.
    pub less: bool,
}

/// Compares what an entry's owner and its new one may do with the relations that its rules name.
///
/// In doubt it is more, so that a view is rather closed than left open: a right that the old owner has
/// on some columns alone counts as none, and a table with row security shows its rows to each in its
/// own way. A `security_invoker` view reads with its reader's rights and is left out.
///
/// The relations are taken from the rules themselves: `pg_depend` leaves out the server's own tables,
/// such as `pg_authid`. What stands now is compared: a relation of the old owner that has moved already shows as more, and
/// one of a third role that has yet to move to the new owner does not; the caller knows better.
pub fn reads(entry: &Entry) -> Result<Vec<Read>> {
    match is_reader(entry) {
        true => named(entry.object, entry.owner, entry.to),
        false => Ok(Vec::new()),
    }
}

/// Whether a view, or a materialized one, would give errors with another owner: it names what that one may not read.
pub fn would_break(view: Oid, owner: Oid, to: Oid) -> Result<bool> {
    Ok(named(view, owner, to)?.iter().any(|read| read.less))
}

/// The relations that the rules of one name, and what its owner and another may do with them.
fn named(relation: Oid, owner: Oid, to: Oid) -> Result<Vec<Read>> {
    spi::query(
        "SELECT DISTINCT x.oid,
                EXISTS (SELECT FROM pg_catalog.unnest('{SELECT,INSERT,UPDATE,DELETE}'::pg_catalog.text[]) p
                         WHERE CASE WHEN p OPERATOR(pg_catalog.=) 'DELETE'
                                    THEN pg_catalog.has_table_privilege($3, x.oid, p)
                                    ELSE pg_catalog.has_any_column_privilege($3, x.oid, p) END
                           AND (NOT pg_catalog.has_table_privilege($2, x.oid, p)
                             OR x.relrowsecurity AND x.relowner OPERATOR(pg_catalog.<>) $2)),
                EXISTS (SELECT FROM pg_catalog.unnest('{SELECT,INSERT,UPDATE,DELETE}'::pg_catalog.text[]) p
                         WHERE NOT pg_catalog.has_table_privilege($2, x.oid, p)
                            OR x.relrowsecurity AND x.relowner OPERATOR(pg_catalog.<>) $2),
                NOT pg_catalog.has_any_column_privilege($3, x.oid, 'SELECT')
           FROM pg_catalog.pg_rewrite r
           JOIN pg_catalog.pg_class v ON v.oid OPERATOR(pg_catalog.=) r.ev_class,
                LATERAL pg_catalog.regexp_matches(
                  pg_catalog.concat(r.ev_qual::pg_catalog.text, r.ev_action::pg_catalog.text),
                  ':relid ([0-9]+)', 'g') found
           JOIN pg_catalog.pg_class x ON x.oid OPERATOR(pg_catalog.=) found[1]::pg_catalog.oid
            AND x.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}'::pg_catalog.\"char\"[])
          WHERE v.oid OPERATOR(pg_catalog.=) $1 AND x.oid OPERATOR(pg_catalog.<>) v.oid
            AND NOT (r.ev_type OPERATOR(pg_catalog.=) '1' AND EXISTS (
                  SELECT FROM pg_catalog.pg_options_to_table(v.reloptions) o
                   WHERE o.option_name OPERATOR(pg_catalog.=) 'security_invoker'
                     AND o.option_value::pg_catalog.bool))",
        &[relation.into(), owner.into(), to.into()],
    )?
    .iter()
    .map(|row| {
        Ok(Read {
            relation: row.oid(0)?,
            // NULL is a relation that went away between: it is in nobody's reach.
            more: row.maybe_bool(1)?.unwrap_or(false),
            more_if_had: row.maybe_bool(2)?.unwrap_or(false),
            less: row.maybe_bool(3)?.unwrap_or(true),
        })
    })
    .collect()
}

/// Whether what an entry reads has to be looked at: a relation with rules, or the materialized view of
/// somebody who may read more than its new owner.
fn is_reader(entry: &Entry) -> bool {
    entry.facts.rules || (entry.facts.relkind == 'm' && entry.facts.owner.is_above())
}

/// Whether others lose their rights on an entry: its rules would do for them what they could not.
pub fn must_close(entry: &Entry, reach: Reach) -> bool {
    entry.facts.rules && reach.more
}

/// Whether what an entry reads keeps it where it is: a view of what its new owner may not read, which would
/// give an error from then on.
pub fn must_stay(entry: &Entry, reach: Reach) -> bool {
    entry.facts.owner.is_above() && matches!(entry.facts.relkind, 'v' | 'm') && reach.less
}

/// Why a view stays.
pub fn stays(entry: &Entry) -> &'static str {
    match entry.facts.owner {
        Owner::Superuser => "a superuser's view of what the new owner may not read",
        _ => "a view of what the new owner may not read",
    }
}

/// Why a view is closed.
pub const CLOSED: &str =
    "reads or writes with its owner's rights what its old owner could not: nobody but the new owner keeps a right on it";
/// Why a routine runs with its caller's rights from now on.
pub const INVOKER: &str =
    "SECURITY DEFINER, and called without EXECUTE (a trigger, an aggregate, a type): now SECURITY INVOKER, for nobody but the new owner";

/// Takes every right on an object from everybody but its owner, and proves it.
pub fn close(class: Class, object: Oid) -> Result<()> {
    for grantee in others(class, object)? {
        acl::revoke_all(class, object, grantee);
    }
    if others(class, object)?.is_empty() {
        Ok(())
    } else {
        Err(Kind::Internal.error("rights on an object could not be taken back"))
    }
}

/// Closes a routine that runs with its owner's rights; gives the note, or nothing where it runs with
/// its caller's. To be asked after the move: the row is ours until the commit, so it cannot become a
/// definer's behind our back.
///
/// EXECUTE is not asked for where a trigger fires, an aggregate calls its transition function or a
/// range type its difference function: a routine that anything depends on becomes SECURITY INVOKER.
pub fn close_routine(routine: Oid) -> Result<Option<&'static str>> {
    let facts = spi::row(
        "SELECT p.prosecdef, EXISTS (
                  SELECT FROM pg_catalog.pg_depend d
                   WHERE d.refclassid OPERATOR(pg_catalog.=) p.tableoid
                     AND d.refobjid OPERATOR(pg_catalog.=) p.oid)
           FROM pg_catalog.pg_proc p WHERE p.oid OPERATOR(pg_catalog.=) $1",
        &[routine.into()],
    )?;
    let Some(row) = facts else { return Ok(None) };
    if !row.bool(0)? {
        return Ok(None);
    }
    close(Class::Routine, routine)?;
    if !row.bool(1)? {
        return Ok(Some(
            "SECURITY DEFINER: nobody but the new owner keeps EXECUTE",
        ));
    }
    owner::make_invoker(routine);
    Ok(Some(INVOKER))
}

/// Who besides its owner has a right on a routine or relation, or on its columns; 0 is PUBLIC.
fn others(class: Class, object: Oid) -> Result<Vec<Oid>> {
    let statement = match class {
        Class::Routine => {
            "SELECT DISTINCT a.grantee FROM pg_catalog.pg_proc p, LATERAL pg_catalog.aclexplode(
                    COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
              WHERE p.oid OPERATOR(pg_catalog.=) $1 AND a.grantee OPERATOR(pg_catalog.<>) p.proowner"
        }
        Class::Relation => {
            "SELECT DISTINCT a.grantee FROM pg_catalog.pg_class c, LATERAL (
                SELECT e.grantee FROM pg_catalog.aclexplode(c.relacl) e
                UNION ALL
                SELECT e.grantee FROM pg_catalog.pg_attribute t, LATERAL pg_catalog.aclexplode(t.attacl) e
                 WHERE t.attrelid OPERATOR(pg_catalog.=) c.oid AND NOT t.attisdropped) a
              WHERE c.oid OPERATOR(pg_catalog.=) $1 AND a.grantee OPERATOR(pg_catalog.<>) c.relowner"
        }
        _ => return Err(Kind::Internal.error("only routines and relations are closed")),
    };
    spi::query(statement, &[object.into()])?
        .iter()
        .map(|row| row.oid(0))
        .collect()
}
