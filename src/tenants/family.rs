//! A table with its partitions and children: what the catalogs say of each, and the policies that are ours.

use super::plan::TableName;
use super::store::oids;
use crate::error::Result;
use crate::pg::policy::Table;
use crate::pg::spi::{self, Row};
use crate::pg::Oid;

/// What our policies on a table say, `p`: all but where in a statement's text it was said, which a dump does not keep.
macro_rules! digest {
    () => {
        "pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws('|', p.polname, p.polcmd, p.polpermissive,
           p.polroles::pg_catalog.text,
           pg_catalog.regexp_replace(p.polqual::pg_catalog.text, ':location -?[0-9]+', '', 'g'),
           pg_catalog.regexp_replace(p.polwithcheck::pg_catalog.text, ':location -?[0-9]+', '', 'g')),
           '|' ORDER BY p.polname))"
    };
}

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

/// A table with its partitions and children, itself first.
pub(super) fn family(root: Oid) -> Result<Vec<Found>> {
    spi::query(
        concat!("WITH RECURSIVE below (relation, depth) AS (
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
             SELECT ", digest!(), " AS digest
               FROM pg_catalog.pg_policy p
              WHERE p.polrelid OPERATOR(pg_catalog.=) c.oid
                AND p.oid OPERATOR(pg_catalog.=) ANY (ARRAY[t.others_policy, t.rows_policy])) d ON true
          ORDER BY b.depth, n.nspname, c.relname"),
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

/// Writes down the policies of one table, with what they say now.
pub(super) fn insert_table(relation: Oid, root: Oid, others: Oid, rows: Oid) -> Result<()> {
    spi::run(
        concat!(
            "INSERT INTO credentials.tenant_table (relation, root, others_policy, rows_policy, digest)
             SELECT $1, $2, $3, $4, ",
            digest!(),
            " FROM pg_catalog.pg_policy p
              WHERE p.polrelid OPERATOR(pg_catalog.=) $1 AND p.oid OPERATOR(pg_catalog.=) ANY (ARRAY[$3, $4])"
        ),
        &[relation.into(), root.into(), others.into(), rows.into()],
    )?;
    Ok(())
}

/// Takes the policies of these names on tables that have tenants for ours.
pub(super) fn rebind(others: &str, rows: &str) -> Result<()> {
    spi::run(
        "UPDATE credentials.tenant_table t SET others_policy = o.oid, rows_policy = r.oid
           FROM pg_catalog.pg_policy o, pg_catalog.pg_policy r
          WHERE o.polrelid OPERATOR(pg_catalog.=) t.relation AND o.polname::pg_catalog.text OPERATOR(pg_catalog.=) $1
            AND r.polrelid OPERATOR(pg_catalog.=) t.relation AND r.polname::pg_catalog.text OPERATOR(pg_catalog.=) $2",
        &[others.into(), rows.into()],
    )?;
    Ok(())
}
