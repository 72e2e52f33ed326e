//! Rows of `credentials.secret`: envelopes only.

use crate::error::Result;
use crate::pg::value::at;
use crate::pg::{spi, time, Oid};

/// The number of the next envelope; part of what it is bound to, so it is drawn before sealing.
pub(super) fn next_id() -> Result<i64> {
    spi::number(
        "SELECT pg_catalog.nextval('credentials.secret_id_seq'::pg_catalog.regclass)",
        &[],
    )
}

pub(super) fn insert(id: i64, role: Oid, envelope: Vec<u8>) -> Result<()> {
    spi::run(
        "INSERT INTO credentials.secret (id, role, sealed, made_at)
         OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4)",
        &[id.into(), role.into(), envelope.into(), at(time::now())],
    )?;
    Ok(())
}

pub(super) fn envelope(id: i64, role: Oid) -> Result<Option<Vec<u8>>> {
    spi::row(
        "SELECT s.sealed FROM credentials.secret s
          WHERE s.id OPERATOR(pg_catalog.=) $1 AND s.role OPERATOR(pg_catalog.=) $2",
        &[id.into(), role.into()],
    )?
    .map(|row| row.bytes(0))
    .transpose()
}

/// Every envelope of a role with its number, oldest first.
pub(super) fn envelopes(role: Oid) -> Result<Vec<(i64, Vec<u8>)>> {
    spi::query(
        "SELECT s.id, s.sealed FROM credentials.secret s
          WHERE s.role OPERATOR(pg_catalog.=) $1
          ORDER BY s.id USING OPERATOR(pg_catalog.<)",
        &[role.into()],
    )?
    .iter()
    .map(|row| Ok((row.int8(0)?, row.bytes(1)?)))
    .collect()
}

pub(super) fn replace(id: i64, envelope: Vec<u8>) -> Result<()> {
    spi::run(
        "UPDATE credentials.secret s SET sealed = $2 WHERE s.id OPERATOR(pg_catalog.=) $1",
        &[id.into(), envelope.into()],
    )?;
    Ok(())
}

pub(super) fn delete_others(role: Oid, keep: &[i64]) -> Result<()> {
    let keep: Vec<String> = keep.iter().map(ToString::to_string).collect();
    spi::run(
        "DELETE FROM credentials.secret s
          WHERE s.role OPERATOR(pg_catalog.=) $1
            AND NOT s.id OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.int8[])",
        &[role.into(), keep.into()],
    )?;
    Ok(())
}
