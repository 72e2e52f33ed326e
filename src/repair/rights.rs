//! What the default credential must be and hold: the list that setup gives and repair restores
//! (seeds/heroku-postgres-credentials.txt; the exact list is FACTS 5.4 of the design).

use super::store;
use crate::access::{self, SUPERUSER_ONLY};
use crate::core::name;
use crate::error::{shown, Result};
use crate::pg::grant::{self, Membership, Target};
use crate::pg::owner::{self, Class};
use crate::pg::role::{self, Options, Role};
use crate::pg::{database, ident, Oid};

/// Memberships of the default credential.
pub const MEMBERSHIPS: [&str; 4] = [
    "pg_monitor",
    "pg_read_all_settings",
    "pg_read_all_stats",
    "pg_signal_backend",
];

/// One thing that default lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Right {
    /// Attributes that it must not have, or must; the words for a person.
    Attributes(Vec<&'static str>),
    /// Ownership of the home database.
    OwnDatabase,
    /// Ownership of schema public.
    OwnPublic,
    /// CONNECT, CREATE and TEMPORARY on the home database, with grant option.
    UseDatabase,
    /// USAGE and CREATE on schema public.
    UsePublic,
    /// A predefined role.
    MemberOf(&'static str),
    /// Default's role is granted to this credential, which stands in the way of the next one.
    EndCycle(String),
    /// ADMIN OPTION on a credential's role, or on a group.
    AdminOf(String),
    /// The same where a circle stands in the way that is not ours to open: default's role is granted to
    /// the group, and the group to the credential. It is told, not given.
    Circle {
        /// The credential's role.
        credential: String,
        /// A group that no credential is.
        group: String,
    },
    /// USAGE on schema credentials.
    UseCredentials,
    /// EXECUTE on a function: its name and argument types.
    Call(String, Vec<Oid>),
}

/// The default role and the database it rules.
pub struct Domain {
    /// The default role.
    pub role: Oid,
    /// Its name.
    pub name: String,
    /// The home database.
    pub database: Oid,
    /// Its name.
    pub database_name: String,
}

impl Domain {
    /// A default role, or one to be, in the database of this backend.
    pub fn here(role: Oid, name: &str) -> Domain {
        let database = database::current();
        Domain {
            role,
            name: name.to_owned(),
            database,
            database_name: ident::database_name(database).unwrap_or_default(),
        }
    }
}

/// What the default role lacks now, in the order in which it is given.
pub fn missing(domain: &Domain) -> Result<Vec<Right>> {
    let mut rights = Vec::new();
    if let Some(found) = role::by_oid(domain.role)? {
        let wrong = wrong_attributes(&found);
        if !wrong.is_empty() {
            rights.push(Right::Attributes(wrong));
        }
    }
    let facts = store::facts(domain.role, domain.database)?;
    let mut need = |lacks: bool, right: Right| {
        if lacks {
            rights.push(right);
        }
    };
    need(!facts.owns_database, Right::OwnDatabase);
    need(
        facts.public_schema.is_some() && !facts.owns_public,
        Right::OwnPublic,
    );
    need(!facts.uses_database, Right::UseDatabase);
    need(
        facts.public_schema.is_some() && !facts.uses_public,
        Right::UsePublic,
    );
    for group in MEMBERSHIPS {
        need(
            !facts.memberships.iter().any(|m| m == group),
            Right::MemberOf(group),
        );
    }
    for member in store::credentials_in(domain.role)? {
        need(true, Right::EndCycle(member));
    }
    let circles = store::credentials_in_through(domain.role)?;
    for credential in store::credentials_without_admin(domain.role)? {
        let circle = circles.iter().find(|(member, _)| *member == credential);
        need(
            true,
            match circle {
                Some((_, group)) => Right::Circle {
                    credential,
                    group: group.clone(),
                },
                None => Right::AdminOf(credential),
            },
        );
    }
    for (role, group) in store::groups_without_admin(domain.role)? {
        // One that was put below default cannot stand above it as well.
        if !access::is_member(role, domain.role)? {
            need(true, Right::AdminOf(group));
        }
    }
    need(!facts.uses_credentials, Right::UseCredentials);
    for (function, types) in store::functions_without_execute(domain.role)? {
        need(
            !SUPERUSER_ONLY.contains(&function.as_str()),
            Right::Call(function, types),
        );
    }
    Ok(rights)
}

/// The attributes that the default role must not have, and LOGIN and INHERIT where it lacks them.
pub fn wrong_attributes(role: &Role) -> Vec<&'static str> {
    [
        (role.superuser, "SUPERUSER"),
        (role.createrole, "CREATEROLE"),
        (role.createdb, "CREATEDB"),
        (role.replication, "REPLICATION"),
        (role.bypassrls, "BYPASSRLS"),
        (!role.login, "NOLOGIN"),
        (!role.inherit, "NOINHERIT"),
    ]
    .into_iter()
    .filter_map(|(wrong, word)| wrong.then_some(word))
    .collect()
}

/// Gives one right.
pub fn give(domain: &Domain, right: &Right) -> Result<()> {
    let (to, database) = (domain.name.as_str(), domain.database_name.as_str());
    match right {
        Right::Attributes(_) => {
            let options = Options {
                login: Some(true),
                plain: true,
                ..Options::default()
            };
            return role::alter(domain.role, to, &options);
        }
        Right::OwnDatabase => return owner::give(Class::Database, domain.database, domain.role),
        Right::OwnPublic => {
            return match store::public_schema()? {
                Some(schema) => owner::give(Class::Schema, schema, domain.role),
                None => Ok(()),
            }
        }
        Right::UseDatabase => {
            let privileges = ["connect", "create", "temporary"];
            grant::set_privileges(
                true,
                &privileges,
                Target::Database(database),
                Some(to),
                true,
            );
        }
        Right::UsePublic => {
            grant::set_privileges(
                true,
                &["usage", "create"],
                Target::Schema("public"),
                Some(to),
                false,
            );
        }
        Right::MemberOf(group) => grant::set_membership(group, to, Membership::Member),
        Right::EndCycle(member) => grant::set_membership(to, member, Membership::None),
        Right::AdminOf(credential) => grant::set_membership(credential, to, Membership::Admin),
        Right::Circle { .. } => {}
        Right::UseCredentials => {
            grant::set_privileges(
                true,
                &["usage"],
                Target::Schema("credentials"),
                Some(to),
                false,
            );
        }
        Right::Call(function, types) => {
            grant::set_privileges(
                true,
                &["execute"],
                Target::Function(function, types),
                Some(to),
                false,
            );
        }
    }
    Ok(())
}

/// Action, object and note of a plan's row.
pub fn describe(domain: &Domain, right: &Right) -> (&'static str, String, String) {
    let to = shown(&domain.name);
    let database = shown(&domain.database_name);
    let (action, object, note) = match right {
        Right::Attributes(words) => (
            "alter role",
            to,
            format!(
                "loses {}; {} keeps its password and settings",
                words.join(", "),
                name::DEFAULT
            ),
        ),
        Right::OwnDatabase => ("own", format!("database {database}"), String::new()),
        Right::OwnPublic => ("own", "schema public".to_owned(), String::new()),
        Right::UseDatabase => (
            "grant",
            format!("database {database}"),
            "CONNECT, CREATE, TEMPORARY with grant option".to_owned(),
        ),
        Right::UsePublic => (
            "grant",
            "schema public".to_owned(),
            "USAGE, CREATE".to_owned(),
        ),
        Right::MemberOf(group) => ("grant", format!("role {group}"), "membership".to_owned()),
        Right::EndCycle(member) => (
            "revoke",
            format!("role {to}"),
            format!(
                "\"{}\" is a member of it, which default's rights over that credential forbid",
                shown(member)
            ),
        ),
        Right::AdminOf(credential) => (
            "grant",
            format!("role {}", shown(credential)),
            "with ADMIN OPTION".to_owned(),
        ),
        Right::Circle { credential, group } => (
            "skip",
            format!("role {}", shown(credential)),
            format!(
                "without ADMIN OPTION: a member of {to} through \"{0}\"; first REVOKE {to} FROM {0}",
                shown(group)
            ),
        ),
        Right::UseCredentials => ("grant", "schema credentials".to_owned(), "USAGE".to_owned()),
        Right::Call(function, _) => (
            "grant",
            format!("function credentials.{function}"),
            "EXECUTE".to_owned(),
        ),
    };
    (action, object, note)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role() -> Role {
        Role {
            oid: Oid::from(20000),
            name: "owner".to_owned(),
            superuser: false,
            createrole: false,
            createdb: false,
            replication: false,
            bypassrls: false,
            login: true,
            inherit: true,
            connection_limit: -1,
            valid_until: None,
            password_encryption: None,
        }
    }

    #[test]
    fn a_role_as_it_must_be_has_no_wrong_attribute() {
        assert!(wrong_attributes(&role()).is_empty());
    }

    #[test]
    fn each_attribute_that_default_must_not_have_is_found() {
        let wrong = Role {
            superuser: true,
            createrole: true,
            createdb: true,
            replication: true,
            bypassrls: true,
            login: false,
            inherit: false,
            ..role()
        };
        assert_eq!(wrong_attributes(&wrong).len(), 7);
    }
}
