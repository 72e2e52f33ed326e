//! SCRAM-SHA-256 verifiers (RFC 5802, RFC 7677), in the text form of `pg_authid.rolpassword`:
//! `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, the last three in base64.
//!
//! The server is only ever handed a verifier that was computed or checked here. Given anything
//! else, it takes the text for a plaintext password and hashes it, and whoever has seen the text
//! can log in with it (THREATS T54).

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::random;
use super::saslprep::prepared;
use super::secret::Secret;
use crate::error::{Error, Kind, Result};

/// What a verifier starts with.
pub(super) const SCHEME: &str = "SCRAM-SHA-256$";

/// The rounds of a verifier made here: PostgreSQL's SCRAM_DEFAULT_ITERATIONS, RFC 7677's minimum.
const ITERATIONS: u32 = 4096;

/// The most rounds of a verifier that a caller hands in. CREATE ROLE and ALTER ROLE run them all,
/// to see whether the password is empty, and cannot be interrupted meanwhile: not quite a second.
const MOST_ITERATIONS: u32 = 1_000_000;

/// The bytes of a salt: PostgreSQL's SCRAM_DEFAULT_SALT_LEN.
const SALT_LENGTH: usize = 16;

/// The bytes of a SHA-256 digest, and so of each key.
const KEY_LENGTH: usize = 32;

/// The bytes of a block of SHA-256, which is what HMAC fills its key up to.
const BLOCK_LENGTH: usize = 64;

/// The longest text that can be a verifier: with seven digits of iterations, 136 bytes.
const LONGEST: usize = 136;

/// A key of a verifier, or on the way to one.
type HashKey = Zeroizing<[u8; KEY_LENGTH]>;

/// A well-formed verifier. Whoever has it can try passwords on it at leisure and pose as the
/// server, so it has no `Debug`, `Display`, `Clone` or `PartialEq`, and is wiped when let go.
pub struct Verifier {
    text: Zeroizing<String>,
    parts: Parts,
}

/// What the text of a verifier says.
struct Parts {
    iterations: u32,
    salt: [u8; SALT_LENGTH],
    stored_key: HashKey,
    server_key: HashKey,
}

impl Verifier {
    /// The verifier of a password, with a fresh salt of 16 bytes and 4096 iterations.
    ///
    /// # Errors
    /// `Kind::Internal` where the operating system gives no randomness.
    pub fn compute(password: &Secret) -> Result<Verifier> {
        let mut salt = [0; SALT_LENGTH];
        random::fill(&mut salt)?;
        Ok(Verifier::compute_with(password.expose(), salt, ITERATIONS))
    }

    /// The verifier of a password with a given salt and number of iterations.
    fn compute_with(password: &str, salt: [u8; SALT_LENGTH], iterations: u32) -> Verifier {
        let parts = Parts::derive(password, salt, iterations);
        Verifier {
            text: parts.text(),
            parts,
        }
    }

    /// Takes a verifier that a caller handed in: exactly the text that PostgreSQL would write, with
    /// a salt of 16 bytes and 4096 to 1,000,000 iterations.
    ///
    /// Every base64 text must be the canonical one of its length, so of all ways to damage one
    /// byte only these go unseen: a letter of base64 that became another, and a digit of the
    /// iterations that became another, or came twice, within the range. The result is a verifier
    /// that no password fits: nobody can log in with its text, and nobody with the password it was of,
    /// unless it was ServerKey that was damaged and the client does not check who it talks to.
    ///
    /// # Errors
    /// `Kind::BadArgument`; the error has nothing of the text.
    pub fn parse(raw: &str) -> Result<Verifier> {
        let parts = (raw.len() <= LONGEST).then(|| Parts::read(raw)).flatten();
        let parts = parts.ok_or_else(malformed)?;
        let text = parts.text();
        // Reading is lenient where the libraries are (a plus sign, leading zeros). What it made of
        // the text, written down again, must be the text.
        if text.as_str() != raw {
            return Err(malformed());
        }
        if !(ITERATIONS..=MOST_ITERATIONS).contains(&parts.iterations) {
            return Err(malformed());
        }
        Ok(Verifier { text, parts })
    }

    /// The text, for the server and for sealing. Never for a message, a log line or an event.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether this is a verifier of the password. Takes as long as a login, and the comparison
    /// takes the same time wherever the two differ.
    pub fn matches(&self, password: &str) -> bool {
        let other = Parts::derive(password, self.parts.salt, self.parts.iterations);
        let stored = self.parts.stored_key.ct_eq(other.stored_key.as_slice());
        let server = self.parts.server_key.ct_eq(other.server_key.as_slice());
        (stored & server).into()
    }

    /// Whether a stored text is this verifier, byte by byte, in a time that tells only the length.
    pub fn same(&self, other: &str) -> bool {
        self.text.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl Parts {
    /// RFC 5802 section 3: SaltedPassword, ClientKey, StoredKey, ServerKey.
    fn derive(password: &str, salt: [u8; SALT_LENGTH], iterations: u32) -> Parts {
        let mut salted = HashKey::default();
        let password = prepared(password);
        pbkdf2::pbkdf2_hmac::<Sha256>(
            password.as_bytes(),
            &salt,
            iterations,
            salted.as_mut_slice(),
        );
        let client_key = hmac(&salted, b"Client Key");
        Parts {
            iterations,
            salt,
            stored_key: Zeroizing::new(Sha256::digest(client_key.as_slice()).into()),
            server_key: hmac(&salted, b"Server Key"),
        }
    }

    /// The parts of a text that has the shape of a verifier.
    fn read(raw: &str) -> Option<Parts> {
        let (parameters, keys) = raw.strip_prefix(SCHEME)?.split_once('$')?;
        let (iterations, salt) = parameters.split_once(':')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        Some(Parts {
            iterations: iterations.parse().ok()?,
            salt: *decoded(salt)?,
            stored_key: decoded(stored_key)?,
            server_key: decoded(server_key)?,
        })
    }

    /// The text that says this.
    fn text(&self) -> Zeroizing<String> {
        // Sized at once: a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(LONGEST));
        text.push_str(SCHEME);
        text.push_str(&self.iterations.to_string());
        text.push(':');
        STANDARD.encode_string(self.salt, &mut text);
        text.push('$');
        STANDARD.encode_string(self.stored_key.as_slice(), &mut text);
        text.push(':');
        STANDARD.encode_string(self.server_key.as_slice(), &mut text);
        text
    }
}

/// HMAC-SHA-256. The key is filled up to a block with zeros, as HMAC itself does (RFC 2104), since
/// a key of a block's length is the one that cannot be of a wrong length.
fn hmac(key: &HashKey, message: &[u8]) -> HashKey {
    let mut block = Zeroizing::new([0; BLOCK_LENGTH]);
    block[..KEY_LENGTH].copy_from_slice(key.as_slice());
    let mac = <Hmac<Sha256> as Mac>::new((&*block).into());
    Zeroizing::new(mac.chain_update(message).finalize().into_bytes().into())
}

/// The N bytes of a base64 text; `None` where there are more or fewer.
fn decoded<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

fn malformed() -> Error {
    Kind::BadArgument
        .error("the SCRAM-SHA-256 verifier is malformed")
        .detail(
            "It has to be exactly as PostgreSQL writes it, with a salt of 16 bytes and \
             4096 to 1000000 iterations.",
        )
        .hint(
            "Copy it whole from pg_authid.rolpassword, or leave the argument out to have a \
             password generated.",
        )
}

#[cfg(test)]
mod tests;
