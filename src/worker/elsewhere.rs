//! Errands: work in other databases, each by a worker of its own, since a worker has one database.

use super::doing::{act, may_move, roll_back as roll_back_here, still_wanted};
use super::moving::{self, between, done_before, Moved, Visit};
use super::telling;
use crate::error::{Kind as Failure, Result};
use crate::jobs::Job;
use crate::ownership::Scope;
use crate::pg::errand::{self, Progress, Report};
use crate::pg::worker::{self, Run};
use crate::pg::{database, ident, prepared, shmem, time, Oid};

/// Pause between looks at an errand, in milliseconds.
const LOOK: i64 = 20;

/// Sends a worker to another database, which moves what the scope's role owns there, and with
/// [`Visit::Clear`] clears its rights.
pub(super) fn visit(
    job: &Job,
    database: Oid,
    name: &str,
    scope: &Scope,
    visit: Visit,
) -> Result<Moved> {
    let Scope::Role { from, to, alike } = scope else {
        return Ok(Moved::Over);
    };
    let task = format!(
        "{} {} {} {}",
        if visit == Visit::Clear {
            "clear"
        } else {
            "move"
        },
        from.to_u32(),
        to.to_u32(),
        u8::from(*alike)
    );
    match send(job, database, name, &task, may_move)? {
        Sent::NoWorker => {
            let why = "no background worker is free (max_worker_processes)";
            return Ok(Moved::Busy(why.to_owned()));
        }
        Sent::Overtaken => {
            let why = format!("database {name}: something urgent came in between");
            return Ok(Moved::Busy(why));
        }
        Sent::Ended => {}
    }
    if !act(|| may_move(job))? {
        return Ok(Moved::Over);
    }
    Ok(match errand::outcome() {
        (Report::Done, _) => Moved::All,
        (Report::Busy, what) => Moved::Busy(format!("database {name}: {what}")),
        (Report::Blocked, what) => Moved::Blocked(format!("database {name}: {what}")),
        (Report::Nothing, _) => Moved::Blocked(format!(
            "the worker in database {name} came to grief, see the server log"
        )),
    })
}

/// Sends a worker to another database, which rolls back what is prepared there and holds the role.
pub(super) fn roll_back(job: &Job, role: Oid, database: Oid, all: bool) -> Result<()> {
    let which = if all { "all" } else { "holding" };
    send(
        job,
        database,
        "",
        &format!("rollback {} {which}", role.to_u32()),
        still_wanted,
    )?;
    Ok(())
}

/// How an errand went.
enum Sent {
    /// Nobody could be sent.
    NoWorker,
    /// It is over, and has said what it came to.
    Ended,
    /// A more urgent one was sent while it was out, which ended it.
    Overtaken,
}

/// Sends a worker on an errand and waits for its end, writing down what it tells. A job that is no longer `wanted` calls it off, and other jobs go on.
fn send(
    job: &Job,
    database: Oid,
    name: &str,
    task: &str,
    wanted: fn(&Job) -> Result<bool>,
) -> Result<Sent> {
    let before = act(|| done_before(job))?;
    let number = errand::begin();
    let Some(started) = worker::start(database, &format!("{task} {number}")) else {
        return Ok(Sent::NoWorker);
    };
    let mut last = time::now();
    let mut known = Progress::default();
    loop {
        // Asked before the last look, so that nothing is missed that was told before the end.
        let ended = started.run() == Run::Ended;
        if !errand::is_latest(number) {
            // Its worker sees that too, and stops; what is shared is the other one's.
            if ended {
                shmem::besiege(0);
                return Ok(Sent::Overtaken);
            }
            worker::nap(LOOK);
            continue;
        }
        let (lines, progress) = errand::look();
        if !lines.is_empty() || progress != known {
            let goes_on = act(|| {
                let told = lines.iter().filter_map(|l| serde_json::from_str(l).ok());
                telling::report(job, told)?;
                if !ended && !name.is_empty() {
                    telling::note_progress(job, name, before, &progress)?;
                }
                wanted(job)
            })?;
            known = progress;
            if !goes_on {
                errand::call_off();
            }
        }
        if ended {
            // It may have been ended while it laid siege.
            shmem::besiege(0);
            return Ok(Sent::Ended);
        }
        if between(job, &mut last) && !act(|| wanted(job))? {
            errand::call_off();
        }
        worker::nap(LOOK);
    }
}

/// The other side: a worker in another database does its errand.
pub(super) fn run(task: &str) -> Result<()> {
    act(|| worker::harden(crate::settings::lock_timeout()))?;
    let words: Vec<&str> = task.split(' ').collect();
    match words.as_slice() {
        [what @ ("clear" | "move"), role, heir, alike, number] => {
            let number = parse(number)?;
            let scope = Scope::Role {
                from: Oid::from(parse(role)?),
                to: Oid::from(parse(heir)?),
                alike: *alike == "1",
            };
            let visit = match *what {
                "clear" => Visit::Clear,
                _ => Visit::Move,
            };
            let moved = moving::here(&scope, visit, number);
            let (report, what) = match moved? {
                Moved::All => (Report::Done, String::new()),
                Moved::Busy(what) => (Report::Busy, what),
                Moved::Blocked(what) => (Report::Blocked, what),
                Moved::Over => (Report::Nothing, String::new()),
            };
            errand::report(number, report, &what);
            Ok(())
        }
        ["rollback", role, which, _] => {
            let (role, all) = (Oid::from(parse(role)?), *which == "all");
            let here = act(|| Ok(ident::database_name(database::current()).unwrap_or_default()))?;
            for found in act(|| prepared::holding(role, all))? {
                if found.database == here && !found.by_superuser {
                    roll_back_here(&found.gid)?;
                }
            }
            Ok(())
        }
        _ => Err(Failure::Internal.error("a worker with an unknown errand")),
    }
}

fn parse(word: &str) -> Result<u32> {
    word.parse()
        .map_err(|_| Failure::Internal.error("an errand without its numbers"))
}
