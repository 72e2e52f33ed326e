//! Rows of `credentials.credential`.

use super::{Credential, State};
use crate::error::{Kind, Result};
use crate::pg::spi::{self, Row};
use crate::pg::value::{at, maybe_at, Time};
use crate::pg::{row, time, xact, Oid};

fn read(row: &Row) -> Result<Credential> {
    let word = row.text(3)?;
    let lease = row.bool(5)?;
    Ok(Credential {
        role: row.oid(0)?,
        name: row.text(1)?,
        role_name: row.text(2)?,
        state: State::parse(&word)
            .ok_or_else(|| Kind::Internal.error("a credential in an unknown state"))?,
        secret: row.maybe_int8(4)?,
        lease_until: row.maybe_time(6)?.filter(|_| lease),
        created_at: row.time(7)?,
        rotated_at: row.maybe_time(8)?,
        last_login_at: row.maybe_time(9)?,
    })
}

/// The columns of [`read`].
const COLUMNS: [&str; 10] = [
    "role",
    "name",
    "role_name",
    "state",
    "secret",
    "lease",
    "valid_until",
    "created_at",
    "rotated_at",
    "last_login_at",
];

fn read_all(rows: &[Row]) -> Result<Vec<Credential>> {
    rows.iter().map(read).collect()
}

/// The credential of exactly this name.
pub(super) fn find(name: &str) -> Result<Option<Credential>> {
    row::find("credential", &[("name", name.into())], &COLUMNS)?
        .as_ref()
        .map(read)
        .transpose()
}

/// The credential whose name or whose role's name is this one but for upper and lower case.
pub fn find_folded(name: &str) -> Result<Option<Credential>> {
    spi::row(
        "SELECT c.role, c.name, c.role_name, c.state, c.secret, c.lease, c.valid_until, c.created_at,
                c.rotated_at, c.last_login_at
           FROM credentials.credential c
          WHERE pg_catalog.lower(c.name) OPERATOR(pg_catalog.=) pg_catalog.lower($1)
             OR pg_catalog.lower(c.role_name) OPERATOR(pg_catalog.=) pg_catalog.lower($1)
          ORDER BY c.role LIMIT 1",
        &[name.into()],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// The credential of a role.
pub fn by_role(role: Oid) -> Result<Option<Credential>> {
    row::find("credential", &[("role", role.into())], &COLUMNS)?
        .as_ref()
        .map(read)
        .transpose()
}

/// Every credential: default first, then by name.
pub fn all() -> Result<Vec<Credential>> {
    read_all(&spi::query(
        "SELECT c.role, c.name, c.role_name, c.state, c.secret, c.lease, c.valid_until, c.created_at,
                c.rotated_at, c.last_login_at
           FROM credentials.credential c
          ORDER BY (c.name OPERATOR(pg_catalog.=) 'default') USING OPERATOR(pg_catalog.>),
                   c.name USING OPERATOR(pg_catalog.<)",
        &[],
    )?)
}

/// How many credentials there are. To be called under the counter's lock.
pub fn count() -> Result<i64> {
    spi::number(
        "SELECT pg_catalog.count(*) FROM credentials.credential",
        &[],
    )
}

/// A new credential, as of now.
pub fn insert(
    role: Oid,
    name: &str,
    role_name: &str,
    state: State,
    lease_until: Option<Time>,
    rotated_at: Option<Time>,
) -> Result<()> {
    spi::run(
        "INSERT INTO credentials.credential
           (role, name, role_name, state, lease, valid_until, created_at, rotated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            role.into(),
            name.into(),
            role_name.into(),
            state.as_str().into(),
            lease_until.is_some().into(),
            maybe_at(lease_until),
            at(time::now()),
            maybe_at(rotated_at),
        ],
    )?;
    Ok(())
}

/// The state from now on.
pub fn set_state(role: Oid, state: State) -> Result<()> {
    spi::run(
        "UPDATE credentials.credential c SET state = $2 WHERE c.role OPERATOR(pg_catalog.=) $1",
        &[role.into(), state.as_str().into()],
    )?;
    Ok(())
}

/// Which secret holds the password in force.
pub fn set_secret(role: Oid, secret: Option<i64>) -> Result<()> {
    spi::run(
        "UPDATE credentials.credential c SET secret = $2 WHERE c.role OPERATOR(pg_catalog.=) $1",
        &[role.into(), secret.into()],
    )?;
    Ok(())
}

/// The password was changed now; which secret holds it, and the state where that changes with it.
pub fn set_rotated(role: Oid, secret: Option<i64>, state: Option<State>) -> Result<()> {
    spi::run(
        "UPDATE credentials.credential c
            SET rotated_at = $2, secret = $3, state = COALESCE($4, c.state)
          WHERE c.role OPERATOR(pg_catalog.=) $1",
        &[
            role.into(),
            at(time::now()),
            secret.into(),
            state.map(State::as_str).into(),
        ],
    )?;
    Ok(())
}

/// Sessions of an older password end when this commits, here and, by the number that grows, on standbys.
pub fn cut(role: Oid) -> Result<()> {
    spi::run(
        "UPDATE credentials.credential c SET cuts = c.cuts OPERATOR(pg_catalog.+) 1
          WHERE c.role OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?;
    xact::mark_cutover(role);
    Ok(())
}

/// When a lease ends.
pub fn set_lease(role: Oid, until: Time) -> Result<()> {
    spi::run(
        "UPDATE credentials.credential c SET lease = true, valid_until = $2
          WHERE c.role OPERATOR(pg_catalog.=) $1",
        &[role.into(), at(until)],
    )?;
    Ok(())
}

/// The latest login that was seen, if it is later than the one known.
pub fn set_last_login(role: Oid, seen: Time) -> Result<()> {
    spi::run(
        "UPDATE credentials.credential c SET last_login_at = $2
          WHERE c.role OPERATOR(pg_catalog.=) $1
            AND (c.last_login_at IS NULL OR c.last_login_at OPERATOR(pg_catalog.<) $2)",
        &[role.into(), at(seen)],
    )?;
    Ok(())
}

/// The role's name, where a claim binds it anew.
pub fn set_role_name(role: Oid, role_name: &str) -> Result<()> {
    spi::run(
        "UPDATE credentials.credential c SET role_name = $2 WHERE c.role OPERATOR(pg_catalog.=) $1",
        &[role.into(), role_name.into()],
    )?;
    Ok(())
}

/// The credential is no longer managed: its row and its secrets go.
pub fn delete(role: Oid) -> Result<()> {
    spi::run(
        "DELETE FROM credentials.secret s WHERE s.role OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?;
    spi::run(
        "DELETE FROM credentials.credential c WHERE c.role OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?;
    Ok(())
}

/// Notes whether a superuser made a credential a member of default's role.
pub fn set_deputy(role: Oid, deputy: bool) -> Result<()> {
    spi::run(
        "UPDATE credentials.credential c SET deputy = $2 WHERE c.role OPERATOR(pg_catalog.=) $1",
        &[role.into(), deputy.into()],
    )?;
    Ok(())
}
