//! Role DDL as parse nodes through ProcessUtility.
//!
//! Nodes, because a statement's text would carry the verifier into logs, statistics and error
//! contexts (THREATS T50, T51); through ProcessUtility, because other extensions' hooks must see what
//! happens, with superuser rights for the length of the one act. The text that goes along names the act and holds neither password nor verifier.

pub use super::authid::{by_oid, groups_of, is_alone, is_direct_member, stored_verifier, Role};
use super::node::{node, role_spec, utility};
use super::text::palloc;
use super::{ident, Oid};
use crate::error::{Kind, Result};
use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;
use std::ffi::c_int;

/// A role's login attributes that an act can set.
#[derive(Default, Clone)]
pub struct Options<'a> {
    /// LOGIN or NOLOGIN.
    pub login: Option<bool>,
    /// A SCRAM verifier; `Some(None)` takes the password away.
    pub verifier: Option<Option<&'a str>>,
    /// CONNECTION LIMIT; -1: none.
    pub connection_limit: Option<i32>,
    /// VALID UNTIL, as the server prints a time; `infinity` for none.
    pub valid_until: Option<&'a str>,
    /// NOSUPERUSER, NOCREATEDB, NOCREATEROLE, NOREPLICATION, NOBYPASSRLS and INHERIT, said out loud.
    pub plain: bool,
}

/// CREATE ROLE; gives the new role's OID. The server's own error where the name is taken.
pub fn create(name: &str, options: &Options) -> Result<Oid> {
    // SAFETY: a complete node in the current memory context, of the kind its tag says.
    unsafe {
        let node = node::<pg_sys::CreateRoleStmt>(NodeTag::T_CreateRoleStmt);
        (*node).stmt_type = pg_sys::RoleStmtType::ROLESTMT_ROLE;
        (*node).role = palloc(name);
        (*node).options = option_list(options);
        utility(node.cast(), "CREATE ROLE");
    }
    super::xact::next_command();
    ident::role_oid(name).ok_or_else(|| Kind::Internal.error("a role that was made is not there"))
}

/// ALTER ROLE on the role that is pinned: afterwards the OID must still bear the name.
pub fn alter(role: Oid, name: &str, options: &Options) -> Result<()> {
    // SAFETY: as in `create`.
    unsafe {
        let node = node::<pg_sys::AlterRoleStmt>(NodeTag::T_AlterRoleStmt);
        (*node).role = role_spec(name);
        (*node).options = option_list(options);
        (*node).action = 1;
        utility(node.cast(), "ALTER ROLE");
    }
    super::xact::next_command();
    still_named(role, name)?;
    if let Some(verifier) = options.verifier {
        let stored = stored_verifier(role)?;
        if stored.as_deref() != verifier {
            return Err(
                Kind::Internal.error("the server stored another verifier than it was given")
            );
        }
    }
    Ok(())
}

/// DROP ROLE, by name, of the role that is pinned.
pub fn drop(role: Oid, name: &str) -> Result<()> {
    still_named(role, name)?;
    // SAFETY: as in `create`.
    unsafe {
        let node = node::<pg_sys::DropRoleStmt>(NodeTag::T_DropRoleStmt);
        (*node).roles = pg_sys::lappend(std::ptr::null_mut(), role_spec(name).cast());
        (*node).missing_ok = false;
        utility(node.cast(), "DROP ROLE");
    }
    super::xact::next_command();
    match ident::role_name(role) {
        None => Ok(()),
        Some(_) => Err(moved(name)),
    }
}

/// The pinned OID must bear the name: a role renamed under a node would mean another one.
pub(super) fn still_named(role: Oid, name: &str) -> Result<()> {
    if ident::role_name(role).as_deref() == Some(name) {
        Ok(())
    } else {
        Err(moved(name))
    }
}

fn moved(name: &str) -> crate::error::Error {
    Kind::InUse
        .error(format!(
            "role \"{}\" was renamed or replaced meanwhile",
            crate::error::shown(name)
        ))
        .detail("Nothing was changed.")
        .hint("Call again.")
}

/// # Safety
/// Allocates in the current memory context.
unsafe fn option_list(options: &Options) -> *mut pg_sys::List {
    let mut list: *mut pg_sys::List = std::ptr::null_mut();
    let mut add = |name: &str, value: *mut pg_sys::Node| {
        // SAFETY: a fresh DefElem at the end of a list that is ours.
        unsafe {
            list = pg_sys::lappend(list, pg_sys::makeDefElem(palloc(name), value, -1).cast());
        }
    };
    // SAFETY: fresh value nodes.
    unsafe {
        let boolean = |b: bool| pg_sys::makeBoolean(b).cast::<pg_sys::Node>();
        if options.plain {
            for name in [
                "superuser",
                "createdb",
                "createrole",
                "isreplication",
                "bypassrls",
            ] {
                add(name, boolean(false));
            }
            add("inherit", boolean(true));
        }
        if let Some(login) = options.login {
            add("canlogin", boolean(login));
        }
        if let Some(limit) = options.connection_limit {
            add(
                "connectionlimit",
                pg_sys::makeInteger(limit as c_int).cast(),
            );
        }
        if let Some(until) = options.valid_until {
            add("validUntil", pg_sys::makeString(palloc(until)).cast());
        }
        if let Some(verifier) = options.verifier {
            let value = verifier.map_or(std::ptr::null_mut(), |v| {
                pg_sys::makeString(palloc(v)).cast::<pg_sys::Node>()
            });
            add("password", value);
        }
    }
    list
}
