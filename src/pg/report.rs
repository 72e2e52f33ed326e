//! What a worker in another database has to say to the one at home, in memory that all processes share.

use super::shmem::SHARED;

/// Longest text that a worker in another database hands over, in bytes.
pub(super) const REPORT_TEXT: usize = 240;

/// What a worker in another database came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// It said nothing before it ended.
    Nothing,
    /// All is done there.
    Done,
    /// Some objects are busy.
    Busy,
    /// A person is needed.
    Blocked,
}

/// Before a worker is started elsewhere: nothing has been said.
pub fn clear_report() {
    set_report(Report::Nothing, "");
}

/// A worker in another database says what it came to; what does not fit is cut.
pub fn set_report(report: Report, text: &str) {
    let mut shared = SHARED.exclusive();
    shared.report = report as u8;
    shared.report_text = [0; REPORT_TEXT];
    for (slot, byte) in shared.report_text.iter_mut().zip(text.bytes()) {
        *slot = byte;
    }
}

/// What the worker in another database said.
pub fn report() -> (Report, String) {
    let shared = SHARED.share();
    let report = match shared.report {
        1 => Report::Done,
        2 => Report::Busy,
        3 => Report::Blocked,
        _ => Report::Nothing,
    };
    let end = shared
        .report_text
        .iter()
        .position(|b| *b == 0)
        .unwrap_or(REPORT_TEXT);
    (
        report,
        String::from_utf8_lossy(&shared.report_text[..end]).into_owned(),
    )
}
