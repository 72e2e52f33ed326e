//! How a stored password is sealed: XChaCha20-Poly1305 with a key from the key file.
//!
//! The nonce is drawn at random, 24 bytes, so that no two ever agree. Where a sealed password
//! belongs (installation, role, version) is bound into it: moved to another row it does not open.
//! Nothing here falls back to anything: what cannot be sealed is an error, and is not stored.
//!
//! An envelope is: one byte of format (1), 8 bytes of the key's id, 24 bytes of nonce, the
//! ciphertext (as long as the password), 16 bytes of tag.

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::keyfile;
use super::random;
use super::secret::Secret;
use crate::error::{Error, Kind, Result};

/// The bytes of a key.
pub const KEY_LENGTH: usize = 32;

/// The bytes of a key's id.
pub const ID_LENGTH: usize = 8;

const NONCE_LENGTH: usize = 24;
const TAG_LENGTH: usize = 16;

/// The first byte of an envelope of the one format there is.
const FORMAT: u8 = 1;

/// The envelope up to the nonce: format and key id.
const HEADER_LENGTH: usize = 1 + ID_LENGTH;

/// What is hashed or authenticated here is so for one purpose, named by a label: the same bytes
/// mean nothing elsewhere.
const ID_LABEL: &[u8] = b"credential_manager key id v1\0";
const CONTEXT_LABEL: &[u8] = b"credential_manager password v1\0";

/// A key that seals passwords: 32 bytes, wiped when it is let go; no `Debug`, no `Clone`.
///
/// Boxed, because a value that moves leaves a copy where it was.
pub struct Key(Box<Zeroizing<[u8; KEY_LENGTH]>>);

impl Key {
    /// A key of exactly 32 bytes; `None` for any other length.
    pub(super) fn new(bytes: &[u8]) -> Option<Key> {
        if bytes.len() != KEY_LENGTH {
            return None;
        }
        let mut key = Key(Box::default());
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    /// What the key is known by: the first 8 bytes of a SHA-256 over a label and the key.
    pub fn id(&self) -> [u8; ID_LENGTH] {
        let digest = Sha256::new()
            .chain_update(ID_LABEL)
            .chain_update(self.0.as_slice())
            .finalize();
        let mut id = [0; ID_LENGTH];
        id.copy_from_slice(&digest[..ID_LENGTH]);
        id
    }

    /// Whether the key is one that nobody drew at random: all zero, for one.
    pub(super) fn is_one_byte_repeated(&self) -> bool {
        self.0.iter().all(|byte| *byte == self.0[0])
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.0.as_slice().into())
    }
}

/// What a sealed password is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The system identifier kept in the catalog.
    pub system_identifier: u64,
    /// The OID of the role the password is of.
    pub role_oid: u32,
    /// The version of that role's password.
    pub version: i64,
}

impl Context {
    /// The associated data: the header of the envelope, a label, and the fields, each of one width.
    fn bind(&self, header: &[u8]) -> Vec<u8> {
        [
            header,
            CONTEXT_LABEL,
            &self.system_identifier.to_be_bytes(),
            &self.role_oid.to_be_bytes(),
            &self.version.to_be_bytes(),
        ]
        .concat()
    }
}

/// The keys of a key file: the newest seals, all of them open.
pub struct Keyring {
    newest: Key,
    older: Vec<Key>,
}

impl Keyring {
    /// Takes the contents of a key file: one key or several, up to 64, newest first, as lines of
    /// 64 hexadecimal digits or 44 characters of base64, or as raw bytes.
    ///
    /// # Errors
    /// `Kind::NotReady` for anything else, and for a key that comes twice or is one byte repeated.
    /// The error has nothing of the contents.
    pub fn parse(contents: &[u8]) -> Result<Keyring> {
        let mut keys = keyfile::read(contents)?.into_iter();
        // The reader has refused an empty file already; said again, it needs no panic here.
        let newest = keys
            .next()
            .ok_or_else(|| Kind::NotReady.error("the key file holds no key"))?;
        Ok(Keyring {
            newest,
            older: keys.collect(),
        })
    }

    /// The keys, newest first.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    /// Seals a password with the newest key and a fresh nonce.
    ///
    /// # Errors
    /// `Kind::Internal` where the operating system gives no randomness or the cipher fails.
    pub fn seal(&self, plain: &Secret, context: &Context) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LENGTH];
        random::fill(&mut nonce)?;
        let header = [&[FORMAT], self.newest.id().as_slice()].concat();
        let mut text = Zeroizing::new(plain.expose().as_bytes().to_vec());
        let tag = self
            .newest
            .cipher()
            .encrypt_in_place_detached(
                XNonce::from_slice(&nonce),
                &context.bind(&header),
                &mut text,
            )
            .map_err(|_| Kind::Internal.error("the password could not be sealed"))?;
        Ok([&header, nonce.as_slice(), &text, &tag].concat())
    }

    /// Opens what was sealed with any of the keys, for the same context.
    ///
    /// # Errors
    /// `Kind::NotReady` where the envelope is damaged, belongs elsewhere, or its key is not here.
    pub fn open(&self, envelope: &[u8], context: &Context) -> Result<Secret> {
        let parts = Envelope::read(envelope).ok_or_else(|| does_not_open(DAMAGED))?;
        let key = self
            .keys()
            .find(|key| key.id() == parts.key_id)
            .ok_or_else(|| does_not_open(NO_KEY))?;
        let mut text = Zeroizing::new(parts.ciphertext.to_vec());
        key.cipher()
            .decrypt_in_place_detached(
                parts.nonce,
                &context.bind(parts.header),
                &mut text,
                parts.tag,
            )
            .map_err(|_| does_not_open(CHANGED))?;
        let text = std::str::from_utf8(&text).map_err(|_| does_not_open(DAMAGED))?;
        Ok(Secret::new(text.to_owned()))
    }

    /// Whether the newest key sealed this, so that resealing has nothing to do.
    pub fn sealed_with_first(&self, envelope: &[u8]) -> bool {
        Envelope::read(envelope).is_some_and(|parts| parts.key_id == self.newest.id())
    }
}

/// An envelope, taken apart.
struct Envelope<'a> {
    header: &'a [u8],
    key_id: &'a [u8],
    nonce: &'a XNonce,
    ciphertext: &'a [u8],
    tag: &'a Tag,
}

impl Envelope<'_> {
    /// Takes bytes apart; `None` where they are too few or of another format.
    fn read(bytes: &[u8]) -> Option<Envelope<'_>> {
        let (header, rest) = bytes.split_at_checked(HEADER_LENGTH)?;
        let (nonce, rest) = rest.split_at_checked(NONCE_LENGTH)?;
        let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_LENGTH)?)?;
        let key_id = header.strip_prefix(&[FORMAT])?;
        Some(Envelope {
            header,
            key_id,
            nonce: XNonce::from_slice(nonce),
            ciphertext,
            tag: Tag::from_slice(tag),
        })
    }
}

const DAMAGED: &str =
    "What is stored was cut short, or is of a format that this version does not know.";
const NO_KEY: &str = "The key it was sealed with is not in the file.";
const CHANGED: &str = "What is stored was changed after it was sealed, or was moved from another \
    role or another installation.";

fn does_not_open(why: &str) -> Error {
    Kind::NotReady
        .error("the key file does not open the stored password")
        .detail(why)
        .hint(
            "Put the key back into the file that credential_manager.key_file names, or rotate the \
             credential to have a new password sealed.",
        )
}

/// Seals and opens a text whose result is known (draft-irtf-cfrg-xchacha-03, A.3.1), and tries to
/// open it damaged. To be called when the library is loaded: a cipher that does nothing, or takes
/// everything, must never see a password (THREATS T55).
///
/// # Errors
/// `Kind::Internal` where anything comes out otherwise.
pub fn self_test() -> Result<()> {
    if known_answer::comes_out() {
        return Ok(());
    }
    Err(unsound())
}

/// The error of a cipher that failed its test.
pub fn unsound() -> Error {
    Kind::Internal
        .error("the cipher does not give the result it is known for")
        .detail("Passwords cannot be sealed safely with this build of the library.")
        .hint("Install the library again; do not use this one.")
}

mod known_answer;

#[cfg(test)]
mod tests;
