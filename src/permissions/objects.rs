//! Which objects a group of a schema has rights on.
//!
//! Not members of extensions, which their extension's author gives rights on; nothing of the server's own
//! schemas; nothing temporary. Of routines those that run with their caller's rights, in a trusted language;
//! an aggregate where all that it calls is so, or is open to everybody anyway.

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
    /// The schema that it is in.
    pub schema: Oid,
    /// Whether the caller may have rights on it given.
    pub given: bool,
}

/// The word of [`ObjectKind`] for a relation, `c`.
macro_rules! relation_kind {
    () => {
        "CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'S' THEN 'sequence' WHEN c.relkind OPERATOR(pg_catalog.=) 'm' THEN 'matview' ELSE 'table' END"
    };
}

/// Relations that carry rights, `c`.
macro_rules! carries_rights {
    () => {
        "c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}'::pg_catalog.\"char\"[])
         AND c.relpersistence OPERATOR(pg_catalog.<>) 't'"
    };
}

/// Routines that reach no further than whoever calls them: `p` in language `l`.
macro_rules! reaches_no_further {
    () => {
        "NOT p.prosecdef AND CASE WHEN p.prokind OPERATOR(pg_catalog.=) 'a' THEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_aggregate a,
                  LATERAL pg_catalog.unnest(ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
                    a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::pg_catalog.oid[]) s (oid)
             JOIN pg_catalog.pg_proc f ON f.oid OPERATOR(pg_catalog.=) s.oid
             JOIN pg_catalog.pg_language k ON k.oid OPERATOR(pg_catalog.=) f.prolang
            WHERE a.aggfnoid::pg_catalog.oid OPERATOR(pg_catalog.=) p.oid
              AND (f.prosecdef OR NOT k.lanpltrusted)
              AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(
                                COALESCE(f.proacl, pg_catalog.acldefault('f', f.proowner))) e
                               WHERE e.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid))
         ELSE l.lanpltrusted END"
    };
}

/// Whether schema `n` is one that users have their objects in.
macro_rules! is_of_users {
    () => {
        "NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
         AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{information_schema,credentials}'::pg_catalog.name[])"
    };
}

/// Whether an object is a member of an extension.
macro_rules! is_member {
    ($class:literal, $object:literal) => {
        concat!(
            "EXISTS (SELECT FROM pg_catalog.pg_depend x WHERE x.deptype OPERATOR(pg_catalog.=) 'e'
                AND x.classid OPERATOR(pg_catalog.=) ",
            $class,
            " AND x.objid OPERATOR(pg_catalog.=) ",
            $object,
            ")"
        )
    };
}

/// $1 the schema (0: every), $2 managed roles, $3 whether every owner will do, $4 the caller.
const LIST: &str = concat!(
    "SELECT o.class, o.object, o.kind, o.schema,
            $3 OR o.owner OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.oid[])
               OR pg_catalog.pg_has_role($4, o.owner, 'USAGE')
       FROM (SELECT n.tableoid AS class, n.oid AS object, n.nspowner AS owner, n.oid AS schema, 'schema' AS kind
               FROM pg_catalog.pg_namespace n
             UNION ALL
             SELECT c.tableoid, c.oid, c.relowner, c.relnamespace, ",
    relation_kind!(),
    " FROM pg_catalog.pg_class c WHERE ",
    carries_rights!(),
    " UNION ALL
             SELECT p.tableoid, p.oid, p.proowner, p.pronamespace, 'routine'
               FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
              WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND ",
    reaches_no_further!(),
    ") o
       JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) o.schema AND ",
    is_of_users!(),
    " WHERE ($1 OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR o.schema OPERATOR(pg_catalog.=) $1)
        AND NOT ",
    is_member!("o.class", "o.object"),
);

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
    spi::query(LIST, &params)?
        .iter()
        .map(|row| found(row, row.maybe_bool(4)?.unwrap_or(false)))
        .collect()
}

const RELATION: &str = concat!(
    "SELECT c.tableoid, c.oid, ",
    relation_kind!(),
    ", c.relnamespace FROM pg_catalog.pg_class c
       JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace AND ",
    is_of_users!(),
    " WHERE c.oid OPERATOR(pg_catalog.=) $1 AND ",
    carries_rights!(),
    " AND NOT ",
    is_member!("c.tableoid", "c.oid"),
);

const ROUTINE: &str = concat!(
    "SELECT p.tableoid, p.oid, 'routine', p.pronamespace FROM pg_catalog.pg_proc p
       JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
       JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace AND ",
    is_of_users!(),
    " WHERE p.oid OPERATOR(pg_catalog.=) $1 AND ",
    reaches_no_further!(),
    " AND NOT ",
    is_member!("p.tableoid", "p.oid"),
);

const SCHEMA: &str = concat!(
    "SELECT n.tableoid, n.oid, 'schema', n.oid FROM pg_catalog.pg_namespace n
      WHERE n.oid OPERATOR(pg_catalog.=) $1 AND ",
    is_of_users!(),
    " AND NOT ",
    is_member!("n.tableoid", "n.oid"),
);

/// One object, or nothing where a group gets nothing on it, or it is gone.
pub fn one(class: Class, object: Oid) -> Result<Option<Found>> {
    let statement = match class {
        Class::Relation => RELATION,
        Class::Routine => ROUTINE,
        Class::Schema => SCHEMA,
        _ => return Ok(None),
    };
    let row = spi::row(statement, &[object.into()])?;
    row.as_ref().map(|row| found(row, true)).transpose()
}

fn found(row: &Row, given: bool) -> Result<Found> {
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
        schema: row.oid(3)?,
        given,
    })
}
