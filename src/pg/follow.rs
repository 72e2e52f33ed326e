//! What this server knows as a follower, in memory that all processes share: it outlives the worker that
//! looks, and a promotion.
//!
//! Moments are by this server's clock, as the beginnings of its sessions are. The primary's clock is
//! another one, so a moment of the primary is compared for being the same one and for nothing else.

use super::time;
use super::value::Time;
use pgrx::prelude::*;
use pgrx::{pg_shmem_init, pg_sys, PGRXSharedMemory, PgLwLock};

/// How many credentials are remembered: more than there can be.
const REMEMBERED: usize = 10_240;

/// What is remembered of one credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// OID of the credential's role.
    pub role: u32,
    /// How often its sessions had been cut when it was last looked at.
    pub cuts: i64,
    /// Sessions of the role that began up to here are of a password that is retired; 0: none is.
    pub cut_seen: Time,
    /// OID of its rotating twin; 0: none.
    pub twin: u32,
    /// When the twin's rotation began, as the primary says: it tells one rotation from the next.
    pub begun_at: Time,
    /// When that was first seen here: sessions of the twin from before are of an older password, where
    /// there are any.
    pub begun_seen: Time,
    /// Whether the twin's sessions have been ended.
    pub ended: bool,
}

#[derive(Clone, Copy)]
struct Memory {
    /// Whether anybody has looked since the start.
    looked: bool,
    /// No transaction before this one was running when the launcher started.
    oldest: u32,
    /// When that was; 0: the server did not start as a follower.
    since: Time,
    /// The server has been promoted, and what the former primary left has not been looked through.
    promoted: bool,
    count: usize,
    /// The first `count` are in use.
    all: [Known; REMEMBERED],
}

impl Default for Memory {
    fn default() -> Self {
        Memory {
            looked: false,
            oldest: 0,
            since: 0,
            promoted: false,
            count: 0,
            all: [Known::default(); REMEMBERED],
        }
    }
}

// SAFETY: plain numbers, Copy, no pointers.
unsafe impl PGRXSharedMemory for Memory {}

// SAFETY: initialised by `init` while libraries are preloaded, and used only by workers of that server.
static MEMORY: PgLwLock<Memory> = unsafe { PgLwLock::new(c"credential_manager follow") };

/// Asks for the shared memory; only while libraries are preloaded.
pub fn init() {
    pg_shmem_init!(MEMORY);
}

/// A follower's launcher has started: remembers what it can see, once in the server's life. In a
/// transaction.
pub fn begin() {
    // SAFETY: a transaction's frame has its snapshot active; plain number. Of a snapshot taken in
    // recovery too, `xmin` is the first transaction that may not have ended.
    let oldest = unsafe { (*pg_sys::GetActiveSnapshot()).xmin.into_inner() };
    let mut memory = MEMORY.exclusive();
    if memory.since == 0 {
        memory.oldest = oldest;
        // After the snapshot: whoever comes later proves a password that the snapshot sees, or a newer one.
        memory.since = time::now();
    }
}

/// What the first look of a server's life goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// When the launcher had its first snapshot.
    pub since: Time,
    /// The first transaction that may not have ended by then.
    oldest: u32,
}

impl Start {
    /// A snapshot at `since`, all transactions before `oldest` having ended.
    pub fn new(since: Time, oldest: u32) -> Start {
        Start { since, oldest }
    }

    /// Whether a row that the transaction `xmin` wrote may have been written since.
    pub fn is_fresh(&self, xmin: u32) -> bool {
        // Numbers below 3 are the server's own, for rows that are older than any transaction. The others go
        // round in a circle, half of which is past.
        xmin >= 3 && xmin.wrapping_sub(self.oldest) < 1 << 31
    }
}

/// What the first look goes by; nothing once somebody has looked.
pub fn first_look() -> Option<Start> {
    let memory = MEMORY.share();
    (!memory.looked).then_some(Start::new(memory.since, memory.oldest))
}

/// All that is remembered.
pub fn known() -> Vec<Known> {
    let memory = MEMORY.share();
    memory.all[..memory.count].to_vec()
}

/// Remembers this instead.
pub fn remember(known: &[Known]) {
    let mut memory = MEMORY.exclusive();
    memory.looked = true;
    memory.count = known.len().min(REMEMBERED);
    let count = memory.count;
    memory.all[..count].copy_from_slice(&known[..count]);
}

/// The server is a primary from here on, or what the former primary left has been looked through.
pub fn set_promoted(promoted: bool) {
    MEMORY.exclusive().promoted = promoted;
}

/// Whether the server was promoted and nobody has looked through what the former primary left.
pub fn is_promoted() -> bool {
    MEMORY.share().promoted
}

#[cfg(test)]
mod tests {
    use super::Start;

    #[test]
    fn a_row_is_fresh_where_its_transaction_may_have_ended_after_the_start() {
        let start = Start::new(1, 1000);
        assert!(start.is_fresh(1000));
        assert!(start.is_fresh(1001));
        assert!(!start.is_fresh(999));
        assert!(!start.is_fresh(2), "a frozen row");
        let after_the_turn = Start::new(1, 5);
        assert!(!after_the_turn.is_fresh(u32::MAX - 10));
        assert!(after_the_turn.is_fresh(6));
    }
}
