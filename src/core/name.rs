//! What a credential may be called, and what its twin is called.
//!
//! PostgreSQL cuts an identifier at 63 bytes without a word, and some of its commands give certain
//! names a meaning of their own. So a name is judged here, as bytes and in full, before it reaches
//! anything: length first, then characters, then the words that are kept for something else.
//!
//! Sources: seeds/heroku-postgres-credentials.txt ("Caveats and Considerations"),
//! seeds/scalingo-database-users.txt ("Username"), PostgreSQL's gram.y (RoleSpec) and hba.c.

use crate::error::{shown, Error, Kind, Result};

/// What a credential named in no other way is: the owner of the database.
pub const DEFAULT: &str = "default";

/// What the name of a rotating twin ends with.
pub const TWIN_SUFFIX: &str = "-rotating";

/// Why such a name is nobody else's.
const TWIN_RULE: &str = "Names that end with -rotating are kept for the twins of a rotation.";

/// The longest name PostgreSQL keeps whole: NAMEDATALEN (64) less the closing NUL.
const LONGEST_IDENTIFIER: usize = 63;

/// The longest role that leaves room for its twin's suffix: 54 bytes.
const LONGEST_ROLE: usize = LONGEST_IDENTIFIER - TWIN_SUFFIX.len();

/// Names that mean the default credential to Heroku, or somebody of the platform.
const PLATFORM_WORDS: [&str; 5] = ["heroku", "owner", DEFAULT, "admin", "collectd"];

/// Names that mean something else to a command or a file of PostgreSQL (gram.y, hba.c).
const SPECIAL_WORDS: [&str; 10] = [
    "public",
    "none",
    "current_user",
    "current_role",
    "session_user",
    "user",
    "all",
    "replication",
    "samerole",
    "sameuser",
];

/// Beginnings that belong to the platform, to PostgreSQL and to the managed groups.
const KEPT_PREFIXES: [&str; 5] = ["rds", "pg_", "db_reader_", "db_writer_", "db_owner_"];

/// What no name may contain anywhere.
const KEPT_PART: &str = "postgres";

/// A set of naming rules: the setting `credential_manager.naming`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// 1 to 50 of letters, digits, `_` and `-`.
    Heroku,
    /// 6 to 32 of letters, digits and `_`, the first a letter.
    Scalingo,
}

impl Naming {
    /// The word in the setting.
    pub fn as_str(self) -> &'static str {
        match self {
            Naming::Heroku => "heroku",
            Naming::Scalingo => "scalingo",
        }
    }

    /// The rules that a word of the setting stands for; exactly as written, lower case.
    pub fn parse(word: &str) -> Option<Naming> {
        [Naming::Heroku, Naming::Scalingo]
            .into_iter()
            .find(|naming| naming.as_str() == word)
    }

    /// The fewest and the most bytes of a name.
    fn lengths(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Naming::Heroku => 1..=50,
            Naming::Scalingo => 6..=32,
        }
    }

    /// Whether every byte is one that these rules allow in its place.
    fn allows_bytes(self, name: &[u8]) -> bool {
        let starts_well = match self {
            Naming::Heroku => true,
            Naming::Scalingo => name.first().is_some_and(u8::is_ascii_alphabetic),
        };
        starts_well && name.iter().all(|b| self.allows_byte(*b))
    }

    fn allows_byte(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || byte == b'_' || (byte == b'-' && self == Naming::Heroku)
    }

    /// The rules as a sentence.
    fn rule(self) -> &'static str {
        match self {
            Naming::Heroku => {
                "A name has 1 to 50 characters, each a letter A-Z or a-z, a digit, _ or -."
            }
            Naming::Scalingo => {
                "A name has 6 to 32 characters, each a letter A-Z or a-z, a digit or _, \
                 the first a letter."
            }
        }
    }
}

/// The name of a credential that passed the rules: ASCII, at most 50 bytes, not reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Takes a name for something that is to be made or adopted.
    ///
    /// A name given as a *target* is only looked up and never comes here.
    ///
    /// # Errors
    /// `Kind::BadName` for a length or a character the rules do not allow, `Kind::ReservedName`
    /// for a name that is kept for something else, without regard to case.
    pub fn parse(raw: &str, naming: Naming) -> Result<Name> {
        if !naming.lengths().contains(&raw.len()) || !naming.allows_bytes(raw.as_bytes()) {
            return Err(not_allowed(raw, naming.rule()));
        }
        match kept_because(&raw.to_ascii_lowercase()) {
            Some(why) => Err(reserved(raw, why)),
            None => Ok(Name(raw.to_owned())),
        }
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in lower case: no two credentials may agree in it.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// The username of a role's rotating twin.
///
/// Fits into an identifier for every [`Name`] and every role that [`check_taken_role`] let pass.
pub fn twin_of(role: &str) -> String {
    format!("{role}{TWIN_SUFFIX}")
}

/// Checks a role, there already, that setup or adopt is about to take.
///
/// It keeps its name, whatever characters that has, so long as it leaves room for a twin (1 to 54
/// bytes), is not named like one, and can stand in a log line (no control character).
///
/// # Errors
/// `Kind::BadName`.
pub fn check_taken_role(raw: &str) -> Result<()> {
    if !(1..=LONGEST_ROLE).contains(&raw.len()) {
        return Err(not_allowed(
            raw,
            "A managed role's name has 1 to 54 bytes, so that its rotating twin's fits into 63.",
        ));
    }
    if raw.chars().any(char::is_control) {
        return Err(not_allowed(
            raw,
            "A managed role's name has no control characters.",
        ));
    }
    if raw.to_ascii_lowercase().ends_with(TWIN_SUFFIX) {
        return Err(not_allowed(raw, TWIN_RULE));
    }
    Ok(())
}

/// Whether a target names the default credential: `default` or `owner`, in any case.
///
/// Without regard to case because no other credential may bear either word in any case.
pub fn is_default_target(raw: &str) -> bool {
    [DEFAULT, "owner"]
        .iter()
        .any(|word| raw.eq_ignore_ascii_case(word))
}

/// Why a name, given in lower case, is kept for something else.
fn kept_because(key: &str) -> Option<&'static str> {
    if SPECIAL_WORDS.contains(&key) {
        return Some("PostgreSQL gives this word a meaning of its own.");
    }
    if PLATFORM_WORDS.contains(&key) {
        return Some(
            "The names heroku, owner, default, admin and collectd are kept for the platform.",
        );
    }
    if KEPT_PREFIXES.iter().any(|prefix| key.starts_with(prefix)) {
        return Some(
            "Names that start with rds, pg_, db_reader_, db_writer_ or db_owner_ are kept for \
             system roles and managed groups.",
        );
    }
    if key.contains(KEPT_PART) {
        return Some("Names that contain postgres are kept for the server's own roles.");
    }
    if key.ends_with(TWIN_SUFFIX) {
        return Some(TWIN_RULE);
    }
    None
}

fn not_allowed(raw: &str, why: &str) -> Error {
    Kind::BadName
        .error(format!("name \"{}\" is not allowed", shown(raw)))
        .detail(why)
        .hint("Choose another name, such as 'analyst'.")
}

fn reserved(raw: &str, why: &str) -> Error {
    Kind::ReservedName
        .error(format!("name \"{}\" is reserved", shown(raw)))
        .detail(why)
        .hint("Choose another name, such as 'analyst'.")
}

#[cfg(test)]
mod tests;
