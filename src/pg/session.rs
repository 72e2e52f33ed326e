//! Sessions: who is connected as whom, and ending them.

use super::value::Time;
use super::{version, Oid};
use pgrx::pg_sys;

/// A backend as the statistics area shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Process id.
    pub pid: i32,
    /// When the process began, so before it logged in.
    pub started: Time,
    /// The role it logged in as (`pg_stat_activity.usesysid`).
    pub role: Oid,
    /// The database it is connected to; invalid for a replication connection.
    pub database: Oid,
    /// Whether a client stands behind it: a client backend or a WAL sender, which a password opens.
    pub client: bool,
}

/// Every backend that has logged in, background workers of a login included.
pub fn all() -> Vec<Session> {
    // SAFETY: pgstat keeps a local copy of the status area, which is cleared first so that it is
    // fresh; entries are read by number from 1 to the count, and copied out.
    unsafe {
        pg_sys::pgstat_clear_backend_activity_snapshot();
        let count = pg_sys::pgstat_fetch_stat_numbackends();
        (1..=count)
            .filter_map(|i| {
                let entry = version::backend_status(i);
                if entry.is_null() {
                    return None;
                }
                let status = &(*entry).backendStatus;
                let kind = status.st_backendType;
                Some(Session {
                    pid: status.st_procpid,
                    started: status.st_proc_start_timestamp,
                    role: status.st_userid,
                    database: status.st_databaseid,
                    client: kind == pg_sys::BackendType::B_BACKEND
                        || kind == pg_sys::BackendType::B_WAL_SENDER,
                })
            })
            .filter(|s| s.pid != 0 && s.role != Oid::INVALID)
            .collect()
    }
}

/// The sessions that a password of this role opened.
pub fn of_role(role: Oid) -> Vec<Session> {
    all()
        .into_iter()
        .filter(|s| s.client && s.role == role)
        .collect()
}

/// Every backend that runs with this login, parallel and background workers included.
pub fn every_of_role(role: Oid) -> Vec<Session> {
    all().into_iter().filter(|s| s.role == role).collect()
}

/// Whether a process runs a statement, its answer not yet sent.
fn is_busy(pid: i32) -> bool {
    // SAFETY: as in `all`, whose copy of the status area is read again.
    unsafe {
        (1..=pg_sys::pgstat_fetch_stat_numbackends()).any(|i| {
            let entry = version::backend_status(i);
            !entry.is_null()
                && (*entry).backendStatus.st_procpid == pid
                && (*entry).backendStatus.st_state == pg_sys::BackendState::STATE_RUNNING
        })
    }
}

/// Asks a session to end. Tells whether it was still the one that was meant: a process id is used
/// again, so the start of the process and its user are compared just before the signal (THREATS T87).
///
/// One that has just ordered the work that ends it gets a moment to tell its client; it counts as asked.
pub fn end(session: &Session) -> bool {
    if !all().contains(session) || session.pid == own_pid() {
        return false;
    }
    if is_busy(session.pid) && super::shmem::may_be_answering(session.pid) {
        return true;
    }
    // SAFETY: a signal to a process of this server that was there a moment ago. With setsid each
    // backend leads its own group, and its children get the signal as pg_terminate_backend sends it.
    unsafe {
        libc::kill(-session.pid, libc::SIGTERM) == 0 || libc::kill(session.pid, libc::SIGTERM) == 0
    }
}

/// This process.
pub fn own_pid() -> i32 {
    // SAFETY: a plain global.
    unsafe { pg_sys::MyProcPid }
}

/// The process ids that stand between a waiting process and its lock, waiters ahead of it in the
/// queue included; 0 stands for a prepared transaction.
pub fn blockers_of(pid: i32) -> Vec<i32> {
    use pgrx::IntoDatum;
    // SAFETY: pg_blocking_pids takes an integer and gives a fresh array of integers without NULLs, of
    // no or one dimension. It is read by hand, since pgrx would look its type up in pg_type, which the
    // launcher, connected to no database, has not.
    unsafe {
        let array: Option<pg_sys::Datum> =
            pgrx::direct_function_call_as_datum(pg_sys::pg_blocking_pids, &[pid.into_datum()]);
        let Some(array) = array.map(|datum| datum.cast_mut_ptr::<pg_sys::ArrayType>()) else {
            return Vec::new();
        };
        if (*array).ndim != 1 {
            return Vec::new();
        }
        // array.h: the dimensions and lower bounds follow the header, then, aligned, the data.
        let after_header = array.add(1).cast::<i32>();
        let count = usize::try_from(*after_header).unwrap_or(0);
        let start = std::mem::size_of::<pg_sys::ArrayType>() + 2 * std::mem::size_of::<i32>();
        let data = array
            .cast::<u8>()
            .add(start.next_multiple_of(8))
            .cast::<i32>();
        std::slice::from_raw_parts(data, count).to_vec()
    }
}

/// The session of a process id, where it is one that has logged in.
pub fn by_pid(pid: i32) -> Option<Session> {
    all().into_iter().find(|s| s.pid == pid)
}

/// The address and port of this session's client, where it came over the network.
pub fn client_address() -> Option<String> {
    // SAFETY: inet_client_addr takes no argument and gives NULL for a local connection.
    unsafe { pgrx::direct_function_call::<pgrx::datum::Inet>(pg_sys::inet_client_addr, &[]) }
        .map(|inet| inet.0)
}

/// What this session calls itself (`application_name`).
pub fn application_name() -> String {
    // SAFETY: a NUL-terminated setting, or null before it is set.
    unsafe { super::text::copy(pg_sys::application_name) }.unwrap_or_default()
}
