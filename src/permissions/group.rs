//! Rows of `credentials.access_group`.

use super::preset::GroupKind;
use crate::error::{Kind, Result};
use crate::pg::spi::{self, Row};
use crate::pg::{ident, time, Oid};

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
    spi::row(
        "SELECT g.role, g.role_name, g.kind, g.scope, g.scope_name
           FROM credentials.access_group g
          WHERE g.scope OPERATOR(pg_catalog.=) $1 AND g.kind OPERATOR(pg_catalog.=) $2",
        &[scope.into(), kind.as_str().into()],
    )?
    .as_ref()
    .map(read)
    .transpose()
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
