//! Tenants: credentials that see of a shared table the rows that bear their mark. Row security keeps them to
//! these, during a rotation as well, behind views and in other people's routines.
//!
//! What should be is compared with what is ([`present`], [`plan()`]); each step then is one table with its
//! partitions ([`apply`]). [`rule`] says what the policies say, and why so.

mod fit;
mod plan;
mod reach;
mod rule;
mod store;

pub use plan::{plan, Mark, Marks, Shared, Step, TableName, Tenant};

use crate::error::{shown, Result};
use crate::pg::authority::{self, Caller};
use crate::pg::expression::TypeName;
use crate::pg::policy::Table;
use crate::pg::{log, owner, Oid};
use fit::{changed, credentials, find, is_table, marked, prepare};
use std::collections::{BTreeMap, HashMap};
use store::Found;

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

/// Every table that has tenants.
pub fn present() -> Result<BTreeMap<TableName, Shared>> {
    let mut names: HashMap<Oid, TableName> = HashMap::new();
    let mut tables: BTreeMap<TableName, Shared> = BTreeMap::new();
    for root in store::roots()? {
        let family = store::family(root)?;
        let Some(first) = family.first() else {
            continue;
        };
        names.insert(root, first.name());
        let intact = family
            .iter()
            .all(|member| member.intact || !is_table(member));
        let shared = Shared {
            marks: Marks::new(),
            intact,
        };
        tables.insert(first.name(), shared);
    }
    for entry in store::entries()? {
        let Some(name) = names.get(&entry.relation) else {
            continue;
        };
        let mark = Mark {
            column: entry.column,
            value: entry.value,
        };
        let shared = tables.entry(name.clone()).or_default();
        shared.marks.insert(entry.credential, mark);
    }
    Ok(tables)
}

/// Checks what can be known before anything is done: the tables and columns are there, the values are of
/// the columns' types, the caller may do it. Credentials need not be there yet.
pub fn check(step: &Step, caller: &Caller) -> Result<()> {
    prepare(step, caller).map(|_| ())
}

/// The statements of a step, in order.
pub fn lines(step: &Step) -> Result<Vec<Line>> {
    let root = find(&step.table)?;
    let mut lines = Vec::new();
    for member in store::family(root)?.iter().filter(|m| is_table(m)) {
        let table = member.name().quoted();
        let mut say = |action, statement| {
            lines.push(Line {
                action,
                object: format!("table {table}"),
                statement,
            });
        };
        if let Some(policies) = member.policies {
            for (policy, name) in [(policies.0, rule::OTHERS), (policies.1, rule::ROWS)] {
                if store::stands_on(policy, member.table.oid)? {
                    say("drop policy", format!("DROP POLICY {name} ON {table}"));
                }
            }
        }
        if step.after.is_empty() {
            say(
                "row security",
                format!(
                    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY"
                ),
            );
            continue;
        }
        let marked = marked(&member.table, &step.after)?;
        for policy in rule::policies(&marked, &TypeName::text()) {
            say("create policy", rule::statement(&policy, &table));
        }
        if !(member.policies.is_some() && member.intact) {
            say(
                "row security",
                format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"),
            );
        }
    }
    Ok(lines)
}

/// Brings one table and its partitions to what a step says, as their owners.
pub fn apply(step: &Step, caller: &Caller) -> Result<()> {
    let root = find(&step.table)?;
    for member in store::family(root)?.iter().filter(|m| is_table(m)) {
        Table::lock(member.table.oid);
    }
    // Decided again under the locks: names, owners and tenants are now what they stay.
    let family = prepare(step, caller)?;
    if family.first().map(|first| first.table.oid) != Some(root) {
        return Err(changed(&step.table));
    }
    let now = present()?.remove(&step.table).unwrap_or_default().marks;
    if now != step.before {
        return Err(changed(&step.table));
    }
    let tenants = credentials(&step.after)?;
    let roles: Vec<Oid> = tenants.iter().map(|credential| credential.role).collect();
    reach::refuse(&roles, &family)?;
    store::forget(root)?;
    for member in family.iter().filter(|m| is_table(m)) {
        write(member, root, step)?;
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

/// Writes the policies of one table, or takes them away.
fn write(member: &Found, root: Oid, step: &Step) -> Result<()> {
    let table = &member.table;
    if let Some((others, rows)) = member.policies {
        for policy in [others, rows] {
            if store::stands_on(policy, table.oid)? {
                let _rights = authority::as_role(table.owner);
                owner::drop_policy(policy);
            }
        }
    }
    if step.after.is_empty() {
        table.set_row_security(false);
        return Ok(());
    }
    let [others, rows] = rule::policies(&marked(table, &step.after)?, &TypeName::text());
    let others = table.create_policy(&others)?;
    let rows = table.create_policy(&rows)?;
    if !member.intact {
        table.set_row_security(true);
    }
    store::insert_table(table.oid, root, others, rows)
}
