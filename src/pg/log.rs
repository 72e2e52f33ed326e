//! Lines for the server log and notices for the caller, and what must not come out as either.

use pgrx::pg_sys;
use std::ffi::{c_char, c_int, CString};

extern "C" {
    // elog.h: pgrx keeps these two for its own macros and does not bind them.
    fn errstart(elevel: c_int, domain: *const c_char) -> bool;
    fn errfinish(filename: *const c_char, lineno: c_int, funcname: *const c_char);
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
