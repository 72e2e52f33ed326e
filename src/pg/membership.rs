//! GRANT and REVOKE of memberships as parse nodes.
//!
//! Up to PostgreSQL 15 a membership has one grantor, and ADMIN OPTION is all that it can have. From 16 on each role
//! that granted it has a row of its own, and each row says whether the member inherits and may SET ROLE.

use super::authid::grantors;
use super::node::{node, role_spec, utility};
use super::text::palloc;
use super::{ident, version};
use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;

/// GRANT or REVOKE of a membership.
#[derive(Clone, Copy)]
pub enum Membership {
    /// GRANT … WITH ADMIN OPTION: what default has on every credential.
    Admin,
    /// GRANT.
    Member,
    /// REVOKE of the membership, whoever granted it, and of all it came with.
    None,
}

/// What a membership allows. Up to PostgreSQL 15 every member may SET ROLE to the group, and has its rights
/// unless the member is NOINHERIT; from 16 on each membership says so.
#[derive(Clone, Copy)]
pub struct Options {
    /// WITH ADMIN.
    pub admin: bool,
    /// WITH INHERIT.
    pub inherit: bool,
    /// WITH SET.
    pub set: bool,
}

/// Makes `member` a member of `group`, or ends that.
pub fn set_membership(group: &str, member: &str, how: Membership) {
    match how {
        Membership::Admin => give(
            group,
            member,
            None,
            &[("admin", true), ("inherit", true), ("set", true)],
        ),
        // ADMIN OPTION stays where it is.
        Membership::Member => give(group, member, None, &[("inherit", true), ("set", true)]),
        Membership::None => end(group, member),
    }
}

/// Makes a membership that `former` granted one that the bootstrap superuser granted, with these options.
/// It is there all the time where it can be, so that nothing that hangs on it goes.
pub fn renew_membership(group: &str, member: &str, former: &str, options: Options) {
    let Options {
        admin,
        inherit,
        set,
    } = options;
    if version::ONE_GRANTOR {
        // A grant of what is there already would keep the old grantor.
        take(group, member, None);
    }
    give(
        group,
        member,
        None,
        &[("admin", admin), ("inherit", inherit), ("set", set)],
    );
    if !version::ONE_GRANTOR {
        take(group, member, Some(former));
    }
}

/// REVOKE, from every role that granted it, and CASCADE as each: what the member granted on goes with it.
fn end(group: &str, member: &str) {
    if version::ONE_GRANTOR {
        return take(group, member, None);
    }
    let (Some(of), Some(who)) = (ident::role_oid(group), ident::role_oid(member)) else {
        return;
    };
    // Asked anew each time: one that goes may take others along.
    for _ in 0..grantors(who, of).len() {
        let grantor = grantors(who, of).first().copied();
        if let Some(grantor) = grantor.and_then(ident::role_name) {
            take(group, member, Some(&grantor));
        }
    }
}

/// One GRANT of a membership, in the name of `grantor`.
fn give(group: &str, member: &str, grantor: Option<&str>, options: &[(&str, bool)]) {
    // SAFETY: fresh nodes; the options are those that the node's maker knows.
    unsafe {
        let node = membership_node(group, member);
        (*node).is_grant = true;
        version::set_options(node, options);
        if let Some(grantor) = grantor {
            (*node).grantor = role_spec(grantor);
        }
        utility(node.cast(), "GRANT");
    }
    super::xact::next_command();
}

/// One REVOKE of a membership, of the one that `grantor` granted.
fn take(group: &str, member: &str, grantor: Option<&str>) {
    // SAFETY: fresh nodes.
    unsafe {
        let node = membership_node(group, member);
        (*node).behavior = pg_sys::DropBehavior::DROP_CASCADE;
        if let Some(grantor) = grantor {
            (*node).grantor = role_spec(grantor);
        }
        utility(node.cast(), "REVOKE");
    }
    super::xact::next_command();
}

/// # Safety
/// Allocates in the current memory context.
unsafe fn membership_node(group: &str, member: &str) -> *mut pg_sys::GrantRoleStmt {
    // SAFETY: as in `create`; granted roles are AccessPriv nodes, grantees RoleSpecs (gram.y).
    unsafe {
        let node = node::<pg_sys::GrantRoleStmt>(NodeTag::T_GrantRoleStmt);
        let granted = self::node::<pg_sys::AccessPriv>(NodeTag::T_AccessPriv);
        (*granted).priv_name = palloc(group);
        (*node).granted_roles = pg_sys::lappend(std::ptr::null_mut(), granted.cast());
        (*node).grantee_roles = pg_sys::lappend(std::ptr::null_mut(), role_spec(member).cast());
        (*node).behavior = pg_sys::DropBehavior::DROP_RESTRICT;
        node
    }
}

/// Makes `member` a member of `group` again in the name of who had done so: with the right to hand that on, or
/// without. From PostgreSQL 16 on it must be somebody who may still do it; else the bootstrap superuser does.
pub fn restore_membership(group: &str, member: &str, grantor: &str, admin: bool) {
    let may = || {
        let (of, who) = (ident::role_oid(group), ident::role_oid(grantor));
        // SAFETY: a catalog lookup.
        of.zip(who)
            .is_some_and(|(of, who)| unsafe { pg_sys::is_admin_of_role(who, of) })
    };
    let grantor = (version::ONE_GRANTOR || may()).then_some(grantor);
    let options = [("admin", admin), ("inherit", true), ("set", true)];
    give(group, member, grantor, &options);
}
