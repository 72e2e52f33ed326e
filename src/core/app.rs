//! What apps, endpoints and config variables are called.
//!
//! Sources: seeds/heroku-postgres-credentials.txt ("Attaching Credentials to Apps"); the environment variables of
//! POSIX (IEEE Std 1003.1, chapter 8: upper-case letters, digits and `_`, no digit first).

use crate::error::{shown, Kind, Result};

/// The longest name of an app or an endpoint, as of a label in DNS (RFC 1035, 2.3.4).
const LONGEST_NAME: usize = 63;

/// The longest `as_name`, and the longest variable without `_URL`.
const LONGEST_AS_NAME: usize = 59;

/// What every config variable ends with.
const SUFFIX: &str = "_URL";

/// The variable that an app's first credential goes under.
pub const FIRST: &str = "DATABASE_URL";

/// Colors of variables that nobody named, in the order they are given out.
const COLORS: [&str; 24] = [
    "AMBER", "AQUA", "BLACK", "BLUE", "BRONZE", "BROWN", "CHARCOAL", "COBALT", "COPPER", "CRIMSON",
    "CYAN", "GOLD", "GRAY", "GREEN", "IVORY", "JADE", "MAROON", "NAVY", "OLIVE", "ONYX", "PINK",
    "PURPLE", "SILVER", "TEAL",
];

/// Checks the name of an app: `[a-z0-9][a-z0-9-]{0,62}`.
///
/// # Errors
/// `Kind::BadName`.
pub fn check_app(raw: &str) -> Result<()> {
    check_name("app", raw, "shop")
}

/// Checks the name of an endpoint: `[a-z0-9][a-z0-9-]{0,62}`.
///
/// # Errors
/// `Kind::BadName`.
pub fn check_endpoint(raw: &str) -> Result<()> {
    check_name("endpoint", raw, "analytics-pool")
}

fn check_name(what: &str, raw: &str, example: &str) -> Result<()> {
    let is_plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let fits = (1..=LONGEST_NAME).contains(&raw.len())
        && raw.bytes().all(|b| is_plain(&b) || b == b'-')
        && raw.as_bytes().first().is_some_and(is_plain);
    if fits {
        return Ok(());
    }
    Err(Kind::BadName
        .error(format!("{what} name \"{}\" is not allowed", shown(raw)))
        .detail("It has 1 to 63 characters, each a letter a-z, a digit or -, and starts with no -.")
        .hint(format!("Choose another name, such as '{example}'.")))
}

/// The config variable of an attachment that is given a name: `<AS_NAME>_URL`.
///
/// # Errors
/// `Kind::BadName` for anything but `[A-Z_][A-Z0-9_]{0,58}`.
pub fn named_variable(as_name: &str) -> Result<String> {
    let rest = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    let fits = (1..=LONGEST_AS_NAME).contains(&as_name.len())
        && as_name.bytes().all(rest)
        && !as_name.as_bytes().first().is_some_and(u8::is_ascii_digit);
    if fits {
        return Ok(format!("{as_name}{SUFFIX}"));
    }
    Err(Kind::BadName
        .error(format!("config variable name \"{}\" is not allowed", shown(as_name)))
        .detail("It has 1 to 59 characters, each a letter A-Z, a digit or _, and starts with no digit; _URL is added to it.")
        .hint("Choose another name, such as 'ANALYTICS'."))
}

/// The name that [`named_variable`] makes this variable of.
pub fn as_name(variable: &str) -> Option<&str> {
    variable.strip_suffix(SUFFIX)
}

/// The config variable of an attachment that nobody named, given those that the app has.
pub fn free_variable(taken: &[String]) -> String {
    let is_free = |variable: &String| !taken.contains(variable);
    let plain = COLORS
        .iter()
        .map(|color| format!("POSTGRESQL_{color}{SUFFIX}"));
    // Every round has more names than the one before has left, so one of as many as are taken is free.
    let numbered = (2..=taken.len() + 2).flat_map(|round| {
        let named = move |color| format!("POSTGRESQL_{color}_{round}{SUFFIX}");
        COLORS.iter().map(named)
    });
    std::iter::once(FIRST.to_owned())
        .chain(plain)
        .chain(numbered)
        .find(is_free)
        .unwrap_or_default()
}

/// The variables that a person may mean: the one written, or the one with `_URL`.
pub fn meant(written: &str) -> [String; 2] {
    [written.to_owned(), format!("{written}{SUFFIX}")]
}

/// How an attachment is written in one word, as Heroku does: `app::DATABASE_URL`.
pub fn attached_as(app: &str, variable: &str) -> String {
    format!("{app}::{variable}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn an_app_is_named_as_a_label_of_dns_is() {
        for good in ["a", "0", "shop", "shop-2", &"a".repeat(63)] {
            assert!(check_app(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            "Shop",
            "a_b",
            "a b",
            "a.b",
            "ä",
            "a\n",
            &"a".repeat(64),
        ] {
            let error = check_app(bad).map_err(|e| e.kind());
            assert_eq!(error, Err(Kind::BadName), "{bad:?}");
        }
    }

    #[test]
    fn a_variable_that_is_named_fits_into_63_characters() {
        let longest = "A".repeat(59);
        assert_eq!(named_variable(&longest).map(|v| v.len()), Ok(63));
        assert_eq!(named_variable("_A1"), Ok("_A1_URL".to_owned()));
        for bad in ["", "a", "1A", "A-B", "A B", "Ä", "A\n", &"A".repeat(60)] {
            let error = named_variable(bad).map_err(|e| e.kind());
            assert_eq!(error, Err(Kind::BadName), "{bad:?}");
        }
    }

    #[test]
    fn the_first_is_database_url_then_come_colors_and_no_variable_is_given_twice() {
        let mut taken = Vec::new();
        for _ in 0..200 {
            let next = free_variable(&taken);
            assert!(!taken.contains(&next), "{next}");
            let name = as_name(&next).unwrap_or_default();
            assert_eq!(named_variable(name), Ok(next.clone()));
            taken.push(next);
        }
        assert_eq!(
            taken[..3],
            [
                "DATABASE_URL",
                "POSTGRESQL_AMBER_URL",
                "POSTGRESQL_AQUA_URL"
            ]
        );
        assert!(taken.contains(&"POSTGRESQL_TEAL_2_URL".to_owned()));
    }
}
