//! Roles, memberships, and what our own tables say of them.

use crate::error::Result;
use crate::pg::value::Time;
use crate::pg::{database, logins, session, spi, Oid};

/// What `pg_authid` says of a role, without its password.
#[derive(Clone, Debug)]
pub struct Role {
    pub oid: Oid,
    pub name: String,
    pub superuser: bool,
    pub createrole: bool,
    pub createdb: bool,
    pub replication: bool,
    pub bypassrls: bool,
    pub login: bool,
    pub inherit: bool,
    pub connection_limit: i32,
    /// Whether its password is stored as an MD5 digest.
    pub md5: bool,
    /// Whether its VALID UNTIL has passed.
    pub expired: bool,
    /// Of a credential's role, whether it may connect to this database; of others it is not asked.
    pub connects: bool,
}

/// Every role.
pub fn roles() -> Result<Vec<Role>> {
    spi::query(
        "SELECT a.oid, a.rolname, a.rolsuper, a.rolcreaterole, a.rolcreatedb, a.rolreplication,
                a.rolbypassrls, a.rolcanlogin, a.rolinherit, a.rolconnlimit,
                coalesce(pg_catalog.starts_with(a.rolpassword, 'md5'), false),
                coalesce(a.rolvaliduntil OPERATOR(pg_catalog.<) pg_catalog.clock_timestamp(), false),
                coalesce((SELECT pg_catalog.has_database_privilege(c.role, $1, 'CONNECT')
                            FROM credentials.credential c WHERE c.role OPERATOR(pg_catalog.=) a.oid), true)
           FROM pg_catalog.pg_authid a",
        &[database::current().into()],
    )?
    .iter()
    .map(|row| {
        Ok(Role {
            oid: row.oid(0)?,
            name: row.text(1)?,
            superuser: row.bool(2)?,
            createrole: row.bool(3)?,
            createdb: row.bool(4)?,
            replication: row.bool(5)?,
            bypassrls: row.bool(6)?,
            login: row.bool(7)?,
            inherit: row.bool(8)?,
            connection_limit: row.int4(9)?,
            md5: row.bool(10)?,
            expired: row.bool(11)?,
            connects: row.bool(12)?,
        })
    })
    .collect()
}

/// One role is a member of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    pub group: Oid,
    pub member: Oid,
}

/// Every membership.
pub fn memberships() -> Result<Vec<Membership>> {
    spi::query(
        "SELECT DISTINCT m.roleid, m.member FROM pg_catalog.pg_auth_members m",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(Membership {
            group: row.oid(0)?,
            member: row.oid(1)?,
        })
    })
    .collect()
}

/// Roles that a job is at work for: what they are like is about to change.
pub fn busy() -> Result<Vec<Oid>> {
    spi::query(
        "SELECT DISTINCT j.role FROM credentials.job j
          WHERE j.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'running', 'waiting', 'blocked'])",
        &[],
    )?
    .iter()
    .map(|row| row.oid(0))
    .collect()
}

/// A job that waits for a person.
pub struct Stuck {
    pub id: i64,
    pub kind: String,
    pub name: String,
    pub message: String,
}

/// Jobs that wait for a person and can be cancelled.
pub fn stuck() -> Result<Vec<Stuck>> {
    spi::query(
        "SELECT j.id, j.kind, j.name, coalesce(j.message, '') FROM credentials.job j
          WHERE j.state OPERATOR(pg_catalog.=) 'blocked'
            AND j.kind OPERATOR(pg_catalog.=) ANY (ARRAY['destroy', 'repair'])",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(Stuck {
            id: row.int8(0)?,
            kind: row.text(1)?,
            name: row.text(2)?,
            message: row.text(3)?,
        })
    })
    .collect()
}

/// When each suspended credential was closed, as the audit trail has it.
pub fn closed_since() -> Result<Vec<(Oid, Option<Time>)>> {
    spi::query(
        "SELECT c.role, pg_catalog.max(e.at)
           FROM credentials.credential c
           LEFT JOIN credentials.event e
             ON e.role OPERATOR(pg_catalog.=) c.role
            AND e.action OPERATOR(pg_catalog.=) ANY (ARRAY['create', 'adopt', 'suspend', 'cancel_job'])
          WHERE c.state OPERATOR(pg_catalog.=) 'suspended'
          GROUP BY c.role",
        &[],
    )?
    .iter()
    .map(|row| Ok((row.oid(0)?, row.maybe_time(1)?)))
    .collect()
}

/// The latest login of each role that memory knows of: of sessions that are there, and of those that
/// ended since the worker wrote down what was noted.
pub fn last_logins() -> Vec<(Oid, Time)> {
    let present = session::all().into_iter().filter(|s| s.client);
    let present = present.map(|s| (s.role, s.started));
    present.chain(logins::noted()).collect()
}

/// Whether a role owns or was granted anything but rights on databases, anywhere in the cluster. Who is a
/// member of it, or it of what, is another matter: a dependency from PostgreSQL 16 on.
pub fn has_more_than_connect(role: Oid) -> Result<bool> {
    Ok(spi::row(
        "SELECT 1 FROM pg_catalog.pg_shdepend d
          WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
            AND d.refobjid OPERATOR(pg_catalog.=) $1
            AND NOT (d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_database'::pg_catalog.regclass
                     AND d.deptype OPERATOR(pg_catalog.=) 'a')
            AND d.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_auth_members'::pg_catalog.regclass
          LIMIT 1",
        &[role.into()],
    )?
    .is_some())
}

/// Groups whose schema is gone.
pub fn stale_scopes() -> Result<Vec<Oid>> {
    spi::query(
        "SELECT g.role FROM credentials.access_group g
          WHERE g.scope OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid OPERATOR(pg_catalog.=) g.scope)",
        &[],
    )?
    .iter()
    .map(|row| row.oid(0))
    .collect()
}

/// Groups that are to own their schema and do not: the group's role and the schema's name.
pub fn not_owners() -> Result<Vec<(Oid, String)>> {
    spi::query(
        "SELECT g.role, n.nspname::pg_catalog.text FROM credentials.access_group g
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) g.scope
          WHERE g.kind OPERATOR(pg_catalog.=) 'owner' AND n.nspowner OPERATOR(pg_catalog.<>) g.role",
        &[],
    )?
    .iter()
    .map(|row| Ok((row.oid(0)?, row.text(1)?)))
    .collect()
}
