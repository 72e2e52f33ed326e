//! What a statement makes of a table with tenants is settled at its end, whoever runs it.
//!
//! Partitions and child tables that come below it get its policies: one that is asked directly is filtered by
//! its own alone. On a materialized view over it, and on a superuser's view, the groups that a tenant is in
//! get no right: what is in there was read past row security.

use super::family::{self, Found};
use super::plan::{Mark, Marks};
use super::store;
use super::{fit, reach, write};
use crate::catalog::home::{self, Standing};
use crate::core::quote::qualified;
use crate::error::{shown, Error, Kind, Result};
use crate::permissions::{give, group, ObjectKind};
use crate::pg::owner::Class;
use crate::pg::policy::Table;
use crate::pg::{log, object, Oid};

/// Settles what a statement has made or attached; what cannot be filtered is refused, and the statement fails.
pub fn settle(relations: impl Iterator<Item = Oid>) -> Result<()> {
    let relations: Vec<Oid> = relations.collect();
    if relations.is_empty() {
        return Ok(());
    }
    let (tenants, tables) = store::everything()?;
    if tables.is_empty() || home::standing()? != Standing::Ours {
        return Ok(());
    }
    for (relation, root) in store::newcomers(store::oids(relations.iter().copied()))? {
        join(relation, root)?;
    }
    if tenants.is_empty() {
        return Ok(());
    }
    let past = |relations: &[Oid]| {
        let all = |oids: &[Oid]| store::oids(oids.iter().copied());
        reach::past(all(&tenants), all(&tables), all(relations))
    };
    for (relation, tenant) in past(&relations)? {
        close(relation)?;
        let name = shown_name(relation);
        if past(&[relation])?.is_empty() {
            log::notice(&format!(
                "{name} reads past row security: groups that tenants are members of have no right on it"
            ));
        } else {
            log::warning(&format!(
                "{name} reads past row security, and tenant \"{}\" may use it: REVOKE what lets it",
                shown(&tenant)
            ));
        }
    }
    Ok(())
}

/// Takes from the groups of its schema what they have on a relation.
fn close(relation: Oid) -> Result<()> {
    let Some(facts) = object::look(Class::Relation, relation) else {
        return Ok(());
    };
    let groups = group::on_schema(facts.schema)?;
    match ObjectKind::of(facts.what) {
        Some(kind) => give::take_from(Class::Relation, relation, kind, &groups),
        None => Ok(()),
    }
}

fn shown_name(relation: Oid) -> String {
    let name = store::name(relation).ok().flatten();
    shown(&name.map(|name| name.quoted()).unwrap_or_default())
}

/// A table and what is below it come to belong to a table with tenants.
fn join(relation: Oid, root: Oid) -> Result<()> {
    let marks = marks(root)?;
    let all = family::family(root)?;
    if let Some(other) = family::parent_outside(&all)? {
        return Err(refusal(
            &all[0],
            "a table below it",
            "A table would have two above it.",
        )
        .hint(format!(
            "Leave it out of {}, or take the tenants from the other.",
            shown(&other.quoted())
        )));
    }
    for member in family::family(relation)? {
        // Only its maker's session ever sees it.
        if member.temporary || member.policies.is_some() {
            continue;
        }
        let name = qualified(&member.table.schema, &member.table.name);
        if !fit::is_table(&member) || !member.ordinary {
            let why = "Foreign tables and extensions' cannot have row security of ours.";
            return Err(refusal(&all[0], &name, why));
        }
        if member.foreign_security || member.foreign_policies {
            let why = "It has row security of its own already.";
            return Err(refusal(&all[0], &name, why)
                .hint("Drop its policies and switch row security off first."));
        }
        Table::lock(member.table.oid);
        // Its maker may be a superuser. No code of users is reached: types are read by their input functions.
        write(&member, root, &marks)?;
    }
    Ok(())
}

fn marks(root: Oid) -> Result<Marks> {
    let entries = store::entries()?.into_iter();
    let own = entries.filter(|entry| entry.relation == root);
    Ok(own
        .map(|entry| {
            let (column, value) = (entry.column, entry.value);
            (entry.credential, Mark { column, value })
        })
        .collect())
}

fn refusal(above: &Found, table: &str, why: &str) -> Error {
    Kind::Denied
        .error(format!(
            "{} cannot come below {}, which has tenants",
            shown(table),
            shown(&above.name().quoted())
        ))
        .detail(why)
}
