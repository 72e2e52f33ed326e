//! Who calls, and the one way to act with a superuser's rights.

use super::{ident, version, Oid, BOOTSTRAP_SUPERUSER};
use pgrx::pg_sys;

/// The three users of a call (THREATS T20): the effective one decides, the others are recorded.
#[derive(Clone, Debug)]
pub struct Caller {
    /// `GetUserId()` at entry: whose rights count.
    pub effective: Oid,
    /// The user of the outermost level, after SET ROLE.
    pub outer: Oid,
    /// Who logged in, or what SET SESSION AUTHORIZATION says.
    pub session: Oid,
}

impl Caller {
    /// The users as they are now; to be taken before any switch.
    pub fn current() -> Caller {
        // SAFETY: plain readers of the backend's user state.
        unsafe {
            Caller {
                effective: pg_sys::GetUserId(),
                outer: pg_sys::GetOuterUserId(),
                session: pg_sys::GetSessionUserId(),
            }
        }
    }

    /// Whether the effective user is a superuser.
    pub fn is_superuser(&self) -> bool {
        is_superuser(self.effective)
    }
}

/// Whether a role is a superuser; a role that is gone is none.
pub fn is_superuser(role: Oid) -> bool {
    // SAFETY: a catalog lookup.
    unsafe { pg_sys::superuser_arg(role) }
}

/// Whether a role is a member of another, directly or not; a superuser is not by being one.
pub fn is_member(role: Oid, group: Oid) -> bool {
    // SAFETY: a catalog lookup.
    unsafe { pg_sys::is_member_of_role_nosuper(role, group) }
}

/// Whether a role has the privileges of another: by being it, by inheriting from it, or as a superuser.
pub fn has_privileges_of(role: Oid, other: Oid) -> bool {
    // SAFETY: a catalog lookup.
    unsafe { pg_sys::has_privs_of_role(role, other) }
}

/// Whether a role may make things in a schema.
pub fn may_create_in(role: Oid, schema: Oid) -> bool {
    let create = pg_sys::AclMode::from(super::acl::rights::CREATE);
    // SAFETY: a catalog lookup; a schema that is gone is the server's error.
    unsafe { version::schema_aclcheck(schema, role, create) == pg_sys::AclResult::ACLCHECK_OK }
}

/// Lets the server's caches of roles, memberships and rights see all that is committed.
pub fn catch_up() {
    // SAFETY: inside a transaction, as the server does after it has had a lock.
    unsafe { pg_sys::AcceptInvalidationMessages() }
}

/// A role's name for a record, or its number where the role is gone.
pub fn record_name(role: Oid) -> String {
    ident::role_name(role).unwrap_or_else(|| format!("#{}", role.to_u32()))
}

/// Whether the call stands in a security-restricted operation (an index function, a materialized
/// view's refresh, a maintenance command), where somebody else's code runs with the caller's name.
pub fn in_restricted_operation() -> bool {
    // SAFETY: reads the backend's security flags.
    unsafe { pg_sys::InSecurityRestrictedOperation() }
}

/// Whether the call stands inside a trigger, where the statement's author and the code's author
/// may be two people.
pub fn in_trigger() -> bool {
    // SAFETY: pg_trigger_depth takes no argument and reads a counter.
    let depth: Option<i32> = unsafe { pgrx::direct_function_call(pg_sys::pg_trigger_depth, &[]) };
    depth.unwrap_or(0) > 0
}

/// Superuser rights for the length of one act; they end when this value goes.
///
/// SECURITY_LOCAL_USERID_CHANGE forbids SET ROLE and SET SESSION AUTHORIZATION meanwhile. An error
/// unwinds through `Drop`, and the end of the (sub)transaction restores the user as well.
#[must_use = "the rights end when this value is dropped"]
pub struct Superuser {
    user: Oid,
    flags: i32,
}

/// Takes the bootstrap superuser's rights. Keep the value as short as the act.
pub fn as_superuser() -> Superuser {
    as_role(BOOTSTRAP_SUPERUSER)
}

/// Takes a role's rights: for acts on user objects, which are done as their owner (DESIGN 2.14).
pub fn as_role(role: Oid) -> Superuser {
    let mut user = Oid::INVALID;
    let mut flags = 0;
    // SAFETY: saves the present user and flags, and sets others that `Drop` takes back.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&mut user, &mut flags);
        pg_sys::SetUserIdAndSecContext(role, flags | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32);
    }
    Superuser { user, flags }
}

/// Takes the bootstrap superuser's rights without the flag that stands for a change of user: `ALTER ROLE …
/// SET role` is refused under it (guc.c, GUC_NOT_WHILE_SEC_REST). For that one act.
pub(super) fn as_superuser_without_flag() -> Superuser {
    let rights = as_superuser();
    // SAFETY: as in `as_role`; what was there before comes back when the value goes.
    unsafe {
        let flags = rights.flags & !(pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32);
        pg_sys::SetUserIdAndSecContext(BOOTSTRAP_SUPERUSER, flags);
    }
    rights
}

impl Drop for Superuser {
    fn drop(&mut self) {
        // SAFETY: puts back what `as_role` saved.
        unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.flags) }
    }
}
