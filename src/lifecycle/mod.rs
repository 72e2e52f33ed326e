//! The life of a credential: created, configured, suspended, destroyed.

pub mod api;
pub mod configuration;
pub mod create;
pub mod destroy;
pub mod settings_json;
pub mod standing;
mod store;

use crate::catalog::{self, Credential, State};
use crate::core::name::{Name, Naming};
use crate::core::secret::Secret;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::call::Answer;
use crate::pg::value::{Span, Time, Type, Value};
use crate::pg::{ident, log, time};
use crate::settings;

/// The longest lease: what is meant to last longer is not a lease.
const LONGEST_LEASE: Span = Span {
    months: 1200,
    days: 0,
    micros: 0,
};

/// A new name by the naming rules in force.
pub fn new_name(raw: &str) -> Result<Name> {
    let naming = Naming::parse(&settings::naming()).unwrap_or(Naming::Heroku);
    Name::parse(raw, naming)
}

/// When a lease of this length ends, from now.
pub fn lease_end(valid_for: Span) -> Result<Time> {
    let refused = || {
        Kind::BadArgument
            .error("argument \"valid_for\" must be longer than nothing and at most 100 years")
            .hint("valid_for => '8 hours'")
    };
    // The server's calendar overflows with an error of its own, so it is asked only for what comes near.
    let length = valid_for.nominal_micros();
    if length <= 0 || length > 2 * LONGEST_LEASE.nominal_micros() {
        return Err(refused());
    }
    let now = time::now();
    let end = time::after(now, valid_for)?;
    if end <= now || end > time::after(now, LONGEST_LEASE)? {
        return Err(refused());
    }
    Ok(end)
}

/// A connection limit that ALTER ROLE takes: -1 for none, else 0 or more.
pub fn check_connection_limit(limit: Option<i32>) -> Result<()> {
    match limit {
        Some(limit) if limit < -1 => Err(Kind::BadArgument
            .error("argument \"connection_limit\" must be -1 or more")
            .detail("-1 means no limit.")),
        _ => Ok(()),
    }
}

/// The error for a name that a credential or a role bears already.
pub fn exists(what: &str, name: &str) -> Error {
    Kind::Exists
        .error(format!("{what} \"{}\" already exists", shown(name)))
        .hint("Choose another name, or see SELECT * FROM credentials.list();")
}

/// Refuses where the limit is reached. To be called under the counter's lock.
pub fn refuse_beyond_limit() -> Result<()> {
    let (count, most) = (catalog::count()?, settings::max_credentials());
    if count < most {
        return Ok(());
    }
    Err(Kind::LimitReached
        .error(format!("the limit of {most} credentials is reached"))
        .detail("credential_manager.max_credentials counts the default credential too.")
        .hint("Destroy one, or raise credential_manager.max_credentials in postgresql.conf and reload."))
}

/// Refuses a name that a credential bears, and one that differs from it in upper and lower case alone.
pub fn refuse_managed_name(name: &str) -> Result<()> {
    match catalog::find_folded(name)? {
        None => Ok(()),
        Some(managed) if managed.name == name || managed.role_name == name => {
            Err(exists("credential", name))
        }
        Some(managed) => Err(Kind::BadName
            .error(format!("name \"{}\" is not allowed", shown(name)))
            .detail(format!(
                "It differs from the managed \"{}\" only in case.",
                shown(&managed.role_name)
            ))
            .hint("Choose another name.")),
    }
}

/// Refuses a name that a credential or a role bears.
pub fn refuse_taken(name: &str) -> Result<()> {
    refuse_managed_name(name)?;
    if ident::role_oid(name).is_some() {
        return Err(exists("role", name));
    }
    Ok(())
}

/// Refuses the default credential as a target (42501).
pub fn refuse_default(credential: &Credential, verb: &str) -> Result<()> {
    if !credential.is_default() {
        return Ok(());
    }
    Err(Kind::Denied
        .error(format!("the default credential cannot be {verb}"))
        .detail("It owns the database."))
}

/// What a person needs next: where the password of a new credential can be read, and how one that was
/// made suspended is opened.
pub fn tell_next(credential: &Credential, stored: Option<i64>, shown_once: bool) {
    let name = shown(&credential.name);
    if stored.is_some() {
        log::notice(&format!(
            "read its URL with SELECT credentials.url('{name}')"
        ));
    } else if shown_once {
        log::notice("the password is shown here and nowhere else: no key file is set");
    }
    if credential.state == State::Suspended {
        log::notice(&format!(
            "open it with SELECT * FROM credentials.resume('{name}')"
        ));
    }
}

/// The row of a call that made a credential, with the password where it is shown this once.
pub fn made(credential: &Credential, password: Option<Secret>) -> Answer {
    let mut row = credential.identity(credential.state);
    row.push(password.map_or(Value::Null(Type::Text), |s| s.expose().into()));
    Answer::Rows(vec![row])
}
