//! What this server and this database are.

use super::Oid;
use pgrx::pg_sys;

/// Whether the library came in through `shared_preload_libraries` of a normal server: not by LOAD,
/// not in single-user mode, not in binary upgrade.
pub fn in_service() -> bool {
    super::shmem::ready() && is_postmaster_environment() && !is_binary_upgrade()
}

/// Whether `_PG_init` runs for `shared_preload_libraries`.
pub fn preloading() -> bool {
    // SAFETY: a plain global.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}

/// Whether pg_upgrade runs this server.
pub fn is_binary_upgrade() -> bool {
    // SAFETY: a plain global.
    unsafe { pg_sys::IsBinaryUpgrade }
}

/// Whether there is a postmaster, so not `postgres --single`.
pub fn is_postmaster_environment() -> bool {
    // SAFETY: a plain global.
    unsafe { pg_sys::IsPostmasterEnvironment }
}

/// Whether the server is a standby, or replays after a crash.
pub fn in_recovery() -> bool {
    // SAFETY: reads shared memory.
    unsafe { pg_sys::RecoveryInProgress() }
}

/// Whether the current transaction is read-only.
pub fn transaction_is_read_only() -> bool {
    // SAFETY: a plain global.
    unsafe { pg_sys::XactReadOnly }
}

/// The server's version as a number, 150000 for 15; a build is for one major version.
pub fn version() -> u32 {
    pg_sys::PG_VERSION_NUM
}

/// The cluster's system identifier, made by initdb (and anew by pg_upgrade's initdb).
pub fn system_identifier() -> u64 {
    // SAFETY: reads the control file's copy in memory.
    unsafe { pg_sys::GetSystemIdentifier() }
}

/// The database this backend is connected to.
pub fn current() -> Oid {
    // SAFETY: a plain global.
    unsafe { pg_sys::MyDatabaseId }
}

/// The port the server listens on.
pub fn port() -> i32 {
    // SAFETY: a plain global.
    unsafe { pg_sys::PostPortNumber }
}

/// The data directory.
pub fn data_directory() -> String {
    // SAFETY: a NUL-terminated string set at start.
    unsafe { super::text::copy(pg_sys::DataDir) }.unwrap_or_default()
}

/// The operating system user that the server runs as.
pub fn system_user() -> u32 {
    // SAFETY: cannot fail.
    unsafe { libc::geteuid() }
}
