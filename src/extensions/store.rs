//! Catalog facts about extensions and the schemas that they go into.

use super::rule::{Asker, Version};
use crate::error::{Kind, Result};
use crate::pg::authority::Caller;
use crate::pg::{database, spi, Oid};

/// An extension that is installed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Installed {
    pub(super) version: String,
    pub(super) schema: String,
    pub(super) schema_oid: Oid,
}

pub(super) fn installed(extension: &str) -> Result<Option<Installed>> {
    spi::row(
        "SELECT e.extversion, n.nspname::pg_catalog.text, n.oid
           FROM pg_catalog.pg_extension e
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
          WHERE e.extname OPERATOR(pg_catalog.=) $1",
        &[extension.into()],
    )?
    .map(|row| {
        Ok(Installed {
            version: row.text(0)?,
            schema: row.text(1)?,
            schema_oid: row.oid(2)?,
        })
    })
    .transpose()
}

/// Every version that can be installed, as the control files in the server's own folder say.
pub(super) fn versions(extension: &str) -> Result<Vec<Version>> {
    spi::query(
        "SELECT v.version, v.superuser, v.trusted, v.schema::pg_catalog.text,
                COALESCE(v.requires::pg_catalog.text[], '{}')
           FROM pg_catalog.pg_available_extension_versions() v
          WHERE v.name OPERATOR(pg_catalog.=) $1",
        &[extension.into()],
    )?
    .iter()
    .map(|row| {
        Ok(Version {
            version: row.text(0)?,
            superuser: row.bool(1)?,
            trusted: row.bool(2)?,
            schema: row.maybe_text(3)?,
            requires: row.texts(4)?,
        })
    })
    .collect()
}

pub(super) fn default_version(extension: &str) -> Result<Option<String>> {
    let row = spi::row(
        "SELECT v.default_version FROM pg_catalog.pg_available_extensions() v
          WHERE v.name OPERATOR(pg_catalog.=) $1",
        &[extension.into()],
    )?;
    Ok(match row {
        Some(row) => row.maybe_text(0)?,
        None => None,
    })
}

pub(super) fn asker(caller: &Caller) -> Result<Asker> {
    let row = spi::row(
        "SELECT pg_catalog.has_database_privilege($1, $2, 'CREATE')",
        &[caller.effective.into(), database::current().into()],
    )?;
    Ok(Asker {
        superuser: caller.is_superuser(),
        may_create: row
            .ok_or_else(|| Kind::Internal.error("a question without an answer"))?
            .bool(0)?,
    })
}

/// Whether a schema is the superusers' alone: theirs, nobody else may create in it, and nothing in it
/// is anybody else's. What a script calls in such a schema no user has put there. An extension itself may
/// be a user's: what a trusted one is made of is not.
pub(super) fn is_superusers_alone(schema: Oid) -> Result<bool> {
    spi::row(
        "SELECT o.rolsuper
            AND NOT EXISTS (
                SELECT FROM pg_catalog.aclexplode(COALESCE(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
                  LEFT JOIN pg_catalog.pg_authid g ON g.oid OPERATOR(pg_catalog.=) a.grantee
                 WHERE a.privilege_type OPERATOR(pg_catalog.=) 'CREATE' AND g.rolsuper IS NOT TRUE)
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_depend d
                  JOIN pg_catalog.pg_shdepend s ON s.classid OPERATOR(pg_catalog.=) d.classid
                   AND s.objid OPERATOR(pg_catalog.=) d.objid AND s.objsubid OPERATOR(pg_catalog.=) 0
                   AND s.dbid OPERATOR(pg_catalog.=) $2 AND s.deptype OPERATOR(pg_catalog.=) 'o'
                  LEFT JOIN pg_catalog.pg_authid w ON w.oid OPERATOR(pg_catalog.=) s.refobjid
                 WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
                   AND d.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_extension'::pg_catalog.regclass
                   AND d.refobjid OPERATOR(pg_catalog.=) n.oid AND w.rolsuper IS NOT TRUE)
           FROM pg_catalog.pg_namespace n
           JOIN pg_catalog.pg_authid o ON o.oid OPERATOR(pg_catalog.=) n.nspowner
          WHERE n.oid OPERATOR(pg_catalog.=) $1",
        &[schema.into(), database::current().into()],
    )?
    .map_or(Ok(false), |row| row.bool(0))
}

/// An event trigger that would run what is not a superuser's own, in the middle of a script.
pub(super) fn foreign_event_trigger() -> Result<Option<String>> {
    spi::row(
        "SELECT e.evtname::pg_catalog.text FROM pg_catalog.pg_event_trigger e
           LEFT JOIN pg_catalog.pg_authid o ON o.oid OPERATOR(pg_catalog.=) e.evtowner
           LEFT JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) e.evtfoid
           LEFT JOIN pg_catalog.pg_authid f ON f.oid OPERATOR(pg_catalog.=) p.proowner
          WHERE e.evtenabled OPERATOR(pg_catalog.<>) 'D'
            AND (o.rolsuper IS NOT TRUE OR f.rolsuper IS NOT TRUE)
          ORDER BY e.evtname USING OPERATOR(pg_catalog.<) LIMIT 1",
        &[],
    )?
    .map(|row| row.text(0))
    .transpose()
}

/// Whether the session has temporary tables or types, which a script would find by their bare names.
pub(super) fn has_temporary_objects() -> Result<bool> {
    spi::row(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c
                         WHERE c.relnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema())
             OR EXISTS (SELECT FROM pg_catalog.pg_type t
                         WHERE t.typnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema())",
        &[],
    )?
    .map_or(Ok(false), |row| row.bool(0))
}
