//! Whether this is the installation, the cluster and the database that the rows are bound to.

use crate::error::{Error, Kind, Result};
use crate::pg::{database, ident, row, spi, Oid};
use crate::settings;

/// What the rows are bound to.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The system identifier that passwords are sealed with.
    pub system_identifier: u64,
    /// OID of the home database.
    pub database: Oid,
}

/// How the rows stand to the cluster they are found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All agrees.
    Ours,
    /// Another system identifier with database and all roles agreeing: pg_upgrade.
    Upgraded,
    /// Anything else: a copy.
    Foreign,
}

/// Decides how rows bound to `bound` stand, given what the cluster is and whether every role still
/// bears its name.
fn judge(
    bound: &Installation,
    system_identifier: u64,
    database: Oid,
    roles_agree: bool,
) -> Standing {
    if bound.database != database {
        Standing::Foreign
    } else if bound.system_identifier == system_identifier {
        Standing::Ours
    } else if roles_agree {
        Standing::Upgraded
    } else {
        Standing::Foreign
    }
}

/// The installation row of this database.
pub fn installation() -> Result<Installation> {
    let row = row::find("installation", &[], &["system_identifier", "database"])?
        .ok_or_else(|| Kind::Internal.error("the installation row is gone"))?;
    Ok(Installation {
        system_identifier: row.int8(0)?.cast_unsigned(),
        database: row.oid(1)?,
    })
}

/// How the rows stand to this cluster.
pub fn standing() -> Result<Standing> {
    let bound = installation()?;
    let system_identifier = database::system_identifier();
    // The roles are asked only where it matters, since this runs at every call.
    let agree = bound.system_identifier == system_identifier || roles_agree()?;
    Ok(judge(&bound, system_identifier, database::current(), agree))
}

fn roles_agree() -> Result<bool> {
    let strangers = spi::number(
        "SELECT pg_catalog.count(*) FROM credentials.credential c
          WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_authid a
                             WHERE a.oid OPERATOR(pg_catalog.=) c.role
                               AND a.rolname::pg_catalog.text OPERATOR(pg_catalog.=) c.role_name)",
        &[],
    )?;
    Ok(strangers == 0)
}

/// Binds the rows to this cluster and database.
pub fn bind() -> Result<()> {
    spi::run(
        "UPDATE credentials.installation i SET system_identifier = $1, database = $2",
        &[
            database::system_identifier().cast_signed().into(),
            database::current().into(),
        ],
    )?;
    Ok(())
}

/// Refuses where the library is not in service or this is not the home database (55000).
pub fn require_home() -> Result<()> {
    if !database::in_service() {
        return Err(Kind::NotReady
            .error("credential_manager is not preloaded")
            .detail("Its settings, its worker and its checks exist only where the server starts with the library.")
            .hint("Set shared_preload_libraries = 'credential_manager' in postgresql.conf and restart the server."));
    }
    let here = ident::database_name(database::current()).unwrap_or_default();
    match settings::database() {
        Some(home) if home == here => Ok(()),
        Some(_) => Err(not_home(&here)),
        None => Err(Kind::NotReady
            .error("credential_manager is switched off")
            .detail("credential_manager.database is empty.")
            .hint(format!(
                "Set credential_manager.database = '{}' in postgresql.conf and reload.",
                crate::error::shown(&here)
            ))),
    }
}

fn not_home(here: &str) -> Error {
    Kind::NotReady
        .error("this is not the home database of credential_manager")
        .detail("credential_manager.database names another one.")
        .hint(format!(
            "Connect to it, or set credential_manager.database = '{}' in postgresql.conf and reload.",
            crate::error::shown(here)
        ))
}

/// Refuses where the rows are bound to another cluster or database (55000).
pub fn require_claimed() -> Result<()> {
    if standing()? != Standing::Foreign {
        return Ok(());
    }
    let home = settings::database().unwrap_or_default();
    Err(Kind::NotReady
        .error("these credentials belong to another cluster or database")
        .detail(
            "The data was copied from where it was made; nothing is changed and no secret is told.",
        )
        .hint(format!(
            "SELECT * FROM credentials.claim(confirm => '{}');",
            crate::error::shown(&home)
        )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound() -> Installation {
        Installation {
            system_identifier: 7,
            database: Oid::from(5),
        }
    }

    #[test]
    fn the_same_cluster_and_database_is_ours_even_where_a_role_has_gone() {
        assert_eq!(judge(&bound(), 7, Oid::from(5), false), Standing::Ours);
    }

    #[test]
    fn another_cluster_with_all_roles_agreeing_is_an_upgrade() {
        assert_eq!(judge(&bound(), 8, Oid::from(5), true), Standing::Upgraded);
    }

    #[test]
    fn another_cluster_with_other_roles_or_another_database_is_foreign() {
        assert_eq!(judge(&bound(), 8, Oid::from(5), false), Standing::Foreign);
        assert_eq!(judge(&bound(), 7, Oid::from(6), true), Standing::Foreign);
    }
}
