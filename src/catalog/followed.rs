//! What a follower reads of the credentials and their twins.

use super::{Phase, State};
use crate::error::{Kind, Result};
use crate::pg::spi::{self, Row};
use crate::pg::value::Time;
use crate::pg::Oid;

/// One credential as a follower sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// OID of the credential's role.
    pub role: Oid,
    /// How often the sessions of an older password were cut.
    pub cuts: i64,
    /// Its state.
    pub state: State,
    /// The transaction that wrote the row.
    pub xmin: u32,
    /// Its twin.
    pub twin: Option<FollowedTwin>,
}

/// A rotating twin as a follower sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedTwin {
    /// OID of the twin.
    pub role: Oid,
    /// How far the rotation is.
    pub phase: Phase,
    /// Whether the twin was there before this rotation.
    pub renewed: bool,
    /// When the rotation was ordered, by the primary's clock.
    pub begun_at: Time,
    /// The transaction that wrote the row.
    pub xmin: u32,
}

/// Every credential with its twin, in one snapshot.
pub fn followed() -> Result<Vec<Followed>> {
    spi::query(
        "SELECT c.role, c.cuts, c.state, c.xmin::pg_catalog.text::pg_catalog.int8,
                t.twin, t.phase, t.renewed, t.begun_at, t.xmin::pg_catalog.text::pg_catalog.int8
           FROM credentials.credential c
           LEFT JOIN credentials.twin t ON t.role OPERATOR(pg_catalog.=) c.role",
        &[],
    )?
    .iter()
    .map(read)
    .collect()
}

fn read(row: &Row) -> Result<Followed> {
    let unknown = |what: &str| Kind::Internal.error(format!("a {what} that is not known"));
    let number = |i| {
        let number = u32::try_from(row.int8(i)?);
        number.map_err(|_| unknown("transaction's number"))
    };
    let twin = match row.maybe_oid(4)? {
        None => None,
        Some(role) => Some(FollowedTwin {
            role,
            phase: Phase::parse(&row.text(5)?).ok_or_else(|| unknown("phase"))?,
            renewed: row.bool(6)?,
            begun_at: row.time(7)?,
            xmin: number(8)?,
        }),
    };
    Ok(Followed {
        role: row.oid(0)?,
        cuts: row.int8(1)?,
        state: State::parse(&row.text(2)?).ok_or_else(|| unknown("state"))?,
        xmin: number(3)?,
        twin,
    })
}
