//! Rows of `credentials.flat`: how far each flat role is, and what it takes to go back.

use super::stage::Stage;
use crate::error::{Kind, Result};
use crate::pg::spi;
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
    Ok(Some(Record {
        stage: Stage::parse(&row.text(0)?).ok_or_else(unknown)?,
        made: kept
            .get("made")
            .and_then(Json::as_array)
            .map_or_else(Vec::new, |list| list.iter().filter_map(number).collect()),
        owners: kept
            .get("owners")
            .and_then(Json::as_object)
            .map_or_else(BTreeMap::new, owners),
    }))
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
    let made: Vec<u32> = record.made.iter().map(|role| role.to_u32()).collect();
    let owners: Map<String, Json> = record
        .owners
        .iter()
        .map(|(group, owner)| (group.to_string(), json!(owner.to_u32())))
        .collect();
    spi::run(
        "INSERT INTO credentials.flat (role, role_name, stage, kept, changed_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (role) DO UPDATE
            SET role_name = EXCLUDED.role_name, stage = EXCLUDED.stage, kept = EXCLUDED.kept,
                changed_at = EXCLUDED.changed_at",
        &[
            role.into(),
            role_name.into(),
            record.stage.as_str().into(),
            json!({"made": made, "owners": owners}).into(),
            crate::pg::value::at(time::now()),
        ],
    )?;
    Ok(())
}

/// Whether a role has by itself what the roles have that it is a member of.
pub(super) fn inherits(role: Oid) -> Result<bool> {
    Ok(spi::row(
        "SELECT 1 FROM pg_catalog.pg_authid r WHERE r.oid OPERATOR(pg_catalog.=) $1 AND r.rolinherit",
        &[role.into()],
    )?
    .is_some())
}
