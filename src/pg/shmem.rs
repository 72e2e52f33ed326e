//! What all processes of the server share: when there is work, and whom the launcher is to end.

use super::pairs::Pairs;
use super::sweeps::{self, Sweep, SWEEPS};
use super::value::Time;
use super::{session, time, Oid};
use pgrx::prelude::*;
use pgrx::{pg_shmem_init, pg_sys, PGRXSharedMemory, PgLwLock};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many roles' logins are remembered between two visits of the worker; beyond, the oldest goes.
const LOGINS: usize = 512;

/// How long news wait for more, in microseconds.
const IN_ONE_GO: Time = 50_000;

#[derive(Clone, Copy)]
pub(super) struct Shared {
    /// Work was committed, or nobody has looked since the start.
    pub(super) look_now: bool,
    /// When a worker is to be started for what was recorded since and nobody was told of yet; 0: nothing.
    news_at: Time,
    /// When the next thing is due, as the last worker saw it; 0: nothing.
    next_due: Time,
    /// When the launcher first ran in this memory, which a crash makes anew.
    pub(super) since: Time,
    /// The launcher has ended a session in a sweep, and nobody has looked at its role since.
    pub(super) swept: bool,
    /// The launcher's process and its place in the process array, so that it can be woken.
    pub(super) launcher: i32,
    /// The worker that is at the jobs, and when its process began.
    worker: (i32, Time),
    /// A worker that waits in the queue of a lock and asks for its blockers to be ended.
    besieging: i32,
    /// When it began to wait.
    besieged_since: Time,
    /// Somebody who stands before that worker and may not be ended; [`PREPARED`] for a prepared transaction.
    holdout: i32,
    /// The process that ordered work last and may have to tell its client so, and until when it may take.
    answering: (i32, Time),
    pub(super) sweeps: [Sweep; SWEEPS],
    pub(super) pairs: Pairs,
    /// The latest login of roles whose sessions have ended: role and time; role 0: free.
    logins: [(u32, Time); LOGINS],
}

impl Default for Shared {
    fn default() -> Self {
        Shared {
            look_now: true,
            news_at: 0,
            next_due: 0,
            since: 0,
            swept: false,
            launcher: 0,
            worker: (0, 0),
            besieging: 0,
            besieged_since: 0,
            holdout: 0,
            answering: (0, 0),
            sweeps: [Sweep::default(); SWEEPS],
            pairs: Pairs::default(),
            logins: [(0, 0); LOGINS],
        }
    }
}

// SAFETY: plain numbers, Copy, no pointers.
unsafe impl PGRXSharedMemory for Shared {}

// SAFETY: initialised by `init` while libraries are preloaded, and used only where `ready`.
pub(super) static SHARED: PgLwLock<Shared> = unsafe { PgLwLock::new(c"credential_manager") };
static READY: AtomicBool = AtomicBool::new(false);

/// Asks for the shared memory; only while libraries are preloaded.
pub fn init() {
    pg_shmem_init!(SHARED);
    super::errand::init();
    super::follow::init();
    super::watched::init();
    READY.store(true, Ordering::Relaxed);
}

/// Whether this server has the shared memory.
pub fn ready() -> bool {
    READY.load(Ordering::Relaxed)
}

/// How long who ordered work may take to tell its client what came of it, in microseconds, before its session
/// can be ended by that work: with a rotation of its own password the answer is what it came for.
const TO_ANSWER: Time = 1_000_000;
/// How long it then has to wait until it gets that much again: nobody lives on by ordering.
const TO_ANSWER_AGAIN: Time = 60 * TO_ANSWER;

thread_local! {
    /// When this process was last given time for an answer.
    static ANSWERED: Cell<Time> = const { Cell::new(0) };
}

/// Whether a process that ordered work may still be telling its client what came of it.
pub fn may_be_answering(pid: i32) -> bool {
    if !ready() {
        return false;
    }
    let (answering, until) = SHARED.share().answering;
    answering == pid && time::now() < until
}

/// A transaction that left work has committed: note when for the roles whose password it changed by
/// force, and wake the launcher.
pub fn work_committed(cut: &[Oid]) {
    if !ready() {
        return;
    }
    let launcher = {
        let mut shared = SHARED.exclusive();
        let now = time::now();
        shared.look_now = true;
        // A worker has no client, and must not take the place of who has.
        // SAFETY: a plain global of this process.
        let has_client = unsafe { pg_sys::MyBackendType } == pg_sys::BackendType::B_BACKEND;
        if has_client && ANSWERED.get() + TO_ANSWER_AGAIN < now {
            ANSWERED.set(now);
            shared.answering = (session::own_pid(), now + TO_ANSWER);
        }
        for role in cut {
            sweeps::note(&mut shared.sweeps, role.to_u32(), now, now, 0);
        }
        shared.launcher
    };
    wake(launcher);
}

/// A transaction that recorded something to tell has committed. What comes within [`IN_ONE_GO`] is told by one
/// worker: starting one for each of many calls would cost as much as the calls.
pub fn news_committed() {
    if !ready() {
        return;
    }
    let launcher = {
        let mut shared = SHARED.exclusive();
        if shared.look_now || shared.news_at != 0 {
            return;
        }
        shared.news_at = time::now() + IN_ONE_GO;
        shared.launcher
    };
    wake(launcher);
}

/// Wakes a process of this server, where it is one.
pub(super) fn wake(pid: i32) {
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
    let mut shared = SHARED.exclusive();
    shared.launcher = pid;
    if shared.since == 0 {
        shared.since = time::now();
    }
}

/// The launcher's process.
pub fn launcher() -> i32 {
    SHARED.share().launcher
}

/// The worker that was last at the jobs: its process, and when that began.
pub fn worker() -> (i32, Time) {
    SHARED.share().worker
}

/// A worker is at the jobs from here on.
pub fn set_worker(worker: (i32, Time)) {
    SHARED.exclusive().worker = worker;
}

/// Takes the word that there may be work, or news that have waited long enough; true once for each word.
pub fn take_look_now(now: Time) -> bool {
    let mut shared = SHARED.exclusive();
    let due = shared.news_at != 0 && shared.news_at <= now;
    let look = std::mem::take(&mut shared.look_now) || due;
    if look {
        shared.news_at = 0;
    }
    look
}

/// When a worker is to be started for news; `None`: there are none.
pub fn news_at() -> Option<Time> {
    let at = SHARED.share().news_at;
    (at != 0).then_some(at)
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

/// A worker is about to wait for a lock that others may hold: the launcher ends them. 0: no longer.
pub fn besiege(pid: i32) {
    let launcher = {
        let mut shared = SHARED.exclusive();
        shared.besieging = pid;
        if pid != 0 {
            shared.besieged_since = time::now();
            shared.holdout = 0;
        }
        shared.launcher
    };
    wake(launcher);
}

/// The worker that waits, if one does, and since when.
pub fn besieging() -> Option<(i32, Time)> {
    let shared = SHARED.share();
    (shared.besieging != 0).then_some((shared.besieging, shared.besieged_since))
}

/// In the place of a process id: a prepared transaction, which has none.
pub const PREPARED: i32 = -1;

/// The launcher saw somebody before the waiting worker whom it may not end.
pub fn set_holdout(pid: i32) {
    SHARED.exclusive().holdout = pid;
}

/// Who that was, during the last siege.
pub fn holdout() -> Option<i32> {
    let pid = SHARED.share().holdout;
    (pid != 0).then_some(pid)
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
