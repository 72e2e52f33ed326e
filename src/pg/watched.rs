//! Roles that are observed, in memory that all processes share: what their statements took that the groups of
//! their schemas do not give.
//!
//! The server asks `ExecutorCheckPerms_hook` about every statement before it runs it. Nothing is decided here: what
//! the server says stands. While nobody is observed, a statement costs the look at one flag. What is noted are
//! numbers: relations, rights, kinds of commands; nothing of a statement's data. It fills up, and is new after a
//! crash or a restart.

use super::acl::rights::USAGE;
use super::node::elements;
use super::shmem::ready;
use super::value::Time;
use super::{database, pairs, text, time, Oid};
use pgrx::prelude::*;
use pgrx::{pg_shmem_init, pg_sys, PGRXSharedMemory, PgAtomic, PgLwLock};
use std::sync::atomic::{AtomicBool, Ordering};

/// How many schemas can be observed, those of all roles together.
const POSTS: usize = 256;
/// How many kinds of statements are noted.
pub const NOTES: usize = 512;
/// How long a kind that was seen is not noted anew, in microseconds: a busy app shall not write here all the time.
const AGAIN: Time = 10_000_000;
/// Relations below this OID are the server's own (transam.h, FirstNormalObjectId).
const FIRST_OF_USERS: u32 = 16_384;

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
struct Memory {
    database: u32,
    posts: [Post; POSTS],
    post_count: usize,
    notes: [Option<Note>; NOTES],
    count: usize,
    full: bool,
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

// SAFETY: initialised by `init` while libraries are preloaded, and used only where `ready`.
static MEMORY: PgLwLock<Memory> = unsafe { PgLwLock::new(c"credential_manager_watched") };
// SAFETY: as above.
static WATCHING: PgAtomic<AtomicBool> = unsafe { PgAtomic::new(c"credential_manager_watching") };
static mut FORMER: pg_sys::ExecutorCheckPerms_hook_type = None;

/// Asks for the shared memory; only while libraries are preloaded.
pub(super) fn init() {
    pg_shmem_init!(MEMORY);
    pg_shmem_init!(WATCHING = AtomicBool::new(false));
}

/// Looks at statements from here on; only while libraries are preloaded.
pub fn watch() {
    // SAFETY: `_PG_init` runs in one thread, before any backend is there; the former hook is kept.
    unsafe {
        FORMER = pg_sys::ExecutorCheckPerms_hook;
        pg_sys::ExecutorCheckPerms_hook = Some(checked);
    }
}

/// Observes these and nobody else, in this database; what is noted of others than `kept`, or was seen before the
/// moment that is said there, is forgotten.
pub fn replace(posts: &[Post], kept: &[(u32, Time)]) {
    if !ready() {
        return;
    }
    let posts = &posts[..posts.len().min(POSTS)];
    {
        let mut memory = MEMORY.exclusive();
        memory.database = database::current().to_u32();
        memory.posts[..posts.len()].copy_from_slice(posts);
        memory.post_count = posts.len();
        memory.keep(kept);
    }
    WATCHING.get().store(!posts.is_empty(), Ordering::Relaxed);
}

/// What is noted, and whether there was more than there is room for.
pub fn notes() -> (Vec<Note>, bool) {
    if !ready() {
        return (Vec::new(), false);
    }
    let memory = MEMORY.share();
    let notes = memory.notes[..memory.count].iter().flatten();
    (notes.copied().collect(), memory.full)
}

/// What of some rights on a relation a role lacks; USAGE is that of its schema. Nothing where the relation is
/// gone.
pub fn lacks(relation: Oid, schema: Oid, rights: u32, role: Oid) -> u32 {
    let mut gone = false;
    let all = pg_sys::AclMaskHow::ACLMASK_ALL;
    let wanted = rights & !USAGE;
    // SAFETY: catalog lookups; with `is_missing` a relation that is gone is no error. A schema that a relation is
    // in stays while the relation does.
    unsafe {
        let has = pg_sys::pg_class_aclmask_ext(relation, role, wanted, all, &mut gone) as u32;
        if gone || pg_sys::get_namespace_name(schema).is_null() {
            return 0;
        }
        let usage = pg_sys::AclMode::from(USAGE);
        let usable = pg_sys::pg_namespace_aclmask(schema, role, usage, all) != 0;
        wanted & !has | if usable { 0 } else { USAGE }
    }
}

/// The word for a kind of command.
pub fn command_name(number: u32) -> String {
    // SAFETY: a table of constants, read within its bounds: what is noted was a command's tag.
    unsafe { text::copy(pg_sys::GetCommandTagName(number)) }.unwrap_or_default()
}

/// The server has found a statement to be permitted. No guard of pgrx around it, and nothing in it to drop.
unsafe extern "C-unwind" fn checked(range_table: *mut pg_sys::List, raise: bool) -> bool {
    // SAFETY: hands on what the server handed over.
    unsafe {
        let allowed = match FORMER {
            Some(former) => former(range_table, raise),
            None => true,
        };
        if allowed && is_on() {
            look(range_table);
        }
        allowed
    }
}

/// Whether anybody is observed.
#[inline]
fn is_on() -> bool {
    ready() && WATCHING.get().load(Ordering::Relaxed)
}

/// The role that is observed in this statement, and what it is judged by.
fn observed() -> Option<Vec<Post>> {
    // SAFETY: plain globals of this process. Parallel workers do what their leader was seen to do.
    let user = unsafe {
        if pg_sys::ParallelWorkerNumber >= 0 {
            return None;
        }
        pg_sys::GetUserId()
    };
    let role = pairs::of(user).map_or(user.to_u32(), |pair| pair.role);
    let memory = MEMORY.share();
    if memory.database != database::current().to_u32() {
        return None;
    }
    let posts = memory.posts[..memory.post_count].iter();
    let posts: Vec<Post> = posts.filter(|p| p.role == role).copied().collect();
    (!posts.is_empty()).then_some(posts)
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn look(range_table: *const pg_sys::List) {
    let Some(posts) = observed() else { return };
    // SAFETY: a range table, as the executor has it; the user's id is a plain global.
    unsafe {
        let user = pg_sys::GetUserId();
        for entry in elements::<pg_sys::RangeTblEntry>(range_table) {
            let own = [Oid::INVALID, user, Oid::from(posts[0].role)];
            let needed = (*entry).requiredPerms;
            if (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION
                && needed != 0
                && own.contains(&(*entry).checkAsUser)
            {
                judge(&posts, (*entry).relid, needed);
            }
        }
    }
}

/// Notes what of the rights on a relation is not to be had from the group of its schema; in another schema, from
/// no group at all.
fn judge(posts: &[Post], relation: Oid, needed: u32) {
    if relation.to_u32() < FIRST_OF_USERS {
        return;
    }
    // SAFETY: catalog lookups.
    let (schema, passing) = unsafe {
        let schema = pg_sys::get_rel_namespace(relation);
        (schema, pg_sys::isAnyTempNamespace(schema))
    };
    if passing || schema == Oid::INVALID {
        return;
    }
    let lacking = |post: &Post| match post.group {
        0 => needed,
        group => lacks(relation, schema, needed, Oid::from(group)),
    };
    let here = posts.iter().find(|p| p.schema == schema.to_u32());
    let least = match here {
        Some(post) => lacking(post),
        None => posts.iter().map(lacking).min().unwrap_or(0),
    };
    if least != 0 {
        note(
            posts[0].role,
            Deed::Rights {
                relation: relation.to_u32(),
                rights: least,
            },
        );
    }
}

/// A command is about to run. Where who runs it is observed, and it takes the rights of an owner, it is noted.
///
/// # Safety
/// `node` must be null or a complete utility node.
pub(super) unsafe fn command(node: *mut pg_sys::Node) {
    // SAFETY: as the caller vouches.
    unsafe {
        if is_on() && !node.is_null() {
            look_at_command(node);
        }
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn look_at_command(node: *mut pg_sys::Node) {
    use pg_sys::NodeTag::*;
    let Some(posts) = observed() else { return };
    // SAFETY: as the caller vouches; both functions read the node.
    unsafe {
        let owners = match (*node).type_ {
            // A role's own password and settings, and what roles do to roles, are no matter of a schema.
            T_AlterRoleStmt | T_AlterRoleSetStmt | T_CreateRoleStmt | T_DropRoleStmt
            | T_GrantRoleStmt => false,
            T_TruncateStmt | T_ReindexStmt => true,
            _ => pg_sys::GetCommandLogLevel(node) == pg_sys::LogStmtLevel::LOGSTMT_DDL,
        };
        if owners {
            let deed = match makes_temporary(node) {
                true => Deed::Temporary,
                false => Deed::Command(pg_sys::CreateCommandTag(node)),
            };
            note(posts[0].role, deed);
        }
    }
}

/// Whether a command makes something that goes with the session.
///
/// # Safety
/// `node` must be a complete utility node.
unsafe fn makes_temporary(node: *const pg_sys::Node) -> bool {
    use pg_sys::NodeTag::*;
    // SAFETY: each node is of the type that its tag says (parsenodes.h).
    let place = unsafe {
        match (*node).type_ {
            T_CreateStmt => (*node.cast::<pg_sys::CreateStmt>()).relation,
            T_ViewStmt => (*node.cast::<pg_sys::ViewStmt>()).view,
            T_CreateSeqStmt => (*node.cast::<pg_sys::CreateSeqStmt>()).sequence,
            T_CreateTableAsStmt => {
                match (*node.cast::<pg_sys::CreateTableAsStmt>()).into.as_ref() {
                    Some(into) => into.rel,
                    None => return false,
                }
            }
            _ => return false,
        }
    };
    // SAFETY: a RangeVar, or null.
    unsafe {
        place.as_ref().is_some_and(|place| {
            let schema = text::copy(place.schemaname);
            place.relpersistence as u8 == b't' || schema.as_deref() == Some("pg_temp")
        })
    }
}

fn note(role: u32, deed: Deed) {
    let now = time::now();
    let seen = Note {
        role,
        deed,
        last: now,
    };
    if !MEMORY.share().is_news(&seen) {
        return;
    }
    MEMORY.exclusive().add(seen);
}

impl Memory {
    fn place(&self, seen: &Note) -> Option<usize> {
        let same = |known: &Note| known.role == seen.role && known.deed.is_like(&seen.deed);
        let notes = &self.notes[..self.count];
        notes.iter().position(|n| n.as_ref().is_some_and(same))
    }

    /// Whether there is anything to write.
    fn is_news(&self, seen: &Note) -> bool {
        let known = self.place(seen).and_then(|at| self.notes[at]);
        match known {
            Some(known) => {
                known.deed.with(&seen.deed) != known.deed || known.last + AGAIN < seen.last
            }
            None => self.count < NOTES || !self.full,
        }
    }

    fn add(&mut self, seen: Note) {
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
    fn keep(&mut self, roles: &[(u32, Time)]) {
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
