//! How a caller stands: without limits, or with those of a collaborator.
//!
//! The effective role counts, as of what is committed when it is asked: also in a session that was open before.

use super::permission::{Permission, Rights};
use super::{store, Collaboration};
use crate::attachments;
use crate::catalog::{self, twin};
use crate::error::{Error, Kind, Result};
use crate::pg::authority::{self, has_privileges_of};
use crate::pg::call::Call;
use crate::pg::Oid;
use std::collections::HashMap;

/// The limits of a collaborator.
#[derive(Clone, Debug)]
pub struct Limits {
    /// His role; for a rotating twin that of its credential.
    pub role: Oid,
    /// What he may do, app by app.
    pub rights: Rights,
}

/// The limits of a call's caller; nothing for who has none.
///
/// Superusers and who has default's privileges have none. Who has the privileges of a collaborator's role has the
/// permissions of all such roles, and no others. For anybody else EXECUTE decides, which a superuser gave by hand.
///
/// # Errors
/// `Kind::Denied` where the caller was a collaborator until just now. Permissions and EXECUTE come and go in one
/// transaction, and are looked at in one snapshot here: who finds no permissions finds no EXECUTE that came with them.
pub fn limits(call: &Call) -> Result<Option<Limits>> {
    let caller = call.caller.effective;
    authority::catch_up();
    if call.caller.is_superuser() {
        return Ok(None);
    }
    if catalog::default_role()?.is_some_and(|default| has_privileges_of(caller, default)) {
        return Ok(None);
    }
    let (everybody, may_execute) = store::all_with_execute(call.oid())?;
    // Each role is asked for once: a membership that comes or goes meanwhile is there for both or for neither.
    let mut asked = HashMap::new();
    let mut is_his = |role: Oid| {
        let has = || has_privileges_of(caller, role);
        *asked.entry(role.to_u32()).or_insert_with(has)
    };
    let own: Vec<Collaboration> = everybody.into_iter().filter(|c| is_his(c.role)).collect();
    if own.is_empty() {
        let is_public = |role: Oid| role == Oid::INVALID;
        return match may_execute.into_iter().any(|r| is_public(r) || is_his(r)) {
            true => Ok(None),
            false => Err(no_longer(call)),
        };
    }
    let mut rights = Rights::default();
    for bound in own.iter().filter(|c| c.is_bound()) {
        rights.add(&bound.app, bound.permissions);
    }
    let base = twin::owner(caller)?.map(|credential| credential.role);
    let role = base.unwrap_or(caller);
    Ok(Some(Limits { role, rights }))
}

fn no_longer(call: &Call) -> Error {
    Kind::Denied
        .error(format!(
            "permission denied for function {}",
            call.function()
        ))
        .detail("It was taken from the caller just now.")
}

/// Whether a role is default's or a member of it: its password opens all that default's does.
pub fn reaches_default(role: Oid) -> Result<bool> {
    let default = catalog::default_role()?;
    Ok(default.is_some_and(|default| authority::is_member(role, default)))
}

impl Limits {
    /// Whether he sees an app.
    pub fn sees_app(&self, app: &str) -> bool {
        self.rights.on(app).has(Permission::View)
    }

    /// The roles of the credentials that are attached to an app which is open to him with a permission; never
    /// default's, nor one that has its rights.
    pub fn roles(&self, permission: Permission) -> Result<Vec<Oid>> {
        let default = catalog::default_role()?;
        let is_default = |role: Oid| default.is_some_and(|d| authority::is_member(role, d));
        let mut roles: Vec<Oid> = attachments::all()?
            .into_iter()
            .filter(|a| self.rights.on(&a.app).has(permission) && !is_default(a.role))
            .map(|a| a.role)
            .collect();
        roles.sort_unstable_by_key(|role| role.to_u32());
        roles.dedup();
        Ok(roles)
    }

    /// Whether he sees the credential of a role, or has made it.
    pub fn knows(&self, role: Oid) -> Result<bool> {
        Ok(self.roles(Permission::View)?.contains(&role) || self.has_made(role)?)
    }

    /// Whether he made the credential of a role, as a collaborator.
    pub fn has_made(&self, role: Oid) -> Result<bool> {
        Ok(store::maker(role)? == Some(self.role))
    }
}
