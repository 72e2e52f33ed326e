//! Parse nodes: making them, and handing them to ProcessUtility with the rights for one act.

use super::authority;
use super::text::palloc;
use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;
pub(super) use pgrx::pg_sys::ProcessUtilityContext as Context;
use std::ffi::CString;

/// A zeroed node with its tag.
///
/// # Safety
/// `T` must be the node type of `tag`.
pub(super) unsafe fn node<T>(tag: NodeTag) -> *mut T {
    // SAFETY: palloc0 gives zeroed memory, which is a valid empty node once its tag is set; the tag
    // is the first member of every node.
    unsafe {
        let node = pg_sys::palloc0(std::mem::size_of::<T>()).cast::<T>();
        (*node.cast::<pg_sys::Node>()).type_ = tag;
        node
    }
}

/// # Safety
/// Allocates in the current memory context.
pub(super) unsafe fn role_spec(name: &str) -> *mut pg_sys::RoleSpec {
    // SAFETY: a fresh node.
    unsafe {
        let spec = node::<pg_sys::RoleSpec>(NodeTag::T_RoleSpec);
        (*spec).roletype = pg_sys::RoleSpecType::ROLESPEC_CSTRING;
        (*spec).rolename = palloc(name);
        (*spec).location = -1;
        spec
    }
}

/// PUBLIC as a grantee.
pub(super) fn public() -> *mut pg_sys::RoleSpec {
    // SAFETY: a fresh node.
    unsafe {
        let spec = node::<pg_sys::RoleSpec>(NodeTag::T_RoleSpec);
        (*spec).roletype = pg_sys::RoleSpecType::ROLESPEC_PUBLIC;
        (*spec).location = -1;
        spec
    }
}

/// Hands one node to ProcessUtility, with a text that names the act alone.
///
/// # Safety
/// `node` must be a complete utility node.
pub(super) unsafe fn utility(node: *mut pg_sys::Node, text: &str) {
    // SAFETY: as the caller vouches. Role DDL fires no event triggers.
    unsafe { utility_as(Context::PROCESS_UTILITY_QUERY, node, text) }
}

/// # Safety
/// As for [`utility`].
pub(super) unsafe fn utility_as(context: Context::Type, node: *mut pg_sys::Node, text: &str) {
    let _rights = authority::as_superuser();
    // SAFETY: as the caller vouches.
    unsafe { process(context, node, text) }
}

/// Hands over the one node that is refused where a change of user is flagged: ALTER ROLE … SET role.
///
/// # Safety
/// As for [`utility`].
pub(super) unsafe fn utility_without_flag(node: *mut pg_sys::Node, text: &str) {
    let _rights = authority::as_superuser_without_flag();
    // SAFETY: as the caller vouches.
    unsafe { process(Context::PROCESS_UTILITY_QUERY, node, text) }
}

/// # Safety
/// As for [`utility`]; the rights are taken.
unsafe fn process(context: Context::Type, node: *mut pg_sys::Node, text: &str) {
    let text = CString::new(format!("/* credential_manager */ {text}")).unwrap_or_default();
    // SAFETY: a PlannedStmt around the node as the planner makes one for a utility statement; the
    // text outlives the call; the receiver drops rows, of which role DDL has none.
    unsafe {
        let planned = self::node::<pg_sys::PlannedStmt>(NodeTag::T_PlannedStmt);
        (*planned).commandType = pg_sys::CmdType::CMD_UTILITY;
        (*planned).utilityStmt = node;
        (*planned).stmt_location = -1;
        pg_sys::ProcessUtility(
            planned,
            text.as_ptr(),
            false,
            context,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            pg_sys::CreateDestReceiver(pg_sys::CommandDest::DestNone),
            std::ptr::null_mut(),
        );
    }
}
