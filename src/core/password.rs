//! What a caller may hand in as a password: a password, or a verifier of one.
//!
//! Source of the rules for a password: seeds/scalingo-database-users.txt.

use super::scram::{Verifier, SCHEME};
use super::secret::Secret;
use crate::error::{Error, Kind, Result};

/// How many characters a chosen password has.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The longest text that is looked at: a UTF-8 character has four bytes at most, and a verifier
/// is shorter than 64 such.
const LONGEST: usize = 64 * 4;

/// What an md5 verifier looks like: `md5`, then 32 hexadecimal digits (PostgreSQL's crypt.c).
const MD5_SCHEME: &str = "md5";
const MD5_LENGTH: usize = 35;

/// What a caller chose.
pub enum Chosen {
    /// A password.
    Plain(Secret),
    /// A SCRAM-SHA-256 verifier, of a password that nobody here knows.
    Verifier(Verifier),
}

impl Chosen {
    /// Tells a password from a verifier, and takes either if it is well made.
    ///
    /// A password has 24 to 64 characters (Unicode code points of the text as it was given, before
    /// SASLprep), none of them `"`, `'` or a control character (category Cc). A verifier is what
    /// [`Verifier::parse`] takes, and is not one of the empty password.
    ///
    /// Anything that names the scheme of a verifier, wherever and in whatever case, or looks like
    /// an md5 verifier, whole, cut short or with one character damaged, is never taken as a
    /// password; and what a verifier becomes when its scheme is damaged is too long for one.
    ///
    /// # Errors
    /// `Kind::BadArgument`; the error has nothing of the text.
    pub fn parse(raw: String) -> Result<Chosen> {
        let raw = Secret::new(raw);
        let text = raw.expose();
        if text.len() > LONGEST {
            return Err(not_allowed());
        }
        if names_scram(text) {
            return verifier(text).map(Chosen::Verifier);
        }
        if !LENGTHS.contains(&text.chars().count()) || text.contains(is_forbidden) {
            return Err(not_allowed());
        }
        if resembles_md5(text) {
            return Err(md5());
        }
        Ok(Chosen::Plain(raw))
    }
}

fn is_forbidden(c: char) -> bool {
    matches!(c, '"' | '\'') || c.is_control()
}

/// Whether the scheme stands anywhere in the text, with or without the dollar sign after it.
fn names_scram(text: &str) -> bool {
    let name = SCHEME.trim_end_matches('$').as_bytes();
    text.as_bytes()
        .windows(name.len())
        .any(|piece| piece.eq_ignore_ascii_case(name))
}

fn verifier(text: &str) -> Result<Verifier> {
    let verifier = Verifier::parse(text)?;
    // The server clears the password when it is given such a one, and goes on with a NOTICE.
    if verifier.matches("") {
        return Err(Kind::BadArgument
            .error("the verifier is one of the empty password")
            .detail("PostgreSQL removes a role's password when it is given such a verifier.")
            .hint(HINT));
    }
    Ok(verifier)
}

/// Whether the text is an md5 verifier, or one cut short or followed by something, or one with one
/// character damaged.
fn resembles_md5(text: &str) -> bool {
    let (length, right) = (text.chars().count(), md5_likeness(text));
    right == length.min(MD5_LENGTH) || (length == MD5_LENGTH && right + 1 == length)
}

/// How many of the first 35 characters are as in an md5 verifier.
fn md5_likeness(text: &str) -> usize {
    let mut scheme = MD5_SCHEME.chars();
    text.chars()
        .take(MD5_LENGTH)
        .filter(|c| match scheme.next() {
            Some(expected) => c.eq_ignore_ascii_case(&expected),
            None => c.is_ascii_hexdigit(),
        })
        .count()
}

const HINT: &str = "Leave the argument out to have a password generated.";

fn not_allowed() -> Error {
    Kind::BadArgument
        .error("the password is not allowed")
        .detail(
            "A password has 24 to 64 characters, without quotes and control characters; \
             or it is a SCRAM-SHA-256 verifier.",
        )
        .hint(HINT)
}

fn md5() -> Error {
    Kind::BadArgument
        .error("md5 verifiers are not allowed")
        .detail(
            "The text looks like an md5 verifier, which is as good as the password to whoever \
             reads it.",
        )
        .hint(HINT)
}

#[cfg(test)]
mod tests;
