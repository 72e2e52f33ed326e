//! Rows of `credentials.tenant` and `credentials.tenant_table`, and names of tables.

use super::plan::TableName;
use crate::error::Result;
use crate::pg::spi;
use crate::pg::{row, value::Value, Oid};

/// The table of a name.
pub(super) fn find(name: &TableName) -> Result<Option<Oid>> {
    spi::row(
        "SELECT c.oid FROM pg_catalog.pg_class c
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
          WHERE n.nspname::pg_catalog.text OPERATOR(pg_catalog.=) $1
            AND c.relname::pg_catalog.text OPERATOR(pg_catalog.=) $2",
        &[name.schema.as_str().into(), name.table.as_str().into()],
    )?
    .map(|row| row.oid(0))
    .transpose()
}

/// The name of a relation.
pub(super) fn name(relation: Oid) -> Result<Option<TableName>> {
    spi::row(
        "SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text FROM pg_catalog.pg_class c
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
          WHERE c.oid OPERATOR(pg_catalog.=) $1",
        &[relation.into()],
    )?
    .map(|row| {
        Ok(TableName {
            schema: row.text(0)?,
            table: row.text(1)?,
        })
    })
    .transpose()
}

/// OIDs as a parameter: an array of their numbers as text.
pub(super) fn oids(list: impl Iterator<Item = Oid>) -> Value {
    Value::TextArray(list.map(|oid| oid.to_u32().to_string()).collect())
}

/// One tenant of one table.
pub(super) struct Entry {
    /// The table.
    pub(super) relation: Oid,
    /// The credential's name.
    pub(super) credential: String,
    /// The column's name.
    pub(super) column: String,
    /// What stands there.
    pub(super) value: String,
}

/// Every tenant whose credential, table and column are there, by table.
pub(super) fn entries() -> Result<Vec<Entry>> {
    spi::query(
        "SELECT t.relation, c.name, a.attname::pg_catalog.text, t.value FROM credentials.tenant t
           JOIN credentials.credential c ON c.role OPERATOR(pg_catalog.=) t.role
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) t.role
           JOIN pg_catalog.pg_class x ON x.oid OPERATOR(pg_catalog.=) t.relation
           JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) t.relation
            AND a.attnum OPERATOR(pg_catalog.=) t.column_number AND NOT a.attisdropped
          ORDER BY t.relation, c.name USING OPERATOR(pg_catalog.<)",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(Entry {
            relation: row.oid(0)?,
            credential: row.text(1)?,
            column: row.text(2)?,
            value: row.text(3)?,
        })
    })
    .collect()
}

/// Tables that were made to have tenants and are there: those above, not their partitions.
pub(super) fn roots() -> Result<Vec<Oid>> {
    spi::query(
        "SELECT t.relation FROM credentials.tenant_table t
           JOIN pg_catalog.pg_class x ON x.oid OPERATOR(pg_catalog.=) t.relation
          WHERE t.root OPERATOR(pg_catalog.=) t.relation ORDER BY t.relation",
        &[],
    )?
    .iter()
    .map(|row| row.oid(0))
    .collect()
}

/// Forgets all that is known of a table and what is below it.
pub(super) fn forget(root: Oid) -> Result<()> {
    for statement in [
        "DELETE FROM credentials.tenant t WHERE t.relation OPERATOR(pg_catalog.=) $1",
        "DELETE FROM credentials.tenant_table t WHERE t.root OPERATOR(pg_catalog.=) $1",
    ] {
        spi::run(statement, &[root.into()])?;
    }
    Ok(())
}

/// Writes down one tenant.
pub(super) fn insert(role: Oid, relation: Oid, column: &str, value: &str) -> Result<()> {
    spi::run(
        "INSERT INTO credentials.tenant (role, relation, column_number, value)
         SELECT $1, $2, a.attnum, $4 FROM pg_catalog.pg_attribute a
          WHERE a.attrelid OPERATOR(pg_catalog.=) $2 AND a.attname::pg_catalog.text OPERATOR(pg_catalog.=) $3
            AND NOT a.attisdropped",
        &[role.into(), relation.into(), column.into(), value.into()],
    )?;
    Ok(())
}

/// Whether a role is kept to its rows of any table.
pub(super) fn is_tenant(role: Oid) -> Result<bool> {
    Ok(row::find("tenant", &[("role", role.into())], &["role"])?.is_some())
}

/// The tables that a tenant is kept to its rows of, with what is below them.
pub(super) fn tables_of(role: Oid) -> Result<Vec<Oid>> {
    spi::query(
        "SELECT b.relation FROM credentials.tenant t
           JOIN credentials.tenant_table b ON b.root OPERATOR(pg_catalog.=) t.relation
          WHERE t.role OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?
    .iter()
    .map(|row| row.oid(0))
    .collect()
}

/// The roles of all tenants, and all tables that they are kept to their rows of.
pub(super) fn everything() -> Result<(Vec<Oid>, Vec<Oid>)> {
    let list = |statement| -> Result<Vec<Oid>> {
        let rows = spi::query(statement, &[])?;
        rows.iter().map(|row| row.oid(0)).collect()
    };
    Ok((
        list(
            "SELECT DISTINCT t.role FROM credentials.tenant t
               JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) t.role",
        )?,
        list("SELECT t.relation FROM credentials.tenant_table t")?,
    ))
}

/// Of these relations, those that have come below a table with tenants and have no policies of ours yet: each
/// with the table that the tenants are of.
pub(super) fn newcomers(relations: Value) -> Result<Vec<(Oid, Oid)>> {
    spi::query(
        "SELECT DISTINCT i.inhrelid, t.root FROM pg_catalog.pg_inherits i
           JOIN credentials.tenant_table t ON t.relation OPERATOR(pg_catalog.=) i.inhparent
          WHERE i.inhrelid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])
            AND NOT EXISTS (SELECT FROM credentials.tenant_table o
                             WHERE o.relation OPERATOR(pg_catalog.=) i.inhrelid
                               AND o.root OPERATOR(pg_catalog.=) t.root)
          ORDER BY 1, 2",
        &[relations],
    )?
    .iter()
    .map(|row| Ok((row.oid(0)?, row.oid(1)?)))
    .collect()
}

/// Whether a policy is there, and stands on that table.
pub(super) fn stands_on(policy: Oid, relation: Oid) -> Result<bool> {
    let found = spi::number(
        "SELECT pg_catalog.count(*) FROM pg_catalog.pg_policy p
          WHERE p.oid OPERATOR(pg_catalog.=) $1 AND p.polrelid OPERATOR(pg_catalog.=) $2",
        &[policy.into(), relation.into()],
    )?;
    Ok(found > 0)
}
