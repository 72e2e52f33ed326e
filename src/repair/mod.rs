//! The default credential is put right: what it must be and hold, and what it should own.

pub mod api;
pub mod rights;
mod store;

use crate::catalog;
use crate::error::Result;
use crate::jobs::Options;
use crate::ownership::Scope;
use crate::pg::Oid;

/// What a repair with these options moves: to default, from every other credential's role, from
/// superusers and vanished roles, and from anybody where that was asked for.
pub fn scope(default: Oid, options: Options) -> Result<Scope> {
    let twins = catalog::twin::all()?.into_iter();
    let managed = catalog::all()?
        .into_iter()
        .map(|credential| credential.role)
        .filter(|role| *role != default)
        .chain(twins.map(|twin| twin.role))
        .collect();
    Ok(Scope::Repair {
        to: default,
        managed,
        include_unmanaged: options.include_unmanaged,
        keep_access: options.keep_access,
    })
}
