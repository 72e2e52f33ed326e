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
    let rights: Vec<Right> = groups
        .iter()
        .map(|group| Right {
            grantee: group.role,
            grantor: Oid::INVALID,
            rights: group.kind.rights_on(kind),
        })
        .filter(|right| right.rights != 0)
        .collect();
    if rights.is_empty() {
        return Ok(false);
    }
    let target = Target {
        class: class.oid(),
        object,
        column: 0,
    };
    acl::give_missing(target, &rights)
}
