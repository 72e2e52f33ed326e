//! Rust text into the server's memory.

use pgrx::pg_sys;
use std::ffi::{c_char, CString};

/// A copy in the current memory context, freed with it.
///
/// A NUL byte cannot come from the server and is refused in names and passwords, so a text that
/// holds one is cut there, as the server would.
pub(super) fn palloc(text: &str) -> *mut c_char {
    let clean = text.split('\0').next().unwrap_or_default();
    let owned = CString::new(clean).unwrap_or_default();
    // SAFETY: pstrdup copies a NUL-terminated string into the current memory context.
    unsafe { pg_sys::pstrdup(owned.as_ptr()) }
}

/// Copies a C string that the server owns; `None` for a null pointer.
///
/// # Safety
/// `text` must be null or point to a NUL-terminated string that lives through the call.
pub(super) unsafe fn copy(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller vouches for a NUL-terminated string.
    Some(
        unsafe { std::ffi::CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned(),
    )
}
