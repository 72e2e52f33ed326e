//! Rows of `credentials.event`. There is no UPDATE, and DELETE only by age.

use super::About;
use crate::error::Result;
use crate::pg::spi;
use crate::pg::value::{at, Time, Type, Value};
use crate::pg::{row, time};

/// Who, from where.
pub(super) struct Entry {
    pub(super) effective: String,
    pub(super) outer: String,
    pub(super) session: String,
    pub(super) client: Option<String>,
    pub(super) application: Option<String>,
}

pub(super) fn insert(
    entry: &Entry,
    action: &str,
    about: About,
    detail: serde_json::Value,
    news: bool,
) -> Result<()> {
    let number = spi::number(
        "INSERT INTO credentials.event
           (at, action, name, role, effective_role, outer_role, session_role, client_addr, application_name, detail, app)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         RETURNING id",
        &[
            at(time::now()),
            action.into(),
            about.name.into(),
            about.role.into(),
            (&entry.effective).into(),
            (&entry.outer).into(),
            (&entry.session).into(),
            entry.client.clone().map_or(Value::Null(Type::Inet), Value::Inet),
            entry.application.clone().into(),
            detail.into(),
            about.app.into(),
        ],
    )?;
    match news {
        true => row::append("news", number),
        false => Ok(()),
    }
}

/// Events of a name, from a time on, after a number; each is a parameter, NULL for any.
pub(super) const SELECT: &str =
    "SELECT e.id, e.at, e.action, e.name, e.app, e.effective_role, e.outer_role, e.session_role,
            e.client_addr, e.application_name, e.detail
       FROM credentials.event e
      WHERE ($1 IS NULL OR e.name OPERATOR(pg_catalog.=) $1)
        AND ($2 IS NULL OR e.at OPERATOR(pg_catalog.>=) $2)
        AND ($3 IS NULL OR e.id OPERATOR(pg_catalog.>) $3)
      ORDER BY e.id USING OPERATOR(pg_catalog.<)";

/// The same, of these apps, and of credentials with one of these roles where no other app is named.
pub(super) const SELECT_SEEN: &str =
    "SELECT e.id, e.at, e.action, e.name, e.app, e.effective_role, e.outer_role, e.session_role,
            e.client_addr, e.application_name, e.detail
       FROM credentials.event e
      WHERE ($1 IS NULL OR e.name OPERATOR(pg_catalog.=) $1)
        AND ($2 IS NULL OR e.at OPERATOR(pg_catalog.>=) $2)
        AND ($3 IS NULL OR e.id OPERATOR(pg_catalog.>) $3)
        AND (e.app OPERATOR(pg_catalog.=) ANY ($5)
             OR e.app IS NULL AND e.role::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($4))
      ORDER BY e.id USING OPERATOR(pg_catalog.<)";

/// Whether one of these apps has an event of a name.
pub(super) fn has(name: &str, apps: &[String]) -> Result<bool> {
    let found = spi::row(
        "SELECT 1 FROM credentials.event e
          WHERE e.name OPERATOR(pg_catalog.=) $1 AND e.app OPERATOR(pg_catalog.=) ANY ($2) LIMIT 1",
        &[name.into(), Value::TextArray(apps.to_vec())],
    )?;
    Ok(found.is_some())
}

pub(super) fn delete_older(seconds: i64) -> Result<u64> {
    spi::run(
        "DELETE FROM credentials.event e WHERE e.at OPERATOR(pg_catalog.<) $1",
        &[at(time::now() - seconds.saturating_mul(1_000_000))],
    )
}

/// NOTIFY credentials with the number of each event that is news, `most` of them, in order; the payload holds
/// nothing else, since any role can LISTEN. They are no news any more then. Gives how many there were.
pub(super) fn notify(most: i32) -> Result<i32> {
    let told = spi::number(
        "WITH told AS (
           DELETE FROM credentials.news n
            WHERE n.event OPERATOR(pg_catalog.=) ANY (ARRAY(
              SELECT m.event FROM credentials.news m ORDER BY m.event USING OPERATOR(pg_catalog.<) LIMIT $1))
           RETURNING n.event),
         sent AS MATERIALIZED (
           SELECT pg_catalog.pg_notify('credentials', t.event::pg_catalog.text)
             FROM (SELECT u.event FROM told u ORDER BY u.event USING OPERATOR(pg_catalog.<)) t)
         SELECT pg_catalog.count(*) FROM sent s",
        &[most.into()],
    )?;
    Ok(i32::try_from(told).unwrap_or(i32::MAX))
}

pub(super) fn oldest() -> Result<Option<Time>> {
    spi::row(
        "SELECT e.at FROM credentials.event e ORDER BY e.id USING OPERATOR(pg_catalog.<) LIMIT 1",
        &[],
    )?
    .map(|row| row.time(0))
    .transpose()
}
