//! The server's files and settings, its sessions, and rights that lie open.

use crate::error::Result;
use crate::pg::value::Value;
use crate::pg::{database, spi, Oid};

/// A session of a superuser that came over the network.
pub struct StrangeSession {
    pub pid: i32,
    pub user: String,
    pub address: String,
}

/// Sessions of superusers from other machines.
pub fn strange_sessions() -> Result<Vec<StrangeSession>> {
    spi::query(
        "SELECT s.pid, r.rolname, pg_catalog.host(s.client_addr)
           FROM pg_catalog.pg_stat_activity s
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) s.usesysid
          WHERE r.rolsuper
            AND s.backend_type OPERATOR(pg_catalog.=) 'client backend'
            AND NOT s.client_addr OPERATOR(pg_catalog.<<=) '127.0.0.0/8'::pg_catalog.inet
            AND s.client_addr OPERATOR(pg_catalog.<>) '::1'::pg_catalog.inet",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(StrangeSession {
            pid: row.int4(0)?,
            user: row.text(1)?,
            address: row.text(2)?,
        })
    })
    .collect()
}

/// A right on the home database or on a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// Nothing for the database itself.
    pub schema: Option<String>,
    /// Who grants it: the owner, or somebody with grant option.
    pub grantor: Oid,
    pub owner: Oid,
    /// The right's word.
    pub privilege: String,
}

/// What PUBLIC may do with the home database and schema public, and where else it may create.
pub fn public_rights() -> Result<Vec<Right>> {
    spi::query(
        "SELECT NULL::pg_catalog.text, a.grantor, d.datdba, a.privilege_type
           FROM pg_catalog.pg_database d,
                pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
          WHERE d.oid OPERATOR(pg_catalog.=) $1 AND a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid
         UNION ALL
         SELECT n.nspname::pg_catalog.text, a.grantor, n.nspowner, a.privilege_type
           FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
          WHERE a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid
            AND (n.nspname OPERATOR(pg_catalog.=) 'public' OR a.privilege_type OPERATOR(pg_catalog.=) 'CREATE')
            AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')",
        &[database::current().into()],
    )?
    .iter()
    .map(|row| {
        Ok(Right {
            schema: row.maybe_text(0)?,
            grantor: row.oid(1)?,
            owner: row.oid(2)?,
            privilege: row.text(3)?,
        })
    })
    .collect()
}

/// A right on something of ours that is nobody's.
pub struct Stranger {
    /// `TABLE`, `SEQUENCE`, `SCHEMA` or `FUNCTION`, as GRANT has it.
    pub kind: String,
    /// The thing, as SQL has it.
    pub object: String,
    /// Nothing for PUBLIC.
    pub grantee: Option<String>,
    pub privilege: String,
}

/// Rights on our tables, CREATE in our schema, and what PUBLIC may do with it and our functions.
pub fn strangers_at_home() -> Result<Vec<Stranger>> {
    spi::query(
        "WITH held(kind, object, grantee, privilege) AS (
           SELECT CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                  pg_catalog.format('credentials.%I', c.relname), a.grantee, a.privilege_type
             FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
            WHERE c.relnamespace OPERATOR(pg_catalog.=) 'credentials'::pg_catalog.regnamespace
              AND a.grantee OPERATOR(pg_catalog.<>) c.relowner
           UNION ALL
           SELECT 'SCHEMA', 'credentials', a.grantee, a.privilege_type
             FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
            WHERE n.nspname OPERATOR(pg_catalog.=) 'credentials' AND a.grantee OPERATOR(pg_catalog.<>) n.nspowner
              AND (a.privilege_type OPERATOR(pg_catalog.=) 'CREATE' OR a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid)
           UNION ALL
           SELECT 'FUNCTION', p.oid::pg_catalog.regprocedure::pg_catalog.text, a.grantee, a.privilege_type
             FROM pg_catalog.pg_proc p,
                  pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
            WHERE p.pronamespace OPERATOR(pg_catalog.=) 'credentials'::pg_catalog.regnamespace
              AND a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid)
         SELECT h.kind, h.object, r.rolname, h.privilege
           FROM held h LEFT JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) h.grantee
          WHERE r.rolsuper IS NOT TRUE",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(Stranger {
            kind: row.text(0)?,
            object: row.text(1)?,
            grantee: row.maybe_text(2)?,
            privilege: row.text(3)?,
        })
    })
    .collect()
}

/// An event trigger that runs what no superuser wrote.
pub struct EventTrigger {
    pub name: String,
    /// The role that is behind it, and is no superuser.
    pub author: String,
}

/// Event triggers whose owner, or whose function's owner, is no superuser: every statement of role DDL
/// that a superuser runs here runs their code.
pub fn event_triggers() -> Result<Vec<EventTrigger>> {
    spi::query(
        "SELECT e.evtname, CASE WHEN o.rolsuper THEN f.rolname ELSE o.rolname END
           FROM pg_catalog.pg_event_trigger e
           JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) e.evtfoid
           JOIN pg_catalog.pg_authid o ON o.oid OPERATOR(pg_catalog.=) e.evtowner
           JOIN pg_catalog.pg_authid f ON f.oid OPERATOR(pg_catalog.=) p.proowner
          WHERE e.evtenabled OPERATOR(pg_catalog.<>) 'D' AND NOT (o.rolsuper AND f.rolsuper)",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(EventTrigger {
            name: row.text(0)?,
            author: row.text(1)?,
        })
    })
    .collect()
}

/// A setting as the server has it, whatever a role, a database or a session says.
pub struct Setting {
    pub name: String,
    pub value: String,
}

/// The settings that are judged. Where a role, a database or the session itself has another value, the
/// files tell what the server's is.
pub fn settings() -> Result<Vec<Setting>> {
    spi::query(
        "SELECT s.name,
                CASE WHEN s.source OPERATOR(pg_catalog.=) ANY (ARRAY['default', 'configuration file', 'command line', 'environment variable'])
                     THEN s.setting
                     ELSE coalesce((SELECT f.setting FROM pg_catalog.pg_file_settings f
                                     WHERE pg_catalog.lower(f.name) OPERATOR(pg_catalog.=) s.name AND f.applied
                                     ORDER BY f.seqno USING OPERATOR(pg_catalog.>) LIMIT 1), s.boot_val, '') END
           FROM pg_catalog.pg_settings s
          WHERE s.name OPERATOR(pg_catalog.=) ANY (ARRAY['fsync', 'log_statement', 'password_encryption', 'pgaudit.log', 'max_connections', 'ssl'])",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(Setting {
            name: row.text(0)?,
            value: row.text(1)?,
        })
    })
    .collect()
}

/// One line of pg_hba.conf as the server reads it.
#[derive(Clone, Debug, Default)]
pub struct HbaRule {
    pub line: i32,
    /// Nothing where the line cannot be read.
    pub kind: Option<String>,
    pub address: Option<String>,
    pub netmask: Option<String>,
    pub method: Option<String>,
    pub error: Option<String>,
}

/// What pg_hba.conf says now, as the server would read it on its next reload.
pub fn hba_rules() -> Result<Vec<HbaRule>> {
    spi::query(
        "SELECT r.line_number, r.type, r.address, r.netmask, r.auth_method, r.error
           FROM pg_catalog.pg_hba_file_rules r WHERE r.line_number IS NOT NULL",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(HbaRule {
            line: row.int4(0)?,
            kind: row.maybe_text(1)?,
            address: row.maybe_text(2)?,
            netmask: row.maybe_text(3)?,
            method: row.maybe_text(4)?,
            error: row.maybe_text(5)?,
        })
    })
    .collect()
}

/// The path of pg_hba.conf, and its text as far as it can be read.
pub fn hba_file() -> Result<(String, String)> {
    let path = spi::row(
        "SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name OPERATOR(pg_catalog.=) 'hba_file'",
        &[],
    )?
    .map_or(Ok(String::new()), |row| row.text(0))?;
    let contents = spi::row(
        "SELECT pg_catalog.pg_read_binary_file($1, 0, 1000000, true)",
        &[Value::Text(path.clone())],
    )?;
    let bytes = contents.map_or(Ok(None), |row| row.maybe_bytes(0))?;
    let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
    Ok((path, text))
}
