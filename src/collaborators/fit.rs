//! Which roles can be collaborators.

use crate::catalog::{self, twin};
use crate::error::{shown, Kind, Result};
use crate::permissions::group;
use crate::pg::{authority, ident, Oid};

/// The longest name of a role (NAMEDATALEN without its end).
const LONGEST_NAME: usize = 63;

/// The first OID that initdb does not give away (transam.h, FirstNormalObjectId).
const FIRST_NORMAL_OID: u32 = 16_384;

/// The role of a name, where it can be a collaborator.
pub(super) fn role(raw: &str) -> Result<Oid> {
    let named = (raw.len() <= LONGEST_NAME).then(|| ident::role_oid(raw));
    let role = named.flatten().ok_or_else(|| {
        Kind::NotFound
            .error(format!("role \"{}\" does not exist", shown(raw)))
            .detail("A collaborator is a role that somebody logs in as, or a group of such roles.")
            .hint("Make it first, with CREATE ROLE or credentials.create().")
    })?;
    match why_not(role)? {
        None => Ok(role),
        Some(why) => Err(Kind::Denied
            .error(format!("role \"{}\" cannot be a collaborator", shown(raw)))
            .detail(why)),
    }
}

fn why_not(role: Oid) -> Result<Option<&'static str>> {
    let above_default = |default: Oid| role == default || authority::is_member(role, default);
    Ok(if role.to_u32() < FIRST_NORMAL_OID {
        Some("The server made it for itself.")
    } else if authority::is_superuser(role) {
        Some("It is a superuser, and may do everything.")
    } else if catalog::default_role()?.is_some_and(above_default) {
        Some("It has the rights of the default credential, and no limits.")
    } else if group::by_role(role)?.is_some() {
        Some("It is a group that holds the rights of a preset.")
    } else if twin::owner(role)?.is_some() {
        Some("It is a rotating twin: add its credential's role.")
    } else {
        None
    })
}
