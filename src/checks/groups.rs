//! Managed groups and what they hold, readers by plain grants, and access lists that grow too long.

use super::finding::{Code, Finding};
use super::people::People;
use super::roles::{elevations, renamed_back, without};
use super::store::{Crowded, Gap, Grantee, Lacking};
use crate::core::quote::{ident, qualified};
use crate::error::shown;
use crate::permissions::{GroupKind, ObjectKind};
use crate::pg::acl::rights;
use crate::pg::Oid;
use std::collections::BTreeMap;

/// Groups whose role was renamed, dropped, opened, or whose schema is gone: of these, whether nothing hangs on them.
pub fn roles(people: &People, stale: &[(Oid, bool)]) -> Vec<Finding> {
    let mut found = Vec::new();
    for group in &people.groups {
        let place = match group.scope == Oid::INVALID {
            true => "every schema".to_owned(),
            false => format!("schema \"{}\"", shown(&group.scope_name)),
        };
        let forget = format!(
            "DELETE FROM credentials.access_group WHERE role OPERATOR(pg_catalog.=) {}::pg_catalog.oid;",
            group.role.to_u32()
        );
        let Some(role) = people.role(group.role) else {
            found.push(Finding::of_role(
                Code::GroupGone,
                &group.role_name,
                format!("The group with the rights on {place} was dropped."),
                forget,
            ));
            continue;
        };
        if role.name != group.role_name {
            found.push(Finding::of_role(
                Code::GroupRenamed,
                &role.name,
                format!(
                    "The group with the rights on {place} was renamed; it is bound as \"{}\".",
                    shown(&group.role_name)
                ),
                renamed_back(people, role, &group.role_name),
            ));
        }
        if let Some((_, idle)) = stale.iter().find(|(stale, _)| *stale == group.role) {
            let name = ident(&role.name);
            // As where a dump has brought the schema back: another one, with the group's rights of before.
            let clear = match idle {
                true => String::new(),
                false => format!(
                    "REASSIGN OWNED BY {name} TO {}; DROP OWNED BY {name}; ",
                    ident(people.default_name())
                ),
            };
            found.push(Finding::of_role(
                Code::GroupStale,
                &role.name,
                format!(
                    "The schema \"{}\" that it had its rights on is gone.",
                    shown(&group.scope_name)
                ),
                format!("{forget} {clear}DROP ROLE {name};"),
            ));
        }
        let mut words = elevations(role);
        if role.login {
            words.insert(0, "LOGIN");
        }
        if !words.is_empty() {
            found.push(Finding::of_role(
                Code::GroupElevated,
                &role.name,
                format!(
                    "The group with the rights on {place} has {}, which none may.",
                    words.join(", ")
                ),
                without(&role.name, &words),
            ));
        }
    }
    found
}

/// Groups that are to own their schema, and somebody else does.
pub fn not_owners(people: &People, found: &[(Oid, String)]) -> Vec<Finding> {
    let bound = |role: Oid| {
        people.role(role).filter(|r| {
            people
                .groups
                .iter()
                .any(|g| g.role == role && g.role_name == r.name)
        })
    };
    found
        .iter()
        .filter_map(|(role, schema)| Some((bound(*role)?, schema)))
        .map(|(role, schema)| {
            Finding::new(
                Code::GroupNotOwner,
                format!("schema {}", ident(schema)),
                format!(
                    "It does not belong to the group \"{}\", whose members have it.",
                    shown(&role.name)
                ),
                format!(
                    "ALTER SCHEMA {} OWNER TO {};",
                    ident(schema),
                    ident(&role.name)
                ),
            )
        })
        .collect()
}

/// Objects that a group lacks its rights on.
pub fn lacking(people: &People, found: &[Lacking]) -> Vec<Finding> {
    let told = |lack: &Lacking| {
        let group = people.groups.iter().find(|g| g.role == lack.group)?;
        let (kind, word) = kind_of(&lack.kind);
        let object = format!("{word} {}", lack.object);
        Some(Finding::new(
            Code::GroupRights,
            object.clone(),
            format!(
                "The group \"{}\" lacks its rights on it.",
                shown(&group.role_name)
            ),
            format!(
                "GRANT {} ON {} TO {};",
                words(group.kind, kind),
                object.replacen(word, &word.to_uppercase(), 1),
                ident(&group.role_name)
            ),
        ))
    };
    found.iter().filter_map(told).collect()
}

/// What an object is to a preset, and the word of GRANT for it.
fn kind_of(letter: &str) -> (ObjectKind, &'static str) {
    match letter {
        "n" => (ObjectKind::Schema, "schema"),
        "m" => (ObjectKind::MaterializedView, "table"),
        "S" => (ObjectKind::Sequence, "sequence"),
        "F" => (ObjectKind::Routine, "routine"),
        _ => (ObjectKind::Table, "table"),
    }
}

/// The rights of a kind of group on a kind of object, as GRANT has them.
fn words(group: GroupKind, object: ObjectKind) -> String {
    let given = group.rights_on(object);
    let all = [
        (rights::SELECT, "SELECT"),
        (rights::INSERT, "INSERT"),
        (rights::UPDATE, "UPDATE"),
        (rights::DELETE, "DELETE"),
        (rights::USAGE, "USAGE"),
        (rights::EXECUTE, "EXECUTE"),
    ];
    let given = all.iter().filter(|(bit, _)| given & bit != 0);
    given.map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

/// Schemas whose readers, by plain grants on every table, will not read the next one.
pub fn reading_gaps(gaps: &[Gap]) -> Vec<Finding> {
    let mut by_statement: BTreeMap<(&str, &str, String), Vec<&str>> = BTreeMap::new();
    for gap in gaps {
        let key = (
            gap.schema.as_str(),
            gap.creator.as_str(),
            gap.rights.join(", "),
        );
        by_statement.entry(key).or_default().push(&gap.reader);
    }
    by_statement
        .into_iter()
        .map(|((schema, creator, rights), mut readers)| {
            readers.sort_unstable();
            Finding::new(
                Code::DefaultPrivileges,
                format!("schema {}", ident(schema)),
                format!(
                    "{} may use every table there, and not the next one that \"{}\" makes.",
                    some(&readers),
                    shown(creator)
                ),
                format!(
                    "ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {} GRANT {rights} ON TABLES TO {};",
                    ident(creator),
                    ident(schema),
                    list(&readers)
                ),
            )
        })
        .collect()
}

/// The first of some roles, in words.
fn some(names: &[&str]) -> String {
    let first: Vec<String> = names
        .iter()
        .take(3)
        .map(|n| format!("\"{}\"", shown(n)))
        .collect();
    match names.len() > first.len() {
        true => format!(
            "{} and {} more",
            first.join(", "),
            names.len() - first.len()
        ),
        false => first.join(", "),
    }
}

/// Roles, as GRANT has them.
fn list(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| ident(name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Bytes that a row of `pg_class` can have: it is not stored out of line, so an access list that is longer
/// makes the next GRANT fail.
const ROW: i32 = 8_160;

/// From here on a list is told: half of what there is room for.
pub const CROWDED: i32 = ROW / 2;

/// A table whose access list is near its limit. Those who may do the same get it through a group.
pub fn crowded(people: &People, table: &Crowded, grantees: &[Grantee]) -> Finding {
    let object = qualified(&table.schema, &table.name);
    let kind = match table.is_sequence {
        true => "SEQUENCE",
        false => "TABLE",
    };
    let mut by_rights: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for grantee in grantees {
        by_rights
            .entry(grantee.rights.join(", "))
            .or_default()
            .push(&grantee.name);
    }
    let (rights, members) = by_rights
        .into_iter()
        .max_by_key(|(_, names)| names.len())
        .unwrap_or_default();
    let group = free_name(people, &format!("acl_{}", table.oid.to_u32()));
    let members = list(&members);
    Finding::new(
        Code::AclSize,
        format!("{} {object}", kind.to_lowercase()),
        format!(
            "Its access list takes {} of about {ROW} bytes that there is room for; beyond, GRANT fails.",
            table.bytes
        ),
        format!(
            "CREATE ROLE {group}; GRANT {rights} ON {kind} {object} TO {group}; GRANT {group} TO {members}; REVOKE {rights} ON {kind} {object} FROM {members};"
        ),
    )
}

/// A role name that nobody bears.
fn free_name(people: &People, wanted: &str) -> String {
    let mut name = wanted.to_owned();
    while people.named(&name).is_some() {
        name.push('x');
    }
    name
}
