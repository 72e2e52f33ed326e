//! credential_manager: managed login credentials inside the PostgreSQL server.

pub mod error;
pub mod core;

pgrx::pg_module_magic!();
