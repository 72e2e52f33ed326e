//! What is there already: a new group gets its rights on every object of its schema at once.

use super::give;
use super::group::{Group, EVERY_SCHEMA};
use super::objects::{self, Found};
use crate::catalog;
use crate::core::quote;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::authority::Caller;
use crate::pg::owner::Class;
use crate::pg::xact::Caught;
use crate::pg::{acl, log, xact, Oid};

/// Classes in the order in which they are written.
const CLASSES: [Class; 3] = [Class::Schema, Class::Relation, Class::Routine];

/// Gives a group its rights on all that its schema holds. Objects of superusers and of roles that are not ours
/// are left out, and told, unless the caller could give them away.
pub fn all(caller: &Caller, group: &Group) -> Result<()> {
    let found: Vec<Found> = objects::list(
        group.scope,
        &managed()?,
        caller.is_superuser(),
        caller.effective,
    )?
    .into_iter()
    .filter(|f| group.kind.rights_on(f.kind) != 0)
    .collect();
    let mut refused = None;
    for class in CLASSES {
        let objects: Vec<(Oid, u32)> = found
            .iter()
            .filter(|f| f.given && f.class == class)
            .map(|f| (f.object, group.kind.rights_on(f.kind)))
            .collect();
        match xact::subtransaction(|| acl::give_each(class, &objects, group.role)) {
            Ok(done) => {
                done?;
            }
            Err(caught) if caught.is_contention() => return Err(busy(group)),
            Err(_) => refused = one_by_one(group, &found, class)?.or(refused),
        }
    }
    tell(group, &found, refused);
    Ok(())
}

/// Who is managed: default, the other credentials, their twins, and groups.
pub fn managed() -> Result<Vec<Oid>> {
    let credentials = catalog::all()?.into_iter().map(|c| c.role);
    let twins = catalog::twin::all()?.into_iter().map(|t| t.role);
    let groups = super::group::all()?.into_iter().map(|g| g.role);
    Ok(credentials.chain(twins).chain(groups).collect())
}

/// Objects of a class each by itself, where one of them cannot be written: a list of rights that is full must
/// not keep the others from theirs. Gives what the server said of the last.
fn one_by_one(group: &Group, found: &[Found], class: Class) -> Result<Option<Refused>> {
    let mut refused: Option<Refused> = None;
    for object in found.iter().filter(|f| f.given && f.class == class) {
        let act = || {
            give::to_object(
                class,
                object.object,
                object.kind,
                std::slice::from_ref(group),
            )
        };
        match xact::subtransaction(act) {
            Ok(done) => {
                done?;
            }
            Err(caught) if caught.is_contention() => return Err(busy(group)),
            Err(caught) => {
                let count = refused.map_or(0, |r| r.count) + 1;
                refused = Some(Refused { count, caught });
            }
        }
        xact::check_for_interrupts();
    }
    Ok(refused)
}

/// Objects whose rights the server would not write.
struct Refused {
    count: usize,
    caught: Caught,
}

fn busy(group: &Group) -> Error {
    Kind::Timeout
        .error(format!(
            "an object of schema \"{}\" is being changed by another transaction",
            shown(&group.scope_name)
        ))
        .detail("Nothing was changed.")
        .hint("Call again.")
}

fn tell(group: &Group, found: &[Found], refused: Option<Refused>) {
    let left_out = found.iter().filter(|f| !f.given).count();
    let place = match group.scope == EVERY_SCHEMA {
        true => "all schemas".to_owned(),
        false => format!("schema \"{}\"", shown(&group.scope_name)),
    };
    if left_out > 0 {
        log::notice(&format!(
            "{left_out} objects in {place} belong to superusers or unmanaged roles and are left out: these may GRANT them to {}",
            shown(&quote::ident(&group.role_name))
        ));
    }
    if let Some(Refused { count, caught }) = refused {
        log::warning(&format!(
            "{count} objects in {place} could not be given to {}: {}",
            shown(&group.role_name),
            shown(&caught.message)
        ));
    }
}
