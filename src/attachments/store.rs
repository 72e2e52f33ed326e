//! Rows of `credentials.attachment` and `credentials.endpoint`.

use super::Attachment;
use crate::core::url::Endpoint;
use crate::error::{Kind, Result};
use crate::pg::spi::{self, Row};
use crate::pg::value::at;
use crate::pg::{time, Oid};

fn read(row: &Row) -> Result<Attachment> {
    Ok(Attachment {
        app: row.text(0)?,
        config_var: row.text(1)?,
        role: row.oid(2)?,
        endpoint: row.text(3)?,
        attached_at: row.time(4)?,
    })
}

/// Every attachment, by app and variable.
pub fn all() -> Result<Vec<Attachment>> {
    spi::query(
        "SELECT a.app, a.config_var, a.role, a.endpoint, a.attached_at FROM credentials.attachment a
          ORDER BY a.app USING OPERATOR(pg_catalog.<), a.config_var USING OPERATOR(pg_catalog.<)",
        &[],
    )?
    .iter()
    .map(read)
    .collect()
}

/// The attachments of an app, by variable.
pub fn of_app(app: &str) -> Result<Vec<Attachment>> {
    spi::query(
        "SELECT a.app, a.config_var, a.role, a.endpoint, a.attached_at FROM credentials.attachment a
          WHERE a.app OPERATOR(pg_catalog.=) $1
          ORDER BY a.config_var USING OPERATOR(pg_catalog.<)",
        &[app.into()],
    )?
    .iter()
    .map(read)
    .collect()
}

/// The attachments of a credential's role, by app and variable.
pub fn of_role(role: Oid) -> Result<Vec<Attachment>> {
    spi::query(
        "SELECT a.app, a.config_var, a.role, a.endpoint, a.attached_at FROM credentials.attachment a
          WHERE a.role OPERATOR(pg_catalog.=) $1
          ORDER BY a.app USING OPERATOR(pg_catalog.<), a.config_var USING OPERATOR(pg_catalog.<)",
        &[role.into()],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Writes a new attachment, as of now.
pub(super) fn insert(app: &str, config_var: &str, role: Oid, endpoint: &str) -> Result<()> {
    spi::run(
        "INSERT INTO credentials.attachment (app, config_var, role, endpoint, attached_at)
         VALUES ($1, $2, $3, $4, $5)",
        &[
            app.into(),
            config_var.into(),
            role.into(),
            endpoint.into(),
            at(time::now()),
        ],
    )?;
    Ok(())
}

/// Takes an attachment away.
pub(super) fn delete(app: &str, config_var: &str) -> Result<()> {
    spi::run(
        "DELETE FROM credentials.attachment a
          WHERE a.app OPERATOR(pg_catalog.=) $1 AND a.config_var OPERATOR(pg_catalog.=) $2",
        &[app.into(), config_var.into()],
    )?;
    Ok(())
}

/// Notes an app that the credential of a role was detached from.
pub(super) fn note_former(role: Oid, app: &str) -> Result<()> {
    spi::run(
        "INSERT INTO credentials.former_app (role, app) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        &[role.into(), app.into()],
    )?;
    Ok(())
}

/// The apps that the credential of a role was detached from.
pub fn former_apps(role: Oid) -> Result<Vec<String>> {
    spi::query(
        "SELECT f.app FROM credentials.former_app f WHERE f.role OPERATOR(pg_catalog.=) $1
          ORDER BY f.app USING OPERATOR(pg_catalog.<)",
        &[role.into()],
    )?
    .iter()
    .map(|row| row.text(0))
    .collect()
}

/// Forgets which apps had the credential of a role.
pub fn forget_former(role: Oid) -> Result<()> {
    spi::run(
        "DELETE FROM credentials.former_app f WHERE f.role OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?;
    Ok(())
}

/// Takes all attachments of a role away.
pub fn forget(role: Oid) -> Result<()> {
    spi::run(
        "DELETE FROM credentials.attachment a WHERE a.role OPERATOR(pg_catalog.=) $1",
        &[role.into()],
    )?;
    Ok(())
}

fn read_endpoint(row: &Row) -> Result<(String, Endpoint)> {
    let port = row.int4(2)?;
    let endpoint = Endpoint {
        host: Some(row.text(1)?),
        port: u16::try_from(port)
            .map_err(|_| Kind::Internal.error(format!("an endpoint with the port {port}")))?,
        sslmode: row.text(3)?,
    };
    Ok((row.text(0)?, endpoint))
}

/// An endpoint that was set.
pub(super) fn endpoint(name: &str) -> Result<Option<Endpoint>> {
    let row = spi::row(
        "SELECT e.name, e.host, e.port, e.sslmode FROM credentials.endpoint e
          WHERE e.name OPERATOR(pg_catalog.=) $1",
        &[name.into()],
    )?;
    Ok(row
        .map(|row| read_endpoint(&row))
        .transpose()?
        .map(|(_, e)| e))
}

/// The endpoints that were set, by name.
pub(super) fn endpoints() -> Result<Vec<(String, Endpoint)>> {
    spi::query(
        "SELECT e.name, e.host, e.port, e.sslmode FROM credentials.endpoint e
          ORDER BY e.name USING OPERATOR(pg_catalog.<)",
        &[],
    )?
    .iter()
    .map(read_endpoint)
    .collect()
}

/// Writes an endpoint, over the one of that name where there is one.
pub(super) fn set_endpoint(name: &str, endpoint: &Endpoint) -> Result<()> {
    drop_endpoint(name)?;
    spi::run(
        "INSERT INTO credentials.endpoint (name, host, port, sslmode) VALUES ($1, $2, $3, $4)",
        &[
            name.into(),
            endpoint.host.clone().into(),
            i32::from(endpoint.port).into(),
            endpoint.sslmode.as_str().into(),
        ],
    )?;
    Ok(())
}

/// Takes an endpoint away.
pub(super) fn drop_endpoint(name: &str) -> Result<()> {
    spi::run(
        "DELETE FROM credentials.endpoint e WHERE e.name OPERATOR(pg_catalog.=) $1",
        &[name.into()],
    )?;
    Ok(())
}
