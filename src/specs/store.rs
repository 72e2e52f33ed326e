//! What is read of the catalogs and of our tables for specs.

use super::present::{Object, ObjectIs, Present, RoleNow, SchemaNow, TableNow};
use super::spec::TableName;
use crate::access;
use crate::core::quote;
use crate::error::Result;
use crate::pg::acl::rights;
use crate::pg::spi::{self, Row};
use crate::pg::value::Value;
use crate::pg::Oid;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Whether a role may create schemas in this database.
pub(super) fn creates_schemas(role: Oid, database: Oid) -> Result<bool> {
    Ok(spi::row(
        "SELECT 1 WHERE pg_catalog.has_database_privilege($1, $2, 'CREATE')",
        &[role.into(), database.into()],
    )?
    .is_some())
}

/// Users' schemas. Nobody speaks for the owner of one that an extension brought.
pub(super) fn schemas(caller: Oid) -> Result<BTreeMap<String, SchemaNow>> {
    spi::query(
        "SELECT n.nspname::pg_catalog.text, n.oid, r.rolname::pg_catalog.text,
                EXISTS (SELECT FROM pg_catalog.aclexplode(n.nspacl) a
                         WHERE a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid),
                pg_catalog.pg_has_role($1, n.nspowner, 'USAGE')
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                         WHERE d.classid OPERATOR(pg_catalog.=) n.tableoid AND d.objid OPERATOR(pg_catalog.=) n.oid
                           AND d.deptype OPERATOR(pg_catalog.=) 'e')
           FROM pg_catalog.pg_namespace n
           LEFT JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
          WHERE NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
            AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{information_schema,credentials}'::pg_catalog.name[])",
        &[caller.into()],
    )?
    .iter()
    .map(|row| {
        let schema = SchemaNow {
            oid: row.oid(1)?,
            owner: row.maybe_text(2)?.unwrap_or_default(),
            open: row.bool(3)?,
            may: row.maybe_bool(4)?.unwrap_or(false),
        };
        Ok((row.text(0)?, schema))
    })
    .collect()
}

/// Connection limits of the roles of credentials.
pub(super) fn limits() -> Result<HashMap<Oid, i32>> {
    spi::query(
        "SELECT r.oid, r.rolconnlimit FROM pg_catalog.pg_authid r
           JOIN credentials.credential c ON c.role OPERATOR(pg_catalog.=) r.oid",
        &[],
    )?
    .iter()
    .map(|row| Ok((row.oid(0)?, row.int4(1)?)))
    .collect()
}

/// Settings of credentials in a database: role, name in lower case, value.
pub(super) fn settings(database: Oid) -> Result<Vec<(Oid, String, String)>> {
    let rows = spi::query(
        "SELECT c.role, pg_catalog.unnest(s.setconfig) FROM pg_catalog.pg_db_role_setting s
           JOIN credentials.credential c ON c.role OPERATOR(pg_catalog.=) s.setrole
          WHERE s.setdatabase OPERATOR(pg_catalog.=) $1",
        &[database.into()],
    )?;
    let mut settings = Vec::with_capacity(rows.len());
    for row in rows {
        let (role, entry) = (row.oid(0)?, row.text(1)?);
        if let Some((name, value)) = entry.split_once('=') {
            settings.push((role, name.to_ascii_lowercase(), value.to_owned()));
        }
    }
    Ok(settings)
}

/// The roles that credentials are members of themselves, managed groups left out.
pub(super) fn memberships() -> Result<Vec<(Oid, String)>> {
    spi::query(
        "SELECT DISTINCT c.role, r.rolname::pg_catalog.text FROM credentials.credential c
           JOIN pg_catalog.pg_auth_members m ON m.member OPERATOR(pg_catalog.=) c.role
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) m.roleid
          WHERE NOT EXISTS (SELECT FROM credentials.access_group g
                             WHERE g.role OPERATOR(pg_catalog.=) m.roleid)",
        &[],
    )?
    .iter()
    .map(|row| Ok((row.oid(0)?, row.text(1)?)))
    .collect()
}

/// Every membership of the cluster: the member's name, the role's.
pub(super) fn edges() -> Result<BTreeSet<(String, String)>> {
    spi::query(
        "SELECT DISTINCT m.rolname::pg_catalog.text, r.rolname::pg_catalog.text FROM pg_catalog.pg_auth_members a
           JOIN pg_catalog.pg_authid m ON m.oid OPERATOR(pg_catalog.=) a.member
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) a.roleid",
        &[],
    )?
    .iter()
    .map(|row| Ok((row.text(0)?, row.text(1)?)))
    .collect()
}

/// Which credential is a member of which managed group.
pub(super) fn in_groups() -> Result<Vec<(Oid, Oid)>> {
    spi::query(
        "SELECT DISTINCT c.role, g.role FROM credentials.credential c
           JOIN pg_catalog.pg_auth_members m ON m.member OPERATOR(pg_catalog.=) c.role
           JOIN credentials.access_group g ON g.role OPERATOR(pg_catalog.=) m.roleid",
        &[],
    )?
    .iter()
    .map(|row| Ok((row.oid(0)?, row.oid(1)?)))
    .collect()
}

/// Those of the roles of these names that are there.
pub(super) fn roles(names: Vec<String>) -> Result<BTreeMap<String, RoleNow>> {
    spi::query(
        "SELECT r.rolname::pg_catalog.text, r.oid, r.rolsuper FROM pg_catalog.pg_authid r
          WHERE r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($1)",
        &[Value::TextArray(names)],
    )?
    .iter()
    .map(|row| {
        let superuser = row.bool(2)? || access::in_superuser(row.oid(1)?, None)?.is_some();
        Ok((row.text(0)?, RoleNow { superuser }))
    })
    .collect()
}

/// Those of the tables of these names that are there. Nobody speaks for the owner of one that an extension
/// brought.
pub(super) fn tables(names: &[TableName], caller: Oid) -> Result<BTreeMap<TableName, TableNow>> {
    let schemas = names.iter().map(|name| name.schema.clone()).collect();
    let tables = names.iter().map(|name| name.table.clone()).collect();
    spi::query(
        "SELECT w.schema, w.relation, c.oid, c.relowner,
                pg_catalog.pg_has_role($3, c.relowner, 'USAGE')
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                         WHERE d.classid OPERATOR(pg_catalog.=) c.tableoid AND d.objid OPERATOR(pg_catalog.=) c.oid
                           AND d.deptype OPERATOR(pg_catalog.=) 'e')
           FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) w (schema, relation)
           JOIN pg_catalog.pg_namespace n ON n.nspname::pg_catalog.text OPERATOR(pg_catalog.=) w.schema
           JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
                AND c.relname::pg_catalog.text OPERATOR(pg_catalog.=) w.relation
          WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}'::pg_catalog.\"char\"[])
            AND c.relpersistence OPERATOR(pg_catalog.<>) 't'",
        &[Value::TextArray(schemas), Value::TextArray(tables), caller.into()],
    )?
    .iter()
    .map(|row| {
        let name = TableName {
            schema: row.text(0)?,
            table: row.text(1)?,
        };
        let table = TableNow {
            oid: row.oid(2)?,
            owner: row.oid(3)?,
            may: row.maybe_bool(4)?.unwrap_or(false),
        };
        Ok((name, table))
    })
    .collect()
}

/// Reads what credentials but default were given on schemas (`None`: all of users') and on what is in
/// them, where they do not own it. What an extension brought is left out.
pub(super) fn direct(schemas: Option<Vec<String>>, caller: Oid, now: &mut Present) -> Result<()> {
    let all = schemas.is_none();
    let rows = spi::query(
        "WITH o (kind, class, oid, attribute, schema, name, arguments, owner, acl) AS (
           SELECT 'schema', n.tableoid, n.oid, 0, n.oid, n.nspname::pg_catalog.text, NULL, n.nspowner, n.nspacl
             FROM pg_catalog.pg_namespace n
           UNION ALL
           SELECT CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'S' THEN 'sequence' ELSE 'table' END, c.tableoid, c.oid, 0, c.relnamespace,
                  c.relname::pg_catalog.text, NULL, c.relowner, c.relacl
             FROM pg_catalog.pg_class c WHERE c.relacl IS NOT NULL AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
           UNION ALL
           SELECT 'table', c.tableoid, c.oid, a.attnum::pg_catalog.int4, c.relnamespace, c.relname::pg_catalog.text,
                  a.attname::pg_catalog.text, c.relowner, a.attacl
             FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid
            WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
           UNION ALL
           SELECT 'routine', p.tableoid, p.oid, 0, p.pronamespace, p.proname::pg_catalog.text,
                  pg_catalog.pg_get_function_identity_arguments(p.oid), p.proowner, p.proacl
             FROM pg_catalog.pg_proc p WHERE p.proacl IS NOT NULL AND p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid)
         SELECT r.name, n.nspname::pg_catalog.text, o.kind, o.oid, o.attribute, o.name, o.arguments,
                pg_catalog.array_agg(DISTINCT a.privilege_type), pg_catalog.pg_has_role($3, o.owner, 'USAGE'),
                coalesce(pg_catalog.array_agg(DISTINCT a.privilege_type)
                         FILTER (WHERE a.grantor OPERATOR(pg_catalog.=) o.owner), '{}'::pg_catalog.text[]),
                pg_catalog.bool_or(a.is_grantable)
           FROM o
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) o.schema
           CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a
           JOIN credentials.credential r ON r.role OPERATOR(pg_catalog.=) a.grantee
          WHERE ($1 OR n.nspname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($2))
            AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
            AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{information_schema,credentials}'::pg_catalog.name[])
            AND r.name OPERATOR(pg_catalog.<>) 'default' AND o.owner OPERATOR(pg_catalog.<>) a.grantee
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                     WHERE d.classid OPERATOR(pg_catalog.=) o.class AND d.objid OPERATOR(pg_catalog.=) o.oid
                       AND d.deptype OPERATOR(pg_catalog.=) 'e')
          GROUP BY r.name, n.nspname, o.kind, o.oid, o.attribute, o.name, o.arguments, o.owner
          ORDER BY 1, 2, 3, 6, 5, 7, 4",
        &[all.into(), Value::TextArray(schemas.unwrap_or_default()), caller.into()],
    )?;
    for row in &rows {
        now.direct.push(given(row)?);
    }
    Ok(())
}

fn given(row: &Row) -> Result<super::present::Direct> {
    let (schema, kind, name) = (row.text(1)?, row.text(2)?, row.text(5)?);
    let arguments = row.maybe_text(6)?.unwrap_or_default();
    let column = row.int4(4)?;
    let full = quote::qualified(&schema, &name);
    let (kind, named) = match kind.as_str() {
        "schema" => (ObjectIs::Schema, format!("SCHEMA {}", quote::ident(&name))),
        "sequence" => (ObjectIs::Sequence, format!("SEQUENCE {full}")),
        "routine" => (ObjectIs::Routine, format!("ROUTINE {full}({arguments})")),
        _ => (ObjectIs::Table(name), format!("TABLE {full}")),
    };
    let bits = |words: Vec<String>| words.iter().fold(0, |bits, word| bits | bit(word));
    Ok(super::present::Direct {
        credential: row.text(0)?,
        schema,
        object: Object {
            kind,
            oid: row.oid(3)?,
            column,
            column_name: (column != 0).then_some(arguments),
            named,
        },
        rights: bits(row.texts(7)?),
        by_owner: bits(row.texts(9)?),
        options: row.bool(10)?,
        may: row.maybe_bool(8)?.unwrap_or(false),
    })
}

/// The bit of a right; 0 for those that a later server knows.
fn bit(word: &str) -> u32 {
    match word {
        "EXECUTE" => rights::EXECUTE,
        "USAGE" => rights::USAGE,
        "CREATE" => rights::CREATE,
        _ => super::spec::TABLE_RIGHTS
            .iter()
            .find(|(known, _)| *known == word)
            .map_or(0, |(_, bit)| *bit),
    }
}
