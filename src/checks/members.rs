//! Who reaches further by a membership or by owning: predefined roles, credentials that others may be, tables of
//! credentials, and those who watch the server and may do more.

use super::finding::{Code, Finding};
use super::people::People;
use super::store::{Creator, Owner, Role};
use crate::catalog::{Credential, State};
use crate::core::quote::ident;
use crate::error::shown;
use crate::pg::Oid;
use crate::repair::rights::MEMBERSHIPS;

/// Predefined roles that read or write files, programs or all data.
const REACHING: [&str; 5] = [
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_execute_server_program",
    "pg_read_all_data",
    "pg_write_all_data",
];

/// Predefined roles that only look at the server. `pg_signal_backend`, which default may give as well, ends other
/// people's sessions.
const MONITORING: [&str; 4] = [
    "pg_monitor",
    "pg_read_all_settings",
    "pg_read_all_stats",
    "pg_stat_scan_tables",
];

/// Predefined roles that credentials hold. Default has some by its office; a credential that only watches
/// the server may have those for it.
pub fn predefined(people: &People, only_watches: impl Fn(&Credential) -> bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for credential in &people.credentials {
        let twin = people
            .twins
            .iter()
            .find(|t| t.base == credential.role)
            .map(|t| t.role);
        let starts = [Some(credential.role), twin];
        let mut edges: Vec<(Oid, Oid)> = starts
            .into_iter()
            .flatten()
            .flat_map(|r| people.reached(r))
            .collect();
        edges.retain(|(_, group)| People::is_predefined(*group));
        edges.sort_by_key(|(member, group)| (member.to_u32(), group.to_u32()));
        edges.dedup();
        let mut held: Vec<(&Role, &Role)> = edges
            .into_iter()
            .filter_map(|(member, group)| Some((people.role(member)?, people.role(group)?)))
            .filter(|(_, group)| !group.superuser)
            .collect();
        if credential.is_default() {
            held.retain(|(member, group)| {
                member.oid != credential.role || !MEMBERSHIPS.contains(&group.name.as_str())
            });
        }
        let watching = |group: &Role| MONITORING.contains(&group.name.as_str());
        let any = held.iter().any(|(_, group)| watching(group));
        if any && is_lone(people, credential) && only_watches(credential) {
            held.retain(|(_, group)| !watching(group));
        }
        found.extend(
            held.iter()
                .map(|(member, group)| holds(credential, member, group)),
        );
    }
    found
}

/// Whether a credential is a member of the server's own roles and of no other.
fn is_lone(people: &People, credential: &Credential) -> bool {
    people
        .granted(credential.role)
        .iter()
        .all(|g| People::is_predefined(*g))
}

fn holds(credential: &Credential, member: &Role, group: &Role) -> Finding {
    let (code, what) = match REACHING.contains(&group.name.as_str()) {
        true => (Code::AllData, "reaches files, programs or all data"),
        false => (Code::PredefinedRole, "holds a predefined role"),
    };
    let through = match member.oid == credential.role {
        true => String::new(),
        false => format!(" through \"{}\"", shown(&member.name)),
    };
    Finding::new(
        code,
        format!("credential {}", credential.name),
        format!("It {what}: it is a member of {}{through}.", group.name),
        format!(
            "REVOKE {} FROM {};",
            ident(&group.name),
            ident(&member.name)
        ),
    )
}

/// Roles that may act as a credential: members of its role other than default and its twin. Who is a
/// member of default is left alone, since that is how a person gets default's rights.
pub fn shared(people: &People) -> Vec<Finding> {
    let default = people.default().map(|c| c.role);
    let mut found = Vec::new();
    for edge in people.memberships() {
        let Some(credential) = people.credentials.iter().find(|c| c.role == edge.group) else {
            continue;
        };
        let (Some(member), Some(role)) = (people.role(edge.member), people.role(edge.group)) else {
            continue;
        };
        let its_twin = people
            .credential_of(member.oid)
            .is_some_and(|c| c.role == credential.role);
        if credential.is_default() || its_twin || member.superuser || Some(member.oid) == default {
            continue;
        }
        if member.name == credential.twin_name() {
            continue;
        }
        found.push(Finding::new(
            Code::CredentialShared,
            format!("credential {}", credential.name),
            format!(
                "Role \"{}\" is a member of it, and may do all that it may.",
                shown(&member.name)
            ),
            format!("REVOKE {} FROM {};", ident(&role.name), ident(&member.name)),
        ));
    }
    found
}

/// Credentials that own tables: who owns a table may drop it.
pub fn table_owners(people: &People, owners: &[Owner]) -> Vec<Finding> {
    let owner = |o: &Owner| {
        Some((
            people.credential_of(o.role)?.clone(),
            o.tables,
            o.example.clone(),
        ))
    };
    owners
        .iter()
        .filter_map(owner)
        .filter(|(credential, ..)| {
            !credential.is_default() && credential.state != State::Destroying
        })
        .map(|(credential, tables, example)| {
            Finding::new(
                Code::OwnsTables,
                format!("credential {}", credential.name),
                format!("It owns {tables} of the tables here ({example}), and may drop them."),
                "SELECT * FROM credentials.repair_default(keep_access => true);",
            )
        })
        .collect()
}

/// Roles that watch the server and may make or drop what is in this database. What a rotating twin has it has from
/// its credential, of which it is told: taken from the twin it would end the rotation.
pub fn monitors(
    people: &People,
    creators: &[Creator],
    owners: &[Owner],
    database: &str,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let watches = |role: &&&Role| {
        role.login
            && !role.superuser
            && people.default().is_none_or(|d| d.role != role.oid)
            && people
                .credential_of(role.oid)
                .is_none_or(|c| c.role == role.oid)
            && people.reached(role.oid).iter().any(|(_, group)| {
                people
                    .role(*group)
                    .is_some_and(|g| MONITORING.contains(&g.name.as_str()))
            })
    };
    for monitor in people.all().iter().filter(watches) {
        let name = ident(&monitor.name);
        let mut told = |what: String, remedy: String| {
            found.push(Finding::of_role(
                Code::MonitorDdl,
                &monitor.name,
                format!("It watches the server, and {what}."),
                remedy,
            ));
        };
        for creator in creators.iter().filter(|c| c.role == monitor.oid) {
            let place = match &creator.schema {
                Some(schema) => format!("SCHEMA {}", ident(schema)),
                None => format!("DATABASE {}", ident(database)),
            };
            match creator.owns {
                true => told(
                    format!("owns {place}"),
                    format!("ALTER {place} OWNER TO {};", ident(people.default_name())),
                ),
                false => told(
                    format!("may create in {place}"),
                    format!("REVOKE CREATE ON {place} FROM {name};"),
                ),
            }
        }
        let through = people
            .reached(monitor.oid)
            .into_iter()
            .map(|(_, group)| group);
        let through = through.filter(|group| creators.iter().any(|c| c.role == *group));
        for group in through.filter_map(|oid| people.role(oid)) {
            let first = people.granted(monitor.oid).iter().find(|g| {
                **g == group.oid
                    || people
                        .reached(**g)
                        .iter()
                        .any(|(_, above)| *above == group.oid)
            });
            if let Some(first) = first.and_then(|oid| people.role(*oid)) {
                told(
                    format!("may create by way of \"{}\"", shown(&group.name)),
                    format!("REVOKE {} FROM {name};", ident(&first.name)),
                );
            }
        }
        // A credential's tables are a finding of their own.
        let owned = owners.iter().find(|o| o.role == monitor.oid);
        if let Some(owner) = owned.filter(|_| people.credential_of(monitor.oid).is_none()) {
            told(
                format!("owns {} tables here ({})", owner.tables, owner.example),
                format!(
                    "REASSIGN OWNED BY {name} TO {};",
                    ident(people.default_name())
                ),
            );
        }
    }
    found
}
