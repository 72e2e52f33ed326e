//! What statements make, move and change, as the server tells it through `object_access_hook`.
//!
//! The hook only notes class and OID: it is called in the middle of a command, where what is made cannot
//! be seen yet. At the end of its statement, or before the commit where no statement ends, what is noted
//! is handed to `hooks`, which decides.

use super::log::{self, Refusal};
use super::object::{self, Facts};
use super::owner::Class;
use super::{xact, Oid};
use crate::error::Result;
use pgrx::pg_sys;
use pgrx::pg_sys::ObjectAccessType as Access;
use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

/// An object that a statement has made or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its catalog.
    pub class: Class,
    /// Which.
    pub object: Oid,
    /// What it was before; nothing where it is new.
    pub former: Option<Facts>,
}

/// Decides what becomes of what a statement has made; an error makes the statement fail.
type Judge = fn(&[Change]) -> Result<()>;

/// `pg_inherits` (pg_inherits.h): what is told here is a table that comes below another.
const INHERITS: Oid = Oid::from_u32(2611);

static JUDGE: OnceLock<Judge> = OnceLock::new();
static mut FORMER: pg_sys::object_access_hook_type = None;

thread_local! {
    /// What is noted and not yet settled, in order.
    static NOTED: RefCell<Vec<Noted>> = const { RefCell::new(Vec::new()) };
    /// Whether changes are our own.
    static SETTLING: Cell<bool> = const { Cell::new(false) };
}

/// A change, and the subtransaction that made it.
#[derive(Clone, Copy)]
struct Noted {
    within: pg_sys::SubTransactionId,
    change: Change,
}

/// Has what is made settled from here on; only while libraries are preloaded.
pub fn watch(judge: Judge) {
    if JUDGE.set(judge).is_err() {
        return;
    }
    // SAFETY: `_PG_init` runs in one thread, before any backend is there; backends inherit what is
    // registered; the former hook is kept, and the callbacks take no argument.
    unsafe {
        FORMER = pg_sys::object_access_hook;
        pg_sys::object_access_hook = Some(accessed);
        pg_sys::RegisterXactCallback(Some(at_end), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(at_savepoint), std::ptr::null_mut());
    }
}

/// Something has happened to an object. No guard of pgrx around it and nothing in it to drop, as in
/// `utility`: what the former hook refuses reaches the user as it was raised.
unsafe extern "C-unwind" fn accessed(
    access: Access::Type,
    class: Oid,
    object: Oid,
    column: c_int,
    argument: *mut c_void,
) {
    // SAFETY: hands on what the server handed over.
    unsafe {
        if let Some(former) = FORMER {
            former(access, class, object, column, argument);
        }
        if column == 0 && matters(access, class) && !is_internal(access, argument) {
            note(access, class, object);
        }
    }
}

/// Whether a change of this kind may mean something. This is asked for every name that is looked up.
///
/// What an extension's script makes belongs to the extension, which says who may use it.
unsafe fn matters(access: Access::Type, class: Oid) -> bool {
    matches!(access, Access::OAT_POST_CREATE | Access::OAT_POST_ALTER)
        && (class == INHERITS || Class::of(class).is_some_and(Class::stands_in_a_schema))
        // SAFETY: plain globals.
        && unsafe { pg_sys::IsUnderPostmaster && !pg_sys::creating_extension }
}

/// Whether the server does it for itself: TOAST, the passing tables of a rewrite or a refresh.
///
/// # Safety
/// `argument` must be what the server hands over with `access`.
unsafe fn is_internal(access: Access::Type, argument: *const c_void) -> bool {
    // SAFETY: objectaccess.h says which structure comes with which access.
    unsafe {
        if access == Access::OAT_POST_CREATE {
            let create = argument.cast::<pg_sys::ObjectAccessPostCreate>().as_ref();
            create.is_some_and(|create| create.is_internal)
        } else {
            let alter = argument.cast::<pg_sys::ObjectAccessPostAlter>().as_ref();
            alter.is_some_and(|alter| alter.is_internal)
        }
    }
}

/// Notes a change. The row of what is new cannot be seen before the command counter goes on, and that of
/// what is changed is the old one still: so a routine that is replaced is told from a new one.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn note(access: Access::Type, class: Oid, object: Oid) {
    // A table that comes below another is changed by that, and told by its own OID.
    let class = match class {
        INHERITS => Some(Class::Relation),
        other => Class::of(other),
    };
    let Some(class) = class.filter(|_| !SETTLING.get()) else {
        return;
    };
    let is_new = access == Access::OAT_POST_CREATE && class != Class::Routine;
    let former = if is_new {
        None
    } else {
        object::look(class, object)
    };
    if former.is_none() && access == Access::OAT_POST_ALTER {
        // This very command has made it, and has said so.
        return;
    }
    let change = Change {
        class,
        object,
        former,
    };
    // SAFETY: a plain number of the current transaction.
    let within = unsafe { pg_sys::GetCurrentSubTransactionId() };
    NOTED.with_borrow_mut(|noted| noted.push(Noted { within, change }));
}

/// How much is noted as a statement begins, for [`at_statement_end`].
pub(super) fn noted() -> usize {
    NOTED.with_borrow(Vec::len)
}

/// Settles what was noted since `begin`. Nothing of this library waits to be dropped while the error goes.
///
/// # Safety
/// The server jumps over every frame up to its own handler: none may have anything to drop.
pub(super) unsafe fn at_statement_end(begin: usize) {
    // SAFETY: as the caller vouches.
    unsafe {
        if noted() > begin && pg_sys::IsTransactionState() {
            let refusal = settle(begin);
            if !refusal.is_null() {
                log::refuse(refusal);
            }
        }
    }
}

/// Settles what was noted since `begin`; null where that went well.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn settle(begin: usize) -> *mut Refusal {
    let changes: Vec<Change> = NOTED.with_borrow_mut(|noted| {
        let settled = noted.drain(begin..);
        settled.map(|n| n.change).collect()
    });
    let Some(judge) = JUDGE.get() else {
        return std::ptr::null_mut();
    };
    let _settling = Settling::begin();
    xact::next_command();
    match judge(&changes) {
        Ok(()) => std::ptr::null_mut(),
        Err(error) => Refusal::of(&error),
    }
}

/// While this lives the changes are our own.
struct Settling;

impl Settling {
    fn begin() -> Settling {
        SETTLING.set(true);
        Settling
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        SETTLING.set(false);
    }
}

/// What no statement's end has settled is settled before the commit; what is rolled back is forgotten.
unsafe extern "C-unwind" fn at_end(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    use pg_sys::XactEvent::*;
    match event {
        // SAFETY: the server calls this outside of any frame of ours.
        XACT_EVENT_PRE_COMMIT | XACT_EVENT_PRE_PREPARE => unsafe { at_statement_end(0) },
        XACT_EVENT_ABORT => NOTED.with_borrow_mut(Vec::clear),
        _ => {}
    }
}

/// Subtransactions are numbered in order, so those that a rollback ends are its own and all later ones.
unsafe extern "C-unwind" fn at_savepoint(
    event: pg_sys::SubXactEvent::Type,
    own: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut c_void,
) {
    if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
        NOTED.with_borrow_mut(|noted| noted.retain(|n| n.within < own));
    }
}
