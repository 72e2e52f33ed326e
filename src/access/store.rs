//! Memberships, read upwards.

use crate::error::Result;
use crate::pg::{role, spi, Oid};

/// A superuser that the role is a member of, directly or not, other than through `but_through`.
pub(super) fn superuser_above(role: Oid, but_through: Option<Oid>) -> Result<Option<String>> {
    if role::is_alone(role) {
        return Ok(None);
    }
    spi::row(
        "WITH RECURSIVE above(oid) AS (
             SELECT m.roleid FROM pg_catalog.pg_auth_members m
              WHERE m.member OPERATOR(pg_catalog.=) $1 AND m.roleid OPERATOR(pg_catalog.<>) $2
           UNION
             SELECT m.roleid FROM pg_catalog.pg_auth_members m
               JOIN above a ON m.member OPERATOR(pg_catalog.=) a.oid
              WHERE m.roleid OPERATOR(pg_catalog.<>) $2)
         SELECT r.rolname FROM pg_catalog.pg_authid r
           JOIN above a ON a.oid OPERATOR(pg_catalog.=) r.oid
          WHERE r.rolsuper LIMIT 1",
        &[role.into(), but_through.unwrap_or(Oid::INVALID).into()],
    )?
    .map(|row| row.text(0))
    .transpose()
}

/// A predefined role that reads or writes files, programs or all data, which the role is a member of.
/// Those that a server's version does not know are simply not found.
pub(super) fn reach_above(role: Oid) -> Result<Option<String>> {
    if role::is_alone(role) {
        return Ok(None);
    }
    spi::row(
        "WITH RECURSIVE above(oid) AS (
             SELECT m.roleid FROM pg_catalog.pg_auth_members m WHERE m.member OPERATOR(pg_catalog.=) $1
           UNION
             SELECT m.roleid FROM pg_catalog.pg_auth_members m
               JOIN above a ON m.member OPERATOR(pg_catalog.=) a.oid)
         SELECT r.rolname FROM pg_catalog.pg_authid r
           JOIN above a ON a.oid OPERATOR(pg_catalog.=) r.oid
          WHERE r.rolname OPERATOR(pg_catalog.=) ANY (ARRAY['pg_read_server_files',
                'pg_write_server_files', 'pg_execute_server_program', 'pg_read_all_data',
                'pg_write_all_data']::pg_catalog.name[])
          ORDER BY r.oid LIMIT 1",
        &[role.into()],
    )?
    .map(|row| row.text(0))
    .transpose()
}

/// Whether a role is a member of another, directly or not.
pub fn is_member(role: Oid, group: Oid) -> Result<bool> {
    Ok(spi::row(
        "WITH RECURSIVE above(oid) AS (
             SELECT m.roleid FROM pg_catalog.pg_auth_members m WHERE m.member OPERATOR(pg_catalog.=) $1
           UNION
             SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN above a ON m.member OPERATOR(pg_catalog.=) a.oid)
         SELECT 1 FROM above a WHERE a.oid OPERATOR(pg_catalog.=) $2 LIMIT 1",
        &[role.into(), group.into()],
    )?
    .is_some())
}
