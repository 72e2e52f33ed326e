//! Memory of the server's that is let go before the statement ends.

use pgrx::pg_sys;

/// Runs `act`, and lets go of all that the server allocated meanwhile: for what is done ten thousand times in
/// one statement. What `act` gives must be Rust's own.
pub(super) fn scratch<T>(act: impl FnOnce() -> T) -> T {
    // SAFETY: a child of the present context, which goes with it where an error unwinds; nothing of what was
    // allocated in it is used after it is gone.
    unsafe {
        let context = pg_sys::AllocSetContextCreateExtended(
            pg_sys::CurrentMemoryContext,
            c"credential_manager scratch".as_ptr(),
            0,
            8 * 1024,
            8 * 1024 * 1024,
        );
        let outer = pg_sys::MemoryContextSwitchTo(context);
        let result = act();
        pg_sys::MemoryContextSwitchTo(outer);
        pg_sys::MemoryContextDelete(context);
        result
    }
}
