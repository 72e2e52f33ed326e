//! Types as SQL writes them.

use super::{text, version, xact, Oid};
use pgrx::pg_sys;
use std::ffi::CString;

/// The type that a text such as `numeric(10, 2)[]` names, with the caller's own rights; nothing where it names
/// none that the caller may look for.
pub fn parse(name: &str) -> Option<Oid> {
    let name = CString::new(name).ok()?;
    let found = xact::subtransaction(|| {
        let (mut oid, mut modifier) = (Oid::INVALID, 0);
        // SAFETY: the parser gets a NUL-terminated text and two places to write to; it runs no code of a user.
        unsafe { version::parse_type(name.as_ptr(), &mut oid, &mut modifier) };
        Ok(oid)
    });
    found.ok()?.ok().filter(|oid| *oid != Oid::INVALID)
}

/// A type as SQL writes it, with its schema unless that is `pg_catalog`; `???` where it is gone.
pub fn name(oid: Oid) -> String {
    let flags = pg_sys::FORMAT_TYPE_ALLOW_INVALID as u16;
    // SAFETY: a catalog lookup that gives back a copy, under the pinned search path of our functions.
    unsafe { text::copy(pg_sys::format_type_extended(oid, -1, flags)) }.unwrap_or_default()
}
