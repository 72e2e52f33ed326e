//! Roles that are more than they should be, or other than they were bound.

use super::finding::{Code, Finding};
use super::people::People;
use super::store::{EventTrigger, Role, StrangeSession};
use crate::catalog::State;
use crate::core::quote::{ident, literal};
use crate::error::shown;
use crate::pg::Oid;

/// Superusers beyond the first, the one of initdb where it logs in.
pub fn superusers(people: &People) -> Vec<Finding> {
    let mut all = people.all();
    all.retain(|r| r.superuser && r.login && !people.is_managed(r.oid));
    all.iter()
        .skip(1)
        .map(|role| {
            Finding::of_role(
                Code::SuperuserLogin,
                &role.name,
                format!(
                    "Role \"{}\" logs in as a superuser, and is not the only one.",
                    shown(&role.name)
                ),
                format!("ALTER ROLE {} NOSUPERUSER;", ident(&role.name)),
            )
        })
        .collect()
}

/// Logins with CREATEROLE, which may change the password of any role that is not a superuser.
pub fn createrole(people: &People) -> Vec<Finding> {
    let mut all = people.all();
    all.retain(|r| r.createrole && r.login && !r.superuser && !people.is_managed(r.oid));
    all.iter()
        .map(|role| {
            Finding::of_role(
                Code::CreateroleLogin,
                &role.name,
                format!("Role \"{}\" may change every credential's password and grant itself predefined roles.", shown(&role.name)),
                format!("ALTER ROLE {} NOCREATEROLE;", ident(&role.name)),
            )
        })
        .collect()
}

/// Superusers that are connected from other machines.
pub fn sessions(found: &[StrangeSession]) -> Vec<Finding> {
    found
        .iter()
        .map(|s| {
            Finding::new(
                Code::SuperuserSession,
                format!("session {}", s.pid),
                format!(
                    "The superuser \"{}\" is connected from {}; superusers belong on the server's own socket.",
                    shown(&s.user),
                    s.address
                ),
                format!("SELECT pg_catalog.pg_terminate_backend({});", s.pid),
            )
        })
        .collect()
}

/// Event triggers that run somebody's code in a superuser's statements.
pub fn event_triggers(found: &[EventTrigger]) -> Vec<Finding> {
    found
        .iter()
        .map(|t| {
            Finding::new(
                Code::EventTrigger,
                format!("event trigger {}", ident(&t.name)),
                format!(
                    "What \"{}\", who is no superuser, wrote runs in the statements of superusers.",
                    shown(&t.author)
                ),
                format!("ALTER EVENT TRIGGER {} DISABLE;", ident(&t.name)),
            )
        })
        .collect()
}

/// Words of ALTER ROLE for what a credential's role or a group must not have.
pub fn elevations(role: &Role) -> Vec<&'static str> {
    [
        (role.superuser, "SUPERUSER"),
        (role.createrole, "CREATEROLE"),
        (role.createdb, "CREATEDB"),
        (role.replication, "REPLICATION"),
        (role.bypassrls, "BYPASSRLS"),
    ]
    .into_iter()
    .filter_map(|(has, word)| has.then_some(word))
    .collect()
}

/// The statement that takes attributes from a role.
pub fn without(role: &str, words: &[&str]) -> String {
    let no: String = words.iter().map(|word| format!(" NO{word}")).collect();
    format!("ALTER ROLE {}{no};", ident(role))
}

/// Credentials and twins whose role holds what no credential may.
pub fn elevated(people: &People) -> Vec<Finding> {
    let roles = people.credentials.iter().map(|c| c.role);
    let roles = roles.chain(people.twins.iter().map(|t| t.role));
    let mut found = Vec::new();
    for role in roles.filter_map(|oid| people.role(oid)) {
        let words = elevations(role);
        if !words.is_empty() {
            found.push(Finding::of_role(
                Code::RoleElevated,
                &role.name,
                format!(
                    "The role of a credential has {}, which none may.",
                    words.join(", ")
                ),
                without(&role.name, &words),
            ));
        }
        let own = people.credential_of(role.oid).map(|c| c.role);
        for group in people.granted(role.oid) {
            let other = people.credential_of(*group);
            let Some(above) = people
                .role(*group)
                .filter(|_| other.is_none() || other.map(|c| c.role) == own)
            else {
                continue;
            };
            if *group != own.unwrap_or(Oid::INVALID) && people.leads_to_superuser(*group) {
                found.push(Finding::of_role(
                    Code::RoleElevated,
                    &role.name,
                    format!(
                        "The role of a credential is a member of \"{}\", and so a superuser.",
                        shown(&above.name)
                    ),
                    format!("REVOKE {} FROM {};", ident(&above.name), ident(&role.name)),
                ));
            }
        }
    }
    found
}

/// Credentials whose role is gone, or bears another name than it was bound with.
pub fn unbound(people: &People) -> Vec<Finding> {
    let mut found = Vec::new();
    for credential in people.credentials.iter().filter(|c| !people.is_bound(c)) {
        let bound = credential.role_name.as_str();
        let Some(role) = people.role(credential.role) else {
            // Nothing but its row is left of a credential whose role is gone.
            if !credential.is_default() {
                found.push(Finding::of_role(
                    Code::RoleGone,
                    bound,
                    format!(
                        "The role of credential \"{}\" was dropped.",
                        shown(&credential.name)
                    ),
                    format!(
                        "SELECT * FROM credentials.release({});",
                        literal(&credential.name)
                    ),
                ));
            }
            continue;
        };
        found.push(Finding::of_role(
            Code::RoleRenamed,
            &role.name,
            format!(
                "The role of credential \"{}\" was renamed; it is bound as \"{}\".",
                shown(&credential.name),
                shown(bound)
            ),
            renamed_back(people, role, bound),
        ));
    }
    found
}

/// Gives a role its bound name back; who bears that now gets one that nobody has.
pub fn renamed_back(people: &People, role: &Role, bound: &str) -> String {
    let back = format!(
        "ALTER ROLE {} RENAME TO {};",
        ident(&role.name),
        ident(bound)
    );
    match people.named(bound) {
        Some(other) => format!("{} {back}", aside(other)),
        None => back,
    }
}

/// Renames a role to something that is surely free.
fn aside(role: &Role) -> String {
    format!(
        "ALTER ROLE {} RENAME TO stray_{};",
        ident(&role.name),
        role.oid.to_u32()
    )
}

/// Credentials whose role logs in where it must not, or does not where it should.
pub fn doors(people: &People, busy: &[Oid], database: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for credential in people
        .credentials
        .iter()
        .filter(|c| !busy.contains(&c.role))
    {
        let Some(role) = people.role(credential.role) else {
            continue;
        };
        let name = shown(&credential.name);
        let closed = matches!(credential.state, State::Suspended | State::Destroying);
        let open = matches!(
            credential.state,
            State::Active | State::Rotating | State::Lingering
        );
        let alter = |word: &str| format!("ALTER ROLE {} {word};", ident(&role.name));
        if closed && role.login {
            let sentence = format!(
                "Credential \"{name}\" is {}, and its role logs in.",
                credential.state.as_str()
            );
            found.push(Finding::of_role(
                Code::RoleOpen,
                &role.name,
                sentence,
                alter("NOLOGIN"),
            ));
        }
        // What a lease ends by is the worker's to see, and what default lacks is told as a whole.
        let expired = role.expired && credential.lease_until.is_none();
        let shut_out = !role.connects && !credential.is_default();
        let admit = || {
            let (database, role) = (ident(database), ident(&role.name));
            format!("GRANT CONNECT ON DATABASE {database} TO {role};")
        };
        for (closed, why, remedy) in [
            (!role.login, "cannot log in", alter("LOGIN")),
            (
                expired,
                "has a password that has expired",
                alter("VALID UNTIL 'infinity'"),
            ),
            (shut_out, "may not connect to this database", admit()),
        ] {
            if open && closed {
                let state = credential.state.as_str();
                let sentence = format!("Credential \"{name}\" is {state}, and its role {why}.");
                let found_here = Finding::of_role(Code::RoleClosed, &role.name, sentence, remedy);
                found.push(found_here);
            }
        }
        if !role.inherit {
            let sentence = format!("Credential \"{name}\" does not have the rights of its groups until it says SET ROLE.");
            found.push(Finding::of_role(
                Code::RoleNoinherit,
                &role.name,
                sentence,
                alter("INHERIT"),
            ));
        }
    }
    found
}

/// Roles that bear a twin's name and are none.
pub fn strays(people: &People) -> Vec<Finding> {
    let mut found = Vec::new();
    for credential in &people.credentials {
        let twin = credential.twin_name();
        let Some(stray) = people.named(&twin) else {
            continue;
        };
        if people.twins.iter().any(|t| t.role == stray.oid) {
            continue;
        }
        // Who is a member of the credential may be a twin that was left over; anybody else keeps the login.
        let leftover = people.granted(stray.oid).contains(&credential.role);
        let close = match leftover && stray.login {
            true => format!("ALTER ROLE {} NOLOGIN; ", ident(&twin)),
            false => String::new(),
        };
        found.push(Finding::of_role(
            Code::TwinStray,
            &twin,
            format!(
                "It bears the name of the rotating twin of \"{}\" and is none: that credential cannot rotate.",
                shown(&credential.name)
            ),
            format!("{close}{}", aside(stray)),
        ));
    }
    found
}
