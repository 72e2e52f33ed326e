//! Settings as the server keeps them.

use pgrx::guc::GucSetting;
use pgrx::pg_sys;
use std::ffi::{CStr, CString};
use std::ops::RangeInclusive;

/// A text setting.
pub struct Text(GucSetting<Option<CString>>);

/// A whole-number setting.
pub struct Whole(GucSetting<i32>);

/// In what a number counts; a person may write any unit of the server's.
#[derive(Clone, Copy)]
pub enum Unit {
    /// A bare number.
    None,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
}

#[allow(clippy::new_without_default)] // A setting is a static; Default cannot be const.
impl Text {
    /// A setting that is not defined yet.
    pub const fn new() -> Text {
        Text(GucSetting::<Option<CString>>::new(None))
    }

    /// The present value; empty where the setting is not defined.
    pub fn get(&self) -> String {
        self.0
            .get()
            .map(|v| v.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}

#[allow(clippy::new_without_default)] // As above.
impl Whole {
    /// A setting that is not defined yet.
    pub const fn new() -> Whole {
        Whole(GucSetting::<i32>::new(0))
    }

    /// The present value; 0 where the setting is not defined.
    pub fn get(&self) -> i32 {
        self.0.get()
    }
}

/// Defines a text setting.
pub fn text(
    setting: &'static Text,
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    default: &'static CStr,
) {
    // SAFETY: the boot value is a constant that lives as long as the server, as GUCs demand.
    unsafe {
        pg_sys::DefineCustomStringVariable(
            name.as_ptr(),
            short.as_ptr(),
            long.as_ptr(),
            setting.0.as_ptr(),
            default.as_ptr(),
            pg_sys::GucContext::PGC_SIGHUP,
            0,
            None,
            None,
            None,
        );
    }
}

/// Defines a whole-number setting.
pub fn whole(
    setting: &'static Whole,
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    default: i32,
    range: RangeInclusive<i32>,
    unit: Unit,
) {
    // SAFETY: as in `text`; the boot value lies in the range.
    unsafe {
        pg_sys::DefineCustomIntVariable(
            name.as_ptr(),
            short.as_ptr(),
            long.as_ptr(),
            setting.0.as_ptr(),
            default,
            *range.start(),
            *range.end(),
            pg_sys::GucContext::PGC_SIGHUP,
            match unit {
                Unit::None => 0,
                Unit::Milliseconds => pg_sys::GUC_UNIT_MS as i32,
                Unit::Seconds => pg_sys::GUC_UNIT_S as i32,
            },
            None,
            None,
            None,
        );
    }
}

/// Makes any other name under our prefix an error, and drops values that were set before we came.
pub fn reserve_prefix() {
    // SAFETY: a NUL-terminated constant.
    unsafe { pg_sys::MarkGUCPrefixReserved(c"credential_manager".as_ptr()) }
}

/// The words of a setting that is one of a few; each counts as its place in the list.
pub struct Words<const N: usize>([pg_sys::config_enum_entry; N]);

// SAFETY: pointers to constants, never written.
unsafe impl<const N: usize> Sync for Words<N> {}

impl<const N: usize> Words<N> {
    /// The word at a place; empty beyond the last.
    pub fn word(&self, place: i32) -> String {
        let entry = usize::try_from(place).ok().and_then(|i| self.0.get(i));
        // SAFETY: names are NUL-terminated constants, or null at the end mark.
        entry
            .and_then(|e| unsafe { super::text::copy(e.name) })
            .unwrap_or_default()
    }
}

/// A list of words for [`choice`]. The last place is the end mark that the server looks for.
pub const fn words<const N: usize>(list: [Option<&'static CStr>; N]) -> Words<N> {
    const END: pg_sys::config_enum_entry = pg_sys::config_enum_entry {
        name: std::ptr::null(),
        val: 0,
        hidden: false,
    };
    let mut entries = [END; N];
    let mut i = 0;
    while i < N {
        if let Some(word) = list[i] {
            entries[i] = pg_sys::config_enum_entry {
                name: word.as_ptr(),
                val: i as i32,
                hidden: false,
            };
        }
        i += 1;
    }
    Words(entries)
}

/// Defines a setting that is one of a few words; its value is the word's place in the list.
pub fn choice<const N: usize>(
    setting: &'static Whole,
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    default: i32,
    words: &'static Words<N>,
) {
    // SAFETY: as in `text`; the list ends with a null name and lives as long as the server.
    unsafe {
        pg_sys::DefineCustomEnumVariable(
            name.as_ptr(),
            short.as_ptr(),
            long.as_ptr(),
            setting.0.as_ptr(),
            default,
            words.0.as_ptr(),
            pg_sys::GucContext::PGC_SIGHUP,
            0,
            None,
            None,
            None,
        );
    }
}

/// Settings that have other values for the length of one act; they come back when this value goes.
#[must_use = "the former values come back when this value is dropped"]
pub struct Pinned(i32);

/// Gives settings of this session the values that an act is to run with.
pub fn pin(values: &[(&'static CStr, &'static CStr)]) -> Pinned {
    // SAFETY: a new level of settings, as a function's SET clauses get one; names and values are
    // NUL-terminated constants. An error unwinds to the end of the (sub)transaction, which ends the level.
    unsafe {
        let pinned = Pinned(pg_sys::NewGUCNestLevel());
        for (name, value) in values {
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
        }
        pinned
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // Where an error unwinds, the end of the (sub)transaction does it.
        if !std::thread::panicking() {
            // SAFETY: the level begun in `pin`, and those in it.
            unsafe { pg_sys::AtEOXact_GUC(true, self.0) }
        }
    }
}
