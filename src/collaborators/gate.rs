//! What a collaborator may call, and with what: the whole matrix of permissions, decided of what was read and
//! nothing else.
//!
//! A function that is not here is no collaborator's: we never give EXECUTE on it, and where somebody else did,
//! that decides alone.

use super::permission::Permission::{self, Deploy, Manage, Operate, View};
use super::permission::{Permissions, Rights};

/// What a call names, as far as the matrix asks for it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The app.
    pub app: Option<String>,
    /// The credential, or that of the config variable.
    pub credential: Option<Target>,
    /// Whether a new credential is to have access, or a password that the caller knows.
    pub beyond: bool,
    /// Whether somebody else than default is to own what a destroyed credential had.
    pub other_heir: bool,
}

/// A credential that a call names.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Whether it is default, or has its rights.
    pub is_default: bool,
    /// The apps that have it.
    pub apps: Vec<String>,
    /// The apps that it was detached from.
    pub former: Vec<String>,
    /// Whether the caller made it, as a collaborator.
    pub is_own: bool,
}

/// One function that collaborators may call.
pub struct Gate {
    /// Its name.
    pub function: &'static str,
    /// Who has one of these on any app gets EXECUTE.
    opened_by: &'static [Permission],
    /// What it takes, in words.
    pub takes: &'static str,
    lets: fn(&Rights, &Asked) -> bool,
}

macro_rules! gates {
    ($($function:ident: $($permission:ident)|+, $lets:ident, $takes:literal;)*) => {
        /// Every function that collaborators may call.
        pub const GATES: &[Gate] = &[$(Gate {
            function: stringify!($function),
            opened_by: &[$($permission),+],
            takes: $takes,
            lets: $lets,
        },)*];
    };
}

gates! {
    attachments: View, sees_app, "view on the app";
    collaborators: View, sees_app, "view on the app";
    list: View, sees_anything, "view on an app";
    usernames: View, sees_credential, "view on an app that has the credential";
    events: View, sees_credential, "view on an app that has the credential";
    connection_info: View, sees_this, "view on an app that has the credential";
    config_vars: Deploy, deploys, "deploy on the app";
    rotate: Operate, operates_credential, "operate on an app that has the credential";
    attach: Operate | Manage, attaches, "operate on the app and on one that has the credential (deploy as well, to read it here), or manage for a credential of one's own making that no app has had";
    detach: Operate, detaches, "operate on the app";
    create: Manage, creates, "manage on an app, and neither access nor a chosen password";
    destroy: Manage, destroys, "manage on every app that has or had the credential; what it owns goes to default";
    add_collaborator: Manage, manages, "manage on the app";
    update_collaborator: Manage, manages, "manage on the app";
    remove_collaborator: Manage, manages, "manage on the app";
}

/// The gate of a function, where it has one.
pub fn of(function: &str) -> Option<&'static Gate> {
    GATES.iter().find(|gate| gate.function == function)
}

impl Gate {
    /// Whether a collaborator with these rights may make the call.
    pub fn lets(&self, rights: &Rights, asked: &Asked) -> bool {
        (self.lets)(rights, asked)
    }

    /// Whether these permissions, on one app or on several, take EXECUTE on the function.
    pub fn is_open_to(&self, permissions: Permissions) -> bool {
        self.opened_by.iter().any(|p| permissions.has(*p))
    }
}

/// Whether the app that the call names is open with a permission.
fn on_app(permission: Permission, rights: &Rights, asked: &Asked) -> bool {
    let app = asked.app.as_ref();
    app.is_some_and(|app| rights.on(app).has(permission))
}

/// Whether the credential that the call names is attached to an app that is open with a permission.
fn on_credential(permission: Permission, rights: &Rights, asked: &Asked) -> bool {
    let credential = asked.credential.as_ref();
    credential.is_some_and(|c| !c.is_default && rights.any(permission, &c.apps))
}

fn sees_anything(rights: &Rights, _asked: &Asked) -> bool {
    rights.anywhere().has(View)
}

fn sees_app(rights: &Rights, asked: &Asked) -> bool {
    match asked.app {
        Some(_) => on_app(View, rights, asked),
        None => sees_anything(rights, asked),
    }
}

fn sees_credential(rights: &Rights, asked: &Asked) -> bool {
    match asked.credential {
        Some(_) => on_credential(View, rights, asked),
        None => sees_anything(rights, asked),
    }
}

fn sees_this(rights: &Rights, asked: &Asked) -> bool {
    on_credential(View, rights, asked)
}

fn deploys(rights: &Rights, asked: &Asked) -> bool {
    on_app(Deploy, rights, asked)
}

fn operates_credential(rights: &Rights, asked: &Asked) -> bool {
    on_credential(Operate, rights, asked)
}

/// Nobody tells himself a password by attaching: who reads the variables here must read those of an app that has
/// the credential.
fn attaches(rights: &Rights, asked: &Asked) -> bool {
    let (Some(app), Some(credential)) = (&asked.app, &asked.credential) else {
        return false;
    };
    let here = rights.on(app);
    let operates = here.has(Operate)
        && rights.any(Operate, &credential.apps)
        && (!here.has(Deploy) || rights.any(Deploy, &credential.apps));
    let is_new = credential.is_own && credential.apps.is_empty() && credential.former.is_empty();
    !credential.is_default && (operates || is_new && here.has(Manage))
}

fn detaches(rights: &Rights, asked: &Asked) -> bool {
    // Without a credential there is no such variable, as the function itself will say.
    let is_default = asked.credential.as_ref().is_some_and(|c| c.is_default);
    on_app(Operate, rights, asked) && !is_default
}

fn creates(rights: &Rights, asked: &Asked) -> bool {
    rights.anywhere().has(Manage) && !asked.beyond
}

fn destroys(rights: &Rights, asked: &Asked) -> bool {
    let Some(credential) = &asked.credential else {
        return false;
    };
    let is_new = credential.apps.is_empty() && credential.former.is_empty();
    let is_its = match is_new {
        true => credential.is_own && rights.anywhere().has(Manage),
        false => rights.all(Manage, &credential.apps) && rights.all(Manage, &credential.former),
    };
    is_its && !credential.is_default && !asked.other_heir
}

fn manages(rights: &Rights, asked: &Asked) -> bool {
    on_app(Manage, rights, asked)
}

#[cfg(test)]
mod tests;
