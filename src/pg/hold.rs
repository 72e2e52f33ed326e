//! The locks that an object's move needs, had at once or not at all.
//!
//! A table brings its indexes, TOAST and owned sequences: what ATExecChangeOwner opens (tablecmds.c).
//! Other objects are locked where ALTER … OWNER locks them, so that nobody gives one to another
//! owner between our look at it and our move.

use super::node::oids;
use super::owner::Class;
use super::Oid;
use pgrx::pg_sys;

const EXCLUSIVE: i32 = pg_sys::AccessExclusiveLock as i32;

/// The locks that one object's move needs; they belong to the transaction unless released.
#[derive(Default)]
pub struct Locks {
    relations: Vec<Oid>,
    objects: Vec<pg_sys::LOCKTAG>,
}

impl Locks {
    /// How many entries of the server's lock table they take.
    pub fn count(&self) -> usize {
        self.relations.len() + self.objects.len()
    }

    /// The sequences among the relations, which follow their table.
    pub fn sequences(&self) -> Vec<Oid> {
        self.relations
            .iter()
            .copied()
            .filter(|r| kind(*r) == Some('S'))
            .collect()
    }

    /// Lets go of all of them. Only for an object that was not changed.
    pub fn release(self) {
        for relation in self.relations {
            // SAFETY: a lock that `take` got, at that level.
            unsafe { pg_sys::UnlockRelationOid(relation, EXCLUSIVE) }
        }
        for tag in self.objects {
            // SAFETY: as above.
            unsafe { pg_sys::LockRelease(&tag, EXCLUSIVE, false) };
        }
    }

    /// Takes one relation at once, or tells that it cannot be had.
    fn try_relation(&mut self, relation: Oid) -> bool {
        // SAFETY: locks a relation by OID without waiting.
        let got = unsafe { pg_sys::ConditionalLockRelationOid(relation, EXCLUSIVE) };
        if got {
            self.relations.push(relation);
        }
        got
    }
}

/// The outcome of asking for an object's locks.
pub enum Held {
    /// All of them.
    Yes(Locks),
    /// None: somebody uses the object.
    Busy,
    /// None: there is no such object any more.
    Gone,
}

/// Takes AccessExclusiveLock on an object and on all that follows it, or on nothing.
///
/// Never waits, or with `wait` for the object alone, up to `lock_timeout` (55P03 then): who waits
/// while it holds a lock makes everybody behind it wait as well.
pub fn lock(class: Class, object: Oid, wait: bool) -> Held {
    match class {
        Class::Relation => lock_relation(object, wait),
        // A composite type has a relation that follows it.
        // SAFETY: a catalog lookup; InvalidOid for other types.
        Class::Type => match unsafe { pg_sys::get_typ_typrelid(object) } {
            Oid::INVALID => Held::Yes(Locks::default()),
            relation => lock_relation(relation, wait),
        },
        _ if class.is_locked_by_alter() => lock_object(class, object, wait),
        _ => Held::Yes(Locks::default()),
    }
}

fn lock_relation(relation: Oid, wait: bool) -> Held {
    let mut locks = Locks::default();
    if wait {
        // SAFETY: locks a relation by OID; a timeout unwinds.
        unsafe { pg_sys::LockRelationOid(relation, EXCLUSIVE) };
        locks.relations.push(relation);
    } else if !locks.try_relation(relation) {
        return Held::Busy;
    }
    if kind(relation).is_none() {
        locks.release();
        return Held::Gone;
    }
    // Nothing can be added to the relation or taken from it now.
    if lock_followers(&mut locks, relation) {
        Held::Yes(locks)
    } else {
        locks.release();
        Held::Busy
    }
}

/// Takes what ATExecChangeOwner will open besides the relation itself (tablecmds.c).
fn lock_followers(locks: &mut Locks, relation: Oid) -> bool {
    let (indexes, toast) = parts(relation);
    // SAFETY: a catalog lookup that allocates a list of OIDs.
    let sequences = unsafe { oids(pg_sys::getOwnedSequences(relation)) };
    if !indexes
        .into_iter()
        .chain(sequences)
        .all(|r| locks.try_relation(r))
    {
        return false;
    }
    match toast {
        Oid::INVALID => true,
        toast => {
            locks.try_relation(toast) && parts(toast).0.into_iter().all(|r| locks.try_relation(r))
        }
    }
}

/// The indexes and the TOAST table of a relation that is locked.
fn parts(relation: Oid) -> (Vec<Oid>, Oid) {
    // SAFETY: the caller holds the relation's lock, so it is there and stays as it is; the list is a
    // copy (RelationGetIndexList), and the relation is closed on the way out.
    unsafe {
        let open = pg_sys::relation_open(relation, pg_sys::NoLock as i32);
        let toast = (*(*open).rd_rel).reltoastrelid;
        let indexes = match (*(*open).rd_rel).relkind as u8 {
            b'r' | b'p' | b'm' | b't' => oids(pg_sys::RelationGetIndexList(open)),
            _ => Vec::new(),
        };
        pg_sys::relation_close(open, pg_sys::NoLock as i32);
        (indexes, toast)
    }
}

/// The kind of a relation, or nothing where it is gone.
fn kind(relation: Oid) -> Option<char> {
    // SAFETY: a catalog lookup; '\0' where there is no such relation.
    match unsafe { pg_sys::get_rel_relkind(relation) } as u8 {
        0 => None,
        kind => Some(char::from(kind)),
    }
}

fn lock_object(class: Class, object: Oid, wait: bool) -> Held {
    let tag = pg_sys::LOCKTAG {
        locktag_field1: super::database::current().to_u32(),
        locktag_field2: class.oid().to_u32(),
        locktag_field3: object.to_u32(),
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    };
    // SAFETY: a complete tag on the stack, the one LockDatabaseObject makes; after a lock is had,
    // what others committed meanwhile is read (lmgr.c does the same).
    unsafe {
        let got = pg_sys::LockAcquire(&tag, EXCLUSIVE, false, !wait);
        if got == pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL {
            return Held::Busy;
        }
        pg_sys::AcceptInvalidationMessages();
    }
    Held::Yes(Locks {
        relations: Vec::new(),
        objects: vec![tag],
    })
}
