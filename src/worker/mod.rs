//! The night watch: a launcher that holds no database, and short-lived workers that do the jobs.
//!
//! 1. A function commits an order; the end of its transaction wakes the launcher.
//! 2. The launcher starts one worker in the home database, and another only when that one has ended.
//! 3. The worker takes each due job one step on, a transaction a step, until nothing is due soon.
//! 4. It tells the launcher when the next thing is due, and leaves, so that nothing holds the database.
//! 5. On a follower the launcher starts another kind of worker, which stays: it looks at what the primary
//!    has done, and hands the sessions that are to end to the launcher.
//!
//! Guarantees: at most one worker is at the jobs; every step can be run again after a crash; what is
//! shared in memory only tells when to look, the rows tell what to do.

mod doing;
mod dropping;
mod elsewhere;
mod ending;
mod following;
mod home;
mod launcher;
mod moving;
mod retiring;
mod rotating;
mod telling;

use crate::pg::log;
use crate::pg::worker::{argument_database, connect, task};
use pgrx::pg_sys::Datum;

crate::export_worker!(credential_manager_launcher, launcher_main);
crate::export_worker!(credential_manager_worker, worker_main);

fn launcher_main(_argument: Datum) {
    launcher::run();
}

fn worker_main(argument: Datum) {
    connect(argument_database(argument));
    let outcome = match task().as_str() {
        "home" => home::run(),
        "follow" => following::run(),
        other => elsewhere::run(other),
    };
    if let Err(error) = outcome {
        log::line(&format!("credential_manager: worker stopped: {error}"));
    }
}
