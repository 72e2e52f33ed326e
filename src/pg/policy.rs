//! Row security of a table: policies and the switch, by OID and in the owner's name.
//!
//! CREATE POLICY carries names, and knows no other way: what it hit is compared by OID, and undone where it
//! is another table.

use super::expression::{list, tree, Expr, TypeName};
use super::node::{node, public};
use super::text::{copy, palloc};
use super::{authority, xact, Oid};
use crate::error::{shown, Kind, Result};
use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::pg_sys::NodeTag;
use std::ffi::c_char;

extern "C-unwind" {
    // commands/policy.h: exported by the server, not bound by pgrx.
    fn CreatePolicy(statement: *mut pg_sys::CreatePolicyStmt) -> pg_sys::ObjectAddress;
    fn get_relation_policy_oid(table: Oid, name: *const c_char, missing_ok: bool) -> Oid;
}

/// A table, found by OID: what a statement about it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The table.
    pub oid: Oid,
    /// Its schema's name.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: Oid,
}

/// A policy for all commands and everybody.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its name.
    pub name: &'static str,
    /// Whether a row must pass it whatever other policies say.
    pub restrictive: bool,
    /// What a row must be, to be seen and to be written.
    pub rule: Expr,
}

impl Table {
    /// Locks the table against everybody until the end of the transaction, as CREATE POLICY does.
    pub fn lock(oid: Oid) {
        // SAFETY: locks a relation by OID; a timeout unwinds.
        unsafe { pg_sys::LockRelationOid(oid, pg_sys::AccessExclusiveLock as i32) }
    }

    /// The type that a column's values are compared in: of a domain, the one below it. Nothing where there
    /// is no such column, or no array of its type.
    pub fn column_type(&self, column: &str) -> Option<TypeName> {
        // SAFETY: catalog lookups by OID; each gives the invalid OID where there is nothing.
        unsafe {
            let number = pg_sys::get_attnum(self.oid, palloc(column));
            if number <= 0 {
                return None;
            }
            let kind = pg_sys::getBaseType(pg_sys::get_atttype(self.oid, number));
            if pg_sys::get_array_type(kind) == Oid::INVALID {
                return None;
            }
            let name = copy(pg_sys::format_type_be(kind))?;
            Some(TypeName { oid: kind, name })
        }
    }

    /// Whether a type takes a text as one of its values; else what the server says of it.
    pub fn takes(&self, kind: &TypeName, value: &str) -> std::result::Result<(), String> {
        let read = || {
            let _rights = authority::as_role(self.owner);
            let (mut function, mut parameter) = (Oid::INVALID, Oid::INVALID);
            // SAFETY: the input function that the type itself names, called as the server calls it; the
            // value is dropped. It runs with the rights of the table's owner.
            unsafe {
                pg_sys::getTypeInputInfo(kind.oid, &mut function, &mut parameter);
                pg_sys::OidInputFunctionCall(function, palloc(value), parameter, -1);
            }
            Ok(())
        };
        match xact::subtransaction(read) {
            Ok(_) => Ok(()),
            Err(caught) => Err(caught.message),
        }
    }

    /// CREATE POLICY, as the table's owner; gives the policy. Who holds the table's lock keeps its name as it
    /// is, but not its schema's: where another table was hit, nothing is left of it.
    pub fn create_policy(&self, policy: &Policy) -> Result<Oid> {
        let act = || {
            let _rights = authority::as_role(self.owner);
            // SAFETY: a complete statement with an untransformed expression, as the parser makes it.
            let made = unsafe {
                let statement = self.statement(policy);
                pg_guard_ffi_boundary(|| CreatePolicy(statement))
            };
            xact::next_command();
            // SAFETY: a catalog lookup; the server gives the invalid OID where that table has no such policy.
            let hit = unsafe {
                let name = palloc(policy.name);
                pg_guard_ffi_boundary(|| get_relation_policy_oid(self.oid, name, true))
            };
            if hit == made.objectId {
                Ok(hit)
            } else {
                Err(Kind::InUse.error("a schema was renamed meanwhile"))
            }
        };
        xact::subtransaction(act).map_err(|caught| {
            Kind::Denied
                .error(format!("no policy can be made on {}", shown(&self.name)))
                .detail(format!("{}.", shown_long(&caught.message)))
        })?
    }

    /// # Safety
    /// Allocates in the current memory context.
    unsafe fn statement(&self, policy: &Policy) -> *mut pg_sys::CreatePolicyStmt {
        // SAFETY: a fresh node, filled as gram.y does it for CREATE POLICY; USING goes for both.
        unsafe {
            let statement = node::<pg_sys::CreatePolicyStmt>(NodeTag::T_CreatePolicyStmt);
            (*statement).policy_name = palloc(policy.name);
            (*statement).table = pg_sys::makeRangeVar(palloc(&self.schema), palloc(&self.name), -1);
            (*statement).cmd_name = palloc("all");
            (*statement).permissive = !policy.restrictive;
            (*statement).roles = list(&[public().cast()]);
            (*statement).qual = tree(&policy.rule);
            (*statement).with_check = tree(&policy.rule);
            statement
        }
    }

    /// Switches row security on, for the owner too, or off, as the owner. The caller holds the table's lock.
    pub fn set_row_security(&self, on: bool) {
        use pg_sys::AlterTableType as Act;
        let acts = if on {
            [Act::AT_EnableRowSecurity, Act::AT_ForceRowSecurity]
        } else {
            [Act::AT_DisableRowSecurity, Act::AT_NoForceRowSecurity]
        };
        let _rights = authority::as_role(self.owner);
        // SAFETY: ALTER TABLE by OID of one table; the commands take no argument (gram.y, alter_table_cmd).
        unsafe {
            let commands = acts.map(|act| {
                let command = node::<pg_sys::AlterTableCmd>(NodeTag::T_AlterTableCmd);
                (*command).subtype = act;
                command.cast()
            });
            pg_sys::AlterTableInternal(self.oid, list(&commands), false);
        }
        xact::next_command();
    }
}

/// What the server says, without what could forge a line.
fn shown_long(message: &str) -> String {
    message
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
