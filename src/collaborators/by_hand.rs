//! EXECUTE on collaborators' functions that no permission gave: by GRANT, as an exporter or a pipeline has it.

use super::{rights, store};
use crate::catalog;
use crate::error::Result;
use crate::pg::authority::{has_privileges_of, is_superuser};
use crate::pg::Oid;

/// Whether such EXECUTE would decide for anybody who has the privileges of a role, if it were not for permissions.
/// Superusers, and who has default's rights, are not asked.
pub(super) fn has(role: Oid) -> Result<bool> {
    let default = catalog::default_role()?;
    let given = store::all_given()?;
    let mut holders: Vec<Oid> = rights::strays(default)?
        .into_iter()
        .filter(|stray| !given.contains(&(stray.grantee, stray.function.to_owned())))
        .map(|stray| stray.grantee)
        .collect();
    holders.dedup();
    if holders.is_empty() {
        return Ok(false);
    }
    let is_free =
        |who: Oid| is_superuser(who) || default.is_some_and(|d| has_privileges_of(who, d));
    let reaches = |who: Oid| {
        let is_public = |holder: Oid| holder == Oid::INVALID;
        holders
            .iter()
            .any(|h| is_public(*h) || has_privileges_of(who, *h))
    };
    let mut who = store::members(role)?.into_iter();
    Ok(who.any(|who| has_privileges_of(who, role) && !is_free(who) && reaches(who)))
}
