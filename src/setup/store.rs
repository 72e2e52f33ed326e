//! Catalog facts that setting up asks for.

use crate::error::Result;
use crate::pg::spi;
use crate::pg::Oid;

/// The owner of a database: its OID, name, and whether it is a superuser.
pub(super) fn database_owner(database: Oid) -> Result<Option<(Oid, String, bool)>> {
    spi::row(
        "SELECT r.oid, r.rolname::pg_catalog.text, r.rolsuper
           FROM pg_catalog.pg_database d
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) d.datdba
          WHERE d.oid OPERATOR(pg_catalog.=) $1",
        &[database.into()],
    )?
    .map(|row| Ok((row.oid(0)?, row.text(1)?, row.bool(2)?)))
    .transpose()
}

/// What PUBLIC may do on the home database and on schema public.
pub(super) fn public_rights(database: Oid) -> Result<(bool, bool)> {
    let row = spi::row(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_database d,
                          pg_catalog.aclexplode(COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
                         WHERE d.oid OPERATOR(pg_catalog.=) $1 AND a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid),
                EXISTS (SELECT FROM pg_catalog.pg_namespace n,
                          pg_catalog.aclexplode(COALESCE(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
                         WHERE n.nspname OPERATOR(pg_catalog.=) 'public'
                           AND a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid)",
        &[database.into()],
    )?;
    match row {
        Some(row) => Ok((row.bool(0)?, row.bool(1)?)),
        None => Ok((false, false)),
    }
}

/// Login roles that reach the home database through PUBLIC alone and have business there: a session,
/// or an object or a right.
pub(super) fn guests(database: Oid, default: Option<Oid>) -> Result<Vec<String>> {
    spi::query(
        "WITH RECURSIVE
           open AS (SELECT FROM pg_catalog.pg_database d,
                      pg_catalog.aclexplode(COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
                     WHERE d.oid OPERATOR(pg_catalog.=) $1 AND a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid
                       AND a.privilege_type OPERATOR(pg_catalog.=) 'CONNECT'),
           named(oid) AS (
               SELECT a.grantee FROM pg_catalog.pg_database d,
                      pg_catalog.aclexplode(COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
                WHERE d.oid OPERATOR(pg_catalog.=) $1 AND a.grantee OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
                  AND a.privilege_type OPERATOR(pg_catalog.=) 'CONNECT'
             UNION
               SELECT m.member FROM pg_catalog.pg_auth_members m
                 JOIN named n ON n.oid OPERATOR(pg_catalog.=) m.roleid)
         SELECT r.rolname::pg_catalog.text FROM pg_catalog.pg_authid r
          WHERE r.rolcanlogin AND NOT r.rolsuper AND EXISTS (SELECT FROM open)
            AND ($2 IS NULL OR r.oid OPERATOR(pg_catalog.<>) $2)
            AND NOT EXISTS (SELECT FROM named n WHERE n.oid OPERATOR(pg_catalog.=) r.oid)
            AND (EXISTS (SELECT FROM pg_catalog.pg_stat_get_activity(NULL) s
                          WHERE s.usesysid OPERATOR(pg_catalog.=) r.oid AND s.datid OPERATOR(pg_catalog.=) $1)
              OR EXISTS (SELECT FROM pg_catalog.pg_shdepend s
                          WHERE s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
                            AND s.refobjid OPERATOR(pg_catalog.=) r.oid
                            AND s.dbid OPERATOR(pg_catalog.=) $1))
          ORDER BY r.oid",
        &[database.into(), default.into()],
    )?
    .iter()
    .map(|row| row.text(0))
    .collect()
}
