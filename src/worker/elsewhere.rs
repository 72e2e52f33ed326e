//! Work in other databases: a worker of its own for each, which reports through shared memory, since
//! our tables are at home.

use super::doing::{act, roll_back as roll_back_here};
use super::home;
use super::moving::{self, Moved};
use crate::error::{Kind as Failure, Result};
use crate::jobs::Job;
use crate::pg::report::{self, Report};
use crate::pg::shmem;
use crate::pg::worker::{self, Run};
use crate::pg::{database, ident, prepared, time, Oid};

/// Starts a worker in another database, which moves what the role owns there and clears its rights.
pub(super) fn clear(job: &Job, database: Oid, name: &str, heir: Oid) -> Result<Moved> {
    let task = format!("clear {} {}", job.role.to_u32(), heir.to_u32());
    report::clear_report();
    Ok(match run_there(database, &task, Some(job))? {
        Some((Report::Done, _)) => Moved::All,
        Some((Report::Busy, what)) => Moved::Busy(format!("database {name}: {what}")),
        Some((Report::Blocked, what)) => Moved::Blocked(format!("database {name}: {what}")),
        Some((Report::Nothing, _)) => Moved::Blocked(format!(
            "the worker in database {name} came to grief, see the server log"
        )),
        None => Moved::Busy("no background worker is free (max_worker_processes)".to_owned()),
    })
}

/// Starts a worker in another database, which rolls back what is prepared there and holds the role.
pub(super) fn roll_back(database: Oid, role: Oid, all: bool) -> Result<()> {
    let which = if all { "all" } else { "holding" };
    let task = format!("rollback {} {which}", role.to_u32());
    run_there(database, &task, None)?;
    Ok(())
}

/// Runs a task in another database and waits for its end; nothing where no worker was free. What cannot
/// wait for the end of a long job is done meanwhile.
fn run_there(database: Oid, task: &str, long: Option<&Job>) -> Result<Option<(Report, String)>> {
    let mut last = time::now();
    let Some(started) = worker::start(database, task) else {
        return Ok(None);
    };
    while started.run() == Run::Running {
        worker::nap(20);
        if let Some(job) = long.filter(|_| time::now() - last > home::BETWEEN) {
            home::urgent(job);
            last = time::now();
        }
    }
    // It may have been ended while it laid siege.
    shmem::besiege(0);
    Ok(Some(report::report()))
}

/// The other side: a worker in another database does its task.
pub(super) fn run(task: &str) -> Result<()> {
    act(|| worker::harden(crate::settings::lock_timeout()))?;
    let words: Vec<&str> = task.split(' ').collect();
    match words.as_slice() {
        ["clear", role, heir] => {
            let (report, what) = match moving::clear_here(number(role)?, number(heir)?)? {
                Moved::All => (Report::Done, String::new()),
                Moved::Busy(what) => (Report::Busy, what),
                Moved::Blocked(what) => (Report::Blocked, what),
            };
            report::set_report(report, &what);
            Ok(())
        }
        ["rollback", role, which] => {
            let (role, all) = (number(role)?, *which == "all");
            let here = act(|| Ok(ident::database_name(database::current()).unwrap_or_default()))?;
            for found in act(|| prepared::holding(role, all))? {
                if found.database == here && !found.by_superuser {
                    roll_back_here(&found.gid)?;
                }
            }
            Ok(())
        }
        _ => Err(Failure::Internal.error("a worker with an unknown task")),
    }
}

fn number(word: &str) -> Result<Oid> {
    word.parse::<u32>()
        .map(Oid::from)
        .map_err(|_| Failure::Internal.error("a worker's task without a role"))
}
