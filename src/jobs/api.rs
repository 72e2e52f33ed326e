//! `jobs()`, `wait()` and `cancel_job()`.

use super::{close, find, live_for, store, Ended, Job, Kind, Stage};
use crate::access::{self, Act};
use crate::catalog::{self, twin, Credential, Phase, State};
use crate::error::{shown, Error, Kind as Failure, Result};
use crate::events::{self, Actor};
use crate::pg::call::{Answer, Call};
use crate::pg::value::{Type, Value};
use crate::pg::{lock, session, time, worker, xact, Oid};
use serde_json::json;

/// `credentials.jobs()`.
pub fn jobs(_call: &Call) -> Result<Answer> {
    Ok(Answer::Rows(store::report()?))
}

/// `credentials.wait(name, timeout)`.
pub fn wait(call: &Call) -> Result<Answer> {
    let name = call.maybe_text("name")?;
    let timeout = call.span("timeout")?.nominal_micros();
    if timeout < 0 {
        return Err(Failure::BadArgument
            .error("argument \"timeout\" must not be negative")
            .hint("SELECT * FROM credentials.wait('analyst', timeout => '1 min');"));
    }
    if xact::has_work() {
        return Err(Failure::ActiveTransaction
            .error("the work to wait for starts when this transaction commits")
            .hint("COMMIT, then call wait."));
    }
    let Some(subject) = subject(name.as_deref())? else {
        return answer(name.as_deref(), "destroyed");
    };
    let deadline = i128::from(time::now()) + timeout;
    loop {
        let jobs: Vec<Job> = live_for(subject)?
            .into_iter()
            .filter(|job| job.state != super::State::Blocked || subject.is_some())
            // The linger is nothing to wait for, nor are those who still use the twin's name then.
            .filter(|job| job.kind != Kind::Retire)
            .collect();
        if jobs.is_empty() {
            return ended(name.as_deref(), subject);
        }
        refuse_own_end(&jobs)?;
        if i128::from(time::now()) >= deadline {
            return Err(time_is_up(&jobs));
        }
        worker::nap(20);
    }
}

/// The role to wait for: `Some(None)` for all of them, nothing where the credential is destroyed.
fn subject(name: Option<&str>) -> Result<Option<Option<Oid>>> {
    let Some(name) = name else {
        return Ok(Some(None));
    };
    match catalog::target(name) {
        Ok(credential) => Ok(Some(Some(credential.role))),
        Err(_) if store::was_destroyed(name)? => Ok(None),
        Err(unknown) => Err(unknown),
    }
}

fn ended(name: Option<&str>, subject: Option<Oid>) -> Result<Answer> {
    let Some(role) = subject else {
        return answer(None, "done");
    };
    match catalog::by_role(role)? {
        Some(credential) => answer(
            Some(&credential.name),
            crate::access::seen_state(&credential)?.as_str(),
        ),
        None => answer(name, "destroyed"),
    }
}

fn answer(name: Option<&str>, state: &str) -> Result<Answer> {
    let name = name.map_or(Value::Null(Type::Text), Value::from);
    Ok(Answer::Rows(vec![vec![name, state.into()]]))
}

/// The error where waiting would end with the caller's own session.
fn refuse_own_end(jobs: &[Job]) -> Result<()> {
    let own = session::by_pid(session::own_pid());
    let doomed = jobs.iter().any(|job| {
        !matches!(job.kind, Kind::Repair | Kind::Move)
            && own.is_some_and(|s| {
                s.role == job.role && job.cutover.is_none_or(|before| s.started <= before)
            })
    });
    let doomed = doomed || is_of_old_twin(jobs, own)?;
    if doomed {
        return Err(Failure::InUse
            .error("this session is one that the work will end")
            .hint("Wait from a session of another role."));
    }
    Ok(())
}

/// Whether a session is of a twin whose sessions end with one of the jobs.
fn is_of_old_twin(jobs: &[Job], own: Option<session::Session>) -> Result<bool> {
    let Some(own) = own else { return Ok(false) };
    for job in jobs {
        if let Some(twin) = twin::of(job.role)?.filter(|t| t.role == own.role) {
            return Ok(twin.phase == Phase::Ended || twin.is_older(own.started));
        }
    }
    Ok(false)
}

fn time_is_up(jobs: &[Job]) -> Error {
    let waiting: Vec<String> = jobs
        .iter()
        .take(5)
        .map(|job| {
            format!(
                "{} of \"{}\" is {} ({})",
                job.kind.as_str(),
                shown(&job.name),
                job.state.as_str(),
                job.stage.as_str()
            )
        })
        .collect();
    Failure::Timeout
        .error("time is up and the work goes on")
        .detail(format!("{}.", waiting.join("; ")))
        .hint("SELECT * FROM credentials.jobs();")
}

/// `credentials.cancel_job(job)`.
pub fn cancel_job(call: &Call) -> Result<Answer> {
    let id = call.int8("job")?;
    let job = find(id)?.filter(|j| !j.state.is_over()).ok_or_else(|| {
        Failure::NotFound
            .error(format!("job {id} does not exist or is over"))
            .hint("SELECT * FROM credentials.jobs();")
    })?;
    if !matches!(job.kind, Kind::Destroy | Kind::Repair | Kind::Move) {
        return Err(Failure::BadArgument
            .error(format!(
                "a job of kind {} cannot be cancelled",
                job.kind.as_str()
            ))
            .detail("Only destroy, repair and move can; a rotation can be forced.")
            .hint(format!(
                "SELECT * FROM credentials.rotate('{}', force => true);",
                shown(&job.name)
            )));
    }
    if let Some(credential) = catalog::by_role(job.role)?.filter(Credential::is_bound) {
        access::check(&call.caller, &credential, Act::Retire)?;
    }
    lock::credential(job.role)?;
    let job = find(id)?
        .filter(|j| !j.state.is_over())
        .ok_or_else(|| Failure::NotFound.error(format!("job {id} is over")))?;
    close(id, Ended::Cancelled, None)?;
    if job.kind == Kind::Destroy && job.stage != Stage::Apply {
        catalog::set_state(job.role, State::Suspended)?;
    }
    let (name, role) = (Some(job.name.as_str()), Some(job.role));
    events::record(
        Actor::Caller(&call.caller),
        "cancel_job",
        name,
        role,
        json!({"job": id}),
    )?;
    Ok(Answer::Rows(vec![vec![
        id.into(),
        super::State::Cancelled.as_str().into(),
    ]]))
}
