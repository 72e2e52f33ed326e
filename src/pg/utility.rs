//! Role DDL as it comes by on its way through ProcessUtility, whoever runs it in whichever database.
//!
//! This file says what a statement changes of which role; what that means is decided in `hooks`.

use super::created;
use super::log::{self, Refusal};
use super::node::{elements, take_own};
use super::watched;
use super::Oid;
use crate::error::Result;
use pgrx::pg_sys;
use pgrx::pg_sys::{NodeTag, RoleSpecType};
use std::ffi::{c_char, CStr};
use std::sync::OnceLock;

/// What a statement changes of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// `ALTER ROLE … PASSWORD`, NULL included.
    Password,
    /// `ALTER ROLE … RENAME TO`.
    Name,
    /// `DROP ROLE`.
    Existence,
    /// Whom it is a member of, or who is a member of it.
    Membership,
}

/// One change of one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is changed.
    pub what: What,
    /// Of which role.
    pub role: Oid,
}

/// Looks at what a statement is about to change; an error refuses the statement.
type Judge = fn(&[Change]) -> Result<()>;

static JUDGE: OnceLock<Judge> = OnceLock::new();
static mut FORMER: pg_sys::ProcessUtility_hook_type = None;

extern "C-unwind" {
    // utility.h, as it is: pgrx's binding catches the server's errors and raises them anew, and an error
    // so raised has lost its position, its constraint and more.
    fn standard_ProcessUtility(
        statement: *mut pg_sys::PlannedStmt,
        text: *const c_char,
        read_only_tree: bool,
        context: pg_sys::ProcessUtilityContext::Type,
        params: pg_sys::ParamListInfo,
        environment: *mut pg_sys::QueryEnvironment,
        receiver: *mut pg_sys::DestReceiver,
        completion: *mut pg_sys::QueryCompletion,
    );
}

/// Has role DDL judged from here on; only while libraries are preloaded.
pub fn watch(judge: Judge) {
    if JUDGE.set(judge).is_err() {
        return;
    }
    // SAFETY: `_PG_init` runs in one thread, before any backend is there; the former hook is kept.
    unsafe {
        FORMER = pg_sys::ProcessUtility_hook;
        pg_sys::ProcessUtility_hook = Some(utility);
    }
}

/// Every utility statement comes by here. No guard of pgrx around it, and nothing in it to drop: the
/// errors of other people's statements jump over it and reach them as the server raised them.
unsafe extern "C-unwind" fn utility(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    params: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    receiver: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: hands on what the server handed over; a refusal is raised where nothing waits to be dropped.
    unsafe {
        let node = (*statement).utilityStmt;
        if !take_own(node) {
            if is_role_ddl(node) {
                let refusal = look(node);
                if !refusal.is_null() {
                    log::refuse(refusal);
                }
            }
            if context != pg_sys::ProcessUtilityContext::PROCESS_UTILITY_SUBCOMMAND {
                watched::command(node);
            }
        }
        let next = match FORMER {
            Some(former) => former,
            None => standard_ProcessUtility,
        };
        let noted = created::noted();
        next(
            statement,
            text,
            read_only_tree,
            context,
            params,
            environment,
            receiver,
            completion,
        );
        // A part of a statement leaves it to the whole: a serial column's sequence is made before its
        // table, and both must have one owner until the one is bound to the other.
        if context != pg_sys::ProcessUtilityContext::PROCESS_UTILITY_SUBCOMMAND {
            created::at_statement_end(noted);
        }
    }
}

/// # Safety
/// `node` must be a node or null.
unsafe fn is_role_ddl(node: *const pg_sys::Node) -> bool {
    // SAFETY: every node begins with its tag.
    !node.is_null()
        && matches!(
            unsafe { (*node).type_ },
            NodeTag::T_AlterRoleStmt
                | NodeTag::T_RenameStmt
                | NodeTag::T_DropRoleStmt
                | NodeTag::T_GrantRoleStmt
                | NodeTag::T_CreateRoleStmt
        )
}

/// Has a statement judged; null where it may go on.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn look(node: *mut pg_sys::Node) -> *mut Refusal {
    // SAFETY: a node of one of the kinds above, complete as the parser or its maker left it.
    let changes = unsafe { changes(node) };
    let judged = match JUDGE.get() {
        Some(judge) if !changes.is_empty() => judge(&changes),
        _ => Ok(()),
    };
    match judged {
        Ok(()) => std::ptr::null_mut(),
        Err(error) => Refusal::of(&error),
    }
}

/// What a statement changes of roles that are there, each change once.
///
/// # Safety
/// `node` must be a complete utility node.
unsafe fn changes(node: *const pg_sys::Node) -> Vec<Change> {
    let mut found = Vec::new();
    let mut add = |what: What, role: Option<Oid>| {
        let change = role.map(|role| Change { what, role });
        found.extend(change.filter(|c| !found.contains(c)));
    };
    // SAFETY: each node is of the type that its tag says, and its lists hold what gram.y puts there.
    unsafe {
        match (*node).type_ {
            // ALTER ROLE … PASSWORD, ALTER GROUP … ADD USER, DROP USER
            NodeTag::T_AlterRoleStmt => {
                let alter = &*node.cast::<pg_sys::AlterRoleStmt>();
                let role = spec(alter.role);
                for (option, value) in options(alter.options) {
                    match option {
                        b"password" => add(What::Password, role),
                        b"rolemembers" => {
                            add(What::Membership, role);
                            specs(value).for_each(|member| add(What::Membership, member));
                        }
                        _ => {}
                    }
                }
            }
            // ALTER ROLE … RENAME TO; RENAME of anything else
            NodeTag::T_RenameStmt => {
                let rename = &*node.cast::<pg_sys::RenameStmt>();
                if rename.renameType == pg_sys::ObjectType::OBJECT_ROLE {
                    add(What::Name, named(rename.subname));
                }
            }
            // DROP ROLE a, b
            NodeTag::T_DropRoleStmt => {
                let drop = &*node.cast::<pg_sys::DropRoleStmt>();
                specs(drop.roles.cast()).for_each(|role| add(What::Existence, role));
            }
            // GRANT a, b TO c, d; REVOKE
            NodeTag::T_GrantRoleStmt => {
                let grant = &*node.cast::<pg_sys::GrantRoleStmt>();
                for granted in elements::<pg_sys::AccessPriv>(grant.granted_roles) {
                    add(What::Membership, named((*granted).priv_name));
                }
                specs(grant.grantee_roles.cast()).for_each(|role| add(What::Membership, role));
            }
            // CREATE ROLE x IN ROLE a ROLE b ADMIN c
            NodeTag::T_CreateRoleStmt => {
                let create = &*node.cast::<pg_sys::CreateRoleStmt>();
                for (option, value) in options(create.options) {
                    if matches!(option, b"addroleto" | b"rolemembers" | b"adminmembers") {
                        specs(value).for_each(|role| add(What::Membership, role));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// The options of a statement: names and values.
///
/// # Safety
/// `list` must be null or a list of DefElem that lives while the result does.
unsafe fn options<'a>(
    list: *const pg_sys::List,
) -> impl Iterator<Item = (&'a [u8], *const pg_sys::Node)> {
    // SAFETY: as the caller vouches; a DefElem has a NUL-terminated name.
    unsafe { elements::<pg_sys::DefElem>(list) }
        .into_iter()
        .map(|option| unsafe {
            let name = CStr::from_ptr((*option).defname).to_bytes();
            (name, (*option).arg.cast_const())
        })
}

/// The roles of a list of RoleSpec.
///
/// # Safety
/// `list` must be null or such a list.
unsafe fn specs(list: *const pg_sys::Node) -> impl Iterator<Item = Option<Oid>> {
    // SAFETY: as the caller vouches.
    unsafe { elements::<pg_sys::RoleSpec>(list.cast()) }
        .into_iter()
        .map(|role| unsafe { spec(role) })
}

/// The role that a RoleSpec means now, as `get_rolespec_oid` finds it; PUBLIC and what is not there mean none.
///
/// # Safety
/// `role` must be null or a complete RoleSpec.
unsafe fn spec(role: *const pg_sys::RoleSpec) -> Option<Oid> {
    // SAFETY: as the caller vouches; the user ids are plain globals.
    unsafe {
        match role.as_ref()?.roletype {
            RoleSpecType::ROLESPEC_CSTRING => named((*role).rolename),
            RoleSpecType::ROLESPEC_CURRENT_ROLE | RoleSpecType::ROLESPEC_CURRENT_USER => {
                Some(pg_sys::GetUserId())
            }
            RoleSpecType::ROLESPEC_SESSION_USER => Some(pg_sys::GetSessionUserId()),
            _ => None,
        }
    }
}

/// The role of this name, byte for byte: a name need not be UTF-8.
///
/// # Safety
/// `name` must be null or NUL-terminated.
unsafe fn named(name: *const c_char) -> Option<Oid> {
    if name.is_null() {
        return None;
    }
    // SAFETY: as the caller vouches; with missing_ok an absent role is InvalidOid.
    let role = unsafe { pg_sys::get_role_oid(name, true) };
    (role != Oid::INVALID).then_some(role)
}
