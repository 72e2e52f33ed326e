//! Cut-overs: when a role's password last changed by force, in memory that all processes share.
//!
//! Sessions that began before it are of the old password, and so is a login that was begun before it,
//! however late it comes: a client that has the server's first message of a SCRAM exchange proves the
//! password of that moment.

use super::shmem::{wake, SHARED};
use super::value::Time;
use super::{text, time, version, Oid};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode};
use std::ffi::c_void;

/// How many roles can have a cut-over that is remembered: more than there can be credentials, so that
/// `rotate_all` leaves none out.
pub(super) const SWEEPS: usize = 10_240;

/// The latest moment at which a role's password changed by force, and the sweep that follows: sessions
/// that began before it are ended for as long as a login that was begun before it may still be on its way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sweep {
    /// The role they logged in as.
    pub role: u32,
    /// Sessions that began at or before this are ended.
    pub before: Time,
    /// When the sweep is over; 0 where it has not begun.
    pub until: Time,
}

/// What is known of a role's cut-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cutover {
    /// Sessions that began at or before this are of the old password.
    At(Time),
    /// The server has started since, so no older session is left.
    BeforeTheStart,
    /// The transaction is about to say.
    ToBeTold,
}

/// Writes a role's entry: over its former one, else in a free place, else over the oldest.
pub(super) fn note(sweeps: &mut [Sweep], role: u32, now: Time, before: Time, until: Time) {
    let over = |s: &Sweep| s.until != 0 && s.until < now;
    let place = sweeps
        .iter()
        .position(|s| s.role == role)
        .or_else(|| sweeps.iter().position(|s| s.role == 0 || over(s)))
        .or_else(|| (0..sweeps.len()).min_by_key(|i| sweeps[*i].before));
    if let Some(place) = place {
        sweeps[place] = Sweep {
            role,
            before,
            until,
        };
    }
}

/// When a role's password last changed by force, for an order that was written at `ordered`.
pub fn cutover(role: Oid, ordered: Time) -> Cutover {
    let shared = SHARED.share();
    let known = shared.sweeps.iter().find(|s| s.role == role.to_u32());
    match known {
        // An entry from before the order is of an earlier change.
        Some(sweep) if sweep.before >= ordered => Cutover::At(sweep.before),
        _ if ordered < shared.since => Cutover::BeforeTheStart,
        _ => Cutover::ToBeTold,
    }
}

/// Hands a sweep to the launcher.
pub fn sweep(role: Oid, before: Time, until: Time) {
    let launcher = {
        let mut shared = SHARED.exclusive();
        note(
            &mut shared.sweeps,
            role.to_u32(),
            time::now(),
            before,
            until,
        );
        shared.launcher
    };
    wake(launcher);
}

/// The launcher has ended a session in a sweep: before it ended it may have changed its password.
pub fn set_swept() {
    let mut shared = SHARED.exclusive();
    shared.swept = true;
    shared.look_now = true;
}

/// Takes the word that a sweep has ended a session; true once for each word.
pub fn take_swept() -> bool {
    std::mem::take(&mut SHARED.exclusive().swept)
}

/// The sweeps that are not over.
pub fn sweeps() -> Vec<Sweep> {
    let now = time::now();
    let shared = SHARED.share();
    shared
        .sweeps
        .iter()
        .filter(|s| s.role != 0 && s.until >= now)
        .copied()
        .collect()
}

/// Whether a login that began at `started` proved a password that has been replaced since.
fn is_late(role: Oid, started: Time) -> bool {
    let now = time::now();
    let shared = SHARED.share();
    // Places are filled from the front.
    let mut used = shared.sweeps.iter().take_while(|s| s.role != 0);
    used.any(|s| s.role == role.to_u32() && started <= s.before && (s.until == 0 || now <= s.until))
}

/// Turns away a client that has authenticated, if the password it proved has been replaced by force since
/// it began: a session, however short, could change the password again.
///
/// # Safety
/// `port` must be the port that the server handed to its authentication hook.
pub(super) unsafe fn refuse_late(port: *mut c_void) {
    // SAFETY: the caller vouches for the port, whose user name is NUL-terminated; the hook runs inside a
    // transaction in which catalogs can be read (InitPostgres).
    let (user, role, started) = unsafe {
        let user = (*port.cast::<version::Port>()).user_name;
        let role = pg_sys::get_role_oid(user, true);
        (text::copy(user), role, pg_sys::MyStartTimestamp)
    };
    if role != Oid::INVALID && is_late(role, started) {
        let user = crate::error::shown(&user.unwrap_or_default());
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_INVALID_PASSWORD,
            format!("the password of role \"{user}\" was replaced while this login was on its way"),
            "credential_manager",
        )
        .report(PgLogLevel::FATAL);
    }
}
