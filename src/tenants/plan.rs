//! Which tables get which tenants: pure decisions.

use crate::core::quote;
use crate::error::{shown, Kind, Result};
use std::collections::{BTreeMap, BTreeSet};

/// A table with its schema, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableName {
    /// The schema.
    pub schema: String,
    /// The table.
    pub table: String,
}

impl TableName {
    /// As a person can paste it.
    pub fn quoted(&self) -> String {
        quote::qualified(&self.schema, &self.table)
    }
}

/// A credential that sees of some tables the rows that bear its mark: one entry of a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The credential's name.
    pub credential: String,
    /// The tables.
    pub tables: Vec<TableName>,
    /// The column that tells whose a row is.
    pub column: String,
    /// What stands there in the tenant's rows.
    pub value: String,
}

/// What tells a tenant's rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The column.
    pub column: String,
    /// What stands in it.
    pub value: String,
}

/// The tenants of a table: credentials by name.
pub type Marks = BTreeMap<String, Mark>;

/// A table that has tenants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// Its tenants.
    pub marks: Marks,
    /// Whether its policies, and those of its partitions, are as they were made and in force.
    pub intact: bool,
}

/// One table whose tenants change, or whose policies are made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The table.
    pub table: TableName,
    /// Its tenants now.
    pub before: Marks,
    /// Its tenants then; none: row security goes.
    pub after: Marks,
}

/// What has to be done, in the order of the tables' names.
///
/// What `wanted` does not name stays, but on tables for which `is_complete` says that it names all: those
/// of schemas whose spec is authoritative.
pub fn plan(
    wanted: &[Tenant],
    present: &BTreeMap<TableName, Shared>,
    is_complete: impl Fn(&TableName) -> bool,
) -> Result<Vec<Step>> {
    let wanted = by_table(wanted)?;
    let tables: BTreeSet<&TableName> = wanted.keys().chain(present.keys()).collect();
    let nothing = Shared::default();
    let mut steps = Vec::new();
    for table in tables {
        let now = present.get(table).unwrap_or(&nothing);
        let complete = is_complete(table);
        let mut after = if complete {
            Marks::new()
        } else {
            now.marks.clone()
        };
        if let Some(marks) = wanted.get(table) {
            after.extend(marks.clone());
        } else if !complete {
            continue;
        }
        if after != now.marks || !now.intact {
            steps.push(Step {
                table: table.clone(),
                before: now.marks.clone(),
                after,
            });
        }
    }
    Ok(steps)
}

/// The tenants of each table. One that is named twice for a table must say the same (22023).
fn by_table(tenants: &[Tenant]) -> Result<BTreeMap<TableName, Marks>> {
    let mut tables: BTreeMap<TableName, Marks> = BTreeMap::new();
    for (number, tenant) in tenants.iter().enumerate() {
        let path = format!("tenants[{number}]");
        for (what, text) in [("column", &tenant.column), ("value", &tenant.value)] {
            if text.contains('\0') || (what == "column" && text.is_empty()) {
                return Err(Kind::BadArgument
                    .error(format!("\"{path}.{what}\" is not allowed"))
                    .detail("It is empty or holds a NUL character."));
            }
        }
        let mark = Mark {
            column: tenant.column.clone(),
            value: tenant.value.clone(),
        };
        for table in &tenant.tables {
            let marks = tables.entry(table.clone()).or_default();
            let other = marks.insert(tenant.credential.clone(), mark.clone());
            if other.is_some_and(|other| other != mark) {
                return Err(Kind::BadArgument
                    .error(format!(
                        "\"{path}\" says otherwise of {} and credential \"{}\" than an entry before it",
                        shown(&table.quoted()),
                        shown(&tenant.credential)
                    ))
                    .detail("A credential has one mark on a table."));
            }
        }
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

    use super::*;

    fn table(name: &str) -> TableName {
        TableName {
            schema: "shop".to_owned(),
            table: name.to_owned(),
        }
    }

    fn tenant(credential: &str, tables: &[&str], value: &str) -> Tenant {
        Tenant {
            credential: credential.to_owned(),
            tables: tables.iter().map(|name| table(name)).collect(),
            column: "tenant".to_owned(),
            value: value.to_owned(),
        }
    }

    fn present(tenants: &[Tenant]) -> BTreeMap<TableName, Shared> {
        let marks = by_table(tenants).unwrap();
        let shared = |(table, marks)| {
            let intact = true;
            (table, Shared { marks, intact })
        };
        marks.into_iter().map(shared).collect()
    }

    #[test]
    fn what_is_so_already_needs_no_step() {
        let wanted = [
            tenant("a", &["orders", "items"], "1"),
            tenant("b", &["orders"], "2"),
        ];
        assert_eq!(plan(&wanted, &present(&wanted), |_| true), Ok(vec![]));
        let steps = plan(&wanted, &BTreeMap::new(), |_| false).unwrap();
        assert_eq!(steps.len(), 2);
        assert_eq!(steps[1].after.len(), 2);
        assert!(steps[1].before.is_empty());
    }

    #[test]
    fn what_is_not_named_stays_unless_the_spec_names_all() {
        let both = present(&[tenant("a", &["orders"], "1"), tenant("b", &["items"], "2")]);
        assert_eq!(plan(&[], &both, |_| false), Ok(vec![]));
        let steps = plan(&[tenant("c", &["orders"], "3")], &both, |_| false).unwrap();
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].after.len(), 2);
        let steps = plan(&[tenant("c", &["orders"], "3")], &both, |_| true).unwrap();
        let after: Vec<usize> = steps.iter().map(|step| step.after.len()).collect();
        assert_eq!(
            after,
            [0, 1],
            "items loses row security, orders gets another tenant"
        );
    }

    #[test]
    fn policies_that_somebody_changed_are_made_anew() {
        let wanted = [tenant("a", &["orders"], "1")];
        let mut now = present(&wanted);
        for shared in now.values_mut() {
            shared.intact = false;
        }
        assert_eq!(plan(&wanted, &now, |_| false).unwrap().len(), 1);
        assert_eq!(
            plan(&[], &now, |_| false),
            Ok(vec![]),
            "what is not named is left alone"
        );
    }

    #[test]
    fn a_tenant_cannot_have_two_marks_on_a_table() {
        let twice = [tenant("a", &["orders"], "1"), tenant("a", &["orders"], "2")];
        assert!(plan(&twice, &BTreeMap::new(), |_| false).is_err());
        let same = [tenant("a", &["orders"], "1"), tenant("a", &["orders"], "1")];
        assert!(plan(&same, &BTreeMap::new(), |_| false).is_ok());
        let nul = [tenant("a", &["orders"], "1\0")];
        assert!(plan(&nul, &BTreeMap::new(), |_| false).is_err());
    }
}
