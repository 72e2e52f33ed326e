//! Parse nodes: making them, and handing them to ProcessUtility with the rights for one act.

use super::text::palloc;
use super::{authority, Oid};
use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;
pub(super) use pgrx::pg_sys::ProcessUtilityContext as Context;
use std::cell::Cell;
use std::ffi::CString;

thread_local! {
    /// The node of role DDL that this house has handed to the server and that has not come by yet.
    static OWN: Cell<*mut pg_sys::Node> = const { Cell::new(std::ptr::null_mut()) };
}

/// Marks one node as an act of this house, until it has come by or this value goes: nothing else that
/// runs meanwhile is taken for one, whoever runs it.
struct Own {
    former: *mut pg_sys::Node,
}

impl Own {
    fn mark(node: *mut pg_sys::Node) -> Own {
        Own {
            former: OWN.replace(node),
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        OWN.set(self.former);
    }
}

/// Whether a node is the act of this house that is under way; true once for each.
pub(super) fn take_own(node: *mut pg_sys::Node) -> bool {
    let own = !node.is_null() && OWN.get() == node;
    if own {
        OWN.set(std::ptr::null_mut());
    }
    own
}

/// The elements of a list of nodes.
///
/// # Safety
/// `list` must be null or a list of pointers that lives while the result does.
pub(super) unsafe fn elements<T>(list: *const pg_sys::List) -> Vec<*const T> {
    // SAFETY: as the caller vouches; `length` elements are there.
    unsafe {
        let length = if list.is_null() { 0 } else { (*list).length };
        (0..usize::try_from(length).unwrap_or(0))
            .map(|i| (*(*list).elements.add(i)).ptr_value.cast_const().cast())
            .collect()
    }
}

/// The elements of a list of OIDs.
///
/// # Safety
/// `list` must be null or a list of OIDs.
pub(super) unsafe fn oids(list: *const pg_sys::List) -> Vec<Oid> {
    // SAFETY: `elements` has `length` cells, each holding an OID.
    unsafe {
        if list.is_null() {
            return Vec::new();
        }
        let cells = std::slice::from_raw_parts((*list).elements, (*list).length as usize);
        cells.iter().map(|cell| cell.oid_value).collect()
    }
}

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

/// Hands over a node with nothing but the rights that the caller has, as a statement of the caller's own.
///
/// # Safety
/// As for [`utility`].
pub(super) unsafe fn utility_of_caller(node: *mut pg_sys::Node, text: &str) {
    // SAFETY: as the caller vouches.
    unsafe { process(Context::PROCESS_UTILITY_QUERY, node, text) }
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
/// As for [`utility`]; the rights are as they shall be.
unsafe fn process(context: Context::Type, node: *mut pg_sys::Node, text: &str) {
    let _own = Own::mark(node);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A node that is never looked into.
    fn some(number: usize) -> *mut pg_sys::Node {
        std::ptr::without_provenance_mut(number * 8)
    }

    #[test]
    fn an_act_of_ours_is_known_by_its_node_once_and_not_beyond_its_end() {
        assert!(!take_own(std::ptr::null_mut()));
        {
            let _own = Own::mark(some(1));
            assert!(!take_own(some(2)), "what runs meanwhile is not ours");
            assert!(take_own(some(1)));
            assert!(!take_own(some(1)), "once");
        }
        let _own = Own::mark(some(1));
        let within = std::panic::catch_unwind(|| {
            let _inner = Own::mark(some(3));
            assert!(!take_own(some(1)), "the outer act does not run now");
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(within.is_err());
        assert!(!take_own(some(3)), "an error has ended it");
        assert!(take_own(some(1)));
    }
}
