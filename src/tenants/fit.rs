//! Whether a step can be taken: the tables, who may, the columns and values, the credentials.

use super::family::{self, Found};
use super::plan::{self, Marks, Step, TableName};
use super::rule::Marked;
use super::store;
use crate::access;
use crate::catalog::{self, Credential};
use crate::core::quote;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::authority::{self, Caller};
use crate::pg::policy::Table;
use crate::pg::{ident, Oid};

/// The relations of a step, once all of it is found to be possible.
pub(super) fn prepare(step: &Step, caller: &Caller) -> Result<Vec<Found>> {
    let family = family::family(find(&step.table)?)?;
    if let Some(parent) = family::parent_outside(&family)? {
        return Err(Kind::BadArgument
            .error(format!(
                "{} has a table above it",
                shown(&step.table.quoted())
            ))
            .detail(format!(
                "Its rows can be read through {}, or those of a child of it through another table.",
                shown(&parent.quoted())
            ))
            .hint(format!("Name {} instead.", shown(&parent.quoted()))));
    }
    for (number, member) in family.iter().enumerate() {
        require_fit(member, number == 0, step.after.is_empty())?;
        if is_table(member) {
            require_owner(caller, member)?;
            check_values(member, &step.after)?;
        }
    }
    Ok(family)
}

pub(super) fn is_table(member: &Found) -> bool {
    matches!(member.relkind.as_str(), "r" | "p")
}

/// Refuses what cannot have row security of ours.
fn require_fit(member: &Found, is_root: bool, goes: bool) -> Result<()> {
    let name = member.name().quoted();
    let name = shown(&name);
    if !is_table(member) || !member.ordinary {
        let why = if is_root {
            "Views, foreign and temporary tables, extensions' and the system's cannot have tenants."
        } else {
            "It is a foreign or temporary table, or an extension's, below a table with tenants."
        };
        return Err(Kind::BadArgument
            .error(format!("{name} cannot have tenants"))
            .detail(why));
    }
    // What others add to ours later cannot widen it; but without ours theirs would stand alone.
    if member.foreign_security || (member.foreign_policies && (goes || member.policies.is_none())) {
        return Err(Kind::Exists
            .error(format!("{name} has row security of its own already"))
            .detail("Who wrote its policies decides who sees which rows.")
            .hint(format!("See \\d {name}; drop its policies and switch row security off, or write policies for the tenants yourself.")));
    }
    if member.superuser_owned {
        return Err(Kind::Denied
            .error(format!("{name} belongs to a superuser"))
            .detail("Policies are made as the table's owner, and never as a superuser.")
            .hint("SELECT * FROM credentials.repair_default();"));
    }
    Ok(())
}

fn require_owner(caller: &Caller, member: &Found) -> Result<()> {
    if authority::has_privileges_of(caller.effective, member.table.owner) {
        return Ok(());
    }
    Err(Kind::Denied
        .error(format!(
            "tenants of {} are set by its owner",
            shown(&member.name().quoted())
        ))
        .detail(format!(
            "It belongs to \"{}\".",
            shown(&ident::role_name(member.table.owner).unwrap_or_default())
        )))
}

/// Checks columns and values against one table.
fn check_values(member: &Found, marks: &Marks) -> Result<()> {
    for (marked, mark) in marked(&member.table, marks)?.iter().zip(marks.values()) {
        member
            .table
            .takes(&marked.kind, &mark.value)
            .map_err(|why| {
                Kind::BadArgument
                    .error(format!(
                        "\"{}\" is no value of column {} of {}",
                        shown(&mark.value),
                        shown(&quote::ident(&mark.column)),
                        shown(&member.name().quoted())
                    ))
                    .detail(format!("{}.", shown(&why)))
            })?;
    }
    Ok(())
}

/// The marks of a table with the types of their columns and the names of the roles, in the marks' order.
pub(super) fn marked(table: &Table, marks: &Marks) -> Result<Vec<Marked>> {
    marks
        .iter()
        .map(|(credential, mark)| {
            let Some(kind) = table.column_type(&mark.column) else {
                let table = quote::qualified(&table.schema, &table.name);
                return Err(Kind::BadArgument.error(format!(
                    "{} has no column {} that could tell tenants",
                    shown(&table),
                    shown(&quote::ident(&mark.column))
                )));
            };
            Ok(Marked {
                role_name: role_name(credential)?,
                column: mark.column.clone(),
                kind,
                value: mark.value.clone(),
            })
        })
        .collect()
}

/// The name of a credential's role; of one that is still to be made, its own.
fn role_name(credential: &str) -> Result<String> {
    match catalog::target(credential) {
        Ok(found) => Ok(found.role_name),
        Err(error) if error.kind() == Kind::NotFound => Ok(credential.to_owned()),
        Err(error) => Err(error),
    }
}

/// The credentials of marks, all of which must be there now.
pub(super) fn credentials(marks: &Marks) -> Result<Vec<Credential>> {
    marks
        .keys()
        .map(|name| {
            let credential = catalog::target(name)?;
            if credential.is_default() {
                return Err(plan::never_default());
            }
            if !credential.is_bound() {
                return Err(access::unbound(&credential));
            }
            Ok(credential)
        })
        .collect()
}

/// The table of a name (42704).
pub(super) fn find(name: &TableName) -> Result<Oid> {
    store::find(name)?.ok_or_else(|| plan::unknown(name))
}

pub(super) fn changed(table: &TableName) -> Error {
    Kind::InUse
        .error(format!("{} was changed meanwhile", shown(&table.quoted())))
        .hint("Call it again.")
}
