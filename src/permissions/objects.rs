//! Which objects a group of a schema has rights on.
//!
//! Not members of extensions, which their extension's author gives rights on; nothing of the server's own
//! schemas; nothing temporary. Of routines those that run with their caller's rights, in a trusted language
//! (an aggregate has none).

use super::preset::ObjectKind;
use crate::error::{Kind, Result};
use crate::pg::owner::Class;
use crate::pg::spi::{self, Row};
use crate::pg::value::Value;
use crate::pg::Oid;

/// One object of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its catalog.
    pub class: Class,
    /// Its OID.
    pub object: Oid,
    /// What a group gets on it goes by this.
    pub kind: ObjectKind,
    /// Whether the caller may have rights on it given.
    pub given: bool,
}

/// $1 the schema (0: every), $2 managed roles, $3 whether every owner will do, $4 the caller.
const LIST: &str =
    "SELECT o.class, o.object, o.kind,
            $3 OR o.owner OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.oid[])
               OR pg_catalog.pg_has_role($4, o.owner, 'USAGE')
       FROM (SELECT n.tableoid AS class, n.oid AS object, n.nspowner AS owner, n.oid AS schema, 'schema' AS kind
               FROM pg_catalog.pg_namespace n
             UNION ALL
             SELECT c.tableoid, c.oid, c.relowner, c.relnamespace,
                    CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'm' THEN 'matview' ELSE 'table' END
               FROM pg_catalog.pg_class c
              WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}'::pg_catalog.\"char\"[])
                AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
             UNION ALL
             SELECT p.tableoid, p.oid, p.proowner, p.pronamespace, 'routine'
               FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
              WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
                AND NOT p.prosecdef AND l.lanpltrusted) o
       JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) o.schema
        AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
        AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{information_schema,credentials}'::pg_catalog.name[])
      WHERE ($1 OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR o.schema OPERATOR(pg_catalog.=) $1)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                         WHERE d.classid OPERATOR(pg_catalog.=) o.class AND d.objid OPERATOR(pg_catalog.=) o.object
                           AND d.deptype OPERATOR(pg_catalog.=) 'e')";

/// The objects that a group of a schema (0: of every schema) is to have rights on, the schema itself among
/// them. Those of `managed` roles are given, and those whose owner's privileges the caller has; with `all`
/// every one.
pub fn list(schema: Oid, managed: &[Oid], all: bool, caller: Oid) -> Result<Vec<Found>> {
    let managed = managed.iter().map(|o| o.to_u32().to_string()).collect();
    let params = [
        schema.into(),
        Value::TextArray(managed),
        all.into(),
        caller.into(),
    ];
    spi::query(LIST, &params)?.iter().map(found).collect()
}

fn found(row: &Row) -> Result<Found> {
    let unknown = || Kind::Internal.error("an object of an unknown kind");
    Ok(Found {
        class: Class::of(row.oid(0)?).ok_or_else(unknown)?,
        object: row.oid(1)?,
        kind: match row.text(2)?.as_str() {
            "schema" => ObjectKind::Schema,
            "table" => ObjectKind::Table,
            "matview" => ObjectKind::MaterializedView,
            "sequence" => ObjectKind::Sequence,
            "routine" => ObjectKind::Routine,
            _ => return Err(unknown()),
        },
        given: row.maybe_bool(3)?.unwrap_or(false),
    })
}
