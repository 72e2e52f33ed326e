//! Catalog facts about the default role's rights.

use crate::error::{Kind, Result};
use crate::pg::{self, spi, Oid};

/// What the default role has.
pub(super) struct Facts {
    pub(super) owns_database: bool,
    pub(super) uses_database: bool,
    pub(super) public_schema: Option<Oid>,
    pub(super) owns_public: bool,
    pub(super) uses_public: bool,
    pub(super) uses_credentials: bool,
    pub(super) memberships: Vec<String>,
}

pub(super) fn facts(role: Oid, database: Oid) -> Result<Facts> {
    let row = spi::row(
        "SELECT d.datdba OPERATOR(pg_catalog.=) $1,
                (SELECT pg_catalog.count(DISTINCT a.privilege_type)
                   FROM pg_catalog.aclexplode(COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
                  WHERE a.grantee OPERATOR(pg_catalog.=) $1
                    AND (a.is_grantable OR d.datdba OPERATOR(pg_catalog.=) $1)) OPERATOR(pg_catalog.=) 3,
                p.oid,
                -- Where schema public belongs to a group of its own, default has it as the group's member.
                COALESCE(p.nspowner OPERATOR(pg_catalog.=) $1
                      OR p.nspowner OPERATOR(pg_catalog.=) ANY (ARRAY(
                           SELECT g.role FROM credentials.access_group g
                            WHERE g.scope OPERATOR(pg_catalog.=) p.oid AND g.kind OPERATOR(pg_catalog.=) 'owner')), false),
                (SELECT pg_catalog.count(DISTINCT a.privilege_type)
                   FROM pg_catalog.aclexplode(COALESCE(p.nspacl, pg_catalog.acldefault('n', p.nspowner))) a
                  WHERE a.grantee OPERATOR(pg_catalog.=) $1) OPERATOR(pg_catalog.=) 2,
                EXISTS (SELECT FROM pg_catalog.pg_namespace c,
                                    pg_catalog.aclexplode(c.nspacl) a
                         WHERE c.nspname OPERATOR(pg_catalog.=) 'credentials'
                           AND a.grantee OPERATOR(pg_catalog.=) $1
                           AND a.privilege_type OPERATOR(pg_catalog.=) 'USAGE'),
                (SELECT COALESCE(pg_catalog.array_agg(g.rolname::pg_catalog.text), '{}')
                   FROM pg_catalog.pg_auth_members m
                   JOIN pg_catalog.pg_authid g ON g.oid OPERATOR(pg_catalog.=) m.roleid
                  WHERE m.member OPERATOR(pg_catalog.=) $1)
           FROM pg_catalog.pg_database d
           LEFT JOIN pg_catalog.pg_namespace p ON p.nspname OPERATOR(pg_catalog.=) 'public'
          WHERE d.oid OPERATOR(pg_catalog.=) $2",
        &[role.into(), database.into()],
    )?
    .ok_or_else(|| Kind::Internal.error("the home database is not in pg_database"))?;
    Ok(Facts {
        owns_database: row.bool(0)?,
        uses_database: row.bool(1)?,
        public_schema: row.maybe_oid(2)?,
        owns_public: row.bool(3)?,
        uses_public: row.bool(4)?,
        uses_credentials: row.bool(5)?,
        memberships: row.texts(6)?,
    })
}

pub(super) fn public_schema() -> Result<Option<Oid>> {
    spi::row(
        "SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) 'public'",
        &[],
    )?
    .map(|row| row.oid(0))
    .transpose()
}

/// Credentials whose roles are members of default's role, other than those that a superuser made so.
pub(super) fn credentials_in(default: Oid) -> Result<Vec<String>> {
    spi::query(
        "SELECT c.role_name FROM credentials.credential c
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) c.role
                AND r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) c.role_name
          WHERE EXISTS (SELECT FROM pg_catalog.pg_auth_members m
                         WHERE m.member OPERATOR(pg_catalog.=) c.role AND m.roleid OPERATOR(pg_catalog.=) $1)
            AND c.role OPERATOR(pg_catalog.<>) $1 AND NOT c.deputy
          ORDER BY c.role",
        &[default.into()],
    )?
    .iter()
    .map(|row| row.text(0))
    .collect()
}

/// Credentials whose roles are members of default's role through a group, each with that group: nobody
/// can be given ADMIN OPTION on them but by taking the group out of default's role.
pub(super) fn credentials_in_through(default: Oid) -> Result<Vec<(String, String)>> {
    spi::query(
        "WITH RECURSIVE below (member, through) AS (
           SELECT m.member, m.member FROM pg_catalog.pg_auth_members m
            WHERE m.roleid OPERATOR(pg_catalog.=) $1
              AND NOT EXISTS (SELECT FROM credentials.credential d
                               WHERE d.role OPERATOR(pg_catalog.=) m.member)
           UNION
           SELECT m.member, b.through FROM pg_catalog.pg_auth_members m
             JOIN below b ON b.member OPERATOR(pg_catalog.=) m.roleid)
         SELECT c.role_name, pg_catalog.min(g.rolname::pg_catalog.text) FROM below b
           JOIN credentials.credential c ON c.role OPERATOR(pg_catalog.=) b.member
           JOIN pg_catalog.pg_authid g ON g.oid OPERATOR(pg_catalog.=) b.through
          WHERE c.role OPERATOR(pg_catalog.<>) $1
          GROUP BY c.role, c.role_name ORDER BY c.role",
        &[default.into()],
    )?
    .iter()
    .map(|row| Ok((row.text(0)?, row.text(1)?)))
    .collect()
}

/// Credentials on which default has no ADMIN OPTION. Those that a superuser stands above, that are no longer
/// bound, or that stand in for default as its members, are left alone.
pub(super) fn credentials_without_admin(default: Oid) -> Result<Vec<String>> {
    spi::query(
        "SELECT c.role_name FROM credentials.credential c
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) c.role
                AND r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) c.role_name
          WHERE c.role OPERATOR(pg_catalog.<>) $1 AND NOT r.rolsuper
            AND c.state OPERATOR(pg_catalog.<>) 'destroying'
            AND NOT (c.deputy AND EXISTS (SELECT FROM pg_catalog.pg_auth_members d
                             WHERE d.roleid OPERATOR(pg_catalog.=) $1
                               AND d.member OPERATOR(pg_catalog.=) c.role))
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m
                             WHERE m.roleid OPERATOR(pg_catalog.=) c.role
                               AND m.member OPERATOR(pg_catalog.=) $1 AND m.admin_option)
          ORDER BY c.role",
        &[default.into()],
    )?
    .iter()
    .map(|row| row.text(0))
    .collect()
}

/// Groups on which default has no ADMIN OPTION, and which are still what they were made as: OID and name.
pub(super) fn groups_without_admin(default: Oid) -> Result<Vec<(Oid, String)>> {
    spi::query(
        "SELECT g.role, g.role_name FROM credentials.access_group g
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) g.role
                AND r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) g.role_name
          WHERE NOT r.rolsuper
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m
                             WHERE m.roleid OPERATOR(pg_catalog.=) g.role
                               AND m.member OPERATOR(pg_catalog.=) $1 AND m.admin_option)
          ORDER BY g.role",
        &[default.into()],
    )?
    .iter()
    .map(|row| Ok((row.oid(0)?, row.text(1)?)))
    .collect()
}

/// Functions of schema credentials that default may not call: name and argument types.
pub(super) fn functions_without_execute(default: Oid) -> Result<Vec<(String, Vec<Oid>)>> {
    spi::query(
        "SELECT p.proname::pg_catalog.text, p.proargtypes::pg_catalog.oid[]::pg_catalog.text[]
           FROM pg_catalog.pg_proc p
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
          WHERE n.nspname OPERATOR(pg_catalog.=) 'credentials'
            AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(
                                  COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
                             WHERE a.grantee OPERATOR(pg_catalog.=) $1
                               AND a.privilege_type OPERATOR(pg_catalog.=) 'EXECUTE')
          ORDER BY p.oid",
        &[default.into()],
    )?
    .iter()
    .map(|row| {
        let types = row.texts(1)?;
        let types: std::result::Result<Vec<u32>, _> = types.iter().map(|t| t.parse()).collect();
        let types = types.map_err(|_| Kind::Internal.error("an argument type without a number"))?;
        Ok((row.text(0)?, types.into_iter().map(pg::oid).collect()))
    })
    .collect()
}
