//! Roles that rotate, with their twins, in memory that all processes share: role DDL is watched in every
//! database of the cluster, and our tables stand in one.

use super::shmem::{ready, SHARED};
use super::{database, xact, Oid};

/// How many rotations can run at a time: more than there can be credentials.
pub(super) const PAIRS: usize = 10_240;

/// A role and its rotating twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// OID of the credential's role.
    pub role: u32,
    /// OID of its twin.
    pub twin: u32,
}

/// The pairs, and how often they have changed.
#[derive(Clone, Copy)]
pub(super) struct Pairs {
    changes: u64,
    /// Whether the table has been read since this memory was made.
    known: bool,
    count: usize,
    /// The first `count` are in use.
    all: [Pair; PAIRS],
}

impl Default for Pairs {
    fn default() -> Self {
        Pairs {
            changes: 0,
            known: false,
            count: 0,
            all: [Pair { role: 0, twin: 0 }; PAIRS],
        }
    }
}

impl Pairs {
    fn find(&self, role: u32) -> Option<usize> {
        self.all[..self.count].iter().position(|p| p.role == role)
    }

    fn add(&mut self, pair: Pair) {
        let place = self.find(pair.role).unwrap_or(self.count);
        if place < PAIRS {
            self.all[place] = pair;
            self.count = self.count.max(place + 1);
        }
    }

    fn remove(&mut self, role: u32) {
        if let Some(place) = self.find(role) {
            self.count -= 1;
            self.all[place] = self.all[self.count];
        }
    }
}

/// The pair that a role is the one or the other half of, as this transaction leaves it.
pub fn of(role: Oid) -> Option<Pair> {
    if !ready() {
        return None;
    }
    if let Some(left) = xact::pair_left(role) {
        return left;
    }
    let role = role.to_u32();
    let shared = SHARED.share();
    let pairs = &shared.pairs;
    pairs.all[..pairs.count]
        .iter()
        .find(|p| p.role == role || p.twin == role)
        .copied()
}

/// Whether the pairs are those of the table: memory is new after a start, until the worker has read it.
pub fn known() -> bool {
    ready() && SHARED.share().pairs.known
}

/// A rotation has begun, or ended where there is no twin: called when its transaction commits.
pub(super) fn changed(role: Oid, twin: Option<Oid>) {
    if !ready() {
        return;
    }
    let mut shared = SHARED.exclusive();
    shared.pairs.changes += 1;
    match twin {
        Some(twin) => shared.pairs.add(Pair {
            role: role.to_u32(),
            twin: twin.to_u32(),
        }),
        None => shared.pairs.remove(role.to_u32()),
    }
}

/// How often the pairs have changed: to be asked before the table is read for [`replace`].
pub fn changes() -> u64 {
    SHARED.share().pairs.changes
}

/// The pairs as the table has them, unless they have changed since `changes` was asked. A standby's table
/// changes without a word, so it is taken from the promotion on.
pub fn replace(changes: u64, pairs: &[(Oid, Oid)]) {
    if database::in_recovery() {
        return;
    }
    let mut shared = SHARED.exclusive();
    if shared.pairs.changes != changes {
        return;
    }
    shared.pairs.known = true;
    shared.pairs.count = 0;
    for (role, twin) in pairs {
        shared.pairs.add(Pair {
            role: role.to_u32(),
            twin: twin.to_u32(),
        });
    }
}
