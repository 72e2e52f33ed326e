//! The worker in the home database: what is due, job by job, until nothing is due soon.

use super::{doing, following, retiring};
use crate::catalog::{self, home as binding, State};
use crate::collaborators;
use crate::error::{Kind as Failure, Result};
use crate::events::{self, Actor};
use crate::flat;
use crate::jobs::{self, Job, Kind, Order, Stage};
use crate::permissions::group;
use crate::pg::value::Time;
use crate::pg::worker::{self, transaction};
use crate::pg::{
    fault, follow, ident, lock, log, logins, pairs, session, shmem, sweeps, time, watched, Oid,
    BOOTSTRAP_SUPERUSER,
};
use crate::settings;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is due within this is waited for, in microseconds, instead of leaving and coming back.
const SOON: Time = 500_000;
/// Pause after a pass that failed, in microseconds.
const BACK_OFF: Time = 10_000_000;

/// How often a long job lets through what cannot wait, in microseconds.
pub(super) const BETWEEN: Time = 200_000;
/// Pause where another worker is at the jobs, in microseconds.
const ANOTHER: Time = 1_000_000;

/// Events that one transaction tells of.
const AT_ONCE: i32 = 1_000;

/// Does all that is due.
pub(super) fn run() -> Result<()> {
    if !is_alone() {
        shmem::set_next_due(Some(time::now() + ANOTHER));
        return Ok(());
    }
    loop {
        worker::reload_if_asked();
        let Some(due) = pass()? else {
            shmem::set_next_due(None);
            return Ok(());
        };
        let wait = due - time::now();
        if wait > SOON {
            shmem::set_next_due(Some(due));
            return Ok(());
        }
        worker::nap((wait / 1_000).clamp(1, SOON / 1_000));
    }
}

/// Becomes the one worker that is at the jobs, unless another is: one that a launcher before this one
/// started.
fn is_alone() -> bool {
    let own = session::own_pid();
    let sessions = session::all();
    let former = shmem::worker();
    let found = |s: &&session::Session| (s.pid, s.started) == former && s.pid != own;
    if sessions.iter().find(found).is_some() {
        return false;
    }
    let started = sessions
        .iter()
        .find(|s| s.pid == own)
        .map_or(0, |s| s.started);
    shmem::set_worker((own, started));
    true
}

/// One pass over all that is due; tells when the next thing is.
fn pass() -> Result<Option<Time>> {
    if follow::is_promoted() && !take_over()? {
        return Ok(Some(time::now() + ANOTHER));
    }
    let changes = pairs::changes();
    let prepared = in_transaction("look", || {
        worker::harden(settings::lock_timeout())?;
        if !ready()? {
            pairs::replace(changes, &[]);
            watched::replace(&[], &[]);
            return Ok(None);
        }
        jobs::notice_clock(time::now())?;
        catalog::twin::notice_clock(time::now())?;
        let twins = catalog::twin::all()?;
        let twins: Vec<_> = twins.iter().map(|t| (t.base, t.role)).collect();
        pairs::replace(changes, &twins);
        flat::watch()?;
        if sweeps::take_swept() {
            jobs::sweep_now()?;
        }
        order_expiries()?;
        retiring::order_retirements()?;
        note_logins()?;
        expire_rows()?;
        Ok(Some(jobs::all_due()?))
    });
    let due = match prepared {
        Some(Some(due)) => due,
        Some(None) => return Ok(None),
        None => return Ok(Some(time::now() + BACK_OFF)),
    };
    tell_news();
    for job in due {
        doing::step(&job);
    }
    let next = in_transaction("plan", next_due).unwrap_or(Some(time::now() + BACK_OFF));
    Ok([next, tell_news()].into_iter().flatten().min())
}

/// Tells those who LISTEN of the events that were recorded since; when it is to be tried again where not all
/// were told: a full queue of notifications stops nothing else.
fn tell_news() -> Option<Time> {
    let told = in_transaction("notify", || {
        let told = events::tell_news(AT_ONCE)?;
        if told > 0 {
            fault::point("notify");
        }
        match fault::broken("notifications") {
            true => Err(Failure::Internal.error("too many notifications in the NOTIFY queue")),
            false => Ok(told),
        }
    });
    match told {
        Some(told) if told < AT_ONCE => None,
        Some(_) => Some(time::now()),
        None => Some(time::now() + BACK_OFF),
    }
}

/// After a promotion, before anything else: whoever holds a row that is to change is ended, or a promotion
/// could be held up with all jobs. Tells whether it is done.
fn take_over() -> Result<bool> {
    let done = doing::besieged(|| {
        let ours = ready()?;
        if ours {
            following::take_over()?;
        }
        Ok(ours)
    })?;
    // Where nothing is ours there is nothing to hold up; it may become ours (`claim`), and then this comes first.
    if done == Some(true) {
        follow::set_promoted(false);
    }
    Ok(done.is_some())
}

/// Whether a job is stepped between two batches of another one.
static IN_BETWEEN: AtomicBool = AtomicBool::new(false);

/// Whether this is such a step: what takes its time is left to a pass of its own.
pub(super) fn is_in_between() -> bool {
    IN_BETWEEN.load(Ordering::Relaxed)
}

/// What cannot wait for the end of `long`, which takes its time: roles are closed, passwords replaced and
/// sessions ended between two of its batches.
pub(super) fn urgent(long: &Job) {
    if IN_BETWEEN.swap(true, Ordering::Relaxed) {
        return;
    }
    step_urgent(long);
    IN_BETWEEN.store(false, Ordering::Relaxed);
}

fn step_urgent(long: &Job) {
    tell_news();
    let due = in_transaction("look", || {
        order_expiries()?;
        jobs::all_due()
    });
    for job in due.into_iter().flatten() {
        let short = matches!(
            job.stage,
            Stage::Drain | Stage::Apply | Stage::EndSessions | Stage::Sweep
        );
        if short && job.id != long.id {
            doing::step(&job);
        }
    }
}

/// Runs one transaction; trouble is logged and gives nothing.
pub(super) fn in_transaction<T>(what: &str, act: impl FnOnce() -> Result<T>) -> Option<T> {
    let trouble = match transaction(act) {
        Ok(Ok(value)) => return Some(value),
        Ok(Err(error)) => error.to_string(),
        Err(caught) => format!(
            "SQLSTATE {}: {}",
            caught.sqlstate,
            crate::error::shown(&caught.message)
        ),
    };
    log::line(&format!("credential_manager: worker, {what}: {trouble}"));
    None
}

/// Whether there is anything of ours here, bound to this cluster. After pg_upgrade the rows are bound
/// anew, since everything in them still holds.
fn ready() -> Result<bool> {
    if ident::own_relation("installation").is_none() {
        return Ok(false);
    }
    match binding::standing()? {
        binding::Standing::Ours => Ok(true),
        binding::Standing::Foreign => Ok(false),
        binding::Standing::Upgraded => {
            let all = catalog::all()?;
            crate::vault::rebind(&all, crate::pg::database::system_identifier())?;
            group::rebind()?;
            collaborators::rebind()?;
            crate::tenants::rebind()?;
            binding::bind()?;
            events::record(
                Actor::Worker,
                "claim",
                None,
                None,
                json!({"reason": "pg_upgrade"}),
            )?;
            Ok(true)
        }
    }
}

/// Leases that have ended become jobs.
fn order_expiries() -> Result<()> {
    let now = time::now();
    let default = match catalog::default_credential() {
        Ok(default) => default,
        Err(_) => return Ok(()),
    };
    for credential in catalog::all()? {
        let ended = credential.lease_until.is_some_and(|until| until <= now);
        if !ended || credential.state == State::Destroying || !credential.is_bound() {
            continue;
        }
        if jobs::live_for(Some(credential.role))?
            .iter()
            .any(|j| j.kind.drops_role())
        {
            continue;
        }
        let mut order = Order::new(
            Kind::Expire,
            credential.role,
            &credential.name,
            Stage::Apply,
        );
        order.reassign_to = Some(default.role);
        order.place(BOOTSTRAP_SUPERUSER)?;
    }
    Ok(())
}

/// Logins that can be seen now, and those that were noted as their sessions ended, go into the rows.
fn note_logins() -> Result<()> {
    let mut seen = logins::take();
    let live = session::all().into_iter().filter(|s| s.client);
    seen.extend(live.map(|s| (s.role, s.started)));
    let twins = catalog::twin::all()?;
    for credential in catalog::all()? {
        let twin = twins.iter().find(|t| t.base == credential.role);
        let is_own = |role: Oid| role == credential.role || twin.is_some_and(|t| t.role == role);
        let own = seen.iter().filter(|(role, _)| is_own(*role));
        let latest = own.map(|(_, at)| *at).max();
        let Some(at) = latest.filter(|at| credential.last_login_at < Some(*at)) else {
            continue;
        };
        // Whoever is at the credential would find its row changed under it; then it is noted with the next.
        if lock::try_credential(credential.role)? {
            catalog::set_last_login(credential.role, at)?;
        } else {
            shmem::note_login(credential.role, at);
        }
    }
    Ok(())
}

/// Rows that have had their time go: events past the retention, jobs that ended long ago.
fn expire_rows() -> Result<()> {
    if let Some(seconds) = settings::event_retention() {
        events::expire(seconds)?;
    }
    jobs::forget_old()?;
    Ok(())
}

/// When this worker, or the next, has something to do.
fn next_due() -> Result<Option<Time>> {
    let jobs = jobs::next_due()?;
    let events = match settings::event_retention() {
        Some(seconds) => events::next_expiry(seconds)?,
        None => None,
    };
    let twins = retiring::next_due(time::now())?;
    Ok([jobs, events, twins].into_iter().flatten().min())
}
