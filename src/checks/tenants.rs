//! Tenants who are no longer kept to their rows.

use super::finding::{Code, Finding};
use crate::core::quote::literal;
use crate::error::shown;
use crate::tenants::{Marks, Shared, TableName};
use serde_json::{json, Value as Json};
use std::collections::BTreeMap;

/// Tables whose row security, or a policy of ours, is no longer as it was made.
pub fn open(tables: &BTreeMap<TableName, Shared>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (table, shared) in tables.iter().filter(|(_, s)| !s.marks.is_empty()) {
        let changed = shared.members.iter().find(|member| !member.intact);
        if let Some(changed) = changed {
            let sentence = format!(
                "Row security of {} is not as it was made: its tenants may see the rows of others.",
                shown(&changed.table.quoted())
            );
            let object = format!("table {}", table.quoted());
            let remedy = made_anew(table, &shared.marks);
            found.push(Finding::new(Code::TenantsOpen, object, sentence, remedy));
        }
    }
    found
}

/// The spec of a table's tenants, applied: their policies are made as they should be.
fn made_anew(table: &TableName, marks: &Marks) -> String {
    let entry = |(credential, mark): (&String, _)| entry(credential, table, mark);
    let tenants: Vec<Json> = marks.iter().map(entry).collect();
    let spec = json!({ "tenants": tenants }).to_string();
    format!("SELECT * FROM credentials.apply({});", literal(&spec))
}

fn entry(credential: &str, table: &TableName, mark: &crate::tenants::Mark) -> Json {
    json!({
        "credential": credential,
        "tables": [table.quoted()],
        "column": mark.column,
        "value": mark.value,
    })
}
