//! The worker of a follower: the primary has replaced a password or closed a role, and cannot end the
//! sessions here. It looks again and again at what was replayed, and writes nothing but memory.

use crate::catalog::{self, home as binding, Followed, Phase, State};
use crate::error::{shown, Result};
use crate::jobs;
use crate::pg::follow::{self, Known, Start};
use crate::pg::value::Time;
use crate::pg::{database, ident, log, replication, session, shmem, sweeps, time, worker, Oid};
use crate::settings;
use std::collections::{HashMap, HashSet};

/// Pause between two looks while something is replayed, in milliseconds. Sessions of the new password that
/// begin between the cut-over and the look that sees it end with the old ones, since nothing tells them apart.
const LOOK: i64 = 100;
/// A look is due after this even where nothing was replayed, in microseconds.
const AT_LEAST: Time = 1_000_000;
/// So many times as long as a look took, none follows: a tenth of one processor is enough for all this.
const SPARING: i64 = 10;
/// The longest pause after looks that failed, in milliseconds.
const LONGEST_PAUSE: i64 = 10_000;
/// So many looks in a row may fail before the log says so: the primary's vacuum or DDL fails one now and then.
const PATIENCE: u32 = 3;

/// Looks until the server is promoted, the home database is another one, or the launcher that started this
/// worker is gone.
pub(super) fn run() -> Result<()> {
    let launcher = shmem::launcher();
    let (mut failures, mut seen, mut looked) = (0, 0, 0);
    let mut told = String::new();
    loop {
        worker::reload_if_asked();
        if !database::in_recovery() || shmem::launcher() != launcher {
            return Ok(());
        }
        // Asked before the look: what is replayed during it is new to the next one.
        let (now, replayed) = (time::now(), replication::replayed());
        if replayed == seen && now < looked + AT_LEAST {
            worker::nap(LOOK);
            continue;
        }
        let trouble = match worker::transaction(look) {
            Ok(Ok(Home::Elsewhere)) => return Ok(()),
            Ok(Ok(Home::Here)) => {
                (failures, seen, looked) = (0, replayed, now);
                told.clear();
                let took = (time::now() - now) / 1_000;
                worker::nap(LOOK.max(took * SPARING));
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(caught) => format!("SQLSTATE {}: {}", caught.sqlstate, shown(&caught.message)),
        };
        failures += 1;
        if failures >= PATIENCE && told != trouble {
            log::line(&format!("credential_manager: follower: {trouble}"));
            told = trouble;
        }
        worker::nap((LOOK << failures.min(10)).min(LONGEST_PAUSE));
    }
}

/// Whether this is the home database still.
enum Home {
    Here,
    Elsewhere,
}

/// One look, in a short transaction that takes no lock but for reading.
fn look() -> Result<Home> {
    worker::harden(settings::lock_timeout())?;
    let here = ident::database_name(database::current());
    if settings::database() != here {
        return Ok(Home::Elsewhere);
    }
    if ident::own_relation("installation").is_none()
        || binding::standing()? != binding::Standing::Ours
    {
        return Ok(Home::Here);
    }
    let seen = catalog::followed()?;
    notice(&seen)?;
    Ok(Home::Here)
}

/// Hands who is to end to the launcher, and remembers what was seen.
fn notice(seen: &[Followed]) -> Result<Vec<Known>> {
    // After the snapshot: whoever proved a password that it no longer has began before this.
    let now = time::now();
    let former = follow::known();
    let (known, mut ends) = decide(&former, seen, follow::first_look(), now);
    let gone = gone(&former, &known)?;
    ends.extend(gone.into_iter().map(|role| End { role, before: now }));
    let until = now + time::authentication_timeout();
    for end in ends {
        sweeps::sweep(Oid::from(end.role), end.before, until);
    }
    // Last: what is done twice does no harm, and what is forgotten does.
    follow::remember(&known);
    Ok(known)
}

/// Roles of ours that are no more: a session of one has nothing left that holds it. They were a credential's
/// or a twin's at the last look, or a job says that they were; other roles are not ours to end, and neither
/// is one that was released, which is there still.
fn gone(former: &[Known], known: &[Known]) -> Result<Vec<u32>> {
    let roles = |all: &[Known]| -> HashSet<u32> {
        let both = all.iter().flat_map(|k| [k.role, k.twin]);
        both.filter(|role| *role != 0).collect()
    };
    let mut left = &roles(former) - &roles(known);
    let is_gone = |role: &u32| ident::role_name(Oid::from(*role)).is_none();
    left.retain(is_gone);
    let clients = session::all().into_iter().filter(|s| s.client);
    let connected: HashSet<u32> = clients.map(|s| s.role.to_u32()).collect();
    for role in connected.into_iter().filter(is_gone) {
        if jobs::concerned(Oid::from(role))? {
            left.insert(role);
        }
    }
    Ok(left.into_iter().collect())
}

/// After a promotion, before any job goes on: what the former primary ordered is from here on as if it had
/// been ordered here. Its moments are by another clock, and sessions here have seen its changes later than
/// it made them.
pub(super) fn take_over() -> Result<()> {
    // Before what is seen, so that it has the cuts of all of these.
    let latest = jobs::latest()?;
    let seen = catalog::followed()?;
    let known = notice(&seen)?;
    let ordered = time::now() + 1;
    for of in &known {
        jobs::take_over(Oid::from(of.role), latest, ordered, of.cut_seen)?;
    }
    for of in known.iter().filter(|of| of.twin != 0) {
        catalog::twin::take_over(Oid::from(of.role), of.begun_at, of.begun_seen)?;
    }
    Ok(())
}

/// Whose sessions end: those of `role` that began at or before `before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    role: u32,
    before: Time,
}

/// What is remembered from here on, and whose sessions end, given what was remembered and what is seen.
///
/// - Where the number of cuts has grown, sessions of the role that began up to now end: they are of a
///   retired password, or the role was closed. Those of a renewed twin that began before its rotation was
///   seen end with them; where the role was closed, all of the twin's.
/// - A twin that is closed for good loses all its sessions, one that retires keeps them.
///
/// The first look of a server's life remembers nothing. Who began after the launcher's first snapshot, and
/// whose row has not been written since that, has proved a password that is still good, and stays. All others
/// may have proved one that was replaced by what the server replayed while it started: they end, and come
/// back with the password of now. So a plain restart of a follower costs those sessions that began in its
/// first milliseconds.
fn decide(
    known: &[Known],
    seen: &[Followed],
    first: Option<Start>,
    now: Time,
) -> (Vec<Known>, Vec<End>) {
    let from = |xmin: u32| match first {
        Some(start) if !start.is_fresh(xmin) => start.since,
        _ => now,
    };
    let former: HashMap<u32, &Known> = known.iter().map(|k| (k.role, k)).collect();
    let mut remembered = Vec::with_capacity(seen.len());
    let mut ends = Vec::new();
    for of in seen {
        let before = former.get(&of.role.to_u32());
        let was = before.map_or_else(Known::default, |known| **known);
        let mut is = Known {
            role: of.role.to_u32(),
            cuts: of.cuts,
            cut_seen: was.cut_seen,
            ..Known::default()
        };
        let cut = of.cuts > was.cuts;
        if cut {
            is.cut_seen = if before.is_some() { now } else { from(of.xmin) };
            ends.push(End {
                role: is.role,
                before: is.cut_seen,
            });
        }
        if let Some(twin) = &of.twin {
            is.twin = twin.role.to_u32();
            is.begun_at = twin.begun_at;
            is.ended = twin.phase == Phase::Ended;
            let same = was.twin == is.twin;
            is.begun_seen = match same && was.begun_at == is.begun_at {
                true => was.begun_seen,
                false => from(twin.xmin),
            };
            let closed = matches!(of.state, State::Suspended | State::Destroying);
            let ends_now = is.ended && !(same && was.ended) || cut && closed;
            if ends_now || cut && twin.renewed {
                ends.push(End {
                    role: is.twin,
                    before: if ends_now {
                        from(twin.xmin)
                    } else {
                        is.begun_seen
                    },
                });
            }
        }
        remembered.push(is);
    }
    (remembered, ends)
}

#[cfg(test)]
mod tests;
