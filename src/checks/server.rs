//! Settings of the server, and the key file.

use super::credentials::{is_elevated, new_password};
use super::finding::{by_hand, Code, Finding};
use super::people::People;
use super::store::Setting;
use crate::core::quote::literal;
use crate::error::Error;
use crate::pg::Oid;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

/// Settings that should be otherwise.
pub fn settings(all: &[Setting]) -> Vec<Finding> {
    let value = |name: &str| {
        all.iter()
            .find(|s| s.name == name)
            .map_or("", |s| s.value.as_str())
    };
    let mut found = Vec::new();
    let mut told = |code, name: &str, sentence: &str, wanted: &str| {
        let remedy = format!(
            "ALTER SYSTEM SET {name} = {}; SELECT pg_catalog.pg_reload_conf();",
            literal(wanted)
        );
        found.push(Finding::new(
            code,
            format!("setting {name}"),
            sentence,
            remedy,
        ));
    };
    let audited = value("pgaudit.log")
        .split(',')
        .map(str::trim)
        .any(|class| class == "ddl" || class == "all");
    if value("log_statement") == "none" && !audited {
        told(
            Code::DdlNotLogged,
            "log_statement",
            "Who creates, alters and drops what is not logged.",
            "ddl",
        );
    }
    if value("password_encryption") == "md5" {
        let sentence = "Passwords that are set by hand are stored as MD5 digests, which can be used as they are.";
        told(
            Code::EncryptionMd5,
            "password_encryption",
            sentence,
            "scram-sha-256",
        );
    }
    if value("fsync") == "off" {
        let sentence = "After a crash of the machine the data is damaged, and retired passwords may be good again.";
        told(Code::FsyncOff, "fsync", sentence, "on");
    }
    found
}

/// Where a finding about keys came from: what reading the file and opening what is stored came to.
pub struct Keys {
    /// The path of the file, where one is set.
    pub path: Option<String>,
    /// Why it cannot be used.
    pub trouble: Option<Error>,
    /// How many passwords are stored.
    pub stored: usize,
    /// Credentials whose stored password no key opens.
    pub unreadable: Vec<Oid>,
    /// Credentials whose stored password is not sealed with the first key.
    pub older: Vec<Oid>,
}

/// What is the matter with the key file and what was sealed with it. `owner` is the user that the server
/// runs as.
pub fn keys(people: &People, keys: &Keys, owner: u32) -> Vec<Finding> {
    let Some(path) = &keys.path else {
        return not_set(keys.stored);
    };
    let object = format!("key file {path}");
    if let Some(trouble) = &keys.trouble {
        let why = trouble.detail_text().unwrap_or_default();
        let sentence = format!("{trouble}: {why} No password is stored or told.");
        return vec![Finding::new(
            Code::KeyFileUnusable,
            object,
            sentence,
            cure(path, trouble, owner),
        )];
    }
    if keys.unreadable.len() > 1 && keys.unreadable.len() == keys.stored {
        let sentence = format!(
            "It opens none of the {} stored passwords: it is not the file that sealed them.",
            keys.stored
        );
        let hand = format!("Put the key file that is in use on the other nodes, or was here before, in the place of {path}.");
        return vec![Finding::new(
            Code::KeyFileOther,
            object,
            sentence,
            by_hand(&hand),
        )];
    }
    let mut found = Vec::new();
    for credential in &people.credentials {
        let object = format!("credential {}", credential.name);
        if keys.unreadable.contains(&credential.role) {
            let sentence = "The key file does not open its stored password.";
            let remedy = new_password(credential, is_elevated(people, credential));
            found.push(Finding::new(
                Code::PasswordUnreadable,
                object,
                sentence,
                remedy,
            ));
        } else if keys.older.contains(&credential.role) {
            let sentence = "Its stored password is sealed with an older key of the key file.";
            found.push(Finding::new(
                Code::PasswordOldKey,
                object,
                sentence,
                "SELECT * FROM credentials.reseal();",
            ));
        }
    }
    found
}

fn not_set(stored: usize) -> Vec<Finding> {
    if stored == 0 {
        return Vec::new();
    }
    let sentence = format!("{stored} stored passwords were sealed with a key file, and none is set: nobody can be told them.");
    let hand = "In postgresql.conf set credential_manager.key_file to the file that sealed them.";
    let remedy = format!("{}SELECT pg_catalog.pg_reload_conf();", by_hand(hand));
    vec![Finding::new(
        Code::KeyFileUnset,
        "setting credential_manager.key_file",
        sentence,
        remedy,
    )]
}

/// What a person with a shell on the server does about the file. It is looked at once more only to find the
/// words.
fn cure(path: &str, trouble: &Error, owner: u32) -> String {
    let quoted = format!("'{}'", path.replace('\'', "'\\''"));
    match fs::metadata(path) {
        Ok(facts) if facts.is_file() && facts.uid() != owner => {
            by_hand(&format!("In a shell on the server: chown {owner} {quoted} && chmod 0600 {quoted}"))
        }
        Ok(facts) if facts.is_file() && !matches!(facts.permissions().mode() & 0o7777, 0o600 | 0o400) => {
            by_hand(&format!("In a shell on the server: chmod 0600 {quoted}"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => by_hand(&format!(
            "In a shell on the server, put the file of another node or of the backup there, as user {owner} with mode 0600: {quoted}"
        )),
        _ => by_hand(trouble.hint_text().unwrap_or_default()),
    }
}
