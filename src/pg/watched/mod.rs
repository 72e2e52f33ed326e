//! Roles that are observed, in memory that all processes share: what their statements took that the groups of
//! their schemas do not give.
//!
//! The server asks `ExecutorCheckPerms_hook` about every statement before it runs it. Nothing is decided here: what
//! the server says stands. While nobody is observed, a statement costs the look at one flag. What is noted are
//! numbers: relations, rights, kinds of commands; nothing of a statement's data. It fills up, and is new after a
//! crash or a restart.

mod command;
mod memory;

pub(super) use command::command;
pub use command::command_name;
pub use memory::{Deed, Note, Post, NOTES};

use super::acl::rights::USAGE;
use super::node::elements;
use super::shmem::ready;
use super::value::Time;
use super::{database, pairs, time, version, Oid};
use memory::{Memory, POSTS};
use pgrx::prelude::*;
use pgrx::{pg_shmem_init, pg_sys, PgAtomic, PgLwLock};
use std::sync::atomic::{AtomicBool, Ordering};

/// Relations below this OID are the server's own (transam.h, FirstNormalObjectId).
const FIRST_OF_USERS: u32 = 16_384;

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
    let wanted = rights & !USAGE;
    // SAFETY: catalog lookups; with `is_missing` a relation that is gone is no error. A schema that a relation is
    // in stays while the relation does.
    unsafe {
        let has = version::class_aclmask(relation, role, wanted, &mut gone);
        if gone || pg_sys::get_namespace_name(schema).is_null() {
            return 0;
        }
        let usage = pg_sys::AclMode::from(USAGE);
        let usable =
            version::schema_aclcheck(schema, role, usage) == pg_sys::AclResult::ACLCHECK_OK;
        wanted & !has | if usable { 0 } else { USAGE }
    }
}

/// The server has found a statement to be permitted. No guard of pgrx around it, and nothing in it to drop.
#[cfg(feature = "pg15")]
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

/// The same, where what is asked for stands in a list of its own.
#[cfg(not(feature = "pg15"))]
unsafe extern "C-unwind" fn checked(
    range_table: *mut pg_sys::List,
    asked: *mut pg_sys::List,
    raise: bool,
) -> bool {
    // SAFETY: hands on what the server handed over.
    unsafe {
        let allowed = match FORMER {
            Some(former) => former(range_table, asked, raise),
            None => true,
        };
        if allowed && is_on() {
            look(asked);
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
unsafe extern "C-unwind" fn look(asked: *const pg_sys::List) {
    let Some(posts) = observed() else { return };
    // SAFETY: a list of what is asked for, as the executor has it; the user's id is a plain global.
    unsafe {
        let user = pg_sys::GetUserId();
        for entry in elements::<version::Asked>(asked) {
            let own = [Oid::INVALID, user, Oid::from(posts[0].role)];
            let needed = version::bits((*entry).requiredPerms);
            if version::is_of_relation(&*entry)
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
