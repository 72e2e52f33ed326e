//! Background workers: registering, starting, waiting, and a connection that trusts no setting.

use super::{authority, text, version, xact, Oid, BOOTSTRAP_SUPERUSER};
use crate::error::{Kind, Result};
use pgrx::bgworkers::{BackgroundWorkerBuilder, BgWorkerStartTime};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::PgTryBuilder;
use std::ffi::{CStr, CString};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// Registers the launcher, which runs on a hot standby too; only while libraries are preloaded.
pub fn register_launcher() {
    BackgroundWorkerBuilder::new("credential_manager launcher")
        .set_type("credential_manager launcher")
        .set_library("credential_manager")
        .set_function("credential_manager_launcher")
        .set_restart_time(Some(Duration::from_secs(5)))
        .enable_shmem_access(None)
        .enable_spi_access()
        // After enable_spi_access, which says when, too.
        .set_start_time(BgWorkerStartTime::ConsistentState)
        .load();
}

/// A started worker.
pub struct Started(*mut pg_sys::BackgroundWorkerHandle);

/// How a started worker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Not started yet, or running.
    Running,
    /// Ended, or never to start.
    Ended,
}

/// Starts a short-lived worker in a database. `task` is at most 90 bytes. Nothing where the server has
/// no free slot (max_worker_processes).
pub fn start(database: Oid, task: &str) -> Option<Started> {
    // SAFETY: a zeroed struct of plain arrays and numbers, filled below; the server copies it.
    let mut worker: pg_sys::BackgroundWorker = unsafe { std::mem::zeroed() };
    put(&mut worker.bgw_name, "credential_manager worker");
    put(&mut worker.bgw_type, "credential_manager worker");
    put(&mut worker.bgw_library_name, "credential_manager");
    put(&mut worker.bgw_function_name, "credential_manager_worker");
    put(&mut worker.bgw_extra, task);
    worker.bgw_flags =
        (pg_sys::BGWORKER_SHMEM_ACCESS | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION) as i32;
    worker.bgw_start_time = pg_sys::BgWorkerStartTime::BgWorkerStart_ConsistentState;
    worker.bgw_restart_time = pg_sys::BGW_NEVER_RESTART;
    worker.bgw_main_arg = pg_sys::Datum::from(database);
    // SAFETY: a plain global; the postmaster tells this process when the worker starts and stops.
    worker.bgw_notify_pid = unsafe { pg_sys::MyProcPid };
    let mut handle = std::ptr::null_mut();
    // SAFETY: a complete worker; the handle is allocated in the long-lived context, so that it
    // outlives the transaction in which it was asked for.
    unsafe {
        let context = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
        let registered = pg_sys::RegisterDynamicBackgroundWorker(&mut worker, &mut handle);
        pg_sys::MemoryContextSwitchTo(context);
        // Not `then_some`: it would make, and so free, a handle that was never given.
        registered.then(|| Started(handle))
    }
}

impl Started {
    /// Ends its nap.
    pub fn wake(&self) {
        let mut pid = 0;
        // SAFETY: as in `run`.
        let status = unsafe { pg_sys::GetBackgroundWorkerPid(self.0, &mut pid) };
        if status == pg_sys::BgwHandleStatus::BGWH_STARTED {
            super::shmem::wake(pid);
        }
    }

    /// Whether it still runs.
    pub fn run(&self) -> Run {
        let mut pid = 0;
        // SAFETY: the handle is one that RegisterDynamicBackgroundWorker gave.
        let status = unsafe { pg_sys::GetBackgroundWorkerPid(self.0, &mut pid) };
        match status {
            pg_sys::BgwHandleStatus::BGWH_STARTED
            | pg_sys::BgwHandleStatus::BGWH_NOT_YET_STARTED => Run::Running,
            _ => Run::Ended,
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // SAFETY: allocated by the server in TopMemoryContext, and not used after this.
        unsafe { pg_sys::pfree(self.0.cast()) }
    }
}

/// Writes a text into a fixed C field, NUL-terminated; what does not fit is left out.
fn put<const N: usize>(field: &mut [std::ffi::c_char; N], value: &str) {
    for (slot, byte) in field.iter_mut().take(N - 1).zip(value.bytes()) {
        *slot = byte as std::ffi::c_char;
    }
}

/// The task that this worker was started with.
pub fn task() -> String {
    // SAFETY: in a background worker MyBgworkerEntry points to its entry, whose fields are
    // NUL-terminated.
    unsafe { text::copy((*pg_sys::MyBgworkerEntry).bgw_extra.as_ptr()) }.unwrap_or_default()
}

extern "C-unwind" {
    // The server's signal handlers (tcopprot.h, interrupt.h), by their addresses: pgrx's bindings wrap
    // them in Rust functions, which cannot be installed as handlers.
    fn die(signal: std::ffi::c_int);
    fn SignalHandlerForConfigReload(signal: std::ffi::c_int);
}

/// Takes signals as a backend does: SIGTERM ends at the next safe point, SIGHUP asks to reload.
fn take_signals() {
    // SAFETY: the server's own handlers, installed before signals are let in.
    unsafe {
        version::pqsignal(libc::SIGTERM, Some(die));
        version::pqsignal(libc::SIGHUP, Some(SignalHandlerForConfigReload));
        pg_sys::BackgroundWorkerUnblockSignals();
    }
}

/// Connects the launcher to the shared catalogs alone, so that no database is held.
pub fn connect_launcher() {
    take_signals();
    // SAFETY: called once, at the start of a worker that was registered for it.
    unsafe {
        pg_sys::BackgroundWorkerInitializeConnection(std::ptr::null(), std::ptr::null(), 0);
    }
}

/// Connects a worker to a database, whether or not the database lets connections in. What its owner
/// could have set is overridden at once, before there is a transaction: `default_transaction_read_only`
/// would make the first one read-only, and its end would take the overrides back.
pub fn connect(database: Oid) {
    take_signals();
    // SAFETY: as in `connect_launcher`; the invalid user is the bootstrap superuser.
    unsafe {
        pg_sys::BackgroundWorkerInitializeConnectionByOid(
            database,
            Oid::INVALID,
            pg_sys::BGWORKER_BYPASS_ALLOWCONN,
        );
    }
    override_settings();
}

/// The worker is the bootstrap superuser and nobody else (rule 13).
fn assert_identity() -> Result<()> {
    let now = authority::Caller::current();
    let right = [now.effective, now.outer, now.session]
        .iter()
        .all(|user| *user == BOOTSTRAP_SUPERUSER)
        && authority::is_superuser(BOOTSTRAP_SUPERUSER);
    if right {
        Ok(())
    } else {
        Err(Kind::Internal.error("the worker is not the bootstrap superuser"))
    }
}

/// Settings of the worker's session that a database, a role or a file could have set otherwise
/// (THREATS T44). lock_timeout and deadlock_timeout come with the setting they follow.
const OVERRIDES: [(&CStr, &CStr); 27] = [
    (c"search_path", c"pg_catalog, pg_temp"),
    (c"role", c"none"),
    (c"default_transaction_read_only", c"off"),
    (c"default_transaction_isolation", c"read committed"),
    (c"default_transaction_deferrable", c"off"),
    (c"statement_timeout", c"0"),
    (c"idle_in_transaction_session_timeout", c"0"),
    (c"idle_session_timeout", c"0"),
    (c"row_security", c"on"),
    (c"standard_conforming_strings", c"on"),
    (c"escape_string_warning", c"on"),
    (c"backslash_quote", c"safe_encoding"),
    (c"quote_all_identifiers", c"off"),
    (c"transform_null_equals", c"off"),
    (c"bytea_output", c"hex"),
    (c"datestyle", c"ISO, MDY"),
    (c"intervalstyle", c"postgres"),
    (c"check_function_bodies", c"on"),
    (c"synchronous_commit", c"on"),
    (c"exit_on_error", c"off"),
    (c"debug_print_parse", c"off"),
    (c"debug_print_rewritten", c"off"),
    (c"debug_print_plan", c"off"),
    (c"password_encryption", c"scram-sha-256"),
    // Compiling a catalog query takes longer than running it.
    (c"jit", c"off"),
    (c"default_tablespace", c""),
    (c"default_table_access_method", c"heap"),
];

fn override_settings() {
    for (name, value) in OVERRIDES {
        set(name, value);
    }
}

/// Overrides the settings and asserts who the worker is, at each pass.
pub fn harden(lock_timeout_ms: i32) -> Result<()> {
    override_settings();
    let millis = |ms: i32| CString::new(format!("{ms}ms")).unwrap_or_default();
    set(c"lock_timeout", &millis(lock_timeout_ms));
    // Autovacuum yields to a waiter only after the deadlock check, which must come first.
    set(c"deadlock_timeout", &millis((lock_timeout_ms / 4).max(1)));
    assert_identity()
}

fn set(name: &CStr, value: &CStr) {
    // SAFETY: NUL-terminated names of settings and values; PGC_S_OVERRIDE goes before what a database
    // or a role has set.
    unsafe {
        pg_sys::SetConfigOption(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_OVERRIDE,
        );
    }
}

/// Sleeps up to so many milliseconds, or until this process's latch is set, and then lets a
/// cancellation, a termination or a reload take effect.
pub fn nap(milliseconds: i64) {
    // SAFETY: this process's own latch; the flags make it end with the postmaster.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            (pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH) as i32,
            milliseconds,
            pg_sys::PG_WAIT_EXTENSION,
        );
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
    xact::check_for_interrupts();
}

/// Reads the configuration files again where SIGHUP asked for it.
pub fn reload_if_asked() {
    // SAFETY: plain globals of this process; ProcessConfigFile runs outside transactions in workers.
    unsafe {
        if pg_sys::ConfigReloadPending != 0 {
            pg_sys::ConfigReloadPending = 0;
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
    }
}

/// Runs one transaction. An `Err` of `act` and an error of the server roll it back; the outer result
/// is the server's error.
pub fn transaction<T>(
    act: impl FnOnce() -> Result<T>,
) -> std::result::Result<Result<T>, xact::Caught> {
    let act = AssertUnwindSafe(act);
    PgTryBuilder::new(move || {
        let act = act;
        // SAFETY: the frame of a transaction in a background worker (bgworker.c's examples): started
        // and ended here, with a snapshot for what runs inside.
        unsafe {
            pg_sys::SetCurrentStatementStartTimestamp();
            pg_sys::StartTransactionCommand();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        }
        let outcome = (act.0)();
        // SAFETY: as above.
        unsafe {
            if outcome.is_ok() {
                pg_sys::PopActiveSnapshot();
                pg_sys::CommitTransactionCommand();
            } else {
                pg_sys::AbortCurrentTransaction();
            }
        }
        Ok(outcome)
    })
    .catch_others(|error| {
        // SAFETY: ends the failed transaction; pgrx has copied the error out and flushed its state.
        unsafe { pg_sys::AbortCurrentTransaction() };
        Err(xact::Caught::from(error))
    })
    .catch_rust_panic(|error| {
        // SAFETY: as above.
        unsafe { pg_sys::AbortCurrentTransaction() };
        error.rethrow()
    })
    .execute()
}

impl From<CaughtError> for xact::Caught {
    fn from(error: CaughtError) -> Self {
        xact::Caught::of(error)
    }
}

/// Exports the entry point of a background worker.
#[macro_export]
macro_rules! export_worker {
    ($symbol:ident, $main:path) => {
        #[allow(unsafe_code)] // The calling convention of bgworker.c.
        #[no_mangle]
        #[pgrx::pg_guard]
        /// Entry point of a background worker.
        pub extern "C-unwind" fn $symbol(argument: pgrx::pg_sys::Datum) {
            $main(argument)
        }
    };
}

/// The database that a worker's argument names.
pub fn argument_database(argument: pg_sys::Datum) -> Oid {
    Oid::from(argument.value() as u32)
}
