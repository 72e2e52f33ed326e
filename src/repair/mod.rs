//! The default credential is put right: what it must be and hold, and what it should own.

pub mod api;
pub mod rights;
mod store;

use crate::catalog;
use crate::error::Result;
use crate::jobs::Options;
use crate::ownership::Scope;
use crate::permissions::group;
use crate::pg::Oid;

/// What a repair with these options moves: to default, and in the schema of a group to the group, from
/// credentials' roles, from superusers and vanished roles, and from anybody where that was asked for.
pub fn scope(default: Oid, options: Options) -> Result<Scope> {
    let twins = catalog::twin::all()?.into_iter();
    // Default among them: what it owns in the schema of a group is the group's.
    let managed = catalog::all()?
        .into_iter()
        .map(|credential| credential.role)
        .chain(twins.map(|twin| twin.role))
        .collect();
    Ok(Scope::Repair {
        to: default,
        groups: group::owners()?,
        managed,
        include_unmanaged: options.include_unmanaged,
        keep_access: options.keep_access,
    })
}
