//! Lines for the server log and notices for the caller, and what must not come out as either.

use super::text::palloc;
use crate::error::Error;
use pgrx::pg_sys;
use std::ffi::{c_char, c_int, CString};

extern "C" {
    // elog.h: pgrx keeps these two for its own macros and does not bind them.
    fn errstart(elevel: c_int, domain: *const c_char) -> bool;
    fn errfinish(filename: *const c_char, lineno: c_int, funcname: *const c_char);
    fn errcode(sqlstate: c_int) -> c_int;
    fn errhint(format: *const c_char, ...) -> c_int;
}

/// One line in the server log and nowhere else, without the statement and without context: a
/// statement may hold a password that the caller typed, and `log_min_error_statement` would add it.
pub fn line(text: &str) {
    let Ok(text) = CString::new(text) else { return };
    // SAFETY: the protocol of ereport() at a level below ERROR, which returns; the format is a
    // constant with one string argument.
    unsafe {
        if errstart(pg_sys::LOG_SERVER_ONLY as c_int, std::ptr::null()) {
            pg_sys::errhidestmt(true);
            pg_sys::errhidecontext(true);
            pg_sys::errmsg_internal(c"%s".as_ptr(), text.as_ptr());
            errfinish(c"credential_manager".as_ptr(), 0, std::ptr::null());
        }
    }
}

/// A NOTICE for the caller: what a person needs next.
pub fn notice(text: &str) {
    message(pg_sys::NOTICE as c_int, text);
}

/// A WARNING for the caller.
pub fn warning(text: &str) {
    message(pg_sys::WARNING as c_int, text);
}

fn message(level: c_int, text: &str) {
    let Ok(text) = CString::new(text) else { return };
    // SAFETY: as in `line`.
    unsafe {
        if errstart(level, std::ptr::null()) {
            pg_sys::errhidestmt(true);
            pg_sys::errhidecontext(true);
            pg_sys::errmsg_internal(c"%s".as_ptr(), text.as_ptr());
            errfinish(c"credential_manager".as_ptr(), 0, std::ptr::null());
        }
    }
}

/// Keeps NOTICEs of the server from the caller while the value lives: they are about our own acts.
#[must_use = "notices come again when this value is dropped"]
pub fn without_notices() -> Quiet {
    // SAFETY: a plain global that holds the setting; read at each message.
    unsafe {
        let former = pg_sys::client_min_messages;
        pg_sys::client_min_messages = former.max(pg_sys::WARNING as c_int);
        Quiet(former)
    }
}

/// The level from which on the caller hears messages.
pub struct Quiet(c_int);

impl Drop for Quiet {
    fn drop(&mut self) {
        // SAFETY: puts back what was there.
        unsafe { pg_sys::client_min_messages = self.0 }
    }
}

/// Forgets who called whom, so that no message gets a CONTEXT from here on: PL/pgSQL quotes the
/// statement that it runs, and the portal its parameters. Gives what was there, for
/// [`with_context`]; an error needs no such care, since who catches it puts back its own.
pub fn without_context() -> Context {
    // SAFETY: the head of a list of callbacks on the stack; none is called while it is empty.
    unsafe {
        let context = Context(pg_sys::error_context_stack);
        pg_sys::error_context_stack = std::ptr::null_mut();
        context
    }
}

/// The callers that messages get their CONTEXT from.
pub struct Context(*mut pg_sys::ErrorContextCallback);

/// Remembers again who called whom.
pub fn with_context(context: Context) {
    // SAFETY: the callbacks belong to callers that have not returned yet.
    unsafe { pg_sys::error_context_stack = context.0 }
}

/// An error whose texts lie in the server's memory, so that nothing of this library is lost when the
/// server jumps away with it.
pub(super) struct Refusal {
    sqlstate: c_int,
    message: *mut c_char,
    detail: *mut c_char,
    hint: *mut c_char,
}

impl Refusal {
    /// Copies an error into the current memory context.
    pub(super) fn of(error: &Error) -> *mut Refusal {
        let refusal = Refusal {
            sqlstate: encoded(error.kind().sqlstate()),
            message: palloc(error.message()),
            detail: palloc(error.detail_text().unwrap_or_default()),
            hint: palloc(error.hint_text().unwrap_or_default()),
        };
        // SAFETY: room for one value, which is written before anybody reads it.
        unsafe {
            let place = pg_sys::palloc(std::mem::size_of::<Refusal>()).cast::<Refusal>();
            place.write(refusal);
            place
        }
    }
}

/// An SQLSTATE as elog.h encodes it (MAKE_SQLSTATE): five characters of six bits.
fn encoded(sqlstate: &str) -> c_int {
    let digits = sqlstate.bytes().enumerate();
    digits.fold(0, |code, (i, c)| {
        code | (c_int::from(c.wrapping_sub(b'0')) & 0x3F) << (6 * i)
    })
}

/// Raises an error, without the statement and its context in the server log: they may hold a password
/// that the caller typed.
///
/// # Safety
/// The server jumps over every frame up to its own handler: none may have anything to drop.
pub(super) unsafe fn refuse(refusal: *const Refusal) -> ! {
    // SAFETY: the protocol of ereport() at level ERROR; each format is a constant with one argument.
    unsafe {
        let Refusal {
            sqlstate,
            message,
            detail,
            hint,
        } = &*refusal;
        errstart(pg_sys::PGERROR as c_int, std::ptr::null());
        errcode(*sqlstate);
        pg_sys::errhidestmt(true);
        pg_sys::errhidecontext(true);
        pg_sys::errmsg_internal(c"%s".as_ptr(), *message);
        if **detail != 0 {
            pg_sys::errdetail_internal(c"%s".as_ptr(), *detail);
        }
        if **hint != 0 {
            errhint(c"%s".as_ptr(), *hint);
        }
        errfinish(c"credential_manager".as_ptr(), 0, std::ptr::null());
    }
    // errfinish() does not come back from an ERROR.
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn an_sqlstate_is_encoded_as_the_server_does_it() {
        // errcodes.h: ERRCODE_SUCCESSFUL_COMPLETION, ERRCODE_OBJECT_IN_USE.
        assert_eq!(encoded("00000"), 0);
        assert_eq!(encoded("55006"), 5 | 5 << 6 | 6 << 24);
        assert_eq!(encoded("XX000"), 40 | 40 << 6);
    }
}
