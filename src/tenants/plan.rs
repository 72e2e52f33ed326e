//! Which tables get which tenants: pure decisions.

use crate::core::quote;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::expression::TypeName;
use std::collections::BTreeMap;

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

/// A table that has tenants, or that is to get some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// Its tenants.
    pub marks: Marks,
    /// The table itself, and the partitions and children below it.
    pub members: Vec<Member>,
}

/// A table, or one below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub table: TableName,
    /// The types of those of its columns that tell, or should tell, tenants.
    pub columns: BTreeMap<String, TypeName>,
    /// Which of our policies stand on it.
    pub policies: Vec<&'static str>,
    /// Whether both are as they were made, and in force.
    pub intact: bool,
}

/// One table whose tenants change, or whose policies are made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The table.
    pub table: TableName,
    /// The table and what is below it, as they are now.
    pub members: Vec<Member>,
    /// Its tenants now.
    pub before: Marks,
    /// Its tenants then; none: row security goes.
    pub after: Marks,
}

impl Shared {
    /// Whether row security is as `marks` want it.
    fn is(&self, marks: &Marks) -> bool {
        self.marks == *marks
            && self.members.iter().all(|member| {
                if marks.is_empty() {
                    member.policies.is_empty()
                } else {
                    member.intact
                }
            })
    }
}

/// What has to be done, in the order of the tables' names.
///
/// What `wanted` does not name stays, but on tables for which `is_complete` says that it names all: those
/// of schemas whose spec is authoritative. `present` knows every table that `wanted` names and that is there.
pub fn plan(
    wanted: &[Tenant],
    present: &BTreeMap<TableName, Shared>,
    is_complete: impl Fn(&TableName) -> bool,
) -> Result<Vec<Step>> {
    let wanted = by_table(wanted)?;
    if let Some(table) = wanted.keys().find(|table| !present.contains_key(table)) {
        return Err(unknown(table));
    }
    let mut steps = Vec::new();
    for (table, now) in present {
        let complete = is_complete(table);
        let named = wanted.get(table);
        if named.is_none() && !complete {
            continue;
        }
        let mut after = if complete {
            Marks::new()
        } else {
            now.marks.clone()
        };
        after.extend(named.cloned().unwrap_or_default());
        if !now.is(&after) {
            steps.push(Step {
                table: table.clone(),
                members: now.members.clone(),
                before: now.marks.clone(),
                after,
            });
        }
    }
    Ok(steps)
}

/// The error for default as a tenant.
pub fn never_default() -> Error {
    Kind::Denied
        .error("the default credential cannot be a tenant")
        .detail("It has the rights of every other.")
}

/// The error for a table that is not there.
pub(super) fn unknown(table: &TableName) -> Error {
    Kind::NotFound.error(format!("table {} does not exist", shown(&table.quoted())))
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

    /// A table with these tenants, its policies as they should be.
    fn shared(name: &str, marks: Marks) -> (TableName, Shared) {
        let made = !marks.is_empty();
        let member = Member {
            table: table(name),
            columns: BTreeMap::new(),
            policies: if made { vec!["tenants_rows"] } else { vec![] },
            intact: made,
        };
        let members = vec![member];
        (table(name), Shared { marks, members })
    }

    /// Two tables, with the tenants that are named.
    fn present(tenants: &[Tenant]) -> BTreeMap<TableName, Shared> {
        let mut all = BTreeMap::from([
            shared("orders", Marks::new()),
            shared("items", Marks::new()),
        ]);
        let marks = by_table(tenants).unwrap().into_iter();
        all.extend(marks.map(|(table, marks)| shared(&table.table, marks)));
        all
    }

    #[test]
    fn what_is_so_already_needs_no_step() {
        let wanted = [
            tenant("a", &["orders", "items"], "1"),
            tenant("b", &["orders"], "2"),
        ];
        assert_eq!(plan(&wanted, &present(&wanted), |_| true), Ok(vec![]));
        let steps = plan(&wanted, &present(&[]), |_| false).unwrap();
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
            shared.members[0].intact = false;
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
        assert!(plan(&twice, &present(&[]), |_| false).is_err());
        let same = [tenant("a", &["orders"], "1"), tenant("a", &["orders"], "1")];
        assert!(plan(&same, &present(&[]), |_| false).is_ok());
        let nul = [tenant("a", &["orders"], "1\0")];
        assert!(plan(&nul, &present(&[]), |_| false).is_err());
    }

    #[test]
    fn a_table_that_is_not_there_is_told_and_one_whose_tenants_are_gone_is_opened() {
        let error = plan(&[tenant("a", &["nothing"], "1")], &present(&[]), |_| false).unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
        let mut now = present(&[]);
        for shared in now.values_mut() {
            shared.members[0].policies = vec!["tenants_rows"];
        }
        assert_eq!(plan(&[], &now, |_| false), Ok(vec![]));
        assert_eq!(plan(&[], &now, |_| true).unwrap().len(), 2);
    }
}
