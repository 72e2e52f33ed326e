//! Rows of `credentials.collaborator`, `credentials.collaborator_right` and `credentials.maker`.

use super::permission::{Permission, Permissions};
use super::Collaboration;
use crate::error::Result;
use crate::pg::spi::{self, Row};
use crate::pg::value::at;
use crate::pg::{database, ident, time, Oid};

fn read(row: &Row) -> Result<Collaboration> {
    let mut list = Vec::new();
    for (column, permission) in [
        (3, Permission::Deploy),
        (4, Permission::Operate),
        (5, Permission::Manage),
    ] {
        if row.bool(column)? {
            list.push(permission);
        }
    }
    Ok(Collaboration {
        role: row.oid(0)?,
        role_name: row.text(1)?,
        app: row.text(2)?,
        permissions: Permissions::of(&list),
    })
}

/// Everybody's permissions, by app and name.
pub fn all() -> Result<Vec<Collaboration>> {
    spi::query(
        "SELECT c.role, c.role_name, c.app, c.deploy, c.operate, c.manage FROM credentials.collaborator c
          ORDER BY c.app USING OPERATOR(pg_catalog.<), c.role_name USING OPERATOR(pg_catalog.<),
                   c.role USING OPERATOR(pg_catalog.<)",
        &[],
    )?
    .iter()
    .map(read)
    .collect()
}

/// The same, and who has EXECUTE on a function (0: PUBLIC), as of one moment.
pub(super) fn all_with_execute(function: Oid) -> Result<(Vec<Collaboration>, Vec<Oid>)> {
    let rows = spi::query(
        "SELECT c.role, c.role_name, c.app, c.deploy, c.operate, c.manage FROM credentials.collaborator c
          UNION ALL
         SELECT a.grantee, NULL, NULL, NULL, NULL, NULL FROM pg_catalog.pg_proc p,
                pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
          WHERE p.oid OPERATOR(pg_catalog.=) $1 AND a.privilege_type OPERATOR(pg_catalog.=) 'EXECUTE'",
        &[function.into()],
    )?;
    let (mut all, mut grantees) = (Vec::new(), Vec::new());
    for row in &rows {
        match row.maybe_text(1)? {
            Some(_) => all.push(read(row)?),
            None => grantees.push(row.oid(0)?),
        }
    }
    Ok((all, grantees))
}

/// Writes what a role may do with an app, over what it might before.
pub(super) fn put(collaboration: &Collaboration) -> Result<()> {
    let has = |permission| collaboration.permissions.has(permission).into();
    spi::run(
        "INSERT INTO credentials.collaborator (role, app, role_name, deploy, operate, manage, added_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (role, app) DO UPDATE
            SET role_name = EXCLUDED.role_name, deploy = EXCLUDED.deploy, operate = EXCLUDED.operate,
                manage = EXCLUDED.manage",
        &[
            collaboration.role.into(),
            collaboration.app.as_str().into(),
            collaboration.role_name.as_str().into(),
            has(Permission::Deploy),
            has(Permission::Operate),
            has(Permission::Manage),
            at(time::now()),
        ],
    )?;
    Ok(())
}

/// A role has nothing on an app any more.
pub(super) fn delete(role: Oid, app: &str) -> Result<()> {
    spi::run(
        "DELETE FROM credentials.collaborator c
          WHERE c.role OPERATOR(pg_catalog.=) $1 AND c.app OPERATOR(pg_catalog.=) $2",
        &[role.into(), app.into()],
    )?;
    Ok(())
}

/// Takes away the rows of a role: of one that is gone, its rights went with it.
pub(super) fn forget(role: Oid) -> Result<()> {
    spi::run(
        "DELETE FROM credentials.collaborator c WHERE c.role OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?;
    spi::run(
        "DELETE FROM credentials.collaborator_right r WHERE r.role OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?;
    Ok(())
}

/// Takes away the rows of roles that are gone.
pub(super) fn forget_gone() -> Result<()> {
    spi::run(
        "DELETE FROM credentials.collaborator c
          WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_authid r WHERE r.oid OPERATOR(pg_catalog.=) c.role)",
        &[],
    )?;
    spi::run(
        "DELETE FROM credentials.collaborator_right c
          WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_authid r WHERE r.oid OPERATOR(pg_catalog.=) c.role)",
        &[],
    )?;
    Ok(())
}

/// What a role was given as a collaborator: functions, `CONNECT`, `USAGE`.
pub(super) fn given(role: Oid) -> Result<Vec<String>> {
    spi::query(
        "SELECT r.function FROM credentials.collaborator_right r WHERE r.role OPERATOR(pg_catalog.=) $1
          ORDER BY r.function USING OPERATOR(pg_catalog.<)",
        &[role.into()],
    )?
    .iter()
    .map(|row| row.text(0))
    .collect()
}

/// The same for everybody.
pub(super) fn all_given() -> Result<Vec<(Oid, String)>> {
    spi::query(
        "SELECT r.role, r.function FROM credentials.collaborator_right r",
        &[],
    )?
    .iter()
    .map(|row| Ok((row.oid(0)?, row.text(1)?)))
    .collect()
}

/// A role, and all that are members of it, directly or not.
pub(super) fn members(role: Oid) -> Result<Vec<Oid>> {
    spi::query(
        "WITH RECURSIVE below(oid) AS (
             SELECT $1
           UNION
             SELECT m.member FROM pg_catalog.pg_auth_members m
               JOIN below b ON m.roleid OPERATOR(pg_catalog.=) b.oid)
         SELECT b.oid FROM below b",
        &[role.into()],
    )?
    .iter()
    .map(|row| row.oid(0))
    .collect()
}

/// Roles that were given something as collaborators.
pub(super) fn endowed() -> Result<Vec<Oid>> {
    spi::query(
        "SELECT r.role FROM credentials.collaborator_right r
          UNION SELECT c.role FROM credentials.collaborator c ORDER BY 1",
        &[],
    )?
    .iter()
    .map(|row| row.oid(0))
    .collect()
}

/// A role was given something.
pub(super) fn note_given(role: Oid, function: &str) -> Result<()> {
    spi::run(
        "INSERT INTO credentials.collaborator_right (role, function) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        &[role.into(), function.into()],
    )?;
    Ok(())
}

/// It was taken again.
pub(super) fn note_taken(role: Oid, function: &str) -> Result<()> {
    spi::run(
        "DELETE FROM credentials.collaborator_right r
          WHERE r.role OPERATOR(pg_catalog.=) $1 AND r.function OPERATOR(pg_catalog.=) $2",
        &[role.into(), function.into()],
    )?;
    Ok(())
}

/// Processes that have the lock on one of our tables, and on nothing in it.
pub(super) fn lock_holders(table: &str) -> Result<Vec<i32>> {
    let Some(table) = ident::own_relation(table) else {
        return Ok(Vec::new());
    };
    spi::query(
        "SELECT l.pid FROM pg_catalog.pg_lock_status() l
          WHERE l.locktype OPERATOR(pg_catalog.=) 'object' AND l.granted AND l.pid IS NOT NULL
            AND l.classid OPERATOR(pg_catalog.=) $2
            AND l.objid OPERATOR(pg_catalog.=) 0::pg_catalog.oid AND l.database OPERATOR(pg_catalog.=) $1",
        &[database::current().into(), table.into()],
    )?
    .iter()
    .map(|row| row.int4(0))
    .collect()
}

/// Our functions: name and OID.
pub(super) fn functions() -> Result<Vec<(String, Oid)>> {
    spi::query(
        "SELECT p.proname::pg_catalog.text, p.oid FROM pg_catalog.pg_proc p
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
          WHERE n.nspname OPERATOR(pg_catalog.=) 'credentials'
          ORDER BY p.oid",
        &[],
    )?
    .iter()
    .map(|row| Ok((row.text(0)?, row.oid(1)?)))
    .collect()
}

/// The collaborator who made the credential of a role, where he still is who he was.
pub(super) fn maker(role: Oid) -> Result<Option<Oid>> {
    spi::row(
        "SELECT m.maker FROM credentials.maker m
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) m.maker
            AND r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) m.maker_name
          WHERE m.role OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?
    .map(|row| row.oid(0))
    .transpose()
}

/// A collaborator made the credential of a role.
pub(super) fn note_made(role: Oid, maker: Oid, maker_name: &str) -> Result<()> {
    spi::run(
        "INSERT INTO credentials.maker (role, maker, maker_name) VALUES ($1, $2, $3)
             ON CONFLICT (role) DO UPDATE SET maker = EXCLUDED.maker, maker_name = EXCLUDED.maker_name",
        &[role.into(), maker.into(), maker_name.into()],
    )?;
    Ok(())
}

/// The role is no credential any more.
pub(super) fn forget_maker(role: Oid) -> Result<()> {
    spi::run(
        "DELETE FROM credentials.maker m WHERE m.role OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?;
    Ok(())
}
