//! The vault: passwords are sealed before they touch a row, with keys that the server's files do not
//! hold. A key file that is missing, open to others or wrong is a refusal, never a reason to store in clear.

pub mod api;
mod key_file;
mod store;

use crate::catalog::{self, home, Credential};
use crate::core::cipher::{self, Context, Keyring};
use crate::core::secret::Secret;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::{fault, Oid};
use std::sync::OnceLock;

/// What the cipher's test came to.
static CIPHER: OnceLock<Result<()>> = OnceLock::new();

/// Tests the cipher, once for a server: it is called when the library is loaded, and every session
/// inherits what came out. A cipher that fails is a refusal at each use of a key.
pub fn check_cipher() -> Result<()> {
    let test = || match fault::broken("cipher") {
        true => Err(cipher::unsound()),
        false => cipher::self_test(),
    };
    CIPHER.get_or_init(test).clone()
}

/// Whether passwords are stored here at all.
pub fn stores_passwords() -> bool {
    crate::settings::key_file().is_some()
}

/// The key file as it is now, where one is set; checked at every use.
pub fn keyring() -> Result<Option<Keyring>> {
    let Some(path) = crate::settings::key_file() else {
        return Ok(None);
    };
    check_cipher()?;
    key_file::read(&path).map(Some)
}

/// Refuses where a key file is set and not usable, before anything is changed.
pub fn require_usable() -> Result<()> {
    keyring().map(|_| ())
}

/// Seals a password for a role and stores it as a new row; its number, or nothing without a key file.
pub fn put(role: Oid, secret: &Secret) -> Result<Option<i64>> {
    let Some(keys) = keyring()? else {
        return Ok(None);
    };
    let id = store::next_id()?;
    let envelope = keys.seal(secret, &context(role, id)?)?;
    store::insert(id, role, envelope)?;
    Ok(Some(id))
}

/// The password in force of a credential; nothing where none is stored.
pub fn get(credential: &Credential) -> Result<Option<Secret>> {
    let Some(id) = credential.secret else {
        return Ok(None);
    };
    let keys = keyring()?.ok_or_else(not_set)?;
    let envelope = store::envelope(id, credential.role)?.ok_or_else(|| gone(credential))?;
    Ok(Some(keys.open(&envelope, &context(credential.role, id)?)?))
}

/// How the stored password of a credential stands to the keys that are there now.
pub enum Sealing {
    /// None is stored.
    Nothing,
    /// The first key sealed it.
    WithFirst(Secret),
    /// An older key did: `reseal()` is due.
    WithOlder(Secret),
    /// None of the keys opens it, or it is not there.
    Unreadable,
}

/// Looks at the stored password of a credential with keys that were read before.
pub fn sealing(credential: &Credential, keys: &Keyring) -> Result<Sealing> {
    let Some(id) = credential.secret else {
        return Ok(Sealing::Nothing);
    };
    let Some(envelope) = store::envelope(id, credential.role)? else {
        return Ok(Sealing::Unreadable);
    };
    Ok(match keys.open(&envelope, &context(credential.role, id)?) {
        Ok(secret) if keys.sealed_with_first(&envelope) => Sealing::WithFirst(secret),
        Ok(secret) => Sealing::WithOlder(secret),
        Err(_) => Sealing::Unreadable,
    })
}

/// As [`get`], with the credential as it was when that password was in force: where a new one is committed
/// between the look at the credential's row and the look at the password that it names, both are read again.
pub fn get_with(mut credential: Credential) -> Result<(Credential, Option<Secret>)> {
    loop {
        let error = match get(&credential) {
            Ok(secret) => return Ok((credential, secret)),
            Err(error) => error,
        };
        let now = catalog::reread(&credential)?;
        if now.secret == credential.secret {
            return Err(error);
        }
        credential = now;
    }
}

/// Forgets all stored passwords of a role but these.
pub fn forget_others(role: Oid, keep: &[i64]) -> Result<()> {
    store::delete_others(role, keep)
}

/// Seals a credential's passwords with the first key where they are not, that of a rotation which
/// still waits among them; tells whether there was one.
pub fn reseal(credential: &Credential) -> Result<bool> {
    let Some(keys) = keyring()? else {
        return Ok(false);
    };
    let mut resealed = false;
    for (id, envelope) in stored(credential)? {
        if !keys.sealed_with_first(&envelope) {
            let context = context(credential.role, id)?;
            let secret = keys.open(&envelope, &context)?;
            store::replace(id, keys.seal(&secret, &context)?)?;
            resealed = true;
        }
    }
    Ok(resealed)
}

/// Seals every stored password anew for this cluster: they were sealed for the one they come from.
/// To be called before the catalog is bound anew. Without a key file they stay as they are and open
/// no more, so that a copy made without the keys can be claimed, and its passwords rotated.
pub fn rebind(credentials: &[Credential], system_identifier: u64) -> Result<()> {
    for credential in credentials {
        let envelopes = stored(credential)?;
        if envelopes.is_empty() {
            continue;
        }
        let Some(keys) = keyring()? else {
            return Ok(());
        };
        for (id, envelope) in envelopes {
            let from = context(credential.role, id)?;
            let secret = keys.open(&envelope, &from)?;
            let bound = Context {
                system_identifier,
                ..from
            };
            store::replace(id, keys.seal(&secret, &bound)?)?;
        }
    }
    Ok(())
}

/// All envelopes of a credential; the one in force must be among them.
fn stored(credential: &Credential) -> Result<Vec<(i64, Vec<u8>)>> {
    let envelopes = store::envelopes(credential.role)?;
    match credential.secret {
        Some(id) if envelopes.iter().all(|(other, _)| *other != id) => Err(gone(credential)),
        _ => Ok(envelopes),
    }
}

/// The error where a password is asked for that is not stored.
pub fn not_stored(credential: &Credential) -> Error {
    Kind::NotReady
        .error(format!(
            "no password of credential \"{}\" is stored",
            shown(&credential.name)
        ))
        .hint(format!(
            "SELECT * FROM credentials.rotate('{}', force => true);",
            shown(&credential.name)
        ))
}

/// The error where something is stored and the setting was taken away.
fn not_set() -> Error {
    Kind::NotReady
        .error("the key file that sealed this password is not set")
        .detail("credential_manager.key_file is empty, and the stored password was sealed.")
        .hint("Set credential_manager.key_file in postgresql.conf and reload.")
}

/// The error where a credential names a stored password that is not there, or is another role's.
fn gone(credential: &Credential) -> Error {
    not_stored(credential).detail(
        "Its row names a stored password that is not there, or that belongs to another role: somebody changed the tables.",
    )
}

/// What a password is bound to: an envelope that is moved to another row does not open.
fn context(role: Oid, id: i64) -> Result<Context> {
    Ok(Context {
        system_identifier: home::installation()?.system_identifier,
        role_oid: role.to_u32(),
        version: id,
    })
}
