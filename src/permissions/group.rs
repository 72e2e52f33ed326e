//! Rows of `credentials.access_group`.

use super::preset::GroupKind;
use super::scope::EVERY;
use crate::core::quote;
use crate::error::{Kind, Result};
use crate::pg::spi::{self, Row};
use crate::pg::value::Value;
use crate::pg::{database, ident, row, time, Oid};

/// The scope of groups that hold rights on every schema.
pub const EVERY_SCHEMA: Oid = Oid::INVALID;

/// A managed group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its role: its identity.
    pub role: Oid,
    /// The role's name when it was last seen.
    pub role_name: String,
    /// What it is for.
    pub kind: GroupKind,
    /// The schema that its rights are on, or [`EVERY_SCHEMA`].
    pub scope: Oid,
    /// The schema's name when it was last seen; `*` for every schema.
    pub scope_name: String,
}

impl Group {
    /// Whether the role still is the one that was pinned: OID and name agree.
    pub fn is_bound(&self) -> bool {
        ident::role_name(self.role).as_deref() == Some(self.role_name.as_str())
    }

    /// What its scope is called now; as it was last seen where the schema is gone. A schema that was given the
    /// name `*` is told in quotes, since that word means every schema.
    pub fn scope_now(&self) -> String {
        let name = match self.scope {
            EVERY_SCHEMA => return self.scope_name.clone(),
            schema => ident::schema_name(schema).unwrap_or_else(|| self.scope_name.clone()),
        };
        match name == EVERY {
            true => quote::ident(&name),
            false => name,
        }
    }
}

fn read(row: &Row) -> Result<Group> {
    let kind = row.text(2)?;
    Ok(Group {
        role: row.oid(0)?,
        role_name: row.text(1)?,
        kind: GroupKind::parse(&kind)
            .ok_or_else(|| Kind::Internal.error("a group of an unknown kind"))?,
        scope: row.oid(3)?,
        scope_name: row.text(4)?,
    })
}

/// Every group, by scope and kind.
pub fn all() -> Result<Vec<Group>> {
    spi::query(
        "SELECT g.role, g.role_name, g.kind, g.scope, g.scope_name
           FROM credentials.access_group g
          ORDER BY g.scope USING OPERATOR(pg_catalog.<), g.kind USING OPERATOR(pg_catalog.<)",
        &[],
    )?
    .iter()
    .map(read)
    .collect()
}

/// The groups that hold rights on what is in a schema: the schema's own, and those of every schema.
pub fn on_schema(schema: Oid) -> Result<Vec<Group>> {
    spi::query(
        "SELECT g.role, g.role_name, g.kind, g.scope, g.scope_name
           FROM credentials.access_group g
          WHERE g.scope OPERATOR(pg_catalog.=) $1 OR g.scope OPERATOR(pg_catalog.=) $2",
        &[schema.into(), EVERY_SCHEMA.into()],
    )?
    .iter()
    .map(read)
    .collect()
}

/// The group of a scope and kind.
pub fn find(scope: Oid, kind: GroupKind) -> Result<Option<Group>> {
    one(&[("scope", scope.into()), ("kind", kind.as_str().into())])
}

/// The group of a role.
pub fn by_role(role: Oid) -> Result<Option<Group>> {
    one(&[("role", role.into())])
}

fn one(key: &[(&str, Value)]) -> Result<Option<Group>> {
    let columns = ["role", "role_name", "kind", "scope", "scope_name"];
    row::find("access_group", key, &columns)?
        .as_ref()
        .map(read)
        .transpose()
}

/// The groups that own schemas which are there, and whose roles are theirs still: schema and role.
pub fn owners() -> Result<Vec<(Oid, Oid)>> {
    spi::query(
        "SELECT g.scope, g.role FROM credentials.access_group g
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) g.role
            AND r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) g.role_name AND NOT r.rolsuper
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) g.scope
          WHERE g.kind OPERATOR(pg_catalog.=) 'owner'
          ORDER BY g.scope",
        &[],
    )?
    .iter()
    .map(|row| Ok((row.oid(0)?, row.oid(1)?)))
    .collect()
}

/// Groups of schemas that are gone: whoever had them has nothing by them.
pub fn left_behind() -> Result<Vec<Group>> {
    spi::query(
        "SELECT g.role, g.role_name, g.kind, g.scope, g.scope_name
           FROM credentials.access_group g
          WHERE g.scope OPERATOR(pg_catalog.<>) $1
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid OPERATOR(pg_catalog.=) g.scope)",
        &[EVERY_SCHEMA.into()],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Whether a role stands for nothing more: it owns and holds nothing in any database, and is a member of nothing.
/// From PostgreSQL 16 on its own members are among the dependencies, and do not count.
pub fn is_idle(role: Oid) -> Result<bool> {
    let uses = spi::number(
        "SELECT (SELECT pg_catalog.count(*) FROM pg_catalog.pg_shdepend s
                  WHERE s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
                    AND s.refobjid OPERATOR(pg_catalog.=) $1
                    AND s.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_auth_members'::pg_catalog.regclass)
                OPERATOR(pg_catalog.+)
                (SELECT pg_catalog.count(*) FROM pg_catalog.pg_auth_members m
                  WHERE m.member OPERATOR(pg_catalog.=) $1 OR m.grantor OPERATOR(pg_catalog.=) $1)",
        &[role.into()],
    )?;
    Ok(uses == 0)
}

/// A group is no longer one of ours; its role stays as it is.
pub fn delete(role: Oid) -> Result<()> {
    spi::run(
        "DELETE FROM credentials.access_group g WHERE g.role OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?;
    Ok(())
}

/// Binds the groups to what they are in this cluster, where OIDs of schemas may be others: a group whose role
/// no longer is the one it was is no longer ours, and neither is one whose schema cannot be told.
///
/// A schema's name alone does not tell: another may have been given it. The group's role is to have USAGE on
/// the schema, or to own it.
pub fn rebind() -> Result<()> {
    spi::run(
        "DELETE FROM credentials.access_group g
          WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_authid r
                             WHERE r.oid OPERATOR(pg_catalog.=) g.role
                               AND r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) g.role_name)",
        &[],
    )?;
    // Away first, since one group's new number may be another's old one.
    let groups: Vec<Group> = all()?
        .into_iter()
        .filter(|g| g.scope != EVERY_SCHEMA)
        .collect();
    for group in &groups {
        delete(group.role)?;
    }
    for group in groups {
        let Some((schema, name)) = home(&group)? else {
            continue;
        };
        // Of two that say they are of one schema the first has it.
        if find(schema, group.kind)?.is_none() {
            insert(&Group {
                scope: schema,
                scope_name: name,
                ..group
            })?;
        }
    }
    Ok(())
}

/// The schema that a group has its rights on, told by the rights: of several the one it is named for.
fn home(group: &Group) -> Result<Option<(Oid, String)>> {
    let schemas: Vec<(Oid, String)> = spi::query(
        "SELECT n.oid, n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace n
          WHERE CASE WHEN $2 OPERATOR(pg_catalog.=) 'owner' THEN n.nspowner OPERATOR(pg_catalog.=) $1
                     ELSE EXISTS (SELECT FROM pg_catalog.aclexplode(n.nspacl) a
                                   WHERE a.grantee OPERATOR(pg_catalog.=) $1
                                     AND a.privilege_type OPERATOR(pg_catalog.=) 'USAGE') END
          ORDER BY n.oid",
        &[group.role.into(), group.kind.as_str().into()],
    )?
    .iter()
    .map(|row| Ok((row.oid(0)?, row.text(1)?)))
    .collect::<Result<_>>()?;
    let named = schemas.iter().find(|(_, name)| *name == group.scope_name);
    Ok(match (named, schemas.as_slice()) {
        (Some(named), _) => Some(named.clone()),
        (None, [only]) => Some(only.clone()),
        _ => None,
    })
}

/// Writes a group down.
pub fn insert(group: &Group) -> Result<()> {
    spi::run(
        "INSERT INTO credentials.access_group (role, role_name, kind, scope, scope_name, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            group.role.into(),
            group.role_name.as_str().into(),
            group.kind.as_str().into(),
            group.scope.into(),
            group.scope_name.as_str().into(),
            crate::pg::value::at(time::now()),
        ],
    )?;
    Ok(())
}

/// A schema that groups are of is seen with this name.
pub fn set_scope_name(schema: Oid, name: &str) -> Result<()> {
    spi::run(
        "UPDATE credentials.access_group g SET scope_name = $2
          WHERE g.scope OPERATOR(pg_catalog.=) $1 AND g.scope_name OPERATOR(pg_catalog.<>) $2",
        &[schema.into(), name.into()],
    )?;
    Ok(())
}

/// The groups of a schema and of every schema, where the rows are bound to this cluster and database: none in
/// a copy, and none after pg_upgrade until the worker has bound the rows anew, since a schema's number may be
/// another's there. One statement, because every CREATE asks.
pub fn in_force_on(schema: Oid) -> Result<Vec<Group>> {
    spi::query(
        "SELECT g.role, g.role_name, g.kind, g.scope, g.scope_name
           FROM credentials.access_group g, credentials.installation i
          WHERE (g.scope OPERATOR(pg_catalog.=) $1 OR g.scope OPERATOR(pg_catalog.=) $2)
            AND i.system_identifier OPERATOR(pg_catalog.=) $3 AND i.database OPERATOR(pg_catalog.=) $4",
        &[
            schema.into(),
            EVERY_SCHEMA.into(),
            database::system_identifier().cast_signed().into(),
            database::current().into(),
        ],
    )?
    .iter()
    .map(read)
    .filter(|group| group.as_ref().map_or(true, Group::is_bound))
    .collect()
}
