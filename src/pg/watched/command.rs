//! Commands of observed roles that take the rights of an owner.

use super::memory::Deed;
use super::{is_on, note, observed};
use crate::pg::text;
use pgrx::pg_sys;

/// The word for a kind of command.
pub fn command_name(number: u32) -> String {
    // SAFETY: a table of constants, read within its bounds: what is noted was a command's tag.
    unsafe { text::copy(pg_sys::GetCommandTagName(number)) }.unwrap_or_default()
}

/// A command is about to run. Where who runs it is observed, and it takes the rights of an owner, it is noted.
///
/// # Safety
/// `node` must be null or a complete utility node.
pub unsafe fn command(node: *mut pg_sys::Node) {
    // SAFETY: as the caller vouches.
    unsafe {
        if is_on() && !node.is_null() {
            look_at_command(node);
        }
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn look_at_command(node: *mut pg_sys::Node) {
    use pg_sys::NodeTag::*;
    let Some(posts) = observed() else { return };
    // SAFETY: as the caller vouches; both functions read the node.
    unsafe {
        let owners = match (*node).type_ {
            // A role's own password and settings, and what roles do to roles, are no matter of a schema.
            T_AlterRoleStmt | T_AlterRoleSetStmt | T_CreateRoleStmt | T_DropRoleStmt
            | T_GrantRoleStmt => false,
            T_TruncateStmt | T_ReindexStmt => true,
            _ => pg_sys::GetCommandLogLevel(node) == pg_sys::LogStmtLevel::LOGSTMT_DDL,
        };
        if owners {
            let deed = match makes_temporary(node) {
                true => Deed::Temporary,
                false => Deed::Command(pg_sys::CreateCommandTag(node)),
            };
            note(posts[0].role, deed);
        }
    }
}

/// Whether a command makes something that goes with the session.
///
/// # Safety
/// `node` must be a complete utility node.
unsafe fn makes_temporary(node: *const pg_sys::Node) -> bool {
    use pg_sys::NodeTag::*;
    // SAFETY: each node is of the type that its tag says (parsenodes.h).
    let place = unsafe {
        match (*node).type_ {
            T_CreateStmt => (*node.cast::<pg_sys::CreateStmt>()).relation,
            T_ViewStmt => (*node.cast::<pg_sys::ViewStmt>()).view,
            T_CreateSeqStmt => (*node.cast::<pg_sys::CreateSeqStmt>()).sequence,
            T_CreateTableAsStmt => {
                match (*node.cast::<pg_sys::CreateTableAsStmt>()).into.as_ref() {
                    Some(into) => into.rel,
                    None => return false,
                }
            }
            _ => return false,
        }
    };
    // SAFETY: a RangeVar, or null.
    unsafe {
        place.as_ref().is_some_and(|place| {
            let schema = text::copy(place.schemaname);
            place.relpersistence as u8 == b't' || schema.as_deref() == Some("pg_temp")
        })
    }
}
