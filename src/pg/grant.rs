//! GRANT and REVOKE as parse nodes: memberships, and privileges on databases, schemas and our functions.

use super::authid::grantors;
use super::node::{node, public, role_spec, utility, utility_as, Context};
use super::text::palloc;
use super::{ident, version, Oid};
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
            &[("admin", true), ("inherit", true), ("set", true)],
        ),
        // ADMIN OPTION stays where it is.
        Membership::Member => give(group, member, &[("inherit", true), ("set", true)]),
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

/// One GRANT of a membership.
fn give(group: &str, member: &str, options: &[(&str, bool)]) {
    // SAFETY: fresh nodes; the options are those that the node's maker knows.
    unsafe {
        let node = membership_node(group, member);
        (*node).is_grant = true;
        version::set_options(node, options);
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
/// without.
pub fn restore_membership(group: &str, member: &str, grantor: &str, admin: bool) {
    // SAFETY: as in `set_membership`; a superuser names any grantor.
    unsafe {
        let node = node::<pg_sys::GrantRoleStmt>(NodeTag::T_GrantRoleStmt);
        let granted = self::node::<pg_sys::AccessPriv>(NodeTag::T_AccessPriv);
        (*granted).priv_name = palloc(group);
        (*node).granted_roles = pg_sys::lappend(std::ptr::null_mut(), granted.cast());
        (*node).grantee_roles = pg_sys::lappend(std::ptr::null_mut(), role_spec(member).cast());
        (*node).is_grant = true;
        (*node).admin_opt = admin;
        (*node).grantor = role_spec(grantor);
        utility(node.cast(), "GRANT");
    }
    super::xact::next_command();
}

/// A kind of object that privileges are given on here.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// A database by name.
    Database(&'a str),
    /// A schema by name.
    Schema(&'a str),
    /// A function of schema `credentials`, by name and OIDs of its argument types.
    Function(&'a str, &'a [Oid]),
}

/// GRANT (`grant`) or REVOKE of privileges on an object, by the object's owner's right.
/// `grantee` `None` is PUBLIC; no privilege is ALL.
pub fn set_privileges(
    grant: bool,
    privileges: &[&str],
    target: Target,
    grantee: Option<&str>,
    with_grant_option: bool,
) {
    // SAFETY: as in `create`; the shapes of `objects` are those of gram.y for each kind.
    unsafe {
        let node = node::<pg_sys::GrantStmt>(NodeTag::T_GrantStmt);
        (*node).is_grant = grant;
        (*node).targtype = pg_sys::GrantTargetType::ACL_TARGET_OBJECT;
        let (kind, object) = target_node(target);
        (*node).objtype = kind;
        (*node).objects = pg_sys::lappend(std::ptr::null_mut(), object.cast());
        for privilege in privileges {
            let p = self::node::<pg_sys::AccessPriv>(NodeTag::T_AccessPriv);
            (*p).priv_name = palloc(privilege);
            (*node).privileges = pg_sys::lappend((*node).privileges, p.cast());
        }
        let to = match grantee {
            Some(name) => role_spec(name),
            None => public(),
        };
        (*node).grantees = pg_sys::lappend(std::ptr::null_mut(), to.cast());
        (*node).grant_option = with_grant_option;
        (*node).behavior = pg_sys::DropBehavior::DROP_RESTRICT;
        let text = if grant { "GRANT" } else { "REVOKE" };
        // As a part of a command and not one of its own: else event triggers would run their functions
        // with the rights that this act alone is meant to have.
        utility_as(Context::PROCESS_UTILITY_SUBCOMMAND, node.cast(), text);
    }
    super::xact::next_command();
}

/// What default privileges are for: objects that a role will make.
#[derive(Clone, Copy)]
pub enum Future {
    /// Tables and views of every kind.
    Tables,
    /// Sequences.
    Sequences,
    /// Schemas.
    Schemas,
    /// Functions and procedures.
    Routines,
    /// Types.
    Types,
}

/// ALTER DEFAULT PRIVILEGES FOR ROLE `creator` IN SCHEMA `schema` (or none) GRANT `privileges` TO `grantee`, or
/// with `give` false REVOKE. All go by name: the caller compares what was hit by OID.
pub fn set_default_privileges(
    give: bool,
    creator: &str,
    schema: Option<&str>,
    future: Future,
    privileges: &[&str],
    grantee: &str,
) {
    change_default_privileges(give, creator, schema, future, privileges, grantee, false);
}

/// The same, with the right to hand them on.
pub fn change_default_privileges(
    give: bool,
    creator: &str,
    schema: Option<&str>,
    future: Future,
    privileges: &[&str],
    grantee: &str,
    with_grant_option: bool,
) {
    use pg_sys::ObjectType::*;
    // SAFETY: as in `create`; the options are lists of roles and of schema names, the action a GrantStmt
    // without objects (gram.y, AlterDefaultPrivilegesStmt).
    unsafe {
        let action = node::<pg_sys::GrantStmt>(NodeTag::T_GrantStmt);
        (*action).is_grant = give;
        (*action).targtype = pg_sys::GrantTargetType::ACL_TARGET_DEFAULTS;
        (*action).objtype = match future {
            Future::Tables => OBJECT_TABLE,
            Future::Sequences => OBJECT_SEQUENCE,
            Future::Schemas => OBJECT_SCHEMA,
            Future::Routines => OBJECT_FUNCTION,
            Future::Types => OBJECT_TYPE,
        };
        (*action).grant_option = with_grant_option;
        for privilege in privileges {
            let p = self::node::<pg_sys::AccessPriv>(NodeTag::T_AccessPriv);
            (*p).priv_name = palloc(privilege);
            (*action).privileges = pg_sys::lappend((*action).privileges, p.cast());
        }
        (*action).grantees = pg_sys::lappend(std::ptr::null_mut(), role_spec(grantee).cast());
        (*action).behavior = pg_sys::DropBehavior::DROP_RESTRICT;
        let node =
            node::<pg_sys::AlterDefaultPrivilegesStmt>(NodeTag::T_AlterDefaultPrivilegesStmt);
        (*node).action = action;
        let roles = pg_sys::lappend(std::ptr::null_mut(), role_spec(creator).cast());
        let option = pg_sys::makeDefElem(palloc("roles"), roles.cast(), -1);
        (*node).options = pg_sys::lappend(std::ptr::null_mut(), option.cast());
        if let Some(schema) = schema {
            let name = pg_sys::makeString(palloc(schema));
            let schemas = pg_sys::lappend(std::ptr::null_mut(), name.cast());
            let option = pg_sys::makeDefElem(palloc("schemas"), schemas.cast(), -1);
            (*node).options = pg_sys::lappend((*node).options, option.cast());
        }
        // As a part of a command, for the reason that `set_privileges` gives.
        utility_as(
            Context::PROCESS_UTILITY_SUBCOMMAND,
            node.cast(),
            "ALTER DEFAULT PRIVILEGES",
        );
    }
    super::xact::next_command();
}

/// # Safety
/// Allocates in the current memory context.
unsafe fn target_node(target: Target) -> (pg_sys::ObjectType::Type, *mut pg_sys::Node) {
    // SAFETY: fresh nodes; lists hold what gram.y puts there.
    unsafe {
        match target {
            Target::Database(name) => (
                pg_sys::ObjectType::OBJECT_DATABASE,
                pg_sys::makeString(palloc(name)).cast(),
            ),
            Target::Schema(name) => (
                pg_sys::ObjectType::OBJECT_SCHEMA,
                pg_sys::makeString(palloc(name)).cast(),
            ),
            Target::Function(name, types) => {
                let f = node::<pg_sys::ObjectWithArgs>(NodeTag::T_ObjectWithArgs);
                let schema = pg_sys::makeString(palloc("credentials"));
                (*f).objname = pg_sys::lappend(std::ptr::null_mut(), schema.cast());
                (*f).objname =
                    pg_sys::lappend((*f).objname, pg_sys::makeString(palloc(name)).cast());
                for oid in types {
                    let t = pg_sys::makeTypeNameFromOid(*oid, -1);
                    (*f).objargs = pg_sys::lappend((*f).objargs, t.cast());
                }
                (pg_sys::ObjectType::OBJECT_FUNCTION, f.cast())
            }
        }
    }
}
