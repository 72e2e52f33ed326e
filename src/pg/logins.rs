//! When each role last logged in, also where the session has ended since: noted in shared memory as a
//! session ends, because neither a login nor a standby can write a row.

use super::value::Time;
use super::{shmem, Oid};
use pgrx::pg_sys;
use std::ffi::{c_int, c_void};

/// `ClientAuthentication_hook_type` (libpq/auth.h); the Port stays opaque.
type Hook = unsafe extern "C-unwind" fn(*mut c_void, c_int);

extern "C-unwind" {
    // libpq/auth.h and ipc.h, which pgrx does not bind.
    static mut ClientAuthentication_hook: Option<Hook>;
    fn before_shmem_exit(
        function: unsafe extern "C-unwind" fn(c_int, pg_sys::Datum),
        argument: pg_sys::Datum,
    );
}

static mut FORMER: Option<Hook> = None;

/// Watches logins from here on; only while libraries are preloaded.
pub fn watch() {
    // SAFETY: `_PG_init` runs in one thread, before any backend is there; the former hook is kept.
    unsafe {
        FORMER = ClientAuthentication_hook;
        ClientAuthentication_hook = Some(authenticated);
    }
}

/// STATUS_OK (c.h).
const OK: c_int = 0;

/// A client has authenticated, or has not.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn authenticated(port: *mut c_void, status: c_int) {
    // SAFETY: hands on what the server handed over; the callback is a plain function of this library,
    // and the server runs it once, as this backend ends.
    unsafe {
        if let Some(former) = FORMER {
            pg_sys::ffi::pg_guard_ffi_boundary(|| former(port, status));
        }
        if status == OK {
            super::sweeps::refuse_late(port);
            before_shmem_exit(ending, pg_sys::Datum::from(0));
        }
    }
}

/// A session that has authenticated ends.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn ending(_code: c_int, _argument: pg_sys::Datum) {
    // SAFETY: plain globals of this backend; the user is invalid where the login was refused late.
    let (role, at) = unsafe { (pg_sys::GetAuthenticatedUserId(), pg_sys::MyStartTimestamp) };
    if role != Oid::INVALID {
        shmem::note_login(role, at);
    }
}

/// The latest login of each role whose sessions have ended since the last [`take`].
pub fn noted() -> Vec<(Oid, Time)> {
    shmem::logins()
}

/// Takes what was noted, to be written into rows.
pub fn take() -> Vec<(Oid, Time)> {
    shmem::take_logins()
}
