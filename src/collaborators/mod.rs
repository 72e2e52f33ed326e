//! Collaborators: roles of people around an app, and just the rights they need (docs/collaborators.md).
//!
//! 1. [`permission`]: view, deploy, operate, manage, and who has which on which app.
//! 2. [`gate`]: the matrix, as one table of what each function takes.
//! 3. [`standing`]: who has limits; [`admission`] asks at each call, at the one door that all functions have.
//! 4. [`rights`]: what is granted in the server with permissions, and taken with them.

mod admission;
pub mod api;
mod by_hand;
mod fit;
mod gate;
mod hold;
mod permission;
pub mod rights;
mod standing;
mod store;

pub use admission::admit;
pub use hold::{hold, hold_counter};
pub use permission::{Permission, Permissions};
pub use standing::{limits, reaches_default, Limits};
pub use store::all;

use crate::attachments;
use crate::catalog::Credential;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::authority::record_name;
use crate::pg::{ident, lock, xact, Oid};

/// What a role may do with an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collaboration {
    /// The role: its identity.
    pub role: Oid,
    /// The role's name when it was added.
    pub role_name: String,
    /// The app.
    pub app: String,
    /// What it may do.
    pub permissions: Permissions,
}

impl Collaboration {
    /// Whether the role still is the one that was added: OID and name agree.
    pub fn is_bound(&self) -> bool {
        ident::role_name(self.role).as_deref() == Some(self.role_name.as_str())
    }
}

/// What became of somebody's permissions.
pub struct Outcome {
    /// What he had before.
    pub was: Permissions,
    /// Whether anything was changed.
    pub changed: bool,
}

/// Adds a role to an app. The lock is held, and the caller may give (`giver`: his limits).
///
/// # Errors
/// `Kind::NotFound` for a role that does not exist, `Kind::Denied` for one that cannot be a collaborator and for what
/// the giver lacks himself, `Kind::Exists` where it is there.
pub fn add(
    giver: Option<&Limits>,
    name: &str,
    app: &str,
    permissions: Permissions,
) -> Result<Outcome> {
    let role = fit::role(name)?;
    if find(role, app)?.is_some_and(|there| there.is_bound()) {
        return Err(Kind::Exists
            .error(format!(
                "role \"{}\" is a collaborator of app \"{}\" already",
                shown(name),
                shown(app)
            ))
            .hint("update_collaborator() changes what it may do."));
    }
    let was = Permissions::default();
    refuse_beyond(giver, app, permissions, was)?;
    refuse_by_hand(giver, name, role)?;
    let changed = put(role, name, app, permissions)?;
    Ok(Outcome { was, changed })
}

/// Changes what a role may do with an app; the rest as for [`add`].
///
/// # Errors
/// As for [`add`]; `Kind::NotFound` where it is no collaborator of the app.
pub fn update(
    giver: Option<&Limits>,
    name: &str,
    app: &str,
    permissions: Permissions,
) -> Result<Outcome> {
    let role = fit::role(name)?;
    let there = find(role, app)?.filter(Collaboration::is_bound);
    let was = there.ok_or_else(|| unknown(name, app))?.permissions;
    refuse_beyond(giver, app, permissions, was)?;
    let changed = put(role, name, app, permissions)?;
    Ok(Outcome { was, changed })
}

/// Takes a role from an app; by its present name, or by the one that it was added with. The lock is held, and the
/// caller may take (`taker`: his limits). Gives what it had.
///
/// # Errors
/// `Kind::NotFound` where it is no collaborator of the app.
pub fn remove(taker: Option<&Limits>, name: &str, app: &str) -> Result<Permissions> {
    let mut there = all()?;
    there.retain(|c| c.app == app);
    let role = ident::role_oid(name);
    let by_role = there.iter().find(|c| Some(c.role) == role);
    let found = by_role.or_else(|| there.iter().find(|c| c.role_name == name));
    let found = found.ok_or_else(|| unknown(name, app))?;
    refuse_by_hand(taker, name, found.role)?;
    store::delete(found.role, app)?;
    settle(found.role)?;
    Ok(found.permissions)
}

fn put(role: Oid, name: &str, app: &str, permissions: Permissions) -> Result<bool> {
    let wanted = Collaboration {
        role,
        role_name: name.to_owned(),
        app: app.to_owned(),
        permissions,
    };
    let is_new = find(role, app)?.as_ref() != Some(&wanted);
    if is_new {
        store::put(&wanted)?;
    }
    Ok(settle(role)? || is_new)
}

/// Brings what a role was granted into line with its permissions, and forgets roles that are gone.
fn settle(role: Oid) -> Result<bool> {
    store::forget_gone()?;
    if ident::role_name(role).is_none() {
        return Ok(true);
    }
    xact::persistently(|| rights::settle(role)).map_err(|caught| {
        if caught.is_contention() {
            return Kind::Timeout
                .error("somebody else changes rights on the functions of schema credentials")
                .hint("Call again.");
        }
        Kind::Internal.error(format!(
            "unexpected error of the server ({}): {}",
            caught.sqlstate,
            shown(&caught.message)
        ))
    })?
}

fn find(role: Oid, app: &str) -> Result<Option<Collaboration>> {
    let mut there = all()?.into_iter();
    Ok(there.find(|c| c.role == role && c.app == app))
}

/// Nobody gives what he lacks; what the other has already is not given.
fn refuse_beyond(
    giver: Option<&Limits>,
    app: &str,
    wanted: Permissions,
    had: Permissions,
) -> Result<()> {
    let Some(giver) = giver else { return Ok(()) };
    let Some(lacking) = wanted.beyond(had.with(giver.rights.on(app))) else {
        return Ok(());
    };
    Err(Kind::Denied
        .error(format!("permission {} cannot be given", lacking.as_str()))
        .detail(format!(
            "Nobody gives what he lacks, and the caller has no {} on app \"{}\".",
            lacking.as_str(),
            shown(app)
        )))
}

/// Who has EXECUTE by somebody's hand has no limits until he is a collaborator: to lay limits on him, or to take
/// them off by a removal, is nothing that a manager of one app decides, not for himself either.
fn refuse_by_hand(manager: Option<&Limits>, name: &str, role: Oid) -> Result<()> {
    if manager.is_none() || !by_hand::has(role)? {
        return Ok(());
    }
    Err(Kind::Denied
        .error(format!(
            "whether role \"{}\" is a collaborator is not a manager's to decide",
            shown(name)
        ))
        .detail("It, or a member of it, was granted EXECUTE on functions of collaborators by hand: as a collaborator it has limits there, and without a permission none.")
        .hint("Ask the default credential or a superuser."))
}

fn unknown(name: &str, app: &str) -> Error {
    Kind::NotFound
        .error(format!(
            "role \"{}\" is no collaborator of app \"{}\"",
            shown(name),
            shown(app)
        ))
        .hint(format!(
            "SELECT * FROM credentials.collaborators('{}');",
            shown(app)
        ))
}

/// The functions that who has these permissions may call.
pub fn callable(permissions: Permissions) -> String {
    rights::callable(permissions).join(", ")
}

/// A credential was made: by a collaborator it is his to attach, or to destroy, as long as no app has had it.
pub fn note_made(maker: Option<&Limits>, credential: &Credential) -> Result<()> {
    match maker {
        Some(maker) => store::note_made(credential.role, maker.role, &record_name(maker.role)),
        None => Ok(()),
    }
}

/// A role is no credential any more; a collaborator it may still be.
pub fn forget_credential(role: Oid) -> Result<()> {
    attachments::forget_former(role)?;
    store::forget_maker(role)
}

/// A role has gone, and the rights that it was given with it.
pub fn forget(role: Oid) -> Result<()> {
    store::forget(role)
}

/// In another cluster or database: roles that no longer are who was added have nothing, and the others are given
/// what a copy of a database does not have, such as CONNECT on it.
pub fn rebind() -> Result<()> {
    lock::collaborators()?;
    for stranger in all()?.iter().filter(|c| !c.is_bound()) {
        store::delete(stranger.role, &stranger.app)?;
    }
    store::forget_gone()?;
    for role in store::endowed()? {
        rights::settle(role)?;
    }
    Ok(())
}
