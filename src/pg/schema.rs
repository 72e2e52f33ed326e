//! Schemas: making one, and what is there under a name.

use super::node::{node, role_spec, utility_as, Context};
use super::owner::{self, Class};
use super::text::palloc;
use super::Oid;
use crate::error::{Kind, Result};
use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;
use std::ffi::CString;

/// The OID of a schema, or nothing where no schema bears the name.
pub fn oid(name: &str) -> Option<Oid> {
    let name = CString::new(name).ok()?;
    // SAFETY: a NUL-terminated name; with missing_ok an absent schema is InvalidOid.
    let oid = unsafe { pg_sys::get_namespace_oid(name.as_ptr(), true) };
    (oid != Oid::INVALID).then_some(oid)
}

/// CREATE SCHEMA … AUTHORIZATION, empty; gives its OID. `owner` is the OID of the role of that name.
pub fn create(name: &str, owner: Oid, owner_name: &str) -> Result<Oid> {
    // SAFETY: a complete node in the current memory context. As a part of a command and not one of its own,
    // so that no event trigger runs its function with the rights of this act.
    unsafe {
        let node = node::<pg_sys::CreateSchemaStmt>(NodeTag::T_CreateSchemaStmt);
        (*node).schemaname = palloc(name);
        (*node).authrole = role_spec(owner_name);
        utility_as(
            Context::PROCESS_UTILITY_SUBCOMMAND,
            node.cast(),
            "CREATE SCHEMA",
        );
    }
    super::xact::next_command();
    let made = oid(name).filter(|made| owner::of(Class::Schema, *made) == Some(owner));
    made.ok_or_else(|| {
        Kind::InUse
            .error("a role was renamed or replaced meanwhile")
            .detail("Nothing was changed.")
            .hint("Call again.")
    })
}
