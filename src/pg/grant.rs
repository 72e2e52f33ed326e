//! GRANT and REVOKE as parse nodes: memberships, and privileges on databases, schemas and our functions.

pub use super::membership::{
    renew_membership, restore_membership, set_membership, Membership, Options,
};
use super::node::{node, public, role_spec, utility_as, Context};
use super::text::palloc;
use super::Oid;
use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;

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
