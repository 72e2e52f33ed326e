//! Rows of `credentials.twin`: the rotating twins, each from the rotation that made it to its drop.

use super::Credential;
use crate::error::{Kind, Result};
use crate::pg::spi::{self, Row};
use crate::pg::value::{at, maybe_at, Time, Value};
use crate::pg::{row, xact, Oid};

/// How far a rotation is, as the twin's row says; the words stand in its CHECK constraint too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Both passwords are good, each under its own name.
    Draining,
    /// The cut-over is done: the new password is good under both names.
    Lingering,
    /// The twin is closed; its sessions may finish.
    Retiring,
    /// The twin is closed, and its sessions are ended.
    Ended,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Phase; 4] = [
        Phase::Draining,
        Phase::Lingering,
        Phase::Retiring,
        Phase::Ended,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Draining => "draining",
            Phase::Lingering => "lingering",
            Phase::Retiring => "retiring",
            Phase::Ended => "ended",
        }
    }

    /// The phase of a word.
    pub fn parse(word: &str) -> Option<Phase> {
        Phase::ALL.into_iter().find(|p| p.as_str() == word)
    }

    /// Whether the twin's name logs in.
    pub fn is_open(self) -> bool {
        matches!(self, Phase::Draining | Phase::Lingering)
    }
}

/// One rotating twin.
#[derive(Clone, Debug)]
pub struct Twin {
    /// OID of the credential's role.
    pub base: Oid,
    /// OID of the twin.
    pub role: Oid,
    /// How far the rotation is.
    pub phase: Phase,
    /// Verifier that the base role had when the rotation began; nothing from the cut-over on.
    pub former: Option<String>,
    /// When the rotation was ordered.
    pub begun_at: Time,
    /// The old password stays good at least until here.
    pub overlap_until: Time,
    /// The old password goes here at the latest.
    pub deadline: Time,
    /// The session that ordered the rotation, which is not waited for: its process, and when that began.
    pub caller: Option<(i32, Time)>,
    /// Whether the twin was there before this rotation.
    pub renewed: bool,
    /// Sessions of a renewed twin that began up to here are of an older password.
    pub cut: Option<Time>,
    /// Where the write-ahead log has the twin, as the server writes a position.
    pub committed: Option<String>,
    /// The twin's name is closed here.
    pub linger_until: Option<Time>,
}

impl Twin {
    /// Whether a session of the twin that began at `started` is of an older password than the twin's.
    pub fn is_older(&self, started: Time) -> bool {
        self.renewed && self.cut.is_none_or(|cut| started <= cut)
    }
}

/// The columns of [`read`].
const COLUMNS: [&str; 13] = [
    "role",
    "twin",
    "phase",
    "former",
    "begun_at",
    "overlap_until",
    "deadline",
    "renewed",
    "twin_cut",
    "committed",
    "linger_until",
    "caller",
    "caller_began",
];

fn read(row: &Row) -> Result<Twin> {
    Ok(Twin {
        base: row.oid(0)?,
        role: row.oid(1)?,
        phase: Phase::parse(&row.text(2)?)
            .ok_or_else(|| Kind::Internal.error("a twin in an unknown phase"))?,
        former: row.maybe_text(3)?,
        begun_at: row.time(4)?,
        overlap_until: row.time(5)?,
        deadline: row.time(6)?,
        renewed: row.bool(7)?,
        cut: row.maybe_time(8)?,
        committed: row.maybe_text(9)?,
        linger_until: row.maybe_time(10)?,
        caller: row.maybe_int4(11)?.zip(row.maybe_time(12)?),
    })
}

/// Every twin.
pub fn all() -> Result<Vec<Twin>> {
    spi::query(
        "SELECT t.role, t.twin, t.phase, t.former, t.begun_at, t.overlap_until, t.deadline, t.renewed,
                t.twin_cut, t.committed::pg_catalog.text, t.linger_until, t.caller, t.caller_began
           FROM credentials.twin t ORDER BY t.role",
        &[],
    )?
    .iter()
    .map(read)
    .collect()
}

/// The twin of a credential's role, while it has one.
pub fn of(role: Oid) -> Result<Option<Twin>> {
    row::find("twin", &[("role", role.into())], &COLUMNS)?
        .as_ref()
        .map(read)
        .transpose()
}

/// Writes a rotation's row, over that of the rotation before where its twin is used again.
pub fn put(twin: &Twin) -> Result<()> {
    spi::run(
        "INSERT INTO credentials.twin
           (role, twin, phase, former, begun_at, overlap_until, deadline, renewed, caller, caller_began)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (role) DO UPDATE
            SET twin = EXCLUDED.twin, phase = EXCLUDED.phase, former = EXCLUDED.former,
                begun_at = EXCLUDED.begun_at, overlap_until = EXCLUDED.overlap_until,
                deadline = EXCLUDED.deadline, renewed = EXCLUDED.renewed, caller = EXCLUDED.caller,
                caller_began = EXCLUDED.caller_began, twin_cut = NULL, committed = NULL, linger_until = NULL",
        &[
            twin.base.into(),
            twin.role.into(),
            twin.phase.as_str().into(),
            twin.former.as_deref().into(),
            at(twin.begun_at),
            at(twin.overlap_until),
            at(twin.deadline),
            Value::Bool(twin.renewed),
            twin.caller.map(|c| c.0).into(),
            maybe_at(twin.caller.map(|c| c.1)),
        ],
    )?;
    xact::mark_pair(twin.base, Some(twin.role));
    Ok(())
}

/// How far a rotation is from now on; nobody needs the old verifier once it is over.
pub fn set_phase(base: Oid, phase: Phase, linger_until: Option<Time>) -> Result<()> {
    spi::run(
        "UPDATE credentials.twin t SET phase = $2, former = NULL, linger_until = $3
          WHERE t.role OPERATOR(pg_catalog.=) $1",
        &[base.into(), phase.as_str().into(), maybe_at(linger_until)],
    )?;
    Ok(())
}

/// Up to when sessions of a renewed twin are of an older password.
pub fn set_cut(base: Oid, cut: Time) -> Result<()> {
    spi::run(
        "UPDATE credentials.twin t SET twin_cut = $2 WHERE t.role OPERATOR(pg_catalog.=) $1",
        &[base.into(), at(cut)],
    )?;
    Ok(())
}

/// The same for the rotation that was ordered at `begun_at` from a former primary, unless a newer one has
/// begun; and where the twin was there before it.
pub fn take_over(base: Oid, begun_at: Time, cut: Time) -> Result<()> {
    spi::run(
        "UPDATE credentials.twin t SET twin_cut = $3
          WHERE t.role OPERATOR(pg_catalog.=) $1 AND t.begun_at OPERATOR(pg_catalog.=) $2 AND t.renewed",
        &[base.into(), at(begun_at), at(cut)],
    )?;
    Ok(())
}

/// No such moment lies ahead of this server's clock, as one by the clock of a former primary may.
pub fn notice_clock(now: Time) -> Result<()> {
    spi::run(
        "UPDATE credentials.twin t SET twin_cut = $1 WHERE t.twin_cut OPERATOR(pg_catalog.>) $1",
        &[at(now)],
    )?;
    Ok(())
}

/// Where the write-ahead log has the twin.
pub fn set_committed(base: Oid, position: &str) -> Result<()> {
    spi::run(
        "UPDATE credentials.twin t SET committed = $2::pg_catalog.pg_lsn
          WHERE t.role OPERATOR(pg_catalog.=) $1",
        &[base.into(), position.into()],
    )?;
    Ok(())
}

/// The twin has gone.
pub fn forget(base: Oid) -> Result<()> {
    spi::run(
        "DELETE FROM credentials.twin t WHERE t.role OPERATOR(pg_catalog.=) $1",
        &[base.into()],
    )?;
    xact::mark_pair(base, None);
    Ok(())
}

/// The credential whose twin a role is.
pub fn owner(role: Oid) -> Result<Option<Credential>> {
    let found = spi::row(
        "SELECT t.role FROM credentials.twin t WHERE t.twin OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?;
    match found {
        Some(row) => super::by_role(row.oid(0)?),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::Phase;

    #[test]
    fn every_word_reads_back_and_the_check_constraint_has_exactly_these() {
        for phase in Phase::ALL {
            assert_eq!(Phase::parse(phase.as_str()), Some(phase));
        }
        let words: Vec<String> = Phase::ALL
            .iter()
            .map(|p| format!("'{}'", p.as_str()))
            .collect();
        let tables = include_str!("../../sql/20_tables.sql");
        assert!(
            tables.contains(&format!("[{}]", words.join(", "))),
            "{words:?}"
        );
    }
}
