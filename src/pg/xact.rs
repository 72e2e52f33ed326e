//! Transactions: what happens at their end, and subtransactions that catch an error.

use super::pairs::{self, Pair};
use super::{shmem, version, Oid};
use crate::error::{Error, Kind, Result};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgSqlErrorCode, PgTryBuilder, PgXactCallbackEvent};
use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;

thread_local! {
    /// The transaction that has its callbacks already, by its local id.
    static MARKED: Cell<u32> = const { Cell::new(0) };
    /// What that transaction has left to tell.
    static WORK: RefCell<Vec<Left>> = const { RefCell::new(Vec::new()) };
    /// Whether rollbacks to savepoints are watched in this backend.
    static WATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Something to be told at commit, and the subtransaction that left it.
#[derive(Clone, Copy)]
struct Left {
    within: pg_sys::SubTransactionId,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    /// There is work.
    Work,
    /// There is something to tell, which nobody waits for.
    News,
    /// There is work, and the password of this role changed: older sessions are of the old one.
    Cut(Oid),
    /// This role rotates with this twin from here on; without one it no longer does.
    Pair(Oid, Option<Oid>),
}

/// The local id of the current transaction, unique in this backend.
pub fn local_id() -> u32 {
    // SAFETY: MyProc is set in every backend that runs a transaction.
    version::local_xid(unsafe { &*pg_sys::MyProc })
}

/// Says that this transaction changes something of ours, or keeps it still: it cannot be PREPAREd, since a
/// prepared transaction would keep our locks for as long as its maker likes (THREATS T81).
pub fn mark_changed() {
    let id = local_id();
    if MARKED.replace(id) == id {
        return;
    }
    WORK.take();
    watch_savepoints();
    pgrx::register_xact_callback(PgXactCallbackEvent::PrePrepare, || {
        super::call::raise(
            Kind::NotBuilt
                .error("cannot PREPARE a transaction that changed credentials or holds them")
                .detail("A prepared transaction would hold the credential's locks for as long as it is left.")
                .hint("COMMIT or ROLLBACK."),
        )
    });
    pgrx::register_xact_callback(PgXactCallbackEvent::Commit, || {
        MARKED.set(0);
        let left = WORK.take();
        let mut cut = Vec::new();
        for Left { what, .. } in &left {
            match *what {
                What::Work | What::News => {}
                What::Cut(role) => cut.push(role),
                What::Pair(role, twin) => pairs::changed(role, twin),
            }
        }
        match left.iter().all(|l| matches!(l.what, What::News)) {
            _ if left.is_empty() => {}
            true => shmem::news_committed(),
            false => shmem::work_committed(&cut),
        }
    });
    pgrx::register_xact_callback(PgXactCallbackEvent::Abort, || {
        MARKED.set(0);
        WORK.take();
    });
}

/// What a subtransaction left is forgotten when it is rolled back.
fn watch_savepoints() {
    if !WATCHING.replace(true) {
        // SAFETY: registered once in a backend; the callback takes no argument.
        unsafe { pg_sys::RegisterSubXactCallback(Some(at_savepoint), std::ptr::null_mut()) }
    }
}

/// Subtransactions are numbered in order, so those that a rollback ends are its own and all later ones.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn at_savepoint(
    event: pg_sys::SubXactEvent::Type,
    own: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut std::ffi::c_void,
) {
    if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
        WORK.with_borrow_mut(|left| left.retain(|l| l.within < own));
    }
}

/// Says that this transaction left work for the worker, who is told when it commits.
pub fn mark_work() {
    mark_changed();
    leave(What::Work);
}

/// Says that this transaction has something to tell when it commits.
pub fn mark_news() {
    mark_changed();
    let told = WORK.with_borrow(|left| left.iter().any(|l| matches!(l.what, What::News)));
    if !told {
        leave(What::News);
    }
}

/// Says that this transaction changes a role's password by force: sessions that began before its commit
/// are of the old one.
pub fn mark_cutover(role: Oid) {
    mark_changed();
    leave(What::Cut(role));
}

/// Says that a role rotates with this twin when the transaction commits, or no longer does: role DDL on
/// either is watched while it does.
pub fn mark_pair(role: Oid, twin: Option<Oid>) {
    mark_changed();
    leave(What::Pair(role, twin));
}

/// The pair of a role as this transaction has left it so far; `None` where it says nothing of that role.
pub fn pair_left(role: Oid) -> Option<Option<Pair>> {
    if MARKED.get() != local_id() {
        return None;
    }
    WORK.with_borrow(|left| {
        left.iter().rev().find_map(|l| match l.what {
            What::Pair(base, twin) if base == role || twin == Some(role) => {
                Some(twin.map(|twin| Pair {
                    role: base.to_u32(),
                    twin: twin.to_u32(),
                }))
            }
            _ => None,
        })
    })
}

fn leave(what: What) {
    // SAFETY: a plain number of the current transaction.
    let within = unsafe { pg_sys::GetCurrentSubTransactionId() };
    WORK.with_borrow_mut(|left| left.push(Left { within, what }));
}

/// Whether this transaction has left work, so that waiting for it would wait for itself.
pub fn has_work() -> bool {
    MARKED.get() == local_id()
        && WORK.with_borrow(|left| left.iter().any(|l| !matches!(l.what, What::News)))
}

/// Makes this transaction's commit reach the disk whatever `synchronous_commit` says: a password
/// that was told must survive a crash.
pub fn force_sync_commit() {
    // SAFETY: sets a flag of the current transaction.
    unsafe { pg_sys::ForceSyncCommit() }
}

/// Makes what this command wrote visible to the next one.
pub fn next_command() {
    // SAFETY: inside a transaction, not in a parallel one (our functions are PARALLEL UNSAFE).
    unsafe { pg_sys::CommandCounterIncrement() }
}

/// Lets a cancel or a termination that has been asked for take effect.
pub fn check_for_interrupts() {
    pgrx::check_for_interrupts!();
}

/// Whether something waits to take effect at the next check: a cancel, a termination, or less.
pub fn interrupt_pending() -> bool {
    // SAFETY: a flag that signal handlers set.
    unsafe { std::ptr::read_volatile(&raw const pg_sys::InterruptPending) != 0 }
}

/// An error of the server that a subtransaction caught.
#[derive(Debug)]
pub struct Caught {
    /// The five characters of its SQLSTATE.
    pub sqlstate: String,
    /// Its message. It may hold names of objects; it is not shown to callers as it is.
    pub message: String,
}

/// Runs `act` in a subtransaction. An error of the server, or an `Err`, rolls back what it did; the
/// outer result is the server's error, the inner one is `act`'s own.
pub fn subtransaction<T>(
    act: impl FnOnce() -> Result<T>,
) -> std::result::Result<Result<T>, Caught> {
    // SAFETY: plain globals, put back at the end as PL/pgSQL's exception block does.
    let (context, owner) = unsafe { (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner) };
    // SAFETY: ended below on every path, by release or by rollback.
    unsafe { pg_sys::BeginInternalSubTransaction(std::ptr::null()) };
    // SAFETY: keeps results in the caller's memory, as PL/pgSQL does.
    unsafe { pg_sys::MemoryContextSwitchTo(context) };
    let act = AssertUnwindSafe(act);
    let outcome = PgTryBuilder::new(move || {
        let act = act;
        Ok((act.0)())
    })
    .catch_others(|error| Err(Box::new(error)))
    .catch_rust_panic(|error| Err(Box::new(error)))
    .execute();
    // SAFETY: this is the subtransaction begun above; an error inside it has been copied out and
    // the error state flushed by pgrx.
    unsafe {
        if matches!(outcome, Ok(Ok(_))) {
            pg_sys::ReleaseCurrentSubTransaction();
        } else {
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
    }
    outcome.map_err(|error| caught(*error))
}

/// How often an act is begun anew where others write the same row.
const TRIES: u32 = 8;

/// The same, begun anew where somebody wrote the same row of a catalog meanwhile, such as the access list of the
/// database: he has committed by the time the server says so, and the next try finds what he left.
pub fn persistently<T>(act: impl Fn() -> Result<T>) -> std::result::Result<Result<T>, Caught> {
    let mut tries = 1..TRIES;
    loop {
        match subtransaction(&act) {
            Err(caught) if caught.is_overtaken() && tries.next().is_some() => {
                super::authority::catch_up();
            }
            other => return other,
        }
    }
}

/// Runs `act`; where the server gives up waiting for a lock in it, the error is another one, which says
/// what was waited for. There is no subtransaction: the error must go on to the server.
pub fn or_timeout<T>(act: impl FnOnce() -> Result<T>, timeout: impl Fn() -> Error) -> Result<T> {
    let act = AssertUnwindSafe(act);
    let timeout = AssertUnwindSafe(timeout);
    PgTryBuilder::new(move || {
        let act = act;
        (act.0)()
    })
    .catch_when(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, move |_| {
        let timeout = &timeout;
        Err((timeout.0)())
    })
    .execute()
}

impl Caught {
    /// Whether somebody else was at the same thing: a call that is made again can do without.
    pub fn is_contention(&self) -> bool {
        matches!(self.sqlstate.as_str(), "55P03" | "40P01" | "40001") || self.is_overtaken()
    }

    /// Whether somebody wrote the same row of a catalog at the same time, and committed: an internal error in
    /// heapam.c.
    fn is_overtaken(&self) -> bool {
        self.sqlstate == "XX000" && self.message.contains("concurrently")
    }

    /// What an error of the server says; a Rust panic goes on.
    pub(super) fn of(error: CaughtError) -> Caught {
        match error {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => Caught {
                sqlstate: sqlstate_text(report.sql_error_code() as i32),
                message: report.message().to_owned(),
            },
            panic @ CaughtError::RustPanic { .. } => panic.rethrow(),
        }
    }
}

/// A cancel or a termination is not an outcome of the act: it goes on to end the whole transaction.
/// Only after the subtransaction has ended: the server takes one that is left open for the session's
/// own, and the session could neither go on nor roll back.
fn caught(error: CaughtError) -> Caught {
    if let CaughtError::PostgresError(report) = &error {
        let sqlstate = sqlstate_text(report.sql_error_code() as i32);
        if sqlstate == "57014" || sqlstate == "57P01" {
            error.rethrow();
        }
    }
    Caught::of(error)
}

/// The SQLSTATE of whatever went wrong.
pub(super) fn sqlstate(error: &CaughtError) -> String {
    let (CaughtError::PostgresError(report)
    | CaughtError::ErrorReport(report)
    | CaughtError::RustPanic {
        ereport: report, ..
    }) = error;
    sqlstate_text(report.sql_error_code() as i32)
}

/// The text form of an encoded SQLSTATE (elog.h, MAKE_SQLSTATE: five characters of six bits).
fn sqlstate_text(code: i32) -> String {
    (0..5)
        .map(|i| char::from(((code >> (6 * i)) & 0x3F) as u8 + b'0'))
        .collect()
}

/// For the length of this value, statements of this backend wait at most so long for one lock.
#[must_use = "the former setting comes back when this value is dropped"]
pub struct LockTimeout(std::ffi::c_int);

/// Waits at most `milliseconds` for each lock from here on.
pub fn lock_timeout(milliseconds: i32) -> LockTimeout {
    // SAFETY: a plain global that holds the setting, in milliseconds; read at each lock wait.
    unsafe {
        let former = pg_sys::LockTimeout;
        pg_sys::LockTimeout = milliseconds;
        LockTimeout(former)
    }
}

/// The longest wait for one lock that is in force now, in milliseconds.
pub fn present_lock_timeout() -> i32 {
    // SAFETY: as above.
    unsafe { pg_sys::LockTimeout }
}

impl Drop for LockTimeout {
    fn drop(&mut self) {
        // SAFETY: puts back what was there.
        unsafe { pg_sys::LockTimeout = self.0 }
    }
}
