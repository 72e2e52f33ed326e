//! What lies open: rights of PUBLIC, and rights on what is ours.

use super::finding::{Code, Finding};
use super::people::People;
use super::store::{Right, Stranger};
use crate::core::quote::ident;
use crate::error::shown;
use crate::repair::rights::{self, Domain};

/// Rights of PUBLIC on the home database, on schema public, and to create anywhere.
pub fn rights_of_public(people: &People, found: &[Right], database: &str) -> Vec<Finding> {
    found
        .iter()
        .map(|right| {
            let (code, object, place) = match &right.schema {
                None => (
                    Code::PublicDatabase,
                    format!("database {}", ident(database)),
                    format!("DATABASE {}", ident(database)),
                ),
                Some(schema) => {
                    let code = match right.privilege.as_str() {
                        "CREATE" => Code::PublicCreate,
                        _ => Code::PublicSchema,
                    };
                    (
                        code,
                        format!("schema {}", ident(schema)),
                        format!("SCHEMA {}", ident(schema)),
                    )
                }
            };
            let revoke = format!("REVOKE {} ON {place} FROM PUBLIC;", right.privilege);
            Finding::new(
                code,
                object,
                format!(
                    "Every role of the cluster has {} on it through PUBLIC.",
                    right.privilege
                ),
                as_grantor(people, right, &revoke),
            )
        })
        .collect()
}

/// A superuser's REVOKE takes what the owner granted. What somebody else granted is taken in their name.
fn as_grantor(people: &People, right: &Right, revoke: &str) -> String {
    match people
        .role(right.grantor)
        .filter(|_| right.grantor != right.owner)
    {
        Some(grantor) => format!("SET ROLE {}; {revoke} RESET ROLE;", ident(&grantor.name)),
        None => revoke.to_owned(),
    }
}

/// Rights on what is the extension's own.
pub fn strangers(found: &[Stranger]) -> Vec<Finding> {
    found
        .iter()
        .map(|s| {
            let (who, to) = match &s.grantee {
                Some(role) => (format!("Role \"{}\"", shown(role)), ident(role)),
                None => ("Every role".to_owned(), "PUBLIC".to_owned()),
            };
            Finding::new(
                Code::CredentialsGranted,
                format!("{} {}", s.kind.to_lowercase(), s.object),
                format!(
                    "{who} has {} on it, which is the extension's own.",
                    s.privilege
                ),
                format!(
                    "REVOKE {} ON {} {} FROM {to};",
                    s.privilege, s.kind, s.object
                ),
            )
        })
        .collect()
}

/// What the default credential lacks of what repair_default() gives.
pub fn of_default(people: &People, missing: &[rights::Right], domain: &Domain) -> Vec<Finding> {
    // Its attributes are findings of their own, and a circle is not opened by a repair.
    let told = |right: &&rights::Right| {
        !matches!(
            right,
            rights::Right::Attributes(_) | rights::Right::Circle { .. }
        )
    };
    let lacks: Vec<String> = missing
        .iter()
        .filter(told)
        .map(|right| {
            let (action, object, _) = rights::describe(domain, right);
            format!("{action} {object}")
        })
        .collect();
    if lacks.is_empty() {
        return Vec::new();
    }
    let first: Vec<&str> = lacks.iter().take(5).map(String::as_str).collect();
    let more = match lacks.len() > first.len() {
        true => format!(" and {} more", lacks.len() - first.len()),
        false => String::new(),
    };
    vec![Finding::of_role(
        Code::DefaultIncomplete,
        people.default_name(),
        format!("The default credential lacks: {}{more}.", first.join(", ")),
        "SELECT * FROM credentials.repair_default(keep_access => true);",
    )]
}
