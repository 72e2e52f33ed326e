//! What is kept of observed roles, and how it is kept small.

use crate::pg::value::Time;
use pgrx::PGRXSharedMemory;

/// How many schemas can be observed, those of all roles together.
pub(super) const POSTS: usize = 256;
/// How many kinds of statements are noted.
pub const NOTES: usize = 512;
/// How long a kind that was seen is not noted anew, in microseconds: a busy app shall not write here all the time.
const AGAIN: Time = 10_000_000;
/// A role that is observed, and a schema that it is to leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Post {
    /// OID of the role.
    pub role: u32,
    /// OID of the schema.
    pub schema: u32,
    /// OID of the group whose members are to do what the role does there; 0: there is none.
    pub group: u32,
}

/// What a statement took that is not to be had any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Rights on a relation, as bits; USAGE is that of its schema.
    Rights {
        /// OID of the relation.
        relation: u32,
        /// The bits.
        rights: u32,
    },
    /// A command that takes the rights of an owner, by its number.
    Command(u32),
    /// A temporary table.
    Temporary,
}

/// A deed, whose it was, and when it was seen last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// OID of the role.
    pub role: u32,
    /// What.
    pub deed: Deed,
    /// When, to a few seconds.
    pub last: Time,
}

#[derive(Clone, Copy)]
pub(super) struct Memory {
    /// Where statements are looked at.
    pub(super) database: u32,
    pub(super) posts: [Post; POSTS],
    /// The first so many are in use.
    pub(super) post_count: usize,
    pub(super) notes: [Option<Note>; NOTES],
    /// The first so many are in use.
    pub(super) count: usize,
    /// More was seen than there is room for.
    pub(super) full: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Memory {
            database: 0,
            posts: [Post::default(); POSTS],
            post_count: 0,
            notes: [None; NOTES],
            count: 0,
            full: false,
        }
    }
}

// SAFETY: plain numbers, Copy, no pointers.
unsafe impl PGRXSharedMemory for Memory {}

impl Memory {
    fn place(&self, seen: &Note) -> Option<usize> {
        let same = |known: &Note| known.role == seen.role && known.deed.is_like(&seen.deed);
        let notes = &self.notes[..self.count];
        notes.iter().position(|n| n.as_ref().is_some_and(same))
    }

    /// Whether there is anything to write.
    pub(super) fn is_news(&self, seen: &Note) -> bool {
        let known = self.place(seen).and_then(|at| self.notes[at]);
        match known {
            Some(known) => {
                known.deed.with(&seen.deed) != known.deed || known.last + AGAIN < seen.last
            }
            None => self.count < NOTES || !self.full,
        }
    }

    pub(super) fn add(&mut self, seen: Note) {
        match self.place(&seen) {
            Some(at) => {
                if let Some(known) = &mut self.notes[at] {
                    known.deed = known.deed.with(&seen.deed);
                    known.last = known.last.max(seen.last);
                }
            }
            None if self.count < NOTES => {
                self.notes[self.count] = Some(seen);
                self.count += 1;
            }
            None => self.full = true,
        }
    }

    /// Forgets what is noted of other roles than these, or of before.
    pub(super) fn keep(&mut self, roles: &[(u32, Time)]) {
        let is_kept = |note: &Note| {
            let of = |(role, since): &(u32, Time)| *role == note.role && *since <= note.last;
            roles.iter().any(of)
        };
        let mut kept = 0;
        for at in 0..self.count {
            if self.notes[at].as_ref().is_some_and(is_kept) {
                self.notes[kept] = self.notes[at];
                kept += 1;
            }
        }
        self.full &= kept == self.count;
        self.count = kept;
    }
}

impl Deed {
    /// Whether two are told as one.
    fn is_like(&self, other: &Deed) -> bool {
        match (self, other) {
            (Deed::Rights { relation: a, .. }, Deed::Rights { relation: b, .. }) => a == b,
            _ => self == other,
        }
    }

    /// The two as one.
    fn with(self, other: &Deed) -> Deed {
        match (self, other) {
            (Deed::Rights { relation, rights }, Deed::Rights { rights: more, .. }) => {
                let rights = rights | more;
                Deed::Rights { relation, rights }
            }
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(role: u32, deed: Deed, last: Time) -> Note {
        Note { role, deed, last }
    }

    fn rights(relation: u32, rights: u32) -> Deed {
        Deed::Rights { relation, rights }
    }

    #[test]
    fn rights_on_one_relation_are_one_note_and_a_role_s_notes_are_its_own() {
        let mut memory = Memory::default();
        memory.add(seen(1, rights(7, 1), 0));
        memory.add(seen(1, rights(7, 2), 5));
        memory.add(seen(2, rights(7, 4), 5));
        memory.add(seen(1, Deed::Command(3), 5));
        assert_eq!(memory.count, 3);
        assert_eq!(memory.notes[0], Some(seen(1, rights(7, 3), 5)));
        memory.keep(&[(2, 5)]);
        assert_eq!(memory.count, 1);
        assert_eq!(memory.notes[0], Some(seen(2, rights(7, 4), 5)));
        memory.keep(&[(2, 6)]);
        assert_eq!(memory.count, 0);
    }

    #[test]
    fn what_was_seen_a_moment_ago_is_no_news_and_after_a_while_it_is() {
        let mut memory = Memory::default();
        memory.add(seen(1, Deed::Temporary, 0));
        assert!(!memory.is_news(&seen(1, Deed::Temporary, AGAIN)));
        assert!(memory.is_news(&seen(1, Deed::Temporary, AGAIN + 1)));
        assert!(memory.is_news(&seen(2, Deed::Temporary, 0)));
        memory.add(seen(1, rights(7, 1), 0));
        assert!(memory.is_news(&seen(1, rights(7, 2), 0)));
        assert!(!memory.is_news(&seen(1, rights(7, 1), 0)));
    }

    #[test]
    fn memory_that_is_full_says_so_once_and_has_room_again_when_a_role_is_forgotten() {
        let mut memory = Memory::default();
        for number in 0..NOTES {
            let relation = u32::try_from(number).unwrap_or(0);
            memory.add(seen(1, rights(relation, 1), 0));
        }
        assert!(!memory.full);
        let one_more = seen(2, Deed::Temporary, 0);
        assert!(memory.is_news(&one_more));
        memory.add(one_more);
        assert!(memory.full && memory.count == NOTES);
        assert!(!memory.is_news(&one_more));
        memory.keep(&[(2, 0)]);
        assert!(!memory.full && memory.count == 0);
    }
}
