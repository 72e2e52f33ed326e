//! credential_manager: managed login credentials inside the PostgreSQL server.

pub mod core;
pub mod error;
pub mod ownership;
pub mod pg;

pgrx::pg_module_magic!();
