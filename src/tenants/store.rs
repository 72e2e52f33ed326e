//! Rows of `credentials.tenant` and `credentials.tenant_table`, and what the catalogs say of shared tables.

use super::plan::TableName;
use crate::error::Result;
use crate::pg::policy::Table;
use crate::pg::spi::{self, Row};
use crate::pg::{row, value::Value, Oid};

/// A relation that may get tenants.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The relation.
    pub(super) table: Table,
    /// `pg_class.relkind`
    pub(super) relkind: String,
    /// Whether it is one that users' rows are kept in, and nobody else's: not temporary, not of an extension,
    /// not of the system, not ours.
    pub(super) ordinary: bool,
    /// Whether it is temporary.
    pub(super) temporary: bool,
    /// Whether row security is on, and we have not switched it on.
    pub(super) foreign_security: bool,
    /// Whether there is any policy that is not ours.
    pub(super) foreign_policies: bool,
    /// Whether its owner is a superuser.
    pub(super) superuser_owned: bool,
    /// Our policies on it: both, where there are any.
    pub(super) policies: Option<(Oid, Oid)>,
    /// Whether our policies are as they were made, and in force.
    pub(super) intact: bool,
}

impl Found {
    /// The table by name.
    pub(super) fn name(&self) -> TableName {
        TableName {
            schema: self.table.schema.clone(),
            table: self.table.name.clone(),
        }
    }
}

fn read(row: &Row) -> Result<Found> {
    Ok(Found {
        table: Table {
            oid: row.oid(0)?,
            schema: row.text(1)?,
            name: row.text(2)?,
            owner: row.oid(3)?,
        },
        relkind: row.text(4)?,
        ordinary: row.bool(5)?,
        foreign_security: row.bool(6)?,
        foreign_policies: row.bool(7)?,
        superuser_owned: row.bool(8)?,
        policies: row.maybe_oid(9)?.zip(row.maybe_oid(10)?),
        intact: row.bool(11)?,
        temporary: row.bool(12)?,
    })
}

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

/// A table with its partitions and children, itself first.
pub(super) fn family(root: Oid) -> Result<Vec<Found>> {
    spi::query(
        "WITH RECURSIVE below (relation, depth) AS (
           SELECT $1, 0
           UNION
           SELECT i.inhrelid, b.depth OPERATOR(pg_catalog.+) 1 FROM below b
             JOIN pg_catalog.pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) b.relation)
         SELECT c.oid, n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.relowner, c.relkind::pg_catalog.text,
                c.relpersistence OPERATOR(pg_catalog.<>) 't'
                  AND NOT n.nspname::pg_catalog.text OPERATOR(pg_catalog.~) '^(pg_|information_schema$|credentials$)'
                  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                                   WHERE d.classid OPERATOR(pg_catalog.=) c.tableoid
                                     AND d.objid OPERATOR(pg_catalog.=) c.oid
                                     AND d.deptype OPERATOR(pg_catalog.=) 'e'),
                c.relrowsecurity AND t.relation IS NULL,
                EXISTS (SELECT FROM pg_catalog.pg_policy p
                              WHERE p.polrelid OPERATOR(pg_catalog.=) c.oid
                                AND (t.relation IS NULL
                                  OR p.oid OPERATOR(pg_catalog.<>) ALL (ARRAY[t.others_policy, t.rows_policy]))),
                COALESCE(o.rolsuper, true),
                t.others_policy, t.rows_policy,
                t.relation IS NOT NULL AND c.relrowsecurity AND c.relforcerowsecurity
                  AND COALESCE(d.digest OPERATOR(pg_catalog.=) t.digest, false),
                c.relpersistence OPERATOR(pg_catalog.=) 't'
           FROM (SELECT b.relation, pg_catalog.max(b.depth) AS depth FROM below b GROUP BY b.relation) b
           JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) b.relation
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
           LEFT JOIN pg_catalog.pg_authid o ON o.oid OPERATOR(pg_catalog.=) c.relowner
           LEFT JOIN credentials.tenant_table t ON t.relation OPERATOR(pg_catalog.=) c.oid
           LEFT JOIN LATERAL (
             SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws('|', p.polname, p.polcmd,
                      p.polpermissive, p.polroles::pg_catalog.text, p.polqual::pg_catalog.text,
                      p.polwithcheck::pg_catalog.text), '|' ORDER BY p.polname)) AS digest
               FROM pg_catalog.pg_policy p
              WHERE p.polrelid OPERATOR(pg_catalog.=) c.oid
                AND p.oid OPERATOR(pg_catalog.=) ANY (ARRAY[t.others_policy, t.rows_policy])) d ON true
          ORDER BY b.depth, n.nspname, c.relname",
        &[root.into()],
    )?
    .iter()
    .map(read)
    .collect()
}

/// A table above one of these that is not itself among them, by name.
pub(super) fn parent_outside(family: &[Found]) -> Result<Option<TableName>> {
    spi::row(
        "SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text FROM pg_catalog.pg_inherits i
           JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.inhparent
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
          WHERE i.inhrelid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])
            AND i.inhparent OPERATOR(pg_catalog.<>) ALL ($1::pg_catalog.oid[])
          ORDER BY 1, 2 LIMIT 1",
        &[oids(family.iter().map(|f| f.table.oid))],
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

/// Writes down the policies of one table, with what they say now.
pub(super) fn insert_table(relation: Oid, root: Oid, others: Oid, rows: Oid) -> Result<()> {
    spi::run(
        "INSERT INTO credentials.tenant_table (relation, root, others_policy, rows_policy, digest)
         SELECT $1, $2, $3, $4, pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws('|', p.polname, p.polcmd,
                  p.polpermissive, p.polroles::pg_catalog.text, p.polqual::pg_catalog.text,
                  p.polwithcheck::pg_catalog.text), '|' ORDER BY p.polname))
           FROM pg_catalog.pg_policy p
          WHERE p.polrelid OPERATOR(pg_catalog.=) $1 AND p.oid OPERATOR(pg_catalog.=) ANY (ARRAY[$3, $4])",
        &[relation.into(), root.into(), others.into(), rows.into()],
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
