//! Reading the key file, and refusing one that others could have read or written.

use crate::core::cipher::Keyring;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::database;
use std::fs::{self, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// More than any key file has; a larger file is something else.
const LARGEST: u64 = 16 * 1024;

/// Opens, judges and parses the key file. What is judged is the file that was opened, so that it
/// cannot be exchanged in between.
pub(super) fn read(path: &str) -> Result<Keyring> {
    let given = Path::new(path);
    if !given.is_absolute() {
        return Err(unsafe_file(path, "The path is not absolute."));
    }
    let real = fs::canonicalize(given).map_err(|e| missing(path, &e))?;
    let data = fs::canonicalize(database::data_directory()).map_err(|e| missing(path, &e))?;
    if real.starts_with(&data) {
        return Err(unsafe_file(
            path,
            "It lies inside the data directory, so that every backup would hold the keys beside what they seal.",
        ));
    }
    // Opening a FIFO or a device must not wait for its other end, and the last step of a path that was
    // resolved is no link any more, unless somebody made it one in between.
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_NOCTTY)
        .open(&real)
        .map_err(|e| missing(path, &e))?;
    let facts = file.metadata().map_err(|e| missing(path, &e))?;
    judge(&facts, database::system_user()).map_err(|why| unsafe_file(path, why))?;
    let mut contents = Zeroizing::new(Vec::with_capacity(facts.len() as usize + 1));
    file.by_ref()
        .take(LARGEST)
        .read_to_end(&mut contents)
        .map_err(|e| missing(path, &e))?;
    Keyring::parse(&contents)
}

/// Whether a file of these facts may hold keys for a server that runs as `user`.
fn judge(facts: &Metadata, user: u32) -> std::result::Result<(), &'static str> {
    if !facts.is_file() {
        Err("It is not a regular file.")
    } else if facts.uid() != user {
        Err("It does not belong to the user that the server runs as.")
    } else if facts.nlink() != 1 {
        Err("It has a second name (a hard link), which may lie inside the data directory.")
    } else if !matches!(facts.mode() & 0o7777, 0o600 | 0o400) {
        Err("Its mode is neither 0600 nor 0400.")
    } else if facts.len() > LARGEST {
        Err("It is too large to be a key file.")
    } else {
        Ok(())
    }
}

fn missing(path: &str, error: &std::io::Error) -> Error {
    Kind::NotReady
        .error(format!("could not read the key file \"{}\"", shown(path)))
        .detail(format!("{}.", error.kind()))
        .hint("See credential_manager.key_file in postgresql.conf.")
}

fn unsafe_file(path: &str, why: &str) -> Error {
    Kind::NotReady
        .error(format!("the key file \"{}\" is not safe", shown(path)))
        .detail(why)
        .hint("Give it mode 0600, the server's user as owner, and a place outside the data directory.")
}
