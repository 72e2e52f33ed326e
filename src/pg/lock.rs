//! Locks that nobody but this house can name.
//!
//! They are heavyweight locks on (our table, an OID), a pair that no SQL command locks, so no user
//! can hold one without having called us (THREATS T81: no advisory lock, no grant on a table).
//! Waiters queue, `lock_timeout` holds, deadlocks are found, and a waiter at REPEATABLE READ gets no
//! serialization failure as it would from a row lock.

use super::{database, ident, xact, Oid};
use crate::error::{Kind, Result};
use pgrx::pg_sys;

/// Where nobody's role stands: the lock of the number of credentials.
const COUNTER: Oid = Oid::INVALID;
/// Where no role stands: the lock of who collaborates.
const EVERYBODY: Oid = Oid::INVALID;
/// Where no schema stands: the lock of what is for every schema.
const EVERY_SCHEMA: Oid = Oid::INVALID;

const CREDENTIALS: &str = "credential";
const GROUPS: &str = "access_group";
const APPS: &str = "attachment";
const ENDPOINTS: &str = "endpoint";
const COLLABORATORS: &str = "collaborator";
const EXCLUSIVE: i32 = pg_sys::ExclusiveLock as i32;
const SHARED: i32 = pg_sys::ShareLock as i32;

/// Locks the number of credentials until the end of the transaction. First in the lock order.
pub fn counter() -> Result<()> {
    acquire(CREDENTIALS, COUNTER, EXCLUSIVE, true).map(|_| ())
}

/// Locks one credential until the end of the transaction; waits up to `lock_timeout` (55P03 then).
pub fn credential(role: Oid) -> Result<()> {
    acquire(CREDENTIALS, role, EXCLUSIVE, true).map(|_| ())
}

/// Locks one credential if nobody holds it; tells whether it did.
pub fn try_credential(role: Oid) -> Result<bool> {
    acquire(CREDENTIALS, role, EXCLUSIVE, false)
}

/// Locks what groups there are of a schema (0: of every schema) until the end of the transaction, against
/// objects that are made there meanwhile: whoever lists a schema's objects for a new group has all of them.
pub fn scope_exclusively(schema: Oid) -> Result<()> {
    take(GROUPS, schema, EXCLUSIVE, true).map(|_| ())
}

/// Keeps the groups of a schema, and those of every schema, as they are until the end of the transaction:
/// whoever made an object and asks for the groups after this has all of them, or is seen by who makes one.
/// Anybody's CREATE TABLE takes these, and may be prepared with them, as with its own locks on the schema.
pub fn scope_shared(schema: Oid) -> Result<()> {
    take(GROUPS, EVERY_SCHEMA, SHARED, true)?;
    take(GROUPS, schema, SHARED, true).map(|_| ())
}

/// Locks the config variables of an app until the end of the transaction. After credentials, in the lock order.
pub fn app(name: &str) -> Result<()> {
    acquire(APPS, number_of(name), EXCLUSIVE, true).map(|_| ())
}

/// Locks an endpoint until the end of the transaction, for who changes it. After apps, in the lock order.
pub fn endpoint_exclusively(name: &str) -> Result<()> {
    acquire(ENDPOINTS, number_of(name), EXCLUSIVE, true).map(|_| ())
}

/// Keeps an endpoint as it is until the end of the transaction.
pub fn endpoint_shared(name: &str) -> Result<()> {
    acquire(ENDPOINTS, number_of(name), SHARED, true).map(|_| ())
}

/// Locks who has which permissions on which app until the end of the transaction. Last in the lock order.
pub fn collaborators() -> Result<()> {
    acquire(COLLABORATORS, EVERYBODY, EXCLUSIVE, true).map(|_| ())
}

/// A number that stands for a name, the same in every session (FNV-1a): two names that share one only wait for
/// each other.
fn number_of(name: &str) -> Oid {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    Oid::from_u32(name.bytes().fold(0x811c_9dc5, step))
}

/// Takes a lock that a call of ours keeps, also one that finds nothing to change: prepared, its transaction would
/// keep it for as long as its maker likes.
fn acquire(table: &str, object: Oid, mode: i32, wait: bool) -> Result<bool> {
    xact::mark_changed();
    take(table, object, mode, wait)
}

fn take(table: &str, object: Oid, mode: i32, wait: bool) -> Result<bool> {
    let tag = tag(table, object)?;
    // SAFETY: a complete tag on the stack; the lock belongs to the transaction, which releases it.
    let got = unsafe { pg_sys::LockAcquire(&tag, mode, false, !wait) };
    Ok(got != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL)
}

fn tag(table: &str, object: Oid) -> Result<pg_sys::LOCKTAG> {
    let class = ident::own_relation(table).ok_or_else(|| {
        Kind::NotReady.error("credential_manager is not installed in this database")
    })?;
    Ok(pg_sys::LOCKTAG {
        locktag_field1: database::current().to_u32(),
        locktag_field2: class.to_u32(),
        locktag_field3: object.to_u32(),
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    })
}

/// Takes AccessExclusiveLock on a role until the end of the transaction, as DROP ROLE does: nobody
/// can make an object of it or name it in a GRANT meanwhile.
pub fn role_exclusively(role: Oid) {
    // SAFETY: locks a shared object by class and OID; errors unwind.
    unsafe {
        pg_sys::LockSharedObject(
            pg_sys::AuthIdRelationId,
            role,
            0,
            pg_sys::AccessExclusiveLock as i32,
        );
    }
}
