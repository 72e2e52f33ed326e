//! The rights in the server that come with permissions: CONNECT, USAGE of our schema, EXECUTE on functions.
//!
//! What was given is written down and taken again; what the role had before, by whomever, stays. All go by OID, in
//! the owner's name: the home database's, and the superuser's who owns the extension.

use super::gate::GATES;
use super::permission::Permissions;
use super::store;
use crate::error::{Kind, Result};
use crate::pg::acl::{self, rights, Right, Target};
use crate::pg::owner::{self, Class};
use crate::pg::{database, ident, Oid};

/// CONNECT on the home database.
const CONNECT: &str = "CONNECT";
/// USAGE on schema credentials.
const USAGE: &str = "USAGE";

/// What a role needs for these permissions, one app's or several's: functions, and what it takes to call them.
fn needed(permissions: Permissions) -> Vec<&'static str> {
    let functions = GATES.iter().filter(|gate| gate.is_open_to(permissions));
    let functions: Vec<&str> = functions.map(|gate| gate.function).collect();
    match functions.is_empty() {
        true => functions,
        false => [vec![CONNECT, USAGE], functions].concat(),
    }
}

/// Gives a role what its permissions need and takes what it was given beyond that. Tells whether anything was
/// changed. The lock of collaborators is held.
pub(super) fn settle(role: Oid) -> Result<bool> {
    let mut permissions = Permissions::default();
    for own in store::all()?
        .iter()
        .filter(|c| c.role == role && c.is_bound())
    {
        permissions = permissions.with(own.permissions);
    }
    let needed = needed(permissions);
    let functions = store::functions()?;
    let mut changed = false;
    for right in &needed {
        let (target, bits) = place(right, &functions)?;
        let missing = Right {
            grantee: role,
            grantor: Oid::INVALID,
            rights: bits,
        };
        if acl::give_missing(target, &[missing])? {
            store::note_given(role, right)?;
            changed = true;
        }
    }
    for given in store::given(role)? {
        if needed.contains(&given.as_str()) {
            continue;
        }
        // A function that an upgrade took away took its rights along.
        if let Ok((target, bits)) = place(&given, &functions) {
            acl::take_back(target, role, bits)?;
        }
        store::note_taken(role, &given)?;
        changed = true;
    }
    Ok(changed)
}

/// The functions that a role may call with these permissions.
pub(super) fn callable(permissions: Permissions) -> Vec<&'static str> {
    needed(permissions).into_iter().skip(2).collect()
}

/// Where a right stands, and which it is.
fn place(right: &str, functions: &[(String, Oid)]) -> Result<(Target, u32)> {
    let on = |class: Class, object: Oid| Target {
        class: class.oid(),
        object,
        column: 0,
    };
    let found = match right {
        CONNECT => Some((on(Class::Database, database::current()), rights::CONNECT)),
        USAGE => {
            let schema = ident::schema_oid("credentials");
            schema.map(|schema| (on(Class::Schema, schema), rights::USAGE))
        }
        name => {
            let function = functions.iter().find(|(function, _)| function == name);
            function.map(|(_, oid)| (on(Class::Routine, *oid), rights::EXECUTE))
        }
    };
    found.ok_or_else(|| Kind::Internal.error("a right on what is not there"))
}

/// EXECUTE on a collaborator's function, of somebody who has no permissions.
pub struct Stray {
    target: Target,
    /// The function.
    pub(super) function: &'static str,
    /// Who has it; 0 for PUBLIC.
    pub grantee: Oid,
}

/// EXECUTE on collaborators' functions that anybody but their owner and default has. Before setup nobody can be a
/// collaborator: such rights came with a dump, which has rights on functions and no row of ours. Afterwards they are
/// what permissions gave, or somebody's hand.
pub fn strays(default: Option<Oid>) -> Result<Vec<Stray>> {
    let functions = store::functions()?;
    let mut strays = Vec::new();
    for gate in GATES {
        let (target, bits) = place(gate.function, &functions)?;
        let owner = owner::of(Class::Routine, target.object);
        let mut holders: Vec<Oid> = acl::list(target)
            .iter()
            .filter(|right| right.rights & bits != 0)
            .map(|right| right.grantee)
            .filter(|holder| Some(*holder) != owner && Some(*holder) != default)
            .collect();
        holders.dedup();
        strays.extend(holders.into_iter().map(|grantee| Stray {
            target,
            function: gate.function,
            grantee,
        }));
    }
    Ok(strays)
}

/// Takes such a right.
pub fn take_stray(stray: &Stray) -> Result<()> {
    acl::take_from(stray.target, stray.grantee, rights::EXECUTE).map(|_| ())
}
