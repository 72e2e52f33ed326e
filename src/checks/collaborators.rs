//! Collaborators who have more than somebody meant, or nothing any more.

use super::finding::{Code, Finding};
use super::people::People;
use crate::attachments::Attachment;
use crate::collaborators::{Collaboration, Permission, Permissions};
use crate::core::quote::{ident, literal};
use crate::error::shown;
use crate::pg::Oid;
use std::collections::HashSet;

/// Collaborators who read the config variable that holds the password they log in with themselves: whoever has
/// a password of theirs has the next one too, so a rotation shuts nobody out.
pub fn own_readers(
    people: &People,
    collaborations: &[Collaboration],
    attachments: &[Attachment],
) -> Vec<Finding> {
    let bound = collaborations.iter().filter(|c| is_bound(people, c));
    let readers = bound.filter(|c| c.permissions.has(Permission::Deploy));
    let mut found = Vec::new();
    for reader in readers {
        let of_app = attachments.iter().filter(|a| a.app == reader.app);
        let own = of_app
            .filter_map(|a| people.credential_of(a.role))
            // The variables of default are told to no collaborator.
            .filter(|c| !c.is_default())
            .find(|c| leads(people, c.role, reader.role) || leads(people, reader.role, c.role));
        found.extend(own.map(|credential| reads_own(reader, &credential.name)));
    }
    found
}

fn reads_own(reader: &Collaboration, credential: &str) -> Finding {
    let rest: Vec<Permission> = Permission::ALL
        .into_iter()
        .filter(|p| *p != Permission::Deploy && reader.permissions.has(*p))
        .collect();
    Finding::new(
        Code::CollaboratorReadsOwnPassword,
        object(reader),
        format!(
            "With deploy it reads the next password of credential \"{}\", which it is or acts as: who has the present one has the next.",
            shown(credential)
        ),
        format!(
            "SELECT * FROM credentials.update_collaborator({}, {}, '{{{}}}');",
            literal(&reader.role_name),
            literal(&reader.app),
            Permissions::of(&rest).words().join(",")
        ),
    )
}

/// Collaborators whose role bears another name than it was added with: they have nothing. Where the role is gone
/// nothing is left to take.
pub fn renamed(people: &People, collaborations: &[Collaboration]) -> Vec<Finding> {
    let mut found = Vec::new();
    for collaboration in collaborations.iter().filter(|c| !is_bound(people, c)) {
        let Some(role) = people.role(collaboration.role) else {
            continue;
        };
        found.push(Finding::new(
            Code::CollaboratorRenamed,
            object(collaboration),
            format!(
                "Its role is called \"{}\" now, so it has no permission any more.",
                shown(&role.name)
            ),
            format!(
                "SELECT * FROM credentials.remove_collaborator({}, {});",
                literal(&role.name),
                literal(&collaboration.app)
            ),
        ));
    }
    found
}

fn object(collaboration: &Collaboration) -> String {
    let name = ident(&collaboration.role_name);
    format!("collaborator {name} of app {}", collaboration.app)
}

fn is_bound(people: &People, collaboration: &Collaboration) -> bool {
    people
        .role(collaboration.role)
        .is_some_and(|role| role.name == collaboration.role_name)
}

/// Whether a role is another, or a member of it, however many steps away.
fn leads(people: &People, from: Oid, to: Oid) -> bool {
    let (mut seen, mut todo) = (HashSet::from([from]), vec![from]);
    while let Some(role) = todo.pop() {
        if role == to {
            return true;
        }
        let granted = people.granted(role).iter();
        todo.extend(granted.copied().filter(|group| seen.insert(*group)));
    }
    false
}
