//! Rights of groups on objects: given in the owner's name, written only where they are missing.

use super::group::Group;
use super::preset::ObjectKind;
use crate::error::Result;
use crate::pg::acl::{self, Right, Target};
use crate::pg::owner::Class;
use crate::pg::Oid;

/// Gives one object what each of the groups is to have on it, in the name of the object's owner. Writes
/// nothing where they have it; tells whether it wrote.
pub fn to_object(class: Class, object: Oid, kind: ObjectKind, groups: &[Group]) -> Result<bool> {
    let rights = rights(kind, groups);
    if rights.is_empty() {
        return Ok(false);
    }
    acl::give_missing(target(class, object), &rights)
}

/// Takes from each of the groups what it has on one object by its preset. What somebody gave it beyond that
/// stays. Writes nothing where they have none of it.
pub fn take_from(class: Class, object: Oid, kind: ObjectKind, groups: &[Group]) -> Result<()> {
    for right in rights(kind, groups) {
        acl::take_from(target(class, object), right.grantee, right.rights)?;
    }
    Ok(())
}

/// What each of the groups is to have on an object of a kind.
fn rights(kind: ObjectKind, groups: &[Group]) -> Vec<Right> {
    groups
        .iter()
        .map(|group| Right {
            grantee: group.role,
            grantor: Oid::INVALID,
            rights: group.kind.rights_on(kind),
        })
        .filter(|right| right.rights != 0)
        .collect()
}

fn target(class: Class, object: Oid) -> Target {
    Target {
        class: class.oid(),
        object,
        column: 0,
    }
}
