//! Rows of `credentials.flat`: how far each flat role is, and what it takes to go back.

use super::stage::Stage;
use super::taken::Taken;
use crate::error::{Kind, Result};
use crate::pg::spi;
use crate::pg::value::Time;
use crate::pg::{time, Oid};
use serde_json::{json, Map, Value as Json};
use std::collections::BTreeMap;

/// How far a flat role is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The stage that was applied last.
    pub stage: Stage,
    /// The roles of credentials that were made on the way: these alone are closed and emptied on the way back.
    pub made: Vec<Oid>,
    /// The former owner of the schema of each owning group that took one over, by the group's OID.
    pub owners: BTreeMap<u32, Oid>,
    /// The groups of the spec's schemas, by which those schemas are known again.
    pub groups: Vec<Oid>,
    /// Since when it is observed: what was seen before is of another observation.
    pub since: Option<Time>,
    /// What retiring took.
    pub taken: Taken,
}

/// The record of a role that still bears the name it was recorded with.
pub(super) fn find(role: Oid, role_name: &str) -> Result<Option<Record>> {
    let Some(row) = spi::row(
        "SELECT f.stage, f.kept FROM credentials.flat f
          WHERE f.role OPERATOR(pg_catalog.=) $1 AND f.role_name OPERATOR(pg_catalog.=) $2",
        &[role.into(), role_name.into()],
    )?
    else {
        return Ok(None);
    };
    let unknown = || Kind::Internal.error("a flat role at an unknown stage");
    let kept = row.json(1)?;
    let roles = |key: &str| {
        let list = kept.get(key).and_then(Json::as_array);
        list.map_or_else(Vec::new, |list| list.iter().filter_map(number).collect())
    };
    Ok(Some(Record {
        stage: Stage::parse(&row.text(0)?).ok_or_else(unknown)?,
        made: roles("made"),
        groups: roles("groups"),
        since: kept.get("since").and_then(Json::as_i64),
        taken: kept
            .get("taken")
            .map_or_else(Taken::default, |taken| Taken::of(taken, role)),
        owners: kept
            .get("owners")
            .and_then(Json::as_object)
            .map_or_else(BTreeMap::new, owners),
    }))
}

/// The records of all roles that still bear the name they were recorded with.
pub(super) fn all() -> Result<Vec<(Oid, String, Record)>> {
    let rows = spi::query(
        "SELECT f.role, f.role_name FROM credentials.flat f
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) f.role
            AND r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) f.role_name
          ORDER BY f.role",
        &[],
    )?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let (role, name) = (row.oid(0)?, row.text(1)?);
        if let Some(record) = find(role, &name)? {
            all.push((role, name, record));
        }
    }
    Ok(all)
}

/// Whether a role may make temporary tables in a database.
pub(super) fn makes_temporary(role: Oid, database: Oid) -> Result<bool> {
    Ok(spi::row(
        "SELECT 1 WHERE pg_catalog.has_database_privilege($1, $2, 'TEMPORARY')",
        &[role.into(), database.into()],
    )?
    .is_some())
}

fn owners(map: &Map<String, Json>) -> BTreeMap<u32, Oid> {
    let pair = |(group, owner): (&String, &Json)| Some((group.parse().ok()?, number(owner)?));
    map.iter().filter_map(pair).collect()
}

fn number(value: &Json) -> Option<Oid> {
    let number = u32::try_from(value.as_u64()?).ok()?;
    Some(Oid::from(number))
}

/// Writes a record down; those of roles that are gone go.
pub(super) fn put(role: Oid, role_name: &str, record: &Record) -> Result<()> {
    spi::run(
        "DELETE FROM credentials.flat f
          WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_authid r WHERE r.oid OPERATOR(pg_catalog.=) f.role)",
        &[],
    )?;
    let numbers = |roles: &[Oid]| roles.iter().map(|role| role.to_u32()).collect::<Vec<u32>>();
    let owners: Map<String, Json> = record
        .owners
        .iter()
        .map(|(group, owner)| (group.to_string(), json!(owner.to_u32())))
        .collect();
    let mut kept = json!({
        "made": numbers(&record.made),
        "owners": owners,
        "groups": numbers(&record.groups),
    });
    if let Some(since) = record.since {
        kept["since"] = since.into();
    }
    if !record.taken.is_empty() {
        kept["taken"] = record.taken.to_json();
    }
    spi::run(
        "INSERT INTO credentials.flat (role, role_name, stage, kept, changed_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (role) DO UPDATE
            SET role_name = EXCLUDED.role_name, stage = EXCLUDED.stage, kept = EXCLUDED.kept,
                changed_at = EXCLUDED.changed_at",
        &[
            role.into(),
            role_name.into(),
            record.stage.as_str().into(),
            kept.into(),
            crate::pg::value::at(time::now()),
        ],
    )?;
    Ok(())
}

/// What decides of a role's attributes.
pub(super) struct Attributes {
    /// Whether it has by itself what the roles have that it is a member of.
    pub inherits: bool,
    /// Whether it can log in.
    pub login: bool,
}

/// The attributes of a role.
pub(super) fn attributes(role: Oid) -> Result<Attributes> {
    let row = spi::row(
        "SELECT r.rolinherit, r.rolcanlogin FROM pg_catalog.pg_authid r WHERE r.oid OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?;
    let row = row.ok_or_else(|| Kind::NotFound.error("the role was dropped meanwhile"))?;
    Ok(Attributes {
        inherits: row.bool(0)?,
        login: row.bool(1)?,
    })
}
