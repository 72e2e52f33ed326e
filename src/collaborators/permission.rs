//! What somebody may do with an app: view, deploy, operate, manage. Each stands alone; any of them includes view.
//!
//! Source: seeds/heroku-app-permissions.txt.

use crate::error::{shown, Kind, Result};
use std::collections::BTreeMap;

/// One permission on an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See what the app has.
    View,
    /// Read its config variables, with the passwords in them.
    Deploy,
    /// Rotate its credentials, attach and detach them.
    Operate,
    /// Make and destroy credentials of the app, and say who else may do what.
    Manage,
}

impl Permission {
    /// Every permission, in the order in which they are told.
    pub const ALL: [Permission; 4] = [
        Permission::View,
        Permission::Deploy,
        Permission::Operate,
        Permission::Manage,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Permission::View => "view",
            Permission::Deploy => "deploy",
            Permission::Operate => "operate",
            Permission::Manage => "manage",
        }
    }

    fn parse(word: &str) -> Result<Permission> {
        let found = Permission::ALL.into_iter().find(|p| p.as_str() == word);
        found.ok_or_else(|| {
            Kind::BadArgument
                .error(format!("permission \"{}\" does not exist", shown(word)))
                .hint("Use view, deploy, operate, manage: permissions => '{view,deploy}'.")
        })
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of permissions: none at all, or some with view among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u8);

impl Permissions {
    /// These, and view.
    pub fn of(list: &[Permission]) -> Permissions {
        let bits = list.iter().fold(0, |bits, p| bits | p.bit());
        Permissions(bits | Permission::View.bit())
    }

    /// Those that a caller names; each word may come more than once.
    ///
    /// # Errors
    /// `Kind::BadArgument` for none, or for a word that is no permission.
    pub fn parse(words: &[String]) -> Result<Permissions> {
        if words.is_empty() {
            return Err(Kind::BadArgument
                .error("argument \"permissions\" must not be empty")
                .hint("remove_collaborator() takes all of them away."));
        }
        let list: Result<Vec<Permission>> = words.iter().map(|w| Permission::parse(w)).collect();
        Ok(Permissions::of(&list?))
    }

    /// Whether one is among them.
    pub fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Those of either.
    pub fn with(self, other: Permissions) -> Permissions {
        Permissions(self.0 | other.0)
    }

    /// The first that is among these and not among others.
    pub fn beyond(self, others: Permissions) -> Option<Permission> {
        let mut all = Permission::ALL.into_iter();
        all.find(|p| self.has(*p) && !others.has(*p))
    }

    /// The words, in their order.
    pub fn words(self) -> Vec<String> {
        let own = Permission::ALL.into_iter().filter(|p| self.has(*p));
        own.map(|p| p.as_str().to_owned()).collect()
    }
}

/// What somebody may do, app by app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights(BTreeMap<String, Permissions>);

impl Rights {
    /// Adds permissions on an app to those that are there.
    pub fn add(&mut self, app: &str, permissions: Permissions) {
        let there = self.0.entry(app.to_owned()).or_default();
        *there = there.with(permissions);
    }

    /// Those on one app.
    pub fn on(&self, app: &str) -> Permissions {
        self.0.get(app).copied().unwrap_or_default()
    }

    /// Those on any app.
    pub fn anywhere(&self) -> Permissions {
        let all = self.0.values();
        all.fold(Permissions::default(), |sum, own| sum.with(*own))
    }

    /// The apps, all of which can be viewed.
    pub fn apps(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Whether one of these apps is open with a permission.
    pub fn any(&self, permission: Permission, apps: &[String]) -> bool {
        apps.iter().any(|app| self.on(app).has(permission))
    }

    /// Whether all of these apps are.
    pub fn all(&self, permission: Permission, apps: &[String]) -> bool {
        apps.iter().all(|app| self.on(app).has(permission))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|w| (*w).to_owned()).collect()
    }

    #[test]
    fn any_permission_is_told_with_view_once_and_in_order() {
        for (given, told) in [
            (&["view"][..], &["view"][..]),
            (&["manage"], &["view", "manage"]),
            (
                &["manage", "deploy", "deploy"],
                &["view", "deploy", "manage"],
            ),
            (
                &["operate", "view", "manage", "deploy"],
                &["view", "deploy", "operate", "manage"],
            ),
        ] {
            let parsed = Permissions::parse(&words(given)).map(Permissions::words);
            assert_eq!(parsed, Ok(words(told)));
        }
    }

    #[test]
    fn nothing_and_what_is_no_permission_are_refused() {
        for bad in [&[][..], &["View"], &["view", ""], &["admin"], &["view "]] {
            let error = Permissions::parse(&words(bad)).map_err(|e| e.kind());
            assert_eq!(error, Err(Kind::BadArgument), "{bad:?}");
        }
    }

    #[test]
    fn nobody_has_anything_on_an_app_that_was_not_named() {
        let mut rights = Rights::default();
        rights.add("shop", Permissions::of(&[Permission::Deploy]));
        rights.add("shop", Permissions::of(&[Permission::Operate]));
        assert_eq!(rights.on("shop").words(), ["view", "deploy", "operate"]);
        assert_eq!(rights.on("stock"), Permissions::default());
        assert_eq!(
            rights.anywhere().beyond(rights.on("stock")),
            Some(Permission::View)
        );
        let both = words(&["shop", "stock"]);
        assert!(rights.any(Permission::Deploy, &both) && !rights.all(Permission::Deploy, &both));
    }
}
