//! Taking a role that exists under management, letting one go, and claiming a copy.

pub mod api;

use crate::access;
use crate::attachments;
use crate::catalog::home::{self, Standing};
use crate::catalog::{self, Credential, State};
use crate::collaborators;
use crate::core::name;
use crate::error::{shown, Kind, Result};
use crate::lifecycle::{
    create, exists, new_name, refuse_beyond_limit, refuse_default, refuse_managed_name,
};
use crate::permissions::group;
use crate::pg::authority::Caller;
use crate::pg::grant::{self, Membership};
use crate::pg::role;
use crate::pg::{ident, lock, xact, Oid};
use crate::rotation;
use crate::vault;

/// The first OID that initdb does not give away (transam.h, FirstNormalObjectId).
const FIRST_NORMAL_OID: u32 = 16_384;

/// Manages a role as it is.
pub fn adopt(caller: &Caller, raw_role: &str, raw_name: Option<&str>) -> Result<Credential> {
    let default = catalog::default_credential()?;
    name::check_taken_role(raw_role)?;
    let role = ident::role_oid(raw_role).ok_or_else(|| {
        Kind::NotFound
            .error(format!("role \"{}\" does not exist", shown(raw_role)))
            .hint("SELECT * FROM credentials.create('analyst') makes a new one.")
    })?;
    let name = new_name(raw_name.unwrap_or(raw_role))?;
    lock::counter()?;
    refuse_managed(role, name.as_str())?;
    refuse_beyond_limit()?;
    refuse_unfit(caller, role, raw_role, &default)?;
    let found =
        role::by_oid(role)?.ok_or_else(|| Kind::Internal.error("a role that was there is gone"))?;
    let state = if found.login {
        State::Active
    } else {
        State::Suspended
    };
    create::give_connect(raw_role)?;
    grant::set_membership(raw_role, &default.role_name, Membership::Admin);
    catalog::insert(role, name.as_str(), raw_role, state, None, None)?;
    xact::mark_changed();
    catalog::by_role(role)?.ok_or_else(|| Kind::Internal.error("an adopted role is not there"))
}

fn refuse_managed(role: Oid, name: &str) -> Result<()> {
    if let Some(managed) = catalog::by_role(role)? {
        return Err(exists("credential", &managed.name));
    }
    if let Some(group) = group::by_role(role)? {
        return Err(Kind::Denied
            .error(format!(
                "role \"{}\" cannot be a credential",
                shown(&group.role_name)
            ))
            .detail("It is a group that holds the rights of a preset."));
    }
    refuse_managed_name(name)?;
    // A credential's name is looked up before a role's: another role of that name would be confusing.
    match ident::role_oid(name) {
        Some(other) if other != role => Err(exists("role", name)),
        _ => Ok(()),
    }
}

fn refuse_unfit(caller: &Caller, role: Oid, raw: &str, default: &Credential) -> Result<()> {
    let refused = |why: String| {
        Kind::Denied
            .error(format!("role \"{}\" cannot be a credential", shown(raw)))
            .detail(why)
    };
    if role.to_u32() < FIRST_NORMAL_OID {
        return Err(refused("The server made it for itself.".to_owned()));
    }
    let findings = access::findings(role)?;
    if let Some(why) = findings.elevated {
        return Err(refused(format!("It {why}.")));
    }
    if let (Some(group), false) = (findings.reaches, caller.is_superuser()) {
        return Err(refused(format!("It is a member of {group}.")));
    }
    if access::is_member(role, default.role)? {
        return Err(refused(format!(
            "It is a member of the default credential's role \"{}\", which is to rule over it.",
            shown(&default.role_name)
        ))
        .hint("REVOKE that membership first."));
    }
    Ok(())
}

/// Stops managing a credential; its role stays as it is.
pub fn release(credential: &Credential) -> Result<()> {
    refuse_default(credential, "released")?;
    lock::counter()?;
    lock::credential(credential.role)?;
    let credential = catalog::reread(credential)?;
    rotation::refuse_destroying(&credential)?;
    attachments::refuse_attached(&credential)?;
    if catalog::twin::of(credential.role)?.is_some() {
        return Err(Kind::InUse
            .error(format!(
                "credential \"{}\" is rotating",
                shown(&credential.name)
            ))
            .detail("Its rotating twin is there until the rotation has ended, the linger included.")
            .hint(format!(
                "SELECT * FROM credentials.rotate('{}', force => true); ends it at once.",
                shown(&credential.name)
            )));
    }
    catalog::delete(credential.role)?;
    collaborators::forget_credential(credential.role)?;
    xact::mark_changed();
    Ok(())
}

/// Binds the rows to this cluster and database, where they were bound to another.
/// Gives all credentials, and whether anything was bound.
pub fn claim() -> Result<(Vec<Credential>, bool)> {
    lock::counter()?;
    let credentials = catalog::all()?;
    if home::standing()? == Standing::Ours {
        return Ok((credentials, false));
    }
    // Passwords are opened with what they were sealed with, so before the binding changes.
    let bound: Vec<Credential> = credentials
        .iter()
        .filter(|c| c.is_bound())
        .cloned()
        .collect();
    vault::rebind(&bound, crate::pg::database::system_identifier())?;
    group::rebind()?;
    collaborators::rebind()?;
    home::bind()?;
    xact::mark_work();
    Ok((credentials, true))
}
