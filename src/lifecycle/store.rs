//! Catalog facts that the life of a credential asks for.

use crate::error::Result;
use crate::pg::spi::{self, Row};
use crate::pg::Oid;
use serde_json::Value as Json;

/// Whether a role has CONNECT on a database by name.
pub(super) fn has_connect_by_name(role: Oid, database: Oid) -> Result<bool> {
    Ok(spi::row(
        "SELECT 1 FROM pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a
          WHERE d.oid OPERATOR(pg_catalog.=) $2 AND a.grantee OPERATOR(pg_catalog.=) $1
            AND a.privilege_type OPERATOR(pg_catalog.=) 'CONNECT' LIMIT 1",
        &[role.into(), database.into()],
    )?
    .is_some())
}

/// A role's settings in a database, as a JSON object.
pub(super) fn role_settings(role: Oid, database: Oid) -> Result<Json> {
    let rows: Vec<Row> = spi::query(
        "SELECT pg_catalog.unnest(s.setconfig) FROM pg_catalog.pg_db_role_setting s
          WHERE s.setrole OPERATOR(pg_catalog.=) $1 AND s.setdatabase OPERATOR(pg_catalog.=) $2",
        &[role.into(), database.into()],
    )?;
    let mut map = serde_json::Map::new();
    for row in rows {
        let entry = row.text(0)?;
        if let Some((name, value)) = entry.split_once('=') {
            map.insert(name.to_owned(), Json::String(value.to_owned()));
        }
    }
    Ok(Json::Object(map))
}

/// Who may set a setting (`pg_settings.context`); nothing where there is none of the name.
pub(super) fn setting_context(name: &str) -> Result<Option<String>> {
    spi::row(
        "SELECT s.context FROM pg_catalog.pg_show_all_settings() s
          WHERE pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) pg_catalog.lower($1)",
        &[name.into()],
    )?
    .map(|row| row.text(0))
    .transpose()
}

/// How many objects a role owns and how many rights it holds, in all databases; memberships, which are
/// dependencies from PostgreSQL 16 on, are no rights on an object.
pub(super) fn holdings(role: Oid) -> Result<(i64, i64)> {
    let row = spi::row(
        "SELECT pg_catalog.count(*) FILTER (WHERE s.deptype OPERATOR(pg_catalog.=) 'o'),
                pg_catalog.count(*) FILTER (WHERE s.deptype OPERATOR(pg_catalog.<>) 'o')
           FROM pg_catalog.pg_shdepend s
          WHERE s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
            AND s.refobjid OPERATOR(pg_catalog.=) $1
            AND s.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_auth_members'::pg_catalog.regclass",
        &[role.into()],
    )?;
    match row {
        Some(row) => Ok((row.int8(0)?, row.int8(1)?)),
        None => Ok((0, 0)),
    }
}
