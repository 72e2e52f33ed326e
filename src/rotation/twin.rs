//! The twin as a role: made, closed, dropped. A twin is its credential under another name: a member of the
//! role, whose sessions start as the role itself, with the same settings and limits (FACTS 1).

use crate::access;
use crate::catalog::{self, twin, Credential, Phase, State, Twin};
use crate::error::{shown, Error, Kind, Result};
use crate::pg::grant::{self, Membership};
use crate::pg::role::{self, Options, Role};
use crate::pg::role_settings::{self, Setting};
use crate::pg::{ident, log, time, xact, Oid};

/// Makes the twin, or opens the one that is there, with a new verifier. Gives its OID, and whether it was
/// there.
pub fn open(credential: &Credential, verifier: &str) -> Result<(Oid, bool)> {
    let name = credential.twin_name();
    let base = role::by_oid(credential.role)?
        .ok_or_else(|| Kind::Internal.error("the role of a credential is gone"))?;
    let present = twin::of(credential.role)?.filter(|t| ident::role_name(t.role).is_some());
    let until = match base.valid_until {
        Some(until) => Some(time::for_node(until)?),
        None => present.as_ref().map(|_| "infinity".to_owned()),
    };
    let options = Options {
        login: Some(true),
        verifier: Some(Some(verifier)),
        connection_limit: Some(base.connection_limit),
        valid_until: until.as_deref(),
        plain: true,
    };
    let (role, renewed) = match present {
        Some(present) => {
            if ident::role_name(present.role).as_deref() != Some(name.as_str()) {
                return Err(renamed(credential));
            }
            role::alter(present.role, &name, &options)?;
            (present.role, true)
        }
        None => (make(&name, &options)?, false),
    };
    if !renewed || !access::is_member(role, credential.role)? {
        grant::set_membership(&credential.role_name, &name, Membership::Member);
    }
    copy_settings(&base, role, &name, renewed)?;
    Ok((role, renewed))
}

fn make(name: &str, options: &Options) -> Result<Oid> {
    let taken = || {
        Kind::Exists
            .error(format!("role \"{}\" already exists", shown(name)))
            .detail("A rotation needs that name for the twin of the credential's role.")
            .hint("Rename that role, or rotate with force => true.")
    };
    if ident::role_oid(name).is_some() {
        return Err(taken());
    }
    let made = match xact::subtransaction(|| role::create(name, options)) {
        Ok(made) => made?,
        // Somebody's plain CREATE ROLE of the same name was faster: the server says either.
        Err(caught) if matches!(caught.sqlstate.as_str(), "42710" | "23505") => return Err(taken()),
        Err(caught) => return Err(super::unexpected(&caught)),
    };
    let given = options.verifier.flatten();
    if role::stored_verifier(made)?.as_deref() != given {
        return Err(Kind::Internal.error("the server stored another verifier than it was given"));
    }
    Ok(made)
}

fn renamed(credential: &Credential) -> Error {
    let name = credential.twin_name();
    Kind::InUse
        .error(format!("the twin \"{}\" was renamed", shown(&name)))
        .detail("Its OID no longer bears the name, so it is left alone.")
        .hint(format!(
            "A superuser renames it back to \"{}\".",
            shown(&name)
        ))
}

/// Gives the twin the role's settings in all databases, and lets its sessions start as the role, or as
/// whom the role's own would. A value that the server no longer takes is left out: the role's sessions go
/// without it too.
fn copy_settings(base: &Role, twin: Oid, name: &str, renewed: bool) -> Result<()> {
    if renewed {
        let mut databases: Vec<Option<String>> = role_settings::of(twin)?
            .into_iter()
            .map(|s| s.database)
            .collect();
        databases.dedup();
        for database in databases {
            role_settings::reset_all(twin, name, database.as_deref())?;
        }
    }
    let settings = role_settings::of(base.oid)?;
    for setting in &settings {
        let copied = xact::subtransaction(|| role_settings::copy(twin, name, setting));
        match copied {
            Ok(done) => done?,
            Err(caught) => log::line(&format!(
                "credential_manager: setting \"{}\" of role {} is not one that the server takes, SQLSTATE {}",
                shown(&setting.name),
                base.oid.to_u32(),
                caught.sqlstate
            )),
        }
    }
    if settings.iter().any(is_default_role) {
        return Ok(());
    }
    role_settings::set_default_role(twin, name, &base.name)
}

fn is_default_role(setting: &Setting) -> bool {
    setting.database.is_none() && setting.name == "role"
}

/// Closes the twin for good: its name logs in no more, and the worker ends its sessions and drops it.
/// Tells whether there was one.
pub fn end(credential: &Credential) -> Result<bool> {
    let Some(twin) = twin::of(credential.role)? else {
        return Ok(false);
    };
    close(&twin)?;
    twin::set_phase(credential.role, Phase::Ended, None)?;
    xact::mark_cutover(twin.role);
    Ok(true)
}

/// NOLOGIN and no verifier, under whatever name the twin bears now: it is ours by its OID.
pub fn close(twin: &Twin) -> Result<()> {
    let Some(name) = ident::role_name(twin.role) else {
        return Ok(());
    };
    let options = Options {
        login: Some(false),
        verifier: Some(None),
        ..Options::default()
    };
    role::alter(twin.role, &name, &options)
}

/// The twin is gone, and with it the rotation.
pub fn forget(base: Oid) -> Result<()> {
    twin::forget(base)?;
    let state = catalog::by_role(base)?.map(|c| c.state);
    if matches!(state, Some(State::Rotating | State::Lingering)) {
        catalog::set_state(base, State::Active)?;
    }
    Ok(())
}

/// What a call changes of the role's attributes holds for the open twin too.
pub fn follow(credential: &Credential, options: &Options) -> Result<()> {
    match of_open(credential)? {
        Some((role, name)) => role::alter(role, &name, options),
        None => Ok(()),
    }
}

/// The twin's OID and name while its name logs in.
pub fn of_open(credential: &Credential) -> Result<Option<(Oid, String)>> {
    let open = twin::of(credential.role)?.filter(|t| t.phase.is_open());
    Ok(open.and_then(|t| ident::role_name(t.role).map(|name| (t.role, name))))
}
