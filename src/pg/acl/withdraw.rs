//! All that a role has on a target is taken, so that it can be given back as it was: who gave it and what it may
//! hand on. What others had from the role they keep, from the object's owner.

use super::place::Place;
use super::{entries, open, Right, Target};
use crate::error::Result;
use crate::pg::{ident, version, xact, Oid};
use pgrx::pg_sys;

/// What was taken of a role on one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Withdrawn {
    /// Its own rights, by who gave them.
    pub own: Vec<Right>,
    /// What others had from it.
    pub passed: Vec<Passed>,
}

/// What somebody had from the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Who.
    pub grantee: Oid,
    /// The bits.
    pub rights: u32,
    /// Those of them that the owner had not given as well, and gave in the role's place.
    pub replaced: u32,
}

/// Takes every right of a role on a target; nothing where it has none, owns it, or the target is gone.
pub fn withdraw(target: Target, role: Oid) -> Result<Option<Withdrawn>> {
    // SAFETY: as in `take_from`. The owner gives first what others had from the role: what hangs on the role's
    // rights goes with them, but for what is held from somebody else too (acl.c, recursive_revoke).
    let taken = unsafe {
        let Some((place, old, mut acl)) = open(target)? else {
            return Ok(None);
        };
        let list = entries(acl);
        let taken = found(&list, place.owner, role);
        if place.owner == role || taken.own.is_empty() {
            place.close();
            return Ok(None);
        }
        for passed in &taken.passed {
            acl = update(
                acl,
                &place,
                Mode::Add,
                passed.grantee,
                place.owner,
                passed.rights,
            );
        }
        for right in &taken.own {
            acl = update(acl, &place, Mode::Take, role, right.grantor, right.rights);
        }
        place.put(old, acl);
        taken
    };
    xact::next_command();
    Ok(Some(taken))
}

/// Gives a role back what was taken. Where who gave it may not any more, the owner does. Who has lost meanwhile
/// what the owner gave in the role's place does not get it again.
pub fn give_back(target: Target, role: Oid, taken: &Withdrawn) -> Result<()> {
    // SAFETY: as in `withdraw`.
    unsafe {
        let Some((place, old, mut acl)) = open(target)? else {
            return Ok(());
        };
        if place.owner == role {
            place.close();
            return Ok(());
        }
        for right in &taken.own {
            let whose = giver(&entries(acl), place.owner, right);
            acl = update(acl, &place, Mode::Add, role, whose, right.rights);
        }
        for passed in taken.passed.iter().filter(|p| is_there(p.grantee)) {
            let still = held(&entries(acl), passed.grantee, place.owner);
            let rights = passed.rights & (still | !passed.replaced);
            acl = update(acl, &place, Mode::Add, passed.grantee, role, rights);
            let owners = passed.replaced & still;
            acl = update(acl, &place, Mode::Take, passed.grantee, place.owner, owners);
        }
        place.put(old, acl);
    }
    xact::next_command();
    Ok(())
}

fn found(list: &[Right], owner: Oid, role: Oid) -> Withdrawn {
    let own = list.iter().filter(|r| r.grantee == role && r.rights != 0);
    let passed = list
        .iter()
        .filter(|r| r.grantor == role && r.grantee != role)
        .map(|r| Passed {
            grantee: r.grantee,
            rights: r.rights,
            replaced: r.rights & !held(list, r.grantee, owner),
        });
    Withdrawn {
        own: own.copied().collect(),
        passed: passed.collect(),
    }
}

/// What somebody holds from one grantor.
fn held(list: &[Right], grantee: Oid, grantor: Oid) -> u32 {
    let from = |r: &&Right| r.grantee == grantee && r.grantor == grantor;
    list.iter().filter(from).fold(0, |bits, r| bits | r.rights)
}

/// Who gives a right again: who gave it, while that one is there and may; else the owner.
fn giver(list: &[Right], owner: Oid, right: &Right) -> Oid {
    let wanted = (right.rights | right.rights >> 16) & 0xFFFF;
    let may = list
        .iter()
        .filter(|r| r.grantee == right.grantor)
        .fold(0, |bits, r| bits | r.rights >> 16);
    match may & wanted == wanted && is_there(right.grantor) {
        true => right.grantor,
        false => owner,
    }
}

/// Whether rights can be somebody's: PUBLIC's, or those of a role that is there.
fn is_there(role: Oid) -> bool {
    role == super::PUBLIC || ident::role_name(role).is_some()
}

enum Mode {
    Add,
    Take,
}

/// # Safety
/// `acl` must be the access list of the open place.
unsafe fn update(
    acl: *mut pg_sys::Acl,
    place: &Place,
    mode: Mode,
    grantee: Oid,
    grantor: Oid,
    rights: u32,
) -> *mut pg_sys::Acl {
    if rights == 0 {
        return acl;
    }
    let item = version::acl_item(grantee, grantor, rights);
    let how = match mode {
        Mode::Add => pg_sys::ACL_MODECHG_ADD,
        Mode::Take => pg_sys::ACL_MODECHG_DEL,
    };
    let cascade = pg_sys::DropBehavior::DROP_CASCADE;
    // SAFETY: as the caller vouches; a copy is made.
    unsafe { pg_sys::aclupdate(acl, &item, how as i32, place.owner, cascade) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(number: u32) -> Oid {
        Oid::from(number)
    }

    fn right(grantee: u32, grantor: u32, rights: u32) -> Right {
        Right {
            grantee: oid(grantee),
            grantor: oid(grantor),
            rights,
        }
    }

    #[test]
    fn what_is_taken_is_the_roles_own_and_what_others_had_from_it() {
        let list = [
            right(1, 1, 0x7F),
            right(2, 1, 3 | 1 << 16),
            right(3, 2, 1),
            right(3, 1, 2),
            right(4, 2, 1),
            right(4, 1, 1),
            right(5, 1, 1),
        ];
        let taken = found(&list, oid(1), oid(2));
        assert_eq!(taken.own, [right(2, 1, 3 | 1 << 16)]);
        let passed = |grantee, rights, replaced| Passed {
            grantee: oid(grantee),
            rights,
            replaced,
        };
        assert_eq!(taken.passed, [passed(3, 1, 1), passed(4, 1, 0)]);
    }

    #[test]
    fn of_a_role_that_has_nothing_nothing_is_taken() {
        let list = [right(1, 1, 0x7F), right(3, 1, 2)];
        assert_eq!(found(&list, oid(1), oid(2)), Withdrawn::default());
    }
}
