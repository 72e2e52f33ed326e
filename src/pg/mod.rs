//! The fence: every unsafe block, every role-DDL node and every difference between server
//! versions of this house stands below this door. What leaves it is safe Rust.
//!
//! A PostgreSQL error that passes through here unwinds as a panic that pgrx turns back into the
//! same error at the function's boundary; it is caught only in [`xact::subtransaction`].
#![allow(unsafe_code)] // The reason this module exists; each block says why it is sound.

pub mod acl;
mod answer;
mod authid;
pub mod authority;
pub mod call;
pub mod census;
pub mod created;
pub mod database;
pub mod endow;
pub mod errand;
pub mod expression;
pub mod extension;
pub mod fault;
pub mod follow;
pub mod grant;
pub mod hold;
pub mod ident;
pub mod lock;
pub mod log;
pub mod logins;
mod membership;
mod memory;
mod node;
pub mod object;
pub mod owner;
pub mod pairs;
pub mod policy;
pub mod prepared;
pub mod replication;
pub mod role;
pub mod role_settings;
pub mod row;
pub mod schema;
pub mod session;
pub mod settings;
pub mod shared;
pub mod shmem;
pub mod signals;
pub mod sink;
pub mod spi;
pub mod sweeps;
pub mod text;
pub mod time;
pub mod types;
pub mod utility;
pub mod value;
mod version;
pub mod watched;
pub mod worker;
pub mod xact;

pub use pgrx::pg_sys::Oid;

/// The role every cluster is made with; the worker and the elevated acts run as it.
/// `pg_authid.dat` gives it OID 10.
pub const BOOTSTRAP_SUPERUSER: Oid = Oid::from_u32(10);

/// An OID from the number that a row holds.
pub fn oid(number: u32) -> Oid {
    Oid::from(number)
}
