//! The audit trail: one row for each call that changed something or told a secret, one line in the
//! server log for each such call, refused ones included.

pub mod api;
mod store;

use crate::error::{shown, Result};
use crate::pg::authority::{record_name, Caller};
use crate::pg::value::Time;
use crate::pg::{database, session, time, Oid};
use serde_json::Value as Json;
use std::cell::Cell;

thread_local! {
    /// Events recorded since the present call began: a call that recorded none changed nothing.
    static RECORDED: Cell<u32> = const { Cell::new(0) };
    /// Whether what is recorded now is told to those who LISTEN: all but that a secret was told.
    static NEWS: Cell<bool> = const { Cell::new(true) };
}

/// What an event is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The credential's name.
    pub name: Option<&'a str>,
    /// Its role.
    pub role: Option<Oid>,
    /// The app.
    pub app: Option<&'a str>,
}

/// Who did it.
pub enum Actor<'a> {
    /// A caller of one of our functions.
    Caller(&'a Caller),
    /// The worker, for what a job does on its own.
    Worker,
}

/// Records one event in the current transaction. `detail` must not hold a secret.
///
/// On a standby and in a read-only transaction no row can be written: a secret that is told there
/// leaves the line in the server log alone.
pub fn record(
    actor: Actor,
    action: &str,
    name: Option<&str>,
    role: Option<Oid>,
    detail: Json,
) -> Result<()> {
    let about = About {
        name,
        role,
        app: None,
    };
    record_about(actor, action, about, detail)
}

/// As [`record`], for what is about an app too.
pub fn record_about(actor: Actor, action: &str, about: About, detail: Json) -> Result<()> {
    RECORDED.set(RECORDED.get() + 1);
    if database::in_recovery() || database::transaction_is_read_only() {
        return Ok(());
    }
    let entry = match actor {
        Actor::Caller(caller) => store::Entry {
            effective: record_name(caller.effective),
            outer: record_name(caller.outer),
            session: record_name(caller.session),
            client: session::client_address(),
            application: Some(session::application_name()),
        },
        Actor::Worker => {
            let worker = record_name(crate::pg::BOOTSTRAP_SUPERUSER);
            store::Entry {
                effective: worker.clone(),
                outer: worker.clone(),
                session: worker,
                client: None,
                application: Some("credential_manager worker".to_owned()),
            }
        }
    };
    store::insert(&entry, action, about, detail, NEWS.get())
}

/// A call begins: nothing is recorded yet. That a secret was told is no news: who asks for it at every
/// notification would be told of his own asking for ever.
pub fn begin_call(tells: bool) {
    RECORDED.set(0);
    NEWS.set(!tells);
}

/// A call has ended; what this session records by itself is news again.
pub fn end_call() {
    NEWS.set(true);
}

/// Whether one of these apps has an event of a credential's name, also of one that is gone.
pub fn names(name: &str, apps: &[String]) -> Result<bool> {
    store::has(name, apps)
}

/// Tells those who LISTEN of up to `most` events that nobody was told of yet, when the transaction commits. Gives
/// how many there were.
pub fn tell_news(most: i32) -> Result<i32> {
    store::notify(most)
}

/// Whether the present call has recorded an event.
pub fn recorded() -> bool {
    RECORDED.get() > 0
}

/// How a call ended, for the log line.
pub enum Outcome<'a> {
    /// It did what it was asked.
    Done,
    /// It goes on, and how it ends is not known yet.
    LetThrough,
    /// It was refused, with the SQLSTATE.
    Refused(&'a str),
}

/// The log line of one call: all of it but how the call ended. Names are escaped; nothing else of what
/// was typed is in it.
pub struct Line {
    what: String,
    who: String,
}

impl Line {
    /// Looks up the names now: after an error of the server nothing may be looked up.
    pub fn of(caller: &Caller, function: &str, target: Option<&str>) -> Line {
        let target = target
            .map(|t| format!(" \"{}\"", shown(t)))
            .unwrap_or_default();
        Line {
            what: format!("credential_manager: {function}{target}"),
            who: format!(
                "effective role \"{}\" ({}), outer role \"{}\", session role \"{}\"",
                shown(&record_name(caller.effective)),
                caller.effective.to_u32(),
                shown(&record_name(caller.outer)),
                shown(&record_name(caller.session)),
            ),
        }
    }

    /// Writes it.
    pub fn write(&self, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Done => "done".to_owned(),
            Outcome::LetThrough => "let through".to_owned(),
            Outcome::Refused(sqlstate) => format!("refused ({sqlstate})"),
        };
        crate::pg::log::line(&format!("{}: {outcome}; {}", self.what, self.who));
    }
}

/// Deletes events older than `seconds`; tells how many.
pub fn expire(seconds: i64) -> Result<u64> {
    store::delete_older(seconds)
}

/// When the oldest event reaches `seconds` of age; at least a minute from now, so that events that come
/// in a stream go in bunches.
pub fn next_expiry(seconds: i64) -> Result<Option<Time>> {
    let soonest = time::now() + 60_000_000;
    Ok(store::oldest()?.map(|at| (at + seconds.saturating_mul(1_000_000)).max(soonest)))
}
