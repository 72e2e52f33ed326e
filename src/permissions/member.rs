//! Who is a member of which group: asked of the server's own memberships, so that a plain GRANT counts.

use super::group::{self, Group};
use super::preset::{Access, GroupKind};
use crate::error::{Kind, Result};
use crate::pg::grant::{self, Membership};
use crate::pg::role;
use crate::pg::spi;
use crate::pg::Oid;
use std::collections::{BTreeMap, HashMap};

/// The groups that a role is a member of itself, by scope and kind.
pub fn groups_of(role: Oid) -> Result<Vec<Group>> {
    let mut groups = all_groups_of(role)?;
    groups.retain(Group::is_bound);
    Ok(groups)
}

/// The same with those whose roles bear another name by now.
pub fn all_groups_of(role: Oid) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    for above in role::groups_of(role) {
        groups.extend(group::by_role(above)?);
    }
    groups.sort_by(|a, b| {
        let kinds = || a.kind.as_str().cmp(b.kind.as_str());
        a.scope_name.cmp(&b.scope_name).then_with(kinds)
    });
    Ok(groups)
}

/// Makes a role a member of a group.
pub fn join(group: &Group, role: Oid, role_name: &str) -> Result<()> {
    grant::set_membership(&group.role_name, role_name, Membership::Member);
    expect(group, role, true)
}

/// Ends a role's membership in a group.
pub fn leave(group: &Group, role: Oid, role_name: &str) -> Result<()> {
    grant::set_membership(&group.role_name, role_name, Membership::None);
    expect(group, role, false)
}

/// The node went by names: what it hit must be the roles that were meant.
fn expect(group: &Group, role: Oid, member: bool) -> Result<()> {
    if role::is_direct_member(role, group.role) == member {
        return Ok(());
    }
    Err(Kind::InUse
        .error("a role was renamed or replaced meanwhile")
        .detail("Nothing was changed.")
        .hint("Call again."))
}

/// What a role has by its memberships: schema (or `*`) and preset, the highest where there are several. A schema
/// that was given the name `*` is told in quotes.
pub type Held = BTreeMap<String, Access>;

/// What every member of a group has, by role. Schemas are called as they are called now; those that are gone
/// are left out.
pub fn held() -> Result<HashMap<Oid, Held>> {
    let mut all: HashMap<Oid, Held> = HashMap::new();
    for row in spi::query(
        "SELECT m.member, CASE WHEN n.nspname::pg_catalog.text OPERATOR(pg_catalog.=) '*' THEN '\"*\"'
                                  ELSE COALESCE(n.nspname::pg_catalog.text, '*') END, g.kind
           FROM credentials.access_group g
           JOIN pg_catalog.pg_auth_members m ON m.roleid OPERATOR(pg_catalog.=) g.role
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) g.role
            AND r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) g.role_name
           LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) g.scope
          WHERE n.oid IS NOT NULL OR g.scope OPERATOR(pg_catalog.=) 0::pg_catalog.oid",
        &[],
    )? {
        let kind = GroupKind::parse(&row.text(2)?)
            .ok_or_else(|| Kind::Internal.error("a group of an unknown kind"))?;
        let held = all.entry(row.oid(0)?).or_default();
        let access = held.entry(row.text(1)?).or_insert(kind.access());
        *access = kind.access().max(*access);
    }
    Ok(all)
}
