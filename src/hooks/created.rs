//! What is made in the home database, by whatever statement and whomever: it gets the rights of its
//! schema's groups, and what comes below a table with tenants its policies, before the next statement can
//! ask for it.

use crate::error::Result;
use crate::permissions::future;
use crate::pg::created::{self, Change};
use crate::pg::owner::Class;
use crate::pg::{database, ident};
use crate::settings;
use crate::tenants::follow;

/// Watches from here on; only while libraries are preloaded.
pub(super) fn install() {
    created::watch(settle);
}

/// A statement has made or changed these objects.
fn settle(changes: &[Change]) -> Result<()> {
    let Some(home) = settings::database() else {
        return Ok(());
    };
    let here = ident::database_name(database::current());
    if !database::in_service() || database::in_recovery() || here.as_deref() != Some(home.as_str())
    {
        return Ok(());
    }
    // Where the extension has not been created yet, or not of a version that has groups.
    if ident::own_relation("access_group").is_none() {
        return Ok(());
    }
    future::settle(changes)?;
    let relations = changes.iter().filter(|c| c.class == Class::Relation);
    follow::settle(relations.map(|c| c.object))
}
