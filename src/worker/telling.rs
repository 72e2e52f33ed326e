//! What the worker tells of a move: progress and waiting in the job's row, and an event for all that was
//! moved with a loss, stays, or went with its role.

use crate::error::{shown, Result};
use crate::events::{self, Actor};
use crate::jobs::{self, Job, Kind, State};
use crate::ownership::{BatchOutcome, Item, Pass};
use crate::pg::errand::{self, Progress};
use crate::pg::{database, ident, log, time, worker};
use serde_json::{json, Value};

/// Reports that one event holds at most.
const TOLD: usize = 50;
/// Names that a message holds at most.
const NAMED: usize = 3;

/// Who is told of a move.
pub(super) enum Audience<'a> {
    /// The job's row and the events, which are in this database.
    Home {
        /// The job.
        job: &'a Job,
        /// What it had done before this pass.
        before: i64,
    },
    /// The worker at home, who sent this one on an errand.
    Sender(u32),
}

impl Audience<'_> {
    /// Whether the move is still wanted. In a transaction.
    pub fn wants(&self) -> Result<bool> {
        match self {
            Audience::Home { job, .. } => super::doing::may_move(job),
            Audience::Sender(errand) => Ok(errand::is_wanted(*errand)),
        }
    }

    /// What has to commit with a batch.
    pub fn note(&self, batch: &BatchOutcome, pass: &Pass) -> Result<()> {
        match self {
            Audience::Home { job, before } => {
                let here = ident::database_name(database::current()).unwrap_or_default();
                note_progress(job, &here, *before, &progress(batch, pass))?;
                report(job, batch.notes.iter().map(as_json))
            }
            Audience::Sender(_) => {
                // The line in the log is there even if the server falls before the sender has read.
                for item in &batch.notes {
                    log::line(&format!("credential_manager: {}", as_json(item)));
                }
                Ok(())
            }
        }
    }

    /// What is told when a batch has committed.
    pub fn tell(&self, batch: &BatchOutcome, pass: &Pass) {
        if let Audience::Sender(errand) = self {
            tell_sender(*errand, &batch.notes);
            errand::set_progress(*errand, &progress(batch, pass));
        }
    }
}

/// Hands items over to the worker at home, who reads every few milliseconds.
pub(super) fn tell_sender(errand: u32, items: &[Item]) {
    for item in items {
        let line = as_json(item).to_string();
        while !errand::tell(errand, &line) {
            worker::nap(10);
        }
    }
}

fn progress(batch: &BatchOutcome, pass: &Pass) -> Progress {
    Progress {
        done: pass.done(),
        total: pass.total(),
        waits_for: if batch.pause_ms > 0 {
            in_use(batch)
        } else {
            String::new()
        },
    }
}

/// "2 objects are in use: table a.b, view c.d".
pub(super) fn in_use(batch: &BatchOutcome) -> String {
    let names = batch.busy_first.join(", ");
    match batch.busy {
        1 => format!("in use: {names}"),
        n => format!("{n} objects are in use: {names}"),
    }
}

/// Writes how far a job is, and what it waits for.
pub(super) fn note_progress(
    job: &Job,
    database: &str,
    before: i64,
    progress: &Progress,
) -> Result<()> {
    let number = |n: u64| before.saturating_add(i64::try_from(n).unwrap_or(i64::MAX));
    jobs::set_progress(
        job.id,
        database,
        number(progress.done),
        number(progress.total),
    )?;
    if progress.waits_for.is_empty() {
        return Ok(());
    }
    jobs::due_again(job.id, State::Waiting, time::now(), &progress.waits_for)
}

/// An item as an event holds it.
pub(super) fn as_json(item: &Item) -> Value {
    json!({"database": item.database, "kind": item.kind, "object": item.object,
           "action": item.action.as_str(), "note": item.note})
}

/// What was neutralised, skipped, put back or went with the role is in events, all of it.
pub(super) fn report(job: &Job, told: impl Iterator<Item = Value>) -> Result<()> {
    let told: Vec<Value> = told.collect();
    let action = match job.kind {
        Kind::Repair => "repair_default",
        Kind::Move => "grant",
        other => other.as_str(),
    };
    for objects in told.chunks(TOLD) {
        let detail = json!({"job": job.id, "objects": objects, "count": objects.len()});
        let (name, role) = (Some(job.name.as_str()), Some(job.role));
        events::record(Actor::Worker, action, name, role, detail)?;
    }
    Ok(())
}

/// "foreign-data wrapper w, publication p and 3 more: only a superuser may own it".
pub(super) fn blocked(items: &[Item]) -> String {
    let first: Vec<String> = items
        .iter()
        .take(NAMED)
        .map(|i| format!("{} {}", i.kind, shown(&i.object)))
        .collect();
    let more = match items.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let why = items.first().map_or("", |i| i.note.as_str());
    format!("{}{more}: {why}", first.join(", "))
}
