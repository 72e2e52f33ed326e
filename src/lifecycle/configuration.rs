//! The connection limit and the settings of a credential.

use super::settings_json::{not_a_value, Change};
use crate::catalog::Credential;
use crate::error::{shown, Result};
use crate::pg::role::{self, Options};
use crate::pg::{database, ident, role_settings, xact};
use crate::rotation;

/// Gives a credential, and its twin, another connection limit and other settings in the home database. The
/// credential's lock is held.
pub fn apply(credential: &Credential, limit: Option<i32>, changes: &[Change]) -> Result<()> {
    let (role, name) = (credential.role, credential.role_name.as_str());
    if limit.is_some() {
        let options = Options {
            connection_limit: limit,
            ..Options::default()
        };
        xact::subtransaction(|| {
            role::alter(role, name, &options)?;
            rotation::twin::follow(credential, &options)
        })
        .map_err(|caught| rotation::held(&caught, credential))??;
    }
    let twin = rotation::twin::of_open(credential)?;
    let home = ident::database_name(database::current()).unwrap_or_default();
    for change in changes {
        let set = || {
            let (setting, value) = (change.name.as_str(), change.value.as_deref());
            role_settings::set(role, name, &home, setting, value)?;
            match &twin {
                Some((twin, name)) => role_settings::set(*twin, name, &home, setting, value),
                None => Ok(()),
            }
        };
        xact::subtransaction(set).map_err(|caught| {
            if rotation::is_contention(&caught) {
                return rotation::held(&caught, credential);
            }
            not_a_value(&change.name).detail(format!("{}.", shown(&caught.message)))
        })??;
    }
    xact::mark_changed();
    Ok(())
}
