//! credential_manager: managed login credentials inside the PostgreSQL server.
//!
//! The rooms stand on floors; a room uses what stands below it, and `tests/layers` watches that.

// Floor 0: ground. It knows nothing of credentials.
pub mod error;
pub mod pg;
pub mod settings;

// Floor 1: pure. It needs no server.
pub mod core;

// Floor 2: memory, each on the one before.
pub mod access;
pub mod catalog;
pub mod events;
pub mod vault;

// Floor 3: work.
pub mod adoption;
pub mod attachments;
pub mod collaborators;
pub mod extensions;
pub mod flat;
pub mod jobs;
pub mod lifecycle;
pub mod ownership;
pub mod permissions;
pub mod repair;
pub mod reports;
pub mod rotation;
pub mod setup;
pub mod specs;
pub mod tenants;

// Floor 4: edges, called by nobody.
pub mod checks;
pub mod doors;
pub mod hooks;
pub mod metrics;
pub mod poolers;
pub mod worker;

pgrx::pg_module_magic!();

/// Called by the server when it loads the library.
///
/// Outside `shared_preload_libraries` nothing is defined: a LOAD in a session must not change that
/// session, and every function refuses there (55000). Under pg_upgrade nothing acts.
#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    if !pg::database::preloading() || pg::database::is_binary_upgrade() {
        return;
    }
    if let Err(error) = vault::check_cipher() {
        pg::log::warning(&format!("credential_manager: {error}"));
    }
    settings::define(pg::database::port());
    pg::shmem::init();
    pg::logins::watch();
    hooks::install();
    pg::worker::register_launcher();
}
