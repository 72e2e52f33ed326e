//! An errand: what the worker at home and a worker that it sent into another database tell each other.
//! Our tables are at home, so the other one can write nothing down.
//!
//! There is one errand at a time. Each has a number, so that a worker whose sender is gone is not
//! listened to, and notices.

use pgrx::prelude::*;
use pgrx::{pg_shmem_init, PGRXSharedMemory, PgLwLock};

/// Room for lines that the sender has not read yet, in bytes.
const LINES: usize = 16_384;
/// Room for one text, in bytes.
const TEXT: usize = 512;

/// What an errand came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Its worker has not said.
    Nothing,
    /// All is done there.
    Done,
    /// Somebody uses what it needs.
    Busy,
    /// A person is needed.
    Blocked,
}

#[derive(Clone, Copy)]
struct Errand {
    number: u32,
    report: u8,
    /// The sender no longer wants it.
    called_off: bool,
    done: u64,
    total: u64,
    text: [u8; TEXT],
    text_length: usize,
    lines: [u8; LINES],
    lines_length: usize,
}

impl Default for Errand {
    fn default() -> Self {
        Errand {
            number: 0,
            report: 0,
            called_off: true,
            done: 0,
            total: 0,
            text: [0; TEXT],
            text_length: 0,
            lines: [0; LINES],
            lines_length: 0,
        }
    }
}

impl Errand {
    fn set_text(&mut self, text: &str) {
        let mut length = text.len().min(TEXT);
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        self.text[..length].copy_from_slice(&text.as_bytes()[..length]);
        self.text_length = length;
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text[..self.text_length]).into_owned()
    }
}

// SAFETY: plain numbers, Copy, no pointers.
unsafe impl PGRXSharedMemory for Errand {}

// SAFETY: initialised by `init` while libraries are preloaded, and used only by workers of that server.
static ERRAND: PgLwLock<Errand> = unsafe { PgLwLock::new(c"credential_manager errand") };

/// Asks for the shared memory; only while libraries are preloaded.
pub fn init() {
    pg_shmem_init!(ERRAND);
}

/// Begins an errand and gives its number; the one before is over.
pub fn begin() -> u32 {
    let mut errand = ERRAND.exclusive();
    errand.number = errand.number.wrapping_add(1);
    errand.report = 0;
    errand.called_off = false;
    errand.done = 0;
    errand.total = 0;
    errand.text_length = 0;
    errand.lines_length = 0;
    errand.number
}

/// The sender no longer wants it; its worker stops when it next asks.
pub fn call_off() {
    ERRAND.exclusive().called_off = true;
}

/// Whether an errand is still wanted.
pub fn is_wanted(number: u32) -> bool {
    let errand = ERRAND.share();
    errand.number == number && !errand.called_off
}

/// Whether no other errand has begun since.
pub fn is_latest(number: u32) -> bool {
    ERRAND.share().number == number
}

/// How far an errand has come, and what it waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Objects done with.
    pub done: u64,
    /// Objects found.
    pub total: u64,
    /// What it waits for; empty while it does not.
    pub waits_for: String,
}

/// The worker says how far it is.
pub fn set_progress(number: u32, progress: &Progress) {
    let mut errand = ERRAND.exclusive();
    if errand.number == number {
        errand.done = progress.done;
        errand.total = progress.total;
        errand.set_text(&progress.waits_for);
    }
}

/// The worker hands over a line; false where there is no room until the sender has read. A line that is
/// too long for any room is cut.
pub fn tell(number: u32, line: &str) -> bool {
    let mut errand = ERRAND.exclusive();
    if errand.number != number || errand.called_off {
        return true;
    }
    let line = &line.as_bytes()[..line.len().min(LINES - 1)];
    let (start, end) = (errand.lines_length, errand.lines_length + line.len() + 1);
    if end > LINES {
        return false;
    }
    errand.lines[start..end - 1].copy_from_slice(line);
    errand.lines[end - 1] = b'\n';
    errand.lines_length = end;
    true
}

/// The worker says what it came to.
pub fn report(number: u32, report: Report, text: &str) {
    let mut errand = ERRAND.exclusive();
    if errand.number == number {
        errand.report = report as u8;
        errand.set_text(text);
    }
}

/// The sender takes the lines that it has not read yet, and looks how far the errand is.
pub fn look() -> (Vec<String>, Progress) {
    let mut errand = ERRAND.exclusive();
    let lines = String::from_utf8_lossy(&errand.lines[..errand.lines_length])
        .lines()
        .map(str::to_owned)
        .collect();
    errand.lines_length = 0;
    let progress = Progress {
        done: errand.done,
        total: errand.total,
        waits_for: errand.text(),
    };
    (lines, progress)
}

/// What the errand came to, when its worker has ended.
pub fn outcome() -> (Report, String) {
    let errand = ERRAND.share();
    let report = match errand.report {
        1 => Report::Done,
        2 => Report::Busy,
        3 => Report::Blocked,
        _ => return (Report::Nothing, String::new()),
    };
    (report, errand.text())
}
