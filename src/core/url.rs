//! How a credential is told: as a URL, as a connection string of libpq, as a JDBC URL.
//!
//! Sources: seeds/heroku-postgres-credentials.txt ("Get Credential Details"), the chapter
//! "Connection Strings" of PostgreSQL's libpq, RFC 3986, pgjdbc's "Connecting to the Database".
//! Whatever is told may hold a password, so it is wiped when it is let go.

use zeroize::Zeroizing;

use super::secret::Secret;
use crate::error::{shown, Kind, Result};

/// The words of libpq's `sslmode`.
const SSL_MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// Where a server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A host name, an address, or the directory of a socket (starts with `/`). `None` while nobody
    /// has told it: then it is left out of what is told, and the port with it.
    pub host: Option<String>,
    /// The port.
    pub port: u16,
    /// One of the words that [`check_sslmode`] takes.
    pub sslmode: String,
}

/// What to log in to and as whom.
pub struct Target<'a> {
    /// The role to log in as.
    pub username: &'a str,
    /// Its password; left out of what is told where it is not known.
    pub password: Option<&'a Secret>,
    /// The database.
    pub database: &'a str,
    /// The server.
    pub endpoint: &'a Endpoint,
}

/// Checks a word for `sslmode`.
///
/// # Errors
/// `Kind::BadArgument` for anything but disable, allow, prefer, require, verify-ca and verify-full,
/// in lower case as libpq wants them.
pub fn check_sslmode(word: &str) -> Result<()> {
    if SSL_MODES.contains(&word) {
        return Ok(());
    }
    Err(Kind::BadArgument
        .error(format!("sslmode \"{}\" is unknown", shown(word)))
        .detail("libpq knows disable, allow, prefer, require, verify-ca and verify-full.")
        .hint("Use sslmode => 'require'."))
}

/// `postgres://user:password@host:port/database?sslmode=require`, everything but RFC 3986's
/// unreserved characters percent-encoded.
pub fn url(target: &Target) -> Zeroizing<String> {
    let mut text = buffer(target);
    text.push_str("postgres://");
    encode(&mut text, target.username);
    if let Some(password) = target.password {
        text.push(':');
        encode(&mut text, password.expose());
    }
    text.push('@');
    push_authority(&mut text, target.endpoint);
    text.push('/');
    encode(&mut text, target.database);
    text.push_str("?sslmode=");
    encode(&mut text, &target.endpoint.sslmode);
    text
}

/// `jdbc:postgresql://host:port/database?user=...&password=...&sslmode=require`; without a host
/// `jdbc:postgresql:database?...`, which is how pgjdbc wants it.
pub fn jdbc_url(target: &Target) -> Zeroizing<String> {
    let mut text = buffer(target);
    text.push_str("jdbc:postgresql:");
    if target.endpoint.host.is_some() {
        text.push_str("//");
        push_authority(&mut text, target.endpoint);
        text.push('/');
    }
    encode(&mut text, target.database);
    text.push_str("?user=");
    encode(&mut text, target.username);
    if let Some(password) = target.password {
        text.push_str("&password=");
        encode(&mut text, password.expose());
    }
    text.push_str("&sslmode=");
    encode(&mut text, &target.endpoint.sslmode);
    text
}

/// `dbname=... host=... port=... user=... password=... sslmode=...`, as Heroku shows it, without
/// the double quotes it puts around the whole. What is not known is left out.
pub fn conninfo(target: &Target) -> Zeroizing<String> {
    let mut text = buffer(target);
    push_setting(&mut text, "dbname=", target.database);
    if let Some(host) = &target.endpoint.host {
        push_setting(&mut text, " host=", host);
        push_setting(&mut text, " port=", &target.endpoint.port.to_string());
    }
    push_setting(&mut text, " user=", target.username);
    if let Some(password) = target.password {
        push_setting(&mut text, " password=", password.expose());
    }
    push_setting(&mut text, " sslmode=", &target.endpoint.sslmode);
    text
}

/// A buffer that no text of this target outgrows: one that grows leaves copies behind.
fn buffer(target: &Target) -> Zeroizing<String> {
    /// What stands between the fields, at most; the port has five digits of it.
    const FIXED: usize = 96;
    let password = target.password.map_or("", Secret::expose);
    let host = target.endpoint.host.as_deref().unwrap_or_default();
    let fields = [
        target.username,
        password,
        target.database,
        host,
        &target.endpoint.sslmode,
    ];
    // A byte becomes three at most, as %XX.
    let most = FIXED + 3 * fields.iter().map(|field| field.len()).sum::<usize>();
    Zeroizing::new(String::with_capacity(most))
}

/// `host:port`, or nothing without a host.
fn push_authority(text: &mut String, endpoint: &Endpoint) {
    let Some(host) = &endpoint.host else { return };
    if is_ipv6(host) {
        text.push('[');
        encode_but(text, host, b":");
        text.push(']');
    } else {
        encode(text, host);
    }
    text.push(':');
    text.push_str(&endpoint.port.to_string());
}

/// Whether a host goes into brackets (RFC 3986, 3.2.2): no name has a colon, a directory may.
fn is_ipv6(host: &str) -> bool {
    host.contains(':') && !host.starts_with(['/', '@'])
}

/// Percent-encodes all but the unreserved characters of RFC 3986, 2.3.
fn encode(text: &mut String, raw: &str) {
    encode_but(text, raw, b"");
}

fn encode_but(text: &mut String, raw: &str, kept: &[u8]) {
    for byte in raw.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(hex_digit(byte >> 4));
            text.push(hex_digit(byte & 0xf));
        }
    }
}

/// The digit of a value below 16, upper case as RFC 3986 asks.
fn hex_digit(value: u8) -> char {
    char::from(if value < 10 {
        b'0' + value
    } else {
        b'A' + value - 10
    })
}

/// `key=value`, the value in single quotes where libpq needs them, and anywhere else but for
/// letters, digits, `_`, `.` and `-`.
fn push_setting(text: &mut String, key: &str, value: &str) {
    text.push_str(key);
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    if !value.is_empty() && value.bytes().all(is_plain) {
        text.push_str(value);
        return;
    }
    text.push('\'');
    for c in value.chars() {
        if matches!(c, '\'' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('\'');
}

#[cfg(test)]
mod tests;
