//! What can go wrong, in the words of the contract: one kind a row of its table of errors.
//!
//! An error is a lower-case message (what), a detail (why) and a hint (the next statement to
//! type). None of them may hold a secret or more than 1 kB: whatever a caller typed goes through
//! [`shown`] first.

use std::fmt;

/// The result of everything in this house.
pub type Result<T> = std::result::Result<T, Error>;

/// The kinds of failure a caller can meet, each with the standard SQLSTATE it is raised with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name that the naming rules do not allow.
    BadName,
    /// A name that is kept for something else.
    ReservedName,
    /// A role, credential or attachment of that name is there already.
    Exists,
    /// No credential (absent or unmanaged alike), object, endpoint or attachment of that name.
    NotFound,
    /// No schema of that name.
    NoSchema,
    /// The limit of credentials is reached.
    LimitReached,
    /// The caller may not do this.
    Denied,
    /// A missing, wrong or NULL argument.
    BadArgument,
    /// Attached, rotating, destroying, or in use.
    InUse,
    /// Objects that keep a role from being dropped.
    Blocked,
    /// A lock that was not to be had, or time that is up.
    Timeout,
    /// A standby or a read-only transaction.
    ReadOnly,
    /// Not set up, not preloaded, key missing or unsafe, not claimed, no password stored.
    NotReady,
    /// The caller's own transaction stands in the way.
    ActiveTransaction,
    /// A feature that is not built yet.
    NotBuilt,
    /// Something that should not be possible; the message says what was found.
    Internal,
}

impl Kind {
    /// Every kind, for tests and for the reference.
    pub const ALL: [Kind; 16] = [
        Kind::BadName,
        Kind::ReservedName,
        Kind::Exists,
        Kind::NotFound,
        Kind::NoSchema,
        Kind::LimitReached,
        Kind::Denied,
        Kind::BadArgument,
        Kind::InUse,
        Kind::Blocked,
        Kind::Timeout,
        Kind::ReadOnly,
        Kind::NotReady,
        Kind::ActiveTransaction,
        Kind::NotBuilt,
        Kind::Internal,
    ];

    /// The five characters of the SQLSTATE (PostgreSQL's errcodes.txt).
    pub fn sqlstate(self) -> &'static str {
        match self {
            Kind::BadName => "42602",
            Kind::ReservedName => "42939",
            Kind::Exists => "42710",
            Kind::NotFound => "42704",
            Kind::NoSchema => "3F000",
            Kind::LimitReached => "53400",
            Kind::Denied => "42501",
            Kind::BadArgument => "22023",
            Kind::InUse => "55006",
            Kind::Blocked => "2BP01",
            Kind::Timeout => "55P03",
            Kind::ReadOnly => "25006",
            Kind::NotReady => "55000",
            Kind::ActiveTransaction => "25001",
            Kind::NotBuilt => "0A000",
            Kind::Internal => "XX000",
        }
    }

    /// An error of this kind. The message starts in lower case and ends without a full stop.
    pub fn error(self, message: impl Into<String>) -> Error {
        Error {
            kind: self,
            message: clip(message.into(), 300),
            detail: None,
            hint: None,
        }
    }
}

/// One failure: what, why, and what to type next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
}

impl Error {
    /// Why it failed: a full sentence.
    pub fn detail(mut self, text: impl Into<String>) -> Error {
        self.detail = Some(clip(text.into(), 350));
        self
    }

    /// What to type next: a full sentence or a statement.
    pub fn hint(mut self, text: impl Into<String>) -> Error {
        self.hint = Some(clip(text.into(), 300));
        self
    }

    /// The kind, which fixes the SQLSTATE.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The message alone.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The DETAIL, where there is one.
    pub fn detail_text(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The HINT, where there is one.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Cuts a text at a character boundary so that message, detail and hint together stay below 1 kB.
fn clip(text: String, bytes: usize) -> String {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes - 3;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &text[..end])
}

/// What a caller typed, made safe to repeat: at most 64 bytes of printable ASCII, the rest escaped.
///
/// A newline or a control character in a log line or an error would let a caller forge lines
/// (THREATS T12, T85, T94).
pub fn shown(raw: &str) -> String {
    const MOST: usize = 64;
    let mut out = String::new();
    for c in raw.chars() {
        let piece: String = match c {
            '"' | '\\' => format!("\\{c}"),
            ' '..='~' => c.to_string(),
            _ => c.escape_default().to_string(),
        };
        if out.len() + piece.len() > MOST {
            out.push_str("...");
            break;
        }
        out.push_str(&piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_kinds_share_a_sqlstate() {
        let mut codes: Vec<_> = Kind::ALL.iter().map(|k| k.sqlstate()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Kind::ALL.len());
    }

    #[test]
    fn an_error_stays_below_one_kilobyte_whatever_goes_in() {
        let long = "é".repeat(20_000_000 / 2);
        let e = Kind::BadName
            .error(long.clone())
            .detail(long.clone())
            .hint(long);
        let all = e.message().len()
            + e.detail_text().map_or(0, str::len)
            + e.hint_text().map_or(0, str::len);
        assert!(all < 1000, "{all}");
    }

    #[test]
    fn what_is_shown_has_no_control_character_and_is_short() {
        assert_eq!(shown("a\nb"), "a\\nb");
        assert_eq!(shown("а"), "\\u{430}");
        assert!(shown(&"\u{1F600}".repeat(1000)).len() <= 67);
        assert!(shown("x\0y\u{7f}").bytes().all(|b| (32..127).contains(&b)));
    }
}
