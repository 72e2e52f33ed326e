//! What is in the home database: who owns and may make it, and who may read it.

use crate::error::Result;
use crate::pg::{database, spi, Oid};

/// Who owns tables here, extensions' own left out.
pub struct Owner {
    pub role: Oid,
    pub tables: i64,
    /// One of them, as SQL has it.
    pub example: String,
}

/// Every role that owns tables in the home database.
pub fn owners() -> Result<Vec<Owner>> {
    spi::query(
        "SELECT c.relowner, pg_catalog.count(*), pg_catalog.min(pg_catalog.format('%I.%I', n.nspname, c.relname))
           FROM pg_catalog.pg_class c
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
          WHERE c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p', 'v', 'm', 'f']::pg_catalog.\"char\"[])
            AND c.relowner OPERATOR(pg_catalog.<>) 10::pg_catalog.oid
            AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                             WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                               AND d.objid OPERATOR(pg_catalog.=) c.oid AND d.deptype OPERATOR(pg_catalog.=) 'e')
          GROUP BY c.relowner",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(Owner {
            role: row.oid(0)?,
            tables: row.int8(1)?,
            example: row.text(2)?,
        })
    })
    .collect()
}

/// Who may make objects where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creator {
    /// Nothing for the database: who may make schemas.
    pub schema: Option<String>,
    pub role: Oid,
    /// Whether by owning it, and not by a grant.
    pub owns: bool,
}

/// Every role, PUBLIC left out, that may make schemas here, or objects in one.
pub fn creators() -> Result<Vec<Creator>> {
    spi::query(
        "SELECT NULL::pg_catalog.text, a.grantee, a.grantee OPERATOR(pg_catalog.=) d.datdba
           FROM pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a
          WHERE d.oid OPERATOR(pg_catalog.=) $1 AND a.grantee OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
            AND a.privilege_type OPERATOR(pg_catalog.=) 'CREATE'
         UNION
         SELECT n.nspname::pg_catalog.text, a.grantee, false
           FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
          WHERE NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
            AND a.grantee OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
            AND a.grantee OPERATOR(pg_catalog.<>) n.nspowner
            AND a.privilege_type OPERATOR(pg_catalog.=) 'CREATE'
         UNION
         SELECT n.nspname::pg_catalog.text, n.nspowner, true
           FROM pg_catalog.pg_namespace n
          WHERE NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')",
        &[database::current().into()],
    )?
    .iter()
    .map(|row| {
        Ok(Creator {
            schema: row.maybe_text(0)?,
            role: row.oid(1)?,
            owns: row.bool(2)?,
        })
    })
    .collect()
}

/// A table whose access list is long.
pub struct Crowded {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    /// Bytes of the list as it is stored.
    pub bytes: i32,
    pub is_sequence: bool,
}

/// Tables, views and sequences whose access list is stored in at least `bytes` bytes.
pub fn crowded(bytes: i32) -> Result<Vec<Crowded>> {
    spi::query(
        "SELECT c.oid, n.nspname, c.relname, pg_catalog.pg_column_size(c.relacl), c.relkind OPERATOR(pg_catalog.=) 'S'
           FROM pg_catalog.pg_class c
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
          WHERE pg_catalog.pg_column_size(c.relacl) OPERATOR(pg_catalog.>=) $1",
        &[bytes.into()],
    )?
    .iter()
    .map(|row| {
        Ok(Crowded {
            oid: row.oid(0)?,
            schema: row.text(1)?,
            name: row.text(2)?,
            bytes: row.int4(3)?,
            is_sequence: row.bool(4)?,
        })
    })
    .collect()
}

/// What one role was granted on a table by its owner, to use and not to hand on.
pub struct Grantee {
    pub name: String,
    pub rights: Vec<String>,
}

/// Whom the owner of a table granted what on it.
pub fn grantees(table: Oid) -> Result<Vec<Grantee>> {
    spi::query(
        "SELECT r.rolname, pg_catalog.array_agg(a.privilege_type)
           FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a, pg_catalog.pg_authid r
          WHERE c.oid OPERATOR(pg_catalog.=) $1
            AND r.oid OPERATOR(pg_catalog.=) a.grantee
            AND a.grantor OPERATOR(pg_catalog.=) c.relowner AND a.grantee OPERATOR(pg_catalog.<>) c.relowner
          GROUP BY r.rolname
         HAVING NOT pg_catalog.bool_or(a.is_grantable)
          ORDER BY r.rolname USING OPERATOR(pg_catalog.<)",
        &[table.into()],
    )?
    .iter()
    .map(|row| {
        let mut rights = row.texts(1)?;
        rights.sort();
        Ok(Grantee {
            name: row.text(0)?,
            rights,
        })
    })
    .collect()
}

/// An object whose schema has a group that lacks its rights on it.
#[derive(Clone, Debug)]
pub struct Lacking {
    /// The group's role.
    pub group: Oid,
    /// `n` a schema; else as `pg_class.relkind` has it, or `F` for a routine.
    pub kind: String,
    /// The object, as SQL has it.
    pub object: String,
}

/// Objects whose schema has a group that lacks its rights on it (those of `permissions::objects`, but for
/// aggregates), up to `most` of them and how many there
/// are in all. What a role has by way of PUBLIC or of another role it does not lack.
pub fn lacking(most: i32) -> Result<(Vec<Lacking>, i64)> {
    let rows = spi::query(LACKING, &[i64::from(most).into()])?;
    let all = rows.first().map_or(Ok(0), |row| row.int8(3))?;
    let read = |row: &spi::Row| {
        Ok(Lacking {
            group: row.oid(0)?,
            kind: row.text(1)?,
            object: row.text(2)?,
        })
    };
    Ok((rows.iter().map(read).collect::<Result<_>>()?, all))
}

const LACKING: &str = "
WITH kept(grp, writes, schema, schema_name) AS MATERIALIZED (
  SELECT g.role, g.kind OPERATOR(pg_catalog.=) 'writer', n.oid, n.nspname
    FROM credentials.access_group g
    JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) g.role
     AND r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) g.role_name
    JOIN pg_catalog.pg_namespace n
      ON n.oid OPERATOR(pg_catalog.=) g.scope
      OR (g.scope OPERATOR(pg_catalog.=) 0::pg_catalog.oid
          AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
          AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema' AND n.nspname OPERATOR(pg_catalog.<>) 'credentials')
   WHERE g.kind OPERATOR(pg_catalog.<>) 'owner'),
found(grp, kind, object) AS (
  SELECT k.grp, 'n', pg_catalog.format('%I', k.schema_name) FROM kept k
   WHERE NOT pg_catalog.has_schema_privilege(k.grp, k.schema, 'USAGE')
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
                        AND d.objid OPERATOR(pg_catalog.=) k.schema AND d.deptype OPERATOR(pg_catalog.=) 'e')
  UNION ALL
  SELECT k.grp, c.relkind::pg_catalog.text, pg_catalog.format('%I.%I', k.schema_name, c.relname)
    FROM kept k JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) k.schema
   WHERE c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p', 'v', 'm', 'f']::pg_catalog.\"char\"[])
     AND (pg_catalog.has_table_privilege(k.grp, c.oid, 'SELECT') IS FALSE
          OR k.writes AND c.relkind OPERATOR(pg_catalog.<>) 'm'
             AND (pg_catalog.has_table_privilege(k.grp, c.oid, 'INSERT') IS FALSE
                  OR pg_catalog.has_table_privilege(k.grp, c.oid, 'UPDATE') IS FALSE
                  OR pg_catalog.has_table_privilege(k.grp, c.oid, 'DELETE') IS FALSE))
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                        AND d.objid OPERATOR(pg_catalog.=) c.oid AND d.deptype OPERATOR(pg_catalog.=) 'e')
  UNION ALL
  SELECT k.grp, 'S', pg_catalog.format('%I.%I', k.schema_name, c.relname)
    FROM kept k JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) k.schema
   WHERE c.relkind OPERATOR(pg_catalog.=) 'S'
     AND (pg_catalog.has_sequence_privilege(k.grp, c.oid, 'SELECT') IS FALSE
          OR k.writes AND pg_catalog.has_sequence_privilege(k.grp, c.oid, 'USAGE') IS FALSE)
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                        AND d.objid OPERATOR(pg_catalog.=) c.oid AND d.deptype OPERATOR(pg_catalog.=) 'e')
  UNION ALL
  SELECT k.grp, 'F', p.oid::pg_catalog.regprocedure::pg_catalog.text
    FROM kept k JOIN pg_catalog.pg_proc p ON p.pronamespace OPERATOR(pg_catalog.=) k.schema
    JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang AND l.lanpltrusted
   WHERE NOT p.prosecdef AND p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
     AND pg_catalog.has_function_privilege(k.grp, p.oid, 'EXECUTE') IS FALSE
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
                        AND d.objid OPERATOR(pg_catalog.=) p.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'))
SELECT f.grp, f.kind, f.object, pg_catalog.count(*) OVER () FROM found f
 ORDER BY f.object USING OPERATOR(pg_catalog.<), f.grp USING OPERATOR(pg_catalog.<) LIMIT $1";

/// A reader of all there is in a schema, and a role whose next table there it will not read.
#[derive(Clone, Debug)]
pub struct Gap {
    pub schema: String,
    pub creator: String,
    pub reader: String,
    /// What the reader may do with every table there, and by no default privilege.
    pub rights: Vec<String>,
}

/// Readers of all tables of a schema by plain grants, of at least two, that the next table of a role that
/// owns tables there will not be granted to. Access lists repeat, so each is expanded once.
pub fn reading_gaps() -> Result<Vec<Gap>> {
    spi::query(READING_GAPS, &[])?
        .iter()
        .map(|row| {
            let mut rights = row.texts(3)?;
            rights.sort();
            Ok(Gap {
                schema: row.text(0)?,
                creator: row.text(1)?,
                reader: row.text(2)?,
                rights,
            })
        })
        .collect()
}

const READING_GAPS: &str = "
WITH list(schema, owner, acl, tables) AS MATERIALIZED (
  SELECT c.relnamespace, c.relowner, c.relacl, pg_catalog.count(*)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
   WHERE c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p', 'v', 'm', 'f']::pg_catalog.\"char\"[])
     AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
     AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema' AND n.nspname OPERATOR(pg_catalog.<>) 'credentials'
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                        AND d.objid OPERATOR(pg_catalog.=) c.oid AND d.deptype OPERATOR(pg_catalog.=) 'e')
   GROUP BY c.relnamespace, c.relowner, c.relacl),
total(schema, tables) AS (
  SELECT l.schema, pg_catalog.sum(l.tables) FROM list l GROUP BY l.schema),
held(schema, reader, privilege, tables) AS (
  SELECT l.schema, a.grantee, a.privilege_type, pg_catalog.sum(l.tables)
    FROM list l, pg_catalog.aclexplode(l.acl) a
   WHERE a.grantee OPERATOR(pg_catalog.<>) 0::pg_catalog.oid AND a.grantee OPERATOR(pg_catalog.<>) l.owner
   GROUP BY l.schema, a.grantee, a.privilege_type),
whole(schema, reader, privilege) AS (
  SELECT h.schema, h.reader, h.privilege FROM held h
    JOIN total t ON t.schema OPERATOR(pg_catalog.=) h.schema AND t.tables OPERATOR(pg_catalog.=) h.tables
   WHERE t.tables OPERATOR(pg_catalog.>=) 2::pg_catalog.numeric
     AND NOT EXISTS (SELECT FROM credentials.access_group g WHERE g.role OPERATOR(pg_catalog.=) h.reader)),
promised(creator, schema, reader, privilege) AS (
  SELECT d.defaclrole, d.defaclnamespace, a.grantee, a.privilege_type
    FROM pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) a
   WHERE d.defaclobjtype OPERATOR(pg_catalog.=) 'r')
SELECT n.nspname, o.rolname, r.rolname, pg_catalog.array_agg(w.privilege)
  FROM whole w
  JOIN (SELECT DISTINCT l.schema, l.owner FROM list l) c ON c.schema OPERATOR(pg_catalog.=) w.schema
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) w.schema
  JOIN pg_catalog.pg_authid o ON o.oid OPERATOR(pg_catalog.=) c.owner
  JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) w.reader
 WHERE EXISTS (SELECT FROM whole s WHERE s.schema OPERATOR(pg_catalog.=) w.schema AND s.reader OPERATOR(pg_catalog.=) w.reader
                  AND s.privilege OPERATOR(pg_catalog.=) 'SELECT')
   AND NOT EXISTS (SELECT FROM promised p
                    WHERE p.creator OPERATOR(pg_catalog.=) c.owner AND p.reader OPERATOR(pg_catalog.=) w.reader
                      AND p.privilege OPERATOR(pg_catalog.=) w.privilege
                      AND (p.schema OPERATOR(pg_catalog.=) w.schema OR p.schema OPERATOR(pg_catalog.=) 0::pg_catalog.oid))
 GROUP BY n.nspname, o.rolname, r.rolname";
