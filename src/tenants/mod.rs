//! Tenants: credentials that see of a shared table the rows that bear their mark. Row security keeps them to
//! these, during a rotation as well, behind views and in other people's routines.
//!
//! What should be is compared with what is ([`present`], [`plan()`]); each step then is one table with its
//! partitions ([`apply`]). [`rule`] says what the policies say, and why so.

mod family;
mod fit;
pub mod follow;
mod plan;
mod reach;
mod rule;
mod store;

pub use plan::{never_default, plan, Mark, Marks, Member, Shared, Step, TableName, Tenant};

use crate::error::{shown, Result};
use crate::pg::authority::{self, Caller};
use crate::pg::expression::TypeName;
use crate::pg::policy::Table;
use crate::pg::{log, owner, Oid};
use family::Found;
use fit::{changed, credentials, find, is_table, marked, prepare};
use rule::Marked;
use std::collections::{BTreeMap, BTreeSet};

/// A line of a plan: a statement as a person would type it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What kind of act it is.
    pub action: &'static str,
    /// What it is on.
    pub object: String,
    /// The statement.
    pub statement: String,
}

/// Every table that has tenants, and those that `wanted` names.
pub fn present(wanted: &[Tenant]) -> Result<BTreeMap<TableName, Shared>> {
    let mut roots = store::roots()?;
    for table in wanted.iter().flat_map(|tenant| &tenant.tables) {
        roots.extend(store::find(table)?);
    }
    let entries = store::entries()?;
    let mut tables = BTreeMap::new();
    for root in roots {
        let family = family::family(root)?;
        let Some(name) = family.first().map(Found::name) else {
            continue;
        };
        let own = entries.iter().filter(|entry| entry.relation == root);
        let marks: Marks = own
            .map(|entry| {
                let (column, value) = (entry.column.clone(), entry.value.clone());
                (entry.credential.clone(), Mark { column, value })
            })
            .collect();
        let named = wanted.iter().filter(|tenant| tenant.tables.contains(&name));
        let columns: BTreeSet<&str> = named
            .map(|tenant| tenant.column.as_str())
            .chain(marks.values().map(|mark| mark.column.as_str()))
            .collect();
        let tables_of_it = family.iter().filter(|found| is_table(found));
        let members = tables_of_it
            .map(|found| member(found, &columns))
            .collect::<Result<_>>()?;
        tables.insert(name, Shared { marks, members });
    }
    Ok(tables)
}

fn member(found: &Found, columns: &BTreeSet<&str>) -> Result<Member> {
    let typed = |column: &&str| Some(((*column).to_owned(), found.table.column_type(column)?));
    let mut policies = Vec::new();
    if let Some((others, rows)) = found.policies {
        for (policy, name) in [(others, rule::OTHERS), (rows, rule::ROWS)] {
            if store::stands_on(policy, found.table.oid)? {
                policies.push(name);
            }
        }
    }
    Ok(Member {
        table: found.name(),
        columns: columns.iter().filter_map(typed).collect(),
        policies,
        intact: found.intact,
    })
}

/// Checks what can be known before anything is done: what has tenants is a table, its columns are there, the
/// values are of the columns' types, the caller may do it. Credentials need not be there yet.
pub fn check(step: &Step, caller: &Caller) -> Result<()> {
    prepare(step, caller).map(|_| ())
}

impl Step {
    /// The statements, in order; `role_of` gives the role of a credential.
    pub fn lines(&self, role_of: impl Fn(&str) -> String) -> Vec<Line> {
        let mut lines = Vec::new();
        for member in &self.members {
            let table = member.table.quoted();
            let mut say = |action, statement| {
                let object = format!("table {table}");
                lines.push(Line {
                    action,
                    object,
                    statement,
                });
            };
            for policy in &member.policies {
                say("drop policy", format!("DROP POLICY {policy} ON {table};"));
            }
            let marked: Vec<Marked> = self
                .after
                .iter()
                .filter_map(|(credential, mark)| {
                    Some(Marked {
                        role_name: role_of(credential),
                        column: mark.column.clone(),
                        kind: member.columns.get(&mark.column)?.clone(),
                        value: mark.value.clone(),
                    })
                })
                .collect();
            let switch = if marked.is_empty() {
                "DISABLE ROW LEVEL SECURITY, NO FORCE"
            } else {
                for policy in rule::policies(&marked, &TypeName::text()) {
                    say("create policy", rule::statement(&policy, &table));
                }
                "ENABLE ROW LEVEL SECURITY, FORCE"
            };
            if !member.intact || marked.is_empty() {
                let statement = format!("ALTER TABLE {table} {switch} ROW LEVEL SECURITY;");
                say("row security", statement);
            }
        }
        lines
    }
}

/// Brings one table and its partitions to what a step says, as their owners.
pub fn apply(step: &Step, caller: &Caller) -> Result<()> {
    let root = find(&step.table)?;
    for member in family::family(root)?.iter().filter(|m| is_table(m)) {
        Table::lock(member.table.oid);
    }
    // Decided again under the locks: names, owners and tenants are now what they stay.
    let family = prepare(step, caller)?;
    for member in family.iter().filter(|m| is_table(m)) {
        // Who came below it until the table above was locked.
        Table::lock(member.table.oid);
    }
    if family.first().map(|first| first.table.oid) != Some(root) {
        return Err(changed(&step.table));
    }
    let now = present(&[])?.remove(&step.table).unwrap_or_default().marks;
    if now != step.before {
        return Err(changed(&step.table));
    }
    let tenants = credentials(&step.after)?;
    let roles: Vec<Oid> = tenants.iter().map(|credential| credential.role).collect();
    reach::refuse(&roles, family.iter().map(|found| found.table.oid))?;
    store::forget(root)?;
    for member in family.iter().filter(|m| is_table(m)) {
        write(member, root, &step.after)?;
    }
    for credential in &tenants {
        if let Some(mark) = step.after.get(&credential.name) {
            store::insert(credential.role, root, &mark.column, &mark.value)?;
        }
    }
    if step.before.is_empty() && !step.after.is_empty() {
        log::notice(&format!(
            "row security holds the owner of {0} too: pg_dump as anybody but a superuser needs --enable-row-security, and COPY {0} FROM a superuser",
            shown(&step.table.quoted())
        ));
    }
    Ok(())
}

/// After pg_upgrade, which gives every policy another number: those of ours are known by their names, and by what they
/// say whether they are as they were made.
pub fn rebind() -> Result<()> {
    family::rebind(rule::OTHERS, rule::ROWS)
}

/// Refuses where a tenant has come by a way round its policies, as by the group of a schema in which a materialized
/// view of its table stands. Asked after whatever gives a credential more; most are no tenants.
pub fn refuse_ways_round(role: Oid) -> Result<()> {
    match store::is_tenant(role)? {
        true => reach::refuse(&[role], store::tables_of(role)?.into_iter()),
        false => Ok(()),
    }
}

/// Writes the policies of one table, or takes them away.
fn write(member: &Found, root: Oid, marks: &Marks) -> Result<()> {
    let table = &member.table;
    if let Some((others, rows)) = member.policies {
        for policy in [others, rows] {
            if store::stands_on(policy, table.oid)? {
                let _rights = authority::as_role(table.owner);
                owner::drop_policy(policy);
            }
        }
    }
    if marks.is_empty() {
        table.set_row_security(false);
        return Ok(());
    }
    let [others, rows] = rule::policies(&marked(table, marks)?, &TypeName::text());
    let others = table.create_policy(&others)?;
    let rows = table.create_policy(&rows)?;
    if !member.intact {
        table.set_row_security(true);
    }
    family::insert_table(table.oid, root, others, rows)
}
