//! What all processes of the server share: when there is work, and whom the launcher is to end.

use super::value::Time;
use super::{time, Oid};
use pgrx::prelude::*;
use pgrx::{pg_shmem_init, pg_sys, PGRXSharedMemory, PgLwLock};
use std::sync::atomic::{AtomicBool, Ordering};

/// How many roles can be swept for late logins at once; a role beyond waits in its worker.
const SWEEPS: usize = 256;

/// Longest text that a worker in another database hands over, in bytes.
const REPORT_TEXT: usize = 240;

/// How many roles' logins are remembered between two visits of the worker; beyond, the oldest goes.
const LOGINS: usize = 512;

/// Sessions of a role that began before a moment are to be ended, for as long as a login that was
/// begun before it may still be on its way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sweep {
    /// The role they logged in as.
    pub role: u32,
    /// Sessions that began at or before this are ended.
    pub before: Time,
    /// When the sweep is over.
    pub until: Time,
}

#[derive(Clone, Copy)]
struct Shared {
    /// Work was committed, or nobody has looked since the start.
    look_now: bool,
    /// When the next thing is due, as the last worker saw it; 0: nothing.
    next_due: Time,
    /// The end of the latest commit that left work.
    last_commit: Time,
    /// The launcher's process and its place in the process array, so that it can be woken.
    launcher: i32,
    /// A worker that waits in the queue of a lock and asks for its blockers to be ended.
    besieging: i32,
    /// Somebody who stands before that worker and may not be ended.
    holdout: i32,
    sweeps: [Sweep; SWEEPS],
    /// The latest login of roles whose sessions have ended: role and time; role 0: free.
    logins: [(u32, Time); LOGINS],
    /// What the worker in another database has to say.
    report: u8,
    /// Its words, as many as fit.
    report_text: [u8; REPORT_TEXT],
}

impl Default for Shared {
    fn default() -> Self {
        Shared {
            look_now: true,
            next_due: 0,
            last_commit: 0,
            launcher: 0,
            besieging: 0,
            holdout: 0,
            sweeps: [Sweep::default(); SWEEPS],
            logins: [(0, 0); LOGINS],
            report: 0,
            report_text: [0; REPORT_TEXT],
        }
    }
}

// SAFETY: plain numbers, Copy, no pointers.
unsafe impl PGRXSharedMemory for Shared {}

// SAFETY: initialised by `init` while libraries are preloaded, and used only where `ready`.
static SHARED: PgLwLock<Shared> = unsafe { PgLwLock::new(c"credential_manager") };
static READY: AtomicBool = AtomicBool::new(false);

/// Asks for the shared memory; only while libraries are preloaded.
pub fn init() {
    pg_shmem_init!(SHARED);
    READY.store(true, Ordering::Relaxed);
}

/// Whether this server has the shared memory.
pub fn ready() -> bool {
    READY.load(Ordering::Relaxed)
}

/// A transaction that left work has committed: note when, and wake the launcher.
pub fn work_committed() {
    if !ready() {
        return;
    }
    let launcher = {
        let mut shared = SHARED.exclusive();
        shared.look_now = true;
        shared.last_commit = time::now();
        shared.launcher
    };
    wake(launcher);
}

/// Wakes a process of this server, where it is one.
fn wake(pid: i32) {
    if pid == 0 {
        return;
    }
    // SAFETY: BackendPidGetProc gives null for a process that is gone; a latch of the process array
    // stays in shared memory, and setting one too many is harmless.
    unsafe {
        let proc = pg_sys::BackendPidGetProc(pid);
        if !proc.is_null() {
            pg_sys::SetLatch(&mut (*proc).procLatch);
        }
    }
}

/// The launcher says who it is.
pub fn announce_launcher(pid: i32) {
    SHARED.exclusive().launcher = pid;
}

/// Takes the word that there may be work; true once for each word.
pub fn take_look_now() -> bool {
    std::mem::take(&mut SHARED.exclusive().look_now)
}

/// Says that there may be work, and wakes the launcher.
pub fn ask_to_look() {
    let launcher = {
        let mut shared = SHARED.exclusive();
        shared.look_now = true;
        shared.launcher
    };
    wake(launcher);
}

/// When the next thing is due; `None`: nothing is.
pub fn next_due() -> Option<Time> {
    let due = SHARED.share().next_due;
    (due != 0).then_some(due)
}

/// A worker says when the next thing is due.
pub fn set_next_due(due: Option<Time>) {
    SHARED.exclusive().next_due = due.unwrap_or(0);
}

/// The end of the latest commit that left work; `None` where none was since the server started.
pub fn last_commit() -> Option<Time> {
    let at = SHARED.share().last_commit;
    (at != 0).then_some(at)
}

/// Hands a sweep to the launcher; false where its list is full.
pub fn add_sweep(role: Oid, before: Time, until: Time) -> bool {
    let role = role.to_u32();
    let now = time::now();
    let launcher = {
        let mut shared = SHARED.exclusive();
        let Some(slot) = shared
            .sweeps
            .iter_mut()
            .find(|s| s.role == role || s.role == 0 || s.until < now)
        else {
            return false;
        };
        *slot = Sweep {
            role,
            before,
            until,
        };
        shared.launcher
    };
    wake(launcher);
    true
}

/// The sweeps that are not over.
pub fn sweeps() -> Vec<Sweep> {
    let now = time::now();
    let shared = SHARED.share();
    shared
        .sweeps
        .iter()
        .filter(|s| s.role != 0 && s.until >= now)
        .copied()
        .collect()
}

/// A worker is about to wait for a lock that others may hold: the launcher ends them. 0: no longer.
pub fn besiege(pid: i32) {
    let launcher = {
        let mut shared = SHARED.exclusive();
        shared.besieging = pid;
        if pid != 0 {
            shared.holdout = 0;
        }
        shared.launcher
    };
    wake(launcher);
}

/// The worker that waits, if one does.
pub fn besieging() -> Option<i32> {
    let pid = SHARED.share().besieging;
    (pid != 0).then_some(pid)
}

/// The launcher saw somebody before the waiting worker whom it may not end.
pub fn set_holdout(pid: i32) {
    SHARED.exclusive().holdout = pid;
}

/// Who that was, during the last siege.
pub fn holdout() -> Option<i32> {
    let pid = SHARED.share().holdout;
    (pid != 0).then_some(pid)
}

/// What a worker in another database came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// It said nothing before it ended.
    Nothing,
    /// All is done there.
    Done,
    /// Some objects are busy.
    Busy,
    /// A person is needed.
    Blocked,
}

/// Before a worker is started elsewhere: nothing has been said.
pub fn clear_report() {
    set_report(Report::Nothing, "");
}

/// A worker in another database says what it came to; what does not fit is cut.
pub fn set_report(report: Report, text: &str) {
    let mut shared = SHARED.exclusive();
    shared.report = report as u8;
    shared.report_text = [0; REPORT_TEXT];
    for (slot, byte) in shared.report_text.iter_mut().zip(text.bytes()) {
        *slot = byte;
    }
}

/// What the worker in another database said.
pub fn report() -> (Report, String) {
    let shared = SHARED.share();
    let report = match shared.report {
        1 => Report::Done,
        2 => Report::Busy,
        3 => Report::Blocked,
        _ => Report::Nothing,
    };
    let end = shared
        .report_text
        .iter()
        .position(|b| *b == 0)
        .unwrap_or(REPORT_TEXT);
    (
        report,
        String::from_utf8_lossy(&shared.report_text[..end]).into_owned(),
    )
}

/// A session of a role has ended, which began at `at`.
pub fn note_login(role: Oid, at: Time) {
    if !ready() {
        return;
    }
    let role = role.to_u32();
    let mut shared = SHARED.exclusive();
    let logins = &mut shared.logins;
    let slot = logins.iter().position(|l| l.0 == role);
    let slot = slot.or_else(|| logins.iter().position(|l| l.0 == 0));
    let slot = slot.or_else(|| (0..LOGINS).min_by_key(|i| logins[*i].1));
    if let Some(slot) = slot {
        let latest = if logins[slot].0 == role {
            at.max(logins[slot].1)
        } else {
            at
        };
        logins[slot] = (role, latest);
    }
}

/// The logins that are noted.
pub fn logins() -> Vec<(Oid, Time)> {
    let shared = SHARED.share();
    let noted = shared.logins.iter().filter(|l| l.0 != 0);
    noted.map(|l| (Oid::from(l.0), l.1)).collect()
}

/// Takes the logins that are noted.
pub fn take_logins() -> Vec<(Oid, Time)> {
    let noted = logins();
    SHARED.exclusive().logins = [(0, 0); LOGINS];
    noted
}
